//! The form for what a school offers or looks for.

use staffroom_protocol::vocabulary::Vocabulary;

use super::{AUTHOR_ROLE, Form, Input, Part, WHO_SEES, field, hinted};

pub(super) static OFFER: Form = Form {
    heading: "write-offer",
    parts: &[
        Part {
            heading: None,
            fields: &[
                field(
                    "direction",
                    "write-direction",
                    Input::Choice(&[
                        ("offer", "direction-offer"),
                        ("request", "direction-request"),
                    ]),
                ),
                hinted("title", "write-title", "write-offer-title-hint", Input::Line),
                hinted("abstract", "write-abstract", "write-offer-abstract-hint", Input::Text),
                field("form", "write-form", Input::Term(Vocabulary::OfferForms)),
                field(
                    "development_domains",
                    "write-develops",
                    Input::Ticks(Vocabulary::DevelopmentDomains),
                ),
                field("level", "write-level", Input::Term(Vocabulary::Levels)),
                field("dates.from", "write-from", Input::Day),
                field("dates.to", "write-to", Input::Day),
                hinted("when", "write-when", "write-when-hint", Input::Line),
                hinted("where", "write-where", "write-where-hint", Input::Line),
            ],
        },
        Part {
            heading: Some("write-more"),
            fields: &[
                field("subjects", "write-subjects", Input::Ticks(Vocabulary::Subjects)),
                field("source", "write-source", Input::Term(Vocabulary::OfferSources)),
                field("places", "write-places", Input::Number),
                hinted("cost", "write-cost", "write-cost-words-hint", Input::Line),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

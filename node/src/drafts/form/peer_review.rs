//! The form for a peer review, from its question to what came of it: it is shared when schools are asked to
//! come, and again as there is more to say.

use super::{AUTHOR_ROLE, Field, Form, Input, Part, WHO_SEES, field, hinted};

/// The fields of each step that the host will take.
macro_rules! next_steps {
    ($($row:literal)*) => {
        &[
            $(
                field(concat!("next_steps.", $row, ".step"), "write-step", Input::Text),
                hinted(
                    concat!("next_steps.", $row, ".owner_role"),
                    "write-step-role",
                    "write-contact-hint",
                    Input::Line,
                ),
                field(concat!("next_steps.", $row, ".date"), "write-step-day", Input::Day),
            )*
        ]
    };
}

/// Steps that the form has room for: more than a school takes up after one visit.
const NEXT_STEPS: &[Field] = next_steps!(0 1 2 3 4 5 6 7 8 9 10 11);

pub(super) static PEER_REVIEW: Form = Form {
    heading: "write-peer-review",
    parts: &[
        Part {
            heading: None,
            fields: &[
                hinted("title", "write-title", "write-review-title-hint", Input::Line),
                hinted("focus", "write-focus", "write-focus-hint", Input::Text),
                hinted("reviewers", "write-reviewers", "write-reviewers-hint", Input::Text),
                field("dates.from", "write-from", Input::Day),
                field("dates.to", "write-to", Input::Day),
            ],
        },
        Part {
            heading: Some("write-review-seen"),
            fields: &[
                hinted("evidence_seen", "write-evidence-seen", "write-no-grades", Input::Text),
                hinted("strengths", "write-strengths", "write-line-each", Input::Text),
            ],
        },
        Part { heading: Some("write-next-steps"), fields: NEXT_STEPS },
        Part {
            heading: Some("write-more"),
            fields: &[
                field("follow_up", "write-follow-up", Input::Text),
                hinted("host", "write-host", "write-host-hint", Input::Line),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

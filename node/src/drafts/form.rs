//! The forms that staff write in: which fields each has, and how each is filled in.
//!
//! A field's name is where its value goes in the record, as [`rows`](super::rows) reads it: `outcome.name`
//! is `name` in `outcome`. Its label and hint are names of messages.

mod framework;
mod impact_report;
mod offer;
mod peer_review;

use staffroom_protocol::record::Kind;
use staffroom_protocol::vocabulary::Vocabulary;

pub(crate) use impact_report::PASTED;

/// What a form asks, part by part.
#[derive(Debug)]
pub(crate) struct Form {
    /// The message that is the heading of its page.
    pub(crate) heading: &'static str,
    pub(crate) parts: &'static [Part],
}

/// Fields that belong together.
#[derive(Debug)]
pub(crate) struct Part {
    /// The message that is its heading; none for what every record of this kind needs.
    pub(crate) heading: Option<&'static str>,
    pub(crate) fields: &'static [Field],
}

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: Option<&'static str>,
    pub(crate) input: Input,
}

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// One line.
    Line,
    /// Several lines.
    Text,
    Day,
    Number,
    /// One of a few answers, all of them to be seen: the value and its message.
    Choice(&'static [(&'static str, &'static str)]),
    /// One of more answers, or none.
    List(&'static [(&'static str, &'static str)]),
    /// One of the terms of a vocabulary, or none.
    Term(Vocabulary),
    /// Any of the terms of a vocabulary.
    Ticks(Vocabulary),
    Yes,
    /// The groups that will see it.
    Groups,
    /// Set when the draft was begun.
    Kept,
}

impl Input {
    /// Whether several answers may be given.
    pub(crate) fn takes_several(self) -> bool {
        matches!(self, Self::Ticks(_) | Self::Groups)
    }
}

impl Form {
    /// The form of a kind.
    pub(crate) fn of(kind: Kind) -> &'static Self {
        match kind {
            Kind::Intervention => &INTERVENTION,
            Kind::Adoption => &ADOPTION,
            Kind::ImpactReport => &impact_report::IMPACT_REPORT,
            Kind::Resource => &RESOURCE,
            Kind::Framework => &framework::FRAMEWORK,
            Kind::Expectation => &framework::EXPECTATION,
            Kind::Plan => &framework::PLAN,
            Kind::SelfAssessment => &framework::SELF_ASSESSMENT,
            Kind::Offer => &offer::OFFER,
            Kind::PeerReview => &peer_review::PEER_REVIEW,
            Kind::Comment => &COMMENT,
        }
    }

    /// The fields for figures.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &'static Field> {
        let has_figures =
            |part: &&Part| part.fields.iter().any(|one| one.name.starts_with("arms."));
        self.parts.iter().filter(has_figures).flat_map(|part| part.fields)
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.parts.iter().flat_map(|part| part.fields)
    }
}

const fn field(name: &'static str, label: &'static str, input: Input) -> Field {
    Field { name, label, hint: None, input }
}

const fn hinted(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    input: Input,
) -> Field {
    Field { name, label, hint: Some(hint), input }
}

const STATES: Input = Input::Choice(&[
    ("proposed", "state-proposed"),
    ("running", "state-running"),
    ("finished", "state-finished"),
    ("stopped", "state-stopped"),
]);

const ROLES: Input = Input::List(&[
    ("teacher", "role-teacher"),
    ("support_staff", "role-support-staff"),
    ("middle_leader", "role-middle-leader"),
    ("senior_leader", "role-senior-leader"),
    ("governor", "role-governor"),
    ("trust", "role-trust"),
]);

const AUTHOR_ROLE: Field = field("author_role", "write-author-role", ROLES);

const WHO_SEES: Part = Part {
    heading: Some("write-who-sees"),
    fields: &[hinted("groups", "write-groups", "write-groups-hint", Input::Groups)],
};

static INTERVENTION: Form = Form {
    heading: "write-intervention",
    parts: &[
        Part {
            heading: None,
            fields: &[
                hinted("title", "write-title", "write-title-hint", Input::Line),
                hinted("aim", "write-aim", "write-aim-hint", Input::Text),
                hinted("what_is_different", "write-different", "write-different-hint", Input::Text),
                hinted("monitoring", "write-monitoring", "write-monitoring-hint", Input::Text),
                field("subjects", "write-subjects", Input::Ticks(Vocabulary::Subjects)),
                field("key_stages", "write-key-stages", Input::Ticks(Vocabulary::KeyStages)),
                field("pupil_groups", "write-pupil-groups", Input::Ticks(Vocabulary::PupilGroups)),
            ],
        },
        Part {
            heading: Some("write-more"),
            fields: &[
                hinted("abstract", "write-abstract", "write-abstract-hint", Input::Text),
                field("rationale", "write-rationale", Input::Text),
                field("year_groups", "write-year-groups", Input::Ticks(Vocabulary::YearGroups)),
                hinted("core_elements", "write-core", "write-line-each", Input::Text),
                hinted("adaptable_elements", "write-adaptable", "write-line-each", Input::Text),
                field("training_needed", "write-training", Input::Text),
                hinted("cost.per_year", "write-cost-year", "write-cost-hint", Input::Number),
                field("cost.one_off", "write-cost-once", Input::Number),
                field("cost.pupils", "write-cost-pupils", Input::Number),
                field("state", "write-state", STATES),
                field("started", "write-started", Input::Day),
                field("ended", "write-ended", Input::Day),
                hinted("stop_reason", "write-stop-reason", "write-stop-reason-hint", Input::Text),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

static ADOPTION: Form = Form {
    heading: "write-adoption",
    parts: &[
        Part {
            heading: None,
            fields: &[
                field("of", "write-of", Input::Kept),
                field("title", "write-title", Input::Line),
                field(
                    "type",
                    "write-closeness",
                    Input::Choice(&[
                        ("exact", "closeness-exact"),
                        ("adapted", "closeness-adapted"),
                        ("inspired", "closeness-inspired"),
                    ]),
                ),
                hinted("changes", "write-changes", "write-changes-hint", Input::Text),
                field("state", "write-state", STATES),
                field("started", "write-started", Input::Day),
            ],
        },
        Part {
            heading: Some("write-more"),
            fields: &[
                field("reason_for_choice", "write-reason", Input::Text),
                field("ended", "write-ended", Input::Day),
                hinted("contact_role", "write-contact", "write-contact-hint", Input::Line),
                hinted("stop_reason", "write-stop-reason", "write-stop-reason-hint", Input::Text),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

static RESOURCE: Form = Form {
    heading: "write-resource",
    parts: &[
        Part {
            heading: None,
            fields: &[
                field("title", "write-title", Input::Line),
                field("type", "write-resource-type", Input::Term(Vocabulary::ResourceTypes)),
                field("subjects", "write-subjects", Input::Ticks(Vocabulary::Subjects)),
                field("key_stages", "write-key-stages", Input::Ticks(Vocabulary::KeyStages)),
                hinted("abstract", "write-about-resource", "write-abstract-hint", Input::Text),
                hinted(
                    "licence",
                    "write-licence",
                    "write-licence-hint",
                    Input::Term(Vocabulary::Licences),
                ),
            ],
        },
        Part {
            heading: Some("write-more"),
            fields: &[
                field("based_on", "write-based-on", Input::Kept),
                field("year_groups", "write-year-groups", Input::Ticks(Vocabulary::YearGroups)),
                hinted("teaches", "write-teaches", "write-line-each", Input::Text),
                field("time_required", "write-time-required", Input::Line),
                field("accessibility", "write-accessibility", Input::Text),
                hinted("url", "write-url", "write-url-hint", Input::Line),
                hinted("rights_holder", "write-rights", "write-rights-hint", Input::Line),
                field("third_party_material", "write-third-party", Input::Yes),
                hinted(
                    "third_party_list",
                    "write-third-list",
                    "write-third-list-hint",
                    Input::Text,
                ),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

static COMMENT: Form = Form {
    heading: "write-comment",
    parts: &[
        Part {
            heading: None,
            fields: &[
                field("on", "write-of", Input::Kept),
                field(
                    "type",
                    "write-comment-type",
                    Input::Choice(&[
                        ("question", "comment-question"),
                        ("answer", "comment-answer"),
                        ("thanks", "comment-thanks"),
                        ("caution", "comment-caution"),
                    ]),
                ),
                hinted("text", "write-comment-text", "write-comment-text-hint", Input::Text),
                hinted("title", "write-title", "write-comment-title-hint", Input::Line),
            ],
        },
        WHO_SEES,
    ],
};

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::State;
    use staffroom_protocol::record::adoption::Closeness;
    use staffroom_protocol::record::impact_report::{
        Allocation, AttritionBand, Conclusion, Design, Marker, OutcomeType, Polarity,
    };
    use staffroom_protocol::record::offer::Direction;
    use staffroom_protocol::record::self_assessment::Body;

    use super::*;

    fn answers(kind: Kind, name: &str) -> Vec<&'static str> {
        let form = Form::of(kind);
        let field = form.fields().find(|field| field.name == name).unwrap();
        let (Input::Choice(answers) | Input::List(answers)) = field.input else {
            panic!("{field:?}")
        };
        answers.iter().map(|(value, _)| *value).collect()
    }

    #[test]
    fn forms_offer_the_answers_that_records_know() {
        fn all<T: Copy>(terms: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
            terms.iter().map(|term| name(*term)).collect()
        }
        let states = all(State::ALL, State::as_str);
        assert_eq!(answers(Kind::Intervention, "state"), states);
        assert_eq!(answers(Kind::Adoption, "state"), states);
        assert_eq!(answers(Kind::Adoption, "type"), all(Closeness::ALL, Closeness::as_str));
        assert_eq!(answers(Kind::Offer, "direction"), all(Direction::ALL, Direction::as_str));
        assert_eq!(answers(Kind::SelfAssessment, "by"), all(Body::ALL, Body::as_str));
        let approach = answers(Kind::Framework, "practice_policies.0.approach");
        assert_eq!(approach, ["standardised", "aligned", "autonomous"]);
        let report = |name| answers(Kind::ImpactReport, name);
        assert_eq!(report("conclusion"), all(Conclusion::ALL, Conclusion::as_str));
        assert_eq!(report("design"), all(Design::ALL, Design::as_str));
        assert_eq!(report("attrition"), all(AttritionBand::ALL, AttritionBand::as_str));
        assert_eq!(report("outcome.type"), all(OutcomeType::ALL, OutcomeType::as_str));
        assert_eq!(report("outcome.polarity"), all(Polarity::ALL, Polarity::as_str));
        assert_eq!(report("outcome.marked_by"), all(Marker::ALL, Marker::as_str));
        assert_eq!(report("unit_of_allocation"), all(Allocation::ALL, Allocation::as_str));
    }

    #[test]
    fn no_pasted_scores_are_a_field_of_a_draft() {
        let form = Form::of(Kind::ImpactReport);
        for (name, _, fills) in PASTED {
            assert!(form.fields().all(|field| field.name != name), "{name}");
            for part in ["mean", "sd"] {
                let filled = format!("{fills}.{part}");
                assert!(form.fields().any(|field| field.name == filled), "{filled}");
            }
        }
    }
}

//! The forms for what schools hold in common: a framework and its decisions, an expectation, the answers
//! to the checklist, an improvement plan. What a table has rows of is a few fields a row.

use staffroom_protocol::vocabulary::Vocabulary;

use super::{AUTHOR_ROLE, Field, Form, Input, Part, WHO_SEES, field, hinted};

const APPROACHES: Input = Input::List(&[
    ("standardised", "approach-standardised"),
    ("aligned", "approach-aligned"),
    ("autonomous", "approach-autonomous"),
]);

/// The fields of each decision.
macro_rules! decisions {
    ($($row:literal)*) => {
        &[
            hinted("title", "write-title", "write-framework-title-hint", Input::Line),
            $(
                field(
                    concat!("practice_policies.", $row, ".area"),
                    "write-area",
                    Input::Term(Vocabulary::PracticeAreas),
                ),
                field(concat!("practice_policies.", $row, ".approach"), "write-approach", APPROACHES),
                field(concat!("practice_policies.", $row, ".rationale"), "write-why", Input::Text),
                hinted(
                    concat!("practice_policies.", $row, ".decided_by"),
                    "write-decided-by",
                    "write-decided-by-hint",
                    Input::Line,
                ),
                field(
                    concat!("practice_policies.", $row, ".decided_on"),
                    "write-decided-on",
                    Input::Day,
                ),
                hinted(
                    concat!("practice_policies.", $row, ".review"),
                    "write-review",
                    "write-review-hint",
                    Input::Day,
                ),
                hinted(
                    concat!("practice_policies.", $row, ".agreed_by"),
                    "write-agreed-by",
                    "write-agreed-by-hint",
                    Input::Text,
                ),
                hinted(
                    concat!("practice_policies.", $row, ".exceptions.0.school"),
                    "write-exception",
                    "write-exception-hint",
                    Input::Line,
                ),
                field(
                    concat!("practice_policies.", $row, ".exceptions.0.reason"),
                    "write-exception-reason",
                    Input::Text,
                ),
                field(
                    concat!("practice_policies.", $row, ".exceptions.0.until"),
                    "write-exception-until",
                    Input::Day,
                ),
            )*
        ]
    };
}

/// The fields of each answer to the checklist.
macro_rules! answers {
    ($($row:literal)*) => {
        &[
            field("title", "write-title", Input::Line),
            field(
                "by",
                "write-by",
                Input::Choice(&[("school", "by-school"), ("trust", "by-trust")]),
            ),
            hinted("term", "write-term", "write-term-hint", Input::Line),
            $(
                field(concat!("answers.", $row, ".question"), "write-question", Input::Kept),
                field(
                    concat!("answers.", $row, ".score"),
                    "write-score",
                    Input::List(&[
                        ("1", "score-1"),
                        ("2", "score-2"),
                        ("3", "score-3"),
                        ("4", "score-4"),
                    ]),
                ),
                field(concat!("answers.", $row, ".comment"), "write-answer", Input::Text),
                field(concat!("answers.", $row, ".next_step"), "write-next-step", Input::Text),
                hinted(
                    concat!("answers.", $row, ".evidence"),
                    "write-evidence",
                    "write-evidence-hint",
                    Input::Text,
                ),
            )*
        ]
    };
}

/// The fields of each priority of a plan.
macro_rules! priorities {
    ($($row:literal)*) => {
        &[
            field("title", "write-title", Input::Line),
            hinted("academic_year", "write-academic-year", "write-academic-year-hint", Input::Line),
            $(
                field(concat!("priorities.", $row, ".statement"), "write-statement", Input::Text),
                field(
                    concat!("priorities.", $row, ".area"),
                    "write-inspection-area",
                    Input::Term(Vocabulary::InspectionAreas),
                ),
                hinted(
                    concat!("priorities.", $row, ".measure"),
                    "write-plan-measure",
                    "write-plan-measure-hint",
                    Input::Line,
                ),
                field(
                    concat!("priorities.", $row, ".polarity"),
                    "write-polarity",
                    Input::List(&[
                        ("higher_is_better", "polarity-higher"),
                        ("lower_is_better", "polarity-lower"),
                    ]),
                ),
                hinted(
                    concat!("priorities.", $row, ".pupils"),
                    "write-plan-pupils",
                    "write-plan-pupils-hint",
                    Input::Number,
                ),
                field(concat!("priorities.", $row, ".baseline"), "write-baseline", Input::Number),
                field(concat!("priorities.", $row, ".target"), "write-target", Input::Number),
                field(
                    concat!("priorities.", $row, ".target_date"),
                    "write-target-date",
                    Input::Day,
                ),
                field(concat!("priorities.", $row, ".lead_role"), "write-lead-role", Input::Line),
                hinted(
                    concat!("priorities.", $row, ".actions"),
                    "write-actions",
                    "write-line-each",
                    Input::Text,
                ),
                field(concat!("priorities.", $row, ".evidence"), "write-monitoring", Input::Text),
            )*
        ]
    };
}

/// Decisions that the form has room for: every area of practice, since each is decided once.
const DECISIONS: &[Field] =
    decisions!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24);

/// An answer for each question of the checklist.
const ANSWERS: &[Field] = answers!(0 1 2 3 4 5);

/// As many priorities as a plan may have.
const PRIORITIES: &[Field] = priorities!(0 1 2 3 4 5 6);

pub(super) static FRAMEWORK: Form = Form {
    heading: "write-framework",
    parts: &[
        Part { heading: None, fields: DECISIONS },
        Part {
            heading: Some("write-vision-and-priorities"),
            fields: &[
                field("vision", "write-vision", Input::Text),
                field("mission", "write-mission", Input::Text),
                hinted("priorities", "write-priorities", "write-line-each", Input::Text),
                hinted("emphases", "write-emphases", "write-emphases-hint", Input::Text),
                hinted("values", "write-values", "write-line-each", Input::Text),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

pub(super) static EXPECTATION: Form = Form {
    heading: "write-expectation",
    parts: &[
        Part {
            heading: None,
            fields: &[
                hinted("title", "write-title", "write-expectation-title-hint", Input::Line),
                field("subject", "write-subject", Input::Term(Vocabulary::Subjects)),
                field("year_group", "write-year-group", Input::Term(Vocabulary::YearGroups)),
                hinted("statement", "write-expected", "write-expected-hint", Input::Text),
                hinted("exemplars", "write-exemplars", "write-exemplars-hint", Input::Text),
                hinted("agreed_by", "write-agreed-by", "write-line-each", Input::Text),
                field("moderation_date", "write-moderated", Input::Day),
            ],
        },
        Part { heading: Some("write-more"), fields: &[AUTHOR_ROLE] },
        WHO_SEES,
    ],
};

pub(super) static SELF_ASSESSMENT: Form = Form {
    heading: "write-self-assessment",
    parts: &[
        Part { heading: None, fields: ANSWERS },
        Part { heading: Some("write-more"), fields: &[AUTHOR_ROLE] },
        WHO_SEES,
    ],
};

pub(super) static PLAN: Form = Form {
    heading: "write-plan",
    parts: &[
        Part { heading: None, fields: PRIORITIES },
        Part { heading: Some("write-more"), fields: &[AUTHOR_ROLE] },
        WHO_SEES,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_row_for_each_area_and_question() {
        let rows = |fields: &[Field], last: &str| {
            fields.iter().filter(|field| field.name.ends_with(last)).count()
        };
        assert_eq!(rows(DECISIONS, ".area"), Vocabulary::PracticeAreas.terms().len());
        assert_eq!(rows(ANSWERS, ".question"), Vocabulary::ChecklistQuestions.terms().len());
    }
}

//! The form for a report on what came of something: words first, and figures where there are figures.

use staffroom_protocol::vocabulary::Vocabulary;

use super::{AUTHOR_ROLE, Field, Form, Input, Part, WHO_SEES, field, hinted};

pub(super) static IMPACT_REPORT: Form = Form {
    heading: "write-report",
    parts: &[
        Part {
            heading: None,
            fields: &[
                field("of", "write-of", Input::Kept),
                field("title", "write-title", Input::Line),
                field("period.from", "write-from", Input::Day),
                field("period.to", "write-to", Input::Day),
                hinted("what_was_seen", "write-seen", "write-seen-hint", Input::Text),
                hinted("other_factors", "write-other", "write-other-hint", Input::Text),
                field(
                    "conclusion",
                    "write-conclusion",
                    Input::Choice(&[
                        ("continue", "conclusion-continue"),
                        ("adapt", "conclusion-adapt"),
                        ("stop", "conclusion-stop"),
                        ("unclear", "conclusion-unclear"),
                    ]),
                ),
            ],
        },
        Part { heading: Some("write-figures"), fields: FIGURES },
        Part {
            heading: Some("write-more"),
            fields: &[
                hinted("abstract", "write-abstract", "write-abstract-hint", Input::Text),
                field("value_for_money", "write-value", Input::Text),
                field("would_recommend_to", "write-recommend", Input::Text),
                field("year_groups", "write-year-groups", Input::Ticks(Vocabulary::YearGroups)),
                field("pupil_groups", "write-pupil-groups", Input::Ticks(Vocabulary::PupilGroups)),
                AUTHOR_ROLE,
            ],
        },
        WHO_SEES,
    ],
};

/// Of the figures, those that an effect follows from.
const FIGURES: &[Field] = &[
    field(
        "design",
        "write-design",
        Input::List(&[
            ("described", "design-described"),
            ("before_and_after", "design-before-after"),
            ("unmatched_comparison", "design-unmatched"),
            ("matched_comparison", "design-matched"),
            ("random_by_pupil", "design-random-pupil"),
            ("random_by_class_or_school", "design-random-class"),
        ]),
    ),
    hinted("outcome.name", "write-outcome", "write-outcome-hint", Input::Line),
    hinted("outcome.domain", "write-domain", "write-domain-hint", Input::Line),
    field("outcome.measure", "write-measure", Input::Line),
    field(
        "outcome.type",
        "write-outcome-type",
        Input::List(&[
            ("standardised", "outcome-standardised"),
            ("statutory", "outcome-statutory"),
            ("teacher_made", "outcome-teacher-made"),
            ("survey", "outcome-survey"),
            ("attendance", "outcome-attendance"),
            ("behaviour", "outcome-behaviour"),
        ]),
    ),
    field(
        "outcome.polarity",
        "write-polarity",
        Input::List(&[
            ("higher_is_better", "polarity-higher"),
            ("lower_is_better", "polarity-lower"),
        ]),
    ),
    field("outcome.minimum", "write-minimum", Input::Number),
    field("outcome.maximum", "write-maximum", Input::Number),
    field(
        "outcome.marked_by",
        "write-marked-by",
        Input::List(&[
            ("deliverer", "marker-deliverer"),
            ("colleague", "marker-colleague"),
            ("external", "marker-external"),
            ("computer", "marker-computer"),
        ]),
    ),
    field(
        "unit_of_allocation",
        "write-allocation",
        Input::List(&[
            ("pupil", "allocation-pupil"),
            ("class", "allocation-class"),
            ("school", "allocation-school"),
        ]),
    ),
    field("chosen_for_low_scores", "write-low-scores", Input::Yes),
    field("comparison_received", "write-comparison", Input::Text),
    hinted("arms.intervention.n_at_start", "write-n-start", "write-n-start-hint", Input::Number),
    field("arms.intervention.n", "write-n", Input::Number),
    field("arms.intervention.before.mean", "write-before-mean", Input::Number),
    field("arms.intervention.before.sd", "write-before-sd", Input::Number),
    field("arms.intervention.after.mean", "write-after-mean", Input::Number),
    field("arms.intervention.after.sd", "write-after-sd", Input::Number),
    field("arms.intervention.achieving", "write-achieving", Input::Number),
    field("arms.intervention.clusters", "write-clusters", Input::Number),
    field("arms.comparison.n_at_start", "write-other-n-start", Input::Number),
    field("arms.comparison.n", "write-other-n", Input::Number),
    field("arms.comparison.before.mean", "write-other-before-mean", Input::Number),
    field("arms.comparison.before.sd", "write-other-before-sd", Input::Number),
    field("arms.comparison.after.mean", "write-other-after-mean", Input::Number),
    field("arms.comparison.after.sd", "write-other-after-sd", Input::Number),
    field("arms.comparison.achieving", "write-other-achieving", Input::Number),
    field("arms.comparison.clusters", "write-other-clusters", Input::Number),
    hinted("confirm_large_effect", "write-large", "write-large-hint", Input::Yes),
];

/// The columns of scores that may be pasted, and the fields that they fill: n, mean and SD.
pub(crate) const PASTED: [(&str, &str, &str); 4] = [
    ("paste.intervention.before", "write-paste-before", "arms.intervention.before"),
    ("paste.intervention.after", "write-paste-after", "arms.intervention.after"),
    ("paste.comparison.before", "write-paste-other-before", "arms.comparison.before"),
    ("paste.comparison.after", "write-paste-other-after", "arms.comparison.after"),
];

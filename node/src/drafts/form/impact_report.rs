//! The form for a report on what came of something: words first, and figures where there are figures.

use staffroom_protocol::vocabulary::Vocabulary;

use super::{AUTHOR_ROLE, Field, Form, Input, Part, WHO_SEES, field, hinted};

/// The fields of what people said and did, with those of each statement that pupils were asked about.
macro_rules! voices {
    ($($row:literal)*) => {
        &[
            field("fidelity.delivered_as_planned_percent", "write-planned", Input::Number),
            field("fidelity.what_changed", "write-planned-changes", Input::Text),
            field("engagement.sessions_attended_percent", "write-attended", Input::Number),
            hinted("engagement.n", "write-attended-n", "write-attended-n-hint", Input::Number),
            hinted("feedback.staff.summary", "write-staff", "write-voice-hint", Input::Text),
            field("feedback.staff.n", "write-staff-n", Input::Number),
            hinted("feedback.pupils.summary", "write-pupils", "write-voice-hint", Input::Text),
            hinted("feedback.pupils.n", "write-pupils-n", "write-voice-n-hint", Input::Number),
            hinted("feedback.parents.summary", "write-parents", "write-voice-hint", Input::Text),
            hinted("feedback.parents.n", "write-parents-n", "write-voice-n-hint", Input::Number),
            $(
                field(
                    concat!("engagement.attitudes.", $row, ".statement"),
                    "write-statement-asked",
                    Input::Text,
                ),
                hinted(
                    concat!("engagement.attitudes.", $row, ".scale"),
                    "write-scale",
                    "write-scale-hint",
                    Input::Line,
                ),
                field(concat!("engagement.attitudes.", $row, ".n"), "write-answered", Input::Number),
                field(
                    concat!("engagement.attitudes.", $row, ".mean_before"),
                    "write-answers-before",
                    Input::Number,
                ),
                field(
                    concat!("engagement.attitudes.", $row, ".mean_after"),
                    "write-answers-after",
                    Input::Number,
                ),
                field(
                    concat!("engagement.attitudes.", $row, ".summary"),
                    "write-answers",
                    Input::Text,
                ),
            )*
        ]
    };
}

/// Statements that the form has room for: as many as a report may have.
const VOICES: &[Field] = voices!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);

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
        Part { heading: Some("write-voices"), fields: VOICES },
        Part {
            heading: Some("write-evaluator"),
            fields: &[
                hinted(
                    "evaluator_estimate.evaluator",
                    "write-evaluator-name",
                    "write-evaluator-hint",
                    Input::Line,
                ),
                hinted(
                    "evaluator_estimate.effect",
                    "write-evaluator-effect",
                    "write-evaluator-effect-hint",
                    Input::Number,
                ),
                field("evaluator_estimate.lower", "write-evaluator-lower", Input::Number),
                field("evaluator_estimate.upper", "write-evaluator-upper", Input::Number),
                field("evaluator_estimate.method", "write-evaluator-method", Input::Text),
                field("evaluator_estimate.url", "write-evaluator-url", Input::Line),
            ],
        },
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
            ("regression_discontinuity", "design-discontinuity"),
            ("other", "design-other"),
        ]),
    ),
    hinted("design_name", "write-design-name", "write-design-name-hint", Input::Line),
    hinted("outcome.name", "write-outcome", "write-outcome-hint", Input::Line),
    hinted("outcome.domain", "write-domain", "write-domain-hint", Input::Line),
    field("outcome.measure", "write-measure", Input::Line),
    hinted(
        "outcome.measure_before",
        "write-measure-before",
        "write-measure-before-hint",
        Input::Line,
    ),
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
    hinted("outcome.step", "write-step-of-measure", "write-step-of-measure-hint", Input::Number),
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
    hinted(
        "attrition",
        "write-attrition",
        "write-attrition-hint",
        Input::List(&[
            ("up_to_10_percent", "attrition-10"),
            ("up_to_20_percent", "attrition-20"),
            ("up_to_30_percent", "attrition-30"),
            ("up_to_40_percent", "attrition-40"),
            ("up_to_50_percent", "attrition-50"),
            ("over_50_percent", "attrition-over-50"),
        ]),
    ),
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

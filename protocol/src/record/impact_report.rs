//! What came of an intervention or an adoption: words, and figures where there are figures.

mod arms;
mod effect;
mod figures;
mod outcome;
mod rules;
mod voices;

use serde::{Deserialize, Serialize};

use super::ages;
use super::term::terms;
use super::written;
use super::{Common, Period, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

pub use arms::{Arm, Arms, AttritionBand, Interval, Score};
pub use effect::{cox_index, default_icc, design_effect, hedges_g, small_sample_correction};
pub use figures::{DetectableBand, Figures, Group, Spread, n_changed_slightly};
pub use outcome::{Marker, Outcome, OutcomeType, Polarity};
pub use voices::{Attitude, Engagement, EvaluatorEstimate, Feedback, Fidelity, Voice};

/// What came of an intervention or an adoption.
///
/// `of`, `period`, `what_was_seen`, `other_factors` and `conclusion` make it complete.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ImpactReport {
    /// The intervention or adoption it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Reference>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub period: Option<Period>,
    /// What was seen.
    pub what_was_seen: String,
    /// What else may explain it.
    pub other_factors: String,
    /// What the school concludes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// The pupils it is on, where they are fewer than the intervention says.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub year_groups: Vec<String>,
    /// The groups of pupils it is on, where they are fewer than the intervention says.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub pupil_groups: Vec<String>,
    /// How the effect was looked for.
    pub design: Design,
    /// The name of a design that is `other`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub design_name: String,
    /// What was put into one group or the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_of_allocation: Option<Allocation>,
    /// What the comparison group had meanwhile.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comparison_received: String,
    /// Another report that counts the same comparison group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison_shared_with: Option<Reference>,
    /// Whether pupils were chosen because they had low scores.
    #[serde(deserialize_with = "written::yes_no")]
    pub chosen_for_low_scores: bool,
    /// What was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The numbers of each group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arms: Option<Arms>,
    /// The share of pupils lost between start and end; computed where `n_at_start` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attrition: Option<AttritionBand>,
    /// The smallest effect that could have been detected. Worked out when the report is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectable_effect: Option<DetectableBand>,
    /// Why the figures stay in the school. Written when the report is shared.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub figures_withheld: String,
    /// Intra-class correlation, where it is known better than the usual value for such outcomes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub icc: Option<f64>,
    /// The share of the variance in the outcome that the scores before explain, 0–1.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub r_squared: Option<f64>,
    /// The author's word that an effect above 2 standard deviations is no slip.
    #[serde(deserialize_with = "written::yes_no")]
    pub confirm_large_effect: bool,
    /// Attendance at sessions, and attitudes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
    /// What staff, pupils and parents said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// How far it was delivered as planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// Whether it was worth what it cost.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value_for_money: String,
    /// The schools or pupils it would suit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub would_recommend_to: String,
    /// What an outside evaluator worked out: shown as theirs, never pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluator_estimate: Option<EvaluatorEstimate>,
}

terms! {
    /// What a school concludes from a report.
    Conclusion, "conclusion" {
        /// Go on as it is.
        Continue = "continue",
        /// Go on with changes.
        Adapt = "adapt",
        /// Give it up.
        Stop = "stop",
        /// No conclusion yet.
        Unclear = "unclear",
    }
}

terms! {
    /// How an effect was looked for. The first six run from the weakest to the strongest; the rest
    /// are shown as described, because their effect does not follow from the means of the groups.
    Design, "design" {
        /// In words.
        Described = "described",
        /// One group, measured twice.
        BeforeAndAfter = "before_and_after",
        /// Beside a group that was not chosen to be like it.
        UnmatchedComparison = "unmatched_comparison",
        /// Beside a group that was chosen to be like it.
        MatchedComparison = "matched_comparison",
        /// Each pupil put into a group at random.
        RandomByPupil = "random_by_pupil",
        /// Each class or school put into a group at random.
        RandomByClassOrSchool = "random_by_class_or_school",
        /// On either side of a threshold.
        RegressionDiscontinuity = "regression_discontinuity",
        /// Another design, named in `design_name`.
        Other = "other",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no default")]
impl Default for Design {
    fn default() -> Self {
        Self::Described
    }
}

terms! {
    /// What was put into one group or the other as a whole.
    Allocation, "unit of allocation" {
        /// Each pupil by themselves.
        Pupil = "pupil",
        /// Whole classes.
        Class = "class",
        /// Whole schools.
        School = "school",
    }
}

impl Design {
    /// Whether the effect is that of one group against another.
    pub const fn is_controlled(self) -> bool {
        match self {
            Self::UnmatchedComparison
            | Self::MatchedComparison
            | Self::RandomByPupil
            | Self::RandomByClassOrSchool => true,
            Self::Described
            | Self::BeforeAndAfter
            | Self::RegressionDiscontinuity
            | Self::Other => false,
        }
    }

    const fn is_measured(self) -> bool {
        self.is_controlled() || matches!(self, Self::BeforeAndAfter)
    }
}

impl ImpactReport {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        self.validate_words(problems);
        self.validate_figures(problems);
        if let Some(engagement) = &self.engagement {
            engagement.validate(self.arms.as_ref(), problems);
        }
        if let Some(feedback) = &self.feedback {
            feedback.validate(problems);
        }
        if let Some(fidelity) = &self.fidelity {
            fidelity.validate(problems);
        }
        if let Some(estimate) = &self.evaluator_estimate {
            estimate.validate(problems);
        }
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::YearGroups.normalise_all(&mut self.year_groups);
        Vocabulary::PupilGroups.normalise_all(&mut self.pupil_groups);
    }

    /// Takes out what stays in the school.
    pub(super) fn redact(&mut self) {
        self.redact_figures();
    }

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.year_groups = self.year_groups.clone();
        summary.key_stages = ages::key_stages(&[], &self.year_groups);
        summary.pupil_groups = self.pupil_groups.clone();
        summary.conclusion = self.conclusion.map(|conclusion| conclusion.to_string());
        summary.design = Some(self.design.to_string());
        summary.figures = Figures::of(self);
        summary.figures_withheld = Some(self.withheld_text()).filter(|text| !text.is_empty());
        summary.period = self.period;
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.of.iter().chain(&self.comparison_shared_with).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.of.iter_mut().chain(&mut self.comparison_shared_with).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::sample::{self, ID, said, with};
    use crate::record::{Content, Record};

    fn minimal() -> Value {
        json!({
            "kind": "impact report",
            "title": "Paired reading, spring term",
            "of": ID,
            "period": "2026-01-05 to 2026-03-27",
            "what_was_seen": "Most pupils read aloud without being asked",
            "other_factors": "A new library opened in February",
            "conclusion": "continue",
        })
    }

    pub(in crate::record) fn complete() -> Value {
        let score = |mean: f64, sd: f64| json!({ "mean": mean, "sd": sd });
        with(
            &minimal(),
            &[
                ("of", sample::full_reference("ab")),
                ("year_groups", json!("4")),
                ("pupil_groups", json!("PP")),
                ("design", json!("matched comparison")),
                ("unit_of_allocation", json!("class")),
                ("comparison_received", json!("Reading as usual")),
                ("comparison_shared_with", json!(ID)),
                ("chosen_for_low_scores", json!("yes")),
                ("outcome.name", json!("Reading comprehension")),
                ("outcome.domain", json!("Reading")),
                ("outcome.measure", json!("A published test")),
                ("outcome.type", json!("standardised")),
                ("outcome.polarity", json!("higher is better")),
                ("outcome.minimum", json!(0)),
                ("outcome.maximum", json!(50)),
                ("outcome.step", json!(1)),
                ("outcome.marked_by", json!("external")),
                ("arms.intervention.n", json!(58)),
                ("arms.intervention.n_at_start", json!(60)),
                ("arms.intervention.before", score(21.234, 6.126)),
                ("arms.intervention.after", score(27.456, 6.374)),
                ("arms.intervention.clusters", json!(2)),
                ("arms.comparison.n", json!(55)),
                ("arms.comparison.n_at_start", json!(61)),
                ("arms.comparison.before", json!({ "mean": 21.0, "se": 0.8 })),
                ("arms.comparison.after", json!({ "mean": 25, "ci95": [23.4, 26.6] })),
                ("arms.comparison.clusters", json!(2)),
                ("r_squared", json!(0.5)),
                ("icc", json!(0.15)),
                ("engagement.sessions_attended_percent", json!("91 %")),
                (
                    "engagement.attitudes",
                    json!([{
                        "statement": "I like reading",
                        "n": 57,
                        "scale": "1 never to 5 always",
                        "mean_before": 3.12,
                        "mean_after": 3.58,
                        "summary": "More confident",
                    }]),
                ),
                ("feedback.staff", json!({ "n": 3, "summary": "Easy to run" })),
                ("feedback.pupils", json!({ "n": 57, "summary": "Fun" })),
                ("feedback.parents", json!("not collected")),
                ("fidelity.delivered_as_planned_percent", json!(85)),
                ("fidelity.what_changed", json!("No sessions in test week")),
                ("value_for_money", json!("Yes: the books last")),
                ("would_recommend_to", json!("Schools with parallel classes")),
                ("evaluator_estimate.evaluator", json!("A university")),
                ("evaluator_estimate.effect", json!(0.21)),
                ("evaluator_estimate.lower", json!(0.02)),
                ("evaluator_estimate.upper", json!(0.4)),
                ("evaluator_estimate.method", json!("Adjusted for scores before")),
                ("evaluator_estimate.url", json!("https://example.org/evaluation")),
            ],
        )
    }

    fn numbers_achieving() -> Value {
        let mut base = complete();
        base["arms"] = json!({
            "intervention": { "n": 60, "achieving": 45, "clusters": 2 },
            "comparison": { "n": 60, "achieving": 38, "clusters": 2 },
        });
        with(&base, &[("outcome.minimum", json!(null)), ("outcome.maximum", json!(null))])
    }

    fn content(record: Record) -> ImpactReport {
        let Content::ImpactReport(report) = record.content else { panic!("{record:?}") };
        report
    }

    fn summary(report: &ImpactReport) -> Summary {
        let mut summary = Summary::default();
        report.summarise(&mut summary);
        summary
    }

    /// Asserts that redaction changes nothing that others were to see, and returns the rest.
    fn redacted(value: Value) -> ImpactReport {
        let mut report = content(sample::read(value));
        let before = summary(&report);
        report.redact();
        assert_eq!(summary(&report), before);
        let once = report.clone();
        report.redact();
        assert_eq!(report, once);
        report
    }

    #[test]
    fn five_things_are_a_complete_report() {
        assert_eq!(said(minimal()), [""; 0]);
        let record = sample::read(minimal());
        sample::assert_round_trips(&record);
        let summary = record.summarise();
        assert_eq!(summary.design.as_deref(), Some("described"));
        assert_eq!(summary.conclusion.as_deref(), Some("continue"));
        assert_eq!(summary.references[0].record.to_string(), ID);
        assert!(summary.period.is_some());
        assert_eq!((summary.figures, summary.figures_withheld), (None, None));
    }

    #[test]
    fn every_field_is_kept_and_the_figures_travel_rounded() {
        assert_eq!(said(complete()), [""; 0]);
        let record = sample::read(complete());
        sample::assert_round_trips(&record);
        let mut report = content(record);
        report.normalise();
        assert_eq!(report.references().len(), 2);
        assert_eq!(report.references_mut().len(), 2);
        let summary = summary(&report);
        assert_eq!(summary.year_groups, ["year 4"]);
        assert_eq!(summary.key_stages, ["KS2"]);
        assert_eq!(summary.pupil_groups, ["disadvantaged"]);
        assert_eq!(summary.design.as_deref(), Some("matched_comparison"));
        let figures = summary.figures.unwrap();
        assert!(figures.may_be_shown());
        assert_eq!(figures.domain, "reading");
        assert_eq!(figures.intervention.n, 58);
        assert_eq!(figures.intervention.before, Some(Spread { mean: 21.2, sd: 6.13 }));
        let comparison = figures.comparison.unwrap();
        // 0.8·√55, and 1.6/2.0049·√55 with Student's t on 54 degrees.
        assert_eq!(comparison.before, Some(Spread { mean: 21.0, sd: 5.93 }));
        assert_eq!(comparison.after, Some(Spread { mean: 25.0, sd: 5.92 }));
        // 8 of 121 lost; 2.8·√((1 + 29.25·0.15)·0.5·(1/60 + 1/61)) = 0.836.
        assert_eq!(figures.attrition, Some(AttritionBand::UpTo10));
        assert_eq!(figures.detectable_effect, Some(DetectableBand::From06));
        assert!(figures.one_measure && figures.chosen_for_low_scores);
    }

    #[test]
    fn numbers_at_the_start_and_decimals_stay_in_the_school() {
        let report = redacted(complete());
        let arms = report.arms.unwrap();
        assert_eq!((arms.intervention.n, arms.intervention.n_at_start), (Some(58), None));
        assert_eq!(arms.comparison.unwrap().after.unwrap().ci95, None);
        assert_eq!(report.attrition, Some(AttritionBand::UpTo10));
        assert_eq!(report.detectable_effect, Some(DetectableBand::From06));
        let engagement = report.engagement.unwrap();
        assert_eq!(engagement.n, Some(55));
        assert_eq!(engagement.attitudes[0].n, Some(55));
        assert_eq!(engagement.attitudes[0].mean_after, Some(3.6));
        let feedback = report.feedback.unwrap();
        assert_eq!((feedback.staff.unwrap().n, feedback.pupils.unwrap().n), (Some(3), Some(55)));
        assert!(report.evaluator_estimate.is_some());
    }

    #[test]
    fn figures_of_a_group_under_ten_leave_neither_in_the_summary_nor_in_the_body() {
        let small = with(
            &complete(),
            &[
                ("arms.comparison.n", json!(9)),
                ("engagement.n", json!(9)),
                ("engagement.attitudes.0.n", json!(8)),
                ("feedback.pupils.n", json!(7)),
            ],
        );
        let messages = said(small.clone());
        assert_eq!(
            messages[0],
            "warning: arms: stays in the school, because a group has fewer than 10 pupils or a \
             count is under 5, gives one away, or is all or none of a small group; others see \
             \"fewer than 10 pupils in a group\" and your words. Cohorts may be combined until \
             they reach 10"
        );
        assert_eq!(messages.len(), 4, "{messages:?}");
        assert!(messages.iter().all(|message| message.starts_with("warning: ")));
        let report = redacted(small);
        let shared = summary(&report);
        assert_eq!(shared.figures, None);
        assert_eq!(shared.figures_withheld.as_deref(), Some("fewer than 10 pupils in a group"));
        assert_eq!((&report.arms, &report.evaluator_estimate), (&None, &None));
        assert_eq!((report.attrition, report.detectable_effect), (None, None));
        let engagement = report.engagement.unwrap();
        assert_eq!((engagement.n, engagement.sessions_attended_percent), (None, None));
        let attitude = &engagement.attitudes[0];
        assert_eq!((attitude.n, attitude.mean_before, attitude.mean_after), (None, None, None));
        assert_eq!(attitude.summary, "More confident");
        let pupils = report.feedback.unwrap().pupils.unwrap();
        assert_eq!((pupils.n, pupils.fewer_than_10), (None, true));
    }

    #[test]
    fn counts_that_tell_something_about_a_few_stay_in_the_school() {
        assert_eq!(said(numbers_achieving()), [""; 0]);
        assert!(summary(&redacted(numbers_achieving())).figures.is_some());
        for (n, achieving) in [(60, 4), (60, 56), (60, 1), (12, 12), (12, 0)] {
            let small = with(
                &numbers_achieving(),
                &[
                    ("arms.intervention.n", json!(n)),
                    ("arms.intervention.achieving", json!(achieving)),
                    ("confirm_large_effect", json!(true)),
                ],
            );
            let messages = said(small.clone());
            assert_eq!(messages.len(), 1, "{achieving} of {n}: {messages:?}");
            assert!(messages[0].starts_with("warning: arms: stays in the school"), "{messages:?}");
            let report = redacted(small);
            assert_eq!(report.arms, None);
            assert_eq!(report.figures_withheld, "a number too small to share");
        }
        let none_of_many =
            with(&numbers_achieving(), &[("arms.intervention.achieving", json!(60))]);
        assert!(summary(&redacted(none_of_many)).figures.is_some());
    }

    #[test]
    fn words_and_choices_are_needed() {
        sample::each_says(
            &minimal(),
            &[
                (
                    &[("of", json!(null))],
                    "of: is needed; give the id of the intervention or adoption it is on",
                ),
                (
                    &[("period", json!(""))],
                    "period: is needed; write it as \"2026-01-05 to 2026-03-27\"",
                ),
                (
                    &[("period", json!("2026-03-27 to 2026-01-05"))],
                    "period.to is \"2026-01-05\": must not be before period.from, 2026-03-27",
                ),
                (
                    &[("what_was_seen", json!(""))],
                    "what_was_seen: is needed; write a sentence or two",
                ),
                (
                    &[("other_factors", json!(" "))],
                    "other_factors: is needed; say what else may explain it, because other factors \
                     are always at work",
                ),
                (
                    &[("conclusion", json!(null))],
                    "conclusion: is needed; choose from continue, adapt, stop, unclear",
                ),
                (
                    &[("design", json!("other"))],
                    "design_name: is needed because the design is other; name it",
                ),
                (
                    &[("design", json!("before-and-after"))],
                    "warning: design is \"before_and_after\": has no figures beside it, so the \
                     report is shown as described; add arms if there are figures",
                ),
                (
                    &[("engagement", json!({ "sessions_attended_percent": 90 }))],
                    "warning: engagement.sessions_attended_percent is \"90\": stays in the school, \
                     because fewer than 10 pupils stand behind it (20 where it is 0 or 100 %) or \
                     their number is not given in n; say it in words",
                ),
            ],
        );
        let unknown = crate::record::Authored::from_value(with(
            &minimal(),
            &[("conclusion", json!("triumph"))],
        ));
        assert_eq!(
            unknown.unwrap_err().to_string(),
            "conclusion: \"triumph\" is no conclusion; choose from continue, adapt, stop, unclear"
        );
    }

    #[test]
    fn designs_and_groups_must_fit_together() {
        sample::each_says(
            &complete(),
            &[
                (
                    &[("comparison_received", json!(""))],
                    "warning: comparison_received: is empty; say what the comparison group had \
                     meanwhile, so that readers know what it was better than",
                ),
                (
                    &[("arms.comparison", json!(null))],
                    "arms.comparison: is needed for the design matched_comparison; add that group, \
                     or choose before_and_after",
                ),
                (
                    &[("design", json!("described"))],
                    "warning: design is \"described\": shows the figures without an effect; choose \
                     before_and_after or one of the comparisons if it was one",
                ),
                (
                    &[("design", json!("before and after"))],
                    "design is \"before_and_after\": has one group only; choose \
                     unmatched_comparison or matched_comparison",
                ),
                (
                    &[("design", json!("random by pupil"))],
                    "unit_of_allocation is \"class\": must be pupil because the design is \
                     random_by_pupil; otherwise choose random_by_class_or_school",
                ),
                (
                    &[
                        ("design", json!("random by class or school")),
                        ("unit_of_allocation", json!(null)),
                    ],
                    "unit_of_allocation: must be class or school because the design is \
                     random_by_class_or_school",
                ),
                (
                    &[("arms.intervention.clusters", json!(null))],
                    "arms.intervention.clusters: is needed because classes or schools were \
                     allocated as a whole; give how many are in this group",
                ),
                (
                    &[
                        ("arms.intervention.clusters", json!(1)),
                        ("arms.comparison.clusters", json!(1)),
                    ],
                    "warning: arms.intervention.clusters is \"1\": beside one: one class against \
                     one class cannot tell the approach from the teacher, so it counts as an early \
                     sign at most and is not pooled",
                ),
                (
                    &[("attrition", json!("up to 50 %"))],
                    "warning: attrition is \"up_to_50_percent\": differs from n and n_at_start, \
                     which make it up_to_10_percent; up_to_10_percent is shared",
                ),
                (
                    &[("pupil_groups", json!("PP, girls"))],
                    "pupil_groups is \"PP\": must not be crossed with year group and sex at once \
                     where there are figures; leave one of the three out and combine its pupils",
                ),
                (
                    &[
                        ("design", json!("before and after")),
                        ("arms.comparison", json!(null)),
                        ("arms.intervention.before", json!(null)),
                    ],
                    "arms.intervention: needs scores in before and in after because the design is \
                     before_and_after",
                ),
                (&[("icc", json!(1.5))], "icc is \"1.5\": must be from 0 to 0.99"),
                (&[("r_squared", json!(-1))], "r_squared is \"-1\": must be from 0 to 0.99"),
            ],
        );
    }

    #[test]
    fn numbers_must_be_possible() {
        let place = "arms.intervention.after";
        sample::each_says(
            &complete(),
            &[
                (
                    &[("outcome", json!(null))],
                    "outcome: is needed where there are figures; say what was measured (name, \
                     domain, measure, type, polarity, minimum, maximum)",
                ),
                (
                    &[("outcome.domain", json!(""))],
                    "outcome.domain: is needed; write a sentence or two",
                ),
                (
                    &[("outcome.type", json!(null))],
                    "outcome.type: is needed where there are figures; choose from standardised, \
                     statutory, teacher_made, survey, attendance, behaviour",
                ),
                (
                    &[("outcome.polarity", json!(null))],
                    "outcome.polarity: is needed where there are figures; choose from \
                     higher_is_better, lower_is_better",
                ),
                (
                    &[("outcome.minimum", json!(null))],
                    "outcome.minimum: is needed for scores; give the end of the range that the \
                     measure can take",
                ),
                (
                    &[("outcome.maximum", json!(-5))],
                    "outcome.maximum is \"-5\": must be above minimum, 0",
                ),
                (
                    &[("outcome.step", json!(60))],
                    "outcome.step is \"60\": must be above 0 and no larger than the range of the \
                     measure",
                ),
                (
                    &[("arms.intervention.n_at_start", json!(50))],
                    "arms.intervention.n_at_start is \"50\": must be from n, 58, to 1000000",
                ),
                (
                    &[("arms.intervention.clusters", json!(59))],
                    "arms.intervention.clusters is \"59\": must be from 1 to n, 58",
                ),
                (
                    &[("outcome.maximum", json!(26))],
                    &format!(
                        "{place}.mean is \"27.456\": must lie in the range of the measure, 0 to 26"
                    ),
                ),
                (
                    &[("arms.intervention.after.mean", json!(null))],
                    &format!("{place}.mean: is needed; give the mean score"),
                ),
                (
                    &[("arms.intervention.after.sd", json!(0))],
                    &format!("{place}.sd is \"0\": must be above 0"),
                ),
                (
                    &[("arms.intervention.after.sd", json!(27.6))],
                    &format!(
                        "{place}.sd is \"27.6\": must be at most 27.50, 0.55 of the range 0 to 50; \
                         check the range, and that no percentage or count stands here"
                    ),
                ),
                (
                    &[("arms.intervention.after.se", json!(1))],
                    &format!(
                        "{place}.sd: is needed: exactly one of sd (standard deviation), se \
                         (standard error) and ci95 (95 % interval of the mean)"
                    ),
                ),
                (
                    &[("arms.comparison.after.ci95", json!([26.6, 23.4]))],
                    "arms.comparison.after.ci95 is \"26.6 to 23.4\": must be written [lower, upper] \
                     with the mean, 25, between",
                ),
                (
                    &[("arms.intervention.achieving", json!(30))],
                    "arms.intervention: must have scores or a number achieving, not both; make a \
                     second report for the other",
                ),
                (
                    &[("arms.intervention.after", json!(null))],
                    "arms.intervention.after: is needed; give the scores at the end",
                ),
                (
                    &[("engagement.sessions_attended_percent", json!(101))],
                    "engagement.sessions_attended_percent is \"101\": must be from 0 to 100",
                ),
                (
                    &[("engagement.attitudes.0.scale", json!(""))],
                    "engagement.attitudes[0].scale: is needed beside a mean; say what it runs from \
                     and to, such as \"1 never to 5 always\"",
                ),
                (
                    &[("feedback.parents", json!({ "n": 4, "summary": "Not collected" }))],
                    "feedback.parents.n is \"4\": does not go with \"not collected\"; say what they \
                     said, or take n out",
                ),
                (
                    &[("fidelity.delivered_as_planned_percent", json!(-1))],
                    "fidelity.delivered_as_planned_percent is \"-1\": must be from 0 to 100",
                ),
                (
                    &[("evaluator_estimate.effect", json!(0.5))],
                    "evaluator_estimate.effect is \"0.5\": must lie between lower and upper",
                ),
                (
                    &[
                        ("evaluator_estimate.effect", json!(null)),
                        ("evaluator_estimate.lower", json!(null)),
                    ],
                    "evaluator_estimate.effect: is needed; give the evaluator's effect in standard \
                     deviations",
                ),
            ],
        );
        sample::each_says(
            &numbers_achieving(),
            &[(
                &[("arms.intervention.achieving", json!(61))],
                "arms.intervention.achieving is \"61\": must be at most n, 60",
            )],
        );
    }

    #[test]
    fn not_a_number_is_refused_wherever_it_comes_from() {
        let mut report = content(sample::read(complete()));
        let nan = Some(f64::NAN);
        let outcome = report.outcome.as_mut().unwrap();
        (outcome.minimum, outcome.step) = (Some(f64::NEG_INFINITY), nan);
        (report.icc, report.r_squared) = (nan, nan);
        let arms = report.arms.as_mut().unwrap();
        let after = arms.intervention.after.as_mut().unwrap();
        (after.mean, after.sd) = (nan, nan);
        arms.comparison.as_mut().unwrap().before.as_mut().unwrap().se = Some(f64::INFINITY);
        let engagement = report.engagement.as_mut().unwrap();
        engagement.sessions_attended_percent = nan;
        engagement.attitudes[0].mean_before = nan;
        report.evaluator_estimate.as_mut().unwrap().upper = nan;
        let mut problems = Problems::default();
        report.validate(&Common::default(), &mut problems);
        let problems = problems.into_vec();
        for field in [
            "outcome.minimum",
            "outcome.step",
            "icc",
            "r_squared",
            "arms.intervention.after.mean",
            "arms.intervention.after.sd",
            "arms.comparison.before.sd",
            "engagement.sessions_attended_percent",
            "engagement.attitudes[0].mean_before",
            "evaluator_estimate.upper",
        ] {
            let refused = problems.iter().any(|problem| {
                problem.field == field && problem.severity == crate::record::Severity::Refused
            });
            assert!(refused, "{field} in {problems:?}");
        }
    }

    #[test]
    fn an_effect_too_good_to_be_true_is_asked_about_or_refused() {
        let large = with(&complete(), &[("arms.intervention.after.mean", json!(38.5))]);
        assert_eq!(
            said(large.clone()),
            [
                "arms.intervention.after is \"2.2 standard deviations from the comparison\": is above \
              2, which is rare; check the numbers, and set confirm_large_effect: true if they are \
              right"
            ]
        );
        assert_eq!(said(with(&large, &[("confirm_large_effect", json!(true))])), [""; 0]);
        let absurd = with(
            &complete(),
            &[
                ("arms.intervention.after", json!({ "mean": 48, "sd": 1 })),
                ("confirm_large_effect", json!(true)),
            ],
        );
        assert_eq!(
            said(absurd),
            [
                "arms.intervention.after is \"5.5 standard deviations from the comparison\": must be \
              at most 5; check n, mean, sd and achieving of both groups for a slip"
            ]
        );
    }

    #[test]
    fn one_sort_of_numbers_for_both_groups() {
        let mixed = with(
            &complete(),
            &[("arms.comparison", json!({ "n": 60, "achieving": 40, "clusters": 2 }))],
        );
        assert_eq!(
            said(mixed),
            [
                "arms.comparison: must have the same sort of numbers as arms.intervention: scores, or \
              numbers achieving"
            ]
        );
    }

    #[test]
    fn a_change_of_a_few_pupils_is_noticed() {
        let figures = |n: u32, comparison: u32| {
            let value = with(
                &complete(),
                &[
                    ("arms.intervention.n", json!(n)),
                    ("arms.intervention.n_at_start", json!(null)),
                    ("arms.comparison.n", json!(comparison)),
                ],
            );
            Figures::of(&content(sample::read(value))).unwrap()
        };
        let before = figures(40, 40);
        assert!(!n_changed_slightly(&before, &figures(40, 40)));
        assert!(n_changed_slightly(&before, &figures(41, 40)));
        assert!(n_changed_slightly(&before, &figures(31, 40)));
        assert!(!n_changed_slightly(&before, &figures(30, 40)));
        assert!(n_changed_slightly(&before, &figures(60, 49)));
    }

    #[test]
    fn an_older_node_reads_figures_with_choices_it_does_not_know() {
        let record = sample::read(complete());
        let mut summary = serde_json::to_value(record.summarise()).unwrap();
        summary["figures"]["design"] = json!("synthetic_control");
        summary["figures"]["type"] = json!("eye_tracking");
        let summary: Summary = serde_json::from_value(summary).unwrap();
        let figures = summary.figures.unwrap();
        assert_eq!((figures.design, figures.outcome_type), (None, None));
        assert_eq!(figures.intervention.n, 58);
    }

    #[test]
    fn impossible_or_small_figures_from_elsewhere_are_not_shown() {
        let sound = Figures::of(&content(sample::read(complete()))).unwrap();
        let changed = |change: fn(&mut Figures)| {
            let mut figures = sound.clone();
            change(&mut figures);
            figures.may_be_shown()
        };
        assert!(changed(|_| {}));
        assert!(!changed(|figures| figures.intervention.n = 9));
        assert!(!changed(|figures| figures.intervention.achieving = Some(57)));
        assert!(!changed(|figures| figures.comparison.as_mut().unwrap().clusters = Some(0)));
        assert!(!changed(|figures| figures.icc = Some(f64::NAN)));
        assert!(!changed(|figures| {
            figures.intervention.after = Some(Spread { mean: 1.0, sd: 0.0 });
        }));
    }
}

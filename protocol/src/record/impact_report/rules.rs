//! The rules that hold for a report as a whole.

use super::arms::Small;
use super::{Allocation, Arms, Conclusion, Design, Figures, ImpactReport};
use crate::record::Problems;
use crate::record::ages;
use crate::record::small_group::{COUNT_FLOOR, GROUP_FLOOR, crossed_group};
use crate::vocabulary::Vocabulary;

/// Above this many standard deviations an author confirms that it is no slip.
const CONFIRMED_EFFECT: f64 = 2.0;

/// Above this many standard deviations it is a slip: no approach in a school has such an effect.
const MOST_EFFECT: f64 = 5.0;

impl ImpactReport {
    pub(super) fn validate_words(&self, problems: &mut Problems) {
        if self.of.is_none() {
            problems.refuse(
                "of",
                "",
                "is needed; give the id of the intervention or adoption it is on",
            );
        }
        match self.period {
            None => {
                problems.refuse("period", "", "is needed; write it as \"2026-01-05 to 2026-03-27\"")
            }
            Some(period) => {
                if let Some(to) = period.to.filter(|to| *to < period.from) {
                    problems.refuse(
                        "period.to",
                        to,
                        format!("must not be before period.from, {}", period.from),
                    );
                }
            }
        }
        problems.required_text("what_was_seen", &self.what_was_seen);
        if self.other_factors.trim().is_empty() {
            problems.refuse(
                "other_factors",
                "",
                "is needed; say what else may explain it, because other factors are always at work",
            );
        }
        problems.optional_text("other_factors", &self.other_factors);
        if self.conclusion.is_none() {
            let choices: Vec<&str> = Conclusion::ALL.iter().map(|one| one.as_str()).collect();
            problems.refuse(
                "conclusion",
                "",
                format!("is needed; choose from {}", choices.join(", ")),
            );
        }
        ages::validate(&[], &self.year_groups, problems);
        Vocabulary::PupilGroups.check_all("pupil_groups", &self.pupil_groups, problems);
        problems.text_length("comparison_received", &self.comparison_received, 0, 5_000);
        problems.text_length("value_for_money", &self.value_for_money, 0, 5_000);
        problems.text_length("would_recommend_to", &self.would_recommend_to, 0, 5_000);
        problems.short_text("design_name", &self.design_name);
        if self.design == Design::Other && self.design_name.trim().is_empty() {
            problems.refuse("design_name", "", "is needed because the design is other; name it");
        }
    }

    pub(super) fn validate_figures(&self, problems: &mut Problems) {
        for (field, share) in [("icc", self.icc), ("r_squared", self.r_squared)] {
            if let Some(share) = share {
                problems.range(field, share, 0.0, 0.99);
            }
        }
        self.validate_crossing(problems);
        let Some(arms) = &self.arms else {
            if self.design.is_measured() && self.figures_withheld.is_empty() {
                problems.warn(
                    "design",
                    self.design,
                    "has no figures beside it, so the report is shown as described; add arms if there are figures",
                );
            }
            return;
        };
        match &self.outcome {
            Some(outcome) => {
                outcome.validate(arms.has_scores(), problems);
                arms.validate(outcome, problems);
            }
            None => problems.refuse(
                "outcome",
                "",
                "is needed where there are figures; say what was measured (name, domain, measure, type, polarity, minimum, maximum)",
            ),
        }
        self.validate_design(arms, problems);
        self.validate_attrition(arms, problems);
        self.validate_effect(problems);
        if self.small().is_some() {
            problems.warn(
                "arms",
                "",
                format!(
                    "stays in the school, because a group has fewer than {GROUP_FLOOR} pupils or a \
                     count is under {COUNT_FLOOR}, gives one away, or is all or none of a small \
                     group; others see {:?} and your words. Cohorts may be combined until they \
                     reach {GROUP_FLOOR}",
                    self.withheld_text()
                ),
            );
        }
    }

    fn validate_crossing(&self, problems: &mut Problems) {
        let has_figures = self.arms.is_some()
            || self.engagement.as_ref().is_some_and(super::Engagement::has_figures);
        if has_figures && let Some(group) = crossed_group(&self.pupil_groups, &self.year_groups) {
            problems.refuse(
                "pupil_groups",
                group,
                "must not be crossed with year group and sex at once where there are figures; leave one of the three out and combine its pupils",
            );
        }
    }

    fn validate_design(&self, arms: &Arms, problems: &mut Problems) {
        let design = self.design;
        if design == Design::Described {
            problems.warn(
                "design",
                design,
                "shows the figures without an effect; choose before_and_after or one of the comparisons if it was one",
            );
        }
        if design.is_controlled() && arms.comparison.is_none() {
            problems.refuse(
                "arms.comparison",
                "",
                format!(
                    "is needed for the design {design}; add that group, or choose before_and_after"
                ),
            );
        }
        if design.is_controlled() && self.comparison_received.trim().is_empty() {
            problems.warn(
                "comparison_received",
                "",
                "is empty; say what the comparison group had meanwhile, so that readers know what it was better than",
            );
        }
        if design == Design::BeforeAndAfter {
            if arms.comparison.is_some() {
                problems.refuse(
                    "design",
                    design,
                    "has one group only; choose unmatched_comparison or matched_comparison",
                );
            }
            if arms.intervention.before.is_none() || arms.intervention.after.is_none() {
                problems.refuse(
                    "arms.intervention",
                    "",
                    "needs scores in before and in after because the design is before_and_after",
                );
            }
        }
        self.validate_allocation(arms, problems);
    }

    fn validate_allocation(&self, arms: &Arms, problems: &mut Problems) {
        let whole_groups =
            matches!(self.unit_of_allocation, Some(Allocation::Class | Allocation::School));
        let unit = self.unit_of_allocation.map_or("", Allocation::as_str);
        if self.design == Design::RandomByClassOrSchool && !whole_groups {
            problems.refuse(
                "unit_of_allocation",
                unit,
                "must be class or school because the design is random_by_class_or_school",
            );
        }
        if self.design == Design::RandomByPupil && whole_groups {
            problems.refuse(
                "unit_of_allocation",
                unit,
                "must be pupil because the design is random_by_pupil; otherwise choose random_by_class_or_school",
            );
        }
        let clustered = whole_groups || self.design == Design::RandomByClassOrSchool;
        if !(clustered && self.design.is_controlled()) {
            return;
        }
        for (field, _) in arms.each().filter(|(_, arm)| arm.clusters.is_none()) {
            problems.refuse(
                &format!("{field}.clusters"),
                "",
                "is needed because classes or schools were allocated as a whole; give how many are in this group",
            );
        }
        if arms.comparison.is_some() && arms.each().all(|(_, arm)| arm.clusters == Some(1)) {
            problems.warn(
                "arms.intervention.clusters",
                1,
                "beside one: one class against one class cannot tell the approach from the teacher, so it counts as an early sign at most and is not pooled",
            );
        }
    }

    fn validate_attrition(&self, arms: &Arms, problems: &mut Problems) {
        if let (Some(given), Some(computed)) = (self.attrition, arms.attrition())
            && given != computed
        {
            problems.warn(
                "attrition",
                given,
                format!(
                    "differs from n and n_at_start, which make it {computed}; {computed} is shared"
                ),
            );
        }
    }

    fn validate_effect(&self, problems: &mut Problems) {
        const FIELD: &str = "arms.intervention.after";
        let Some(effect) = self.difference_after().map(f64::abs) else { return };
        let shown = format!("{effect:.1} standard deviations from the comparison");
        if effect > MOST_EFFECT {
            problems.refuse(
                FIELD,
                shown,
                format!("must be at most {MOST_EFFECT}; check n, mean, sd and achieving of both groups for a slip"),
            );
        } else if effect > CONFIRMED_EFFECT && !self.confirm_large_effect {
            problems.refuse(
                FIELD,
                shown,
                format!("is above {CONFIRMED_EFFECT}, which is rare; check the numbers, and set confirm_large_effect: true if they are right"),
            );
        }
    }

    /// The difference between the groups after, from the numbers as the school has them.
    fn difference_after(&self) -> Option<f64> {
        const UNROUNDED: f64 = 1e-6;
        let arms = self.arms.as_ref()?;
        let intervention = arms.intervention.as_group(UNROUNDED)?;
        intervention.difference_after(&arms.comparison.as_ref()?.as_group(UNROUNDED)?)
    }

    pub(super) fn small(&self) -> Option<Small> {
        let arms = self.arms.as_ref()?;
        let all: Vec<Small> = arms.each().filter_map(|(_, arm)| arm.small()).collect();
        all.iter().find(|small| **small == Small::Group).or(all.first()).copied()
    }

    /// What others read in place of figures that stay in the school; empty where none do.
    pub(super) fn withheld_text(&self) -> String {
        match self.small() {
            Some(Small::Group) => format!("fewer than {GROUP_FLOOR} pupils in a group"),
            Some(Small::Count) => "a number too small to share".to_owned(),
            None => self.figures_withheld.clone(),
        }
    }

    /// Takes out what stays in the school: numbers at the start, figures about few pupils, and the
    /// decimals of the rest.
    pub(super) fn redact_figures(&mut self) {
        if let Some(engagement) = &mut self.engagement {
            engagement.redact(self.arms.as_ref());
        }
        if let Some(feedback) = &mut self.feedback {
            feedback.redact();
        }
        match Figures::of(self) {
            Some(figures) => {
                self.attrition = figures.attrition;
                self.detectable_effect = figures.detectable_effect;
                self.arms = Some(figures.arms());
            }
            None => {
                self.figures_withheld = self.withheld_text();
                (self.arms, self.attrition, self.detectable_effect) = (None, None, None);
                if !self.figures_withheld.is_empty() {
                    self.evaluator_estimate = None;
                }
            }
        }
    }
}

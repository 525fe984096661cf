//! The priorities of an improvement plan.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::record::impact_report::Polarity;
use crate::record::small_group::{COUNT_FLOOR, GROUP_FLOOR, may_share_percentage};
use crate::record::written::{self, FromText};
use crate::record::{Problems, Reference};
use crate::vocabulary::Vocabulary;

/// One thing that a school works on in a year.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PlanPriority {
    /// What is to become better.
    pub statement: String,
    /// The inspection area it belongs to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// What `baseline` and `target` count, with its unit: "attendance, per cent".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub measure: String,
    /// Which way is better; none for higher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polarity: Option<Polarity>,
    /// The number of pupils behind the figures; 0 where they are not about pupils.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub pupils: Option<u32>,
    /// Where the school stands, in the measure's unit.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub baseline: Option<f64>,
    /// Where it wants to be, in the measure's unit.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub target: Option<f64>,
    /// The day by which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_date: Option<Date>,
    /// Set when sharing took out figures about too few pupils.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub figures_withheld: bool,
    /// Role of the person who leads it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lead_role: String,
    /// What will be done.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub actions: Vec<String>,
    /// The interventions that serve it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub interventions: Vec<Reference>,
    /// How the school will know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

impl FromText for PlanPriority {
    const EXPECTED: &'static str = "a priority in words, or statement, area, target and so on";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { statement: text.to_owned(), ..Self::default() })
    }
}

impl PlanPriority {
    pub(super) fn validate(&self, field: &str, problems: &mut Problems) {
        problems.text_length(&format!("{field}.statement"), &self.statement, 1, 1_000);
        if !self.area.is_empty() {
            Vocabulary::InspectionAreas.check(&format!("{field}.area"), &self.area, problems);
        }
        problems.short_text(&format!("{field}.measure"), &self.measure);
        problems.short_text(&format!("{field}.lead_role"), &self.lead_role);
        problems.list_length(&format!("{field}.actions"), self.actions.len(), 40);
        for (index, action) in self.actions.iter().enumerate() {
            problems.text_length(&format!("{field}.actions[{index}]"), action, 1, 1_000);
        }
        problems.optional_text(&format!("{field}.evidence"), &self.evidence);
        self.validate_target(field, problems);
        self.warn_of_few_pupils(field, problems);
    }

    fn validate_target(&self, field: &str, problems: &mut Problems) {
        for (name, figure) in [("baseline", self.baseline), ("target", self.target)] {
            if let Some(figure) = figure.filter(|figure| !figure.is_finite()) {
                problems.refuse(&format!("{field}.{name}"), figure, "must be a finite number");
            }
        }
        let Some(target) = self.target else { return };
        if self.target_date.is_none() {
            problems.refuse(
                &format!("{field}.target_date"),
                "",
                "is needed with a target; give a day, as 2026-07-17",
            );
        }
        let Some(baseline) = self.baseline else { return };
        let (wrong_way, better) = match self.polarity.unwrap_or(Polarity::HigherIsBetter) {
            Polarity::HigherIsBetter => (target < baseline, "higher"),
            Polarity::LowerIsBetter => (target > baseline, "lower"),
        };
        if wrong_way {
            problems.refuse(
                &format!("{field}.target"),
                target,
                format!(
                    "must improve on the baseline, {baseline}, or hold it; {better} is better here \
                     (polarity)"
                ),
            );
        }
    }

    fn warn_of_few_pupils(&self, field: &str, problems: &mut Problems) {
        let field = &format!("{field}.pupils");
        if self.baseline.is_none() && self.target.is_none() {
            return;
        }
        match self.pupils {
            None => problems.warn(
                field,
                "",
                "is missing, so the figures stay in the school when the plan is shared; give the \
                 number of pupils behind them, or 0 where they are not about pupils",
            ),
            Some(pupils) if (1..GROUP_FLOOR).contains(&pupils) => problems.warn(
                field,
                pupils,
                format!(
                    "is fewer than {GROUP_FLOOR}, so the figures stay in the school when the plan \
                     is shared"
                ),
            ),
            Some(pupils) if self.discloses() => problems.warn(
                field,
                pupils,
                format!(
                    "leaves figures that may be all, none or 1 to {} of the pupils; they stay in \
                     the school when the plan is shared",
                    COUNT_FLOOR - 1
                ),
            ),
            Some(_) => {}
        }
    }

    /// Whether the figures could tell something about a pupil. The measure is in words, so that
    /// whole numbers from 1 to 4 are taken for counts of pupils.
    fn discloses(&self) -> bool {
        let figures = [self.baseline, self.target];
        self.pupils != Some(0)
            && figures.into_iter().flatten().any(|figure| {
                let low_count =
                    figure.fract() == 0.0 && (1.0..f64::from(COUNT_FLOOR)).contains(&figure);
                low_count || !may_share_percentage(figure, self.pupils)
            })
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::InspectionAreas.normalise(&mut self.area);
    }

    pub(super) fn redact(&mut self) {
        if self.discloses() {
            self.baseline = None;
            self.target = None;
            self.pupils = None;
            self.figures_withheld = true;
        } else if self.pupils.is_some_and(|pupils| (1..GROUP_FLOOR).contains(&pupils)) {
            self.pupils = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::{Content, sample};

    /// A plan with one priority, to which `change` was made.
    fn with(change: Value) -> Value {
        let mut priority = json!({
            "statement": "More pupils in school", "area": "attendance and behaviour",
            "measure": "attendance, per cent", "pupils": 210, "baseline": 91.5, "target": 94.0,
            "target_date": "2026-07-17",
        });
        for (name, value) in change.as_object().unwrap() {
            priority[name] = value.clone();
        }
        json!({ "kind": "plan", "title": "Plan", "academic_year": "2025/26",
                "priorities": [priority] })
    }

    fn redacted(change: Value) -> PlanPriority {
        let Content::Plan(mut plan) = sample::read(with(change)).content else { panic!() };
        plan.redact();
        plan.priorities.remove(0)
    }

    #[test]
    fn a_target_may_improve_or_hold() {
        sample::shareable(with(json!({})));
        sample::shareable(with(json!({ "target": 91.5 })));
        sample::shareable(with(json!({ "baseline": null })));
        sample::shareable(with(json!({ "polarity": "lower_is_better", "target": 90.5 })));
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (change, message) in [
            (json!({ "statement": " " }), "priorities[0].statement: is needed"),
            (json!({ "area": "lunch" }), "priorities[0].area is \"lunch\": is no inspection area"),
            (
                json!({ "target": 91.4 }),
                "priorities[0].target is \"91.4\": must improve on the baseline, 91.5, or hold it; \
                 higher is better here (polarity)",
            ),
            (
                json!({ "polarity": "lower is better" }),
                "priorities[0].target is \"94\": must improve on the baseline, 91.5, or hold it; \
                 lower is better here (polarity)",
            ),
            (json!({ "target_date": null }), "priorities[0].target_date: is needed with a target"),
            (json!({ "target": "inf" }), "priorities[0].target is \"inf\": must be a finite"),
            (json!({ "actions": [""] }), "priorities[0].actions[0]: is needed"),
            (json!({ "measure": "a".repeat(301) }), "must have at most 300 characters"),
        ] {
            sample::refuses(&with(change), json!({}), message);
        }
    }

    #[test]
    fn figures_about_few_pupils_stay_in_the_school() {
        for (change, message) in [
            (json!({ "pupils": null }), "priorities[0].pupils: is missing, so the figures stay"),
            (json!({ "pupils": 9 }), "priorities[0].pupils is \"9\": is fewer than 10, so"),
            (
                json!({ "pupils": 19, "target": 100 }),
                "priorities[0].pupils is \"19\": leaves figures that may be all, none or 1 to 4",
            ),
            (
                json!({ "baseline": 3, "target": 8, "pupils": 40 }),
                "priorities[0].pupils is \"40\": leaves figures that may be all",
            ),
        ] {
            sample::warns(&with(change.clone()), json!({}), message);
            let shared = redacted(change);
            assert_eq!((shared.baseline, shared.target, shared.pupils), (None, None, None));
            assert!(shared.figures_withheld);
        }
    }

    #[test]
    fn figures_about_many_pupils_or_none_are_shared() {
        let shared = redacted(json!({ "pupils": 10 }));
        assert_eq!((shared.baseline, shared.pupils), (Some(91.5), Some(10)));
        let clubs = redacted(json!({ "pupils": 0, "baseline": 2, "target": 3 }));
        assert_eq!((clubs.baseline, clubs.target), (Some(2.0), Some(3.0)));
        assert!(!clubs.figures_withheld);
        let in_words = redacted(json!({ "pupils": 6, "baseline": null, "target": null }));
        assert!(in_words.pupils.is_none() && !in_words.figures_withheld);
    }
}

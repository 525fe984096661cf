//! A school's improvement plan. It stays in the school unless it is shared.

mod priority;

use jiff::civil::date;
use serde::{Deserialize, Serialize};

use super::{Common, Period, Problems, Reference, Summary, written};

pub use priority::PlanPriority;

/// More than this and nothing comes first.
const MAX_PRIORITIES: usize = 7;

/// Interventions that a plan may link, so that its summary stays small.
const MAX_INTERVENTIONS: usize = 40;

/// A school's improvement plan for one academic year.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Plan {
    /// The academic year: `2025/26`.
    pub academic_year: String,
    /// What the school works on, one to seven things.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::texts_or_maps")]
    pub priorities: Vec<PlanPriority>,
}

impl Plan {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        if first_year(&self.academic_year).is_none() {
            problems.refuse(
                "academic_year",
                &self.academic_year,
                "must be two years that follow each other, such as 2025/26",
            );
        }
        if self.priorities.is_empty() {
            problems.refuse("priorities", "", "are needed; give one to seven");
        }
        problems.list_length("priorities", self.priorities.len(), MAX_PRIORITIES);
        for (index, priority) in self.priorities.iter().enumerate() {
            priority.validate(&format!("priorities[{index}]"), problems);
        }
        problems.list_length("interventions", self.references().len(), MAX_INTERVENTIONS);
    }

    pub(super) fn normalise(&mut self) {
        if let Some(year) = first_year(&self.academic_year) {
            self.academic_year = format!("{year}/{:02}", (year + 1) % 100);
        }
        for priority in &mut self.priorities {
            priority.normalise();
        }
    }

    /// Leaves out figures about so few pupils that they would tell something about one of them.
    pub(super) fn redact(&mut self) {
        for priority in &mut self.priorities {
            priority.redact();
        }
    }

    pub(super) fn summarise(&self, summary: &mut Summary) {
        let statements: Vec<&str> =
            self.priorities.iter().map(|priority| priority.statement.trim()).collect();
        summary.default_abstract(&statements.join("\n"));
        summary.period = first_year(&self.academic_year)
            .map(|year| Period { from: date(year, 9, 1), to: Some(date(year + 1, 8, 31)) });
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.priorities.iter().flat_map(|priority| &priority.interventions).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.priorities.iter_mut().flat_map(|priority| &mut priority.interventions).collect()
    }
}

/// The first of the two years of `20NN/NN`; a hyphen and a second year in full are understood too.
fn first_year(text: &str) -> Option<i16> {
    let (first, second) = text.trim().split_once(['/', '-', '–'])?;
    let number = |digits: &str| -> Option<i16> {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let year = number(first).filter(|year| (2000..=2099).contains(year))?;
    let next = match second.len() {
        2 => number(second)? == (year + 1) % 100,
        4 => number(second)? == year + 1,
        _ => false,
    };
    next.then_some(year)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::{Content, sample};

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "plan", "title": "Improvement plan", "academic_year": "2025-26",
            "priorities": [
                { "statement": "More pupils in school every day", "area": "attendance",
                  "measure": "attendance, per cent", "pupils": 210, "baseline": "91.5 %",
                  "target": 94, "target_date": "2026-07-17", "lead_role": "Deputy head",
                  "actions": "Ring on the first day\nBreakfast club", "interventions": [sample::full_reference("7a")],
                  "evidence": "Registers, half-termly" },
                { "statement": "Fewer suspensions", "measure": "suspensions", "pupils": 210,
                  "polarity": "lower is better", "baseline": 19, "target": 19,
                  "target_date": "2026-07-17" },
            ],
        })
    }

    fn minimal() -> Value {
        json!({ "kind": "plan", "title": "Plan", "academic_year": "2025/26",
                "priorities": ["Reading in every subject"] })
    }

    #[test]
    fn a_plan_is_read_in_full_and_with_the_least() {
        let record = sample::shareable(complete());
        let summary = record.summarise();
        assert_eq!(summary.period.unwrap().to, Some(date(2026, 8, 31)));
        assert_eq!(summary.abstract_text, "More pupils in school every day\nFewer suspensions");
        assert!(summary.references[0].version.is_some());
        let Content::Plan(mut plan) = record.content else { panic!() };
        assert_eq!(plan.academic_year, "2025/26");
        assert_eq!(plan.priorities[0].area, "attendance and behaviour");
        assert_eq!(plan.priorities[0].baseline, Some(91.5));
        assert_eq!(plan.priorities[0].actions.len(), 2);
        let before = plan.clone();
        plan.redact();
        assert_eq!(plan, before, "figures about many pupils are shared");
        let Content::Plan(plan) = sample::shareable(minimal()).content else { panic!() };
        assert_eq!(plan.priorities[0].statement, "Reading in every subject");
    }

    #[test]
    fn an_academic_year_is_two_years_that_follow_each_other() {
        for (text, year) in [
            ("2025/26", Some(2025)),
            (" 2025–26 ", Some(2025)),
            ("2025/2026", Some(2025)),
            ("2099/00", Some(2099)),
            ("2025/27", None),
            ("2025/2027", None),
            ("1999/00", None),
            ("2025", None),
            ("2025/+6", None),
            ("25/26", None),
            ("2025/026", None),
            ("", None),
        ] {
            assert_eq!(first_year(text), year, "{text:?}");
        }
    }

    #[test]
    fn each_broken_rule_is_named() {
        let linked = json!({ "statement": "Reading", "interventions": vec![sample::ID; 10] });
        for (change, message) in [
            (
                json!({ "academic_year": "2025/27" }),
                "academic_year is \"2025/27\": must be two years that follow each other",
            ),
            (json!({ "academic_year": null }), "academic_year: must be two years"),
            (json!({ "priorities": [] }), "priorities: are needed; give one to seven"),
            (
                json!({ "priorities": vec!["Reading"; 8] }),
                "priorities is \"8 items\": may have at most 7",
            ),
            (
                json!({ "priorities": vec![linked; 5] }),
                "interventions is \"50 items\": may have at most 40",
            ),
        ] {
            sample::refuses(&complete(), change, message);
        }
    }
}

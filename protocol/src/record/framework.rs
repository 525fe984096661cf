//! A trust's framework: what it is for, what comes first, and which practices schools share.

mod policy;

use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary, written};
use crate::vocabulary::Vocabulary;

pub use policy::{Exception, PracticePolicy};

/// A trust's vision, priorities and practice policies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Framework {
    /// Where the trust wants to be.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vision: String,
    /// What the trust is there to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mission: String,
    /// What the trust stands for.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub values: Vec<String>,
    /// What comes first, the most important first: terms of the vocabulary or the trust's own words.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub emphases: Vec<String>,
    /// What the trust works on now.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub priorities: Vec<String>,
    /// What is standardised, aligned or left to each school: one decision an area.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub practice_policies: Vec<PracticePolicy>,
}

impl Framework {
    /// The decision on an area of practice, whichever of its names is given.
    pub fn policy_on(&self, area: &str) -> Option<&PracticePolicy> {
        let area = Vocabulary::PracticeAreas.resolve(area)?;
        self.practice_policies.iter().find(|policy| policy.is_on(area))
    }

    pub(super) fn validate(&self, common: &Common, problems: &mut Problems) {
        problems.optional_text("vision", &self.vision);
        problems.optional_text("mission", &self.mission);
        if self.vision.trim().is_empty()
            && self.mission.trim().is_empty()
            && self.priorities.is_empty()
            && self.practice_policies.is_empty()
        {
            problems.refuse(
                "vision",
                "",
                "is needed where there is no mission, no priority and no practice policy",
            );
        }
        for (field, items, most) in [
            ("values", &self.values, 20),
            ("emphases", &self.emphases, 12),
            ("priorities", &self.priorities, 20),
        ] {
            problems.list_length(field, items.len(), most);
            for (index, item) in items.iter().enumerate() {
                problems.text_length(&format!("{field}[{index}]"), item, 1, 1_000);
            }
        }
        problems.list_length("practice_policies", self.practice_policies.len(), 60);
        for (index, policy) in self.practice_policies.iter().enumerate() {
            let field = format!("practice_policies[{index}]");
            policy.validate(&field, common.created, problems);
            let area = Vocabulary::PracticeAreas.resolve(&policy.area);
            let earlier = &self.practice_policies[..index];
            if area.is_some_and(|area| earlier.iter().any(|other| other.is_on(area))) {
                problems.refuse(
                    &format!("{field}.area"),
                    &policy.area,
                    "is decided twice; keep the decision that holds",
                );
            }
        }
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::Emphases.normalise_all(&mut self.emphases);
        for policy in &mut self.practice_policies {
            Vocabulary::PracticeAreas.normalise(&mut policy.area);
        }
    }

    /// Nothing of a framework stays local.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        let beginning = if self.vision.trim().is_empty() { &self.mission } else { &self.vision };
        summary.default_abstract(beginning);
        let areas = self.practice_policies.iter().map(|policy| policy.area.clone());
        summary.practice_areas = areas.collect();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use crate::record::{Content, sample};
    use crate::vocabulary::Approach;

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "framework", "title": "The Hillside way", "created": "2025-09-01",
            "vision": "Every pupil leaves able to choose.",
            "mission": "To teach well in every classroom.", "values": "courage, kindness",
            "emphases": ["social mobility", "Core skills", "oracy"],
            "priorities": "Reading in every subject\nAttendance, above all of disadvantaged pupils",
            "practice_policies": [
                { "area": "Exam boards", "approach": "standardised",
                  "rationale": "Teachers can moderate together.", "decided_by": "Trust board",
                  "review": "2027-09-01",
                  "exceptions": [{ "school": "Brook School", "reason": "Mid-course pupils",
                                   "until": "2026-08-31" }] },
                { "area": "moderation", "approach": "align", "rationale": "Shared standards.",
                  "decided_by": "Heads' meeting", "decided_on": "2026-01-12",
                  "agreed_by": "Brook School, Park Academy", "review": "2027-07-01" },
            ],
        })
    }

    fn minimal() -> Value {
        json!({ "kind": "framework", "title": "Our priorities", "priorities": "Attendance" })
    }

    #[test]
    fn a_framework_is_read_in_full_and_with_the_least() {
        let record = sample::shareable(complete());
        let summary = record.summarise();
        assert_eq!(summary.practice_areas, ["exam boards", "moderation"]);
        assert_eq!(summary.abstract_text, "Every pupil leaves able to choose.");
        let Content::Framework(framework) = record.content else { panic!() };
        assert_eq!(framework.emphases, ["social mobility", "mastery of core skills", "oracy"]);
        assert_eq!(framework.priorities.len(), 2);
        let policy = framework.policy_on("Moderation").unwrap();
        assert_eq!(policy.approach, Some(Approach::Aligned));
        assert_eq!(framework.policy_on("appraisal"), None);
        sample::shareable(minimal());
    }

    #[test]
    fn each_broken_rule_is_named() {
        let policies = complete()["practice_policies"].clone();
        for (change, message) in [
            (json!({ "values": ["a".repeat(1_001)] }), "must have at most 1000 characters"),
            (
                json!({ "emphases": (0..13).map(|n| n.to_string()).collect::<Vec<_>>() }),
                "emphases is \"13 items\": may have at most 12",
            ),
            (json!({ "priorities": [""] }), "priorities[0]: is needed"),
            (
                json!({ "practice_policies": [policies[0], policies[1], policies[0]] }),
                "practice_policies[2].area is \"exam boards\": is decided twice",
            ),
        ] {
            sample::refuses(&complete(), change, message);
        }
        sample::refuses(
            &minimal(),
            json!({ "priorities": [] }),
            "vision: is needed where there is no mission, no priority and no practice policy",
        );
    }
}

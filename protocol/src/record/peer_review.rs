//! A peer review: schools look together at a question that one of them asks.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::written::{self, FromText};
use super::{Common, Period, Problems, Reference, Summary};

/// Words of overall judgements. A peer review gives none, so that schools ask real questions.
const GRADES: [&str; 4] = ["outstanding", "requires improvement", "inadequate", "special measures"];

/// Schools look at another's question together. It gives no grades; the host publishes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PeerReview {
    /// Name of the school that was visited; empty where it is the one that publishes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Names of the other schools that looked, one or more.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub reviewers: Vec<String>,
    /// The host's own question.
    pub focus: String,
    /// When the visits took place, or will.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub dates: Option<Period>,
    /// What the reviewers looked at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evidence_seen: String,
    /// What is strong, a point an item.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub strengths: Vec<String>,
    /// What the host will do.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::texts_or_maps")]
    pub next_steps: Vec<NextStep>,
    /// What came of the next steps.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub follow_up: String,
}

/// What a school will do after a peer review.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NextStep {
    /// What will be done.
    pub step: String,
    /// Role of the person who sees to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner_role: String,
    /// The day by which it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

impl FromText for NextStep {
    const EXPECTED: &'static str = "a step in words, or step, owner_role and date";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { step: text.to_owned(), ..Self::default() })
    }
}

impl PeerReview {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        problems.short_text("host", &self.host);
        self.validate_reviewers(problems);
        problems.required_text("focus", &self.focus);
        if let Some(dates) = self.dates {
            dates.validate("dates", problems);
        }
        problems.optional_text("evidence_seen", &self.evidence_seen);
        problems.list_length("strengths", self.strengths.len(), 40);
        for (index, strength) in self.strengths.iter().enumerate() {
            problems.text_length(&format!("strengths[{index}]"), strength, 1, 2_000);
        }
        problems.list_length("next_steps", self.next_steps.len(), 40);
        for (index, step) in self.next_steps.iter().enumerate() {
            step.validate(&format!("next_steps[{index}]"), problems);
        }
        problems.optional_text("follow_up", &self.follow_up);
        self.warn_of_grades(problems);
    }

    fn validate_reviewers(&self, problems: &mut Problems) {
        if self.reviewers.is_empty() {
            problems.refuse("reviewers", "", "are needed; name one or more other schools");
        }
        problems.list_length("reviewers", self.reviewers.len(), 30);
        for (index, reviewer) in self.reviewers.iter().enumerate() {
            let field = format!("reviewers[{index}]");
            problems.short_text(&field, reviewer);
            if reviewer.trim().is_empty() {
                problems.refuse(&field, "", "is empty; name a school");
            } else if reviewer.trim().to_lowercase() == self.host.trim().to_lowercase() {
                problems.refuse(&field, reviewer, "is the host; name other schools");
            }
        }
    }

    fn warn_of_grades(&self, problems: &mut Problems) {
        let strengths = self.strengths.iter().map(|strength| ("strengths", strength));
        let texts = [("evidence_seen", &self.evidence_seen), ("follow_up", &self.follow_up)];
        for (field, text) in texts.into_iter().chain(strengths) {
            let lower = text.to_lowercase();
            if let Some(grade) = GRADES.iter().find(|grade| lower.contains(**grade)) {
                problems.warn(
                    field,
                    grade,
                    "reads like a grade; a peer review gives none, so say what was seen",
                );
            }
        }
    }

    /// There is nothing to fold: a peer review uses no vocabulary.
    pub(super) fn normalise(&mut self) {}

    /// Nothing of a peer review stays local.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.default_abstract(&self.focus);
        summary.period = self.dates;
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}

impl NextStep {
    fn validate(&self, field: &str, problems: &mut Problems) {
        problems.text_length(&format!("{field}.step"), &self.step, 1, 2_000);
        problems.short_text(&format!("{field}.owner_role"), &self.owner_role);
        if self.owner_role.trim().is_empty() {
            problems.warn(
                &format!("{field}.owner_role"),
                "",
                "is missing; a step without a role to see to it is often forgotten",
            );
        }
        if self.date.is_none() {
            problems.warn(&format!("{field}.date"), "", "is missing; give a day, as 2026-02-13");
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use crate::record::{Content, sample};

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "peer review", "title": "Reading in Key Stage 3",
            "host": "Hillside Academy", "reviewers": ["Brook School", "Park Academy"],
            "focus": "How do weaker readers meet the texts of history lessons?",
            "dates": "2025-11-03 to 2025-11-04",
            "evidence_seen": "Nine lessons, books of six classes, a talk with pupils",
            "strengths": ["Teachers read aloud and pause on new words"],
            "next_steps": [{ "step": "Share the word lists", "owner_role": "Head of history",
                             "date": "2025-12-12" }],
            "follow_up": "Revisited in March: lists are used in all classes.",
        })
    }

    fn minimal() -> Value {
        json!({ "kind": "peer_review", "title": "Reading", "reviewers": "Brook School, Park Academy",
                "focus": "How do weaker readers cope?" })
    }

    #[test]
    fn a_review_is_read_in_full_and_with_the_least() {
        let record = sample::shareable(complete());
        let summary = record.summarise();
        assert_eq!(summary.period.unwrap().from, jiff::civil::date(2025, 11, 3));
        assert_eq!(
            summary.abstract_text,
            "How do weaker readers meet the texts of history lessons?"
        );
        let Content::PeerReview(review) = sample::shareable(minimal()).content else { panic!() };
        assert_eq!(review.reviewers, ["Brook School", "Park Academy"]);
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (change, message) in [
            (json!({ "reviewers": [] }), "reviewers: are needed; name one or more other schools"),
            (
                json!({ "reviewers": ["hillside academy "] }),
                "reviewers[0] is \"hillside academy\": is the host; name other schools",
            ),
            (json!({ "reviewers": ["Park", ""] }), "reviewers[1]: is empty; name a school"),
            (json!({ "focus": "" }), "focus: is needed"),
            (
                json!({ "dates": "2025-11-04 to 2025-11-03" }),
                "dates.to is \"2025-11-03\": must not be before the first day, 2025-11-04",
            ),
            (json!({ "strengths": [""] }), "strengths[0]: is needed"),
            (
                json!({ "next_steps": [{ "owner_role": "Head", "date": "2025-12-12" }] }),
                "next_steps[0].step: is needed",
            ),
        ] {
            sample::refuses(&complete(), change, message);
        }
    }

    #[test]
    fn grades_and_loose_ends_are_pointed_out() {
        for (change, message) in [
            (
                json!({ "strengths": ["Behaviour is Outstanding"] }),
                "strengths is \"outstanding\": reads like a grade",
            ),
            (
                json!({ "next_steps": [{ "step": "Share lists", "date": "2025-12-12" }] }),
                "next_steps[0].owner_role: is missing",
            ),
            (
                json!({ "next_steps": [{ "step": "Share lists", "owner_role": "Head" }] }),
                "next_steps[0].date: is missing; give a day",
            ),
        ] {
            sample::warns(&complete(), change, message);
        }
    }
}

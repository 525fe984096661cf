//! An age-related expectation, shared by the schools that agreed it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary, written};
use crate::vocabulary::{Vocabulary, key_stage_of};

/// What pupils of an age are expected to know and do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Expectation {
    /// The subject.
    pub subject: String,
    /// The year group.
    #[serde(deserialize_with = "written::text")]
    pub year_group: String,
    /// What is expected.
    pub statement: String,
    /// Work that meets it: descriptions or addresses.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub exemplars: Vec<String>,
    /// Resources that show work that meets it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub exemplar_resources: Vec<Reference>,
    /// Names of the schools that agreed it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub agreed_by: Vec<String>,
    /// The day on which schools compared work against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_date: Option<Date>,
}

impl Expectation {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        Vocabulary::Subjects.check("subject", &self.subject, problems);
        Vocabulary::YearGroups.check("year_group", &self.year_group, problems);
        problems.text_length("statement", &self.statement, 1, 4_000);
        problems.list_length("exemplars", self.exemplars.len(), 40);
        for (index, exemplar) in self.exemplars.iter().enumerate() {
            problems.text_length(&format!("exemplars[{index}]"), exemplar, 1, 2_000);
        }
        problems.list_length("exemplar_resources", self.exemplar_resources.len(), 20);
        problems.list_length("agreed_by", self.agreed_by.len(), 100);
        for (index, school) in self.agreed_by.iter().enumerate() {
            problems.text_length(&format!("agreed_by[{index}]"), school, 1, 300);
        }
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::Subjects.normalise(&mut self.subject);
        Vocabulary::YearGroups.normalise(&mut self.year_group);
    }

    /// Nothing of an expectation stays local.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.default_abstract(&self.statement);
        summary.subjects = vec![self.subject.clone()];
        summary.year_groups = vec![self.year_group.clone()];
        summary.key_stages =
            key_stage_of(&self.year_group).map(str::to_owned).into_iter().collect();
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.exemplar_resources.clone()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.exemplar_resources.iter_mut().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use crate::record::sample;

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "expectation", "title": "Fractions of amounts", "subject": "Maths",
            "year_group": 4, "statement": "Finds unit fractions of amounts.",
            "exemplars": ["A page of six problems, drawn and worked out"],
            "exemplar_resources": [sample::ID], "agreed_by": "Hillside Academy, Brook School",
            "moderation_date": "2026-02-06",
        })
    }

    fn minimal() -> Value {
        json!({ "kind": "expectation", "title": "Retelling", "subject": "English",
                "year_group": "reception", "statement": "Retells a story in order." })
    }

    #[test]
    fn an_expectation_is_read_in_full_and_with_the_least() {
        let summary = sample::shareable(complete()).summarise();
        assert_eq!(summary.subjects, ["mathematics"]);
        assert_eq!(summary.year_groups, ["year 4"]);
        assert_eq!(summary.key_stages, ["KS2"]);
        assert_eq!(summary.abstract_text, "Finds unit fractions of amounts.");
        assert_eq!(summary.references.len(), 1);
        assert_eq!(sample::shareable(minimal()).summarise().key_stages, ["EYFS"]);
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (change, message) in [
            (json!({ "subject": null }), "subject: is needed; use English,"),
            (json!({ "subject": "alchemy" }), "subject is \"alchemy\": is no subject"),
            (json!({ "year_group": null }), "year_group: is needed; use nursery,"),
            (json!({ "year_group": 14 }), "year_group is \"14\": is no year group"),
            (json!({ "statement": "" }), "statement: is needed"),
            (json!({ "exemplars": [" "] }), "exemplars[0]: is needed"),
            (json!({ "exemplar_resources": vec![sample::ID; 21] }), "may have at most 20"),
            (json!({ "agreed_by": ["a".repeat(301)] }), "must have at most 300 characters"),
        ] {
            sample::refuses(&complete(), change, message);
        }
    }
}

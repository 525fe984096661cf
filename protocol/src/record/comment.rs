//! A comment on a record.

use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

/// Characters of a comment; what is longer is a record of its own.
pub const MAX_COMMENT_CHARS: usize = 2_000;

/// A question, answer, thanks or caution on a record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Comment {
    /// The record that it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<Reference>,
    /// Question, answer, thanks or caution.
    #[serde(rename = "type")]
    pub comment_type: String,
    /// The comment, up to 2,000 characters.
    pub text: String,
}

impl Comment {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        if self.on.is_none() {
            problems.refuse("on", "", "is needed; give the id of the record that it is about");
        }
        Vocabulary::CommentTypes.check("type", &self.comment_type, problems);
        problems.text_length("text", &self.text, 1, MAX_COMMENT_CHARS);
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::CommentTypes.normalise(&mut self.comment_type);
    }

    /// Nothing of a comment stays local.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.default_abstract(&self.text);
        summary.kind_type = Some(self.comment_type.clone());
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.on.iter().cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.on.iter_mut().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use crate::record::sample;

    pub(in crate::record) fn complete() -> serde_json::Value {
        json!({
            "kind": "comment", "title": "Mixed-age classes", "type": "Question", "on": sample::ID,
            "text": "Did you try it with a class of years 3 and 4?",
        })
    }

    #[test]
    fn a_comment_is_read_and_shown_at_once() {
        let record = sample::shareable(complete());
        let summary = record.summarise();
        assert_eq!(summary.kind_type.as_deref(), Some("question"));
        assert_eq!(summary.abstract_text, "Did you try it with a class of years 3 and 4?");
        assert_eq!(summary.references[0].record.to_string(), sample::ID);
    }

    #[test]
    fn the_school_and_version_of_the_record_survive_sending() {
        let mut fields = complete();
        fields["on"] = sample::full_reference("7a");
        let references = sample::shareable(fields).content.references();
        assert!(references[0].school.is_some() && references[0].version.is_some());
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (change, message) in [
            (json!({ "on": null }), "on: is needed; give the id of the record that it is about"),
            (json!({ "type": null }), "type: is needed; use question, answer, thanks or caution"),
            (
                json!({ "type": "praise" }),
                "type is \"praise\": is no type of comment; use question, answer, thanks or caution",
            ),
            (json!({ "text": " " }), "text: is needed; write a sentence or two"),
            (
                json!({ "text": "a".repeat(2_001) }),
                "must have at most 2000 characters; it has 2001",
            ),
        ] {
            sample::refuses(&complete(), change, message);
        }
    }
}

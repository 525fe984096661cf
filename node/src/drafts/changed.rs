//! A draft of the next version of a record. What the form does not ask, or shows only in part, is kept
//! from the version before for as long as nobody changes it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::{Kind, Record};
use staffroom_protocol::vocabulary::Vocabulary;

use super::form::{Field, Form};
use super::{Draft, DraftFile, Fields, rows};
use crate::flat_record::flat;

impl Draft {
    /// A draft of the next version of a record.
    pub(crate) fn of_record(
        id: RecordId,
        record: &Record,
        groups: Vec<String>,
        now: Timestamp,
    ) -> Self {
        let kind = record.content.kind();
        let mut base = flat(record);
        base.remove("files");
        let files = record.summarise().files.into_iter();
        in_rows_of_the_form(kind, &mut base);
        let mut fields = Fields::new();
        for field in Form::of(kind).fields() {
            let shown = shown(&base, field);
            if !shown.is_empty() {
                fields.insert(field.name.to_owned(), shown);
            }
        }
        fields.insert("groups".to_owned(), groups);
        let files = files.map(|file| DraftFile { file, no_pupil_data: false }).collect();
        Self { base: Some(base), files, ..Self::new(id, kind, fields, now) }
    }

    /// What is kept of a field from the version before: all of it, where it says what it said then.
    pub(super) fn is_unchanged(&self, field: &Field, typed: &[&str]) -> bool {
        self.base.as_ref().is_some_and(|base| {
            let before = shown(base, field);
            let before: Vec<String> = before.iter().map(|value| as_sent(value)).collect();
            before.iter().map(|value| value.trim()).eq(typed.iter().copied())
        })
    }

    /// The version before without what this program worked out of figures that are others by now. Where
    /// nobody changed those, it stays: pupils at the start, on which it rests, are not in what was shared.
    pub(super) fn base_without_the_outdated(&self) -> Map<String, Value> {
        let mut base = self.base.clone().unwrap_or_default();
        if self.kind() != Kind::ImpactReport {
            return base;
        }
        let is_changed = |field: &Field| !self.is_unchanged(field, &self.typed(field));
        let form = Form::of(self.kind());
        if form.figures().filter(|field| decides_effect(field.name)).any(is_changed) {
            base.remove("detectable_effect");
            base.remove("figures_withheld");
        }
        for field in form.fields().filter(|field| is_changed(field)) {
            if let Some(voice) =
                field.name.strip_suffix(".n").filter(|one| one.starts_with("feedback."))
            {
                rows::remove(&mut base, &format!("{voice}.fewer_than_10"));
            }
        }
        base
    }
}

/// Whether a figure of a report decides how small an effect it could have found.
fn decides_effect(name: &str) -> bool {
    name.starts_with("arms.") || ["design", "outcome.type"].contains(&name)
}

/// A text as a form sends it back: a browser has its own ends of lines.
fn as_sent(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Puts the answers to the checklist into the rows of the form, of which each is for one question.
fn in_rows_of_the_form(kind: Kind, base: &mut Map<String, Value>) {
    if kind != Kind::SelfAssessment {
        return;
    }
    let answers = base.remove("answers");
    let mut answers = answers.and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let question =
        |answer: &Value| answer.get("question").and_then(Value::as_str).map(str::to_owned);
    let mut rows: Vec<Value> = Vec::new();
    for term in Vocabulary::ChecklistQuestions.terms() {
        let of_term = |answer: &Value| question(answer).as_ref() == Some(&term.term);
        let found = answers.iter().position(of_term).map(|place| answers.remove(place));
        rows.push(found.unwrap_or_else(|| json!({ "question": term.term })));
    }
    // What a newer program asks.
    rows.append(&mut answers);
    base.insert("answers".to_owned(), rows.into());
}

/// The values of a field as the form shows them.
fn shown(base: &Map<String, Value>, field: &Field) -> Vec<String> {
    let texts: Vec<String> = match rows::get(base, field.name) {
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    };
    if field.input.takes_several() || texts.is_empty() { texts } else { vec![texts.join("\n")] }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(match number.as_f64() {
            // 34 rather than 34.0, as people write it.
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        }),
        Value::Bool(yes) => yes.then(|| "yes".to_owned()),
        // Another record, or one of the changes of an adoption.
        Value::Object(fields) => {
            let field = |name: &str| fields.get(name).and_then(Value::as_str);
            match (field("record"), field("school")) {
                (Some(record), Some(school)) => Some(format!("{record}@{school}")),
                (Some(record), None) => Some(record.to_owned()),
                (None, _) => field("change").map(ToOwned::to_owned),
            }
        }
        Value::Null | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod report_tests;

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::{Authored, Content};

    use super::*;

    const ID: RecordId = RecordId::from_bytes([7; 16]);

    pub(super) fn record(value: Value) -> Record {
        Authored::from_value(value).unwrap().record
    }

    pub(super) fn draft(record: &Record) -> Draft {
        let groups = vec!["Fenland Trust".to_owned()];
        Draft::of_record(ID, record, groups, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_nobody_changes_is_the_same_in_the_next_version() {
        for value in [
            json!({
                "kind": "intervention", "title": "Echo reading", "aim": "Fluency, by summer",
                "what_is_different": "Four groups", "monitoring": "The reading lead",
                "subjects": ["English"], "priority": "Reading for all", "cost": "low",
                "resources": ["00112233445566778899aabbccddeeff"], "created": "2026-01-05",
                "core_elements": ["Every day", "In pairs"], "author_name": "The reading lead",
            }),
            json!({
                "kind": "adoption", "title": "Echo reading at Ash", "type": "adapted",
                "of": {
                    "record": "00112233445566778899aabbccddeeff",
                    "school": "11".repeat(32), "version": "22".repeat(32),
                },
                "changes": [{ "element": "Every day", "change": "Twice a week" }, "In the library"],
            }),
            json!({
                "kind": "resource", "title": "Fractions", "type": "worksheet", "licence": "CC BY",
                "third_party_material": "yes", "third_party_list": ["A picture; CC BY"],
                "teaches": "Halves\nThirds", "based_on": "000102030405060708090a0b0c0d0e0f",
                "files": [{
                    "name": "plan.pdf", "media_type": "application/pdf", "size": 7,
                    "hash": "33".repeat(32),
                }],
            }),
            json!({
                "kind": "framework", "title": "The Fenland way", "emphases": "character, oracy",
                "practice_policies": [
                    { "area": "moderation", "approach": "aligned", "rationale": "One standard.",
                      "decided_by": "Heads' meeting", "agreed_by": "Ash, Beech",
                      "review": "2027-06-01", "exceptions": [
                        { "school": "Oak", "reason": "New", "until": "2026-12-01" },
                        { "school": "Elm", "reason": "Moving", "until": "2026-12-01" },
                      ] },
                ],
            }),
            json!({
                "kind": "plan", "title": "Our plan", "academic_year": "2026/27",
                "priorities": [{ "statement": "Reading", "baseline": 61, "target": 72.5,
                                 "interventions": ["00112233445566778899aabbccddeeff"] }],
            }),
        ] {
            let before = record(value);
            let again = Authored::from_value(draft(&before).written()).unwrap();
            assert_eq!(again.record, before);
            assert_eq!(again.id, Some(ID));
            assert_eq!(again.groups, ["Fenland Trust"]);
        }
    }

    #[test]
    fn what_is_changed_or_emptied_is_in_the_next_version_alone() {
        let before = record(json!({
            "kind": "intervention", "title": "Echo reading", "aim": "Fluency",
            "what_is_different": "Four groups", "monitoring": "The reading lead",
            "rationale": "Because.", "subjects": ["English"], "priority": "Reading for all",
        }));
        let mut draft = draft(&before);
        draft.fields.insert("aim".to_owned(), vec!["Accuracy".to_owned()]);
        draft.fields.remove("rationale");
        draft.fields.insert("state".to_owned(), vec!["running".to_owned()]);
        let after = Authored::from_value(draft.written()).unwrap().record;
        let Content::Intervention(after) = after.content else { panic!("{after:?}") };
        assert_eq!((after.aim.as_str(), after.rationale.as_str()), ("Accuracy", ""));
        assert_eq!(after.state.as_str(), "running");
        assert_eq!(after.priority.unwrap().statement, "Reading for all");
    }
}

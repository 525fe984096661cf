//! A draft as the record that it is to become, and what is in the way of that.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use staffroom_protocol::record::{AuthoredError, Problem, Severity};
use staffroom_protocol::safeguard::{Allowed, Finding, Sort};

use super::form::{Field, Form, Input};
use super::{Draft, rows};
use crate::node::Node;
use crate::publish::{Preview, PublishError, PublishOptions};
use crate::readable::capitalised;

/// Before the name of a sort of find: the field in which an author says why it may be shared.
pub(crate) const CLEAR: &str = "clear.";

/// What came of checking a draft.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What would be shared; none where something is in the way, or the very same is shared already.
    pub(crate) preview: Option<Preview>,
    /// What is in the way, and what the author should look at.
    pub(crate) remarks: Vec<Remark>,
    /// What would be shared because the author cleared it.
    pub(crate) cleared: Vec<Cleared>,
}

/// A find that the author cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cleared {
    /// The field of the form that it is in; none where it is in a file.
    pub(crate) field: Option<&'static Field>,
    /// Where it is, as the scan has it.
    pub(crate) place: String,
    /// What was found, as a sentence goes on: "an e-mail address, in line 2".
    pub(crate) found: String,
    /// Why it may be shared, in the author's words.
    pub(crate) reason: String,
}

/// Something about a draft that its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The field of the form that it stands beside; none where it is about the whole.
    pub(crate) field: Option<&'static Field>,
    pub(crate) text: Text,
    /// Whether the record cannot be shared like this.
    pub(crate) refused: bool,
    /// What the author can clear with a reason.
    pub(crate) clear: Option<Sort>,
    /// The file that it is about.
    pub(crate) file: Option<String>,
}

/// What a remark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// A rule, which goes on from the name of the field: "must have at most 200 characters".
    Rule(String),
    /// A sentence.
    Sentence(String),
}

impl Draft {
    /// The record as a flat map of fields, empty ones left out.
    pub(crate) fn written(&self) -> Value {
        let mut written = Value::Object(self.with_gaps());
        rows::close_gaps(&mut written);
        if let Value::Object(map) = &mut written {
            // What had nothing but rows goes with the last of them.
            let rows = self.empty_rows().into_iter().filter_map(|row| row.rsplit_once('.'));
            for table in rows.map(|(table, _)| table).filter(|table| table.contains('.')) {
                if rows::get(map, table).and_then(Value::as_array).is_some_and(Vec::is_empty) {
                    rows::remove(map, table);
                }
            }
        }
        written
    }

    /// What was typed in a field, without what is empty.
    pub(super) fn typed(&self, field: &Field) -> Vec<&str> {
        let values = self.values(field.name).iter().map(|value| value.trim());
        values.filter(|value| !value.is_empty()).collect()
    }

    /// The record with every row where the form has it, also where rows before it are empty.
    fn with_gaps(&self) -> Map<String, Value> {
        let mut map = self.base_without_the_outdated();
        map.insert("kind".to_owned(), self.kind().as_str().into());
        map.insert("id".to_owned(), self.id.to_string().into());
        for field in Form::of(self.kind()).fields() {
            let values = self.typed(field);
            if self.is_unchanged(field, &values) {
                continue;
            }
            rows::remove(&mut map, field.name);
            if values.is_empty() {
                continue;
            }
            let value = if field.input == Input::Kept {
                reference(values[0])
            } else if field.input.takes_several() {
                json!(values)
            } else {
                // Commas are the author's own.
                json!(values[0])
            };
            rows::insert(&mut map, field.name, value);
        }
        for row in self.empty_rows() {
            rows::empty(&mut map, row);
        }
        let cleared: Vec<Value> = self
            .fields
            .iter()
            .filter_map(|(name, reasons)| {
                let sort = name.strip_prefix(CLEAR)?;
                let reasons: Vec<&str> = reasons
                    .iter()
                    .map(|reason| reason.trim())
                    .filter(|reason| !reason.is_empty())
                    .collect();
                let reason = reasons.join("; ");
                (!reason.is_empty()).then(|| json!({ "sort": sort, "reason": reason }))
            })
            .collect();
        let cleared: Vec<Value> =
            cleared.into_iter().chain(self.confirmed().map(|one| json!(one))).collect();
        if let Some(files) = self.written_files() {
            map.insert("files".to_owned(), files);
        }
        if !cleared.is_empty() {
            map.insert("cleared".to_owned(), cleared.into());
        }
        map
    }

    /// The rows of the form in which nothing is filled in.
    fn empty_rows(&self) -> BTreeSet<&'static str> {
        let rows = Form::of(self.kind()).fields().flat_map(|field| rows::rows_of(field.name));
        rows.filter(|row| !self.is_filled(row)).collect()
    }

    /// Whether anything is filled in of a row such as `priorities.0`.
    fn is_filled(&self, row: &str) -> bool {
        let typed = self
            .fields
            .iter()
            .filter(|(_, values)| values.iter().any(|value| !value.trim().is_empty()));
        typed
            .into_iter()
            .any(|(name, _)| name.strip_prefix(row).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The field of the form that a path in the record belongs to. Rules name it as a person writes it,
    /// the scan as the record has it: in `common`, or in the kind's own `content`.
    fn field_at(&self, path: &str) -> Option<&'static Field> {
        let form = Form::of(self.kind());
        let content = format!("content.{}.", self.kind());
        let in_record = path.strip_prefix(&content).or_else(|| path.strip_prefix("common."));
        let path = in_record.unwrap_or(path);
        let name = rows::name_of(path, &Value::Object(self.with_gaps()));
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        form.fields()
            .find(|field| field.name == name || within(&name, field.name))
            .or_else(|| form.fields().find(|field| within(field.name, &name)))
    }

    /// What is wrong with what was filled in for a field.
    pub(crate) fn remark_beside(&self, name: &str, error: impl ToString) -> Remark {
        let text = Text::Sentence(sentence(&error.to_string()));
        Remark { field: self.field_at(name), text, refused: true, clear: None, file: None }
    }

    pub(super) fn remark_on_problem(&self, problem: &Problem) -> Remark {
        let field = self.field_at(&problem.field);
        let text = match field {
            Some(_) => Text::Rule(problem.rule.clone()),
            None => Text::Sentence(problem.to_string()),
        };
        Remark {
            field,
            text,
            refused: problem.severity == Severity::Refused,
            clear: None,
            file: None,
        }
    }

    fn remark_on_finding(&self, finding: &Finding) -> Remark {
        let found = found(finding);
        let advice = finding.sort.advice();
        let clear = (!finding.refused).then_some(finding.sort);
        let field = self.field_at(&finding.place);
        let text = match (field, &finding.reason) {
            (Some(_), _) => format!("This looks like {found}. {advice}"),
            (None, Some(reason)) => {
                format!("{} could not be looked through: {reason}. {advice}", finding.place)
            }
            (None, None) => format!("{} holds {found}. {advice}", finding.place),
        };
        let file = field.is_none().then(|| finding.place.clone());
        Remark { field, text: Text::Sentence(text), refused: true, clear, file }
    }

    fn cleared(&self, Allowed { finding, reason }: &Allowed) -> Cleared {
        Cleared {
            field: self.field_at(&finding.place),
            place: finding.place.clone(),
            found: found(finding),
            reason: reason.clone(),
        }
    }

    pub(super) fn remarks_on(&self, error: &PublishError) -> Vec<Remark> {
        let about = |path: Option<&str>, text: Text| Remark {
            field: path.and_then(|path| self.field_at(path)),
            text,
            refused: true,
            clear: None,
            file: None,
        };
        match error {
            PublishError::Refused(refusal) => {
                let problems = refusal.problems.iter().map(|one| self.remark_on_problem(one));
                let findings = refusal.findings.iter().map(|one| self.remark_on_finding(one));
                problems.chain(findings).collect()
            }
            PublishError::Authored(AuthoredError::Field { field, reason }) => {
                vec![about(Some(field), Text::Sentence(format!("This cannot be read: {reason}.")))]
            }
            PublishError::WhichGroups(_) | PublishError::NoGroup | PublishError::Group(_) => {
                vec![about(Some("groups"), Text::Sentence(sentence(&error.to_string())))]
            }
            PublishError::Reference { error, .. } => {
                vec![about(Some("of"), Text::Sentence(sentence(&error.to_string())))]
            }
            PublishError::Files(refused) => {
                let texts = refused.iter().map(|one| one.for_pages() + ".");
                texts.map(|text| about(None, Text::Sentence(text))).collect()
            }
            PublishError::Authored(_)
            | PublishError::Clock(_)
            | PublishError::SameTitle(_)
            | PublishError::Withdrawn(_)
            | PublishError::KindChanged { .. }
            | PublishError::FileMissing(_)
            | PublishError::Entry(_)
            | PublishError::Store(_)
            | PublishError::Blob(_)
            | PublishError::Keep(_)
            | PublishError::Home(_)
            | PublishError::Record(_) => {
                vec![about(None, Text::Sentence(sentence(&error.to_string())))]
            }
        }
    }
}

impl Remark {
    /// A sentence about the whole.
    pub(crate) fn sentence(text: String) -> Self {
        Self { field: None, text: Text::Sentence(text), refused: true, clear: None, file: None }
    }
}

/// What the scan found, and where in its field or file.
fn found(finding: &Finding) -> String {
    let mut found = finding.sort.label().to_owned();
    if let [line, ..] = finding.lines.as_slice() {
        found.push_str(&format!(", in line {line}"));
    }
    if finding.count > 1 {
        found.push_str(&format!(", {} times", finding.count));
    }
    found
}

/// Another record, as `ID@SCHOOL` or by its id alone.
fn reference(of: &str) -> Value {
    match of.split_once('@') {
        Some((record, school)) => json!({ "record": record, "school": school }),
        None => json!(of),
    }
}

/// An error as a sentence of a page.
fn sentence(error: &str) -> String {
    capitalised(error) + "."
}

impl Node {
    /// What would be shared of a draft, or what is in the way.
    ///
    /// # Errors
    /// [`PublishError`] only for what concerns the whole node.
    pub(crate) fn check_draft(&self, draft: &Draft) -> Result<Checked, PublishError> {
        match self.preview(draft.written(), &PublishOptions::default()) {
            Ok(preview) => {
                let warnings = preview.iter().flat_map(|preview| &preview.warnings);
                let remarks = warnings.map(|one| draft.remark_on_problem(one)).collect();
                let cleared = preview.iter().flat_map(|preview| &preview.cleared);
                let cleared = cleared.map(|one| draft.cleared(one)).collect();
                Ok(Checked { preview, remarks, cleared })
            }
            Err(error) if error.is_general() => Err(error),
            Err(error) => {
                let remarks = draft.remarks_on(&error);
                Ok(Checked { preview: None, remarks, cleared: Vec::new() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::{Authored, Kind};

    use super::super::tests::draft;
    use super::*;

    #[test]
    fn what_was_typed_goes_where_the_record_has_it() {
        let typed = [
            ("title", " Echo reading "),
            ("aim", "Fluency, by summer"),
            ("subjects", "English"),
            ("subjects", "phonics"),
            ("cost.per_year", "1,200"),
            ("groups", "Fenland Trust"),
            ("rationale", "  "),
            ("clear.email", "the school's office"),
            ("paste.intervention.after", "1\n2\n3"),
            ("unheard_of", "x"),
        ];
        let written = draft(Kind::Intervention, &typed).written();
        let expected = json!({
            "kind": "intervention", "id": "07070707070707070707070707070707",
            "title": "Echo reading", "aim": "Fluency, by summer",
            "subjects": ["English", "phonics"], "cost": { "per_year": "1,200" },
            "groups": ["Fenland Trust"],
            "cleared": [{ "sort": "email", "reason": "the school's office" }],
        });
        assert_eq!(written, expected);
        Authored::from_value(written).unwrap();
    }

    #[test]
    fn every_field_of_every_form_is_one_of_its_record() {
        for (kind, form) in Kind::ALL.iter().map(|kind| (*kind, Form::of(*kind))) {
            let typed: Vec<(&str, &str)> = form
                .fields()
                .map(|field| {
                    let value = match field.input {
                        Input::Line | Input::Text | Input::Groups => "words",
                        Input::Day => "2026-01-05",
                        Input::Number => "12",
                        Input::Choice(answers) | Input::List(answers) => answers[0].0,
                        Input::Term(vocabulary) | Input::Ticks(vocabulary) => {
                            vocabulary.terms()[0].term.as_str()
                        }
                        Input::Yes => "yes",
                        Input::Kept => "00112233445566778899aabbccddeeff",
                    };
                    (field.name, value)
                })
                .collect();
            let written = draft(kind, &typed).written();
            let read = Authored::from_value(written);
            assert!(read.is_ok(), "{kind}: {read:?}");
        }
    }

    #[test]
    fn rows_that_are_left_empty_leave_no_gap_and_what_is_wrong_stands_beside_its_row() {
        let typed = [
            ("title", "The Fenland way"),
            ("practice_policies.1.area", "moderation"),
            ("practice_policies.3.area", "exam boards"),
            ("practice_policies.3.exceptions.0.school", "Ash Primary"),
            ("practice_policies.2.area", " "),
        ];
        let framework = draft(Kind::Framework, &typed);
        let policies = &framework.written()["practice_policies"];
        let expected = json!([
            { "area": "moderation" },
            { "area": "exam boards", "exceptions": [{ "school": "Ash Primary" }] },
        ]);
        assert_eq!(*policies, expected);
        for (path, field) in [
            ("practice_policies[1].approach", "practice_policies.3.approach"),
            ("practice_policies[0]", "practice_policies.1.area"),
            (
                "content.framework.practice_policies[1].exceptions[0].reason",
                "practice_policies.3.exceptions.0.reason",
            ),
        ] {
            assert_eq!(framework.field_at(path).map(|field| field.name), Some(field), "{path}");
        }
    }

    #[test]
    fn what_is_wrong_stands_beside_the_field_it_is_in() {
        let report = draft(Kind::ImpactReport, &[]);
        for (path, field) in [
            ("what_was_seen", Some("what_was_seen")),
            ("period", Some("period.from")),
            ("arms.intervention.after.mean", Some("arms.intervention.after.mean")),
            ("pupil_groups[2]", Some("pupil_groups")),
            ("content.impact_report.other_factors", Some("other_factors")),
            ("common.abstract", Some("abstract")),
            ("the summary", None),
        ] {
            assert_eq!(report.field_at(path).map(|field| field.name), field, "{path}");
        }
        let adoption = draft(Kind::Adoption, &[]);
        let changes = adoption.field_at("changes[0].change");
        assert_eq!(changes.map(|field| field.name), Some("changes"));
    }
}

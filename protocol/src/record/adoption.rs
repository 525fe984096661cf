//! A school takes up another school's intervention, or its version of one.

mod context;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::intervention::Intervention;
use super::progress::{Progress, State};
use super::term::{fold, terms};
use super::written::{self, FromText};
use super::{Common, Problems, Reference, Summary};
use crate::hash::SchoolId;

pub use context::{Context, RollBand, ShareBand};

/// A school takes up another school's intervention or adoption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Adoption {
    /// The intervention or adoption that is taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Reference>,
    /// How close it stays to the original.
    #[serde(rename = "type")]
    pub closeness: Option<Closeness>,
    /// What is done differently.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::texts_or_maps")]
    pub changes: Vec<Change>,
    /// Why this one was chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason_for_choice: String,
    /// The school in bands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Role of the person to ask.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact_role: String,
    /// How far it has got.
    pub state: State,
    /// Why it was stopped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_reason: String,
    /// The day it started or is meant to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Date>,
    /// The day it ended or is meant to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Date>,
}

impl Default for Adoption {
    fn default() -> Self {
        Self {
            of: None,
            closeness: None,
            changes: Vec::new(),
            reason_for_choice: String::new(),
            context: None,
            contact_role: String::new(),
            state: State::Running,
            stop_reason: String::new(),
            started: None,
            ended: None,
        }
    }
}

terms! {
    /// How close an adoption stays to the original.
    Closeness, "type of adoption" {
        /// As described.
        Exact = "exact",
        /// With changes that are named.
        Adapted = "adapted",
        /// Only the idea.
        Inspired = "inspired",
    }
}

/// One thing that an adoption does differently; may be written as text alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AdoptionChange))]
#[serde(default)]
pub struct Change {
    /// The core or adaptable element of the original that it is about, as written there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub element: String,
    /// What is done in its place.
    pub change: String,
}

impl FromText for Change {
    const EXPECTED: &'static str = "a change in words, or element and change";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { element: String::new(), change: text.to_owned() })
    }
}

impl Adoption {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        if self.of.is_none() {
            problems.refuse(
                "of",
                "",
                "is needed; give the id of the intervention or adoption taken up",
            );
        }
        self.validate_changes(problems);
        problems.optional_text("reason_for_choice", &self.reason_for_choice);
        problems.short_text("contact_role", &self.contact_role);
        if let Some(context) = &self.context {
            context.validate(problems);
        }
        self.progress().validate(problems);
    }

    fn validate_changes(&self, problems: &mut Problems) {
        match self.closeness {
            None => problems.refuse("type", "", "is needed; choose exact, adapted or inspired"),
            Some(Closeness::Exact) if !self.changes.is_empty() => problems.refuse(
                "type",
                Closeness::Exact,
                "does not go with changes; choose adapted, or take the changes out",
            ),
            Some(kind @ (Closeness::Adapted | Closeness::Inspired)) if self.changes.is_empty() => {
                problems.refuse(
                    "changes",
                    "",
                    format!("is needed because the type is {kind}; say what you do differently"),
                );
            }
            Some(_) => {}
        }
        problems.list_length("changes", self.changes.len(), 40);
        for (index, change) in self.changes.iter().enumerate() {
            problems.text_length(&format!("changes[{index}].change"), &change.change, 1, 2_000);
            problems.text_length(&format!("changes[{index}].element"), &change.element, 0, 1_000);
        }
    }

    /// Refuses an adoption of the school's own work. `own` is the school that publishes.
    pub fn validate_source(&self, own: SchoolId, problems: &mut Problems) {
        if let Some(of) = self.of.as_ref().filter(|of| of.school == Some(own)) {
            problems.refuse(
                "of",
                of.record,
                "is your own school's; take up another school's, or edit your own",
            );
        }
    }

    /// Refuses changes that name no element of `original`, where the original lists any.
    ///
    /// An adoption that is merely inspired need not name one.
    pub fn validate_against(&self, original: &Intervention, problems: &mut Problems) {
        let elements: Vec<&String> =
            original.core_elements.iter().chain(&original.adaptable_elements).collect();
        if elements.is_empty() || self.closeness == Some(Closeness::Inspired) {
            return;
        }
        for (index, change) in self.changes.iter().enumerate() {
            if !elements.iter().any(|element| fold(element) == fold(&change.element)) {
                let quoted: Vec<String> =
                    elements.iter().map(|element| format!("{element:?}")).collect();
                problems.refuse(
                    &format!("changes[{index}].element"),
                    &change.element,
                    format!("must name an element of the original: {}", quoted.join(", ")),
                );
            }
        }
    }

    fn progress(&self) -> Progress<'_> {
        Progress {
            state: self.state,
            stop_reason: &self.stop_reason,
            started: self.started,
            ended: self.ended,
        }
    }

    pub(super) fn normalise(&mut self) {
        if let Some(context) = &mut self.context {
            context.normalise();
        }
    }

    /// Nothing of an adoption stays in the school.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.kind_type = self.closeness.map(|closeness| closeness.to_string());
        summary.state = Some(self.state.to_string());
        summary.period = self.progress().period();
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.of.iter().cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.of.iter_mut().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::sample::{self, ID, said, with};
    use crate::record::{Content, Record};

    fn minimal() -> Value {
        json!({ "kind": "adoption", "title": "Paired reading here", "of": ID, "type": "exact" })
    }

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "adoption",
            "title": "Paired reading here",
            "of": sample::full_reference("ab"),
            "type": "Adapted",
            "changes": ["Ours is weekly", { "element": "The book", "change": "Poems" }],
            "reason_for_choice": "A school like ours did it",
            "context": {
                "phase": "primary school",
                "pupils_on_roll": "150 to 299",
                "disadvantaged": "25 to 50 %",
                "eal": "under 10%",
                "sen": "10_to_25_percent",
            },
            "contact_role": "English lead",
            "state": "stopped",
            "stop_reason": "The lead left",
            "started": "2026-01-05",
            "ended": "2026-02-13",
        })
    }

    fn content(record: Record) -> Adoption {
        let Content::Adoption(adoption) = record.content else { panic!("{record:?}") };
        adoption
    }

    fn messages(check: impl Fn(&mut Problems)) -> Vec<String> {
        let mut problems = Problems::default();
        check(&mut problems);
        problems.into_vec().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_original_and_the_type_are_enough() {
        assert_eq!(said(minimal()), [""; 0]);
        let record = sample::read(minimal());
        sample::assert_round_trips(&record);
        let summary = record.summarise();
        assert_eq!(summary.kind_type.as_deref(), Some("exact"));
        assert_eq!(summary.state.as_deref(), Some("running"));
        assert_eq!(summary.references[0].record.to_string(), ID);
    }

    #[test]
    fn every_field_is_kept_and_fills_its_facet() {
        assert_eq!(said(complete()), [""; 0]);
        let record = sample::read(complete());
        sample::assert_round_trips(&record);
        let summary = record.summarise();
        assert_eq!(summary.state.as_deref(), Some("stopped"));
        assert!(summary.period.unwrap().to.is_some());
        let mut adoption = content(record);
        adoption.normalise();
        assert_eq!(adoption.changes[0].change, "Ours is weekly");
        assert_eq!(adoption.changes[1].element, "The book");
        let context = adoption.context.clone().unwrap();
        assert_eq!(context.phase, "primary");
        assert_eq!(context.disadvantaged, Some(ShareBand::From25));
        assert_eq!(adoption.references_mut().len(), 1);
        let before = adoption.clone();
        adoption.redact();
        assert_eq!(adoption, before);
    }

    #[test]
    fn each_rule_names_field_value_and_what_to_do() {
        sample::each_says(
            &complete(),
            &[
                (
                    &[("of", json!(null))],
                    "of: is needed; give the id of the intervention or adoption taken up",
                ),
                (&[("type", json!(null))], "type: is needed; choose exact, adapted or inspired"),
                (
                    &[("type", json!("exact"))],
                    "type is \"exact\": does not go with changes; choose adapted, or take the \
                     changes out",
                ),
                (
                    &[("changes", json!([]))],
                    "changes: is needed because the type is adapted; say what you do differently",
                ),
                (
                    &[("changes", json!([{ "element": "The book" }]))],
                    "changes[0].change: is needed; write a sentence or two",
                ),
                (
                    &[("stop_reason", json!(""))],
                    "stop_reason: is needed because the state is stopped; say in a sentence why, so \
                     that others learn from it",
                ),
            ],
        );
        let phase = said(with(&complete(), &[("context.phase", json!("castle"))]));
        assert!(phase[0].starts_with("context.phase is \"castle\": is no phase; use nursery,"));
    }

    #[test]
    fn a_school_does_not_adopt_its_own_work() {
        let adoption = content(sample::read(complete()));
        let own = SchoolId::from_bytes([0xab; 32]);
        assert_eq!(
            messages(|problems| adoption.validate_source(own, problems)),
            [format!(
                "of is {:?}: is your own school's; take up another school's, or edit your own",
                "ab".repeat(16)
            )]
        );
        let other = SchoolId::from_bytes([1; 32]);
        assert_eq!(messages(|problems| adoption.validate_source(other, problems)), [""; 0]);
    }

    #[test]
    fn a_change_names_an_element_where_the_original_lists_any() {
        let mut adoption = content(sample::read(complete()));
        let mut original = Intervention::default();
        assert_eq!(messages(|problems| adoption.validate_against(&original, problems)), [""; 0]);
        original.core_elements = vec!["Every day".to_owned()];
        original.adaptable_elements = vec!["the book".to_owned()];
        assert_eq!(
            messages(|problems| adoption.validate_against(&original, problems)),
            [
                "changes[0].element: must name an element of the original: \"Every day\", \"the book\""
            ]
        );
        adoption.closeness = Some(Closeness::Inspired);
        assert_eq!(messages(|problems| adoption.validate_against(&original, problems)), [""; 0]);
    }
}

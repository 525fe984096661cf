//! A form as a page shows it: parts, fields, what was typed, and what is wrong beside each.

use std::collections::BTreeMap;

use staffroom_protocol::vocabulary::Vocabulary;

use crate::drafts::form::{Field, Form, Input, PASTED};
use crate::drafts::rows::rows_of;
use crate::drafts::{Draft, Remark, Text};
use crate::http::pages::frame::Frame;

/// Terms that are ticked in the open; more are folded away.
const MOST_OPEN_TICKS: usize = 8;

/// A part of a form.
pub(super) struct ShownPart {
    pub(super) heading: Option<String>,
    pub(super) open: bool,
    pub(super) sets: Vec<ShownSet>,
    /// Whether figures are asked, which an effect follows from.
    pub(super) figures: bool,
}

/// Fields under a heading of their own.
pub(super) struct ShownSet {
    pub(super) legend: Option<String>,
    pub(super) fields: Vec<ShownField>,
    /// Columns of scores that may be pasted: the field, its label, and the fields that it fills.
    pub(super) pasted: Vec<(&'static str, String, &'static str)>,
}

/// A field.
pub(super) struct ShownField {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) hint: Option<String>,
    pub(super) value: String,
    pub(super) errors: Vec<String>,
    pub(super) answers: Vec<Answer>,
    /// Whether its answers are folded away.
    pub(super) folded: bool,
    /// How the template shows it.
    pub(super) input: &'static str,
}

/// An answer to choose.
pub(super) struct Answer {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

impl ShownPart {
    /// Whether it is one field, which needs no folding away.
    pub(super) fn is_one_field(&self) -> bool {
        self.sets.iter().map(|set| set.fields.len()).sum::<usize>() == 1
    }
}

impl ShownField {
    pub(super) fn chosen(&self) -> usize {
        self.answers.iter().filter(|answer| answer.chosen).count()
    }

    /// The ids of what describes it, for those who listen.
    pub(super) fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let errors = (!self.errors.is_empty()).then(|| format!("{}-error", self.name));
        [hint, errors].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The parts of the form of a draft. `groups` are those that this school may share with.
pub(super) fn parts(
    frame: &Frame,
    draft: &Draft,
    remarks: &[Remark],
    groups: &[String],
) -> Vec<ShownPart> {
    let filled = last_filled_rows(draft);
    let parts = Form::of(draft.kind()).parts.iter();
    parts
        .map(|part| {
            let mut sets: Vec<ShownSet> = Vec::new();
            let fields = part.fields.iter().filter(|field| field.input != Input::Kept);
            for field in fields.filter(|field| has_room(&filled, field.name)) {
                let (legend, arm) = arm(field.name);
                let legend =
                    legend.map(|legend| frame.t(legend)).or_else(|| row(frame, field.name));
                if sets.last().is_none_or(|set| set.legend != legend) {
                    sets.push(ShownSet { legend, fields: Vec::new(), pasted: pasted(frame, arm) });
                }
                if let Some(set) = sets.last_mut() {
                    set.fields.push(shown(frame, draft, field, remarks, groups));
                }
            }
            let fields = || sets.iter().flat_map(|set| &set.fields);
            let figures = part.fields.iter().any(|field| field.name.starts_with("arms."));
            // What is filled in is not hidden from whoever changes it.
            let open =
                fields().any(|field| !field.errors.is_empty() || !field.value.trim().is_empty());
            ShownPart { heading: part.heading.map(|heading| frame.t(heading)), open, sets, figures }
        })
        .collect()
}

/// The heading of the pupils that a figure is about, and the beginning of the names of their columns.
fn arm(field: &str) -> (Option<&'static str>, &'static str) {
    if field.starts_with("arms.intervention.") {
        (Some("write-arm-intervention"), "paste.intervention.")
    } else if field.starts_with("arms.comparison.") {
        (Some("write-arm-comparison"), "paste.comparison.")
    } else {
        (None, "")
    }
}

/// The heading of a row of a table.
fn row(frame: &Frame, field: &str) -> Option<String> {
    let (table, place) = table_and_row(field)?;
    let question = Vocabulary::ChecklistQuestions.terms().get(place);
    match (table, question) {
        ("answers", Some(question)) => Some(format!("{}. {}", place + 1, question.label())),
        ("practice_policies", _) => Some(frame.with("write-row-decision", "number", place + 1)),
        ("engagement.attitudes", _) => Some(frame.with("write-row-attitude", "number", place + 1)),
        ("next_steps", _) => Some(frame.with("write-row-step", "number", place + 1)),
        _ => Some(frame.with("write-row-priority", "number", place + 1)),
    }
}

/// The number of the last row of each table in which anything is filled in.
fn last_filled_rows(draft: &Draft) -> BTreeMap<&str, usize> {
    let mut last = BTreeMap::new();
    let is_filled = |values: &[String]| values.iter().any(|value| !value.trim().is_empty());
    let filled = draft.fields.iter().filter(|(_, values)| is_filled(values));
    for (table, row) in filled.filter_map(|(name, _)| table_and_row(name)) {
        let last = last.entry(table).or_default();
        *last = row.max(*last);
    }
    last
}

/// Whether a field is shown: of the empty rows of a table only the next, so that a form is no longer
/// than what there is to fill in. Saving it brings another.
fn has_room(last_filled: &BTreeMap<&str, usize>, field: &str) -> bool {
    match table_and_row(field) {
        Some((table, row)) if row > 0 => last_filled.get(table).is_some_and(|last| row <= last + 1),
        Some(_) | None => true,
    }
}

/// The table that a field is in, and the number of its row.
fn table_and_row(field: &str) -> Option<(&str, usize)> {
    let (table, row) = rows_of(field).next()?.rsplit_once('.')?;
    Some((table, row.parse().ok()?))
}

fn pasted(frame: &Frame, arm: &str) -> Vec<(&'static str, String, &'static str)> {
    let of_arm = PASTED.iter().filter(|(name, ..)| !arm.is_empty() && name.starts_with(arm));
    of_arm.map(|(name, label, fills)| (*name, frame.t(label), *fills)).collect()
}

fn shown(
    frame: &Frame,
    draft: &Draft,
    field: &'static Field,
    remarks: &[Remark],
    groups: &[String],
) -> ShownField {
    let label = frame.t(field.label);
    let chosen = draft.values(field.name);
    let answer = |value: &str, label: String| Answer {
        chosen: chosen.iter().any(|one| one == value),
        value: value.to_owned(),
        label,
    };
    let (input, mut answers) = match field.input {
        // A line of a form has no second one, which a file may have.
        Input::Line if draft.value(field.name).contains(['\n', '\r']) => ("text", Vec::new()),
        Input::Line => ("line", Vec::new()),
        Input::Text => ("text", Vec::new()),
        Input::Day => ("day", Vec::new()),
        Input::Number => ("number", Vec::new()),
        Input::Kept => ("kept", Vec::new()),
        Input::Yes => ("ticks", vec![answer("yes", frame.t("write-yes"))]),
        Input::Choice(answers) => {
            let answers = answers.iter().map(|(value, label)| answer(value, frame.t(label)));
            ("choice", answers.collect())
        }
        Input::List(answers) => {
            let answers = answers.iter().map(|(value, label)| answer(value, frame.t(label)));
            ("list", answers.collect())
        }
        Input::Term(vocabulary) => {
            let terms = vocabulary.terms().iter();
            let answers = terms.map(|term| answer(&term.term, term.label().to_owned()));
            ("list", answers.collect())
        }
        Input::Ticks(vocabulary) => {
            let terms = vocabulary.terms().iter();
            let answers = terms.map(|term| answer(&term.term, term.label().to_owned()));
            ("ticks", answers.collect())
        }
        Input::Groups => ("ticks", groups.iter().map(|name| answer(name, name.clone())).collect()),
    };
    if matches!(field.input, Input::Choice(_) | Input::List(_) | Input::Term(_) | Input::Ticks(_)) {
        // What a file had, or a newer program, is not lost by saving the form.
        let others = chosen.iter().filter(|value| !value.trim().is_empty());
        let others = others.filter(|value| answers.iter().all(|one| one.value != **value));
        let others: Vec<Answer> = others.map(|value| answer(value, value.clone())).collect();
        answers.extend(others);
    }
    let about = remarks.iter().filter(|remark| remark.field == Some(field));
    let errors: Vec<String> = about.map(|remark| words(frame, remark)).collect();
    ShownField {
        name: field.name,
        hint: field.hint.map(|hint| frame.t(hint)),
        value: draft.value(field.name).to_owned(),
        folded: answers.len() > MOST_OPEN_TICKS && input == "ticks",
        errors,
        label,
        answers,
        input,
    }
}

/// A remark as a sentence that names the field.
pub(super) fn words(frame: &Frame, remark: &Remark) -> String {
    match (&remark.text, remark.field) {
        (Text::Rule(rule), Some(field)) => format!("“{}” {rule}.", frame.t(field.label)),
        (Text::Rule(text), None) | (Text::Sentence(text), _) => text.clone(),
    }
}

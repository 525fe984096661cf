//! How a draft begins: empty, or with what is known of the record that it is about.

use jiff::Timestamp;
use jiff::civil::Date;
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::{Kind, Summary};
use staffroom_protocol::safeguard::Sort;
use staffroom_protocol::vocabulary::Vocabulary;

use super::form::{Form, Input};
use super::written::CLEAR;
use super::{Column, Draft, DraftError, Fields, names_another};
use crate::clock::today;
use crate::home::{HomeError, random};
use crate::node::Node;
use crate::people::UserName;
use crate::records::{HeldRecord, RecordError};
use crate::school_year::SchoolYear;

/// Characters that a title may have.
const MOST_TITLE_CHARS: usize = 200;

/// Why a draft cannot be begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("there is no form for {kind:?}; there is one for {}", all_kinds())]
    Kind { kind: String },
    #[error("say which record it is about")]
    AboutNothing,
    #[error("only an intervention or an adoption can be taken up or reported on")]
    NotTried,
    #[error("this is our own school's record; report on it instead of taking it up")]
    Own,
    #[error(
        "only an intervention or adoption can be taken up, and only a resource made into another"
    )]
    NotAResource,
    #[error("only what our own school shared, and there is a form for, can be changed here")]
    NotToChange,
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    Home(#[from] HomeError),
}

impl Node {
    /// Begins a draft of a kind, about the record whose id is given, and keeps it.
    pub(crate) fn start_draft(
        &self,
        kind: &str,
        of: Option<&str>,
        by: Option<&UserName>,
    ) -> Result<Draft, StartError> {
        let unknown = |_| StartError::Kind { kind: kind.chars().take(40).collect() };
        let kind: Kind = kind.parse().map_err(unknown)?;
        let mut draft = self.new_draft(kind, by)?;
        let is_about_another = matches!(kind, Kind::Adoption | Kind::ImpactReport | Kind::Comment);
        match of.filter(|of| !of.is_empty()) {
            Some(of) if is_about_another || kind == Kind::Resource => {
                self.fill_in(kind, &self.find_record(of)?, &mut draft.fields)?;
            }
            None if is_about_another => return Err(StartError::AboutNothing),
            Some(_) | None => {}
        }
        begin(kind, today(), &mut draft.fields);
        self.drafts().keep(&draft)?;
        Ok(draft)
    }

    /// An empty draft, which is not kept yet.
    pub(super) fn new_draft(&self, kind: Kind, by: Option<&UserName>) -> Result<Draft, StartError> {
        let mut fields = Fields::new();
        let names = self.own_group_names();
        // Who sees it is for its author to say, where there is anything to say.
        if names.len() == 1 {
            fields.insert("groups".to_owned(), names);
        }
        let id = RecordId::from_bytes(random(self.home().dir())?);
        let mut draft = Draft::new(id, kind, fields, Timestamp::now());
        draft.was_changed_by(by);
        Ok(draft)
    }

    /// The draft of the next version of one of this school's records: the one that is being written, or
    /// a new one.
    pub(crate) fn change_record(
        &self,
        id: &str,
        by: Option<&UserName>,
    ) -> Result<Draft, StartError> {
        let held = self.find_record(id)?;
        let EntryKey { school, record, .. } = held.entry.key();
        match self.drafts().get(&record.to_string()) {
            Err(DraftError::Unknown(_)) => {}
            kept @ (Ok(_) | Err(_)) => return Ok(kept?),
        }
        if school != self.identity().school() || !held.can_be_changed() {
            return Err(StartError::NotToChange);
        }
        let mut names = self.group_names();
        let groups = held.groups.iter().filter_map(|group| names.remove(group)).collect();
        let text = held.record.as_ref().ok_or(StartError::NotToChange)?;
        let mut draft = Draft::of_record(record, text, groups, Timestamp::now());
        draft.was_changed_by(by);
        self.drafts().keep(&draft)?;
        Ok(draft)
    }

    fn fill_in(
        &self,
        kind: Kind,
        held: &HeldRecord,
        fields: &mut Fields,
    ) -> Result<(), StartError> {
        let summary = held.summary.as_ref().ok_or(RecordError::Withdrawn)?;
        let about = held.entry.key();
        if kind == Kind::Resource {
            if held.entry.kind() != Kind::Resource.as_str() {
                return Err(StartError::NotAResource);
            }
        } else if kind != Kind::Comment && !held.is_trial() {
            return Err(StartError::NotTried);
        }
        let identity = self.identity();
        if kind == Kind::Adoption && about.school == identity.school() {
            return Err(StartError::Own);
        }
        let mut set = |name: &str, value: String| fields.insert(name.to_owned(), vec![value]);
        set(names_another(kind), format!("{}@{}", about.record, about.school));
        if kind == Kind::Adoption {
            set("state", "proposed".to_owned());
        }
        if kind == Kind::ImpactReport {
            set("title", format!("What came of {}", shortened(&summary.title, "")));
            fill_in_period(summary, set);
        } else if kind == Kind::Comment {
            set("title", format!("On {}", shortened(&summary.title, "")));
        } else {
            set("title", shortened(&summary.title, &format!(" at {}", identity.claims().name)));
        }
        let mut names = self.group_names();
        let shared_with = held.groups.iter().filter(|group| self.may_publish(group));
        let groups: Vec<String> = shared_with.filter_map(|group| names.remove(group)).collect();
        if !groups.is_empty() {
            fields.insert("groups".to_owned(), groups);
        }
        Ok(())
    }

    /// The names of the groups that this school may share with.
    pub(crate) fn own_group_names(&self) -> Vec<String> {
        let mut names = self.group_names();
        let groups = self.followed_groups().into_iter().filter(|group| self.may_publish(group));
        groups.filter_map(|group| names.remove(&group)).collect()
    }
}

impl HeldRecord {
    /// Whether the next version of it can be written in a form.
    pub(crate) fn can_be_changed(&self) -> bool {
        let kind: Option<Kind> = self.entry.kind().parse().ok();
        kind.is_some() && !self.entry.is_withdrawal()
    }
}

/// Fills in what is known of a day on which something is begun.
fn begin(kind: Kind, today: Date, fields: &mut Fields) {
    let mut set = |name: &str, value: String| fields.insert(name.to_owned(), vec![value]);
    match kind {
        Kind::SelfAssessment => {
            let season = match (today.month(), today.day()) {
                (9.., _) => "autumn",
                (..4, _) | (4, ..=15) => "spring",
                _ => "summer",
            };
            let term = format!("{season} {}", today.year());
            set("title", format!("Self-assessment, {term}"));
            set("term", term);
            set("by", "school".to_owned());
            for (row, question) in Vocabulary::ChecklistQuestions.terms().iter().enumerate() {
                set(&format!("answers.{row}.question"), question.term.clone());
            }
        }
        Kind::Plan => {
            let year = SchoolYear::of(today).to_string();
            set("title", format!("Improvement plan {year}"));
            set("academic_year", year);
        }
        Kind::Intervention
        | Kind::Resource
        | Kind::ImpactReport
        | Kind::Adoption
        | Kind::PeerReview
        | Kind::Comment
        | Kind::Offer
        | Kind::Framework
        | Kind::Expectation => {}
    }
}

/// The kinds of records, each of which has a form.
fn all_kinds() -> String {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn fill_in_period<T>(summary: &Summary, mut set: impl FnMut(&str, String) -> T) {
    if let Some(period) = summary.period {
        set("period.from", period.from.to_string());
        if let Some(to) = period.to {
            set("period.to", to.to_string());
        }
    }
}

/// A figure as it stands in a field. What is shared is rounded further.
fn rounded(figure: f64) -> String {
    format!("{figure:.2}")
}

/// A title with something behind it, within what a title may have.
fn shortened(title: &str, end: &str) -> String {
    const LEFT_FOR_WORDS: usize = 20;
    let room = MOST_TITLE_CHARS.saturating_sub(end.chars().count() + LEFT_FOR_WORDS);
    let kept: String = title.chars().take(room).collect();
    format!("{kept}{end}")
}

impl Draft {
    /// Takes in what a form sent: only fields that the form has, so that nothing else is ever kept,
    /// pasted scores above all. Fields that a form did not send were emptied.
    pub(crate) fn take_in(&mut self, sent: &[(String, String)], now: Timestamp) {
        let mut fields = Fields::new();
        for field in Form::of(self.kind()).fields() {
            if field.input == Input::Kept {
                let kept = self.fields.remove(field.name);
                fields.extend(kept.map(|values| (field.name.to_owned(), values)));
                continue;
            }
            let values = sent.iter().filter(|(name, _)| name == field.name);
            let values: Vec<String> =
                values.map(|(_, value)| value.replace("\r\n", "\n")).collect();
            if values.iter().any(|value| !value.is_empty()) {
                fields.insert(field.name.to_owned(), values);
            }
        }
        let cleared = self.fields.iter().filter(|(name, _)| name.starts_with(CLEAR));
        fields.extend(cleared.map(|(name, values)| (name.clone(), values.clone())));
        self.fields = fields;
        self.saved = now;
    }

    /// Fills in what is known of a column of scores: its n, mean and SD.
    pub(crate) fn fill_from(&mut self, fills: &str, column: Column) {
        let mut set = |name: String, value: String| self.fields.insert(name, vec![value]);
        set(format!("{fills}.mean"), rounded(column.mean));
        set(format!("{fills}.sd"), rounded(column.sd));
        if let Some(arm) = fills.strip_suffix(".after") {
            set(format!("{arm}.n"), column.n.to_string());
        } else if let Some(arm) = fills.strip_suffix(".before") {
            set(format!("{arm}.n_at_start"), column.n.to_string());
        }
    }

    /// Takes in the reasons for which finds of the scan may be shared: of a sort that was found in several
    /// places, all that were given.
    pub(crate) fn take_in_reasons(&mut self, sent: &[(String, String)], now: Timestamp) {
        let mut given = Fields::new();
        for (name, reason) in sent {
            let Some(sort) = name.strip_prefix(CLEAR) else { continue };
            if serde_json::from_value::<Sort>(sort.into()).is_err() {
                continue;
            }
            let (reasons, reason) = (given.entry(name.clone()).or_default(), reason.trim());
            if !reason.is_empty() && !reasons.iter().any(|one| one == reason) {
                reasons.push(reason.to_owned());
            }
        }
        self.fields.extend(given);
        self.saved = now;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::draft;
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_what_the_form_asks_is_taken_in() {
        let mut report = draft(Kind::ImpactReport, &[("of", "0011"), ("conclusion", "stop")]);
        let sent = sent(&[
            ("what_was_seen", "a\r\nb"),
            ("of", "2233"),
            ("paste.intervention.after", "11\n12"),
            ("kind", "resource"),
            ("clear.upn", "nonsense"),
            ("year_groups", "4"),
            ("year_groups", "5"),
        ]);
        report.take_in(&sent, Timestamp::UNIX_EPOCH);
        let kept: Vec<&str> = report.fields.keys().map(String::as_str).collect();
        assert_eq!(kept, ["of", "what_was_seen", "year_groups"]);
        assert_eq!((report.value("of"), report.value("what_was_seen")), ("0011", "a\nb"));
        assert_eq!(report.values("year_groups"), ["4", "5"]);
    }

    #[test]
    fn reasons_are_kept_while_the_form_is_filled_in() {
        let mut report = draft(Kind::ImpactReport, &[]);
        let reasons =
            sent(&[("clear.email", "our office"), ("clear.nothing", "x"), ("title", "y")]);
        report.take_in_reasons(&reasons, Timestamp::UNIX_EPOCH);
        report.take_in(&sent(&[("title", "z")]), Timestamp::UNIX_EPOCH);
        let kept: Vec<&str> = report.fields.keys().map(String::as_str).collect();
        assert_eq!(kept, ["clear.email", "title"]);
    }

    #[test]
    fn of_reasons_for_one_sort_in_several_places_none_is_lost() {
        let cleared = |reasons: &[&str]| {
            let mut report = draft(Kind::ImpactReport, &[("clear.email", "an older one")]);
            let reasons: Vec<_> = reasons.iter().map(|reason| ("clear.email", *reason)).collect();
            report.take_in_reasons(&sent(&reasons), Timestamp::UNIX_EPOCH);
            report.written()["cleared"].clone()
        };
        let one = json!([{ "sort": "email", "reason": "our office" }]);
        assert_eq!(cleared(&["our office", ""]), one);
        assert_eq!(cleared(&[" ", "our office "]), one);
        assert_eq!(cleared(&["our office", "our office"]), one);
        let both = json!([{ "sort": "email", "reason": "our office; the publisher" }]);
        assert_eq!(cleared(&["our office", "the publisher"]), both);
        assert_eq!(cleared(&[" ", ""]), json!(null));
    }

    #[test]
    fn a_long_title_is_cut_to_what_a_title_may_have() {
        let title = shortened(&"ß".repeat(300), " at Ash Primary");
        assert!(title.ends_with("ß at Ash Primary"));
        assert!(title.chars().count() <= MOST_TITLE_CHARS);
    }
}

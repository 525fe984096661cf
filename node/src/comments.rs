//! What schools say to a record: questions, answers, thanks and cautions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::{self, Content, Kind, Reference};
use staffroom_protocol::vocabulary::Vocabulary;
use staffroom_search::evidence::RecordKey;
use staffroom_search::{Facet, Filters};

use crate::names::Names;
use crate::node::Node;
use crate::published::ListError;
use crate::readable::capitalised;
use crate::records::HeldRecord;

/// Comments of one record that its page shows: more than people read.
const MOST_ON_ONE: usize = 100;

/// Comments of all schools that are looked at for those to this school: a year of a talkative trust.
const MOST_LOOKED_AT: usize = 100;

/// The words of the vocabulary for what is asked, and for what is said to that.
const QUESTION: &str = "question";
const ANSWER: &str = "answer";

/// A comment, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) school: SchoolId,
    pub(crate) school_name: String,
    pub(crate) record: RecordId,
    /// The type as people read it.
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) updated: String,
}

/// A comment of another school on what this school shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToUs {
    pub(crate) comment: Comment,
    /// What it is on.
    pub(crate) on: RecordId,
    pub(crate) title: String,
    /// A question to which this school has said nothing yet.
    pub(crate) waits: bool,
}

impl Comment {
    /// Its id with that of its school, as addresses have it.
    pub(crate) fn id(&self) -> String {
        format!("{}@{}", self.record, self.school)
    }
}

impl Node {
    /// What is said to a record, as far as this node may read it, in the order in which it was said.
    pub(crate) fn comments_on(
        &self,
        names: &Names,
        (school, record): RecordKey,
    ) -> Result<Vec<Comment>, ListError> {
        let readable = Filters::default().within(self.followed_groups());
        let comments = readable.with(Facet::Kind, Kind::Comment.as_str());
        let (mut said, mut seen) = (Vec::new(), BTreeSet::new());
        for key in self.indexer().referring_to(&record, &comments)? {
            if said.len() >= MOST_ON_ONE {
                break;
            }
            if !seen.insert((key.school, key.record)) {
                continue;
            }
            let Some(held) = self.record(key.school, key.record)? else { continue };
            if on(&held).is_some_and(|on| {
                on.record == record && on.school.is_none_or(|named| named == school)
            }) {
                said.extend(comment(names, held));
            }
        }
        said.reverse();
        Ok(said)
    }

    /// What other schools said lately to what this school shared, questions that wait first.
    pub(crate) fn comments_to_us(&self, names: &Names) -> Result<Vec<ToUs>, ListError> {
        let own = self.identity().school();
        let newest = self.newest_of(names, Kind::Comment, MOST_LOOKED_AT, |content| {
            if let Content::Comment(own) = content { Some(own) } else { None }
        })?;
        let mut to_us = Vec::new();
        for one in &newest.records {
            let Some(on) = one.content.on.as_ref() else { continue };
            if one.school == own || on.school != Some(own) {
                continue;
            }
            let Some(about) = self.record_in_short(own, on.record)? else { continue };
            let Some(summary) = about.summary else { continue };
            let is_answered = newest.records.iter().any(|other| {
                let says = &other.content;
                other.school == own
                    && is_a(ANSWER, &says.comment_type)
                    && says.on.as_ref().is_some_and(|to| answers(to, on.record, one.record))
                    && later(&other.updated, &one.updated)
            });
            let waits = is_a(QUESTION, &one.content.comment_type) && !is_answered;
            let comment = Comment {
                school: one.school,
                school_name: one.school_name.clone(),
                record: one.record,
                label: label(&one.content.comment_type),
                text: one.content.text.clone(),
                updated: one.updated.clone(),
            };
            to_us.push(ToUs { comment, on: on.record, title: summary.title, waits });
        }
        to_us.sort_by_key(|one| !one.waits);
        Ok(to_us)
    }
}

/// Whether what somebody says is said to a question: to the same record, or to the question itself.
fn answers(to: &Reference, record: RecordId, question: RecordId) -> bool {
    to.record == record || to.record == question
}

fn later(one: &str, other: &str) -> bool {
    let time = |text: &str| text.parse::<Timestamp>().ok();
    time(one) > time(other)
}

fn on(held: &HeldRecord) -> Option<&Reference> {
    held.summary.as_ref()?.references.first()
}

fn comment(names: &Names, held: HeldRecord) -> Option<Comment> {
    let summary = held.summary?;
    let key = held.entry.key();
    let comment_type = summary.kind_type.unwrap_or_default();
    let text = match held.record.map(|record| record.content) {
        Some(Content::Comment(record::Comment { text, .. })) => text,
        // The whole of it has not come.
        Some(_) | None => summary.abstract_text,
    };
    Some(Comment {
        school: key.school,
        school_name: names.school(&key.group, &key.school),
        record: key.record,
        label: label(&comment_type),
        text,
        updated: held.entry.clock().to_string(),
    })
}

fn is_a(wanted: &str, comment_type: &str) -> bool {
    Vocabulary::CommentTypes.resolve(comment_type) == Some(wanted)
}

fn label(comment_type: &str) -> String {
    capitalised(Vocabulary::CommentTypes.label(comment_type))
}

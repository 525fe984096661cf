//! The first page: a search, what is new in the school's groups, what others say to the school, and what
//! the school has under way.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;

use super::frame::{Frame, state_message};
use super::search::moved;
use super::write::approval::Waiting;
use super::{at_work, render};
use crate::comments::ToUs;
use crate::http::api_error::ApiError;
use crate::http::saved_searches::{SavedSearchReport, reports};
use crate::http::search::newest;
use crate::http::visitor::{Visitor, Who};
use crate::names::Names;
use crate::news::NewRecord;
use crate::node::Node;
use crate::own_work::OwnWork;
use crate::people::Since;
use crate::question::parameters;

/// New records of other schools that are shown: what is read in a glance.
const MOST_NEW: usize = 6;

/// How many of the newest records are asked for, so that enough are left without the school's own.
const ASKED_FOR: usize = 30;

/// What is under way, as far as it is listed.
const MOST_WORK: usize = 8;

/// What others say to the school, as far as it is listed.
const MOST_COMMENTS: usize = 5;

/// Characters of a comment in the list; its page has all of it.
const MOST_COMMENT_CHARS: usize = 240;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    new: New,
    comments: Vec<ToUs>,
    work: Vec<OwnWork>,
    more_work: usize,
    news: Vec<SavedSearchReport>,
    /// What waits for the approval of whoever reads this.
    waiting: Vec<Waiting>,
    /// How many schools, and what may be missing, in words.
    coverage: String,
    records: usize,
}

/// What is new from other schools.
struct New {
    /// What came since the reader looked last, or else what is newest.
    records: Vec<NewRecord>,
    came: Came,
}

/// What came since the reader looked last.
#[derive(Clone, Copy)]
enum Came {
    /// It is not known when that was.
    Unknown,
    /// So many records.
    Since { when: Timestamp, count: usize },
    /// More than are looked at.
    Much { when: Timestamp },
}

impl HomePage {
    /// How many records there are to search.
    fn known(&self) -> String {
        let number = self.frame.number(self.records as u64);
        let args = [("count", self.records.into()), ("number", number.into())];
        self.frame.language.say("home-known", &args)
    }

    /// What came since the reader looked last, in words; none where that is not known.
    fn came(&self) -> Option<String> {
        let day = |when: Timestamp| self.frame.day(&when.to_string());
        match self.new.came {
            Came::Unknown => None,
            Came::Since { when, count } => {
                let args = [("count", count.into()), ("day", day(when).into())];
                Some(self.frame.language.say("home-came", &args))
            }
            Came::Much { when } => Some(self.frame.with("home-came-much", "day", day(when))),
        }
    }

    /// How a comment begins.
    fn beginning(&self, text: &str) -> String {
        let mut characters = text.chars();
        let beginning: String = characters.by_ref().take(MOST_COMMENT_CHARS).collect();
        if characters.next().is_some() { beginning + "…" } else { beginning }
    }

    fn state(&self, work: &OwnWork) -> String {
        work.state.map(|state| self.frame.t(state_message(state))).unwrap_or_default()
    }
}

pub(crate) async fn home(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    if let Some(query) =
        query.filter(|query| parameters(query).iter().any(|(name, _)| name != "lang"))
    {
        return Ok(Redirect::to(&moved(&query)).into_response());
    }
    let asking = frame.clone();
    let read = at_work(&frame, move || {
        let (hits, records, coverage) = newest(&node, ASKED_FOR)?;
        let own = node.identity().school();
        let newest = hits.into_iter().filter(|hit| hit.school != own).map(NewRecord::from);
        let names = Names::of(&node);
        let new = new(&node, &names, looked(&node, &visitor), newest.take(MOST_NEW).collect())?;
        let mut news = reports(&node)?;
        news.retain(|search| search.new > 0);
        let waiting = Waiting::for_whom(&asking, &node, &visitor)?;
        let mut comments = node.comments_to_us(&names)?;
        comments.truncate(MOST_COMMENTS);
        let mut work = node.unreported_work()?;
        let more_work = work.len().saturating_sub(MOST_WORK);
        work.truncate(MOST_WORK);
        let coverage = coverage.sentence;
        let frame = asking;
        Ok(HomePage { frame, new, comments, work, more_work, news, waiting, coverage, records })
    });
    Ok(render(StatusCode::OK, &read.await?))
}

/// What had come when the reader looked last, at another visit.
fn looked(node: &Node, visitor: &Visitor) -> Option<Since> {
    let Who::Person { name, .. } = &visitor.who else { return None };
    let now = Since { position: node.store().position(), when: Timestamp::now() };
    let looked = node.people().looks(name, node.store().incarnation(), now);
    looked.unwrap_or_else(|error| {
        tracing::error!(%error, "up to where somebody has looked could not be written down");
        None
    })
}

fn new(
    node: &Node,
    names: &Names,
    since: Option<Since>,
    newest: Vec<NewRecord>,
) -> Result<New, ApiError> {
    let Some(Since { position, when }) = since else {
        return Ok(New { records: newest, came: Came::Unknown });
    };
    Ok(match node.came_since(names, position)? {
        None => New { records: newest, came: Came::Much { when } },
        Some(came) if came.is_empty() => {
            New { records: newest, came: Came::Since { when, count: 0 } }
        }
        Some(mut came) => {
            let count = came.len();
            came.truncate(MOST_NEW);
            New { records: came, came: Came::Since { when, count } }
        }
    })
}

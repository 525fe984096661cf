//! The first page: a search, what is new in the school's groups, and what the school has under way.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use staffroom_protocol::record;

use super::frame::Frame;
use super::search::moved;
use super::write::approval::Waiting;
use super::{at_work, render};
use crate::http::saved_searches::{SavedSearchReport, reports};
use crate::http::search::{HitReport, newest};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::own_work::OwnWork;
use crate::question::parameters;

/// The newest records of other schools that are shown: what is read in a glance.
const NEWEST: usize = 6;

/// How many of the newest records are asked for, so that enough are left without the school's own.
const ASKED_FOR: usize = 30;

/// What is under way, as far as it is listed.
const MOST_WORK: usize = 8;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    newest: Vec<HitReport>,
    work: Vec<OwnWork>,
    more_work: usize,
    news: Vec<SavedSearchReport>,
    /// What waits for the approval of whoever reads this.
    waiting: Vec<Waiting>,
    /// How many schools, and what may be missing, in words.
    coverage: String,
    records: usize,
}

impl HomePage {
    /// How many records there are to search.
    fn known(&self) -> String {
        let number = self.frame.number(self.records as u64);
        let args = [("count", self.records.into()), ("number", number.into())];
        self.frame.language.say("home-known", &args)
    }

    fn state(&self, work: &OwnWork) -> String {
        match work.state {
            Some(record::State::Proposed) => self.frame.t("state-proposed"),
            Some(record::State::Running) => self.frame.t("state-running"),
            Some(record::State::Finished) => self.frame.t("state-finished"),
            Some(record::State::Stopped) => self.frame.t("state-stopped"),
            None => String::new(),
        }
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
    let (reading, asking) = (Arc::clone(&node), frame.clone());
    let read = at_work(&frame, move || {
        let found = newest(&reading, ASKED_FOR)?;
        let mut news = reports(&reading)?;
        news.retain(|search| search.new > 0);
        let waiting = Waiting::for_whom(&asking, &reading, &visitor)?;
        Ok((found, news, reading.unreported_work()?, waiting))
    });
    let ((hits, records, coverage), news, mut work, waiting) = read.await?;
    let own = node.identity().school();
    let more_work = work.len().saturating_sub(MOST_WORK);
    work.truncate(MOST_WORK);
    let newest = hits.into_iter().filter(|hit| hit.school != own).take(NEWEST).collect();
    let coverage = coverage.sentence;
    let page = HomePage { frame, newest, work, more_work, news, waiting, coverage, records };
    Ok(render(StatusCode::OK, &page))
}

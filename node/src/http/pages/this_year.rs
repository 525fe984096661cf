//! *This year at our school*, for governors: one page to print.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use staffroom_protocol::record::State as Progress;
use staffroom_protocol::record::impact_report::Conclusion;
use staffroom_protocol::record::plan::PlanPriority;

use super::frame::{Frame, state_message};
use super::{at_work, render};
use crate::clock::today;
use crate::http::api_error::ApiError;
use crate::node::Node;
use crate::question::{parameters, value};
use crate::school_year::SchoolYear;
use crate::this_year::{ThisYear, Tried};

#[derive(Template)]
#[template(path = "this-year.html")]
struct ThisYearPage {
    frame: Frame,
    all: ThisYear,
}

/// Shows the school year that the address names, or the one that goes on.
pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let all = at_work(&frame, move || {
        let asked = parameters(query.as_deref().unwrap_or_default());
        let year = match value(&asked, "year") {
            Some(year) => {
                year.parse().map_err(|wrong| ApiError::bad_request(format!("{wrong}")))?
            }
            None => SchoolYear::of(today()),
        };
        Ok(node.this_year(year)?)
    });
    Ok(render(StatusCode::OK, &ThisYearPage { all: all.await?, frame }))
}

impl ThisYearPage {
    /// How much was tried, and what came of it, in a few words each.
    fn counts(&self) -> Vec<String> {
        let all = &self.all;
        let counts = [
            ("year-reported", all.reported()),
            ("year-stopped", all.stopped()),
            ("year-did-not-work", all.did_not_work()),
        ];
        let tried = self.frame.with("year-tried", "count", all.tried.len());
        let said = counts.map(|(message, count)| self.frame.with(message, "count", count));
        std::iter::once(tried).chain(said).collect()
    }

    /// How far it has got and when it was, as far as that is known.
    fn progress(&self, one: &Tried) -> Vec<String> {
        let state = one.state.map(|state| self.frame.t(state_message(state)));
        let time = one.time.as_ref().map(|time| self.frame.period(time));
        state.into_iter().chain(time).collect()
    }

    /// What is next for something that was tried.
    fn next(&self, one: &Tried) -> String {
        let stopped = one.state == Some(Progress::Stopped);
        self.frame.t(match one.conclusion() {
            _ if stopped => "year-next-stopped",
            Some(Conclusion::Continue) => "year-next-continue",
            Some(Conclusion::Adapt) => "year-next-adapt",
            Some(Conclusion::Stop) => "year-next-stop",
            Some(Conclusion::Unclear) => "year-next-unclear",
            None if one.report_due => "year-next-due",
            None if one.state == Some(Progress::Finished) => "year-next-other-year",
            None => "year-next-goes-on",
        })
    }

    /// "attendance, per cent: from 91.5 to 94 by 17 July 2026", as far as it is given.
    fn target(&self, priority: &PlanPriority) -> String {
        let Some(target) = priority.target else { return String::new() };
        let mut said = match priority.baseline {
            Some(baseline) => {
                let args =
                    [("from", baseline.to_string().into()), ("to", target.to_string().into())];
                self.frame.language.say("year-target-from", &args)
            }
            None => self.frame.with("year-target", "to", target.to_string()),
        };
        if let Some(day) = &priority.target_date {
            let by = self.frame.with("framework-by-day", "day", self.frame.date(day));
            said = format!("{said} {by}");
        }
        if priority.measure.is_empty() { said } else { format!("{}: {said}", priority.measure) }
    }
}

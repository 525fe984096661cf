//! The page of what schools hold in common.

mod plot;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use staffroom_protocol::record::plan::PlanPriority;
use staffroom_protocol::vocabulary::{Approach, Vocabulary};

use self::plot::{Plot, Sort};
use super::frame::Frame;
use super::table::{Cell, download, table};
use super::{at_work, render};
use crate::framework::Shared;
use crate::framework::checklist::{Question, Spread};
use crate::framework::decisions::{Area, Clash, Decision};
use crate::http::visitor::Visitor;
use crate::node::Node;

/// Characters of a text in a cell of a table; the record's own page has the rest.
const MOST_CELL_CHARS: usize = 320;

#[derive(Template)]
#[template(path = "framework.html")]
struct FrameworkPage {
    frame: Frame,
    shared: Shared,
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
) -> Result<Response, Response> {
    let shared = at_work(&frame, move || Ok(node.shared_framework()?)).await?;
    let page = FrameworkPage { frame, shared };
    Ok(render(StatusCode::OK, &page))
}

/// The decisions of all groups as a table, area by area.
pub(crate) async fn decisions(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Response> {
    const COLUMNS: [&str; 12] = [
        "area",
        "groups",
        "school",
        "approach",
        "rationale",
        "decided by",
        "agreed by",
        "review",
        "review due",
        "exceptions",
        "clashes",
        "address",
    ];
    let written = at_work(&frame, move || {
        let areas = node.shared_framework()?.areas;
        let rows = areas.iter().flat_map(|area| {
            let pages = visitor.door.pages();
            area.decisions.iter().map(move |decision| row(area, decision, pages))
        });
        table(COLUMNS, rows)
    });
    Ok(download("decisions", written.await?))
}

fn row(area: &Area, decision: &Decision, pages: &str) -> [Cell; 12] {
    let exceptions = decision.exceptions.iter().map(|one| match &one.until {
        Some(until) => format!("{}: {} (until {until})", one.school, one.reason),
        None => format!("{}: {}", one.school, one.reason),
    });
    [
        Cell::text(&area.label),
        Cell::list(&decision.groups),
        Cell::text(&decision.school_name),
        Cell::value(decision.approach.map(Approach::as_str)),
        Cell::text(&decision.rationale),
        Cell::text(&decision.decided_by),
        Cell::list(&decision.agreed_by),
        Cell::value(decision.review),
        Cell::yes_no(decision.is_due),
        Cell::list(&exceptions.collect::<Vec<_>>()),
        Cell::yes_no(area.clash.is_some()),
        Cell::text(&format!("{pages}records/{}", decision.framework)),
    ]
}

impl FrameworkPage {
    fn decided(&self) -> impl Iterator<Item = &Area> {
        self.shared.areas.iter().filter(|area| !area.decisions.is_empty())
    }

    fn undecided(&self) -> impl Iterator<Item = &Area> {
        self.shared.areas.iter().filter(|area| area.decisions.is_empty())
    }

    fn clashes(&self) -> usize {
        self.shared.areas.iter().filter(|area| area.clash.is_some()).count()
    }

    /// The search for what schools shared on an area.
    fn evidence(&self, area: &Area) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/search?{}", query.append_pair("practice_area", &area.term).finish())
    }

    fn approach(&self, approach: Option<Approach>) -> String {
        self.frame.t(match approach {
            Some(Approach::Standardised) => "approach-standardised",
            Some(Approach::Aligned) => "approach-aligned",
            Some(Approach::Autonomous) => "approach-autonomous",
            None => "approach-unknown",
        })
    }

    fn clash(&self, clash: &Clash) -> String {
        self.frame.t(match clash {
            Clash::Approaches => "framework-clash-approaches",
            Clash::Twice => "framework-clash-twice",
        })
    }

    fn emphasis(&self, text: &str) -> String {
        Vocabulary::Emphases.label(text).to_owned()
    }

    fn year(&self, text: &str) -> String {
        Vocabulary::YearGroups.label(text).to_owned()
    }

    /// Where a priority of a plan stands and is to come to: "61 to 72, by 16 July 2027".
    fn target(&self, priority: &PlanPriority) -> String {
        let Some(target) = priority.target else { return String::new() };
        let reached = match priority.baseline {
            Some(baseline) => self.frame.language.say(
                "framework-from-to",
                &[("from", baseline.to_string().into()), ("to", target.to_string().into())],
            ),
            None => self.frame.with("framework-to", "to", target.to_string()),
        };
        match &priority.target_date {
            Some(day) => {
                let by = self.frame.with("framework-by-day", "day", self.frame.date(day));
                format!("{reached}, {by}")
            }
            None => reached,
        }
    }

    fn plot(&self, question: &Question) -> Plot {
        Plot::of(question)
    }

    /// What a row of a plot shows, in words.
    fn in_words(&self, spread: &Spread) -> String {
        let given = spread.schools.iter().zip(1..).filter(|(count, _)| **count > 0);
        let mut said: Vec<String> = given
            .map(|(count, score)| {
                let args = [("count", (*count).into()), ("score", score.into())];
                self.frame.language.say("framework-schools-gave", &args)
            })
            .collect();
        let trusts = spread.trusts.iter();
        said.extend(trusts.map(|score| self.frame.with("framework-trust-gave", "score", *score)));
        if spread.not_discussed > 0 {
            said.push(self.frame.with("framework-not-discussed-by", "count", spread.not_discussed));
        }
        format!("{}: {}.", spread.term, said.join(", "))
    }

    fn alternative(&self, question: &Question) -> String {
        question.terms.iter().map(|term| self.in_words(term)).collect::<Vec<_>>().join(" ")
    }
}

/// The beginning of a text that a cell of a table has room for.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CELL_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

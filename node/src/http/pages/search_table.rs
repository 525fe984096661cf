//! The results of a search as a table for a spreadsheet.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::frame::Frame;
use super::in_turn;
use super::table::{Cell, MOST_ROWS, download, table};
use crate::http::search::{HitReport, first_hits};
use crate::http::turns::Turns;
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::question::parameters;

const COLUMNS: [&str; 22] = [
    "title",
    "kind",
    "school",
    "phase",
    "group",
    "updated",
    "subjects",
    "key stages",
    "state",
    "conclusion",
    "cost band",
    "schools that started",
    "schools that reported",
    "schools that stopped",
    "schools in which it did not work",
    "strength",
    "effect in all schools (Hedges' g)",
    "95 % from",
    "95 % to",
    "effect in this school (Hedges' g)",
    "pupils in this school",
    "address",
];

/// The results, the best first, as comma-separated values (RFC 4180).
pub(crate) async fn results(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Turns>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let mut asked = parameters(query.as_deref().unwrap_or_default());
    asked.retain(|(name, _)| !["limit", "offset", "lang"].contains(&name.as_str()));
    let pages = visitor.door.pages().to_owned();
    let table = in_turn(&frame, &turns, move || {
        let hits = first_hits(&node, &asked, MOST_ROWS)?;
        table(COLUMNS, hits.iter().map(|hit| row(hit, &pages)))
    });
    Ok(download("results", table.await?))
}

fn row(hit: &HitReport, pages: &str) -> [Cell; COLUMNS.len()] {
    let lineage = hit.lineage.as_ref();
    let effect = lineage.and_then(|lineage| lineage.effect.as_ref());
    let strength = lineage.and_then(|lineage| lineage.strength);
    [
        Cell::text(&hit.title),
        Cell::text(&hit.kind_label),
        Cell::text(&hit.school_name),
        Cell::optional(hit.phase.as_deref()),
        Cell::text(&hit.group_name),
        Cell::text(&hit.updated),
        Cell::list(&hit.subjects),
        Cell::list(&hit.key_stages),
        Cell::optional(hit.state.as_deref()),
        Cell::optional(hit.conclusion.as_deref()),
        Cell::optional(hit.cost_band.as_deref()),
        Cell::value(lineage.map(|lineage| lineage.started)),
        Cell::value(lineage.map(|lineage| lineage.reported)),
        Cell::value(lineage.map(|lineage| lineage.stopped)),
        Cell::value(lineage.map(|lineage| lineage.did_not_work)),
        Cell::value(strength.map(|strength| strength.label())),
        Cell::value(effect.map(|effect| effect.estimate)),
        Cell::value(effect.map(|effect| effect.low)),
        Cell::value(effect.map(|effect| effect.high)),
        Cell::value(hit.effect),
        Cell::value(hit.pupils),
        Cell::text(&format!("{pages}records/{}@{}", hit.id, hit.school)),
    ]
}

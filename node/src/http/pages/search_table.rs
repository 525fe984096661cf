//! The results of a search as a table for a spreadsheet.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use staffroom_search::evidence::Interval;

use super::frame::Frame;
use super::in_turn;
use crate::http::api_error::ApiError;
use crate::http::search::{HitReport, first_hits};
use crate::http::turns::Turns;
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::question::parameters;

/// Results in a table: more than somebody looks through.
const MOST_ROWS: usize = 1_000;

/// By this a spreadsheet knows that letters are in UTF-8, those of Welsh among them.
const BYTE_ORDER_MARK: &str = "\u{feff}";

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
pub(crate) async fn download(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Turns>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let mut asked = parameters(query.as_deref().unwrap_or_default());
    asked.retain(|(name, _)| !["limit", "offset", "lang"].contains(&name.as_str()));
    let pages = visitor.door.pages().to_owned();
    let table = in_turn(&frame, &turns, move || table(&node, &asked, &pages)).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"results.csv\""),
    ];
    Ok((headers.map(|(name, value)| (name, HeaderValue::from_static(value))), table)
        .into_response())
}

fn table(node: &Node, asked: &[(String, String)], pages: &str) -> Result<Vec<u8>, ApiError> {
    let mut table = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    let unwritten = |error: csv::Error| ApiError::unavailable(format!("no table: {error}"));
    table.write_record(COLUMNS).map_err(unwritten)?;
    for hit in first_hits(node, asked, MOST_ROWS)? {
        table.write_record(row(&hit, pages)).map_err(unwritten)?;
    }
    table.into_inner().map_err(|error| unwritten(error.into_error().into()))
}

fn row(hit: &HitReport, pages: &str) -> Vec<String> {
    let optional = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    let lineage = hit.lineage.as_ref();
    let count = |of: Option<u32>| of.map(|count| count.to_string()).unwrap_or_default();
    let effect = lineage.and_then(|lineage| lineage.effect.as_ref());
    let figure =
        |of: fn(&Interval) -> f64| effect.map(|effect| of(effect).to_string()).unwrap_or_default();
    let strength = lineage.and_then(|lineage| lineage.strength);
    vec![
        cell(&hit.title),
        cell(&hit.kind_label),
        cell(&hit.school_name),
        optional(&hit.phase),
        cell(&hit.group_name),
        cell(&hit.updated),
        cell(&hit.subjects.join("; ")),
        cell(&hit.key_stages.join("; ")),
        optional(&hit.state),
        optional(&hit.conclusion),
        optional(&hit.cost_band),
        count(lineage.map(|lineage| lineage.started)),
        count(lineage.map(|lineage| lineage.reported)),
        count(lineage.map(|lineage| lineage.stopped)),
        count(lineage.map(|lineage| lineage.did_not_work)),
        strength.map(|strength| strength.label().to_owned()).unwrap_or_default(),
        figure(|effect| effect.estimate),
        figure(|effect| effect.low),
        figure(|effect| effect.high),
        hit.effect.map(|effect| effect.to_string()).unwrap_or_default(),
        count(hit.pupils),
        format!("{pages}records/{}@{}", hit.id, hit.school),
    ]
}

/// A text of some school for a cell. What a spreadsheet would take for a formula is text behind an
/// apostrophe (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_others_stay_as_they_are() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        for text in ["", "Echo reading", "a = b", "'=1"] {
            assert_eq!(cell(text), text);
        }
    }
}

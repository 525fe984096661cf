//! From words, phrases and filters to the engine's query.
//!
//! Everything that later widens or narrows what a word finds (synonyms, misspellings, prefixes)
//! belongs into [`word_query`], which decides how one word is looked for in all fields.

use std::collections::BTreeMap;
use std::ops::Bound;

use staffroom_protocol::hash::GroupId;
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query as EngineQuery,
    RangeQuery, TermQuery,
};
use tantivy::schema::IndexRecordOption;

use super::Filters;
use super::parse::Parsed;
use crate::document::day_number;
use crate::facet::Facet;
use crate::schema::{Fields, TextField};
use crate::words::stem;

/// What a match in a field counts.
const fn weight(field: TextField) -> f32 {
    match field {
        TextField::Title => 1.0,
        TextField::Abstract => 1.0,
        TextField::Labels => 0.5,
        TextField::Body => 0.5,
        TextField::Files => 0.3,
    }
}

/// A query for the engine.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) query: Box<dyn EngineQuery>,
    /// The stems to mark in what is shown.
    pub(crate) stems: Vec<String>,
}

pub(crate) fn plan(parsed: &Parsed, filters: &Filters, fields: &Fields) -> Plan {
    let words = stems_with_counts(parsed);
    let mut stems: Vec<String> = words.keys().cloned().collect();
    let mut clauses: Vec<(Occur, Box<dyn EngineQuery>)> = Vec::new();

    for phrase in &parsed.phrases {
        let phrase: Vec<String> = phrase.iter().map(|word| stem(word)).collect();
        clauses.push((Occur::Must, phrase_query(&phrase, fields)));
        stems.extend(phrase);
    }
    if !words.is_empty() {
        let occur = if parsed.phrases.is_empty() { Occur::Must } else { Occur::Should };
        let each = words.iter().flat_map(|(stem, count)| word_query(stem, *count, fields));
        clauses.push((occur, Box::new(BooleanQuery::union(each.collect()))));
    }
    for phrase in &parsed.excluded {
        let phrase: Vec<String> = phrase.iter().map(|word| stem(word)).collect();
        clauses.push((Occur::MustNot, phrase_query(&phrase, fields)));
    }
    add_filters(&mut clauses, filters, fields);
    add_newest(&mut clauses, filters, fields);

    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    Plan { query: Box::new(BooleanQuery::new(clauses)), stems }
}

/// Two forms of one word are one stem, typed twice.
fn stems_with_counts(parsed: &Parsed) -> BTreeMap<String, u32> {
    let mut stems = BTreeMap::new();
    for (word, count) in &parsed.words {
        *stems.entry(stem(word)).or_default() += count;
    }
    stems
}

/// One word in every field. The engine drops repeated terms, so its weight grows with the root of how
/// often it was typed: on the Cranfield questions that finds as much as the full count and puts it in
/// a better order.
fn word_query(stem: &str, count: u32, fields: &Fields) -> Vec<Box<dyn EngineQuery>> {
    TextField::ALL
        .iter()
        .map(|field| {
            let term = Term::from_field_text(fields.text(*field), stem);
            boosted(TermQuery::new(term, IndexRecordOption::WithFreqs), weight(*field), count)
        })
        .collect()
}

/// A phrase in any one field.
fn phrase_query(stems: &[String], fields: &Fields) -> Box<dyn EngineQuery> {
    let fields = TextField::ALL.iter().map(|field| {
        let mut terms: Vec<Term> =
            stems.iter().map(|stem| Term::from_field_text(fields.text(*field), stem)).collect();
        match terms.pop() {
            Some(last) if terms.is_empty() => {
                boosted(TermQuery::new(last, IndexRecordOption::WithFreqs), weight(*field), 1)
            }
            Some(last) => {
                terms.push(last);
                boosted(PhraseQuery::new(terms), weight(*field), 1)
            }
            None => Box::new(AllQuery),
        }
    });
    Box::new(BooleanQuery::union(fields.collect()))
}

#[expect(clippy::cast_precision_loss, reason = "a count of typed words is small")]
fn boosted(query: impl EngineQuery, weight: f32, count: u32) -> Box<dyn EngineQuery> {
    Box::new(BoostQuery::new(Box::new(query), weight * (count as f32).sqrt()))
}

/// What decides by a number or by the lineage. The dimensions are narrowed while results are
/// collected, because their counts need what lies outside of them.
fn add_filters(
    clauses: &mut Vec<(Occur, Box<dyn EngineQuery>)>,
    filters: &Filters,
    fields: &Fields,
) {
    if let Some(from) = filters.from {
        let first = Term::from_field_i64(fields.day_to, day_number(from));
        clauses.push((
            Occur::Must,
            unscored(RangeQuery::new(Bound::Included(first), Bound::Unbounded)),
        ));
    }
    if let Some(to) = filters.to {
        let last = Term::from_field_i64(fields.day_from, day_number(to));
        clauses.push((
            Occur::Must,
            unscored(RangeQuery::new(Bound::Unbounded, Bound::Included(last))),
        ));
    }
    if let Some(pupils) = filters.min_pupils {
        let least = Term::from_field_u64(fields.pupils, pupils.into());
        clauses.push((
            Occur::Must,
            unscored(RangeQuery::new(Bound::Included(least), Bound::Unbounded)),
        ));
    }
    if filters.effect_from.is_some() || filters.effect_to.is_some() {
        let bound = |effect: Option<f64>| {
            effect.map_or(Bound::Unbounded, |effect| {
                Bound::Included(Term::from_field_f64(fields.effect, effect))
            })
        };
        let range = RangeQuery::new(bound(filters.effect_from), bound(filters.effect_to));
        clauses.push((Occur::Must, unscored(range)));
    }
    if filters.with_evidence {
        let least = Term::from_field_u64(fields.strength, 1);
        clauses.push((
            Occur::Must,
            unscored(RangeQuery::new(Bound::Included(least), Bound::Unbounded)),
        ));
    }
    if let Some(phase) = &filters.not_tried_in {
        clauses.push((Occur::MustNot, any_of([Term::from_field_text(fields.tried_in, phase)])));
    }
}

/// Leaves out what is newer in another of the groups that are searched. Within one group every
/// record is there once.
fn add_newest(
    clauses: &mut Vec<(Occur, Box<dyn EngineQuery>)>,
    filters: &Filters,
    fields: &Fields,
) {
    let groups: Vec<GroupId> =
        filters.accepted(Facet::Group).filter_map(|group| group.parse().ok()).collect();
    match groups.as_slice() {
        [] => {
            let superseded = Term::from_field_u64(fields.superseded, 1);
            clauses.push((Occur::MustNot, any_of([superseded])));
        }
        [_] => {}
        several => {
            let newer = several
                .iter()
                .map(|group| Term::from_field_bytes(fields.newer_in, group.as_bytes()));
            clauses.push((Occur::MustNot, any_of(newer)));
        }
    }
}

pub(crate) fn any_of(terms: impl IntoIterator<Item = Term>) -> Box<dyn EngineQuery> {
    let queries: Vec<Box<dyn EngineQuery>> = terms
        .into_iter()
        .map(|term| {
            Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn EngineQuery>
        })
        .collect();
    unscored(BooleanQuery::union(queries))
}

/// A filter decides whether a document passes and adds nothing to its score.
fn unscored(query: impl EngineQuery) -> Box<dyn EngineQuery> {
    Box::new(ConstScoreQuery::new(Box::new(query), 0.0))
}

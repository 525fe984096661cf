//! What may be asked, and within which bounds.
//!
//! A query goes from text to a small flat form ([`parse`], which needs no index) to clauses
//! ([`plan`]), which are matched against the index ([`matching`]); the best of what that finds are put
//! in order a second time ([`rerank`]). The engine's own parser never sees what a person typed: deep
//! nesting makes it overflow the stack, and it refuses ordinary text such as `year 7: fractions`.

pub(crate) mod feedback;
pub(crate) mod matching;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod proximity;
pub(crate) mod rerank;
mod stop_words;
pub(crate) mod synonyms;
pub(crate) mod vocabulary;
mod window;
pub(crate) mod word;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use staffroom_protocol::hash::GroupId;

use crate::facet::Facet;
use crate::order::ReaderContext;

/// Hits on one page: more than a screen can use, and each one costs reading a stored document.
pub const MAX_LIMIT: usize = 100;

/// How deep pages go. Nobody reads that far, and every page keeps all that lies before it in
/// memory.
pub const MAX_DEPTH: usize = 10_000;

/// Values in one dimension of the filters: more than any list to choose from, and enough to name
/// every group and school of a large trust.
pub const MAX_FILTER_VALUES: usize = 1_000;

/// What is asked of the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What a person typed: words, "quoted phrases" that must occur where they occur at all, -words that must not, and
    /// dimensions with a value, as `subject:maths`. Empty lists everything that passes the filters,
    /// newest first.
    pub text: String,
    /// Whether the last word may be the beginning of one, as while a person is typing.
    pub unfinished: bool,
    /// Whether words are looked for as they are spelled, however near they are to others, and phrases
    /// in quotes as they stand, even where nothing has them.
    pub exact: bool,
    /// What results must fulfil.
    pub filters: Filters,
    /// How many hits to leave out before the first.
    pub offset: usize,
    /// How many hits to return; 0 for the counts alone.
    pub limit: usize,
    /// The order of the hits.
    pub sort: Sort,
    /// Whom they are for; it matters to [`Sort::WhatWorked`] alone.
    pub reader: Option<ReaderContext>,
    /// The dimensions to count values in.
    pub facets: BTreeSet<Facet>,
}

impl Query {
    /// The first 20 hits for a text, with all counts.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            unfinished: false,
            exact: false,
            filters: Filters::default(),
            offset: 0,
            limit: 20,
            sort: Sort::WhatWorked,
            reader: None,
            facets: Facet::ALL.iter().copied().collect(),
        }
    }

    /// The newest 20 records that pass the filters, without counts.
    pub fn newest(filters: Filters) -> Self {
        Self { filters, sort: Sort::Newest, facets: BTreeSet::new(), ..Self::new("") }
    }

    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.limit > MAX_LIMIT {
            return Err(QueryError::TooManyHits { limit: self.limit });
        }
        if self.offset.saturating_add(self.limit) > MAX_DEPTH {
            return Err(QueryError::TooDeep { offset: self.offset });
        }
        self.filters.check()
    }
}

/// The order of hits. Equal ones are ordered by time, and then in an arbitrary but fixed way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// What fits the text best first, moved within bounds by the evidence there is (the formula is
    /// in `order.rs`); newest first where there are no words. Of each lineage only the record that
    /// comes first is listed.
    #[default]
    WhatWorked,
    /// What fits the text best first, every record; newest first where there are no words.
    Relevance,
    /// Newest first, every record.
    Newest,
}

/// What results must fulfil: in each dimension one of the values, and all dimensions together.
///
/// The counts of a dimension leave out what it is itself narrowed to, so that they say what choosing
/// another value as well would bring. Groups are the exception: they say what a person may read, and
/// nothing outside of them is counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    values: BTreeMap<Facet, BTreeSet<String>>,
    /// What happened, or was written, on or after this day.
    pub from: Option<Date>,
    /// What happened, or was written, on or before this day.
    pub to: Option<Date>,
    /// The least number of pupils behind the figures; what has no figures does not pass.
    pub min_pupils: Option<u32>,
    /// The least effect, as Hedges' g: of the record's own figures, else of its lineage. What has
    /// none does not pass.
    pub effect_from: Option<f64>,
    /// The greatest effect.
    pub effect_to: Option<f64>,
    /// Only what belongs to a lineage on which a school has reported.
    pub with_evidence: bool,
    /// Only what no school of this phase has started, nor any it was adopted by.
    pub not_tried_in: Option<String>,
}

impl Filters {
    /// Also accepts `value` in the dimension `facet`.
    #[must_use]
    pub fn with(mut self, facet: Facet, value: impl fmt::Display) -> Self {
        self.accept(facet, value);
        self
    }

    /// Also accepts `value` in the dimension `facet`.
    pub fn accept(&mut self, facet: Facet, value: impl fmt::Display) {
        self.values.entry(facet).or_default().insert(value.to_string());
    }

    /// The values accepted in a dimension; none means any.
    pub fn accepted(&self, facet: Facet) -> impl Iterator<Item = &str> {
        self.values.get(&facet).into_iter().flatten().map(String::as_str)
    }

    /// Only what these groups hold, and the newest version among them. Without any group, nothing.
    #[must_use]
    pub fn within(mut self, groups: impl IntoIterator<Item = GroupId>) -> Self {
        self.values
            .insert(Facet::Group, groups.into_iter().map(|group| group.to_string()).collect());
        self
    }

    /// The groups whose records are accepted; what is no group's id is none.
    pub(crate) fn groups(&self) -> Vec<GroupId> {
        self.accepted(Facet::Group).filter_map(|group| group.parse().ok()).collect()
    }

    /// The dimensions that are narrowed, as bits.
    pub(crate) fn narrowed(&self) -> u32 {
        self.values.keys().fold(0, |bits, facet| bits | facet.bit())
    }

    /// Whether a value is accepted in a dimension that is narrowed.
    pub(crate) fn names(&self, facet: Facet, value: &str) -> bool {
        self.values.get(&facet).is_some_and(|values| values.contains(value))
    }

    pub(crate) fn check(&self) -> Result<(), QueryError> {
        for (facet, values) in &self.values {
            if values.len() > MAX_FILTER_VALUES {
                return Err(QueryError::TooManyValues { facet: *facet, count: values.len() });
            }
        }
        if let Some(group) =
            self.accepted(Facet::Group).find(|group| group.parse::<GroupId>().is_err())
        {
            return Err(QueryError::NotAGroup { given: group.chars().take(80).collect() });
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(QueryError::DatesReversed { from, to });
        }
        for effect in [self.effect_from, self.effect_to].into_iter().flatten() {
            if !effect.is_finite() {
                return Err(QueryError::NotAnEffect { given: effect });
            }
        }
        match (self.effect_from, self.effect_to) {
            (Some(from), Some(to)) if from > to => Err(QueryError::EffectsReversed { from, to }),
            _ => Ok(()),
        }
    }
}

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is text, and no word in it.
    #[error("there is no word in the search text; type at least one letter or digit")]
    NoWords,
    /// More hits than one page may have.
    #[error("{limit} results on one page are more than the limit of {MAX_LIMIT}; ask for fewer")]
    TooManyHits {
        /// How many were asked for.
        limit: usize,
    },
    /// Too far down the list.
    #[error(
        "results beyond the first {MAX_DEPTH} are not listed (asked to start after {offset}); \
         narrow the search with another word or a filter"
    )]
    TooDeep {
        /// How many were to be left out.
        offset: usize,
    },
    /// Too many values in one dimension.
    #[error(
        "{count} values to filter {facet} by are more than the limit of {MAX_FILTER_VALUES}; \
         choose fewer"
    )]
    TooManyValues {
        /// The dimension.
        facet: Facet,
        /// How many there are.
        count: usize,
    },
    /// A group filter that is no group's id.
    #[error("{given:?} is not the id of a group (64 hexadecimal characters)")]
    NotAGroup {
        /// What was given.
        given: String,
    },
    /// The first day comes after the last.
    #[error("the first day {from} comes after the last day {to}; swap them")]
    DatesReversed {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
    /// An effect that is infinite or not a number.
    #[error("an effect of {given} is not a number; give Hedges' g such as 0.2")]
    NotAnEffect {
        /// What was given.
        given: f64,
    },
    /// The least effect is above the greatest.
    #[error("the least effect {from} is above the greatest {to}; swap them")]
    EffectsReversed {
        /// The least.
        from: f64,
        /// The greatest.
        to: f64,
    },
    /// The index could not be read.
    #[error("the search index could not be read ({0}); it is made again if the node is restarted")]
    Engine(#[from] tantivy::TantivyError),
}

#[cfg(test)]
mod tests;

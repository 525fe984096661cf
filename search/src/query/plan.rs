//! From words, phrases and filters to the engine's query.
//!
//! Everything that widens what a word finds belongs into [`Words::query`], which decides how each
//! word is looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{
    BooleanQuery, DisjunctionMaxQuery, PhraseQuery, Query as EngineQuery, RangeQuery, TermQuery,
};
use tantivy::schema::IndexRecordOption;

use super::Filters;
use super::matching::{Clause, Matching};
use super::parse::Parsed;
use super::stop_words::is_stop_word;
use super::synonyms::{MAX_ALTERNATIVE_WORDS, Synonyms};
use crate::document::day_number;
use crate::schema::{Fields, TextField};
use crate::words::stem;

/// What a synonym counts beside the words that were typed: about half, so that what was typed comes first.
const SYNONYM_WEIGHT: f32 = 0.55;

/// What the lesser forms of one meaning add to the best of them: a document that says it in two ways
/// is about it.
const FURTHER_FORMS: f32 = 0.7;

/// Stop words that may stand between two words for them to be a pair: "effects of the size".
const STOP_WORDS_IN_PAIR: usize = 2;

/// Pairs of words that are looked for; each costs reading positions of the best documents.
const MAX_PAIRS: usize = 12;

/// How a query is answered.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) matching: Matching,
    /// The stems to mark in what is shown.
    pub(crate) stems: Vec<String>,
    /// The stems that were typed side by side.
    pub(crate) pairs: Vec<(String, String)>,
    /// What the words that were typed weigh together.
    pub(crate) typed: f32,
}

pub(crate) fn plan(
    parsed: &Parsed,
    filters: &Filters,
    synonyms: &Synonyms,
    fields: &Fields,
) -> Plan {
    let words = Words::new(parsed);
    let mut stems: Vec<String> = words.counts.keys().cloned().collect();
    stems.extend(words.alternatives.values().flat_map(BTreeMap::keys).cloned());
    let mut matching = Matching::default();
    for phrase in &parsed.phrases {
        let phrase: Vec<String> = phrase.iter().map(|word| stem(word)).collect();
        matching.required.push(phrase_clause(&phrase, 1.0, fields));
        stems.extend(phrase);
    }
    if !words.counts.is_empty() {
        let (clause, alternatives) = words.clause(parsed, synonyms, fields);
        matching.any = Some(clause);
        stems.extend(alternatives);
    }
    for phrase in &parsed.excluded {
        let phrase: Vec<String> = phrase.iter().map(|word| stem(word)).collect();
        matching.excluded.push(phrase_clause(&phrase, 1.0, fields));
    }
    add_filters(&mut matching, filters, fields);
    add_newest(&mut matching, filters, fields);
    Plan {
        matching,
        stems,
        pairs: pairs(parsed),
        typed: words.counts.values().map(|count| repeated(*count)).sum(),
    }
}

fn pairs(parsed: &Parsed) -> Vec<(String, String)> {
    let pairs: BTreeSet<(String, String)> = parsed
        .pairs(STOP_WORDS_IN_PAIR)
        .into_iter()
        .map(|(first, second)| (stem(first), stem(second)))
        .filter(|(first, second)| first != second)
        .collect();
    pairs.into_iter().take(MAX_PAIRS).collect()
}

/// The words of a query, two forms of one word being one stem that was typed twice.
struct Words {
    counts: BTreeMap<String, u32>,
    alternatives: BTreeMap<String, BTreeMap<String, f32>>,
}

impl Words {
    fn new(parsed: &Parsed) -> Self {
        let mut words = Self { counts: BTreeMap::new(), alternatives: BTreeMap::new() };
        for (word, count) in &parsed.words {
            let stemmed = stem(word);
            for (alternative, weight) in parsed.alternatives.get(word).into_iter().flatten() {
                let alternatives = words.alternatives.entry(stemmed.clone()).or_default();
                alternatives.insert(stem(alternative), *weight);
            }
            *words.counts.entry(stemmed).or_default() += count;
        }
        words
    }

    /// A word, or what else it may mean.
    fn word_clause(&self, stem: &str, count: u32) -> Clause {
        let clause = |stem: &str, weight| Clause::Word(stem.to_owned(), weight * repeated(count));
        match self.alternatives.get(stem) {
            None => clause(stem, 1.0),
            Some(alternatives) => {
                let others = alternatives.iter().filter(|(other, _)| *other != stem);
                let each = others.map(|(other, weight)| clause(other, *weight));
                Clause::Best(each.chain([clause(stem, 1.0)]).collect(), 0.0)
            }
        }
    }

    /// Any of the words, or what means the same as some of them; and the stems of the latter.
    fn clause(
        &self,
        parsed: &Parsed,
        synonyms: &Synonyms,
        fields: &Fields,
    ) -> (Clause, Vec<String>) {
        let mut left = self.counts.clone();
        let mut any = Vec::new();
        let mut marked = Vec::new();
        for row in &parsed.rows {
            let row: Vec<String> = row.iter().map(|word| stem(word)).collect();
            for found in synonyms.find(&row) {
                let form: BTreeSet<&String> = row[found.range].iter().collect();
                let own: Vec<Clause> = form
                    .into_iter()
                    .filter_map(|stem| Some((stem, left.remove(stem)?)))
                    .map(|(stem, count)| self.word_clause(stem, count))
                    .collect();
                if own.is_empty() {
                    continue;
                }
                let mut best = vec![Clause::Any(own)];
                for alternative in found.alternatives {
                    if marked.len() < MAX_ALTERNATIVE_WORDS {
                        best.push(alternative_clause(&alternative, fields));
                        marked.extend(alternative);
                    }
                }
                any.push(Clause::Best(best, FURTHER_FORMS));
            }
        }
        any.extend(left.iter().map(|(stem, count)| self.word_clause(stem, *count)));
        marked.retain(|stem| !is_stop_word(stem));
        (Clause::Any(any), marked)
    }
}

/// The weight of a word that was typed so often. The engine drops repeated terms, so it grows with
/// the root of the count: on the Cranfield questions that finds as much as the full count and puts
/// it in a better order.
#[expect(clippy::cast_precision_loss, reason = "a count of typed words is small")]
fn repeated(count: u32) -> f32 {
    (count as f32).sqrt()
}

/// A synonym: one word, or a phrase, which is to count as one word although the engine adds up the
/// rarity of all its words.
fn alternative_clause(stems: &[String], fields: &Fields) -> Clause {
    #[expect(clippy::cast_precision_loss, reason = "a synonym has few words")]
    let weight = SYNONYM_WEIGHT / stems.len() as f32;
    phrase_clause(stems, weight, fields)
}

/// A phrase in any one field.
fn phrase_clause(stems: &[String], weight: f32, fields: &Fields) -> Clause {
    if let [stem] = stems {
        return Clause::Word(stem.clone(), weight);
    }
    let each = TextField::ALL.iter().map(|field| {
        let terms = stems.iter().map(|stem| Term::from_field_text(fields.text(*field), stem));
        Box::new(PhraseQuery::new(terms.collect())) as Box<dyn EngineQuery>
    });
    Clause::Engine(Box::new(DisjunctionMaxQuery::new(each.collect())), weight)
}

/// What decides by a number or by the lineage. The dimensions are narrowed while results are
/// collected, because their counts need what lies outside of them.
fn add_filters(matching: &mut Matching, filters: &Filters, fields: &Fields) {
    let mut require = |from, to| matching.required.push(Clause::filter(RangeQuery::new(from, to)));
    if let Some(from) = filters.from {
        let first = Term::from_field_i64(fields.day_to, day_number(from));
        require(Bound::Included(first), Bound::Unbounded);
    }
    if let Some(to) = filters.to {
        let last = Term::from_field_i64(fields.day_from, day_number(to));
        require(Bound::Unbounded, Bound::Included(last));
    }
    if let Some(pupils) = filters.min_pupils {
        let least = Term::from_field_u64(fields.pupils, pupils.into());
        require(Bound::Included(least), Bound::Unbounded);
    }
    if filters.effect_from.is_some() || filters.effect_to.is_some() {
        let bound = |effect: Option<f64>| {
            effect.map_or(Bound::Unbounded, |effect| {
                Bound::Included(Term::from_field_f64(fields.effect, effect))
            })
        };
        require(bound(filters.effect_from), bound(filters.effect_to));
    }
    if filters.with_evidence {
        let least = Term::from_field_u64(fields.strength, 1);
        require(Bound::Included(least), Bound::Unbounded);
    }
    if let Some(phase) = &filters.not_tried_in {
        matching.excluded.push(any_of([Term::from_field_text(fields.tried_in, phase)]));
    }
}

/// Leaves out what is newer in another of the groups that are searched. Within one group every
/// record is there once.
fn add_newest(matching: &mut Matching, filters: &Filters, fields: &Fields) {
    match filters.groups().as_slice() {
        [] => {
            let superseded = Term::from_field_u64(fields.superseded, 1);
            matching.excluded.push(any_of([superseded]));
        }
        [_] => {}
        several => {
            let newer = several
                .iter()
                .map(|group| Term::from_field_bytes(fields.newer_in, group.as_bytes()));
            matching.excluded.push(any_of(newer));
        }
    }
}

/// A filter for documents that have any of the terms.
pub(crate) fn any_of(terms: impl IntoIterator<Item = Term>) -> Clause {
    let queries = terms.into_iter().map(|term| {
        Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn EngineQuery>
    });
    Clause::filter(BooleanQuery::union(queries.collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::parse::parse;
    use crate::schema;

    /// Terms that a query looks up in the index: what its cost grows with.
    fn terms(plan: &Plan) -> usize {
        fn of(clause: &Clause) -> usize {
            match clause {
                Clause::Word(..) => TextField::ALL.len(),
                Clause::Any(clauses) | Clause::Best(clauses, _) => clauses.iter().map(of).sum(),
                Clause::Constant(clause, _) => of(clause),
                Clause::Documents(_) => 0,
                Clause::Engine(query, _) => {
                    let mut terms = 0;
                    query.query_terms(&mut |_, _| terms += 1);
                    terms
                }
            }
        }
        let Matching { any, required, excluded } = &plan.matching;
        any.iter().chain(required).chain(excluded).map(of).sum()
    }

    fn planned(text: &str) -> Option<Plan> {
        let (_, fields) = schema::build();
        let parsed = parse(text).ok()?;
        Some(plan(&parsed, &Filters::default(), &Synonyms::standard(), &fields))
    }

    /// Words in both fields, those of synonyms too, of which the last may have eight words more, and
    /// what leaves out older versions.
    const MOST_TERMS: usize = 2 * 32 + 2 * (MAX_ALTERNATIVE_WORDS + 8) + 1;

    #[test]
    fn no_text_makes_a_query_of_more_than_a_bounded_number_of_terms() {
        let forms = include_str!("../../data/synonyms.txt").replace(['|', '#'], " ");
        let distinct: String = (0..1_000).map(|n| format!("word{n} ")).collect();
        for text in [
            forms.repeat(20),
            distinct,
            "(".repeat(10_000) + "eal" + &")".repeat(10_000),
            "eal send ks1 ks2 ks3 ks4 ks5 pp ta cpd maths ".repeat(3_000),
            "\"key stage 2\" -\"year 4\" ".repeat(5_000),
            "the of and to ".repeat(10_000),
            String::from_utf8_lossy(&[0xFF; 100_000]).into_owned() + " eal",
        ] {
            if let Some(plan) = planned(&text) {
                let terms = terms(&plan);
                assert!(terms <= MOST_TERMS, "{terms} for {:?}", &text[..20]);
                assert!(plan.pairs.len() <= MAX_PAIRS);
            }
        }
        let few = terms(&planned("seating plans").unwrap());
        assert_eq!(few, 2 * 2 + 1, "the count sees every term");
    }

    proptest! {
        #[test]
        fn words_of_the_synonyms_in_any_order_stay_within_the_bound(
            words in prop::collection::vec("(eal|send|ks[1-5]|y[1-9]|year|key|stage|maths|english|as|an|additional|language|at|risk|-|\"|subject:)", 0..200)
        ) {
            if let Some(plan) = planned(&words.join(" ")) {
                prop_assert!(terms(&plan) <= MOST_TERMS);
            }
        }
    }
}

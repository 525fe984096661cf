//! What a search finds that it did not find before: of this a saved search tells a person.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tantivy::Score;

use super::Index;
use crate::DocumentKey;
use crate::collect::{Collect, to_steps};
use crate::query::matching::Clause;
use crate::query::plan::plan;
use crate::query::{Query, QueryError, Sort};
use crate::values::View;

/// Of how much of a question's weight the words of a record must carry more for it to be news. A list of
/// results may hold whatever has one of the words, because the best come first; in what is told one by
/// one, a record that only has "year" is no answer to "reading fluency in year 4".
const SHARE: Score = 0.5;

/// What searches saw at a moment. The files of the index that it reads stay on the disk while it is
/// kept.
pub struct Snapshot(Arc<View>);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("documents", &self.0.searcher.num_docs()).finish()
    }
}

impl Index {
    /// What searches see at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.view())
    }

    /// Which of the documents in `put` are news to a query: it is answered by them, and was answered by
    /// no version of the same record in the snapshot `before`. Without one, whatever answers it is news.
    ///
    /// A document answers a query if it passes the filters, has all phrases in quotes and none of the
    /// words that are excluded; and where nothing is in quotes, if what it has of the words, or of what
    /// means the same, makes up more than half of them. A word counts as much as it is rare. Where there
    /// are no words, the filters decide.
    ///
    /// # Errors
    /// [`QueryError`] says which bound the query breaks.
    pub fn news(
        &self,
        query: &Query,
        put: &BTreeSet<DocumentKey>,
        before: Option<&Snapshot>,
    ) -> Result<Vec<DocumentKey>, QueryError> {
        let mut news = self.answering(&self.view(), query, put)?;
        if let Some(Snapshot(before)) = before
            && !news.is_empty()
        {
            // It may have been an answer as it was shared with another group.
            let groups = query.filters.groups();
            let mut versions: BTreeSet<DocumentKey> = news.iter().copied().collect();
            for key in &news {
                versions.extend(groups.iter().map(|group| DocumentKey { group: *group, ..*key }));
            }
            let known: BTreeSet<_> = self
                .answering(before, query, &versions)?
                .into_iter()
                .map(|key| (key.school, key.record))
                .collect();
            news.retain(|key| !known.contains(&(key.school, key.record)));
        }
        Ok(news)
    }

    /// Which of these documents answer a query.
    fn answering(
        &self,
        view: &View,
        query: &Query,
        keys: &BTreeSet<DocumentKey>,
    ) -> Result<Vec<DocumentKey>, QueryError> {
        let (parsed, understood, _) = self.understood(view, query)?;
        let mut matching =
            plan(&parsed, &understood.filters, &self.synonyms, &self.fields).matching;
        let mut least = 0.0;
        if !parsed.phrases.is_empty() {
            matching.any = None;
        } else if let Some(words) = matching.any.take() {
            least = SHARE * words.rarity(view)?;
            matching.any = Some(by_rarity(words, view)?);
        }
        let among = self.places(view, keys.iter().copied())?;
        matching.required.push(Clause::Documents(Arc::new(among)));

        let query = Query { sort: Sort::Relevance, facets: BTreeSet::new(), ..understood };
        let scored = least > 0.0;
        let weight = matching.weight(view, scored)?;
        let found = Collect::new(view, &query, keys.len(), scored).run(&weight)?.best;
        let least = to_steps(least);
        let enough = found.into_iter().filter(|(_, parts)| !scored || to_steps(parts.text) > least);
        enough.map(|(address, _)| Ok(self.shown(&view.searcher, address)?.key)).collect()
    }
}

/// The same words, each of which scores how rare it is; what means the same is one of them.
fn by_rarity(words: Clause, view: &View) -> Result<Clause, QueryError> {
    let each = if let Clause::Any(each) = words { each } else { vec![words] };
    let constant = |clause: Clause| {
        let rarity = clause.rarity(view)?;
        Ok(Clause::Constant(Box::new(clause), rarity))
    };
    Ok(Clause::Any(each.into_iter().map(constant).collect::<Result<_, QueryError>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{document, group, index_of, put};
    use crate::{Document, Facet};

    /// Puts documents into an index and says which are news to a query.
    fn news_of(index: &Index, query: &Query, documents: &[Document]) -> Vec<DocumentKey> {
        let before = index.snapshot();
        index.apply(documents.iter().cloned().map(put)).unwrap();
        index.commit(2).unwrap();
        let keys = documents.iter().map(|document| document.key).collect();
        index.news(query, &keys, Some(&before)).unwrap()
    }

    #[test]
    fn news_is_what_is_found_and_was_not() {
        let (_folder, index) = index_of([document(1, "Paired reading"), document(2, "Chess")]);
        let query = Query::new("reading");
        let (again, now, never) = (
            document(1, "Paired reading, second year"),
            document(2, "Chess and reading"),
            document(3, "Seating plans"),
        );
        let found = news_of(&index, &query, &[again.clone(), now.clone(), never]);
        assert_eq!(found, [now.key]);
        // Without a memory of what was found before, all that is found is news.
        let keys = [again.key, now.key].into();
        let found: BTreeSet<_> = index.news(&query, &keys, None).unwrap().into_iter().collect();
        assert_eq!(found, keys);
    }

    #[test]
    fn a_record_is_no_news_for_being_shared_with_another_group() {
        let (_folder, index) = index_of([document(1, "Paired reading")]);
        let mut shared = document(1, "Paired reading");
        shared.key.group = group(2);
        let mut query = Query::new("reading");
        query.filters = query.filters.within([group(1), group(2)]);
        assert_eq!(news_of(&index, &query, &[shared.clone()]), []);
        // To a reader of the second group alone it is.
        query.filters = query.filters.within([group(2)]);
        shared.summary.title = "Reading in pairs".to_owned();
        assert_eq!(news_of(&index, &query, &[shared]), []);
        let mut other = document(2, "Reading aloud");
        other.key.group = group(2);
        let mut elsewhere = document(3, "Reading on trains");
        elsewhere.key.group = group(3);
        assert_eq!(news_of(&index, &query, &[other.clone(), elsewhere]), [other.key]);
    }

    #[test]
    fn the_words_of_news_make_up_more_than_half_of_the_question_by_how_rare_they_are() {
        let common = (10..40).map(|n| document(n, "A plan for the year"));
        let (_folder, index) =
            index_of(common.chain([document(1, "Overlays"), document(2, "Fluency")]));
        let query = Query::new("fluency overlays year");
        let (both, one, common) = (
            document(3, "Fluency, overlays"),
            document(4, "Overlays again"),
            document(5, "Next year"),
        );
        let found = news_of(&index, &query, &[both.clone(), one, common]);
        assert_eq!(found, [both.key]);
        let pair = Query::new("fluency overlays");
        // Of two words it is the rarer one.
        let (rarer, other) = (document(6, "Fluency in verse"), document(9, "Overlays in red"));
        assert_eq!(news_of(&index, &pair, &[rarer.clone(), other]), [rarer.key]);
        // Where both are as rare, it takes both.
        let (_other_folder, small) = index_of([document(1, "Fluency")]);
        assert_eq!(news_of(&small, &pair, &[document(2, "Overlays")]), []);
        // What no record has yet counts as well: the question is about it.
        let unknown = Query::new("metacognition year");
        assert_eq!(news_of(&index, &unknown, &[document(7, "Every year")]), []);
        let known = document(8, "Metacognition");
        assert_eq!(news_of(&index, &unknown, std::slice::from_ref(&known)), [known.key]);
    }

    #[test]
    fn what_means_the_same_is_news_and_phrases_filters_and_exclusions_decide() {
        let (_folder, index) = index_of([document(1, "Chess")]);
        let synonym = document(2, "Pupils with English as an additional language");
        assert_eq!(
            news_of(&index, &Query::new("EAL"), std::slice::from_ref(&synonym)),
            [synonym.key]
        );
        let guided = Query::new("\"guided reading\" carousel -phonics");
        let (phrase, apart, excluded) = (
            document(3, "Guided reading"),
            document(4, "Reading, guided by a carousel"),
            document(5, "Guided reading and phonics"),
        );
        assert_eq!(news_of(&index, &guided, &[phrase.clone(), apart, excluded]), [phrase.key]);
        let mut narrowed = Query::new("");
        narrowed.filters = narrowed.filters.with(Facet::Subject, "science");
        let mut science = document(6, "Practicals");
        science.summary.subjects = vec!["science".to_owned()];
        let found = news_of(&index, &narrowed, &[science.clone(), document(7, "Choirs")]);
        assert_eq!(found, [science.key]);
    }
}

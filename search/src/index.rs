//! The index on disk: opened, fed, asked.

mod folder;
pub(crate) mod news;
mod place;
mod referring;
mod similar;
mod stamp;
mod suggest;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use staffroom_protocol::wire;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::schema::Value;
use tantivy::{
    DocAddress, Index as Engine, IndexReader, IndexWriter, Score, Searcher, TantivyDocument,
    TantivyError, Term,
};

use crate::collect::{Collect, to_steps};
use crate::document::{Change, Shown, lineage_number};
use crate::hit::{Hit, Results};
use crate::order::Explanation;
use crate::query::feedback::Feedback;
use crate::query::matching::Matching;
use crate::query::parse::{Parsed, parse, with_words_replaced};
use crate::query::plan::{Plan, any_of, plan};
use crate::query::proximity::Proximity;
use crate::query::rerank::{Candidate, Reader, Stage, rerank, reranked};
use crate::query::synonyms::Synonyms;
use crate::query::vocabulary::Vocabulary;
use crate::query::{Query, QueryError, Sort};
use crate::schema::{self, Fields, SCHEMA_VERSION};
use crate::snippet::Marker;
use crate::values::{Numbering, View};

/// Threads that index: one, so that a school's server has its other processors for people.
const WRITER_THREADS: usize = 1;

/// Threads that merge segments in the background.
const MERGE_THREADS: usize = 1;

/// What the writer collects in memory before it writes a segment. The engine's least is 15 MB; with
/// more, a first filling makes fewer segments that must be merged again.
const WRITER_HEAP_BYTES: usize = 48 * 1024 * 1024;

/// Segments with a greater share of removed documents are written anew as a matter of course.
const REMOVED_SHARE: f32 = 0.1;

/// The full-text index of one node.
///
/// It is shared by reference between threads: searches run beside each other and beside the one
/// that feeds it, and see what was last committed.
pub struct Index {
    fields: Fields,
    synonyms: Synonyms,
    store: [u8; 16],
    engine: Engine,
    reader: IndexReader,
    /// What searches see.
    view: RwLock<Arc<View>>,
    numbering: Mutex<Numbering>,
    /// None after a failure, until the next use makes another.
    writer: Mutex<Option<IndexWriter>>,
}

/// An index, and whether it has to be fed.
#[derive(Debug)]
pub struct Opened {
    /// The index.
    pub index: Index,
    /// Whether it has to be fed.
    pub state: State,
}

/// What an index that was just opened holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It reflects the store at `position`; later changes are to be applied.
    Current {
        /// As given to [`Index::commit`].
        position: u64,
    },
    /// It is empty; every document is to be put again.
    Empty {
        /// Why.
        reason: EmptyReason,
    },
}

/// Why an index is empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmptyReason {
    /// There was none.
    #[error("there is no search index yet")]
    New,
    /// It was never filled to its end.
    #[error("the search index was never completely filled")]
    Unfinished,
    /// It was made by a program with other fields.
    #[error(
        "the search index has version {found} of its format and this program needs {SCHEMA_VERSION}"
    )]
    OtherVersion {
        /// Its version.
        found: u32,
    },
    /// It belongs to another store, such as the one before a restored backup.
    #[error("the search index belongs to another store")]
    OtherStore,
    /// Its files are not as they were written.
    #[error("the search index is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
}

/// What a purge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// Removed documents whose text was still in a file and no longer is.
    pub purged: u64,
    /// Removed documents whose text is still in a file, because it is being merged; purge again.
    pub left: u64,
}

/// Why the index could not be opened or fed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder cannot be used.
    #[error("the folder {} of the search index cannot be used ({source}); check that it exists, \
             that this program may write there and that the disk is not full", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the search index in {} is in use by another running Staffroom; stop that one first",
            path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The engine failed. What was not committed is lost and has to be applied again.
    #[error("the search index could not be written ({0}); check that the disk is not full")]
    Engine(#[from] TantivyError),
}

fn writer_of(engine: &Engine) -> Result<IndexWriter, TantivyError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(WRITER_THREADS)
        .num_merge_threads(MERGE_THREADS)
        .memory_budget_per_thread(WRITER_HEAP_BYTES)
        .build();
    let writer: IndexWriter = engine.writer_with_options(options)?;
    let mut merging = LogMergePolicy::default();
    merging.set_del_docs_ratio_before_merge(REMOVED_SHARE);
    writer.set_merge_policy(Box::new(merging));
    Ok(writer)
}

impl Index {
    /// Opens the index in `dir` for the store with the incarnation `store`, a value that is drawn
    /// anew whenever a store begins afresh.
    ///
    /// Every file is read once and checked. An index that is missing, unfinished, outdated, of
    /// another store or damaged is replaced by an empty one, and the state says why.
    ///
    /// # Errors
    /// [`IndexError`] if the folder cannot be used at all. No content of it makes this fail.
    pub fn open(dir: &Path, store: [u8; 16]) -> Result<Opened, IndexError> {
        let (schema, fields) = schema::build();
        let folder = folder::open(dir, &schema, store)?;
        let mut numbering = Numbering::default();
        let view = numbering.view(folder.reader.searcher(), &fields)?;
        let index = Self {
            fields,
            synonyms: Synonyms::standard(),
            store,
            view: RwLock::new(Arc::new(view)),
            numbering: Mutex::new(numbering),
            writer: Mutex::new(Some(writer_of(&folder.engine)?)),
            engine: folder.engine,
            reader: folder.reader,
        };
        let state = match folder.position {
            Ok(position) => State::Current { position },
            Err(reason) => State::Empty { reason },
        };
        Ok(Opened { index, state })
    }

    /// Lets these words mean the same in every search from here on.
    pub fn set_synonyms(&mut self, synonyms: Synonyms) {
        self.synonyms = synonyms;
    }

    /// Takes changes up, in their order. They are found after the next [`Index::commit`].
    ///
    /// # Errors
    /// [`IndexError::Engine`], after which everything since the last commit has to be applied again.
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), IndexError> {
        self.write(|writer| {
            for change in changes {
                match change {
                    Change::Put(document) => {
                        writer.delete_term(self.key_term(&document.key.to_bytes()));
                        writer.add_document(document.to_engine(&self.fields))?;
                    }
                    Change::Remove(key) => {
                        writer.delete_term(self.key_term(&key.to_bytes()));
                    }
                }
            }
            Ok(())
        })
    }

    /// Makes all changes so far durable and searchable, together with the `position` in the store
    /// that they reach.
    ///
    /// While an index that was opened empty is being filled, `position` is 0: an index that is
    /// closed in that state opens empty again. A commit costs about 10 ms, so under load one every
    /// 200 to 500 ms is right.
    ///
    /// # Errors
    /// [`IndexError::Engine`], after which everything since the last commit has to be applied again.
    pub fn commit(&self, position: u64) -> Result<(), IndexError> {
        self.write(|writer| {
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&stamp::write(self.store, position));
            commit.commit()
        })?;
        self.show()
    }

    /// Lets searches see what was last committed. It is made ready before they do, so that none
    /// waits for it.
    fn show(&self) -> Result<(), IndexError> {
        let mut numbering = self.numbering.lock().unwrap_or_else(PoisonError::into_inner);
        self.reader.reload()?;
        let view = Arc::new(numbering.view(self.reader.searcher(), &self.fields)?);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }

    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes every segment that holds a removed document anew, so that no text of it is left on
    /// disk. It rewrites up to the whole index, so once a day is right. Only committed removals
    /// count.
    ///
    /// # Errors
    /// [`IndexError::Engine`] if the disk fails; nothing is lost.
    pub fn purge(&self) -> Result<Purged, IndexError> {
        let before = self.removed_on_disk()?;
        let mut merges = Vec::new();
        for segment in self.engine.searchable_segment_metas()? {
            if segment.has_deletes() {
                merges.push(self.write(|writer| Ok(writer.merge(&[segment.id()])))?);
            }
        }
        for merge in merges {
            match merge.wait() {
                // A segment that the engine is already merging is reported as left.
                Ok(_) | Err(TantivyError::InvalidArgument(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The files of former segments stay for as long as a reader holds them.
        self.show()?;
        let collecting = self.write(|writer| Ok(writer.garbage_collect_files()))?;
        collecting.wait()?;
        let left = self.removed_on_disk()?;
        Ok(Purged { purged: before.saturating_sub(left), left })
    }

    /// Removes every document with the next [`commit`](Self::commit), for filling the index again.
    ///
    /// # Errors
    /// [`IndexError`] if the engine refuses.
    pub fn clear(&self) -> Result<(), IndexError> {
        self.write(|writer| writer.delete_all_documents().map(|_| ()))
    }

    /// How many documents there are, all versions in all groups.
    pub fn count(&self) -> u64 {
        self.view().searcher.num_docs()
    }

    /// Answers a query.
    ///
    /// # Errors
    /// [`QueryError`] says which bound the query breaks. No text makes this panic.
    pub fn search(&self, query: &Query) -> Result<Results, QueryError> {
        let view = self.view();
        let (mut parsed, narrowed, mut taken_for) = self.understood(&view, query)?;
        let mut results = self.answer(&view, &parsed, &narrowed)?;
        if results.total == 0 && !parsed.phrases.is_empty() && !query.exact {
            parsed.take_phrases_as_words();
            let vocabulary = Vocabulary { view: &view, fields: &self.fields };
            taken_for.extend(vocabulary.respell(&mut parsed)?);
            results = self.answer(&view, &parsed, &narrowed)?;
            results.phrases_as_words = results.total > 0;
        }
        results.did_you_mean =
            (!taken_for.is_empty()).then(|| with_words_replaced(&query.text, &taken_for));
        Ok(results)
    }

    /// A query as the index understands it: its words, what it is narrowed to, and what each
    /// misspelled word was taken for.
    fn understood(
        &self,
        view: &View,
        query: &Query,
    ) -> Result<(Parsed, Query, BTreeMap<String, String>), QueryError> {
        query.check()?;
        let mut parsed = parse(&query.text)?;
        let mut narrowed = query.clone();
        let vocabulary = Vocabulary { view, fields: &self.fields };
        vocabulary.narrow(&mut parsed, &mut narrowed.filters, &self.synonyms)?;
        if query.unfinished {
            vocabulary.complete(&mut parsed)?;
        }
        let taken_for =
            if query.exact { BTreeMap::new() } else { vocabulary.respell(&mut parsed)? };
        Ok((parsed, narrowed, taken_for))
    }

    /// Answers a query that was understood.
    fn answer(&self, view: &View, parsed: &Parsed, query: &Query) -> Result<Results, QueryError> {
        let vocabulary = Vocabulary { view, fields: &self.fields };
        let most_matches = vocabulary.postings(parsed)?.min(view.searcher.num_docs());
        let reranked = reranked(most_matches);
        let plan = plan(parsed, &query.filters, &self.synonyms, &self.fields);
        let searcher = &view.searcher;
        // One more than the page shows whether another one follows.
        let page_end = query.offset + query.limit + 1;
        let depth = match query.limit {
            0 => 0,
            _ if parsed.ranks() && query.sort != Sort::Newest => page_end.max(reranked),
            _ => page_end,
        };
        let collect = Collect::new(view, query, depth, parsed.ranks());
        let weight = plan.matching.weight(view, collect.requires_scoring())?;
        let mut collected = collect.run(&weight)?;
        if collect.requires_scoring() {
            let looked_at = reranked.min(collected.best.len());
            self.rerank(&mut collected.best[..looked_at], &plan, view)?;
        }

        let marker = Marker::new(&plan.stems, searcher, &self.fields)?;
        let more = query.limit > 0 && collected.best.len() >= page_end;
        let page = collected.best.into_iter().skip(query.offset).take(query.limit);
        let mut hits = Vec::with_capacity(query.limit);
        for (address, explanation) in page {
            hits.push(Hit::new(self.shown(searcher, address)?, explanation, &marker));
        }
        if query.sort == Sort::WhatWorked {
            self.fold_schools(plan.matching, &collect, view, &mut hits)?;
        }
        Ok(Results {
            total: collected.total,
            hits,
            more,
            facets: collected.counts,
            did_you_mean: None,
            shortened: parsed.shortened,
            phrases_as_words: false,
        })
    }

    /// Names the schools whose records a hit stands for.
    fn fold_schools(
        &self,
        mut matching: Matching,
        collect: &Collect<'_>,
        view: &View,
        hits: &mut [Hit],
    ) -> Result<(), TantivyError> {
        let number = |hit: &Hit| {
            let (school, record) = hit.lineage.as_ref()?.origin;
            Some(lineage_number(school, record))
        };
        let lineages: Vec<Term> = hits
            .iter()
            .filter_map(number)
            .map(|lineage| Term::from_field_u64(self.fields.lineage, lineage))
            .collect();
        if lineages.is_empty() {
            return Ok(());
        }
        matching.required.push(any_of(lineages));
        let mut schools = collect.schools(&matching.weight(view, false)?)?;
        for hit in hits {
            let found = number(hit).and_then(|lineage| schools.remove(&lineage));
            hit.schools =
                found.into_iter().flatten().filter_map(|school| school.parse().ok()).collect();
        }
        Ok(())
    }

    /// Looks at the texts of the best of what was found a second time, and puts these in order again.
    fn rerank(
        &self,
        best: &mut [(DocAddress, Explanation)],
        plan: &Plan,
        view: &View,
    ) -> Result<(), TantivyError> {
        let stages: [Box<dyn Stage>; 2] =
            [Box::new(Proximity::new(plan.pairs.clone())), Box::new(Feedback::new(plan.typed))];
        let text = |address| self.shown(&view.searcher, address).map(|shown| shown.text());
        let mut candidates: Vec<Candidate> =
            best.iter().map(|(address, parts)| (*address, parts.text)).collect();
        // The stages want them in the order of their texts.
        candidates.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        rerank(&stages, &mut candidates, &Reader { texts: &view.texts, text: &text })?;
        let texts: BTreeMap<DocAddress, Score> = candidates.into_iter().collect();
        for (address, parts) in best.iter_mut() {
            parts.text = texts.get(address).copied().unwrap_or(parts.text);
        }
        // Equal ones keep their order, which is by time.
        best.sort_by_key(|(_, parts)| Reverse(to_steps(parts.score())));
        Ok(())
    }

    fn shown(&self, searcher: &Searcher, address: DocAddress) -> Result<Shown, TantivyError> {
        let document: TantivyDocument = searcher.doc(address)?;
        let bytes = document
            .get_first(self.fields.shown)
            .and_then(|value| value.as_bytes())
            .ok_or_else(|| TantivyError::InternalError("a document shows nothing".to_owned()))?;
        wire::decode(bytes, usize::MAX)
            .map_err(|error| TantivyError::InternalError(format!("a document: {error}")))
    }

    fn removed_on_disk(&self) -> Result<u64, TantivyError> {
        let segments = self.engine.searchable_segment_metas()?;
        Ok(segments.iter().map(|segment| u64::from(segment.num_deleted_docs())).sum())
    }

    fn key_term(&self, key: &[u8]) -> Term {
        Term::from_field_bytes(self.fields.key, key)
    }

    /// Uses the engine's writer, which a failure such as a full disk ends for good: used again, it
    /// would take documents and lose them. So the next use makes another.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut IndexWriter) -> Result<T, TantivyError>,
    ) -> Result<T, IndexError> {
        let mut place = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match place.take() {
            Some(writer) => writer,
            None => writer_of(&self.engine)?,
        };
        let done = work(&mut writer)?;
        *place = Some(writer);
        Ok(done)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("documents", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

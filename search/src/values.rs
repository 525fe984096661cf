//! The values of all documents in memory, as one run of numbers a document, which counting and
//! filtering read.
//!
//! The engine keeps a column for each dimension, with numbers that differ from segment to segment.
//! Reading nineteen columns for each match and merging their values as text took several times as
//! long as finding the matches. A run of numbers that mean the same in every segment lies in one
//! place in memory, and costs about 80 bytes a document.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use tantivy::columnar::StrColumn;
use tantivy::{DocId, Searcher, SegmentReader};

use crate::facet::Facet;

/// Numbers of values that no document has any more are kept up to this many above what the segments
/// account for, so that a small index does not number its values again with every change.
const UNUSED_VALUES: usize = 1_024;

/// A value of a dimension.
pub(crate) type Value = (Facet, Arc<str>);

/// One committed state of the index, with the values of its documents.
pub(crate) struct View {
    pub(crate) searcher: Searcher,
    /// The values by number.
    pub(crate) values: Arc<Vec<Value>>,
    /// By number, the place of a value among those of its dimension in the order of the alphabet.
    pub(crate) places: Arc<Vec<u32>>,
    /// For each segment of the searcher.
    pub(crate) segments: Vec<Arc<SegmentValues>>,
}

/// The values of a segment's documents.
#[derive(Debug, Default)]
pub(crate) struct SegmentValues {
    /// Where in `numbers` the run of each document starts, and where the last one ends.
    starts: Vec<u32>,
    numbers: Vec<u32>,
    /// How many different values there are.
    distinct: usize,
}

impl SegmentValues {
    /// The numbers of a document's values, dimension by dimension.
    pub(crate) fn of(&self, doc: DocId) -> &[u32] {
        let doc = doc as usize;
        &self.numbers[self.starts[doc] as usize..self.starts[doc + 1] as usize]
    }
}

/// Gives every value its number, and remembers the segments that were read.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    numbers: BTreeMap<Facet, BTreeMap<Arc<str>, u32>>,
    values: Arc<Vec<Value>>,
    places: Arc<Vec<u32>>,
    /// By the name of the segment.
    segments: BTreeMap<String, Arc<SegmentValues>>,
}

impl Numbering {
    /// The state that `searcher` sees. Only segments that were not there before are read.
    pub(crate) fn view(&mut self, searcher: Searcher) -> tantivy::Result<View> {
        let mut segments = self.read_all(&searcher)?;
        let in_use: usize = segments.iter().map(|segment| segment.distinct).sum();
        if self.values.len() > in_use + UNUSED_VALUES {
            *self = Self::default();
            segments = self.read_all(&searcher)?;
        }
        if self.places.len() != self.values.len() {
            self.places = Arc::new(self.places());
        }
        let (values, places) = (Arc::clone(&self.values), Arc::clone(&self.places));
        Ok(View { searcher, values, places, segments })
    }

    fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.values.len()];
        for numbers in self.numbers.values() {
            for (place, number) in (0..).zip(numbers.values()) {
                places[*number as usize] = place;
            }
        }
        places
    }

    fn read_all(&mut self, searcher: &Searcher) -> tantivy::Result<Vec<Arc<SegmentValues>>> {
        let mut segments = Vec::with_capacity(searcher.segment_readers().len());
        let mut names = BTreeSet::new();
        for reader in searcher.segment_readers() {
            let name = reader.segment_id().uuid_string();
            let segment = match self.segments.get(&name) {
                Some(segment) => Arc::clone(segment),
                None => Arc::new(self.read(reader)?),
            };
            self.segments.insert(name.clone(), Arc::clone(&segment));
            names.insert(name);
            segments.push(segment);
        }
        self.segments.retain(|name, _| names.contains(name));
        Ok(segments)
    }

    fn read(&mut self, reader: &SegmentReader) -> tantivy::Result<SegmentValues> {
        let mut columns = Vec::with_capacity(Facet::ALL.len());
        for facet in Facet::ALL {
            // A segment without any value in a dimension has no column for it.
            if let Some(column) = reader.fast_fields().str(facet.as_str())? {
                let numbers = self.numbers_of(*facet, &column)?;
                columns.push((column, numbers));
            }
        }
        let mut segment = SegmentValues {
            starts: Vec::with_capacity(reader.max_doc() as usize + 1),
            numbers: Vec::new(),
            distinct: columns.iter().map(|(_, numbers)| numbers.len()).sum(),
        };
        segment.starts.push(0);
        for doc in 0..reader.max_doc() {
            for (column, numbers) in &columns {
                let ordinals = column.ords().values_for_doc(doc);
                segment.numbers.extend(
                    ordinals.filter_map(|ordinal| numbers.get(usize::try_from(ordinal).ok()?)),
                );
            }
            let end = u32::try_from(segment.numbers.len()).map_err(|_| {
                tantivy::TantivyError::InternalError("a segment has too many values".to_owned())
            })?;
            segment.starts.push(end);
        }
        segment.numbers.shrink_to_fit();
        Ok(segment)
    }

    /// The number of each value of a column, in the column's own order.
    fn numbers_of(&mut self, facet: Facet, column: &StrColumn) -> tantivy::Result<Vec<u32>> {
        let known = self.numbers.entry(facet).or_default();
        let mut numbers = Vec::with_capacity(column.num_terms());
        let ordinals: Range<u64> = 0..column.num_terms() as u64;
        let ordinals: Vec<u64> = ordinals.collect();
        column.dictionary().sorted_ords_to_term_cb(&ordinals, |term| {
            let value = String::from_utf8_lossy(term);
            let number = match known.get(value.as_ref()) {
                Some(number) => *number,
                None => {
                    let value: Arc<str> = value.into();
                    let values = Arc::make_mut(&mut self.values);
                    let number = u32::try_from(values.len()).unwrap_or(u32::MAX);
                    values.push((facet, Arc::clone(&value)));
                    known.insert(value, number);
                    number
                }
            };
            numbers.push(number);
        })?;
        Ok(numbers)
    }
}

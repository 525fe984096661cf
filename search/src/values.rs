//! What ranking, filtering and counting read of every match, in memory: the values of documents as
//! bits and numbers that mean the same in every segment, and the evidence on them.
//!
//! The engine keeps a column for each dimension, with numbers that differ from segment to segment.
//! Reading nineteen columns for each match and merging their values as text took several times as
//! long as finding the matches. Most dimensions have few values: theirs are bits of a mask a document,
//! which are filtered and counted many at a time. Only tags, schools and what finds no bit any more are
//! numbers. All that is read of a document lies in one line of the processor's caches, 64 bytes,
//! because waiting for memory is what going through matches takes most of its time with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use tantivy::columnar::StrColumn;
use tantivy::{DocId, Searcher, SegmentReader};

use crate::facet::Facet;
use crate::order::{DocumentEvidence, EvidenceColumns};
use crate::query::word::Texts;
use crate::schema::Fields;

/// Numbers of values that no document has any more are kept up to this many above what the segments
/// account for, so that a small index does not number its values again with every change.
const UNUSED_VALUES: usize = 1_024;

/// Values that have a bit. Their numbers are below it, those of rare ones are not.
pub(crate) const BITS: usize = 256;

/// Values of one dimension that have a bit, so that one with unexpectedly many leaves some to the
/// others.
const MAX_BITS_OF_DIMENSION: usize = 40;

/// Other values that are held beside a document's mask; what it has more lies elsewhere.
const RARE_BESIDE: usize = 5;

/// No value. It has the number of a value with a bit, which is none of the rare ones.
const NO_VALUE: u32 = 0;

/// The values that have a bit.
pub(crate) type Mask = [u64; BITS / 64];

/// A value of a dimension.
pub(crate) type Value = (Facet, Arc<str>);

/// The values by their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    with_bit: Vec<Value>,
    rare: Vec<Value>,
    /// The numbers of rare values of dimensions that are expected to have few.
    surplus: Vec<usize>,
}

impl Values {
    /// All values with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.with_bit.iter().enumerate().chain((BITS..).zip(&self.rare))
    }

    /// The values of all dimensions but tags and schools, which would be a hundred times as many.
    pub(crate) fn of_few(&self) -> impl Iterator<Item = (usize, &Value)> {
        let surplus = self.surplus.iter().map(|number| (*number, &self.rare[*number - BITS]));
        self.with_bit.iter().enumerate().chain(surplus)
    }

    /// The values that have a bit in the order of their numbers.
    pub(crate) fn with_bit(&self) -> &[Value] {
        &self.with_bit
    }

    /// The rare values in the order of their numbers, from [`BITS`] on.
    pub(crate) fn rare(&self) -> &[Value] {
        &self.rare
    }

    pub(crate) fn get(&self, number: usize) -> Option<&Value> {
        match number.checked_sub(BITS) {
            None => self.with_bit.get(number),
            Some(rare) => self.rare.get(rare),
        }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.with_bit.len() + self.rare.len()
    }

    /// The length of a list that has a place for every number.
    pub(crate) fn numbers(&self) -> usize {
        BITS + self.rare.len()
    }

    /// Gives a value a number.
    fn push(&mut self, value: Value) -> u32 {
        let facet = value.0;
        let has_many = matches!(facet, Facet::Tag | Facet::School);
        let of_dimension = || self.with_bit.iter().filter(|one| one.0 == facet).count();
        let number =
            if !has_many && self.with_bit.len() < BITS && of_dimension() < MAX_BITS_OF_DIMENSION {
                self.with_bit.push(value);
                self.with_bit.len() - 1
            } else {
                let number = BITS + self.rare.len();
                self.rare.push(value);
                if !has_many {
                    self.surplus.push(number);
                }
                number
            };
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

/// Sets the bit of a value.
pub(crate) fn set_bit(mask: &mut Mask, number: usize) {
    if let Some(word) = mask.get_mut(number / 64) {
        *word |= 1 << (number % 64);
    }
}

/// Whether the bit of a value is set.
pub(crate) fn has_bit(mask: &Mask, number: usize) -> bool {
    mask.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
}

/// Whether two masks have a value in common.
pub(crate) fn overlap(one: &Mask, other: &Mask) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

/// One committed state of the index, with the values of its documents.
pub(crate) struct View {
    pub(crate) searcher: Searcher,
    pub(crate) texts: Texts,
    pub(crate) values: Arc<Values>,
    /// By number, the place of a value among those of its dimension in the order of the alphabet.
    pub(crate) places: Arc<Vec<u32>>,
    /// For each segment of the searcher.
    pub(crate) segments: Vec<Arc<SegmentValues>>,
}

/// What is read of every match.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct DocumentValues {
    /// The values that have a bit.
    pub(crate) mask: Mask,
    /// What is known of how well something works that it is on.
    pub(crate) evidence: DocumentEvidence,
    rare: [u32; RARE_BESIDE],
    /// Where the rest of its rare values is, from 1 on; 0 where there is none.
    more: u32,
}

/// The values of a segment's documents, and the evidence on them.
#[derive(Debug, Default)]
pub(crate) struct SegmentValues {
    documents: Vec<DocumentValues>,
    more: Vec<Box<[u32]>>,
    /// How many different values there are.
    distinct: usize,
}

impl SegmentValues {
    pub(crate) fn of(&self, doc: DocId) -> &DocumentValues {
        &self.documents[doc as usize]
    }

    /// Reads a little of each of these, one behind the other without waiting, so that what follows
    /// finds them in the processor's caches.
    pub(crate) fn fetch(&self, docs: impl Iterator<Item = DocId>) {
        std::hint::black_box(docs.fold(0, |sum, doc| sum ^ self.of(doc).more));
    }

    /// The numbers of the values of a document that have no bit.
    pub(crate) fn rare(&self, values: &DocumentValues) -> impl Iterator<Item = usize> {
        let beside = values.rare.into_iter().filter(|number| *number != NO_VALUE);
        beside.chain(self.more(values).iter().copied()).map(|number| number as usize)
    }

    /// Adds one to the count of each value of a document that has no bit. The first counts, which are
    /// those of values with a bit, mean nothing afterwards.
    pub(crate) fn count_rare(&self, values: &DocumentValues, counts: &mut [u32]) {
        // To count a value that is none takes less time than to look where they end.
        for number in values.rare {
            counts[number as usize] += 1;
        }
        for number in self.more(values) {
            counts[*number as usize] += 1;
        }
    }

    fn more(&self, values: &DocumentValues) -> &[u32] {
        match values.more {
            0 => &[],
            more => &self.more[more as usize - 1],
        }
    }
}

/// Gives every value its number, and remembers the segments that were read.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    numbers: BTreeMap<Facet, BTreeMap<Arc<str>, u32>>,
    values: Arc<Values>,
    places: Arc<Vec<u32>>,
    /// How many values have their place.
    placed: usize,
    /// By the name of the segment.
    segments: BTreeMap<String, Arc<SegmentValues>>,
}

impl Numbering {
    /// The state that `searcher` sees. Only segments that were not there before are read.
    pub(crate) fn view(&mut self, searcher: Searcher, fields: &Fields) -> tantivy::Result<View> {
        let mut segments = self.read_all(&searcher)?;
        let in_use: usize = segments.iter().map(|segment| segment.distinct).sum();
        if self.values.len() > in_use + UNUSED_VALUES {
            *self = Self::default();
            segments = self.read_all(&searcher)?;
        }
        if self.placed != self.values.len() {
            self.places = Arc::new(self.places());
            self.placed = self.values.len();
        }
        let (values, places) = (Arc::clone(&self.values), Arc::clone(&self.places));
        let texts = Texts::of(&searcher, fields)?;
        Ok(View { searcher, texts, values, places, segments })
    }

    fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.values.numbers()];
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
        let evidence = EvidenceColumns::of(reader)?;
        let mut segment = SegmentValues {
            documents: Vec::with_capacity(reader.max_doc() as usize),
            more: Vec::new(),
            distinct: columns.iter().map(|(_, numbers)| numbers.len()).sum(),
        };
        let mut rare: Vec<u32> = Vec::new();
        for doc in 0..reader.max_doc() {
            let mut values = DocumentValues {
                mask: Mask::default(),
                evidence: evidence.of_document(doc),
                rare: [NO_VALUE; RARE_BESIDE],
                more: 0,
            };
            rare.clear();
            for (column, numbers) in &columns {
                let ordinals = column.ords().values_for_doc(doc);
                let numbers =
                    ordinals.filter_map(|ordinal| numbers.get(usize::try_from(ordinal).ok()?));
                for number in numbers {
                    if (*number as usize) < BITS {
                        set_bit(&mut values.mask, *number as usize);
                    } else {
                        rare.push(*number);
                    }
                }
            }
            let (beside, more) = rare.split_at(rare.len().min(RARE_BESIDE));
            values.rare[..beside.len()].copy_from_slice(beside);
            if !more.is_empty() {
                segment.more.push(more.into());
                values.more = u32::try_from(segment.more.len()).unwrap_or(0);
            }
            segment.documents.push(values);
        }
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
                    let number = Arc::make_mut(&mut self.values).push((facet, Arc::clone(&value)));
                    known.insert(value, number);
                    number
                }
            };
            numbers.push(number);
        })?;
        Ok(numbers)
    }
}

//! A group's content set: what it holds in the order of reconciliation, with fingerprints and a
//! sketch that are kept true as entries come and go, so that nothing is built for a comparison.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::sketch::{ShortId, Sketch};
use crate::clock::Timestamp;
use crate::hash::Hash;

/// Items of one block at most; an item has 40 bytes.
const BLOCK_ITEMS: usize = 512;

/// Bytes of an item: its clock, the greatest digit first, and its hash.
const ITEM_BYTES: usize = 8 + Hash::LENGTH;

/// The most bytes of a [`Bound`]: an item, and one byte more for what follows it.
const BOUND_BYTES: usize = ITEM_BYTES + 1;

/// An entry's place in the order: sorted by its bytes it is sorted by clock, then by hash.
type Item = [u8; ITEM_BYTES];

fn item(clock: Timestamp, hash: &Hash) -> Item {
    let mut item = [0; ITEM_BYTES];
    item[..8].copy_from_slice(&clock.as_u64().to_be_bytes());
    item[8..].copy_from_slice(hash.as_bytes());
    item
}

fn hash_of(item: &Item) -> Hash {
    Hash::from_bytes(item.last_chunk().copied().unwrap_or_default())
}

fn clock_of(item: &Item) -> Timestamp {
    Timestamp::from_u64(u64::from_be_bytes(item.first_chunk().copied().unwrap_or_default()))
}

/// The start of a hash, by which a comparison names it.
pub fn short_id(hash: &Hash) -> ShortId {
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A place in the order of all entries, before which some stand: the start of an item's bytes. The
/// empty one stands before all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Bound(ByteBuf);

impl Bound {
    /// The place before everything.
    pub fn start() -> Self {
        Self(ByteBuf::new())
    }

    /// The place right after an entry.
    pub fn after(clock: Timestamp, hash: &Hash) -> Self {
        let mut bytes = item(clock, hash).to_vec();
        bytes.push(0);
        Self(ByteBuf::from(bytes))
    }

    /// The shortest one between two neighbours.
    fn between(before: &Item, after: &Item) -> Self {
        let shared = before.iter().zip(after).take_while(|(one, other)| one == other).count();
        Self(ByteBuf::from(after[..=shared.min(ITEM_BYTES - 1)].to_vec()))
    }

    /// Whether it is no longer than one can be.
    pub fn is_valid(&self) -> bool {
        self.0.len() <= BOUND_BYTES
    }

    fn is_after(&self, item: &Item) -> bool {
        item.as_slice().cmp(self.0.as_slice()) == Ordering::Less
    }
}

/// A part of the order: from one place up to another, or to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Where it starts.
    pub from: Bound,
    /// Where it ends; none for the end of everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Bound>,
}

impl Range {
    /// Everything.
    pub fn whole() -> Self {
        Self { from: Bound::start(), to: None }
    }

    /// Whether its bounds can be, and are in order.
    pub fn is_valid(&self) -> bool {
        self.from.is_valid() && self.to.as_ref().is_none_or(|to| to.is_valid() && self.from <= *to)
    }

    /// Whether an item stands before its end.
    fn ends_after(&self, item: &Item) -> bool {
        self.to.as_ref().is_none_or(|to| to.is_after(item))
    }
}

/// The 256-bit sum of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum([u64; 4]);

impl Sum {
    fn of(item: &Item) -> Self {
        let (words, _) = item[8..].as_chunks::<8>();
        let mut sum = [0; 4];
        for (place, word) in sum.iter_mut().zip(words) {
            *place = u64::from_be_bytes(*word);
        }
        Self(sum)
    }

    fn add(&mut self, other: Self) {
        let mut carry = false;
        for (one, other) in self.0.iter_mut().zip(other.0).rev() {
            let (sum, over) = one.overflowing_add(other);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            (*one, carry) = (sum, over || over_again);
        }
    }

    fn subtract(&mut self, other: Self) {
        let mut borrow = false;
        for (one, other) in self.0.iter_mut().zip(other.0).rev() {
            let (rest, under) = one.overflowing_sub(other);
            let (rest, under_again) = rest.overflowing_sub(u64::from(borrow));
            (*one, borrow) = (rest, under || under_again);
        }
    }
}

/// Stands for the entries of a range: equal ranges have equal ones.
pub type Fingerprint = ByteArray<16>;

/// How many entries, and what stands for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Held {
    count: u64,
    sum: Sum,
}

impl Held {
    fn hash(&self) -> Hash {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.count.to_be_bytes());
        for (place, word) in bytes[8..].chunks_exact_mut(8).zip(self.sum.0) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        Hash::of(&bytes)
    }

    fn fingerprint(&self) -> Fingerprint {
        ByteArray::new(self.hash().as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

/// A part of a range, as it is told to another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it ends, and the next part starts; none for the end of the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Bound>,
    /// How many entries it has.
    pub count: u64,
    /// Stands for them.
    pub fingerprint: Fingerprint,
}

#[derive(Debug, Clone, Default)]
struct Block {
    items: Vec<Item>,
    sum: Sum,
}

/// The (clock, hash) of every entry of a group's content set.
///
/// Sorted blocks with a sum each: a range's fingerprint adds up the sums of whole blocks and the
/// items at both ends. The sum is what the `negentropy` protocol uses, after Meyer, *Range-Based Set
/// Reconciliation* (2023): somebody with patience can make two sets that have the same one, which
/// [`ordered_hash`](Self::ordered_hash) tells apart.
#[derive(Debug, Clone, Default)]
pub struct ContentSet {
    blocks: Vec<Block>,
    held: Held,
    sketch: Sketch,
}

impl ContentSet {
    /// Builds the set.
    pub fn new(items: impl IntoIterator<Item = (Timestamp, Hash)>) -> Self {
        let mut set = Self::default();
        for (clock, hash) in items {
            set.insert(clock, &hash);
        }
        set
    }

    /// Adds an entry; false if it was there.
    pub fn insert(&mut self, clock: Timestamp, hash: &Hash) -> bool {
        let new = item(clock, hash);
        let number = self.block_of(&new);
        if self.blocks.is_empty() {
            self.blocks.push(Block::default());
        }
        let last = number + 1 == self.blocks.len();
        let block = &mut self.blocks[number];
        let Err(place) = block.items.binary_search(&new) else { return false };
        if block.items.len() < BLOCK_ITEMS {
            block.items.insert(place, new);
            block.sum.add(Sum::of(&new));
        } else if last && place == BLOCK_ITEMS {
            // What is new comes last as a rule: full blocks stay full.
            self.blocks.push(Block { items: vec![new], sum: Sum::of(&new) });
        } else {
            let items = block.items.split_off(BLOCK_ITEMS / 2);
            let mut upper = Block { sum: Sum::default(), items };
            upper.items.iter().for_each(|item| upper.sum.add(Sum::of(item)));
            block.sum.subtract(upper.sum);
            let half = if place <= BLOCK_ITEMS / 2 { block } else { &mut upper };
            if let Err(place) = half.items.binary_search(&new) {
                half.items.insert(place, new);
                half.sum.add(Sum::of(&new));
            }
            self.blocks.insert(number + 1, upper);
        }
        self.held.count += 1;
        self.held.sum.add(Sum::of(&new));
        self.sketch.insert(short_id(hash));
        true
    }

    /// Takes an entry out; false if it was not there.
    pub fn remove(&mut self, clock: Timestamp, hash: &Hash) -> bool {
        let old = item(clock, hash);
        let number = self.block_of(&old);
        let Some(block) = self.blocks.get_mut(number) else { return false };
        let Ok(place) = block.items.binary_search(&old) else { return false };
        block.items.remove(place);
        block.sum.subtract(Sum::of(&old));
        if block.items.is_empty() {
            self.blocks.remove(number);
        }
        self.held.count -= 1;
        self.held.sum.subtract(Sum::of(&old));
        self.sketch.remove(short_id(hash));
        true
    }

    /// Whether an entry is in it.
    pub fn contains(&self, clock: Timestamp, hash: &Hash) -> bool {
        let item = item(clock, hash);
        let block = self.blocks.get(self.block_of(&item));
        block.is_some_and(|block| block.items.binary_search(&item).is_ok())
    }

    /// The block that has an item, or would.
    fn block_of(&self, item: &Item) -> usize {
        let after = self.blocks.partition_point(|block| block.items.first() <= Some(item));
        after.saturating_sub(1)
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        usize::try_from(self.held.count).unwrap_or(usize::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.count == 0
    }

    /// Stands for the whole set: equal for equal sets. Two sets that differ can be made to have the
    /// same one, with patience.
    pub fn digest(&self) -> Hash {
        self.held.hash()
    }

    /// The BLAKE3 hash over the hashes of all entries in their order, which nobody can make equal for
    /// sets that differ. Reads the whole set.
    pub fn ordered_hash(&self) -> Hash {
        self.ordered_hash_of(&Range::whole())
    }

    /// The same of a range, all of which it reads.
    pub fn ordered_hash_of(&self, range: &Range) -> Hash {
        // BLAKE3 works off many beside each other.
        const MANY_BYTES: usize = BLOCK_ITEMS * Hash::LENGTH;
        let mut hasher = blake3::Hasher::new();
        let mut hashes = Vec::with_capacity(MANY_BYTES);
        for item in self.items(range) {
            hashes.extend_from_slice(&item[8..]);
            if hashes.len() >= MANY_BYTES {
                hasher.update(&hashes);
                hashes.clear();
            }
        }
        hasher.update(&hashes);
        Hash::from_bytes(*hasher.finalize().as_bytes())
    }

    /// The sketch of the whole set.
    pub fn sketch(&self) -> &Sketch {
        &self.sketch
    }

    /// The entries of a range, in order.
    pub fn range<'a>(&'a self, range: &'a Range) -> impl Iterator<Item = (Timestamp, Hash)> + 'a {
        self.items(range).map(|item| (clock_of(item), hash_of(item)))
    }

    fn items<'a>(&'a self, range: &'a Range) -> impl Iterator<Item = &'a Item> {
        self.blocks_from(&range.from)
            .iter()
            .flat_map(|block| &block.items)
            .skip_while(|item| range.from.is_after(item))
            .take_while(|item| range.ends_after(item))
    }

    /// The blocks with items behind a place.
    fn blocks_from(&self, from: &Bound) -> &[Block] {
        let before = |block: &Block| block.items.last().is_some_and(|last| from.is_after(last));
        &self.blocks[self.blocks.partition_point(before)..]
    }

    /// How many entries a range has, and what stands for them.
    pub fn fingerprint(&self, range: &Range) -> (u64, Fingerprint) {
        let held = self.held(range);
        (held.count, held.fingerprint())
    }

    fn held(&self, range: &Range) -> Held {
        let mut held = Held::default();
        for block in self.blocks_from(&range.from) {
            let (Some(lowest), Some(highest)) = (block.items.first(), block.items.last()) else {
                continue;
            };
            if !range.ends_after(lowest) {
                break;
            }
            if !range.from.is_after(lowest) && range.ends_after(highest) {
                held.count += block.items.len() as u64;
                held.sum.add(block.sum);
                continue;
            }
            let from = block.items.partition_point(|item| range.from.is_after(item));
            let to = block.items.partition_point(|item| range.ends_after(item));
            for item in block.items.get(from..to).unwrap_or_default() {
                held.count += 1;
                held.sum.add(Sum::of(item));
            }
        }
        held
    }

    /// A range in parts of nearly equal counts, each with what stands for it.
    pub fn split(&self, range: &Range, parts: u64) -> Vec<Part> {
        let before = self.held(&Range { from: Bound::start(), to: Some(range.from.clone()) }).count;
        let count = self.held(range).count;
        let parts = parts.clamp(1, count.max(1));
        let bound = |number: u64| {
            let rank = before + number * count / parts;
            Some(Bound::between(self.at(rank.checked_sub(1)?)?, self.at(rank)?))
        };
        let ends = (1..parts).filter_map(bound).map(Some).chain([range.to.clone()]);
        let mut from = range.from.clone();
        ends.map(|to| {
            let part = Range { from: from.clone(), to: to.clone() };
            let (count, fingerprint) = self.fingerprint(&part);
            from = to.clone().unwrap_or_default();
            Part { to, count, fingerprint }
        })
        .collect()
    }

    /// The item with this many before it.
    fn at(&self, rank: u64) -> Option<&Item> {
        let mut rank = usize::try_from(rank).ok()?;
        for block in &self.blocks {
            match block.items.get(rank) {
                Some(item) => return Some(item),
                None => rank -= block.items.len(),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    type Model = BTreeSet<(Timestamp, Hash)>;

    fn entry(number: u32) -> (Timestamp, Hash) {
        let hash = Hash::of(&number.to_be_bytes());
        // Many at the same moment, so that hashes decide too.
        (Timestamp::from_millis(u64::from(number / 7)), hash)
    }

    fn held(set: &ContentSet) -> Model {
        set.range(&Range::whole()).collect()
    }

    #[test]
    fn equal_sets_are_equal_in_all_respects_however_they_came_about() {
        let straight = ContentSet::new((0..5_000).map(entry));
        let mut other = ContentSet::new((0..6_000).rev().map(entry));
        for number in 5_000..6_000 {
            let (clock, hash) = entry(number);
            assert!(other.remove(clock, &hash) && !other.remove(clock, &hash));
        }
        assert!(!other.insert(entry(17).0, &entry(17).1));
        assert_eq!(other.len(), 5_000);
        assert_eq!(straight.digest(), other.digest());
        assert_eq!(straight.ordered_hash(), other.ordered_hash());
        assert_eq!(straight.sketch().symbols(64), other.sketch().symbols(64));
        assert_eq!(straight.split(&Range::whole(), 16), other.split(&Range::whole(), 16));
        assert_ne!(straight.digest(), ContentSet::new((1..5_001).map(entry)).digest());
    }

    #[test]
    fn a_split_covers_its_range_in_parts_of_like_size() {
        let set = ContentSet::new((0..10_000).map(entry));
        let mut range = Range::whole();
        let mut total = 0;
        let parts = set.split(&range, 16);
        assert_eq!(parts.len(), 16);
        for part in &parts {
            assert_eq!(part.count, 625);
            range.to.clone_from(&part.to);
            assert_eq!(set.fingerprint(&range), (part.count, part.fingerprint));
            assert_eq!(set.range(&range).count(), 625);
            let within = set.split(&range, 5);
            assert_eq!(within.iter().map(|part| part.count).sum::<u64>(), 625);
            assert!(part.to.as_ref().is_none_or(|to| to.0.len() < 14), "{:?}", part.to);
            total += part.count;
            range.from = part.to.clone().unwrap_or_default();
        }
        assert_eq!(total, 10_000);
        assert_eq!(ContentSet::default().split(&Range::whole(), 16).len(), 1);
    }

    proptest! {
        #[test]
        fn a_set_does_as_a_sorted_list_does(
            steps in proptest::collection::vec((any::<bool>(), 0_u32..3_000), 0..2_000),
            bounds in proptest::collection::vec(0_u32..3_000, 2),
        ) {
            let (mut set, mut model) = (ContentSet::default(), Model::new());
            for (adds, number) in steps {
                let (clock, hash) = entry(number);
                if adds {
                    prop_assert_eq!(set.contains(clock, &hash), model.contains(&(clock, hash)));
                    prop_assert_eq!(set.insert(clock, &hash), model.insert((clock, hash)));
                } else {
                    prop_assert_eq!(set.remove(clock, &hash), model.remove(&(clock, hash)));
                }
            }
            prop_assert_eq!(held(&set), model.clone());
            let fresh = ContentSet::new(model.iter().copied());
            prop_assert_eq!(set.digest(), fresh.digest());
            let (from, to) = (entry(bounds[0]).min(entry(bounds[1])), entry(bounds[0]).max(entry(bounds[1])));
            let range = Range {
                from: Bound::after(from.0, &from.1),
                to: Some(Bound::after(to.0, &to.1)),
            };
            let within: Model =
                model.into_iter().filter(|one| *one > from && *one <= to).collect();
            prop_assert_eq!(set.range(&range).collect::<Model>(), within.clone());
            let alone = ContentSet::new(within).fingerprint(&Range::whole());
            prop_assert_eq!(set.fingerprint(&range), alone);
        }
    }
}

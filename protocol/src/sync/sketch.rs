//! A sketch of a set, from which two nodes find what differs at a cost that follows the difference,
//! wherever in time it lies.
//!
//! After Yang, Gilad and Alizadeh, *Practical Rateless Set Reconciliation* (SIGCOMM 2024). Each item is
//! in the first symbol, and in the symbol with number `i` with a probability of `1 / (1 + i / 2)`; a
//! symbol adds up the items in it. The difference of two sketches is a sketch of the difference. A
//! symbol that holds one item gives it away, which is then taken out of the others, and so on. `d`
//! differences need about 1.4 to 1.7 `d` symbols.

/// Symbols of a whole sketch: enough for some 2,500 differences.
pub const SKETCH_SYMBOLS: usize = 4_096;

/// Bytes of one symbol on the wire.
pub const SYMBOL_BYTES: usize = 14;

/// An item's name in a sketch: the start of its hash. Of 1.2 million random ones, two are the same
/// once in some 25 million times. Two that somebody made on purpose hide from a sketch where each side
/// holds one of them: sets that differ without a difference are compared by their ordered hashes.
pub type ShortId = [u8; 8];

/// The sum of the items in a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Symbol {
    ids: u64,
    checks: u32,
    /// How many items, less those taken out; wraps, since only differences count.
    count: u16,
}

impl Symbol {
    fn flip(&mut self, id: u64, times: u16) {
        self.ids ^= id;
        self.checks ^= check(id);
        self.count = self.count.wrapping_add(times);
    }

    /// The one item in it, if it is one.
    fn single(&self) -> Option<u64> {
        let one = self.count == 1 || self.count == u16::MAX;
        (one && self.checks == check(self.ids)).then_some(self.ids)
    }
}

/// Scatters the bits of a number (Steele, Lea and Flood's SplitMix64, 2014).
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn check(id: u64) -> u32 {
    (scatter(!id) >> 32) as u32
}

/// The numbers of the symbols that an item is in.
struct Places {
    state: u64,
    next: usize,
}

impl Places {
    fn of(id: u64) -> Self {
        Self { state: id, next: 0 }
    }
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.next >= SKETCH_SYMBOLS {
            return None;
        }
        let place = self.next;
        self.state = scatter(self.state);
        // The distance to the next one, from a uniform number above 0 and up to 1 (section 4.2 of the
        // paper). Division and square root are exact to the last bit everywhere.
        let uniform = ((self.state >> 32) + 1) as f64 / 4_294_967_296.0;
        let distance = ((place as f64 + 1.5) * (1.0 / uniform.sqrt() - 1.0)).ceil().max(1.0);
        self.next = if distance < SKETCH_SYMBOLS as f64 {
            place + distance as usize
        } else {
            SKETCH_SYMBOLS
        };
        Some(place)
    }
}

/// The sketch of a set, kept true as items come and go.
#[derive(Debug, Clone)]
pub struct Sketch {
    symbols: Vec<Symbol>,
}

/// What differs between two sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Items of the other set alone.
    pub theirs: Vec<ShortId>,
    /// Items of the own set alone.
    pub ours: Vec<ShortId>,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { symbols: vec![Symbol::default(); SKETCH_SYMBOLS] }
    }
}

impl Sketch {
    /// Adds an item.
    pub fn insert(&mut self, id: ShortId) {
        self.flip(u64::from_be_bytes(id), 1);
    }

    /// Takes an item out.
    pub fn remove(&mut self, id: ShortId) {
        self.flip(u64::from_be_bytes(id), u16::MAX);
    }

    fn flip(&mut self, id: u64, times: u16) {
        for place in Places::of(id) {
            self.symbols[place].flip(id, times);
        }
    }

    /// The first symbols, as they are sent; all of them where there are fewer.
    pub fn symbols(&self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count.min(SKETCH_SYMBOLS) * SYMBOL_BYTES);
        for symbol in self.symbols.iter().take(count) {
            bytes.extend(symbol.ids.to_be_bytes());
            bytes.extend(symbol.checks.to_be_bytes());
            bytes.extend(symbol.count.to_be_bytes());
        }
        bytes
    }

    /// What differs between this set and the one whose first symbols these are; none where they are
    /// too few for all that does, or make no sense.
    pub fn difference(&self, theirs: &[u8]) -> Option<Difference> {
        let (theirs, rest) = theirs.as_chunks::<SYMBOL_BYTES>();
        if !rest.is_empty() || theirs.len() > SKETCH_SYMBOLS {
            return None;
        }
        let read = |(bytes, ours): (&[u8; SYMBOL_BYTES], &Symbol)| {
            let (ids, rest) = bytes.split_first_chunk()?;
            let (checks, count) = rest.split_first_chunk()?;
            Some(Symbol {
                ids: u64::from_be_bytes(*ids) ^ ours.ids,
                checks: u32::from_be_bytes(*checks) ^ ours.checks,
                count: u16::from_be_bytes(count.try_into().ok()?).wrapping_sub(ours.count),
            })
        };
        let symbols = theirs.iter().zip(&self.symbols).map(read);
        peel(symbols.collect::<Option<Vec<_>>>()?)
    }
}

/// Takes single items out of the symbols until none is left.
fn peel(mut symbols: Vec<Symbol>) -> Option<Difference> {
    let mut difference = Difference::default();
    let mut singles: Vec<usize> = (0..symbols.len()).collect();
    while let Some(place) = singles.pop() {
        let Some(id) = symbols[place].single() else { continue };
        let times = symbols[place].count;
        let side = if times == 1 { &mut difference.theirs } else { &mut difference.ours };
        side.push(id.to_be_bytes());
        // Symbols that somebody made up could give items for ever.
        if difference.theirs.len() + difference.ours.len() > symbols.len() {
            return None;
        }
        let known = symbols.len();
        for place in Places::of(id).take_while(|place| *place < known) {
            symbols[place].flip(id, times.wrapping_neg());
            singles.push(place);
        }
    }
    symbols.iter().all(|symbol| *symbol == Symbol::default()).then_some(difference)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u64) -> ShortId {
        scatter(number ^ 0x5eed).to_be_bytes()
    }

    fn sketch(numbers: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        numbers.into_iter().for_each(|number| sketch.insert(id(number)));
        sketch
    }

    #[test]
    fn some_hundred_differences_are_found_with_a_fair_number_of_symbols() {
        for differences in [1_u64, 10, 100, 1_000] {
            let symbols = usize::try_from(differences).unwrap() * 17 / 10 + 20;
            let mut found = 0;
            for trial in 0..20 {
                let start = trial * 100_000;
                let ours = sketch(start..start + 5_000);
                let theirs =
                    sketch(start + differences / 2..start + 5_000 + differences.div_ceil(2));
                let difference = ours.difference(&theirs.symbols(symbols));
                found += usize::from(difference.is_some_and(|difference| {
                    let count = difference.theirs.len() + difference.ours.len();
                    count == usize::try_from(differences).unwrap()
                }));
            }
            assert!(found >= 18, "{differences} differences were found {found} times of 20");
        }
    }

    #[test]
    fn too_few_symbols_and_made_up_ones_give_nothing() {
        let (ours, theirs) = (sketch(0..1_000), sketch(500..1_500));
        assert_eq!(ours.difference(&theirs.symbols(200)), None);
        assert_eq!(ours.difference(&[7; 13]), None);
        let endless = vec![0xff; SYMBOL_BYTES * SKETCH_SYMBOLS];
        assert_eq!(ours.difference(&endless), None);
        assert_eq!(ours.difference(&vec![0; SYMBOL_BYTES * (SKETCH_SYMBOLS + 1)]), None);
        assert_eq!(ours.difference(&ours.symbols(1)), Some(Difference::default()));
    }

    proptest! {
        #[test]
        fn a_difference_is_what_it_says(
            ours in proptest::collection::btree_set(0_u64..400, 0..300),
            theirs in proptest::collection::btree_set(0_u64..400, 0..300),
            gone in proptest::collection::btree_set(400_u64..500, 0..20),
        ) {
            let mut changed = sketch(theirs.iter().copied().chain(gone.iter().copied()));
            gone.iter().for_each(|number| changed.remove(id(*number)));
            let difference = sketch(ours.iter().copied()).difference(&changed.symbols(1_000));
            let only = |one: &BTreeSet<u64>, other: &BTreeSet<u64>| {
                one.difference(other).map(|number| id(*number)).collect::<BTreeSet<_>>()
            };
            let difference = difference.unwrap();
            prop_assert_eq!(difference.theirs.into_iter().collect::<BTreeSet<_>>(), only(&theirs, &ours));
            prop_assert_eq!(difference.ours.into_iter().collect::<BTreeSet<_>>(), only(&ours, &theirs));
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            drop(sketch(0..50).difference(&bytes));
        }
    }
}

//! A map of many small keys that takes little memory.

use std::collections::BTreeMap;

/// Changes that are kept beside the array at least.
const LEAST_RECENT: usize = 4_096;

/// The array is this many times as long as what is kept beside it.
const ARRAY_TO_RECENT: usize = 64;

/// A sorted array, and beside it what changed since it was sorted: a value, or none for what is gone.
///
/// A tree that is filled in no order leaves a third of its nodes empty. Here an entry takes what its key
/// and value take, and one more in sixty-four; adding one moves sixty-four others, on average.
#[derive(Debug, Clone)]
pub(super) struct Shelf<K, V> {
    array: Vec<(K, V)>,
    recent: BTreeMap<K, Option<V>>,
}

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { array: Vec::new(), recent: BTreeMap::new() }
    }
}

impl<K: Ord + Copy, V: Copy> Shelf<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        match self.recent.get(key) {
            Some(value) => *value,
            None => self.place(key).ok().map(|place| self.array[place].1),
        }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.change(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.change(*key, None);
    }

    /// What is between two keys, both included, in order.
    pub(super) fn range(&self, first: K, last: K) -> impl Iterator<Item = (K, V)> + use<'_, K, V> {
        let from = self.array.partition_point(|(key, _)| *key < first);
        let to = self.array.partition_point(|(key, _)| *key <= last);
        let mut array = self.array.get(from..to).unwrap_or_default().iter().copied().peekable();
        // An empty range, where the first is behind the last, would panic.
        let recent = (first <= last).then(|| self.recent.range(first..=last));
        let mut recent = recent.into_iter().flatten().peekable();
        std::iter::from_fn(move || {
            loop {
                let (Some((key, value)), old) = (recent.peek().copied(), array.peek().copied())
                else {
                    return array.next();
                };
                match old {
                    Some((before, _)) if before < *key => return array.next(),
                    Some((same, _)) if same == *key => drop(array.next()),
                    Some(_) | None => {}
                }
                recent.next();
                if let Some(value) = value {
                    return Some((*key, *value));
                }
            }
        })
    }

    fn place(&self, key: &K) -> Result<usize, usize> {
        self.array.binary_search_by(|(other, _)| other.cmp(key))
    }

    fn change(&mut self, key: K, value: Option<V>) {
        self.recent.insert(key, value);
        if self.recent.len() > LEAST_RECENT.max(self.array.len() / ARRAY_TO_RECENT) {
            self.sort_in();
        }
    }

    /// Takes what changed into the array, where it stands: a copy would take as much memory again.
    fn sort_in(&mut self) {
        let (mut added, mut gone) = (Vec::new(), false);
        for (key, value) in std::mem::take(&mut self.recent) {
            match (self.place(&key), value) {
                (Ok(place), Some(value)) => self.array[place].1 = value,
                (Ok(_), None) => {
                    gone = true;
                    self.recent.insert(key, None);
                }
                (Err(_), Some(value)) => added.push((key, value)),
                (Err(_), None) => {}
            }
        }
        if gone {
            let recent = std::mem::take(&mut self.recent);
            self.array.retain(|(key, _)| !recent.contains_key(key));
        }
        // From the end on, each moves once.
        let (mut old, mut end) = (self.array.len(), self.array.len() + added.len());
        self.array.reserve_exact(added.len());
        self.array.extend_from_slice(&added);
        while let Some(last) = added.last().copied() {
            end -= 1;
            if old > 0 && self.array[old - 1].0 > last.0 {
                old -= 1;
                self.array[end] = self.array[old];
            } else {
                self.array[end] = last;
                added.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shelf_holds_what_a_tree_holds(
            lots in prop::collection::vec(
                (prop::collection::vec((0_u16..300, prop::option::of(0_u8..9)), 1..120), any::<bool>()),
                1..12,
            ),
            (first, last) in (0_u16..300, 0_u16..300),
        ) {
            let (mut shelf, mut tree) = (Shelf::default(), BTreeMap::new());
            for (changes, sorts_in) in lots {
                for (key, value) in changes {
                    match value {
                        Some(value) => {
                            shelf.insert(key, value);
                            tree.insert(key, value);
                        }
                        None => {
                            shelf.remove(&key);
                            tree.remove(&key);
                        }
                    }
                }
                if sorts_in {
                    shelf.sort_in();
                    prop_assert!(shelf.recent.is_empty());
                    prop_assert_eq!(shelf.array.len(), tree.len());
                }
                prop_assert!((0..300).all(|key| shelf.get(&key) == tree.get(&key).copied()));
                let all: Vec<(u16, u8)> = tree.iter().map(|(key, value)| (*key, *value)).collect();
                prop_assert_eq!(shelf.range(0, u16::MAX).collect::<Vec<_>>(), all.clone());
                let some = all.into_iter().filter(|(key, _)| (first..=last).contains(key));
                prop_assert_eq!(shelf.range(first, last).collect::<Vec<_>>(), some.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn many_are_sorted_in_as_they_come() {
        let mut shelf = Shelf::default();
        for number in 0_u32..20_000 {
            shelf.insert(number.wrapping_mul(2_654_435_761), number);
        }
        assert!(shelf.recent.len() <= LEAST_RECENT);
        assert!(shelf.array.is_sorted_by(|(one, _), (other, _)| one < other));
        assert_eq!(shelf.get(&2_654_435_761), Some(1));
        assert_eq!(shelf.range(0, u32::MAX).count(), 20_000);
    }
}

//! Tells whether all rows of entries are there, and no others, without a second row for each.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use super::rows;

/// How many rows of entries there are, and the exclusive or of their hashes: equal for the same rows in
/// any order. It is kept with the state of the store. The bytes of an entry are left out: the hash in its
/// row stands for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowSum {
    pub(super) count: u64,
    hashes: ByteArray<32>,
}

impl RowSum {
    /// Adds a row, if it is one of an entry.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        if self.flip(key, value) {
            self.count += 1;
        }
    }

    /// Takes a row out that was added.
    pub(super) fn remove(&mut self, key: &[u8], value: &[u8]) {
        if self.flip(key, value) {
            self.count = self.count.saturating_sub(1);
        }
    }

    fn flip(&mut self, key: &[u8], value: &[u8]) -> bool {
        let summed = match key.first() {
            Some(&rows::ENTRY) => value.get(..rows::HEAD_BYTES).unwrap_or(value),
            Some(&(rows::TOUCHED | rows::DROPPED)) => value,
            Some(_) | None => return false,
        };
        let length = (key.len() as u64).to_le_bytes();
        let hash = blake3::Hasher::new().update(&length).update(key).update(summed).finalize();
        self.hashes.iter_mut().zip(hash.as_bytes()).for_each(|(sum, byte)| *sum ^= byte);
        true
    }
}

//! Comparing by ordered hashes, which nobody can make equal for sets that differ.

use std::collections::BTreeSet;

use super::{Session, SessionError, part_of};
use crate::hash::Hash;
use crate::sync::message::{Ordered, OrderedPart};
use crate::sync::set::{ContentSet, Range, short_id};

impl Session {
    /// Each round looks at a sixteenth of what differs, and at so many places at once; whoever made
    /// more entries with hashes that begin alike is found the next time.
    pub(super) const MAX_ORDERED_ROUNDS: usize = 64;

    /// Takes the peer's ordered hashes of the ranges that were asked for.
    pub(super) fn ordered(
        &mut self,
        asked: &[Range],
        digest: &Hash,
        ordered: Vec<Ordered>,
        set: &ContentSet,
    ) -> Result<(), SessionError> {
        let first = self.ordered_rounds == 0;
        self.ordered_rounds += 1;
        if self.ordered_rounds > Self::MAX_ORDERED_ROUNDS {
            return Err(SessionError::Endless(Self::MAX_ORDERED_ROUNDS));
        }
        if ordered.len() != asked.len() {
            return Err(SessionError::Unexpected);
        }
        // Where a set has changed since they were found to be the same, it is no wonder.
        if first && self.found.same && *digest != set.digest() {
            self.go_on();
            return Ok(());
        }
        let mut same = true;
        for (range, ordered) in asked.iter().zip(ordered) {
            match ordered {
                Ordered::Hashes(hashes) => {
                    let (hashes, rest) = hashes.as_chunks::<{ Hash::LENGTH }>();
                    if !rest.is_empty() {
                        return Err(SessionError::Unexpected);
                    }
                    let told: BTreeSet<Hash> =
                        hashes.iter().map(|bytes| Hash::from_bytes(*bytes)).collect();
                    let held: BTreeSet<Hash> = set.range(range).map(|(_, hash)| hash).collect();
                    same &= told == held;
                    self.lacking.extend(told.difference(&held).map(short_id));
                }
                Ordered::Parts(parts) => {
                    let mut next = Some(range.from.clone());
                    for OrderedPart { to, hash } in parts {
                        let part = part_of(range, &mut next, to)?;
                        if set.ordered_hash_of(&part) != hash {
                            same = false;
                            self.unordered.push(part);
                        }
                    }
                }
            }
        }
        if first {
            self.found.ordered = Some(same);
        }
        self.go_on();
        Ok(())
    }
}

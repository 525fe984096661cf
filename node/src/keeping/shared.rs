//! Which files the records of a group share.

use std::collections::{BTreeMap, BTreeSet};

use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::{Hash, SchoolId};
use staffroom_protocol::keeping::SharedFile;

use super::RecordKey;

/// The files of the records of one group.
#[derive(Debug, Default)]
pub(super) struct Shared {
    of_record: BTreeMap<RecordKey, Vec<Hash>>,
    /// The records that share each file, the first to do so first, with its size.
    of_file: BTreeMap<Hash, BTreeMap<(u64, RecordKey), u64>>,
}

impl Shared {
    /// Takes the files of a record in place of those that it had; returns those that it has or had.
    pub(super) fn set(
        &mut self,
        record: RecordKey,
        published: u64,
        files: &[BlobRef],
    ) -> BTreeSet<Hash> {
        let mut concerned = BTreeSet::new();
        for hash in self.of_record.remove(&record).unwrap_or_default() {
            concerned.insert(hash);
            if let Some(records) = self.of_file.get_mut(&hash) {
                records.retain(|(_, one), _| *one != record);
                if records.is_empty() {
                    self.of_file.remove(&hash);
                }
            }
        }
        for BlobRef { hash, size } in files {
            concerned.insert(*hash);
            self.of_file.entry(*hash).or_default().insert((published, record), *size);
        }
        if !files.is_empty() {
            self.of_record.insert(record, files.iter().map(|file| file.hash).collect());
        }
        concerned
    }

    /// A file, as the school shared it that did so first.
    pub(super) fn file(&self, hash: &Hash) -> Option<SharedFile> {
        let ((published, (author, _)), size) = self.of_file.get(hash)?.first_key_value()?;
        Some(SharedFile { hash: *hash, size: *size, author: *author, published: *published })
    }

    /// The record that shared it first.
    pub(super) fn record(&self, hash: &Hash) -> Option<RecordKey> {
        let ((_, record), _) = self.of_file.get(hash)?.first_key_value()?;
        Some(*record)
    }

    /// All files.
    pub(super) fn files(&self) -> impl Iterator<Item = SharedFile> + '_ {
        self.of_file.keys().filter_map(|hash| self.file(hash))
    }

    /// The schools that share a file.
    pub(super) fn schools(&self, hash: &Hash) -> BTreeSet<SchoolId> {
        let records = self.of_file.get(hash).into_iter().flat_map(BTreeMap::keys);
        records.map(|(_, (school, _))| *school).collect()
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::hash::RecordId;

    use super::*;

    #[test]
    fn a_file_is_whose_it_was_first_for_as_long_as_anybody_shares_it() {
        let record =
            |number: u8| (SchoolId::from_bytes([number; 32]), RecordId::from_bytes([number; 16]));
        let [plan, slides] = [Hash::of(b"plan"), Hash::of(b"slides")];
        let [plan_file, slides_file] =
            [BlobRef { hash: plan, size: 9 }, BlobRef { hash: slides, size: 7 }];
        let mut shared = Shared::default();
        assert_eq!(shared.set(record(2), 20, &[plan_file, slides_file]), [plan, slides].into());
        assert_eq!(shared.set(record(1), 10, &[plan_file]), [plan].into());
        let file = shared.file(&plan).unwrap();
        assert_eq!((file.author, file.size, file.published), (record(1).0, 9, 10));
        assert_eq!(shared.schools(&plan).len(), 2);
        // A new version without it, and a withdrawal.
        assert_eq!(shared.set(record(1), 30, &[slides_file]), [plan, slides].into());
        assert_eq!(shared.file(&plan).unwrap().author, record(2).0);
        assert_eq!(shared.file(&slides).unwrap().author, record(2).0);
        assert_eq!(shared.set(record(2), 40, &[]), [plan, slides].into());
        assert_eq!(shared.file(&plan), None);
        assert_eq!(shared.record(&slides), Some(record(1)));
        assert_eq!(shared.files().count(), 1);
    }
}

//! Which records belong to a lineage.

use std::collections::{BTreeMap, VecDeque};

use staffroom_protocol::hash::RecordId;

use super::{LineageKind, LineageRecord, MAX_LINEAGE_RECORDS, RecordKey};

/// A record of a lineage.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) record: &'a LineageRecord,
    /// The place of what it takes up or is on; none of the origin, nor where that is not held.
    pub(super) parent: Option<usize>,
    /// On the way from the origin an adoption is merely inspired by what came before it.
    pub(super) inspired: bool,
}

/// The records that an origin leads to, nearest first.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    pub(super) links: Vec<Link<'a>>,
    /// There are more than are taken.
    pub(super) more: bool,
}

impl<'a> Chain<'a> {
    /// Follows adoptions and reports from the origin on. A record is taken once, so that one that
    /// leads back to itself ends there.
    pub(super) fn of(origin: RecordKey, records: &'a [LineageRecord]) -> Self {
        let mut named: BTreeMap<RecordId, Vec<&LineageRecord>> = BTreeMap::new();
        let mut taken: BTreeMap<RecordKey, bool> = BTreeMap::new();
        for record in records {
            taken.insert(record.key, false);
            if let Some((_, of)) = record.of() {
                named.entry(of).or_default().push(record);
            }
        }
        let mut chain = Self { links: Vec::new(), more: false };
        let mut open = VecDeque::from([(origin, None, false)]);
        if let Some(first) = records.iter().find(|record| record.key == origin) {
            taken.insert(origin, true);
            chain.links.push(Link { record: first, parent: None, inspired: false });
            open = VecDeque::from([(origin, Some(0), false)]);
        }
        while let Some((key, parent, inspired)) = open.pop_front() {
            for record in named.get(&key.1).into_iter().flatten().copied() {
                let meant =
                    record.of().is_some_and(|(school, _)| school.is_none_or(|of| of == key.0));
                if !meant || taken.insert(record.key, true) != Some(false) {
                    continue;
                }
                if chain.links.len() >= MAX_LINEAGE_RECORDS {
                    chain.more = true;
                    return chain;
                }
                let inspired = inspired || record.summary.kind_type.as_deref() == Some("inspired");
                if record.kind == LineageKind::Adoption {
                    open.push_back((record.key, Some(chain.links.len()), inspired));
                }
                chain.links.push(Link { record, parent, inspired });
            }
        }
        chain
    }
}

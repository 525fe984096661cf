//! How a lineage is gathered: from any record of it to the intervention that it starts from, and from
//! there to all adoptions of it and of those, and their reports, as far as this node may read them.

#[cfg(test)]
pub(crate) mod ten_schools;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use staffroom_protocol::entry::{Entry, EntryKey};
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::{Content, Summary};
use staffroom_search::evidence::{
    self, Lineage, LineageEvidence, LineageKind, LineageRecord, MAX_LINEAGE_RECORDS, Point,
    RecordKey, ReportRow, Sentence,
};

use crate::names::Names;
use crate::node::Node;
use crate::records::HeldRecord;
use crate::store::StoreError;

/// Adoptions of adoptions that are followed towards the intervention: more than ideas travel. What is
/// further away starts a lineage of its own.
const MOST_STEPS: usize = 64;

/// Entries that are looked at for one lineage: a few for each record, since one may be shared with
/// several groups, and others may use its id on purpose.
const MOST_LOOKED_AT: usize = 4 * MAX_LINEAGE_RECORDS;

/// Gathers lineages from the store, each once.
#[derive(Debug)]
pub(crate) struct Lineages<'a> {
    node: &'a Node,
    names: &'a Names,
    /// By the records that they start from.
    gathered: BTreeMap<RecordKey, Gathered>,
    /// The starts of what was asked for.
    origins: BTreeMap<RecordKey, Option<RecordKey>>,
}

#[derive(Debug)]
struct Gathered {
    evidence: LineageEvidence,
    /// Nearest to the start first.
    members: Vec<RecordKey>,
}

impl<'a> Lineages<'a> {
    pub(crate) fn new(node: &'a Node, names: &'a Names) -> Self {
        Self { node, names, gathered: BTreeMap::new(), origins: BTreeMap::new() }
    }

    /// What the lineage of a record shows; none where it belongs to none.
    pub(crate) fn evidence(
        &mut self,
        key: RecordKey,
    ) -> Result<Option<LineageEvidence>, StoreError> {
        let Some(origin) = self.origin(key)? else { return Ok(None) };
        Ok(Some(self.gathered(origin)?.evidence.clone()))
    }

    /// The first records of the lineage that starts from `origin`, `limit` at most.
    pub(crate) fn members(
        &mut self,
        origin: RecordKey,
        limit: usize,
    ) -> Result<Vec<RecordKey>, StoreError> {
        Ok(self.gathered(origin)?.members.iter().take(limit).copied().collect())
    }

    fn gathered(&mut self, origin: RecordKey) -> Result<&Gathered, StoreError> {
        let made = match self.gathered.remove(&origin) {
            Some(made) => made,
            None => {
                let records = self.gather(origin)?;
                Gathered {
                    evidence: Lineage::of(origin, &records).in_short(),
                    members: records.iter().map(|record| record.key).collect(),
                }
            }
        };
        Ok(self.gathered.entry(origin).or_insert(made))
    }

    /// The record that the lineage of a record starts from; it may be one that is not held. None for
    /// a record that belongs to no lineage.
    pub(crate) fn origin(&mut self, key: RecordKey) -> Result<Option<RecordKey>, StoreError> {
        if let Some(known) = self.origins.get(&key) {
            return Ok(*known);
        }
        let mut at = key;
        let mut path = vec![key];
        let mut origin = None;
        for _ in 0..MOST_STEPS {
            let Some(record) = self.record(at)? else {
                // Others may be on what is not held, but what was asked for must be there.
                origin = (at != key).then_some(at);
                break;
            };
            origin = Some(at);
            let Some(next) = self.parent(&record)? else { break };
            if let Some(first) = path.iter().position(|before| *before == next) {
                // Every record that leads into a ring leads to the same one.
                origin = path[first..].iter().min().copied();
                break;
            }
            path.push(next);
            at = next;
        }
        self.origins.insert(key, origin);
        Ok(origin)
    }

    /// The start of the lineage of the record with this id, where no other school uses it too.
    pub(crate) fn origin_of_id(&mut self, id: RecordId) -> Result<Option<RecordKey>, StoreError> {
        match self.only(id)? {
            Some(key) => self.origin(key),
            None => Ok(None),
        }
    }

    fn parent(&self, record: &LineageRecord) -> Result<Option<RecordKey>, StoreError> {
        match record.of() {
            None => Ok(None),
            Some((Some(school), id)) => Ok(Some((school, id))),
            Some((None, id)) => self.only(id),
        }
    }

    fn only(&self, id: RecordId) -> Result<Option<RecordKey>, StoreError> {
        let mut found = self.node.store().find_record(&id.to_string(), 3)?;
        found.dedup();
        Ok(match found.as_slice() {
            [one] => Some(*one),
            [] | [_, ..] => None,
        })
    }

    /// The records of the lineage that starts from `origin`, nearest first; one more than are
    /// counted at most.
    fn gather(&self, origin: RecordKey) -> Result<Vec<LineageRecord>, StoreError> {
        const MOST: usize = MAX_LINEAGE_RECORDS + 1;
        let mut records: Vec<LineageRecord> = self.record(origin)?.into_iter().collect();
        let mut seen = BTreeSet::from([origin]);
        let mut open = VecDeque::from([origin]);
        let mut looked_at = 0;
        while let Some(on) = open.pop_front() {
            for EntryKey { school, record, .. } in self.node.store().entries_on(&on.1, MOST)? {
                looked_at += 1;
                if records.len() >= MOST || looked_at > MOST_LOOKED_AT {
                    return Ok(records);
                }
                let key = (school, record);
                if seen.contains(&key) {
                    continue;
                }
                let Some(found) = self.record(key)? else { continue };
                // Another school's record may have the same id.
                if found.of().is_none_or(|(of, id)| id != on.1 || of.is_some_and(|of| of != on.0)) {
                    continue;
                }
                seen.insert(key);
                if found.kind == LineageKind::Adoption {
                    open.push_back(key);
                }
                records.push(found);
            }
        }
        Ok(records)
    }

    /// A record as its newest version in the groups that this node is in has it; none where it was
    /// withdrawn, is not held or belongs to no lineage.
    fn record(&self, (school, id): RecordKey) -> Result<Option<LineageRecord>, StoreError> {
        let versions = self.node.store().versions_in_groups(&school, &id)?;
        let newest = versions
            .into_iter()
            .filter(|(group, version)| self.names.has(group) && !version.withdrawal)
            .max_by_key(|(_, version)| (version.clock, version.hash));
        let Some((group, _)) = newest else { return Ok(None) };
        let key = EntryKey { group, school, record: id };
        let Some(held) = self.node.store().entry(&key)? else { return Ok(None) };
        let Ok(entry) = Entry::reopen(&held.bytes) else { return Ok(None) };
        let Some(kind) = LineageKind::of(entry.kind()) else { return Ok(None) };
        let Ok(Some(summary)) = entry.summary() else { return Ok(None) };
        Ok(Some(LineageRecord {
            key: (school, id),
            kind,
            school_name: self.names.school(&group, &school),
            phase: self.names.phase(&group, &school),
            contact_role: String::new(),
            summary,
        }))
    }
}

impl Node {
    fn report_alone(&self, on: &HeldRecord, id: RecordId, mut report: Summary) -> Lineage {
        let EntryKey { school, record, .. } = on.entry.key();
        for reference in report.references.iter_mut().filter(|one| one.record == record) {
            reference.school = Some(school);
        }
        let identity = self.identity();
        let of = |key, kind, summary| LineageRecord {
            key,
            kind,
            school_name: identity.claims().name.clone(),
            phase: identity.claims().phase.clone(),
            contact_role: String::new(),
            summary,
        };
        // What an adoption takes up does not matter here.
        let tried = on.summary.clone();
        let tried = tried.map(|summary| of((school, record), LineageKind::Intervention, summary));
        let report = of((identity.school(), id), LineageKind::ImpactReport, report);
        let records: Vec<LineageRecord> = tried.into_iter().chain([report]).collect();
        Lineage::of((school, record), &records)
    }

    /// What a report of this school on something that is held shows, as if there were no other: what a
    /// table says of it, and what was gained, how strong that is and what to be careful about, in plain
    /// words.
    pub(crate) fn report_alone_shows(
        &self,
        on: &HeldRecord,
        id: RecordId,
        report: Summary,
    ) -> (Option<ReportRow>, Vec<Sentence>) {
        let lineage = self.report_alone(on, id, report);
        let mut sentences = evidence::summary(&lineage);
        let wanted = [Point::Gain, Point::Strength, Point::Care];
        sentences.retain(|sentence| wanted.contains(&sentence.point));
        (evidence::report_rows(&lineage).into_iter().next(), sentences)
    }

    /// The lineage that a record belongs to, as far as this node may read it; none for what belongs
    /// to none.
    ///
    /// # Errors
    /// [`StoreError`] if what is held cannot be read.
    pub fn lineage(&self, key: RecordKey) -> Result<Option<Lineage>, StoreError> {
        let names = Names::of(self);
        let mut lineages = Lineages::new(self, &names);
        let Some(origin) = lineages.origin(key)? else { return Ok(None) };
        let mut records = lineages.gather(origin)?;
        for record in &mut records {
            if record.kind == LineageKind::Adoption {
                record.contact_role = self.contact_role(record.key);
            }
        }
        Ok(Some(Lineage::of(origin, &records)))
    }

    /// The role of the person to ask about an adoption, which its full text names.
    fn contact_role(&self, (school, id): RecordKey) -> String {
        match self.record(school, id) {
            Ok(Some(held)) => match held.record.map(|record| record.content) {
                Some(Content::Adoption(adoption)) => adoption.contact_role,
                Some(_) | None => String::new(),
            },
            Ok(None) => String::new(),
            Err(error) => {
                tracing::warn!(%error, "a full text cannot be read");
                String::new()
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use serde_bytes::ByteBuf;
    use staffroom_protocol::clock::Timestamp;
    use staffroom_protocol::entry::{BlobRef, Draft};
    use staffroom_protocol::group::statement::{Act, Admission};
    use staffroom_protocol::group::{Claims, GroupKind, Role};
    use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
    use staffroom_protocol::identity::{NodeCertificate, SecretKey};
    use staffroom_protocol::record::{Reference, Summary};
    use tempfile::TempDir;

    use super::*;
    use crate::home::{Home, Lock};
    use crate::store::Options;

    /// A node whose indexer is at rest.
    fn open(dir: &Path) -> Arc<Node> {
        let node = Node::open(dir, &Options::default(), &mut |_| {}).unwrap();
        node.stop();
        while Arc::strong_count(&node) > 1 {
            std::thread::yield_now();
        }
        node
    }

    /// A node in a group of so many other schools, whose entries it is given.
    pub(crate) struct Trust {
        dir: TempDir,
        pub(crate) node: Arc<Node>,
        pub(crate) group: GroupId,
        schools: Vec<(NodeCertificate, SecretKey)>,
    }

    impl Trust {
        pub(crate) fn of(schools: u8) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let claims = |name: String| Claims {
                name,
                urn: None,
                phase: Some("primary".into()),
                location: None,
            };
            Home::new(dir.path()).init(claims("Ash".into()), &Lock::Open).unwrap();
            let node = open(dir.path());
            let group = node.create_group("Fenland Trust", GroupKind::Trust).unwrap();
            let mut made = Vec::new();
            for number in 0..schools {
                let key = SecretKey::from_seed(&[2 * number + 1; 32]);
                let server = SecretKey::from_seed(&[2 * number + 2; 32]);
                let certificate = NodeCertificate::issue(&key, server.public(), 1);
                let admission = Act::Admit(Admission {
                    certificate: ByteBuf::from(certificate.as_bytes()),
                    claims: claims(format!("School {number}")),
                    role: Role::Member,
                    invite: Hash::of(&[number]),
                });
                node.enact(&group, vec![admission], |_| true).unwrap();
                made.push((certificate, server));
            }
            Self { dir, node, group, schools: made }
        }

        /// The same after a restart, before which something is done to the data directory.
        fn restarted(self, meanwhile: impl FnOnce(&Path)) -> Self {
            drop(self.node);
            meanwhile(self.dir.path());
            Self { node: open(self.dir.path()), ..self }
        }

        pub(crate) fn school(&self, school: usize) -> SchoolId {
            self.schools[school].0.school()
        }

        pub(crate) fn key(&self, school: usize, record: u8) -> RecordKey {
            (self.school(school), RecordId::from_bytes([record; 16]))
        }

        /// Lets an entry of a school come; without a summary it withdraws.
        pub(crate) fn comes(&self, key: (usize, u8), kind: &str, summary: Option<Summary>) {
            let (certificate, server) = &self.schools[key.0];
            let draft = Draft {
                group: self.group,
                record: RecordId::from_bytes([key.1; 16]),
                clock: Timestamp::from_millis(if summary.is_some() { 1 } else { 2 }),
                kind: kind.into(),
                content: summary
                    .map(|summary| (summary, BlobRef { hash: Hash::of(b"text"), size: 4 })),
                school: None,
            };
            let entry = Entry::sign(draft, certificate, server).unwrap();
            self.node.accept_entries(self.group, [entry.as_bytes()], server.public()).unwrap();
        }

        pub(crate) fn on(&self, of: (usize, u8)) -> Option<Summary> {
            let (school, record) = self.key(of.0, of.1);
            let of = Reference { record, school: Some(school), version: None };
            Some(Summary { references: vec![of], ..Summary::default() })
        }

        fn found(&self, key: (usize, u8)) -> Option<(RecordKey, usize, usize)> {
            let lineage = self.node.lineage(self.key(key.0, key.1)).unwrap()?;
            Some((lineage.origin, lineage.records, lineage.reported()))
        }
    }

    #[test]
    fn a_lineage_is_gathered_from_any_of_its_records_as_they_come_and_go() {
        let trust = Trust::of(4);
        trust.comes((0, 1), "intervention", Some(Summary::default()));
        trust.comes((2, 4), "impact_report", trust.on((2, 3)));
        trust.comes((2, 3), "adoption", trust.on((1, 2)));
        trust.comes((3, 9), "resource", trust.on((0, 1)));
        // What it takes up has not come yet.
        assert_eq!(trust.found((2, 4)), Some((trust.key(1, 2), 2, 1)));
        trust.comes((1, 2), "adoption", trust.on((0, 1)));
        let whole = Some((trust.key(0, 1), 4, 1));
        for key in [(0, 1), (1, 2), (2, 3), (2, 4)] {
            assert_eq!(trust.found(key), whole);
        }
        assert_eq!(trust.found((3, 9)), None);
        assert_eq!(trust.found((3, 99)), None);
        let lineage = trust.node.lineage(trust.key(0, 1)).unwrap().unwrap();
        let schools: Vec<&str> =
            lineage.schools.values().map(|school| school.name.as_str()).collect();
        assert_eq!(schools.len(), 3);
        assert!(schools.contains(&"School 2"));
        assert_eq!(lineage.in_short().phases, ["primary"]);

        trust.node.store().take_bereft();
        trust.comes((2, 4), "impact_report", None);
        assert_eq!(trust.found((0, 1)), Some((trust.key(0, 1), 3, 0)));
        let bereft = trust.node.store().take_bereft();
        assert_eq!(bereft, BTreeSet::from([trust.key(2, 3).1]));
        assert_eq!(trust.node.store().take_bereft(), BTreeSet::new());
    }

    #[test]
    fn a_lineage_is_there_after_a_restart_and_after_the_record_store_was_lost() {
        let mut trust = Trust::of(3);
        trust.comes((0, 1), "intervention", Some(Summary::default()));
        trust.comes((2, 3), "adoption", trust.on((0, 1)));
        trust.comes((2, 3), "adoption", None);
        trust.comes((1, 2), "adoption", trust.on((0, 1)));
        trust.comes((1, 4), "impact_report", trust.on((1, 2)));
        let first = trust.node.store().entries_on(&trust.key(0, 1).1, 1).unwrap();
        assert_eq!(first[0].record, trust.key(1, 2).1, "what was withdrawn takes no place");
        let whole = Some((trust.key(0, 1), 3, 1));
        assert_eq!(trust.found((1, 4)), whole);
        trust = trust.restarted(|_| {});
        assert_eq!(trust.found((1, 4)), whole);
        trust = trust.restarted(|dir| std::fs::remove_dir_all(dir.join("records")).unwrap());
        assert_eq!(trust.found((1, 4)), whole);
        let on = |record| {
            let keys = trust.node.store().entries_on(&trust.key(0, record).1, 10).unwrap();
            keys.into_iter().map(|key| (key.school, key.record)).collect::<Vec<_>>()
        };
        assert_eq!(on(1), [trust.key(1, 2)]);
        assert_eq!(on(2), [trust.key(1, 4)]);
        assert_eq!(trust.node.store().entries_on(&trust.key(0, 1).1, 0).unwrap(), []);
    }

    #[test]
    fn what_is_adopted_again_and_again_starts_anew_far_from_where_it_began() {
        let trust = Trust::of(1);
        let steps = u8::try_from(MOST_STEPS).unwrap();
        trust.comes((0, 1), "intervention", Some(Summary::default()));
        for step in 1..=steps {
            trust.comes((0, step + 1), "adoption", trust.on((0, step)));
        }
        assert_eq!(trust.found((0, steps)).unwrap().0, trust.key(0, 1));
        assert_eq!(trust.found((0, steps + 1)).unwrap().0, trust.key(0, 2));
    }

    #[test]
    fn rings_and_records_of_the_same_id_at_another_school_do_no_harm() {
        let trust = Trust::of(4);
        trust.comes((0, 1), "adoption", trust.on((1, 2)));
        trust.comes((1, 2), "adoption", trust.on((0, 1)));
        trust.comes((2, 3), "impact_report", trust.on((1, 2)));
        let start = trust.key(0, 1).min(trust.key(1, 2));
        for key in [(0, 1), (1, 2), (2, 3)] {
            assert_eq!(trust.found(key), Some((start, 3, 1)));
        }
        trust.comes((3, 8), "intervention", Some(Summary::default()));
        trust.comes((2, 8), "intervention", Some(Summary::default()));
        trust.comes((1, 9), "impact_report", trust.on((3, 8)));
        assert_eq!(trust.found((3, 8)), Some((trust.key(3, 8), 2, 1)));
        assert_eq!(trust.found((2, 8)), Some((trust.key(2, 8), 1, 0)));
        let names = Names::of(&trust.node);
        let mut lineages = Lineages::new(&trust.node, &names);
        assert_eq!(lineages.members(trust.key(2, 8), 10).unwrap(), [trust.key(2, 8)]);
        trust.comes((3, 5), "adoption", trust.on((3, 5)));
        assert_eq!(trust.found((3, 5)), Some((trust.key(3, 5), 1, 0)));
    }
}

//! Making a bundle of what this node holds of a group.

use std::collections::BTreeSet;
use std::io::Read;

use serde_bytes::ByteBuf;
use staffroom_protocol::bundle::{About, BundleWriter, Part};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Entry};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::limits::BUNDLE_PIECE_BYTES;
use staffroom_protocol::sync::message::PeerAddresses;
use staffroom_protocol::sync::set::short_id;

use super::{CarryError, Contents, Has, Out, Sink, batches, give};
use crate::clock::now_millis;
use crate::home::random;
use crate::intake::{KeepError, files_of};
use crate::node::Node;
use crate::wanted::texts_of;

/// What a bundle is to hold.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Only records whose newest version was made then or later.
    pub since: Option<Timestamp>,
    /// Which files.
    pub files: WhichFiles,
    /// What the node that it is for has.
    pub has: Has,
}

/// The files of a bundle, of those that this node has through the group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WhichFiles {
    /// All.
    #[default]
    All,
    /// None.
    None,
    /// Those of some records.
    Of(BTreeSet<(SchoolId, RecordId)>),
}

impl WhichFiles {
    fn has(&self, entry: &Entry) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Of(records) => records.contains(&(entry.key().school, entry.key().record)),
        }
    }
}

/// What is about to be written.
#[derive(Debug, Clone)]
pub struct ExportPlan {
    /// The group.
    pub group: GroupId,
    /// About how many bytes it will have.
    pub bytes: u64,
    options: ExportOptions,
    /// The versions that it is about, the oldest first.
    versions: Vec<Hash>,
}

impl Node {
    /// Looks what a bundle will hold.
    ///
    /// # Errors
    /// [`CarryError`] if this school is not in the group, or a record that was named has no files.
    pub fn plan_bundle(
        &self,
        group: GroupId,
        options: ExportOptions,
    ) -> Result<ExportPlan, CarryError> {
        self.own_group(&group)?;
        let since = options.since.unwrap_or_default();
        let set = self.store().set(&group).into_iter();
        let versions = set.filter(|(clock, _)| *clock >= since).map(|(_, hash)| hash).collect();
        let mut plan = ExportPlan { group, bytes: 0, options, versions };
        let (mut bytes, mut without_files) = (0, BTreeSet::new());
        if let WhichFiles::Of(records) = &plan.options.files {
            without_files.extend(records.iter().copied());
        }
        for hash in &plan.versions {
            let Some(entry) = self.version(&group, hash)? else { continue };
            if !plan.options.has.entries.contains(&short_id(hash)) {
                bytes += entry.as_bytes().len() as u64;
            }
            for text in self.texts_to_carry(&entry, &plan)? {
                bytes += text.size;
            }
            for file in self.files_to_carry(&entry, &plan)? {
                bytes += file.size;
                without_files.remove(&(entry.key().school, entry.key().record));
            }
        }
        if plan.options.has == Has::default()
            && let Some((_, record)) = without_files.first()
        {
            return Err(CarryError::NoFiles(record.to_string()));
        }
        plan.bytes = bytes;
        Ok(plan)
    }

    /// Writes a bundle for the nodes of the group's members, and says what it holds. What was withdrawn
    /// since it was planned is left out.
    ///
    /// # Errors
    /// [`CarryError`] if what is held cannot be read, or nobody takes the bytes any more.
    pub fn write_bundle(&self, plan: &ExportPlan, sink: Sink<'_>) -> Result<Contents, CarryError> {
        let group = plan.group;
        let recipients = self.roster(&group).unwrap_or_default().nodes();
        let mut out = self.begin_bundle(group, plan.options.since, &recipients, sink)?;
        let mut contents = Contents {
            statements: self.write_statements(&group, &mut out)?,
            ..Contents::default()
        };
        self.write_peers(&recipients, &mut out)?;
        let mut entries = Vec::new();
        // A few thousand at a time, since a group may have more than fit into memory.
        for versions in plan.versions.chunks(4_096) {
            for hash in
                versions.iter().filter(|hash| !plan.options.has.entries.contains(&short_id(hash)))
            {
                if let Some(entry) = self.version(&group, hash)? {
                    let count = if entry.is_withdrawal() {
                        &mut contents.withdrawals
                    } else {
                        &mut contents.records
                    };
                    *count += 1;
                    entries.push(entry.as_bytes().to_vec());
                }
            }
            for batch in batches(entries.drain(..)) {
                out.part(Part::Entries(batch))?;
            }
        }
        for hash in &plan.versions {
            let Some(entry) = self.version(&group, hash)? else { continue };
            for text in self.texts_to_carry(&entry, plan)? {
                if let Some(bytes) =
                    self.small_content(&text.hash)?.filter(|bytes| Hash::of(bytes) == text.hash)
                {
                    write_blob(&mut out, &entry, text, &mut bytes.as_slice())?;
                    contents.texts += 1;
                    contents.bytes += text.size;
                }
            }
        }
        let mut written = BTreeSet::new();
        for hash in &plan.versions {
            let Some(entry) = self.version(&group, hash)? else { continue };
            for file in self.files_to_carry(&entry, plan)? {
                if !written.insert(file.hash) {
                    let (school, record) = (entry.key().school, entry.key().record);
                    out.part(Part::Again { school, record, hash: file.hash })?;
                } else if let Some(mut held) = self.blobs().open_blob(&file.hash)? {
                    write_blob(&mut out, &entry, file, &mut held)?;
                    contents.files += 1;
                    contents.bytes += file.size;
                }
            }
        }
        out.close()?;
        Ok(contents)
    }

    pub(super) fn begin_bundle<'a>(
        &self,
        group: GroupId,
        since: Option<Timestamp>,
        recipients: &BTreeSet<PublicKey>,
        sink: Sink<'a>,
    ) -> Result<Out<'a>, CarryError> {
        let about = About { group, made: Timestamp::from_millis(now_millis()), since };
        let (identity, key) = (self.identity(), random(self.home().dir())?);
        let begun = BundleWriter::begin(
            about,
            recipients,
            key,
            identity.certificate(),
            identity.node_key(),
        );
        let (writer, start) = begun?;
        give(sink, start)?;
        Ok(Out { writer, sink })
    }

    pub(super) fn write_statements(
        &self,
        group: &GroupId,
        out: &mut Out<'_>,
    ) -> Result<u64, CarryError> {
        let statements = self.with_membership(group, |set| {
            set.in_order().map(|one| one.as_bytes().to_vec()).collect::<Vec<_>>()
        });
        let statements = statements.unwrap_or_default();
        let count = statements.len() as u64;
        for batch in batches(statements.into_iter()) {
            out.part(Part::Statements(batch))?;
        }
        Ok(count)
    }

    /// Writes where members' nodes were last reached.
    fn write_peers(
        &self,
        nodes: &BTreeSet<PublicKey>,
        out: &mut Out<'_>,
    ) -> Result<(), CarryError> {
        /// With eight addresses each, of a hundred bytes, they fill a third of a frame.
        const AT_ONCE: usize = 100;
        let peers = nodes.iter().map(|node| {
            let addresses = self.contacts().addresses(node);
            PeerAddresses {
                node: *node,
                addresses: addresses.iter().map(ToString::to_string).collect(),
            }
        });
        let reached: Vec<PeerAddresses> = peers.filter(|peer| !peer.addresses.is_empty()).collect();
        for peers in reached.chunks(AT_ONCE) {
            out.part(Part::Peers(peers.to_vec()))?;
        }
        Ok(())
    }

    /// A version, if it still is the one that is held.
    pub(super) fn version(
        &self,
        group: &GroupId,
        hash: &Hash,
    ) -> Result<Option<Entry>, CarryError> {
        let held = self.store().entry_by_hash(hash)?.filter(|(key, _)| key.group == *group);
        Ok(held.and_then(|(_, held)| Entry::reopen(&held.bytes).ok()))
    }

    fn texts_to_carry(&self, entry: &Entry, plan: &ExportPlan) -> Result<Vec<BlobRef>, CarryError> {
        let mut texts = texts_of(entry);
        texts.retain(|text| !plan.options.has.blobs.contains(&short_id(&text.hash)));
        self.obtained(plan.group, texts)
    }

    /// The files of a record that this node has whole.
    fn files_to_carry(&self, entry: &Entry, plan: &ExportPlan) -> Result<Vec<BlobRef>, CarryError> {
        if !plan.options.files.has(entry) {
            return Ok(Vec::new());
        }
        let mut files = files_of(entry);
        files.retain(|file| !plan.options.has.blobs.contains(&short_id(&file.hash)));
        let mut held = self.obtained(plan.group, files)?;
        let mut failed = None;
        held.retain(|file| match self.blobs().size(&file.hash) {
            Ok(size) => size == Some(file.size),
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        failed.map_or(Ok(held), |error| Err(KeepError::from(error).into()))
    }

    /// Those of some blobs that this node has through a group.
    fn obtained(&self, group: GroupId, blobs: Vec<BlobRef>) -> Result<Vec<BlobRef>, CarryError> {
        let mut obtained = Vec::new();
        for blob in blobs {
            if self.possesses(&group, &blob.hash)? {
                obtained.push(blob);
            }
        }
        Ok(obtained)
    }
}

fn write_blob(
    out: &mut Out<'_>,
    entry: &Entry,
    blob: BlobRef,
    from: &mut dyn Read,
) -> Result<(), CarryError> {
    let (school, record) = (entry.key().school, entry.key().record);
    out.part(Part::Blob { school, record, blob })?;
    let mut left = blob.size;
    while left > 0 {
        let mut piece =
            vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(BUNDLE_PIECE_BYTES)];
        from.read_exact(&mut piece)
            .map_err(|error| CarryError::Read { error, kept: super::Kept::default() })?;
        left -= piece.len() as u64;
        out.part(Part::Piece(ByteBuf::from(piece)))?;
    }
    Ok(())
}

//! Taking in what a bundle brings.

use std::io::Read;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::bundle::{Found, Opening, Part};
use staffroom_protocol::entry::{BlobRef, Entry, EntryKey};
use staffroom_protocol::group::statement::Statement;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::message::{MAX_ADDRESSES_PER_NODE, PeerAddresses};
use utoipa::ToSchema;

use super::{CarryError, Kept, each_found};
use crate::blobs::BlobWriter;
use crate::intake::{Verdict, files_of, possession, possession_key};
use crate::node::Node;
use crate::store::{Change, Table};
use crate::wanted::texts_of;

/// Texts that are kept with one sync of the disk.
const TEXTS_AT_ONCE: usize = 256;

/// And their bytes, of which no text has more.
const TEXT_BYTES_AT_ONCE: usize = 1024 * 1024;

/// What became of what a bundle brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub group_name: String,
    /// The school that made the bundle.
    pub made_by: String,
    /// When, by that school's clock.
    pub made: String,
    /// Whether this school is a member of the group by what the bundle says, and was not before.
    pub joined: bool,
    /// Statements on who belongs that were new.
    pub statements: u64,
    /// Records and withdrawals that were new.
    pub records: u64,
    /// Those that were held already, or a newer version.
    pub known: u64,
    /// Those that wait until their school's admission is known, or for their date to come.
    pub held_aside: u64,
    /// Those that were altered, or that belong to the group no more.
    pub refused: u64,
    /// Full texts and texts inside files that were new.
    pub texts: u64,
    /// Files that were new.
    pub files: u64,
    /// Texts and files of nothing that is held, or that are not what their record says.
    pub left_out: u64,
}

impl Node {
    /// Takes in a bundle. `join` says that this school may become a member of a group that it does not
    /// know yet. It may be interrupted and begun again; what was taken is passed over then.
    ///
    /// # Errors
    /// [`CarryError`] says what is wrong with it. What was taken before stays.
    pub fn import_bundle(&self, from: &mut dyn Read, join: bool) -> Result<Imported, CarryError> {
        let mut importing = Importing {
            node: self,
            join,
            opening: None,
            statements: Vec::new(),
            report: None,
            texts: Vec::new(),
            coming: None,
        };
        let read = each_found(from, self.identity().node_key(), |found| importing.take(found));
        let kept = importing.keep_texts().and_then(|()| importing.let_go_of_wanted());
        let report = importing.report;
        let kept_before = report.as_ref().map_or_else(Kept::default, |report| Kept {
            records: report.records,
            blobs: report.texts + report.files,
        });
        match read {
            Err(CarryError::Bundle { error, .. }) => {
                Err(CarryError::Bundle { error, kept: kept_before })
            }
            Err(CarryError::Read { error, .. }) => {
                Err(CarryError::Read { error, kept: kept_before })
            }
            Err(error) => Err(error),
            Ok(()) => {
                kept?;
                report.ok_or(CarryError::IsRequest)
            }
        }
    }
}

struct Importing<'a> {
    node: &'a Node,
    join: bool,
    opening: Option<Box<Opening>>,
    /// Until all of them are here.
    statements: Vec<ByteBuf>,
    /// Once they are, and let its content in.
    report: Option<Imported>,
    texts: Vec<(EntryKey, BlobRef, Vec<u8>)>,
    coming: Option<Coming>,
}

/// A text or file of which not all has come.
struct Coming {
    key: EntryKey,
    blob: BlobRef,
    left: u64,
    to: To,
}

/// Where it goes.
enum To {
    Nowhere,
    Text(Vec<u8>),
    File(BlobWriter),
}

impl Importing<'_> {
    fn take(&mut self, found: Found) -> Result<(), CarryError> {
        match found {
            Found::Opening(opening) => self.opening = Some(opening),
            Found::Part(Part::Statements(statements)) => self.statements.extend(statements),
            Found::Part(Part::Peers(peers)) => self.peers(peers)?,
            Found::Part(Part::Join(_) | Part::Have { .. }) => return Err(CarryError::IsRequest),
            Found::Part(Part::Entries(entries)) => self.entries(&entries)?,
            Found::Part(Part::Blob { school, record, blob }) => {
                let group = self.settled()?.group;
                let key = EntryKey { group, school, record };
                let to = self.destination(&key, &blob)?;
                self.coming = Some(Coming { key, blob, left: blob.size, to });
                self.keep_what_is_whole()?;
            }
            Found::Part(Part::Piece(bytes)) => self.piece(&bytes)?,
            Found::Part(Part::Again { school, record, hash }) => {
                let group = self.settled()?.group;
                self.again(&EntryKey { group, school, record }, hash)?;
            }
            Found::Closing => drop(self.settled()?),
        }
        Ok(())
    }

    /// Takes in who belongs, once all that the bundle says of it is here, and checks that this school
    /// does and the maker does.
    fn settled(&mut self) -> Result<&mut Imported, CarryError> {
        if self.report.is_none() {
            let report = self.settle()?;
            self.report = Some(report);
        }
        self.report.as_mut().ok_or(CarryError::IsRequest)
    }

    fn settle(&mut self) -> Result<Imported, CarryError> {
        let opening = self.opening.as_ref().ok_or(CarryError::IsRequest)?;
        let (node, group) = (self.node, opening.about.group);
        let statements = std::mem::take(&mut self.statements);
        let name_of = |set: &staffroom_protocol::group::membership::Membership| {
            let founding = set.roster().founding();
            founding.map_or_else(|| group.short(), |founding| founding.name.clone())
        };
        let read: Vec<Statement> =
            statements.iter().filter_map(|bytes| Statement::verify(bytes).ok()).collect();
        let set = node.with_carried(&group, &read);
        let name = name_of(&set);
        let statements = node.believed(opening, &statements, &name)?;
        let own = node.identity().school();
        let is_known = node.with_membership(&group, |_| ()).is_some();
        let was_member = node.is_member(&group);
        let is_joining = node.joining().iter().any(|invite| invite.group == group);
        if !is_known && !is_joining && !self.join {
            return Err(CarryError::NotJoined(name));
        }
        if !is_known && set.roster().member(&own).is_none() {
            return Err(CarryError::NoMember(name));
        }
        let accepted = node.add_statements(group, statements)?;
        if !node.is_member(&group) {
            return Err(CarryError::NoMember(name));
        }
        if !was_member {
            node.keep_joining(&group, None)?;
        }
        let made_by = set.roster().member(&opening.maker.school());
        Ok(Imported {
            group,
            group_name: name,
            made_by: made_by.map(|member| member.claims.name.clone()).unwrap_or_default(),
            made: opening.about.made.to_string(),
            joined: !was_member,
            statements: accepted.added as u64,
            records: 0,
            known: 0,
            held_aside: 0,
            refused: 0,
            texts: 0,
            files: 0,
            left_out: 0,
        })
    }

    /// Keeps where members' nodes were reached of which nothing is known here; what is known is newer
    /// than what was carried.
    fn peers(&mut self, peers: Vec<PeerAddresses>) -> Result<(), CarryError> {
        let (node, group) = (self.node, self.settled()?.group);
        let members = node.roster(&group).unwrap_or_default().nodes();
        for PeerAddresses { node: peer, addresses } in peers {
            let is_new = members.contains(&peer) && node.contacts().addresses(&peer).is_empty();
            if is_new && peer != node.identity().node_key().public() {
                let addresses = addresses.iter().take(MAX_ADDRESSES_PER_NODE);
                let addresses: Vec<Multiaddr> =
                    addresses.filter_map(|text| text.parse().ok()).collect();
                node.contacts().remember(peer, &addresses);
            }
        }
        Ok(())
    }

    fn entries(&mut self, entries: &[ByteBuf]) -> Result<(), CarryError> {
        let Some(maker) = self.opening.as_ref().map(|opening| opening.maker.node()) else {
            return Err(CarryError::IsRequest);
        };
        let node = self.node;
        let report = self.settled()?;
        // A removal may have come over the network in the meantime.
        if !node.is_member(&report.group) {
            return Err(CarryError::NoMember(report.group_name.clone()));
        }
        let bytes = entries.iter().map(|bytes| bytes.as_slice());
        for verdict in node.accept_entries(report.group, bytes, maker)? {
            match verdict {
                Verdict::Stored => report.records += 1,
                Verdict::Known => report.known += 1,
                Verdict::HeldAside(_) => report.held_aside += 1,
                Verdict::Invalid(_) | Verdict::NotForGroup => report.refused += 1,
            }
        }
        Ok(())
    }

    /// Where a text or file belongs that a held record of the group has and that has not come through
    /// the group yet.
    fn destination(&mut self, key: &EntryKey, blob: &BlobRef) -> Result<To, CarryError> {
        let node = self.node;
        let (is_text, is_file) = self.uses(key, blob)?;
        if !is_text && !is_file {
            self.settled()?.left_out += 1;
            return Ok(To::Nowhere);
        }
        if self.is_here(key, &blob.hash, is_file)? {
            return Ok(To::Nowhere);
        }
        if is_file {
            return Ok(To::File(node.blobs().writer()?));
        }
        Ok(To::Text(Vec::new()))
    }

    /// Whether the version of a record that is held has a blob as a text, and as a file.
    fn uses(&self, key: &EntryKey, blob: &BlobRef) -> Result<(bool, bool), CarryError> {
        let held = self.node.store().entry(key)?;
        let entry = held.and_then(|held| Entry::reopen(&held.bytes).ok());
        let Some(entry) = entry else { return Ok((false, false)) };
        Ok((texts_of(&entry).contains(blob), files_of(&entry).contains(blob)))
    }

    fn is_here(&self, key: &EntryKey, hash: &Hash, is_file: bool) -> Result<bool, CarryError> {
        let row = possession_key(hash, key);
        if self.node.store().local_get(Table::Possession, &row)?.is_none() {
            return Ok(false);
        }
        if is_file {
            return Ok(self.node.blobs().size(hash)?.is_some());
        }
        Ok(self.node.small_content(hash)?.is_some())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), CarryError> {
        let Some(coming) = &mut self.coming else { return Ok(()) };
        coming.left = coming.left.saturating_sub(bytes.len() as u64);
        match &mut coming.to {
            To::Nowhere => {}
            To::Text(text) => text.extend_from_slice(bytes),
            To::File(writer) => writer.write(bytes)?,
        }
        self.keep_what_is_whole()
    }

    /// Keeps a text or file of which everything has come, if it is what its hash says.
    fn keep_what_is_whole(&mut self) -> Result<(), CarryError> {
        let Some(Coming { key, blob, to, .. }) = self.coming.take_if(|coming| coming.left == 0)
        else {
            return Ok(());
        };
        match to {
            To::Nowhere => {}
            To::Text(text) if Hash::of(&text) == blob.hash => {
                self.texts.push((key, blob, text));
                let size: usize = self.texts.iter().map(|(_, _, text)| text.len()).sum();
                if self.texts.len() >= TEXTS_AT_ONCE || size >= TEXT_BYTES_AT_ONCE {
                    self.keep_texts()?;
                }
            }
            To::File(writer) => {
                if writer.keep_if(&blob.hash)? {
                    self.possess(&key, &blob)?;
                } else {
                    self.settled()?.left_out += 1;
                }
            }
            To::Text(_) => self.settled()?.left_out += 1,
        }
        Ok(())
    }

    /// Notes that a file came through the group, unless its record was withdrawn while it did.
    fn possess(&mut self, key: &EntryKey, blob: &BlobRef) -> Result<(), CarryError> {
        let (is_text, is_file) = self.uses(key, blob)?;
        if !is_text && !is_file {
            self.settled()?.left_out += 1;
            self.node.forget_unshared(&blob.hash)?;
            return Ok(());
        }
        let mut changes = vec![possession(&blob.hash, key)];
        if is_text {
            changes.push(Change::Touch { key: *key });
        }
        self.node.store().apply(changes)?;
        self.settled()?.files += 1;
        Ok(())
    }

    /// Another record has a file that came before.
    fn again(&mut self, key: &EntryKey, hash: Hash) -> Result<(), CarryError> {
        let group = self.settled()?.group;
        let size = self.node.blobs().size(&hash)?;
        let Some(size) = size.filter(|_| self.node.possesses(&group, &hash).unwrap_or(false))
        else {
            self.settled()?.left_out += 1;
            return Ok(());
        };
        if !self.is_here(key, &hash, true)? {
            self.possess(key, &BlobRef { hash, size })?;
        }
        Ok(())
    }

    fn keep_texts(&mut self) -> Result<(), CarryError> {
        let mut texts = Vec::new();
        for (key, blob, text) in std::mem::take(&mut self.texts) {
            // Its record may have been withdrawn in the meantime.
            if self.uses(&key, &blob)?.0 {
                texts.push((key, blob, text));
            }
        }
        if texts.is_empty() {
            return Ok(());
        }
        let count = texts.len() as u64;
        self.node.keep_bodies(texts, &[])?;
        self.settled()?.texts += count;
        Ok(())
    }

    fn let_go_of_wanted(&self) -> Result<(), CarryError> {
        if let Some(report) = &self.report {
            self.node.let_go_of_what_came(&report.group)?;
        }
        Ok(())
    }
}

//! Asking for a bundle: a school says what it has, or that it wants to be let in, in a small file for the
//! members alone.

use std::collections::BTreeSet;
use std::io::Read;

use serde_bytes::ByteBuf;
use staffroom_protocol::bundle::{Found, Opening, Part};
use staffroom_protocol::group::invite::{Invite, InviteError};
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::group::statement::Statement;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::sync::set::short_id;
use staffroom_protocol::sync::sketch::ShortId;

use super::{BATCH_BYTES, CarryError, Sink, each_found};
use crate::intake::files_of;
use crate::joining::Joining;
use crate::node::Node;
use crate::wanted::texts_of;

/// What a node says that it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Has {
    /// Entries of the group.
    pub(super) entries: BTreeSet<ShortId>,
    /// Texts and files that it has through the group.
    pub(super) blobs: BTreeSet<ShortId>,
}

/// A request that was read.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The group.
    pub group: GroupId,
    /// What the node that asks has.
    pub has: Has,
}

/// Ids in one part.
const IDS: usize = BATCH_BYTES / size_of::<ShortId>() / 2;

impl Node {
    /// Writes what this node has of a group, for a bundle with the rest.
    ///
    /// # Errors
    /// [`CarryError`] if this school is not in the group or what is held cannot be read.
    pub fn request_bundle(&self, group: GroupId, sink: Sink<'_>) -> Result<(), CarryError> {
        self.own_group(&group)?;
        let recipients = self.roster(&group).unwrap_or_default().nodes();
        let mut out = self.begin_bundle(group, None, &recipients, sink)?;
        self.write_statements(&group, &mut out)?;
        let versions: Vec<_> = self.store().set(&group).into_iter().map(|(_, hash)| hash).collect();
        for versions in versions.chunks(IDS / 4) {
            let (mut entries, mut blobs) = (Vec::new(), Vec::new());
            for hash in versions {
                let Some(entry) = self.version(&group, hash)? else { continue };
                entries.extend(short_id(hash));
                for blob in texts_of(&entry).into_iter().chain(files_of(&entry)) {
                    if self.possesses(&group, &blob.hash)? {
                        blobs.push(short_id(&blob.hash));
                    }
                }
            }
            // A record has forty files at most.
            let mut lots = blobs.chunks(IDS).map(<[ShortId]>::concat);
            let blobs = ByteBuf::from(lots.next().unwrap_or_default());
            out.part(Part::Have { entries: ByteBuf::from(entries), blobs })?;
            for lot in lots {
                let (entries, blobs) = (ByteBuf::new(), ByteBuf::from(lot));
                out.part(Part::Have { entries, blobs })?;
            }
        }
        if versions.is_empty() {
            let (entries, blobs) = (ByteBuf::new(), ByteBuf::new());
            out.part(Part::Have { entries, blobs })?;
        }
        out.close()
    }

    /// Writes a request to be let in, as the answer to an invite, for the server of the inviting school.
    ///
    /// # Errors
    /// [`CarryError`] if the invite does not work or this school is in the group.
    pub fn request_to_join(&self, invite: &Invite, sink: Sink<'_>) -> Result<(), CarryError> {
        if self.is_member(&invite.group) {
            return Err(CarryError::Joined);
        }
        let identity = self.identity();
        let sealed = invite.request(identity.certificate(), identity.claims().clone());
        let wrong = || crate::groups::GroupError::from(InviteError::Damaged);
        let sealed = ByteBuf::from(sealed.ok_or_else(wrong)?);
        let recipients = [invite.from_node].into();
        let mut out = self.begin_bundle(invite.group, None, &recipients, sink)?;
        out.part(Part::Join(sealed))?;
        out.close()?;
        self.keep_joining(&invite.group, Some(invite))?;
        Ok(())
    }

    /// Reads a request, and lets the school in that asks for it with an invite of this one.
    ///
    /// # Errors
    /// [`CarryError`] if it is none, or of a school that is no member and may not become one.
    pub fn read_request(&self, from: &mut dyn Read) -> Result<Requested, CarryError> {
        let mut opening: Option<Box<Opening>> = None;
        let (mut statements, mut has, mut join, mut said) =
            (Vec::new(), Has::default(), None, false);
        each_found(from, self.identity().node_key(), |found| {
            match found {
                Found::Opening(found) => opening = Some(found),
                Found::Part(Part::Statements(more)) => statements.extend(more),
                Found::Part(Part::Join(sealed)) => join = Some(sealed),
                Found::Part(Part::Have { entries, blobs }) => {
                    said = true;
                    has.entries.extend(entries.as_chunks().0);
                    has.blobs.extend(blobs.as_chunks().0);
                }
                Found::Part(
                    Part::Entries(_) | Part::Blob { .. } | Part::Piece(_) | Part::Again { .. },
                ) => return Err(CarryError::NoRequest),
                Found::Part(Part::Peers(_)) | Found::Closing => {}
            }
            Ok(())
        })?;
        let Some(opening) = opening.filter(|_| said || join.is_some()) else {
            return Err(CarryError::NoRequest);
        };
        let group = opening.about.group;
        let (name, _) = self.own_group(&group)?;
        if let Some(sealed) = join {
            return match self.admit(&group, &sealed)? {
                Joining::Member => Ok(Requested { group, has }),
                Joining::Waiting => Err(CarryError::Waiting),
            };
        }
        let statements = self.believed(&opening, &statements, &name)?;
        self.add_statements(group, statements)?;
        Ok(Requested { group, has })
    }

    /// The statements of a bundle, if they and those held here say that its maker is a member.
    pub(super) fn believed(
        &self,
        opening: &Opening,
        statements: &[ByteBuf],
        name: &str,
    ) -> Result<Vec<Statement>, CarryError> {
        let verified: Result<Vec<Statement>, _> =
            statements.iter().map(|bytes| Statement::verify(bytes)).collect();
        let verified = verified?;
        let set = self.with_carried(&opening.about.group, &verified);
        if set.roster().school_of(&opening.maker.node()) != Some(opening.maker.school()) {
            return Err(CarryError::MakerNoMember(name.to_owned()));
        }
        Ok(verified)
    }

    /// The membership set of a group as it would be with more statements.
    pub(super) fn with_carried(&self, group: &GroupId, statements: &[Statement]) -> Membership {
        let held = self.with_membership(group, Clone::clone);
        let mut set = held.unwrap_or_else(|| Membership::new(*group));
        set.extend(statements.iter().cloned());
        set
    }
}

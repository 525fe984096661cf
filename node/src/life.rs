//! A school's life: it moves to another group, groups merge, it closes. Each is one signed act that
//! every member sees.

use std::sync::{Arc, PoisonError};

use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Draft, Entry, EntryKey};
use staffroom_protocol::group::Role;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::{Act, Admission, Parting};
use staffroom_protocol::hash::{GroupId, Hash};

use crate::groups::GroupError;
use crate::intake::possession;
use crate::joining::Joining;
use crate::network::{self, Network};
use crate::node::Node;
use crate::publish::PublishError;
use crate::store::{Change, Table};

/// Marks, behind the group that was merged, that this school's records were shared with the other.
const CARRIED: &[u8] = b"carried";

impl Node {
    /// Moves this school to the group of an invite: joins it, shares this school's records with it,
    /// and leaves the old one, with which they stay or do not.
    ///
    /// # Errors
    /// [`PublishError`] if the school is not let in, or something cannot be stored. The school is
    /// in one of the two groups then, or in both, and the same command goes on.
    pub async fn move_to(
        self: &Arc<Self>,
        network: &Network,
        from: GroupId,
        invite: &Invite,
        records_stay: bool,
    ) -> Result<Joining, PublishError> {
        self.own_group(&from)?;
        if self.join(network, invite).await? == Joining::Waiting {
            return Ok(Joining::Waiting);
        }
        let (node, into) = (Arc::clone(self), invite.group);
        let moved = tokio::task::spawn_blocking(move || {
            node.carry_records(&from, &into)?;
            node.part_from(&from, Some(Parting::Moved), records_stay)?;
            Ok::<_, PublishError>(())
        });
        moved.await.map_err(|_| GroupError::NoNetwork)??;
        network::tell(self, network, into).await;
        Ok(Joining::Member)
    }

    /// Leaves every group, since the school closes; what it shared stays with them or does not.
    /// Returns the names of the groups.
    ///
    /// # Errors
    /// [`GroupError`] if something cannot be stored.
    pub fn close(&self, records_stay: bool) -> Result<Vec<String>, GroupError> {
        let mut names = self.group_names();
        let mut left = Vec::new();
        for group in self.followed_groups() {
            self.part_from(&group, Some(Parting::Closed), records_stay)?;
            left.extend(names.remove(&group));
        }
        left.sort();
        Ok(left)
    }

    /// Merges a group into another, of both of which this school is an admin: admits the members of
    /// the first to the second, and says in the first where it went. What the schools had shared
    /// stays readable there, and each shares its own with the second.
    ///
    /// # Errors
    /// [`GroupError`] if this school is not an admin of both.
    pub fn merge(&self, from: &GroupId, into: &GroupId) -> Result<(), GroupError> {
        self.administered(from)?;
        let (name, _) = self.administered(into)?;
        let admissions = self
            .with_membership(from, |set| {
                let mut admissions = Vec::new();
                for (school, member) in set.roster().current() {
                    let certificates = set.certificates(&school).into_iter();
                    let current = certificates.filter(|one| member.nodes.contains(&one.node()));
                    for certificate in current {
                        let invite = [from.as_bytes().as_slice(), school.as_bytes()].concat();
                        let role =
                            if member.role == Role::Reader { Role::Reader } else { Role::Member };
                        admissions.push((
                            school,
                            Admission {
                                certificate: ByteBuf::from(certificate.as_bytes()),
                                claims: member.claims.clone(),
                                role,
                                invite: Hash::of(&invite),
                            },
                        ));
                    }
                }
                admissions
            })
            .unwrap_or_default();
        let members = self.roster(into).unwrap_or_default();
        let new = admissions.into_iter().filter(|(school, _)| members.member(school).is_none());
        let acts: Vec<Act> = new.map(|(_, admission)| Act::Admit(admission)).collect();
        self.enact(into, acts, |_| true)?;
        let act = Act::Merge { into: *into, name };
        if !self.enact(from, vec![act], |roster| roster.merger().is_some())? {
            return Err(GroupError::NotAdmin(from.short()));
        }
        self.carry_after_merger(from)?;
        Ok(())
    }

    /// Follows the mergers of this school's groups: joins where they went, through the school that
    /// merged them, and shares this school's records there.
    pub(crate) async fn follow_mergers(self: &Arc<Self>, network: &Network) {
        for group in self.followed_groups() {
            let Some((into, by)) = self.unfinished_merger(&group) else { continue };
            if !self.is_member(&into) {
                let Some(by) = by.into_iter().find(|node| network.is_connected(node)) else {
                    continue;
                };
                if let Err(error) = self.pull_statements(network, by, into).await {
                    tracing::debug!(%error, "the group after a merger cannot be reached yet");
                    continue;
                }
                network.follow(self.channels()).await;
                network.catch_up_with(by, into);
            }
            let node = Arc::clone(self);
            let carrying =
                tokio::task::spawn_blocking(move || node.carry_after_merger(&group)).await;
            match carrying {
                Ok(Ok(())) => network::tell(self, network, into).await,
                Ok(Err(error)) => tracing::warn!(%error, "records were not shared after a merger"),
                Err(_) => return,
            }
        }
    }

    /// Where a group went, and the nodes of the school that merged it, unless this school's records
    /// are there already.
    fn unfinished_merger(
        &self,
        group: &GroupId,
    ) -> Option<(GroupId, Vec<staffroom_protocol::identity::PublicKey>)> {
        let merger = |roster: &Roster| {
            let merger = roster.merger()?;
            let nodes = roster.members().get(&merger.by)?.nodes.iter().copied().collect();
            Some((merger.into, nodes))
        };
        let found = self.with_membership(group, |set| merger(set.roster()))??;
        let key = [group.as_bytes().as_slice(), CARRIED].concat();
        let carried = self.store().local_get(Table::Groups, &key).ok().flatten();
        carried.is_none().then_some(found)
    }

    fn carry_after_merger(&self, from: &GroupId) -> Result<(), GroupError> {
        let Some((into, _)) = self.unfinished_merger(from) else { return Ok(()) };
        if !self.is_member(&into) {
            return Ok(());
        }
        self.carry_records(from, &into)?;
        let key = [from.as_bytes().as_slice(), CARRIED].concat();
        let value = Some(Vec::new());
        self.store().apply(vec![Change::Local { table: Table::Groups, key, value }])?;
        Ok(())
    }

    /// Shares with one group what this school shares with another: the same records, so that a
    /// reader of both sees each once.
    fn carry_records(&self, from: &GroupId, into: &GroupId) -> Result<(), GroupError> {
        if !self.may_publish(into) {
            return Ok(());
        }
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let (identity, own) = (self.identity(), self.identity().school());
        let (mut entries, mut changes) = (Vec::new(), Vec::new());
        let mut clock = Timestamp::default();
        for held in self.entries_of(from, &own)? {
            let key = EntryKey { group: *into, school: own, ..held.key() };
            let (Some(body), Ok(Some(summary))) = (held.body(), held.summary()) else { continue };
            if self.store().entry(&key)?.is_some() {
                continue;
            }
            clock = clock.max(held.clock()).next(self.agreed_millis(into));
            let files: Vec<Hash> = summary.files.iter().map(|file| file.hash).collect();
            let draft = Draft {
                group: *into,
                record: key.record,
                clock,
                kind: held.kind().to_owned(),
                content: Some((summary, BlobRef { hash: body.hash, size: body.size })),
                school: None,
            };
            let Ok(entry) = Entry::sign(draft, identity.certificate(), identity.node_key()) else {
                continue;
            };
            changes.extend(
                files.iter().chain([&body.hash]).map(|hash| possession(hash, &entry.key())),
            );
            entries.push(entry);
        }
        self.store_entries(&entries.iter().collect::<Vec<_>>(), changes)?;
        Ok(())
    }
}

//! Withdrawing a record: this school's own, one of a school that it goes on for, and as an admin one
//! of a school that departed; and bringing a withdrawal to a group that this school is not in any more.

use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::entry::{Draft, Entry, EntryKey};
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::Act;
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::identity::{NodeCertificate, PublicKey, SecretKey};
use staffroom_protocol::sync::message::{MAX_REQUEST_ITEMS, Refusal, Request, Response};
use utoipa::ToSchema;

use crate::clock::now_millis;
use crate::intake::Verdict;
use crate::network::Network;
use crate::node::Node;
use crate::publish::{PublishError, Told};
use crate::records::{HeldRecord, RecordError, school_name};
use crate::store::StoreError;

/// Members of a group that this school left which are asked in one round; each may take seconds to
/// find unreachable.
const ASKED_AT_ONCE: usize = 4;

/// Withdrawals brought at once, of about 400 bytes each.
const MAX_WITHDRAWALS: usize = 100;

/// A record that was withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Withdrawn {
    /// Its id.
    pub id: RecordId,
    /// Its title.
    pub title: String,
    /// The groups it was shared with.
    pub groups: Vec<String>,
    /// The school whose record it was, where it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl Node {
    /// Withdraws a record from all groups. The reason stays in the audit log. `passphrase` is the
    /// one that the school's key is locked with, if it is; the key is needed only where the school
    /// was removed from a group, which does not take its node's word any more.
    ///
    /// # Errors
    /// [`PublishError`] if there is no such record, it was withdrawn, or it is another school's that
    /// can do so itself.
    pub fn withdraw(
        &self,
        given: &str,
        reason: &str,
        passphrase: Option<&str>,
    ) -> Result<(Withdrawn, Told), PublishError> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.find_record(given)?;
        let EntryKey { school, record, .. } = held.entry.key();
        if held.entry.is_withdrawal() {
            return Err(RecordError::Withdrawn.into());
        }
        let noted = self.audit(&format!("withdrew {record}. Reason: {reason}"))?;
        let own_in = |group: &&GroupId| self.speaks_for(group, &school);
        let groups: Vec<GroupId> = held.groups.iter().filter(own_in).copied().collect();
        let of = school_name(self, &held.entry.key().group, &school);
        let (groups, entries) = if groups.is_empty() {
            (self.withdraw_as_admin(&held, &of)?, Vec::new())
        } else {
            let signed = groups.iter().map(|group| self.sign_withdrawal(&held, *group, passphrase));
            let signed = signed.collect::<Result<Vec<Entry>, PublishError>>()?;
            (groups, signed)
        };
        let awaited = entries.iter().map(Self::await_receipts);
        let with = awaited.chain([noted]).collect();
        self.store_entries(&entries.iter().collect::<Vec<_>>(), with)?;
        let mut names = self.group_names();
        let withdrawn = Withdrawn {
            id: record,
            title: held.summary.map(|summary| summary.title).unwrap_or_default(),
            groups: groups.iter().filter_map(|group| names.remove(group)).collect(),
            of: (school != self.identity().school()).then_some(of),
        };
        let told = entries.into_iter().filter(|entry| self.is_member(&entry.key().group));
        Ok((withdrawn, Told::of(&told.collect::<Vec<_>>())))
    }

    fn sign_withdrawal(
        &self,
        held: &HeldRecord,
        group: GroupId,
        passphrase: Option<&str>,
    ) -> Result<Entry, PublishError> {
        let EntryKey { school, record, .. } = held.entry.key();
        let draft = Draft {
            group,
            record,
            clock: held.entry.clock().next(self.agreed_millis(&group)),
            kind: held.entry.kind().to_owned(),
            content: None,
            school: Some(school),
        };
        let identity = self.identity();
        if self.was_removed(&group) {
            let key: SecretKey = self.home().school_key(passphrase)?;
            let certificate = NodeCertificate::issue(&key, key.public(), now_millis());
            return Ok(Entry::sign(draft, &certificate, &key)?);
        }
        Ok(Entry::sign(draft, identity.certificate(), identity.node_key())?)
    }

    fn was_removed(&self, group: &GroupId) -> bool {
        let own = self.identity().school();
        let left = self.with_membership(group, |set| {
            let departed = set.roster().members().get(&own)?.departed.as_ref()?;
            Some(departed.removed_by.is_none())
        });
        !self.is_member(group) && left.flatten() != Some(true)
    }

    /// Withdraws a record of a school that departed in every group where this school is an admin.
    fn withdraw_as_admin(
        &self,
        held: &HeldRecord,
        name: &str,
    ) -> Result<Vec<GroupId>, PublishError> {
        let EntryKey { school, record, .. } = held.entry.key();
        let own = self.identity().school();
        let mut withdrawn = Vec::new();
        for group in &held.groups {
            let departed =
                |roster: &Roster| roster.is_admin(&own) && roster.member(&school).is_none();
            if self.with_membership(group, |set| departed(set.roster())) != Some(true) {
                continue;
            }
            let act = Act::Withdraw { school, records: vec![record] };
            let takes_effect = |roster: &Roster| {
                let departed = roster.members().get(&school).and_then(|one| one.departed.as_ref());
                departed.is_some_and(|departure| departure.withdrawn.contains(&record))
            };
            if self.enact(group, vec![act], takes_effect)? {
                withdrawn.push(*group);
            }
        }
        if withdrawn.is_empty() {
            return Err(RecordError::NotOwn(name.to_owned()).into());
        }
        Ok(withdrawn)
    }

    /// Brings this school's withdrawals to groups that it is not in any more, until each of their
    /// members has confirmed them.
    pub(crate) async fn deliver_withdrawals(self: &Arc<Self>, network: &Network, round: u32) {
        for group in self.group_ids().into_iter().filter(|group| !self.is_member(group)) {
            let looking = Arc::clone(self);
            let missing =
                tokio::task::spawn_blocking(move || looking.undelivered(&group, round)).await;
            let Ok(Ok(missing)) = missing else { continue };
            for (node, entries) in missing {
                let addresses = self.contacts().addresses(&node);
                let request = Request::Withdraw { group, entries };
                self.ask_for_receipts_of(network, (group, node), addresses, request).await;
            }
        }
    }

    /// Some of the members that have not confirmed withdrawals, and those withdrawals; others in
    /// each round.
    fn undelivered(
        &self,
        group: &GroupId,
        round: u32,
    ) -> Result<Vec<(PublicKey, Vec<ByteBuf>)>, StoreError> {
        let missing: Vec<(PublicKey, Vec<Hash>)> =
            self.missing_receipts(group)?.into_iter().collect();
        let turn = usize::try_from(round).unwrap_or(0) * ASKED_AT_ONCE % missing.len().max(1);
        let asked = missing.iter().cycle().skip(turn).take(ASKED_AT_ONCE.min(missing.len()));
        let mut undelivered = Vec::new();
        for (node, withdrawals) in asked {
            let mut entries = Vec::new();
            for hash in withdrawals.iter().take(MAX_WITHDRAWALS) {
                if let Some((_, held)) = self.store().entry_by_hash(hash)? {
                    entries.push(ByteBuf::from(held.bytes));
                }
            }
            undelivered.push((*node, entries));
        }
        Ok(undelivered)
    }

    /// Takes withdrawals of schools that departed, whoever brings them: their signatures say whose
    /// they are. Returns what became of each, and the answer.
    pub(crate) fn take_withdrawals(
        &self,
        group: GroupId,
        entries: &[ByteBuf],
        from: PublicKey,
    ) -> Result<(Vec<Verdict>, Response), StoreError> {
        let mut hashes = Vec::new();
        for bytes in entries {
            let departed = self.verifier.open(bytes).is_ok_and(|entry| {
                entry.is_withdrawal() && self.has_departed(&group, &entry.author())
            });
            if !departed {
                return Ok((Vec::new(), Response::Refused(Refusal::NotShared)));
            }
            hashes.push(Hash::of(bytes));
        }
        let verdicts =
            self.accept_entries(group, entries.iter().map(|bytes| bytes.as_slice()), from)?;
        Ok((verdicts, Response::Receipts { receipts: self.receipts(&group, &hashes)? }))
    }

    fn has_departed(&self, group: &GroupId, school: &SchoolId) -> bool {
        self.is_member(group)
            && self.with_membership(group, |set| {
                let member = set.roster().members().get(school);
                member.is_some_and(|member| member.departed.is_some())
            }) == Some(true)
    }
}

/// Answers a node that brings withdrawals, and tells the group of those that are new.
pub(crate) async fn answer(
    node: &Arc<Node>,
    peer: PublicKey,
    group: GroupId,
    entries: Vec<ByteBuf>,
) -> Response {
    if entries.len() > MAX_REQUEST_ITEMS {
        return Response::Refused(Refusal::Malformed);
    }
    let (taking, taken) = (Arc::clone(node), entries.clone());
    let taken = tokio::task::spawn_blocking(move || taking.take_withdrawals(group, &taken, peer));
    let Ok(Ok((verdicts, response))) = taken.await else {
        return Response::Refused(Refusal::Busy);
    };
    let stored = entries.iter().zip(&verdicts).filter(|(_, one)| **one == Verdict::Stored);
    let new: Vec<Entry> = stored.filter_map(|(bytes, _)| Entry::reopen(bytes).ok()).collect();
    if !new.is_empty() {
        Told::of(&new).tell(node).await;
    }
    response
}

//! Erasing what was withdrawn, saying so to the school that withdrew it, and keeping what others
//! say of this school's withdrawals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{Entry, EntryKey};
use staffroom_protocol::hash::{GroupId, Hash, RecordId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::receipt::{Erasure, Receipt};
use staffroom_protocol::sync::message::{MAX_REQUEST_ITEMS, Request, Response};
use utoipa::ToSchema;

use crate::ago::minute;
use crate::clock::now_millis;
use crate::network::Network;
use crate::node::Node;
use crate::records::RecordError;
use crate::store::{Change, StoreError, Table};

/// Withdrawals that are stored, and entries that were dropped, whose content has still to be erased:
/// before their hash.
const ERASING: &[u8] = b"erase";

/// Behind the group, before the hash of a withdrawal: when its content was erased here.
const ERASED: &[u8] = b"erased";

/// The same for what this school withdrew and not all members have confirmed.
const AWAITED: &[u8] = b"awaited";

/// The same, and behind the hash a school: its receipt.
const RECEIPT: &[u8] = b"receipt";

/// How long a backup is kept, after which it holds nothing that was withdrawn before it was made.
const BACKUPS_EXPIRE: Duration = Duration::from_secs(35 * 24 * 3600);

/// What a member says of a withdrawal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MemberReceipt {
    /// The group.
    pub group: String,
    /// The member.
    pub school: String,
    /// Since when nothing of it is left there; none where the member has not confirmed it.
    pub erased: Option<String>,
    /// By when it is in none of the member's backups.
    pub backups_by: Option<String>,
}

/// Who has confirmed a withdrawal, and who has not.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WithdrawalReceipts {
    /// The record.
    pub id: RecordId,
    /// When it was withdrawn.
    pub withdrawn: String,
    /// Every member of the groups that it was shared with.
    pub members: Vec<MemberReceipt>,
}

impl WithdrawalReceipts {
    /// When it was withdrawn, and how many schools have still to confirm.
    pub(crate) fn sentence(&self) -> String {
        let outstanding = self.members.iter().filter(|member| member.erased.is_none()).count();
        let withdrawn = minute(&self.withdrawn);
        match (self.members.len(), outstanding) {
            (0, _) => format!("Withdrawn at {withdrawn}. No other school had it."),
            (_, 0) => format!("Withdrawn at {withdrawn}. All schools have erased it."),
            (all, some) => {
                format!("Withdrawn at {withdrawn}. {some} of {all} schools have still to confirm.")
            }
        }
    }
}

fn key(group: &GroupId, what: &[u8], withdrawal: &Hash) -> Vec<u8> {
    [group.as_bytes().as_slice(), what, withdrawal.as_bytes()].concat()
}

fn set(table: Table, key: Vec<u8>, value: Option<Vec<u8>>) -> Change {
    Change::Local { table, key, value }
}

/// The changes that see to it that the content of withdrawals, or of entries that were dropped, is
/// erased. A withdrawal's mark names its group, where a receipt is asked for.
pub(crate) fn marks<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Change> {
    entries
        .into_iter()
        .map(|entry| {
            let key = [ERASING, entry.hash().as_bytes()].concat();
            let group = entry.is_withdrawal().then(|| entry.key().group.as_bytes().to_vec());
            set(Table::Settings, key, Some(group.unwrap_or_default()))
        })
        .collect()
}

impl Node {
    /// The withdrawals, with their groups, and the dropped entries whose content has still to be
    /// erased.
    fn erasing(&self) -> Result<Vec<(Option<GroupId>, Hash)>, StoreError> {
        let marked = self.store().local_scan(Table::Settings, ERASING)?.into_iter();
        Ok(marked
            .filter_map(|(key, group)| {
                let hash = <[u8; 32]>::try_from(key.get(ERASING.len()..)?).ok()?;
                let group = <[u8; 32]>::try_from(group).ok().map(GroupId::from_bytes);
                Some((group, Hash::from_bytes(hash)))
            })
            .collect())
    }

    /// Erases what was withdrawn or replaced from the journal and the index, once it is gone from
    /// everything else; says how many changes that were.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be rewritten; it is as it was then.
    pub(crate) fn erase(&self) -> Result<u64, StoreError> {
        let erasing = self.erasing()?;
        if erasing.is_empty() || !self.indexer().is_up_to_date(self.store()) {
            return Ok(0);
        }
        match self.indexer().purge() {
            Ok(true) => {}
            // The engine is merging that segment; the next round finds it done.
            Ok(false) => return Ok(0),
            Err(error) => {
                tracing::warn!(%error, "the search index could not be written anew");
                return Ok(0);
            }
        }
        let erased = self.store().erase()?;
        let now = now_millis();
        let mut changes = Vec::new();
        for (group, hash) in erasing {
            changes.push(set(Table::Settings, [ERASING, hash.as_bytes()].concat(), None));
            if let Some(group) = group {
                let value = Some(now.to_be_bytes().to_vec());
                changes.push(set(Table::Groups, key(&group, ERASED, &hash), value));
            }
        }
        self.store().apply(changes)?;
        tracing::info!(changes = erased, "erased what was withdrawn from the journal");
        Ok(erased)
    }

    /// This node's receipts for those of a group's withdrawals whose content it has erased.
    pub(crate) fn receipts(
        &self,
        group: &GroupId,
        withdrawals: &[Hash],
    ) -> Result<Vec<ByteBuf>, StoreError> {
        let mut receipts = Vec::new();
        for withdrawal in withdrawals.iter().take(MAX_REQUEST_ITEMS) {
            let Some(erased) =
                self.store().local_get(Table::Groups, &key(group, ERASED, withdrawal))?
            else {
                continue;
            };
            let erased = erased.try_into().map_or(0, u64::from_be_bytes);
            let kept = u64::try_from(BACKUPS_EXPIRE.as_millis()).unwrap_or(u64::MAX);
            let erasure = Erasure {
                group: *group,
                withdrawal: *withdrawal,
                erased: Timestamp::from_millis(erased),
                backups_by: Timestamp::from_millis(erased.saturating_add(kept)),
            };
            let (certificate, node) = (self.identity().certificate(), self.identity().node_key());
            receipts.push(ByteBuf::from(Receipt::sign(erasure, certificate, node).as_bytes()));
        }
        Ok(receipts)
    }

    /// The change that has the members asked for receipts of this school's withdrawal.
    pub(crate) fn await_receipts(withdrawal: &Entry) -> Change {
        let EntryKey { group, record, .. } = withdrawal.key();
        let value = Some(record.as_bytes().to_vec());
        set(Table::Groups, key(&group, AWAITED, &withdrawal.hash()), value)
    }

    /// Asks the members that are connected for the receipts that are missing.
    pub(crate) async fn ask_for_receipts(self: &Arc<Self>, network: &Network) {
        for group in self.followed_groups() {
            let asking = Arc::clone(self);
            let missing =
                tokio::task::spawn_blocking(move || asking.missing_receipts(&group)).await;
            let Ok(Ok(missing)) = missing else { continue };
            for (node, withdrawals) in missing {
                if !network.is_connected(&node) {
                    continue;
                }
                let request = Request::Receipts { group, withdrawals };
                self.ask_for_receipts_of(network, (group, node), Vec::new(), request).await;
            }
        }
    }

    /// Asks one node of a group something that it answers with receipts, and keeps them.
    pub(crate) async fn ask_for_receipts_of(
        self: &Arc<Self>,
        network: &Network,
        (group, node): (GroupId, PublicKey),
        addresses: Vec<Multiaddr>,
        request: Request,
    ) {
        let Ok(Response::Receipts { receipts }) = network.ask(node, addresses, request).await
        else {
            return;
        };
        let keeping = Arc::clone(self);
        let kept =
            tokio::task::spawn_blocking(move || keeping.keep_receipts(&group, node, &receipts));
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "receipts were not kept");
        }
    }

    /// The nodes of members that have still to confirm withdrawals of this school, and which.
    pub(crate) fn missing_receipts(
        &self,
        group: &GroupId,
    ) -> Result<BTreeMap<PublicKey, Vec<Hash>>, StoreError> {
        let own = self.identity().school();
        let roster = self.roster(group).unwrap_or_default();
        let prefix = [group.as_bytes().as_slice(), AWAITED].concat();
        let mut missing: BTreeMap<PublicKey, Vec<Hash>> = BTreeMap::new();
        for (key, _) in self.store().local_scan(Table::Groups, &prefix)? {
            let Some(hash) =
                key.get(prefix.len()..).and_then(|hash| <[u8; 32]>::try_from(hash).ok())
            else {
                continue;
            };
            let mut all = true;
            for (school, member) in roster.current().filter(|(school, _)| *school != own) {
                if self.receipt(group, &Hash::from_bytes(hash), &school)?.is_none() {
                    all = false;
                    for node in &member.nodes {
                        let of_node = missing.entry(*node).or_default();
                        if of_node.len() < MAX_REQUEST_ITEMS {
                            of_node.push(Hash::from_bytes(hash));
                        }
                    }
                }
            }
            if all {
                self.store().apply(vec![set(Table::Groups, key, None)])?;
            }
        }
        Ok(missing)
    }

    fn keep_receipts(
        &self,
        group: &GroupId,
        from: PublicKey,
        receipts: &[ByteBuf],
    ) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for bytes in receipts.iter().take(MAX_REQUEST_ITEMS) {
            let Ok(receipt) = Receipt::verify(bytes) else { continue };
            let Erasure { group: of, withdrawal, .. } = *receipt.erasure();
            if of == *group && receipt.node() == from {
                let school = receipt.school();
                let key = [key(group, RECEIPT, &withdrawal), school.as_bytes().to_vec()].concat();
                changes.push(set(Table::Groups, key, Some(bytes.to_vec())));
            }
        }
        if changes.is_empty() { Ok(()) } else { self.store().apply(changes).map(|_| ()) }
    }

    fn receipt(
        &self,
        group: &GroupId,
        withdrawal: &Hash,
        school: &staffroom_protocol::hash::SchoolId,
    ) -> Result<Option<Receipt>, StoreError> {
        let key = [key(group, RECEIPT, withdrawal), school.as_bytes().to_vec()].concat();
        let kept = self.store().local_get(Table::Groups, &key)?;
        Ok(kept.and_then(|bytes| Receipt::verify(&bytes).ok()))
    }

    /// Who has confirmed that nothing is left of a record that this school withdrew.
    ///
    /// # Errors
    /// [`RecordError`] if there is no such record, it is another school's, or it was not withdrawn.
    pub fn withdrawal_receipts(&self, given: &str) -> Result<WithdrawalReceipts, RecordError> {
        let (school, record) = self.find_record_id(given)?;
        let own = self.identity().school();
        let versions = self.store().versions_in_groups(&school, &record)?;
        if !versions.iter().any(|(group, _)| self.speaks_for(group, &school)) {
            return Err(RecordError::NotOwn(school.short()));
        }
        let names = self.group_names();
        let mut withdrawn = Timestamp::default();
        let mut members = Vec::new();
        for (group, version) in versions {
            if !version.withdrawal {
                return Err(RecordError::NotWithdrawn);
            }
            withdrawn = withdrawn.max(version.clock);
            let roster = self.roster(&group).unwrap_or_default();
            for (school, member) in roster.current().filter(|(school, _)| *school != own) {
                let receipt = self.receipt(&group, &version.hash, &school)?;
                let time = |time: fn(&Erasure) -> Timestamp| {
                    receipt.as_ref().map(|receipt| time(receipt.erasure()).to_string())
                };
                members.push(MemberReceipt {
                    group: names.get(&group).cloned().unwrap_or_else(|| group.short()),
                    school: member.claims.name.clone(),
                    erased: time(|erasure| erasure.erased),
                    backups_by: time(|erasure| erasure.backups_by),
                });
            }
        }
        Ok(WithdrawalReceipts { id: record, withdrawn: withdrawn.to_string(), members })
    }
}

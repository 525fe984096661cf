//! Where other nodes were last reached.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use libp2p::Multiaddr;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::MAX_ADDRESSES_PER_NODE;
use staffroom_protocol::wire;

use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, Store, StoreError, Table};

/// The addresses of nodes, kept across restarts.
#[derive(Debug)]
pub struct Contacts {
    store: Arc<dyn Store>,
    /// What the store has: it is looked up for every member every few seconds.
    known: RwLock<BTreeMap<PublicKey, Vec<Multiaddr>>>,
}

impl Contacts {
    pub(crate) fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let rows = store.local_scan(Table::Peers, &[])?;
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let key = PublicKey::from_bytes(key.try_into().ok()?);
            let texts: Vec<String> = wire::decode(&value, MAX_LOCAL_VALUE_BYTES).ok()?;
            Some((key, texts.iter().filter_map(|text| text.parse().ok()).collect()))
        };
        let known = RwLock::new(rows.into_iter().filter_map(read).collect());
        Ok(Self { store, known })
    }

    /// The addresses at which a node was last reached.
    pub fn addresses(&self, node: &PublicKey) -> Vec<Multiaddr> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(node).cloned().unwrap_or_default()
    }

    /// Keeps the addresses of a node in place of those kept before.
    pub fn remember(&self, node: PublicKey, addresses: &[Multiaddr]) {
        let addresses = addresses.get(..MAX_ADDRESSES_PER_NODE).unwrap_or(addresses);
        if addresses.is_empty() || self.addresses(&node) == addresses {
            return;
        }
        let texts: Vec<String> = addresses.iter().map(Multiaddr::to_string).collect();
        let change = Change::Local {
            table: Table::Peers,
            key: node.as_bytes().to_vec(),
            value: Some(wire::encode(&texts)),
        };
        match self.store.apply(vec![change]) {
            Ok(_) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known.insert(node, addresses.to_vec());
            }
            Err(error) => tracing::warn!(%error, "the address of a node was not kept"),
        }
    }
}

//! Where other nodes were last reached.

use std::sync::Arc;

use libp2p::Multiaddr;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::MAX_ADDRESSES_PER_NODE;
use staffroom_protocol::wire;

use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, Store, Table};

/// The addresses of nodes, kept across restarts.
#[derive(Debug)]
pub struct Contacts {
    store: Arc<dyn Store>,
}

impl Contacts {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The addresses at which a node was last reached.
    pub fn addresses(&self, node: &PublicKey) -> Vec<Multiaddr> {
        let stored = self.store.local_get(Table::Peers, node.as_bytes());
        let Ok(Some(bytes)) = stored else { return Vec::new() };
        let texts: Vec<String> = wire::decode(&bytes, MAX_LOCAL_VALUE_BYTES).unwrap_or_default();
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Keeps the addresses of a node in place of those kept before.
    pub fn remember(&self, node: PublicKey, addresses: &[Multiaddr]) {
        if addresses.is_empty() || self.addresses(&node) == addresses {
            return;
        }
        let texts: Vec<String> =
            addresses.iter().take(MAX_ADDRESSES_PER_NODE).map(Multiaddr::to_string).collect();
        let change = Change::Local {
            table: Table::Peers,
            key: node.as_bytes().to_vec(),
            value: Some(wire::encode(&texts)),
        };
        if let Err(error) = self.store.apply(vec![change]) {
            tracing::warn!(%error, "the address of a node was not kept");
        }
    }
}

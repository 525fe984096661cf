//! What an administrator set, one value a key, kept across restarts.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Change, Store, StoreError, Table};

/// What was set under a key; none if nothing was. What cannot be read counts as not set, and the log
/// says by which command to set it again.
pub(crate) fn read<T: DeserializeOwned>(
    store: &dyn Store,
    key: &[u8],
    command: &str,
) -> Result<Option<T>, StoreError> {
    let stored = store.local_get(Table::Settings, key)?;
    Ok(stored.and_then(|bytes| {
        let read = serde_json::from_slice(&bytes);
        read.inspect_err(|error| {
            tracing::error!(%error, "what was set cannot be read; set it again with: {command}");
        })
        .ok()
    }))
}

/// Sets a value, or with none forgets what was set.
pub(crate) fn write<T: Serialize>(
    store: &dyn Store,
    key: &[u8],
    value: Option<&T>,
) -> Result<(), StoreError> {
    let value = value.and_then(|value| serde_json::to_vec(value).ok());
    store.apply(vec![Change::Local { table: Table::Settings, key: key.to_vec(), value }]).map(drop)
}

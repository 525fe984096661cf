//! How much room files have.

use serde::{Deserialize, Serialize};
use staffroom_protocol::keeping::Quota;
use utoipa::ToSchema;

const GIBIBYTE: u64 = 1024 * 1024 * 1024;

/// What a school's technician may set; nobody has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StorageSettings {
    /// Bytes of other schools' files that this node holds at most.
    pub total: u64,
    /// Bytes of one other school's files that are kept for the sake of others.
    pub per_school: u64,
    /// Bytes of the disk that stay free.
    pub min_free: u64,
    /// Whether what has come of a file stays where the rest cannot be had.
    pub keep_unfinished: bool,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            // A tenth of the smallest disk of a server that is sold today.
            total: 50 * GIBIBYTE,
            per_school: 10 * GIBIBYTE,
            min_free: 2 * GIBIBYTE,
            keep_unfinished: true,
        }
    }
}

impl StorageSettings {
    /// What a keeper goes by.
    pub(super) fn quota(&self) -> Quota {
        let Self { total, per_school, min_free, .. } = *self;
        Quota { total, per_school, min_free }
    }
}

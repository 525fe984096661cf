//! A record of this kind.

use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary};

/// A record of this kind.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Offer {}

impl Offer {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}

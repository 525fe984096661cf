//! What must never leave a school: the scan for what identifies pupils.
//!
//! It finds known patterns and cannot promise more: it does not recognise names. It says where and
//! what sort, and never repeats what it found.

mod urn;

use serde::{Deserialize, Serialize};

pub use urn::Urn;

/// What sort of thing was found. The names are what people and `cleared` lists use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A unique pupil number with a valid check letter.
    Upn,
}

/// Something found, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The field or file name.
    pub place: String,
    /// What sort.
    pub sort: Sort,
    /// Whether it stops the record from being shared.
    pub refused: bool,
}

/// An author's word that a find was looked at and may be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearance {
    /// What sort of find.
    pub sort: Sort,
    /// Why it may be shared.
    pub reason: String,
}

/// Looks through one text. `today` decides which dates of birth may be a pupil's.
pub fn scan(_place: &str, _text: &str, _today: jiff::civil::Date) -> Vec<Finding> {
    Vec::new()
}

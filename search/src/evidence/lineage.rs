//! What a whole lineage shows: an intervention, all adoptions of it and of those, and their reports.

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{RecordId, SchoolId};

/// Strength of evidence, weakest first: our rating, computed, and independent of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Words alone, or one group measured twice.
    Described,
    /// A weak comparison.
    EarlySign,
    /// A fair comparison.
    Promising,
    /// A good comparison.
    Tested,
    /// Good comparisons in more than one school.
    WellTested,
}

impl Strength {
    /// All strengths, weakest first.
    pub const ALL: [Self; 5] =
        [Self::Described, Self::EarlySign, Self::Promising, Self::Tested, Self::WellTested];

    /// The name as data, addresses and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Described => "described",
            Self::EarlySign => "early_sign",
            Self::Promising => "promising",
            Self::Tested => "tested",
            Self::WellTested => "well_tested",
        }
    }

    /// How many steps it stands above no evidence at all.
    pub(crate) const fn steps(self) -> u8 {
        self as u8 + 1
    }
}

/// The evidence of a lineage in short, as each of its records carries it into the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineageEvidence {
    /// The school and record of the intervention that the lineage starts from.
    pub origin: (SchoolId, RecordId),
    /// The strength; none while nobody has reported.
    pub strength: Option<Strength>,
    /// Schools that started.
    pub started: u32,
    /// Schools that reported.
    pub reported: u32,
    /// Schools that stopped.
    pub stopped: u32,
    /// Schools in which it did not work: their effect is below 0, or they concluded to stop.
    pub did_not_work: u32,
    /// The pooled effect in the outcome domain with the most schools; of one school its own.
    pub effect: Option<Interval>,
    /// The phases of the schools that started, as the vocabulary spells them.
    pub phases: Vec<String>,
}

/// An effect with its 95 % interval, as Hedges' g; plus is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

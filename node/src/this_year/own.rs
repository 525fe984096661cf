//! This school's own records, with when they were.

use jiff::civil::Date;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::{Kind, Period, State};
use staffroom_search::{Facet, Filters};

use crate::clock::today;
use crate::node::Node;
use crate::published::ListError;
use crate::records::HeldRecord;

/// Of each kind, the school's own records that are looked at: ten years of a school that tries much.
const MOST_OF_A_KIND: usize = 400;

/// A record of this school with its day where it has no dates of its own.
#[derive(Clone)]
pub(super) struct Own {
    pub(super) held: HeldRecord,
    pub(super) day: Date,
}

impl Own {
    pub(super) fn state(&self) -> Option<State> {
        self.held.summary.as_ref()?.state.as_deref()?.parse().ok()
    }

    /// Its own dates, or else its day.
    pub(super) fn time(&self) -> Period {
        let period = self.held.summary.as_ref().and_then(|summary| summary.period);
        period.unwrap_or(Period { from: self.day, to: Some(self.day) })
    }

    /// The last day that a report is on.
    pub(super) fn ended(&self) -> Date {
        let time = self.time();
        time.to.unwrap_or(self.day.max(time.from))
    }

    /// What a report is on.
    pub(super) fn on(&self) -> Option<RecordId> {
        Some(self.held.summary.as_ref()?.references.first()?.record)
    }
}

impl Node {
    /// This school's own records of a kind, the newest first, and how many more there are.
    pub(super) fn own_records(&self, kind: Kind) -> Result<(Vec<Own>, usize), ListError> {
        let own = Filters::default()
            .with(Facet::School, self.identity().school())
            .with(Facet::Kind, kind.as_str());
        let (held, older) = self.newest_held(own, MOST_OF_A_KIND)?;
        let records = held.into_iter().filter_map(|held| {
            let shared = held.entry.clock().to_string();
            let shared = shared.get(..10).and_then(|day| day.parse().ok());
            let day = held.summary.as_ref()?.created.or(shared).unwrap_or_else(today);
            Some(Own { held, day })
        });
        Ok((records.collect(), older))
    }
}

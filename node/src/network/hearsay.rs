//! What members say of when they heard from others, and what time it is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_REQUEST_ITEMS, Request, Response};

use super::{Network, Offence};
use crate::node::Node;

/// Where the next question goes on in each group, and what the answers say of this node's clock.
#[derive(Debug, Default)]
pub(super) struct Hearsay {
    after: Mutex<BTreeMap<GroupId, SchoolId>>,
    clock: Family<[(&'static str, String); 1], Gauge>,
}

impl Hearsay {
    /// Shows how the clock stands among the metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "staffroom_clock_ahead_seconds",
            "By how much more than half of a group's schools asked say that this clock is ahead; \
             less than 0 where it is behind",
            self.clock.clone(),
        );
    }
}

/// Asks a member from whom it heard, a page at a time, and what time it is there.
pub(super) async fn ask(node: &Arc<Node>, network: &Network, peer: PublicKey, group: GroupId) {
    let hearsay = &network.shared.hearsay;
    let after = |next: Option<Option<SchoolId>>| {
        let mut after = hearsay.after.lock().unwrap_or_else(PoisonError::into_inner);
        match next {
            None => after.get(&group).copied(),
            Some(None) => after.remove(&group),
            Some(Some(last)) => after.insert(group, last),
        }
    };
    let request = Request::Heard { group, after: after(None) };
    let asked = Instant::now();
    let Ok(Response::Heard { now_millis, schools, more }) =
        network.ask(peer, Vec::new(), request).await
    else {
        return;
    };
    let came = Instant::now();
    if schools.len() > MAX_REQUEST_ITEMS {
        return network.offended(peer, Offence::Malformed).await;
    }
    after(Some(schools.last().filter(|_| more).map(|last| last.school)));
    let hearing = Arc::clone(node);
    let heard = tokio::task::spawn_blocking(move || {
        let school = hearing.with_membership(&group, |set| set.roster().school_of(&peer)).flatten();
        // A member that was removed while it answered.
        let school = school.filter(|school| *school != hearing.identity().school())?;
        hearing.heard_from(&peer);
        hearing.heard_that(&group, &schools);
        hearing.peer_clocks().note(school, now_millis, asked, came);
        hearing.clock_in(&group)
    });
    let Ok(Some(clock)) = heard.await else { return };
    let gauge = hearsay.clock.get_or_create(&[("group", group.short())]);
    gauge.set(clock.ahead_millis / 1_000);
}

//! What is counted of comparisons.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use staffroom_protocol::hash::GroupId;

type CountedBy = Family<[(&'static str, &'static str); 1], Counter>;

#[derive(Debug, Default)]
pub(super) struct Metrics {
    ended: CountedBy,
    unsettled: CountedBy,
    ordered: CountedBy,
    waiting: Gauge,
    lacking: Family<[(&'static str, String); 1], Gauge>,
}

impl Metrics {
    /// Shows the counts among the metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        let Self { ended, unsettled, ordered, waiting, lacking } = self;
        registry.register(
            "staffroom_comparisons",
            "Comparisons with other nodes, by how they ended",
            ended.clone(),
        );
        registry.register(
            "staffroom_unsettled",
            "Entries that another node has and that do not come to be here, each time that a \
             comparison finds them: refused here, or not given",
            unsettled.clone(),
        );
        registry.register(
            "staffroom_ordered_checks",
            "Daily comparisons of ordered hashes, by what they found",
            ordered.clone(),
        );
        registry.register(
            "staffroom_comparisons_waiting",
            "Comparisons that wait for their turn",
            waiting.clone(),
        );
        registry.register(
            "staffroom_entries_lacking",
            "Entries of a group that are known to be lacking, while it is compared",
            lacking.clone(),
        );
    }

    pub(super) fn ended(&self, how: &'static str) {
        self.ended.get_or_create(&[("ended", how)]).inc();
    }

    pub(super) fn unsettled(&self, refused: usize, not_given: usize) {
        for (reason, count) in [("refused", refused), ("not_given", not_given)] {
            let counter = self.unsettled.get_or_create(&[("reason", reason)]);
            counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn order_checked(&self, same: bool) {
        let found = if same { "same" } else { "different" };
        self.ordered.get_or_create(&[("found", found)]).inc();
    }

    pub(super) fn waiting(&self, count: usize) {
        self.waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn lacking(&self, group: &GroupId, count: usize) {
        let gauge = self.lacking.get_or_create(&[("group", group.short())]);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

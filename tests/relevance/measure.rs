//! How good an order is: nDCG with the relevance as gain, average precision and recall.

use std::collections::BTreeMap;
use std::time::Duration;

use staffroom_protocol::hash::RecordId;

/// What one query found, best first.
pub(super) struct Ranking {
    pub(super) found: Vec<RecordId>,
    pub(super) took: Duration,
}

/// The measures of one query.
pub(super) struct Measures {
    pub(super) ndcg_at_10: f64,
    pub(super) average_precision: f64,
    pub(super) recall_at_100: f64,
    pub(super) recall_at_1000: f64,
}

impl Measures {
    /// Measures an order against judgements, of which one at least is above 0. What was not judged
    /// is not relevant.
    pub(super) fn new(found: &[RecordId], judged: &BTreeMap<RecordId, u32>) -> Self {
        let gains: Vec<u32> =
            found.iter().map(|record| judged.get(record).copied().unwrap_or(0)).collect();
        let mut ideal: Vec<u32> = judged.values().copied().collect();
        ideal.sort_unstable_by(|left, right| right.cmp(left));
        let relevant = count(&ideal);
        let recall = |depth| count(&gains[..gains.len().min(depth)]) / relevant;
        let mut hits = 0.0;
        let mut precisions = 0.0;
        for (rank, gain) in (1_u32..).zip(&gains) {
            if *gain > 0 {
                hits += 1.0;
                precisions += hits / f64::from(rank);
            }
        }
        Self {
            ndcg_at_10: discounted(&gains) / discounted(&ideal),
            average_precision: precisions / relevant,
            recall_at_100: recall(100),
            recall_at_1000: recall(1_000),
        }
    }
}

fn count(gains: &[u32]) -> f64 {
    gains.iter().filter(|gain| **gain > 0).map(|_| 1.0).sum()
}

/// The discounted cumulative gain of the first ten (Järvelin and Kekäläinen, 2002).
fn discounted(gains: &[u32]) -> f64 {
    let ranked = (2_u32..).zip(gains).take(10);
    ranked.map(|(place, gain)| f64::from(*gain) / f64::from(place).log2()).sum()
}

/// The mean of a measure over all answers.
pub(super) fn mean<T>(answers: &[T], measure: impl Fn(&T) -> f64) -> f64 {
    let total: f64 = answers.iter().map(measure).sum();
    let count: f64 = answers.iter().map(|_| 1.0).sum();
    total / count
}

/// The time within which this share of all was done.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list of queries"
)]
pub(super) fn percentile(times: &[Duration], share: f64) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let place = (times.len() as f64 * share).ceil() as usize;
    times.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u8) -> RecordId {
        RecordId::from_bytes([n; 16])
    }

    #[test]
    fn a_perfect_order_has_all_measures_at_one_and_a_worse_one_less() {
        let judged = BTreeMap::from([(record(1), 3), (record(2), 1), (record(3), 0)]);
        let perfect = Measures::new(&[record(1), record(2), record(3)], &judged);
        assert_eq!((perfect.ndcg_at_10, perfect.average_precision), (1.0, 1.0));
        assert_eq!((perfect.recall_at_100, perfect.recall_at_1000), (1.0, 1.0));

        let worse = Measures::new(&[record(3), record(2), record(9)], &judged);
        let expected = (1.0 / 3_f64.log2()) / (3.0 + 1.0 / 3_f64.log2());
        assert!((worse.ndcg_at_10 - expected).abs() < 1e-12);
        assert_eq!((worse.average_precision, worse.recall_at_100), (0.25, 0.5));
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 0.5), Duration::from_millis(50));
        assert_eq!(percentile(&times, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&times[..1], 0.99), Duration::from_millis(1));
    }
}

//! What schools found, in a word or two beside a title. What did not work stands as plainly as what did.

use staffroom_search::evidence::{Interval, Strength};

use super::frame::Frame;
use crate::http::search::LineageReport;

/// A word or two on what schools found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Pupils gained so many standard deviations.
    Gain(f64),
    /// Pupils did worse than others.
    Worse,
    /// It was measured, and may be chance.
    Unclear,
    /// It was described in words.
    Described,
    /// No school has reported.
    NoReport,
    /// It did not work in so many schools.
    DidNotWork(u32),
}

impl Verdict {
    pub(super) fn of(lineage: &LineageReport) -> Vec<Self> {
        if lineage.reported == 0 {
            return vec![Self::NoReport];
        }
        // An effect of no more than described evidence is called no gain anywhere.
        let is_firm = lineage.strength > Some(Strength::Described);
        let over_all = match lineage.effect {
            Some(Interval { estimate, low, .. }) if is_firm && low > 0.0 => Self::Gain(estimate),
            Some(Interval { high, .. }) if is_firm && high < 0.0 => Self::Worse,
            Some(_) => Self::Unclear,
            None => Self::Described,
        };
        let failed = (lineage.did_not_work > 0).then_some(Self::DidNotWork(lineage.did_not_work));
        [Some(over_all), failed].into_iter().flatten().collect()
    }

    /// The class that colours it; the words say the same without a colour.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Gain(_) => "good",
            Self::Worse | Self::DidNotWork(_) => "bad",
            Self::Unclear | Self::Described | Self::NoReport => "unsure",
        }
    }

    pub(super) fn words(self, frame: &Frame) -> String {
        match self {
            Self::Gain(gain) => frame.with("verdict-gain", "gain", format!("{gain:+.2}")),
            Self::Worse => frame.t("verdict-worse"),
            Self::Unclear => frame.t("verdict-no-clear-difference"),
            Self::Described => frame.t("verdict-described"),
            Self::NoReport => frame.t("verdict-no-report"),
            Self::DidNotWork(schools) => frame.with("verdict-did-not-work", "count", schools),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage(reported: u32, did_not_work: u32, effect: Option<[f64; 3]>) -> LineageReport {
        LineageReport {
            strength: Some(Strength::Promising),
            started: 3,
            reported,
            stopped: 0,
            did_not_work,
            effect: effect.map(|[low, estimate, high]| Interval { estimate, low, high }),
            sentence: String::new(),
        }
    }

    #[test]
    fn failures_stand_beside_gains() {
        let gain = Some([0.1, 0.3, 0.5]);
        assert_eq!(Verdict::of(&lineage(0, 0, None)), [Verdict::NoReport]);
        assert_eq!(Verdict::of(&lineage(3, 0, gain)), [Verdict::Gain(0.3)]);
        let both = [Verdict::Gain(0.3), Verdict::DidNotWork(1)];
        assert_eq!(Verdict::of(&lineage(3, 1, gain)), both);
        assert_eq!(Verdict::of(&lineage(3, 0, Some([-0.5, -0.3, -0.1]))), [Verdict::Worse]);
        assert_eq!(Verdict::of(&lineage(3, 0, Some([-0.1, 0.3, 0.7]))), [Verdict::Unclear]);
        assert_eq!(Verdict::of(&lineage(1, 1, None)), [Verdict::Described, Verdict::DidNotWork(1)]);
        let described =
            LineageReport { strength: Some(Strength::Described), ..lineage(1, 0, gain) };
        assert_eq!(Verdict::of(&described), [Verdict::Unclear]);
    }
}

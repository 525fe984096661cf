//! From effects to places on the paper.

/// Quartile distances beyond the quartiles of all ends at which the axis is cut: three times what is
/// usual for an outlier, so that only what would flatten all else is.
const FENCE: f64 = 4.5;

/// The axis: effects from `low` to `high`, drawn from `left` to `right`.
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// One that shows 0 and all of `ends`, but for those far outside the others.
    pub(super) fn over(ends: impl Iterator<Item = f64>, left: f64, right: f64) -> Self {
        let mut ends: Vec<f64> = ends.filter(|end| end.is_finite()).collect();
        ends.push(0.0);
        ends.sort_by(f64::total_cmp);
        let quartile = |quarters: usize| ends[(ends.len() - 1) * quarters / 4];
        let (first, third) = (quartile(1), quartile(3));
        // Halved before they are subtracted, since the largest numbers lie further apart than any.
        let distance = third / 2.0 - first / 2.0;
        let reach = if distance > 0.0 { 2.0 * FENCE * distance } else { f64::INFINITY };
        let least = ends[0].max(first - reach);
        let most = ends[ends.len() - 1].min(third + reach);
        let span = most - least;
        let (low, high) = if span.is_finite() && span > 0.0 {
            (least - 0.04 * span, most + 0.04 * span)
        } else if span == 0.0 {
            (least - 1.0, most + 1.0)
        } else {
            (-1.0, 1.0)
        };
        Self { low, high, left, right }
    }

    /// Where `value` is drawn: at the end of the axis if it lies beyond.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        self.left + share * (self.right - self.left)
    }

    /// Where `value` is drawn, if it lies on the axis.
    pub(super) fn inside(&self, value: f64) -> Option<f64> {
        (self.low..=self.high).contains(&value).then(|| self.place(value))
    }

    /// Round numbers on the axis, and how many decimals they have.
    pub(super) fn ticks(&self) -> (Vec<f64>, usize) {
        const MOST: f64 = 6.0;
        let rough = (self.high - self.low) / MOST;
        let power = 10.0_f64.powi(rough.log10().floor() as i32);
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil();
        let ticks = (0..=MOST as i32 + 1)
            .map(|index| (first + f64::from(index)) * step)
            .take_while(|tick| *tick <= self.high)
            .collect();
        (ticks, (-step.log10().floor()).clamp(0.0, DECIMALS as f64) as usize)
    }
}

/// The most decimals that are written: three numbers of that many fit beside each other.
pub(super) const DECIMALS: usize = 4;

/// How many decimals tell apart what lies on an axis: two, unless it is short.
pub(super) fn decimals_for(scale: &Scale) -> usize {
    let places = 1.0 - ((scale.high - scale.low) / 2.0).log10().floor();
    places.clamp(2.0, DECIMALS as f64) as usize
}

/// A number with a minus sign that is as wide as a plus; in powers of ten where it is long.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let written =
        if value.abs() < 1_000.0 { format!("{value:.decimals$}") } else { format!("{value:.1e}") };
    let nothing =
        written.strip_prefix('-').filter(|rest| !rest.contains(|c| matches!(c, '1'..='9')));
    nothing.map_or_else(|| written.replace('-', "−"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_shows_0_and_all_but_what_would_flatten_the_rest() {
        let near = (0..8).flat_map(|one| [0.1, 0.2 + 0.05 * f64::from(one), 0.6]);
        let scale = Scale::over(near.clone(), 0.0, 100.0);
        assert!(scale.low < 0.0 && scale.high > 0.6 && scale.high < 0.7);
        assert_eq!((scale.place(-9.0), scale.place(9.0)), (0.0, 100.0));
        assert_eq!(scale.inside(9.0), None);
        let cut = Scale::over(near.chain([-1e9, 0.3, 1e9]), 0.0, 100.0);
        assert!(cut.low > -4.0 && cut.high < 4.0, "{} to {}", cut.low, cut.high);
    }

    #[test]
    fn ticks_are_round_and_few() {
        let scale = |low, high| Scale { low, high, left: 0.0, right: 1.0 };
        assert_eq!(
            scale(-0.3, 0.9).ticks(),
            (vec![-0.2, 0.0, 0.2, 0.4, 0.6000000000000001, 0.8], 1)
        );
        assert_eq!(scale(-1.0, 1.0).ticks(), (vec![-1.0, -0.5, 0.0, 0.5, 1.0], 1));
        assert_eq!(
            scale(-900.0, 2_000.0).ticks(),
            (vec![-500.0, 0.0, 500.0, 1_000.0, 1_500.0, 2_000.0], 0)
        );
        for (low, high) in [(-1e9, 1e9), (0.0, 1e-9), (-1e300, 1e300), (1e9, 1e9 + 1e-3)] {
            let (ticks, decimals) = scale(low, high).ticks();
            assert!(ticks.len() <= 8 && decimals <= DECIMALS, "{ticks:?}");
        }
    }

    #[test]
    fn numbers_are_short_and_0_has_no_sign() {
        assert_eq!(number(-0.253, 2), "−0.25");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(1e9, 2), "1.0e9");
        assert_eq!(number(-123_456.0, 2), "−1.2e5");
        assert_eq!(number(f64::NAN, 2), "NaN");
    }
}

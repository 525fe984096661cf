//! The effect that one impact report found.

use staffroom_protocol::record::impact_report::{Figures, Polarity};

/// The effect of a controlled design as Hedges' g, or the Cox index of numbers achieving; plus is
/// better. None where the design has no comparison group, the direction is unknown, or the groups
/// are too small for their figures to be shown.
pub fn effect(figures: &Figures) -> Option<f64> {
    let controlled = figures.design.is_some_and(|design| design.is_controlled());
    if !controlled || !figures.may_be_shown() {
        return None;
    }
    let difference = figures.intervention.difference_after(figures.comparison.as_ref()?)?;
    match figures.polarity? {
        Polarity::HigherIsBetter => Some(difference),
        Polarity::LowerIsBetter => Some(-difference),
    }
}

/// The number of pupils behind the figures, over both groups.
pub fn pupils(figures: &Figures) -> Option<u32> {
    if !figures.may_be_shown() {
        return None;
    }
    let comparison = figures.comparison.as_ref().map_or(0, |group| group.n);
    figures.intervention.n.checked_add(comparison)
}

//! A dot plot of the answers to one question: a line a term, a dot a school above its score. Shapes and
//! not colours tell them apart, so it can be printed in black and white.

use crate::framework::checklist::{Question, Spread};

/// Dots in one column before their number is written instead: what fits between two columns.
const MOST_DOTS: usize = 12;

/// Dots beside each other.
const IN_A_ROW: usize = 4;

// In pixels, at a height of text of 13.
const LABEL_WIDTH: usize = 104;
const COLUMN_WIDTH: usize = 62;
const HEAD_HEIGHT: usize = 24;
const LINE_HEIGHT: usize = 44;
const BETWEEN_DOTS: usize = 12;

/// What the template draws.
pub(super) struct Plot {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The middle of each column, with its score.
    pub(super) columns: Vec<(usize, u8)>,
    pub(super) lines: Vec<Line>,
}

/// One term.
pub(super) struct Line {
    pub(super) term: String,
    /// The line that the dots are on both sides of.
    pub(super) y: usize,
    pub(super) dots: Vec<Dot>,
    /// Numbers of schools in place of dots: where, and how many.
    pub(super) counts: Vec<(usize, usize)>,
}

/// A school, or a trust as a whole.
pub(super) struct Dot {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) sort: Sort,
}

#[derive(PartialEq, Eq)]
pub(super) enum Sort {
    School,
    /// This school.
    Own,
    Trust,
}

impl Plot {
    pub(super) fn of(question: &Question) -> Self {
        let columns: Vec<(usize, u8)> =
            (0..4).zip(1..).map(|(column, score)| (middle(column), score)).collect();
        let lines = question.terms.iter().enumerate().map(|(place, spread)| {
            Line::of(spread, HEAD_HEIGHT + place * LINE_HEIGHT + LINE_HEIGHT / 2)
        });
        Self {
            width: LABEL_WIDTH + 4 * COLUMN_WIDTH,
            height: HEAD_HEIGHT + question.terms.len() * LINE_HEIGHT,
            columns,
            lines: lines.collect(),
        }
    }
}

impl Line {
    fn of(spread: &Spread, y: usize) -> Self {
        let mut line = Self { term: spread.term.clone(), y, dots: Vec::new(), counts: Vec::new() };
        for (column, (schools, score)) in spread.schools.iter().zip(1_u8..).enumerate() {
            let own = usize::from(spread.own == Some(score));
            let trusts = spread.trusts.iter().filter(|given| **given == score).count();
            if schools + trusts > MOST_DOTS {
                line.counts.push((middle(column), schools + trusts));
                continue;
            }
            let sorts = (0..own).map(|_| Sort::Own);
            let sorts = sorts.chain((own..*schools).map(|_| Sort::School));
            let sorts = sorts.chain((0..trusts).map(|_| Sort::Trust));
            let in_row = (schools + trusts).min(IN_A_ROW);
            let rows = (schools + trusts).div_ceil(IN_A_ROW);
            let left = middle(column) - (in_row.saturating_sub(1)) * BETWEEN_DOTS / 2;
            let top = y - rows.saturating_sub(1) * BETWEEN_DOTS / 2;
            line.dots.extend(sorts.enumerate().map(|(place, sort)| Dot {
                x: left + place % IN_A_ROW * BETWEEN_DOTS,
                y: top + place / IN_A_ROW * BETWEEN_DOTS,
                sort,
            }));
        }
        line
    }
}

fn middle(column: usize) -> usize {
    LABEL_WIDTH + column * COLUMN_WIDTH + COLUMN_WIDTH / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(spread: Spread) -> Plot {
        Plot::of(&Question { label: String::new(), terms: vec![spread] })
    }

    #[test]
    fn every_school_is_a_dot_above_its_score_and_none_lies_on_another() {
        let spread =
            Spread { schools: [0, 7, 1, 0], own: Some(2), trusts: vec![3], ..Spread::default() };
        let plot = plot(spread);
        let dots = &plot.lines[0].dots;
        assert_eq!(dots.len(), 9);
        assert_eq!(dots.iter().filter(|dot| dot.sort == Sort::Own).count(), 1);
        assert_eq!(dots.iter().filter(|dot| dot.sort == Sort::Trust).count(), 1);
        for (place, dot) in dots.iter().enumerate() {
            assert!(dots[..place].iter().all(|other| (other.x, other.y) != (dot.x, dot.y)));
            let column = if place < 7 { 1 } else { 2 };
            assert!(dot.x.abs_diff(middle(column)) < COLUMN_WIDTH / 2, "{}", dot.x);
            assert!(dot.y.abs_diff(plot.lines[0].y) < LINE_HEIGHT / 2, "{}", dot.y);
        }
    }

    #[test]
    fn more_schools_than_there_is_room_for_are_a_number() {
        let spread = Spread { schools: [0, 0, MOST_DOTS + 1, 0], ..Spread::default() };
        let line = &plot(spread).lines[0];
        assert_eq!(line.counts, [(middle(2), MOST_DOTS + 1)]);
        assert!(line.dots.is_empty());
    }
}

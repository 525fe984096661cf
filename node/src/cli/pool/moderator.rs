//! Whether the effect goes with a number that schools differ in.

use serde::Serialize;
use staffroom_search::evidence::Comparison;
use staffroom_search::evidence::pool::{Estimate, Method, Moderated, moderator};

use super::printed::{between, degrees, entry, probability, short};
use super::table::Table;

/// The answer to `--moderator`.
#[derive(Debug, Serialize)]
pub(super) struct ByModerator {
    /// The column.
    column: String,
    /// How τ² was estimated, whatever estimates that of the pooled effect.
    method: Method,
    /// The smallest moderator of a pooled row.
    low: f64,
    /// The largest; the line says nothing about what lies outside.
    high: f64,
    /// The line of the effect over the moderator; none where none can be laid.
    line: Option<Moderated>,
    /// Why there is no line.
    why_not: Option<String>,
}

impl ByModerator {
    /// None where no moderator was asked for.
    pub(super) fn of(table: &Table) -> Option<Self> {
        let column = table.moderator.clone()?;
        let points: Option<Vec<(Estimate, f64)>> = table
            .estimates()
            .into_iter()
            .zip(&table.rows)
            .map(|(estimate, row)| Some((estimate, row.moderator?)))
            .collect();
        let points = points?;
        let (line, why_not) = match moderator(&points) {
            Ok(line) => (Some(line), None),
            Err(reason) => (None, Some(reason.to_string())),
        };
        let values = || points.iter().map(|(_, value)| *value);
        Some(Self {
            column,
            method: Method::Reml,
            low: values().fold(f64::INFINITY, f64::min),
            high: values().fold(f64::NEG_INFINITY, f64::max),
            line,
            why_not,
        })
    }

    /// The lines of a table, where there is a line of the effect.
    pub(super) fn entries(&self) -> String {
        let Some(line) = &self.line else { return String::new() };
        let (slope, wide) = (&line.slope, &line.slope.hksj_never_shrinks);
        let column = &self.column;
        let mut text = format!(
            "\nBy {column}, from {} to {}; τ² by {}\n\n",
            self.low,
            self.high,
            self.method.name()
        );
        let mut say = |name: &str, value: String, meaning: &str| {
            text.push_str(&entry(name, &value, meaning));
        };
        say(
            "slope",
            short(slope.estimate),
            &format!("how much the effect rises with each unit of {column}"),
        );
        say("  standard error", short(slope.se), "");
        say(
            "  95 % interval",
            between(slope.ci_low, slope.ci_high),
            &format!("on the normal distribution; {}", probability(slope.p)),
        );
        say(
            "  never narrower",
            between(wide.ci_low, wide.ci_high),
            &format!(
                "on t with {}, with a standard error no smaller than the one above \
                 (Knapp-Hartung); {}; the words below go by it",
                degrees(line.q_df),
                probability(wide.p)
            ),
        );
        let outside =
            if (self.low..=self.high).contains(&0.0) { "" } else { ", which lies outside" };
        say(
            "intercept",
            short(line.intercept.estimate),
            &format!("the effect where {column} is 0{outside}"),
        );
        say(
            "residual Q",
            short(line.q_residual),
            &format!(
                "on {}, {}: whether the effects differ from the line by more than chance",
                degrees(line.q_df),
                probability(line.q_p)
            ),
        );
        say("residual τ²", short(line.tau2), "the variance of true effects about the line");
        if let Some(r2) = line.r2 {
            say("R²", format!("{r2:.1} %"), "of the τ² without the moderator goes with it");
        }
        text
    }

    /// What it comes to, in sentences that go by the interval that is never narrower.
    pub(super) fn remark(&self) -> String {
        let column = &self.column;
        let Some(line) = &self.line else {
            let why_not = self.why_not.as_deref().unwrap_or_default();
            return format!("The effect is not compared by {column}: {why_not}.");
        };
        let size = line.slope.estimate;
        let wide = &line.slope.hksj_never_shrinks;
        let said = if wide.ci_low <= 0.0 && wide.ci_high >= 0.0 {
            let [fall, rise] = alike([wide.ci_low, wide.ci_high]);
            format!(
                "These estimates do not show whether the effect goes with {column}: with each unit \
                 of it the effect may fall by up to {fall} or rise by up to {rise} (95 % interval), \
                 and the slope could be chance."
            )
        } else {
            let (way, least, most) = if size < 0.0 {
                ("falls", wide.ci_high, wide.ci_low)
            } else {
                ("rises", wide.ci_low, wide.ci_high)
            };
            let [size, least, most] = alike([size, least, most]);
            format!(
                "With each unit of {column} the effect {way} by {size} (95 % interval {least} to \
                 {most}); chance alone {}. {}",
                how_often(wide.p),
                share(line)
            )
        };
        format!(
            "{said} Which school has which value of {column} was not left to lots: whatever goes \
             with it may make such a difference, or hide one."
        )
    }
}

/// How often chance shows a slope with a `p` below 0.05.
fn how_often(p: f64) -> String {
    if p < Comparison::RARE {
        return "would rarely show this".to_owned();
    }
    match (p * 100.0).round() as u8 {
        1 => "shows as much about once in 100 times".to_owned(),
        times => format!("shows as much about {times} times in 100"),
    }
}

/// How much of the variation goes with a slope that is clear.
fn share(line: &Moderated) -> String {
    match line.r2 {
        None => "Even without it, the effects differ by no more than chance.".to_owned(),
        Some(r2) if r2 < 0.5 => {
            "The effects lie as far from that line as from their mean.".to_owned()
        }
        Some(r2) => format!(
            "It accounts for an estimated {r2:.0} % of the variation between schools; such a share \
             is rough unless there are many estimates."
        ),
    }
}

/// Their sizes with as many decimals as show two digits of the first and one of the others.
fn alike<const N: usize>(values: [f64; N]) -> [String; N] {
    const MOST_DECIMALS: i32 = 12;
    let first_digit =
        |value: f64| if value == 0.0 { 0 } else { -value.abs().log10().floor() as i32 };
    let others = values.iter().map(|value| first_digit(*value)).max().unwrap_or_default();
    let first = values.first().map_or(0, |value| first_digit(*value) + 1);
    let decimals = first.max(others).clamp(2, MOST_DECIMALS) as usize;
    values.map(|value| format!("{:.decimals$}", value.abs()))
}

#[cfg(test)]
mod tests {
    use super::super::table::PooledRow;
    use super::*;

    /// Twelve made-up schools: weeks, effect and variance.
    const SCHOOLS: [(f64, f64, f64); 12] = [
        (3.0, 0.95, 0.020),
        (9.0, 0.05, 0.035),
        (4.0, 0.45, 0.015),
        (5.0, 0.61, 0.050),
        (12.0, -0.15, 0.025),
        (2.0, 0.52, 0.040),
        (10.0, 0.12, 0.030),
        (6.0, 0.47, 0.018),
        (8.0, -0.18, 0.022),
        (6.0, 0.40, 0.060),
        (14.0, -0.05, 0.028),
        (7.0, 0.42, 0.033),
    ];

    /// What puts each of them further from the line.
    const APART: [f64; 12] = [1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0];

    fn by_weeks(points: impl IntoIterator<Item = (f64, f64, f64)>) -> ByModerator {
        let row = |(row, (weeks, effect, variance))| PooledRow {
            row,
            label: None,
            effect,
            variance,
            weight: 0.0,
            moderator: Some(weeks),
        };
        let rows = (2..).zip(points).map(row).collect();
        let moderator = Some("weeks".to_owned());
        ByModerator::of(&Table { rows, moderator, ..Table::default() }).unwrap()
    }

    fn further_apart(by: f64) -> ByModerator {
        let points = SCHOOLS.into_iter().zip(APART);
        by_weeks(
            points.map(|((weeks, effect, variance), way)| (weeks, effect + by * way, variance)),
        )
    }

    // The numbers of each case come from a program of its own in Python with NumPy and SciPy.
    #[test]
    fn a_data_lead_reads_what_goes_with_weeks_and_how_sure_it_is() {
        for (apart, said) in [
            (
                0.0,
                "With each unit of weeks the effect falls by 0.081 (95 % interval 0.039 to 0.122); \
                 chance alone would rarely show this. It accounts for an estimated 77 % of the variation \
                 between schools; such a share is rough",
            ),
            (
                0.15,
                "With each unit of weeks the effect falls by 0.076 (95 % interval 0.009 to 0.142); \
                 chance alone shows as much about 3 times in 100. It accounts for an estimated 39 % of",
            ),
            (
                0.25,
                "These estimates do not show whether the effect goes with weeks: with each unit of \
                 it the effect may fall by up to 0.16 or rise by up to 0.01 (95 % interval), and the \
                 slope could be chance. Which school",
            ),
        ] {
            let remark = further_apart(apart).remark();
            assert!(remark.starts_with(said), "{remark}");
            assert_eq!(remark.matches("not left to lots").count(), 1, "{remark}");
        }
        let rising = by_weeks(SCHOOLS.map(|(weeks, effect, variance)| (-weeks, effect, variance)));
        let remark = rising.remark();
        assert!(remark.contains("rises by 0.081 (95 % interval 0.039 to 0.122)"), "{remark}");
    }

    #[test]
    fn a_slope_without_variation_to_account_for_claims_no_share() {
        let close = SCHOOLS.map(|(weeks, _, variance)| (weeks, 0.5 - 0.03 * weeks, 3.0 * variance));
        let remark = by_weeks(close).remark();
        assert!(remark.contains("could be chance") && !remark.contains("accounts"), "{remark}");
        let close = SCHOOLS.map(|(weeks, _, variance)| (weeks, 0.5 - 0.036 * weeks, variance));
        let remark = by_weeks(close).remark();
        assert!(remark.contains("Even without it, the effects differ by no more"), "{remark}");
    }

    #[test]
    fn an_intercept_outside_the_rows_says_so() {
        let warns = |text: &str| {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ").contains("the effect where weeks is 0, which lies outside")
        };
        assert!(warns(&further_apart(0.0).entries()));
        let from_0 = by_weeks(SCHOOLS.map(|(weeks, effect, v)| (weeks - 2.0, effect, v)));
        assert!(!warns(&from_0.entries()));
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let few = by_weeks(SCHOOLS.into_iter().take(9));
        assert_eq!(
            few.remark(),
            "The effect is not compared by weeks: a comparison by a moderator needs at least 10 \
             estimates, and there are 9."
        );
        assert!(few.line.is_none() && few.entries().is_empty());
        let same = by_weeks(SCHOOLS.map(|(_, effect, variance)| (6.0, effect, variance)));
        assert!(same.remark().contains("all have the same"), "{}", same.remark());
    }

    #[test]
    fn numbers_are_rounded_to_what_they_show() {
        assert_eq!(alike([-0.157_2, -0.081_6, -0.232_8]), ["0.16", "0.08", "0.23"]);
        assert_eq!(alike([0.16, 0.004_2, 0.315_8]), ["0.160", "0.004", "0.316"]);
        assert_eq!(alike([0.0, -0.3]), ["0.00", "0.30"]);
        assert_eq!(alike([12.0, 8.0, 16.0]), ["12.00", "8.00", "16.00"]);
    }
}

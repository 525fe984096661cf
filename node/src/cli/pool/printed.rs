//! What `staffroom pool` prints.

use staffroom_search::evidence::pool::EGGER_LEAST;

use super::moderator::ByModerator;
use super::table::MOST_TOLD;
use super::{Pool, Report, WithoutRow};

/// The fewest estimates whose prediction interval is put into words.
const PREDICTION_LEAST: usize = 5;

/// The answer in words and three columns.
pub(super) fn text(pool: &Pool, report: &Report) -> String {
    let mut text =
        format!("{}, {}, by {}\n\n", pool.file.display(), counted(report.k), report.method.name());
    let mut say = |name: &str, value: String, meaning: &str| {
        text.push_str(&entry(name, &value, meaning));
    };
    say(
        "estimate",
        short(report.estimate),
        "the mean of the effects, weighted by 1/(variance + τ²)",
    );
    say("standard error", short(report.se), "");
    say("95 % interval", between(report.ci_low, report.ci_high), "on the normal distribution");
    say(
        "p",
        if report.p < 0.000_1 { "below 0.0001".to_owned() } else { format!("{:.4}", report.p) },
        "how often chance alone gives a mean as far from 0",
    );
    if let (Some(plain), Some(wide)) = (&report.hksj, &report.hksj_never_shrinks) {
        say(
            "HKSJ interval",
            between(plain.ci_low, plain.ci_high),
            &format!(
                "from how far the effects really lie apart (Hartung-Knapp-Sidik-Jonkman), on t \
                 with {}; {}",
                degrees(report.q_df),
                probability(plain.p)
            ),
        );
        say(
            "  never narrower",
            between(wide.ci_low, wide.ci_high),
            "the same, with a standard error no smaller than the one above: the one that pages \
             show",
        );
    }
    if let Some(prediction) = &report.prediction {
        let meaning = if report.k < PREDICTION_LEAST {
            "with so few schools it says hardly anything"
        } else {
            "where the true effect in a similar school lies; one school's result varies more"
        };
        say("prediction interval", between(prediction.low, prediction.high), meaning);
    }
    if report.k > 1 {
        say(
            "Q",
            short(report.q),
            &format!(
                "on {}, {}: whether the effects differ by more than chance",
                degrees(report.q_df),
                probability(report.q_p)
            ),
        );
        say(
            "I²",
            format!("{:.1} %", report.i2),
            "of the variation between effects is more than chance",
        );
        say("τ²", short(report.tau2), "the variance of true effects between schools");
        if let (Some(low), Some(high)) = (report.tau2_ci_low, report.tau2_ci_high) {
            say("  95 % interval", between(low, high), "by the Q-profile");
        }
    }
    match &report.egger {
        Some(egger) => say(
            "Egger's test",
            short(egger.intercept),
            &format!(
                "{}: whether small studies differ from large ones, as they do where some \
                 results were left out",
                probability(egger.p)
            ),
        ),
        None if report.k == 1 => {}
        None => say(
            "Egger's test",
            "-".to_owned(),
            &format!("takes {EGGER_LEAST} estimates, with variances that differ"),
        ),
    }
    if let Some((low, high)) = extremes(report.leave_one_out.as_deref().unwrap_or_default()) {
        say(
            "leaving one out",
            between(low.estimate, high.estimate),
            &format!("from without row {} to without row {}", low.row, high.row),
        );
    }
    if let Some(moderator) = &report.moderator {
        text.push_str(&moderator.entries());
    }
    text.push('\n');
    for remark in remarks(report) {
        text.push_str(&textwrap::fill(&remark, LINE));
        text.push('\n');
    }
    if let Some(path) = &pool.plot {
        text.push_str(&format!("Forest plot: {}\n", path.display()));
    }
    text
}

/// The lowest and the highest pooled estimate without one row.
fn extremes(without: &[WithoutRow]) -> Option<(&WithoutRow, &WithoutRow)> {
    let by = |one: &&WithoutRow, other: &&WithoutRow| one.estimate.total_cmp(&other.estimate);
    Some((without.iter().min_by(by)?, without.iter().max_by(by)?))
}

fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    match report.k {
        1 => remarks.push(
            "One estimate is its own mean: nothing can be said about other schools.".to_owned(),
        ),
        2 => remarks.push(
            "Two estimates say hardly anything about how far effects differ; give both of them \
             with the pooled one."
                .to_owned(),
        ),
        _ => {}
    }
    if report.k > 1 && report.rows.iter().all(|row| row.effect == report.rows[0].effect) {
        remarks.push(
            "All effects are equal, which makes the HKSJ interval a point: go by the one that is \
             never narrower."
                .to_owned(),
        );
    }
    remarks.extend(report.moderator.as_ref().map(ByModerator::remark));
    if !report.skipped.is_empty() {
        remarks
            .push(format!("Left out, for an empty effect or variance: {}.", rows(&report.skipped)));
    }
    remarks
}

fn rows(numbers: &[u64]) -> String {
    let [first, rest @ ..] = numbers else { return String::new() };
    let Some((last, between)) = rest.split_last() else { return format!("row {first}") };
    let mut rows = format!("rows {first}");
    for row in between.iter().take(MOST_TOLD - 1) {
        rows.push_str(&format!(", {row}"));
    }
    match numbers.len().saturating_sub(MOST_TOLD) {
        0 => format!("{rows} and {last}"),
        more => format!("{rows} and {more} more"),
    }
}

/// Letters of a line.
const LINE: usize = 80;

/// Keeps a number on the line of what it belongs to, until lines are broken.
const TIE: char = '\u{a0}';

/// A number and what it means, in three columns.
pub(super) fn entry(name: &str, value: &str, meaning: &str) -> String {
    const NAME: usize = 21;
    const VALUE: usize = 21;
    let start = format!("{name:<NAME$}{value:<VALUE$}");
    let indent = " ".repeat(NAME + VALUE);
    let options = textwrap::Options::new(LINE).initial_indent(&start).subsequent_indent(&indent);
    format!("{}\n", textwrap::fill(meaning, options).trim_end().replace(TIE, " "))
}

/// Four decimals, more where they would show fewer than three digits, or powers of ten.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (0.000_1..100_000.0).contains(&size) {
        let decimals = if size == 0.0 || size >= 0.01 {
            4
        } else if size >= 0.001 {
            5
        } else {
            6
        };
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}

pub(super) fn between(low: f64, high: f64) -> String {
    format!("{} to {}", short(low), short(high))
}

pub(super) fn counted(k: usize) -> String {
    format!("{k} {}", if k == 1 { "estimate" } else { "estimates" })
}

pub(super) fn degrees(count: usize) -> String {
    format!("{count} {} of freedom", if count == 1 { "degree" } else { "degrees" })
}

pub(super) fn probability(p: f64) -> String {
    if p < 0.000_1 { format!("p{TIE}below{TIE}0.0001") } else { format!("p{TIE}={TIE}{p:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_listed_as_people_write_them() {
        assert_eq!(rows(&[2]), "row 2");
        assert_eq!(rows(&[2, 5]), "rows 2 and 5");
        assert_eq!(rows(&[2, 5, 9]), "rows 2, 5 and 9");
        let many: Vec<u64> = (2..24).collect();
        assert!(rows(&many).ends_with(", 20, 21 and 2 more"), "{}", rows(&many));
    }

    #[test]
    fn numbers_show_three_digits_and_stay_beside_what_they_belong_to() {
        let shown = [0.0, 12.5, 0.015_74, 0.005_862, 0.000_412, 0.000_04].map(short);
        assert_eq!(shown, ["0.0000", "12.5000", "0.0157", "0.00586", "0.000412", "4.000e-5"]);
        let entry = entry("Q", "1.0000", &format!("on {}; {}", degrees(123), probability(0.25)));
        assert!(entry.ends_with("p = 0.2500\n"), "{entry}");
    }
}

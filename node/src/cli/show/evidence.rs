//! What schools found, as `staffroom show` prints it.

use console::style;
use staffroom_search::evidence::{ReportRow, WhoTable};

use crate::cli::output::{filled, filled_table};
use crate::http::EvidenceReport;

/// The summary, then for whom it worked, then the reports.
pub(super) fn paragraphs(evidence: &EvidenceReport) -> Vec<String> {
    let points = evidence.points().into_iter();
    points
        .map(|(label, text)| format!("\n{}\n{}", style(label).bold(), filled(&text, "")))
        .chain(who(&evidence.who))
        .chain(reports(&evidence.reports, evidence.more_reports))
        .collect()
}

fn who(tables: &[WhoTable]) -> Option<String> {
    let said: Vec<String> = tables.iter().map(who_table).collect();
    let heading = style("Who it worked for").bold();
    (!said.is_empty()).then(|| format!("\n{heading}\n{}", said.join("\n\n")))
}

fn who_table(table: &WhoTable) -> String {
    let head = [&table.heading, "Schools", "Pupils", "Effect (95 % interval)", "What that means"];
    let rows = table.rows.iter().map(|row| {
        [
            row.label.clone(),
            row.schools.to_string(),
            row.pupils.to_string(),
            row.effect.clone(),
            row.meaning.clone(),
        ]
    });
    format!(
        "{}\n{}{}",
        filled(&format!("{}:", table.caption), ""),
        filled_table(head, rows),
        filled(&table.remarks.join(" "), "")
    )
}

fn reports(rows: &[ReportRow], more: usize) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let head = ["School", "What was found", "How it was found", "Conclusion"];
    // Each takes several lines, so an empty one stands before the next.
    let cells = rows.iter().flat_map(|row| [Default::default(), report(row)]);
    let mut text =
        format!("\n{}\n{}", style("Report by report").bold(), filled_table(head, cells.skip(1)));
    if more > 0 {
        text.push_str(&format!("{more} more reports are listed with --json.\n"));
    }
    text.push_str(&filled(MEANING, ""));
    Some(text)
}

const MEANING: &str = "Effects are in standard deviations, plus is better. See a report whole with: \
                       staffroom show ID";

fn report(row: &ReportRow) -> [String; 4] {
    let mut found = row.effect.clone();
    if !row.outcome.is_empty() {
        found = format!("{}: {found}", row.outcome);
    }
    if !row.months.is_empty() {
        found.push_str(&format!(", {}", row.months));
    }
    if let Some(why) = &row.not_pooled {
        found.push_str(&format!(" (not in the pooled result: {why})"));
    }
    let pupils =
        if row.pupils.is_empty() { String::new() } else { format!("{} pupils", row.pupils) };
    let how = [pupils.as_str(), &row.design, &row.strength];
    let how: Vec<&str> = how.into_iter().filter(|part| !part.is_empty()).collect();
    let mut conclusion = row.conclusion.clone();
    if let Some(why) = &row.did_not_work {
        let point = if conclusion.is_empty() { "" } else { "; " };
        conclusion.push_str(&format!("{point}did not work here: {why}"));
    }
    [
        // A space that does not break keeps the id on one line with its name.
        format!("{}, id\u{a0}{}, {}", row.school_name, row.record.short(), row.what),
        found,
        how.join(", "),
        conclusion,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::width;
    use crate::lineage::ten_schools::ten_schools;
    use crate::lineage::tests::Trust;

    fn by_key_stage() -> (Trust, EvidenceReport) {
        let trust = ten_schools();
        let lineage = trust.node.lineage(trust.key(0, 1)).unwrap().unwrap();
        (trust, EvidenceReport::from_lineage(&lineage))
    }

    fn printed(evidence: &EvidenceReport) -> String {
        console::strip_ansi_codes(&paragraphs(evidence).join("\n")).into_owned()
    }

    /// Without the breaks between lines; columns of a table stay where they are.
    fn squeezed(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn evidence_is_printed_within_the_width_of_the_terminal() {
        let (_trust, evidence) = by_key_stage();
        let text = printed(&evidence);
        for line in text.lines() {
            assert!(console::measure_text_width(line) <= width().into(), "{line:?}\n{text}");
        }
        assert!(text.lines().any(|line| line.starts_with("  ")), "columns stay in place\n{text}");
        let squeezed = squeezed(&text);
        for part in [
            "Who it worked for Reading, by key stage:",
            "Results were better in Key Stage 1 than in Key Stage 2, and chance alone would rarely \
             show such a difference.",
            "Report by report School",
        ] {
            assert!(squeezed.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn a_report_is_four_cells() {
        let (trust, evidence) = by_key_stage();
        let cells = |school: usize, id: u8| {
            let key = trust.key(school, id);
            let row = evidence.reports.iter().find(|row| (row.school, row.record) == key);
            report(row.unwrap())
        };
        assert_eq!(
            cells(7, 27),
            [
                "School 7, id\u{a0}1b1b1b1b, report on the intervention",
                "Reading fluency: −0.10 (−0.49 to 0.29), no clear difference",
                "100 pupils, random by pupil, tested, 4 of 5",
                "continue; did not work here: pupils did no better than the comparison group",
            ]
        );
        let [_, found, how, conclusion] = cells(9, 40);
        assert_eq!(
            [found, how, conclusion],
            [
                "described in words",
                "described, described, 0 of 5",
                "stop; did not work here: the school concluded to stop",
            ]
        );
    }

    #[test]
    fn reports_that_are_not_listed_are_counted() {
        let (_trust, mut evidence) = by_key_stage();
        assert!(!printed(&evidence).contains("more reports"));
        evidence.more_reports = 3;
        assert!(printed(&evidence).contains("3 more reports are listed with --json."));
        (evidence.reports, evidence.who) = (Vec::new(), Vec::new());
        let text = printed(&evidence);
        assert!(!text.contains("Report by report") && !text.contains("Who it worked"), "{text}");
    }
}

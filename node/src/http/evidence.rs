//! What the lineage of a record shows, as the API, the pages and the command line give it.

use askama::Template;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use staffroom_search::evidence::{
    self, Analysis, ForestPlot, Lineage, LineageEvidence, Point, RecordKey, ReportRow, Sentence,
    WhoTable,
};
use utoipa::ToSchema;

use super::pages::frame::Frame;
use crate::node::Node;
use crate::records::RecordError;

/// Outcome domains that are drawn: more than a page is read for.
const MOST_PLOTS: usize = 4;

/// Reports that are listed one by one: more than a page is read for, and 100 KB of it.
const MOST_REPORTS: usize = 200;

/// What schools found, as a page shows it.
#[derive(Debug, Template)]
#[template(path = "evidence.html")]
pub(super) struct EvidenceSection<'a> {
    frame: &'a Frame,
    evidence: &'a EvidenceReport,
}

/// What the lineage of a record shows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EvidenceReport {
    /// In plain words.
    pub summary: Vec<Sentence>,
    /// In numbers, in short.
    pub in_short: LineageEvidence,
    /// A forest plot of each outcome domain as SVG, that with the most schools first.
    pub forest_plots: Vec<String>,
    /// The first reports in words, by the school's name.
    pub reports: Vec<ReportRow>,
    /// How many more there are; the lineage has them all.
    pub more_reports: usize,
    /// For which schools and pupils it worked: a table for each outcome domain and each of phase, key
    /// stage and group of pupils, where there are results of at least two.
    pub who: Vec<WhoTable>,
    /// Schools, reports and what is pooled in each outcome domain.
    #[schema(value_type = Lineage)]
    pub lineage: Value,
    /// Figures for analysts by outcome domain.
    #[schema(value_type = Vec<Analysis>)]
    pub analysis: Value,
}

impl EvidenceReport {
    /// That of the lineage that a record belongs to; none for what belongs to none.
    pub(super) fn of(node: &Node, key: RecordKey) -> Result<Option<Self>, RecordError> {
        let Some(lineage) = node.lineage(key)? else { return Ok(None) };
        Ok(Some(Self::from_lineage(&lineage)))
    }

    /// That of a lineage.
    pub(crate) fn from_lineage(lineage: &Lineage) -> Self {
        let plots = lineage.forest_plots();
        let analysis = evidence::analysis(lineage);
        let mut reports = evidence::report_rows(lineage);
        let more_reports = reports.len().saturating_sub(MOST_REPORTS);
        reports.truncate(MOST_REPORTS);
        Self {
            summary: evidence::summary(lineage),
            in_short: lineage.in_short(),
            forest_plots: plots.iter().take(MOST_PLOTS).map(ForestPlot::to_svg).collect(),
            reports,
            more_reports,
            who: evidence::who_it_worked_for(&analysis),
            lineage: value(lineage),
            analysis: value(&analysis),
        }
    }

    /// As a part of a page.
    pub(super) fn section<'a>(&'a self, frame: &'a Frame) -> EvidenceSection<'a> {
        EvidenceSection { frame, evidence: self }
    }

    /// The summary point by point: what each is about, and its sentences.
    pub(crate) fn points(&self) -> Vec<(&'static str, String)> {
        points(&self.summary)
    }
}

/// Sentences point by point: what each is about, and what is said of it.
pub(super) fn points(sentences: &[Sentence]) -> Vec<(&'static str, String)> {
    let mut points: Vec<(Point, Vec<&str>)> = Vec::new();
    for sentence in sentences {
        match points.last_mut() {
            Some((point, texts)) if *point == sentence.point => texts.push(&sentence.text),
            Some(_) | None => points.push((sentence.point, vec![&sentence.text])),
        }
    }
    points.into_iter().map(|(point, texts)| (point.label(), texts.join(" "))).collect()
}

fn value(shown: &impl Serialize) -> Value {
    serde_json::to_value(shown).unwrap_or_else(|error| {
        tracing::error!(%error, "evidence cannot be written as JSON");
        Value::Null
    })
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::hash::RecordId;
    use staffroom_protocol::record::Summary;
    use staffroom_search::evidence::{LineageKind, LineageRecord};

    use super::*;
    use crate::lineage::ten_schools::ten_schools;
    use crate::lineage::tests::Trust;

    fn by_key_stage() -> (Trust, EvidenceReport) {
        let trust = ten_schools();
        let report = EvidenceReport::of(&trust.node, trust.key(0, 1)).unwrap().unwrap();
        (trust, report)
    }

    fn page(report: &EvidenceReport) -> String {
        report.section(&Frame::for_tests()).render().unwrap()
    }

    #[test]
    fn a_page_lists_every_report_with_a_link_in_a_table_that_can_be_listened_to() {
        let (trust, report) = by_key_stage();
        let page = page(&report);
        assert_eq!(page.matches("<a href=\"/records/").count(), 11);
        let (school, record) = trust.key(7, 27);
        let link = format!("<a href=\"/records/{record}@{school}\">Report &#60;7&#62;</a>");
        for part in [
            "<caption id=\"reports\">What each school reported",
            "<th scope=\"col\">Conclusion</th>",
            "<th scope=\"row\">School 7</th>",
            &link,
            "(report on the intervention)",
            "<td>100</td><td>random by pupil</td><td>Reading fluency</td>\
             <td class=\"effect\">−0.10 (−0.49 to 0.29)</td><td>no clear difference</td>\
             <td>tested, 4 of 5</td><td>continue</td>\
             <td class=\"words\"><strong>Did not work here</strong>: pupils did no better than the comparison \
             group</td>",
            "<td>described</td><td></td><td class=\"effect\">described in words</td><td></td>\
             <td>described, 0 of 5</td><td>stop</td>\
             <td class=\"words\"><strong>Did not work here</strong>: the school concluded to stop</td>",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        // What is wider than a phone scrolls in a box of its own, which the keyboard reaches.
        let box_of =
            "<div class=\"wide\" role=\"region\" aria-labelledby=\"reports\" tabindex=\"0\">";
        assert!(page.contains(box_of), "{page}");
        assert_eq!(page.matches("<table>").count(), page.matches("<div class=\"wide\"").count());
        assert!(include_str!("../../assets/style/base.css").contains(".wide { overflow-x: auto;"));
        assert!(!page.contains("<7>"), "{page}");
    }

    #[test]
    fn a_page_says_for_whom_it_worked_where_results_differ() {
        let (trust, report) = by_key_stage();
        let page = page(&report);
        for part in [
            "Who it worked for",
            "<caption id=\"who-1\">Reading, by key stage</caption>",
            "<th scope=\"row\">Key Stage 1</th><td>5</td><td>500</td><td class=\"effect\">0.49 (0.23 to 0.74)</td>",
            "Results were better in Key Stage 1 than in Key Stage 2, and chance alone would rarely \
             show such a difference.",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        let analysis = &report.analysis[0]["breakdowns"][0];
        assert_eq!(analysis["dimension"], "key_stage");
        assert_eq!(analysis["comparison"]["better"], "KS1");
        // Of schools that are all alike there is no table, and none without reports.
        trust.comes((8, 60), "intervention", Some(Summary::default()));
        let untried = EvidenceReport::of(&trust.node, trust.key(8, 60)).unwrap().unwrap();
        assert!(
            untried
                .section(&Frame::for_tests())
                .render()
                .unwrap()
                .matches("<table")
                .next()
                .is_none()
        );
    }

    #[test]
    fn a_page_lists_so_many_reports_and_counts_the_rest() {
        let (trust, few) = by_key_stage();
        assert_eq!((few.reports.len(), few.more_reports), (11, 0));
        assert!(!page(&few).contains("more reports"));
        let record = |number: usize| LineageRecord {
            key: (trust.school(1), RecordId::from_bytes([u8::try_from(number).unwrap(); 16])),
            kind: LineageKind::ImpactReport,
            school_name: "School 1".into(),
            phase: None,
            contact_role: String::new(),
            summary: trust.on((0, 1)).unwrap(),
        };
        let records: Vec<LineageRecord> = (0..MOST_REPORTS + 3).map(record).collect();
        let many = EvidenceReport::from_lineage(&Lineage::of(trust.key(0, 1), &records));
        let page = page(&many);
        assert_eq!(page.matches("<a href=\"/records/").count(), MOST_REPORTS);
        assert!(page.contains("3 more reports are not listed here."), "{page}");
    }

    #[test]
    fn what_is_sent_can_be_read() {
        let (_trust, report) = by_key_stage();
        let sent = serde_json::to_value(&report).unwrap();
        let read: EvidenceReport = serde_json::from_value(sent).unwrap();
        assert_eq!((&read.reports, &read.who), (&report.reports, &report.who));
    }
}

//! The evidence that a record cites, for programs that keep references ("RIS Format Specifications" of
//! Research Information Systems): a tag of two characters, two spaces, a hyphen and a space, then its value,
//! a line each.
//!
//! A record holds what its author wrote of a source: a name, an address, a DOI. Nothing is added to that, so
//! the year and the names of authors are left to the program that reads it, which a DOI lets look them up.

use std::fmt::Write;

use staffroom_protocol::limits::MAX_SHORT_TEXT_CHARS;
use staffroom_protocol::record::{Content, Record};

/// Sources of one record: as many as the rules allow a self-assessment with the most answers and links, which
/// a node that keeps no rules may go beyond.
const MOST_SOURCES: usize = 800;

/// A source that a record cites.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Source {
    /// What it is called, or its address or DOI where nobody said.
    title: String,
    /// Who wrote it; empty where nobody said.
    author: String,
    doi: Option<String>,
    address: Option<String>,
}

/// The sources that a record cites, each once and in its order.
pub(crate) fn cited(record: &Record) -> Vec<Source> {
    match &record.content {
        Content::Intervention(intervention) => read(&intervention.evidence_links),
        Content::SelfAssessment(assessment) => {
            read(assessment.answers.iter().flat_map(|answer| &answer.evidence))
        }
        Content::ImpactReport(report) => {
            let estimate = report.evaluator_estimate.iter();
            let mut sources = read(estimate.clone().map(|estimate| &estimate.url));
            for (source, estimate) in sources.iter_mut().zip(estimate) {
                // In the names of authors no `*` may stand.
                source.author = on_one_line(&estimate.evaluator).replace('*', "");
            }
            sources
        }
        Content::Resource(_)
        | Content::Adoption(_)
        | Content::PeerReview(_)
        | Content::Comment(_)
        | Content::Offer(_)
        | Content::Framework(_)
        | Content::Expectation(_)
        | Content::Plan(_) => Vec::new(),
    }
}

fn read<'a>(links: impl IntoIterator<Item = &'a String>) -> Vec<Source> {
    let mut sources = Vec::new();
    for source in links.into_iter().take(MOST_SOURCES).filter_map(|link| Source::read(link)) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// The sources as RIS.
pub(crate) fn ris(sources: &[Source]) -> String {
    let mut text = String::new();
    for Source { title, author, doi, address } in sources {
        // What a DOI names may be an article, a book or a report.
        let sort = if doi.is_none() && address.is_some() { "ELEC" } else { "GEN" };
        let fields = [
            ("TY", Some(sort)),
            ("TI", Some(title.as_str())),
            ("AU", Some(author.as_str()).filter(|author| !author.is_empty())),
            ("DO", doi.as_deref()),
            ("UR", address.as_deref()),
            ("ER", Some("")),
        ];
        for (tag, value) in fields {
            if let Some(value) = value {
                // Writing to a text cannot fail.
                let _ = write!(text, "{tag}  - {value}\r\n");
            }
        }
    }
    text
}

impl Source {
    /// What somebody wrote of a source; none where that is nothing.
    fn read(written: &str) -> Option<Self> {
        let written = on_one_line(written);
        let (mut doi, mut address) = (None, None);
        let mut words = Vec::new();
        for word in written.split(' ').filter(|word| !word.is_empty()) {
            let bare = word.trim_matches(['(', ')', '<', '>', '[', ']', ',', ';', '"']);
            let bare = bare.trim_end_matches('.');
            if doi.is_none()
                && let Some(found) = read_doi(bare)
            {
                doi = Some(found.to_owned());
                address = address.or_else(|| is_web_address(bare).then(|| bare.to_owned()));
            } else if address.is_none() && is_web_address(bare) {
                address = Some(bare.to_owned());
            } else if !bare.eq_ignore_ascii_case("doi:") {
                words.push(word);
            }
        }
        let named = words.join(" ");
        let named = named.trim_end_matches([' ', ',', ';', ':', '-', '–', '(']);
        let title = [Some(named), address.as_deref(), doi.as_deref()];
        let title = title.into_iter().flatten().find(|title| !title.is_empty())?.to_owned();
        Some(Self { title, author: String::new(), doi, address })
    }
}

/// A text on one line, without what would begin another or end the file, and of bounded length.
pub(crate) fn on_one_line(text: &str) -> String {
    let words = text.split_whitespace().map(|word| word.replace(char::is_control, ""));
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_SHORT_TEXT_CHARS).collect()
}

/// Whether a word is an address of the web, which may be followed: one that runs something is not.
pub(crate) fn is_web_address(word: &str) -> bool {
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    scheme
        .is_some_and(|scheme| ["http", "https"].iter().any(|one| scheme.eq_ignore_ascii_case(one)))
}

/// The DOI that a word is or leads to: `10.1000/182`, `doi:10.1000/182`, `https://doi.org/10.1000/182`.
fn read_doi(word: &str) -> Option<&str> {
    const BEFORE: [&str; 3] = ["doi.org/", "dx.doi.org/", "www.doi.org/"];
    let rest = word.split_once("://").filter(|_| is_web_address(word)).map(|(_, rest)| rest);
    let starts = |text: &str, with: &str| {
        text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let of_site = rest.unwrap_or(word);
    let site = BEFORE.iter().find(|site| starts(of_site, site));
    let doi = match (site, rest) {
        (Some(site), _) => &of_site[site.len()..],
        (None, Some(_)) => return None,
        (None, None) if starts(word, "doi:") => &word["doi:".len()..],
        (None, None) => word,
    };
    // A registrant has four to nine digits after "10." (Crossref, "DOIs and matching regular expressions").
    let (registrant, name) = doi.strip_prefix("10.")?.split_once('/')?;
    let is_registrant =
        (4..=9).contains(&registrant.len()) && registrant.bytes().all(|byte| byte.is_ascii_digit());
    (is_registrant && !name.is_empty()).then_some(doi)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use staffroom_protocol::record::Authored;

    use super::*;

    fn ris_of(fields: Value) -> String {
        ris(&cited(&Authored::from_value(fields).unwrap().record))
    }

    fn of_links(links: &[&str]) -> String {
        ris_of(json!({ "kind": "intervention", "title": "Echo reading", "evidence_links": links }))
    }

    #[test]
    fn a_source_has_what_its_author_wrote_of_it() {
        let toolkit = "https://example.org/toolkit/peer-tutoring";
        assert_eq!(
            of_links(&[toolkit, "Peer tutoring strand, in print"]),
            format!(
                "TY  - ELEC\r\nTI  - {toolkit}\r\nUR  - {toolkit}\r\nER  - \r\n\
                 TY  - GEN\r\nTI  - Peer tutoring strand, in print\r\nER  - \r\n"
            )
        );
        assert_eq!(
            of_links(&["A* grades: https://example.org/a."]),
            "TY  - ELEC\r\nTI  - A* grades\r\nUR  - https://example.org/a\r\nER  - \r\n"
        );
        let doi = "TY  - GEN\r\nTI  - 10.1000/182\r\nDO  - 10.1000/182\r\nER  - \r\n";
        for written in ["10.1000/182", "doi:10.1000/182", "DOI: 10.1000/182", "doi.org/10.1000/182"]
        {
            assert_eq!(of_links(&[written]), doi, "{written}");
        }
        assert_eq!(
            of_links(&["The handbook (https://doi.org/10.1000/182)"]),
            "TY  - GEN\r\nTI  - The handbook\r\nDO  - 10.1000/182\r\n\
             UR  - https://doi.org/10.1000/182\r\nER  - \r\n"
        );
        // The end of a publisher's address may be more than the DOI.
        let publisher = "https://example.org/doi/10.1000/182/full";
        assert!(!of_links(&[publisher]).contains("DO  - "));
        for none in ["10.12/182", "10.1000/", "10.a000/182"] {
            assert!(!of_links(&[none]).contains("DO  - "), "{none}");
        }
    }

    #[test]
    fn reports_and_self_assessments_cite_too_and_other_kinds_do_not() {
        let report = json!({
            "kind": "impact_report", "title": "Echo reading", "of": "00112233445566778899aabbccddeeff",
            "evaluator_estimate":
                { "evaluator": "A *university*", "effect": 0.2, "url": "https://example.org/study" },
        });
        assert_eq!(
            ris_of(report),
            "TY  - ELEC\r\nTI  - https://example.org/study\r\nAU  - A university\r\n\
             UR  - https://example.org/study\r\nER  - \r\n"
        );
        let answers = json!([{ "question": "1", "evidence": ["Minutes", "Minutes"] }]);
        let assessment =
            json!({ "kind": "self_assessment", "title": "Autumn", "answers": answers });
        assert_eq!(ris_of(assessment), "TY  - GEN\r\nTI  - Minutes\r\nER  - \r\n");
        assert_eq!(ris_of(json!({ "kind": "offer", "title": "Coaching" })), "");
    }

    #[test]
    fn no_text_of_another_school_begins_a_line_or_is_without_end() {
        let hostile = [
            "A\r\nER  - \r\nTY  - JOUR",
            "A\u{2028}B\u{85}C\u{b}D\u{0}E\u{1b}F",
            " \r\n ",
            "https://example.org/a\r\nAU  - Nobody",
        ];
        let text = of_links(&hostile);
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        let tags: Vec<&str> = lines.iter().map(|line| &line[..6]).collect();
        let of_name = ["TY  - ", "TI  - ", "ER  - "];
        let of_address = ["TY  - ", "TI  - ", "UR  - ", "ER  - "];
        assert_eq!(tags, [&of_name[..], &of_name, &of_address].concat(), "{text:?}");
        assert!(lines.iter().all(|line| !line.contains(|c: char| c.is_control())), "{text:?}");
        assert_eq!(lines[4], "TI  - A B C DEF");

        let many: Vec<String> = (0..MOST_SOURCES + 9).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(of_links(&many).matches("ER  - ").count(), MOST_SOURCES);
        let long = of_links(&[&"x".repeat(70_000)]);
        assert!(long.len() < MAX_SHORT_TEXT_CHARS + 40, "{}", long.len());
    }
}

//! What must never leave a school: the scan for what identifies pupils.
//!
//! It finds known patterns and cannot promise more: it does not recognise names. It says where and
//! what sort, and never repeats what it found.
//!
//! Start with [`scan_value`] for a record, [`scan`] for the text of a file, and [`judge`] for what
//! follows from the finds.

mod birth_date;
mod contact;
mod finding;
mod fold;
mod judgement;
mod nearness;
mod nhs_number;
mod person_name;
mod pupil_mention;
mod pupil_table;
mod reference;
mod sort;
mod table;
mod ten_digits;
mod uln;
mod upn;
pub mod urn;
mod written_date;

use std::ops::Range;

use jiff::civil::Date;
use regex::Regex;
use serde_json::Value;

pub use finding::Finding;
pub use judgement::{Allowed, Clearance, Judgement, Override, judge};
pub use sort::Sort;

/// What every page that shares something says beside the result of the scan.
pub const CAVEAT: &str = "The scan finds known patterns such as pupil numbers and dates of birth. \
     It does not recognise names and cannot promise that no pupil can be identified: please read \
     what you share.";

/// Stands in the name of a place for what was found in that name.
const HIDDEN: &str = "(hidden)";

/// Looks through one text. `today` decides which dates of birth may be a pupil's.
pub fn scan(place: &str, text: &str, today: Date) -> Vec<Finding> {
    let folded = fold::fold(text);
    let hits = hits(&Passage { text: &folded, label: None }, today);
    finding::collect(&masked(place, today), &folded, hits)
}

/// What is said of a file whose text could not be looked through, and why not, in words that go behind
/// its name.
pub(crate) fn unchecked(file: &str, reason: &str, today: Date) -> Finding {
    Finding {
        place: masked(file, today),
        sort: Sort::UncheckedFile,
        refused: false,
        lines: Vec::new(),
        count: 1,
        reason: Some(reason.to_owned()),
    }
}

/// Looks through every text and every name of a field in a record that was turned into JSON.
///
/// Places are paths such as `actions[2].lead_role`. A field's own name counts as the name beside a
/// number, so that ten digits in `nhs_number` are looked at as one. Numbers are not looked at: the
/// figures of a record have bounds of their own.
pub fn scan_value(value: &Value, today: Date) -> Vec<Finding> {
    let mut walk = Walk { today, findings: Vec::new() };
    walk.value(value, "", None);
    walk.findings
}

struct Walk {
    today: Date,
    findings: Vec<Finding>,
}

impl Walk {
    fn value(&mut self, value: &Value, path: &str, label: Option<&str>) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(text, path, label),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &format!("{path}[{index}]"), label);
                }
                self.rows(items, path);
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    let shown = masked(name, self.today);
                    let path = if path.is_empty() { shown } else { format!("{path}.{shown}") };
                    self.text(name, &format!("the name of the field {path}"), None);
                    self.value(field, &path, Some(&fold::fold(name)));
                }
            }
        }
    }

    fn text(&mut self, text: &str, place: &str, label: Option<&str>) {
        let folded = fold::fold(text);
        let mut hits = hits(&Passage { text: &folded, label }, self.today);
        if is_date_field(text) {
            hits.retain(|hit| hit.sort != Sort::Date);
        }
        self.findings.extend(finding::collect(place, &folded, hits));
    }

    /// The items of a list may be the rows of a table.
    fn rows(&mut self, items: &[Value], path: &str) {
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        if texts.len() < 2 {
            return;
        }
        let folded = fold::fold(&texts.join("\n"));
        let mut hits = Vec::new();
        pupil_table::find(&folded, self.today, &mut hits);
        self.findings.extend(finding::collect(path, &folded, hits));
    }
}

/// A field for a date holds nothing else; a birthday in such a field has a name that says so.
fn is_date_field(text: &str) -> bool {
    text.len() == "2025-11-24".len() && text.parse::<Date>().is_ok()
}

/// A folded text, and the name of the field that it fills.
struct Passage<'a> {
    text: &'a str,
    label: Option<&'a str>,
}

/// Where in a folded text something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hit {
    sort: Sort,
    range: Range<usize>,
}

fn hits(passage: &Passage<'_>, today: Date) -> Vec<Hit> {
    let text = passage.text;
    let telephones = contact::telephones(text);
    let books = reference::books(text);
    let mut hits = Vec::new();
    upn::find(text, &mut hits);
    ten_digits::find(passage, &telephones, &books, &mut hits);
    birth_date::find(passage, today, &mut hits);
    pupil_table::find(text, today, &mut hits);
    pupil_mention::find(text, &mut hits);
    hits.extend(contact::emails(text).map(|range| Hit { sort: Sort::Email, range }));
    hits.extend(telephones.into_iter().map(|range| Hit { sort: Sort::Telephone, range }));
    drop_explained(reference::addresses(text).chain(books), &mut hits);
    hits
}

/// Drops the warnings about figures that are part of a reference or of something refused.
fn drop_explained(references: impl Iterator<Item = Range<usize>>, hits: &mut Vec<Hit>) {
    let refused = hits.iter().filter(|hit| hit.sort.is_refused());
    let mut explained: Vec<_> = references.chain(refused.map(|hit| hit.range.clone())).collect();
    explained.sort_by_key(|range| (range.start, range.end));
    explained.dedup_by(|later, earlier| {
        let touches = later.start <= earlier.end;
        if touches {
            earlier.end = earlier.end.max(later.end);
        }
        touches
    });
    hits.retain(|hit| !is_figures(hit.sort) || !overlaps(&explained, &hit.range));
}

const fn is_figures(sort: Sort) -> bool {
    match sort {
        Sort::UpnLookAlike | Sort::TenDigitNumber | Sort::Telephone | Sort::Date => true,
        Sort::Upn
        | Sort::NhsNumber
        | Sort::Uln
        | Sort::BirthDate
        | Sort::PupilTable
        | Sort::Email
        | Sort::PupilMention
        | Sort::NameList
        | Sort::UncheckedFile => false,
    }
}

/// `spans` are in order and apart.
fn overlaps(spans: &[Range<usize>], range: &Range<usize>) -> bool {
    let index = spans.partition_point(|span| span.end <= range.start);
    spans.get(index).is_some_and(|span| span.start < range.end)
}

/// The name of a place without what the scan finds in it.
fn masked(place: &str, today: Date) -> String {
    let folded = fold::fold(place);
    let mut hits = hits(&Passage { text: &folded, label: None }, today);
    if hits.is_empty() {
        return place.to_owned();
    }
    hits.sort_by_key(|hit| (hit.range.start, hit.range.end));
    let mut masked = String::new();
    let mut shown = 0;
    for Hit { range, .. } in hits {
        if range.start >= shown {
            masked.push_str(&folded[shown..range.start]);
            masked.push_str(HIDDEN);
        }
        shown = shown.max(range.end);
    }
    masked.push_str(&folded[shown..]);
    masked
}

#[expect(clippy::expect_used, reason = "every pattern is a constant that the tests compile")]
fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a valid pattern")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TODAY: Date = date(2025, 11, 24);

    fn sorts(text: &str) -> Vec<Sort> {
        scan("abstract", text, TODAY).into_iter().map(|finding| finding.sort).collect()
    }

    fn places(value: &Value) -> Vec<(String, Sort)> {
        let findings = scan_value(value, TODAY);
        findings.into_iter().map(|finding| (finding.place, finding.sort)).collect()
    }

    #[test]
    fn ordinary_prose_passes() {
        for text in [
            "In 2024/25, 34 Year 4 pupils (60% of the cohort) read daily for 20 minutes.",
            "Attendance rose from 91.2% to 94.5% between September 2024 and July 2025.",
            "From 3 March 2025 to 18 July 2025; review on 01/09/2025.",
            "Group size 1–6, 3 × 30 minutes a week for 12 weeks, £1,200 a year, 0.5 of a TA.",
            "Key Stage 2 scaled scores: mean 104.3 (SD 6.1), n = 58; effect 0.27 [0.05, 0.49].",
            "NHS England, Health in Schools, ISBN 0198526636.",
            "After Rosenshine (2012), ISBN 0-19-852663-6 and ISBN 978 0 19 852663 6.",
            "See https://doi.org/10.1000/1234567890 and https://example.org/2019/03/04/B1.",
            "doi:10.1000/j.1467-1234567890.2014.03.03",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "The Great War ended on 11 November 1918; Shakespeare was born on 23 April 1564.",
            "Pupil Premium in Year 4, SEN support, EAL: all pupils took part, boys and girls.",
            "School URN 142937. Room B12. Version 2.3.14. Tables 1.1, 1.2 and 1.3.",
            "Summer-born pupils in Year 1 were seen in March 2025.",
            "| Group | n | Before | After |\n|---|---|---|---|\n| Boys | 31 | 98.2 | 101.4 |",
        ] {
            assert_eq!(sorts(text), [], "{text}");
        }
    }

    #[test]
    fn refused_finds_are_refused_wherever_they_hide() {
        for (text, sort) in [
            ("Amy (UPN b801\u{2011}2000\u{200b}05001) did well", Sort::Upn),
            ("see https://example.org/pupils/B801200005001", Sort::Upn),
            ("NHS number 943 476 5919", Sort::NhsNumber),
            ("ULN: 1000000043", Sort::Uln),
            ("She was born on 3 March 2014", Sort::BirthDate),
            ("| Pupil | Mark |\n|---|---|\n| Amy Hill | 34 |", Sort::PupilTable),
        ] {
            assert_eq!(sorts(text), [sort], "{text}");
        }
    }

    #[test]
    fn warnings_are_given() {
        for (text, sort) in [
            ("A801200005001", Sort::UpnLookAlike),
            ("ring 0161 496 0000", Sort::Telephone),
            ("call 9434765919", Sort::TenDigitNumber),
            ("office@oaklane.sch.uk", Sort::Email),
            ("seen on 03/03/2014", Sort::Date),
            ("Pupil X in Year 4", Sort::PupilMention),
        ] {
            assert_eq!(sorts(text), [sort], "{text}");
            assert!(!sort.is_refused());
        }
    }

    #[test]
    fn a_finding_says_where_and_what_to_do() {
        let findings = scan("aim", "one\nB801200005001\nthree\nB801200005001", TODAY);
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!((finding.lines.as_slice(), finding.count), ([2, 4].as_slice(), 2));
        assert_eq!(
            finding.to_string(),
            "aim, lines 2, 4: a unique pupil number (UPN), 2 times. It identifies one pupil and \
             must not leave the school. Remove it. The author cannot clear it; only the \
             data-protection role may override this, with a reason."
        );
        assert_eq!(
            scan("aim", "a@b.uk", TODAY)[0].to_string(),
            "aim: an e-mail address. Remove it unless it is the school's, or of a member of staff \
             who agreed. If it may be shared, clear it with a reason: \
             cleared: [{sort: email, reason: \"…\"}] in the front matter."
        );
    }

    #[test]
    fn lines_are_few_and_finds_are_counted() {
        let findings = scan("aim", &"a@b.uk\n".repeat(500), TODAY);
        assert_eq!((findings.len(), findings[0].count), (1, 500));
        assert_eq!(findings[0].lines, (1..=20).collect::<Vec<_>>());
    }

    #[test]
    fn a_record_is_looked_through_to_its_leaves() {
        let record = json!({
            "title": "Reading",
            "created": "2014-03-03",
            "actions": [{"lead_role": "x"}, {"lead_role": "x"}, {"lead_role": "ring 0161 496 0000"}],
            "files": [{"name": "reading_B801200005001.docx", "size": 1_234_567_890_u64}],
            "nhs_number": "9434765919",
            "dob": "2014-03-03",
            "notes": "seen on 2014-03-03",
            "rows": ["Pupil, Mark", "Amy Hill, 34"],
        });
        let mut found = places(&record);
        found.sort();
        let expected = [
            ("actions[2].lead_role", Sort::Telephone),
            ("dob", Sort::BirthDate),
            ("files[0].name", Sort::Upn),
            ("nhs_number", Sort::NhsNumber),
            ("notes", Sort::Date),
            ("rows", Sort::PupilTable),
        ];
        assert_eq!(found, expected.map(|(place, sort)| (place.to_owned(), sort)));
    }

    #[test]
    fn names_of_places_are_looked_at_and_hidden() {
        let record = json!({"marks": {"B801200005001": {"mail": "a@b.uk"}}});
        assert_eq!(
            places(&record),
            [
                ("the name of the field marks.(hidden)".to_owned(), Sort::Upn),
                ("marks.(hidden).mail".to_owned(), Sort::Email)
            ]
        );
        let findings = scan("about B801200005001.txt", "a@b.uk", TODAY);
        assert_eq!(findings[0].place, "about (hidden).txt");
    }

    fn separators() -> impl Strategy<Value = String> {
        let separators = [
            "", " ", "  ", "-", ".", "\u{a0}", "\u{2009}", "\u{2010}", "\u{2011}", "\u{2013}",
            "\u{2014}", "\u{2212}", "\u{200b}", "\u{ad}", "\u{feff}", "\u{2060}", "_", "/", "·",
            "\n", "\t", " - ", "\u{ff0d}", "**",
        ];
        prop::sample::select(separators.to_vec()).prop_map(str::to_owned)
    }

    fn full_width(text: &str) -> String {
        let wide = |char: char| char::from_u32(u32::from(char) - 0x21 + 0xff01).unwrap_or(char);
        text.chars().map(wide).collect()
    }

    fn assert_not_echoed(text: &str, findings: &[Finding]) {
        let folded = fold::fold(text);
        let runs = folded.split(|char: char| !char.is_ascii_digit()).filter(|run| run.len() > 4);
        let runs: Vec<&str> = runs.collect();
        for finding in findings {
            let shown = format!("{finding} {finding:?} {}", json!(finding));
            assert!(runs.iter().all(|run| !shown.contains(run)), "{shown}");
        }
    }

    /// Pieces out of which disguised numbers, dates and tables come about.
    fn school_text() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop_oneof![
                any::<char>().prop_map(String::from),
                "[0-9]{1,13}",
                "[A-Za-z]{1,6}",
                "[ \n\t,;|/.@+-]{1,3}",
                separators(),
                prop::sample::select(vec![
                    "UPN",
                    "NHS",
                    "ULN",
                    "DOB",
                    "born",
                    "March",
                    "Pupil",
                    "Name",
                    "SEN",
                    "Year 4",
                    "\"",
                    "B801200005001",
                    "9434765919",
                    "03/03/2014",
                    "a@b.uk",
                    "https://",
                    "ISBN ",
                ])
                .prop_map(str::to_owned),
            ],
            0..40,
        )
        .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_text_makes_it_panic_or_echo(text in prop_oneof![any::<String>(), school_text()]) {
            for today in [TODAY, Date::MIN, Date::MAX, date(-90, 1, 1)] {
                assert_not_echoed(&text, &scan("abstract", &text, today));
            }
            let key = text.clone();
            let record = json!({"list": [text.clone(), text.clone()], "field": {key: text}});
            let findings = scan_value(&record, TODAY);
            prop_assert!(findings.iter().all(|finding| finding.count > 0));
        }

        #[test]
        fn the_name_of_a_place_does_not_echo(text in school_text()) {
            let place = format!("{text} (B801200005001) {text}");
            for finding in scan(&place, "a@b.uk", TODAY) {
                prop_assert!(!finding.place.contains("(B801200005001)"), "{}", finding.place);
            }
        }

        #[test]
        fn a_planted_pupil_number_is_found(
            digits in "[0-9]{12}",
            gaps in prop::collection::vec(separators(), 4),
            (before, after) in (school_text(), school_text()),
            (lower, wide) in any::<(bool, bool)>(),
        ) {
            let number = upn::tests::upn(&digits);
            let parts = [&number[..1], &number[1..4], &number[4..8], &number[8..10], &number[10..]];
            let mut planted = parts[0].to_owned();
            for (gap, part) in gaps.iter().zip(&parts[1..]) {
                write!(planted, "{gap}{}", if wide { full_width(part) } else { (*part).to_owned() })
                    .unwrap();
            }
            let planted = if lower { planted.to_lowercase() } else { planted };
            let text = format!("{before} ({planted}) {after}");
            prop_assert!(sorts(&text).contains(&Sort::Upn), "{text:?}");
        }

        #[test]
        fn hashes_and_ids_raise_no_alarm(bytes in any::<[u8; 32]>()) {
            let hash = crate::hash::Hash::from_bytes(bytes).to_string();
            let record = json!({"hash": hash, "id": hash[..32], "school": hash.to_uppercase()});
            prop_assert_eq!(scan_value(&record, TODAY), []);
        }
    }

    #[test]
    fn long_texts_of_repeats_are_looked_through() {
        const LENGTH: usize = crate::limits::MAX_BODY_BYTES;
        for piece in [
            "The pupils read for twenty minutes each day, and staff kept notes of it. ",
            "a ",
            "B 8 0 1 2 0 0 0 0 5 0 0 ",
            "1 2 3 4 5 6 7 8 9 0 ",
            "NHS 943 476 591 ",
            "DOB born 3 3 ",
            "3 March ",
            "\"a,\"b,",
            "|",
            ",\n",
            "Amy Hill,34\n",
            "aaaa.aaaa",
            "a@",
            "+44 0161 ",
            "0161",
            "https://",
            "pupil A ",
            "\u{fdfa}",
            "e\u{301}\u{301}",
            "\u{200b}",
            "9434765919 ",
        ] {
            let text = piece.repeat(LENGTH / piece.len());
            let findings = scan("body", &format!("{text} B801200005001 "), TODAY);
            assert!(findings.iter().any(|finding| finding.sort == Sort::Upn), "{piece:?}");
        }
    }
}

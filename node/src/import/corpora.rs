//! Real files: records of research on education, which are no part of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use staffroom_protocol::hash::SchoolId;
use staffroom_protocol::publish::{self, Context};
use staffroom_protocol::record::{Authored, Severity};

use super::tests::options;
use super::{Mapping, Options, Row, open};

const COMMON: [&str; 3] = ["title=title", "abstract=abstract", "created={year}-01-01"];

const SHORTENED: [&str; 3] =
    ["title={title:200}", "abstract={abstract:1500}", "created={year}-01-01"];

const ERIC: [&str; 4] = [
    "url=https://eric.ed.gov/?id={id#eric-}",
    "tags={descriptors:20}",
    "rights_holder=publisher",
    "third_party_list={authors} ({year})",
];

const REVIEWS: [&str; 4] = [
    "url=https://github.com/MikkelVembye/screen_benchmarks#{id}",
    "third_party_list={authors} ({year}). {journal}",
    "third_party_list={authors} ({year})",
    "third_party_list=authors",
];

const SET: [&str; 5] = [
    "kind=resource",
    "type=other",
    "author_role=trust",
    "third_party_material=yes",
    "rights_holder=the authors or their publisher",
];

fn corpus(file: &str) -> Option<PathBuf> {
    let data = match std::env::var_os("STAFFROOM_TEST_DATA") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
    };
    let path = data.join("corpus").join(file);
    let there = path.is_file();
    if !there {
        eprintln!(
            "{} is absent, so nothing is tested; name its directory in STAFFROOM_TEST_DATA",
            path.display()
        );
    }
    there.then_some(path)
}

/// Why a row is not shared, in short; empty where it is.
fn obstacles(row: Row) -> Vec<String> {
    let authored = match row.fields.map(Authored::from_value) {
        Ok(Ok(authored)) => authored,
        Ok(Err(error)) => return vec![format!("not a record: {error}")],
        Err(reason) => return vec![format!("not read: {reason}")],
    };
    let context = Context {
        school: SchoolId::from_bytes([7; 32]),
        today: date(2026, 11, 24),
        shared_before: None,
        about: None,
        originals: &[],
        files: &BTreeMap::new(),
    };
    let Err(refusal) = publish::prepare(authored.record, &authored.cleared, context) else {
        return Vec::new();
    };
    let problems = refusal.problems.iter().filter(|problem| problem.severity == Severity::Refused);
    let problems = problems.map(|problem| format!("rule: {}", problem.field));
    problems.chain(refusal.findings.iter().map(|found| format!("scan: {:?}", found.sort))).collect()
}

/// How many rows may be shared, and what is in the way of the others.
fn judge(path: &Path, options: &Options) -> (u64, BTreeMap<String, u64>) {
    let mut rows = open(path, options).unwrap();
    let mut shared = 0;
    let mut refused = BTreeMap::new();
    for row in &mut rows {
        let obstacles = obstacles(row);
        shared += u64::from(obstacles.is_empty());
        obstacles.into_iter().for_each(|obstacle| *refused.entry(obstacle).or_default() += 1);
    }
    assert_eq!(rows.unused_mappings().map(Mapping::to_string).collect::<Vec<_>>(), [""; 0]);
    println!("{}: {shared} may be shared; in the way of the others: {refused:#?}", path.display());
    (shared, refused)
}

fn assert_usable(file: &str, map: &[&str], set: &[&str], at_least: u64, only: &[&str]) {
    let Some(path) = corpus(file) else { return };
    let (shared, refused) = judge(&path, &options(map, set));
    assert!(shared >= at_least, "only {shared} of {file} may be shared: {refused:#?}");
    let other =
        refused.keys().find(|obstacle| !only.iter().any(|start| obstacle.starts_with(start)));
    assert_eq!(other, None);
}

#[test]
fn every_row_of_eric_is_a_resource_unless_its_texts_are_too_long_or_hold_a_date() {
    let lengths = ["rule: title", "rule: abstract", "scan: Date"];
    assert_usable("eric_shared.jsonl", &[&COMMON[..], &ERIC].concat(), &SET, 3_400, &lengths);
}

#[test]
fn every_row_of_eric_is_a_resource_when_long_texts_are_shortened() {
    let map = [&SHORTENED[..], &ERIC].concat();
    assert_usable("eric_shared.jsonl", &map, &SET, 3_500, &["scan: Date"]);
}

#[test]
fn every_row_of_the_reviews_is_a_resource_when_long_texts_are_shortened() {
    let map = [&SHORTENED[..], &REVIEWS].concat();
    let scan = ["scan: Date", "scan: TenDigitNumber"];
    assert_usable("reviews_shared.jsonl", &map, &SET, 4_100, &scan);
}

#[test]
fn every_row_of_the_reviews_is_a_resource_unless_its_texts_are_too_long_or_look_personal() {
    let map = [&COMMON[..], &REVIEWS].concat();
    let only = ["rule: title", "rule: abstract", "rule: the summary", "scan: "];
    assert_usable("reviews_shared.jsonl", &map, &SET, 2_800, &only);
}

//! Records as people write them, for the tests of their rules.

use serde_json::{Value, json};

use super::{Authored, Content, Kind, Record, Severity};
use crate::wire;

pub(super) fn read(value: Value) -> Record {
    Authored::from_value(value).unwrap_or_else(|error| panic!("{error}")).record
}

/// `base` with some fields replaced; `arms.intervention.n` reaches inwards, null removes.
pub(super) fn with(base: &Value, changes: &[(&str, Value)]) -> Value {
    let mut changed = base.clone();
    for (path, value) in changes {
        let mut place = &mut changed;
        for name in path.split('.') {
            place = match name.parse::<usize>() {
                Ok(index) => &mut place[index],
                Err(_) => &mut place[name],
            };
        }
        *place = value.clone();
    }
    changed
}

/// What `validate` says of `value`, one sentence a problem, warnings marked.
pub(super) fn said(value: Value) -> Vec<String> {
    let problems = read(value).validate().into_vec();
    problems
        .iter()
        .map(|problem| match problem.severity {
            Severity::Refused => problem.to_string(),
            Severity::Warning => format!("warning: {problem}"),
        })
        .collect()
}

/// Asserts that each change to `base` alone makes `validate` say exactly one thing.
pub(super) fn each_says(base: &Value, cases: &[(&[(&str, Value)], &str)]) {
    for (changes, message) in cases {
        assert_eq!(said(with(base, changes)), [*message], "after {changes:?}");
    }
}

pub(super) fn assert_round_trips(record: &Record) {
    assert_eq!(wire::decode(&wire::encode(record), 100_000).as_ref(), Ok(record), "CBOR");
    let text = serde_json::to_string(record).unwrap();
    assert_eq!(&serde_json::from_str::<Record>(&text).unwrap(), record, "JSON");
    let summary = record.summarise();
    assert_eq!(wire::decode(&wire::encode(&summary), 8 * 1024).as_ref(), Ok(&summary), "summary");
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<super::Summary>(&text).unwrap(), summary, "summary in JSON");
}

pub(super) const ID: &str = "0123456789abcdef0123456789abcdef";

pub(super) fn full_reference(byte: &str) -> Value {
    json!({ "record": byte.repeat(16), "school": byte.repeat(32), "version": byte.repeat(32) })
}

/// Reads a record that has no problem at all, folds its terms and sends it there and back.
pub(super) fn shareable(value: Value) -> Record {
    let mut record = read(value);
    normalise(&mut record.content);
    assert_eq!(record.validate().into_vec(), []);
    assert_round_trips(&record);
    record
}

/// Asserts that `change` to `base` breaks exactly one rule, which refuses with `message`.
pub(super) fn refuses(base: &Value, change: Value, message: &str) {
    breaks(base, change, Severity::Refused, message);
}

/// Asserts that `change` to `base` breaks exactly one rule, which warns with `message`.
pub(super) fn warns(base: &Value, change: Value, message: &str) {
    breaks(base, change, Severity::Warning, message);
}

fn breaks(base: &Value, change: Value, severity: Severity, message: &str) {
    let mut changed = base.clone();
    for (name, value) in change.as_object().unwrap() {
        changed[name] = value.clone();
    }
    let mut record = read(changed);
    normalise(&mut record.content);
    let problems = record.validate().into_vec();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        found.len() == 1 && found[0].contains(message) && problems[0].severity == severity,
        "expected only {severity:?} {message:?} but found {found:#?}"
    );
}

fn normalise(content: &mut Content) {
    match content {
        Content::Intervention(intervention) => intervention.normalise(),
        Content::Resource(resource) => resource.normalise(),
        Content::ImpactReport(report) => report.normalise(),
        Content::Adoption(adoption) => adoption.normalise(),
        Content::PeerReview(review) => review.normalise(),
        Content::Comment(comment) => comment.normalise(),
        Content::Offer(offer) => offer.normalise(),
        Content::Framework(framework) => framework.normalise(),
        Content::Expectation(expectation) => expectation.normalise(),
        Content::Plan(plan) => plan.normalise(),
        Content::SelfAssessment(assessment) => assessment.normalise(),
    }
}

/// A record of this kind with all of its fields, in the form in which it is shared.
pub(crate) fn complete(kind: Kind) -> Record {
    let mut record = read(match kind {
        Kind::Intervention => super::intervention::tests::complete(),
        Kind::Resource => super::resource::tests::complete(),
        Kind::ImpactReport => super::impact_report::tests::complete(),
        Kind::Adoption => super::adoption::tests::complete(),
        Kind::PeerReview => super::peer_review::tests::complete(),
        Kind::Comment => super::comment::tests::complete(),
        Kind::Offer => super::offer::tests::complete(),
        Kind::Framework => super::framework::tests::complete(),
        Kind::Expectation => super::expectation::tests::complete(),
        Kind::Plan => super::plan::tests::complete(),
        Kind::SelfAssessment => super::self_assessment::tests::complete(),
    });
    record.normalise();
    record
}

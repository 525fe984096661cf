//! Records for tests, made from fields as a person writes them.

use serde_json::Value;

use super::{Authored, Content, Record, Severity};
use crate::wire;

fn read(fields: Value) -> Record {
    let mut record = Authored::from_value(fields).unwrap().record;
    normalise(&mut record.content);
    record
}

fn normalise(content: &mut Content) {
    match content {
        Content::PeerReview(review) => review.normalise(),
        Content::Comment(comment) => comment.normalise(),
        Content::Offer(offer) => offer.normalise(),
        Content::Framework(framework) => framework.normalise(),
        Content::Expectation(expectation) => expectation.normalise(),
        Content::Plan(plan) => plan.normalise(),
        Content::SelfAssessment(assessment) => assessment.normalise(),
        Content::Intervention(_)
        | Content::Resource(_)
        | Content::ImpactReport(_)
        | Content::Adoption(_) => {}
    }
}

fn changed(fields: &Value, change: Value) -> Value {
    let mut fields = fields.clone();
    for (name, value) in change.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields
}

/// Reads a record that has no problem at all, and checks that it survives CBOR and JSON.
pub(super) fn shareable(fields: Value) -> Record {
    let record = read(fields);
    assert_eq!(record.validate().into_vec(), []);
    assert_eq!(wire::decode(&wire::encode(&record), 100_000).as_ref(), Ok(&record));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    record
}

/// Checks that `change` to `fields` breaks exactly one rule, which refuses with `message`.
pub(super) fn refuses(fields: &Value, change: Value, message: &str) {
    breaks(fields, change, Severity::Refused, message);
}

/// Checks that `change` to `fields` breaks exactly one rule, which warns with `message`.
pub(super) fn warns(fields: &Value, change: Value, message: &str) {
    breaks(fields, change, Severity::Warning, message);
}

fn breaks(fields: &Value, change: Value, severity: Severity, message: &str) {
    let problems = read(changed(fields, change)).validate().into_vec();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        found.len() == 1 && found[0].contains(message) && problems[0].severity == severity,
        "expected only {severity:?} {message:?} but found {found:#?}"
    );
}

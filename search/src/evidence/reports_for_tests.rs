//! Builds the records of lineages for tests.

use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::impact_report::{
    Allocation, AttritionBand, Design, DetectableBand, Figures, Group, Marker, OutcomeType,
    Polarity, Spread,
};
use staffroom_protocol::record::{Reference, Summary};

use super::{Lineage, LineageKind, LineageRecord, RecordKey};

pub(super) const SCHOOLS: [&str; 12] = [
    "Ash Primary",
    "Beech Academy",
    "Cedar School",
    "Damson Primary",
    "Elm Primary",
    "Fir Academy",
    "Gorse School",
    "Hazel Primary",
    "Ivy Academy",
    "Juniper School",
    "Kapok Primary",
    "Larch Academy",
];

pub(super) fn key(school: u8, record: u8) -> RecordKey {
    (SchoolId::from_bytes([school; 32]), RecordId::from_bytes([record; 16]))
}

/// The intervention that every lineage here starts from: record 1 of school 0.
pub(super) const ORIGIN: (u8, u8) = (0, 1);

fn record(school: u8, id: u8, kind: LineageKind) -> LineageRecord {
    LineageRecord {
        key: key(school, id),
        kind,
        school_name: SCHOOLS[usize::from(school)].to_owned(),
        phase: Some("primary".to_owned()),
        contact_role: String::new(),
        summary: Summary { author_role: "middle_leader".to_owned(), ..Summary::default() },
    }
}

pub(super) fn reference((school, id): (u8, u8)) -> Reference {
    let (school, record) = key(school, id);
    Reference { record, school: Some(school), version: None }
}

pub(super) fn intervention() -> LineageRecord {
    let mut made = record(ORIGIN.0, ORIGIN.1, LineageKind::Intervention);
    made.summary.state = Some("running".to_owned());
    made.summary.cost_band = Some("low".to_owned());
    made
}

pub(super) fn adoption(school: u8, id: u8, of: (u8, u8), kind: &str) -> LineageRecord {
    let mut made = record(school, id, LineageKind::Adoption);
    made.contact_role = "English lead".to_owned();
    made.summary.state = Some("running".to_owned());
    made.summary.kind_type = Some(kind.to_owned());
    made.summary.references = vec![reference(of)];
    made
}

/// A described report.
pub(super) fn described(school: u8, id: u8, of: (u8, u8)) -> LineageRecord {
    let mut made = record(school, id, LineageKind::ImpactReport);
    made.summary.conclusion = Some("continue".to_owned());
    made.summary.references = vec![reference(of)];
    made
}

pub(super) fn reported(school: u8, id: u8, of: (u8, u8), figures: Figures) -> LineageRecord {
    let mut made = described(school, id, of);
    made.summary.figures = Some(figures);
    made
}

/// A comparison of groups of `n` pupils on a standardised reading test whose spread is 10, in which
/// those who had the intervention end `difference` points above the others and began level.
pub(super) fn figures(n: u32, difference: f64) -> Figures {
    let group = |mean: f64| Group {
        n,
        before: Some(Spread { mean: 40.0, sd: 10.0 }),
        after: Some(Spread { mean, sd: 10.0 }),
        ..Group::default()
    };
    Figures {
        design: Some(Design::RandomByPupil),
        unit_of_allocation: Some(Allocation::Pupil),
        outcome: "Reading comprehension".to_owned(),
        domain: "reading".to_owned(),
        measure: "A published test".to_owned(),
        one_measure: true,
        outcome_type: Some(OutcomeType::Standardised),
        polarity: Some(Polarity::HigherIsBetter),
        minimum: Some(0.0),
        maximum: Some(100.0),
        marked_by: Some(Marker::External),
        intervention: group(50.0 + difference),
        comparison: Some(group(50.0)),
        attrition: Some(AttritionBand::UpTo10),
        detectable_effect: Some(DetectableBand::UpTo02),
        ..Figures::default()
    }
}

/// Reports of so many schools, each on its own exact adoption; the first school reports on its
/// intervention.
pub(super) fn replicated(n: u32, differences: &[f64]) -> Vec<LineageRecord> {
    let mut records = vec![intervention()];
    for (school, difference) in (0_u8..).zip(differences) {
        let of = if school == 0 { ORIGIN } else { (school, 20 + school) };
        if school > 0 {
            records.push(adoption(school, 20 + school, ORIGIN, "exact"));
        }
        records.push(reported(school, 40 + school, of, figures(n, *difference)));
    }
    records
}

pub(super) fn lineage(records: &[LineageRecord]) -> Lineage {
    Lineage::of(key(ORIGIN.0, ORIGIN.1), records)
}

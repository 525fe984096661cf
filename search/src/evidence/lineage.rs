//! What a whole lineage shows: an intervention, all adoptions of it and of those, and their reports.

mod breakdown;
mod chain;
mod outcome;
mod plot;
mod report;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::{Kind, Reference, Summary};

use super::report::{NotPooled, ReportEvidence};
use chain::Chain;

pub use breakdown::{
    Breakdown, COMPARED_LEAST, COMPARED_LEAST_IN_ALL, Comparison, Dimension, Subgroup,
};
pub use outcome::{OutcomeEvidence, SchoolEffect};
pub use report::LineageReport;

/// The most records of a lineage that are counted: schools in a country that take up one thing, and
/// their reports. What lies behind is left out, and the summary says so.
pub const MAX_LINEAGE_RECORDS: usize = 2_000;

/// The school and the record: what a record is named by.
pub type RecordKey = (SchoolId, RecordId);

/// Strength of evidence, weakest first: our rating, computed, and independent of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Words alone, or one group measured twice.
    Described,
    /// A weak comparison.
    EarlySign,
    /// A fair comparison.
    Promising,
    /// A good comparison.
    Tested,
    /// Good comparisons in more than one school.
    WellTested,
}

impl Strength {
    /// All strengths, weakest first.
    pub const ALL: [Self; 5] =
        [Self::Described, Self::EarlySign, Self::Promising, Self::Tested, Self::WellTested];

    /// The name as data, addresses and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Described => "described",
            Self::EarlySign => "early_sign",
            Self::Promising => "promising",
            Self::Tested => "tested",
            Self::WellTested => "well_tested",
        }
    }

    /// How many steps it stands above no evidence at all.
    pub(crate) const fn steps(self) -> u8 {
        self as u8 + 1
    }
}

/// The evidence of a lineage in short, as each of its records carries it into the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineageEvidence {
    /// The school and record of the intervention that the lineage starts from.
    pub origin: (SchoolId, RecordId),
    /// The strength; none while nobody has reported.
    pub strength: Option<Strength>,
    /// Schools that started.
    pub started: u32,
    /// Schools that reported.
    pub reported: u32,
    /// Schools that stopped.
    pub stopped: u32,
    /// Schools in which it did not work: their effect is below 0, or they concluded to stop.
    pub did_not_work: u32,
    /// The pooled effect in the outcome domain with the most schools; of one school its own.
    pub effect: Option<Interval>,
    /// The phases of the schools that started, as the vocabulary spells them.
    pub phases: Vec<String>,
}

/// An effect with its 95 % interval, as Hedges' g; plus is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What a record of a lineage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineageKind {
    /// What the lineage starts from.
    Intervention,
    /// A school that takes it up.
    Adoption,
    /// What came of one of them.
    ImpactReport,
}

impl LineageKind {
    /// The kind of record with this name, where it is one that belongs to lineages.
    pub fn of(kind: &str) -> Option<Self> {
        [
            (Kind::Intervention, Self::Intervention),
            (Kind::Adoption, Self::Adoption),
            (Kind::ImpactReport, Self::ImpactReport),
        ]
        .into_iter()
        .find_map(|(record, of)| (record.as_str() == kind).then_some(of))
    }

    /// What a record of this kind takes up or is on; of an intervention none.
    pub fn referred_to(self, summary: &Summary) -> Option<&Reference> {
        match self {
            Self::Intervention => None,
            Self::Adoption | Self::ImpactReport => summary.references.first(),
        }
    }
}

/// A record that may belong to a lineage, as this node holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct LineageRecord {
    /// Its school and id.
    pub key: RecordKey,
    /// What it is.
    pub kind: LineageKind,
    /// The school's name.
    pub school_name: String,
    /// The school's phase, as the vocabulary spells it.
    pub phase: Option<String>,
    /// The role of the person to ask; empty where none is named.
    pub contact_role: String,
    /// What was shared.
    pub summary: Summary,
}

impl LineageRecord {
    /// What an adoption takes up, or a report is on; of an intervention none. The school is missing
    /// where the author's program did not write it.
    pub fn of(&self) -> Option<(Option<SchoolId>, RecordId)> {
        self.kind.referred_to(&self.summary).map(|of| (of.school, of.record))
    }

    fn has_state(&self, state: &str) -> bool {
        self.summary.state.as_deref() == Some(state)
    }
}

/// A school of a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineageSchool {
    /// Its name.
    pub name: String,
    /// Its phase, as the vocabulary spells it.
    pub phase: Option<String>,
    /// It started.
    pub started: bool,
    /// It reported.
    pub reported: bool,
    /// It stopped, or concluded that it would.
    pub stopped: bool,
    /// An effect below 0 was found there.
    pub effect_below_zero: bool,
    /// It concluded to stop.
    pub concluded_to_stop: bool,
}

impl LineageSchool {
    /// An effect below 0, or the conclusion to stop.
    pub fn did_not_work(&self) -> bool {
        self.effect_below_zero || self.concluded_to_stop
    }
}

/// Somebody to ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// The school's name.
    pub school_name: String,
    /// The role of the person.
    pub role: String,
    /// Whether the school is the one that the lineage starts from.
    pub origin: bool,
}

/// A lineage as far as this node may read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lineage {
    /// The intervention that it starts from; it may be one that is not held.
    #[cfg_attr(feature = "openapi", schema(value_type = (SchoolId, RecordId)))]
    pub origin: RecordKey,
    /// The schools that did it, other than those that were merely inspired by it.
    #[serde(serialize_with = "schools_by_name")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<LineageSchool>))]
    pub schools: BTreeMap<SchoolId, LineageSchool>,
    /// The reports, by the school's name and id.
    pub reports: Vec<LineageReport>,
    /// What was found in each outcome domain, most schools first; domains with as many by name.
    pub outcomes: Vec<OutcomeEvidence>,
    /// The cost bands that were given.
    pub cost_bands: BTreeSet<String>,
    /// Whom to ask: the school that started it first, the others by name.
    pub contacts: Vec<Contact>,
    /// The schools that were merely inspired by it, by name.
    pub inspired: BTreeSet<String>,
    /// Records counted.
    pub records: usize,
    /// There are more records than are counted.
    pub more: bool,
}

impl Lineage {
    /// What `records` show of the lineage that starts from `origin`. Of records that do not belong to
    /// it, or would be beyond [`MAX_LINEAGE_RECORDS`], nothing is used.
    pub fn of(origin: RecordKey, records: &[LineageRecord]) -> Self {
        let chain = Chain::of(origin, records);
        let mut lineage = Self {
            origin,
            schools: BTreeMap::new(),
            reports: Vec::new(),
            outcomes: Vec::new(),
            cost_bands: BTreeSet::new(),
            contacts: Vec::new(),
            inspired: BTreeSet::new(),
            records: chain.links.len(),
            more: chain.more,
        };
        for link in &chain.links {
            match link.record.kind {
                LineageKind::Intervention | LineageKind::Adoption => {
                    lineage.add_trial(link.record, link.inspired);
                }
                LineageKind::ImpactReport => {
                    let on = link.parent.and_then(|parent| chain.links.get(parent));
                    let first = chain.links.first();
                    let [on, first] = [on, first].map(|link| link.map(|link| link.record));
                    let first = first.filter(|first| first.key == origin);
                    let report = LineageReport::of(link.record, link.inspired, on, first);
                    lineage.add_report(link.record, report);
                }
            }
        }
        lineage.reports.sort_by(|one, other| {
            (&one.school_name, one.key).cmp(&(&other.school_name, other.key))
        });
        lineage.contacts.sort_by(|one, other| (!one.origin, one).cmp(&(!other.origin, other)));
        lineage.contacts.dedup();
        outcome::leave_out_shared_comparisons(&mut lineage.reports);
        lineage.outcomes = outcome::outcomes(&lineage.reports);
        lineage
    }

    fn add_trial(&mut self, record: &LineageRecord, inspired: bool) {
        let role = match record.contact_role.trim() {
            "" => record.summary.author_role.replace('_', " "),
            role => role.to_owned(),
        };
        self.contacts.push(Contact {
            school_name: record.school_name.clone(),
            role,
            origin: record.key == self.origin,
        });
        self.cost_bands.extend(record.summary.cost_band.clone());
        if inspired {
            self.inspired.insert(record.school_name.clone());
            return;
        }
        let school = self.school(record);
        school.started |= !record.has_state("proposed");
        school.stopped |= record.has_state("stopped");
    }

    fn add_report(&mut self, record: &LineageRecord, report: LineageReport) {
        if report.inspired {
            self.inspired.insert(record.school_name.clone());
        } else {
            let stops = report.concludes_to_stop();
            let school = self.school(record);
            school.started = true;
            school.reported = true;
            school.stopped |= stops;
            school.concluded_to_stop |= stops;
            school.effect_below_zero |= report.is_below_zero();
        }
        self.reports.push(report);
    }

    fn school(&mut self, record: &LineageRecord) -> &mut LineageSchool {
        self.schools.entry(record.key.0).or_insert_with(|| LineageSchool {
            name: record.school_name.clone(),
            phase: record.phase.clone(),
            ..LineageSchool::default()
        })
    }

    /// Schools that started.
    pub fn started(&self) -> usize {
        self.count(|school| school.started)
    }

    /// Schools that reported.
    pub fn reported(&self) -> usize {
        self.count(|school| school.reported)
    }

    /// Schools that stopped.
    pub fn stopped(&self) -> usize {
        self.count(|school| school.stopped)
    }

    fn count(&self, which: impl Fn(&LineageSchool) -> bool) -> usize {
        self.schools.values().filter(|school| which(school)).count()
    }

    /// How strong the evidence is: in the outcome domain with the most schools, or that of the best
    /// report where nothing is pooled. None while nobody has reported.
    pub fn strength(&self) -> Option<Strength> {
        let pooled = self.outcomes.first().and_then(|outcome| outcome.strength);
        let best = || self.reports.iter().map(LineageReport::strength_alone).max();
        pooled.or_else(best)
    }

    /// What is pooled in each outcome domain by phase, key stage and group of pupils, where schools
    /// or reports differ in them.
    pub fn breakdowns(&self) -> BTreeMap<&str, Vec<Breakdown>> {
        let mut domains = outcome::by_domain(&self.reports);
        for reports in domains.values_mut() {
            reports.retain(|report| report.not_pooled.is_none());
        }
        domains.into_iter().map(|(domain, of)| (domain, breakdown::breakdowns(&of))).collect()
    }

    /// The evidence in short.
    pub fn in_short(&self) -> LineageEvidence {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let started = || self.schools.values().filter(|school| school.started);
        let phases: BTreeSet<String> =
            started().filter_map(|school| school.phase.clone()).collect();
        LineageEvidence {
            origin: self.origin,
            strength: self.strength(),
            started: number(self.started()),
            reported: number(self.reported()),
            stopped: number(self.stopped()),
            did_not_work: number(self.count(LineageSchool::did_not_work)),
            effect: self.outcomes.first().and_then(OutcomeEvidence::interval),
            phases: phases.into_iter().collect(),
        }
    }
}

fn schools_by_name<S: serde::Serializer>(
    schools: &BTreeMap<SchoolId, LineageSchool>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut schools: Vec<&LineageSchool> = schools.values().collect();
    schools.sort_by_key(|school| &school.name);
    serializer.collect_seq(schools)
}

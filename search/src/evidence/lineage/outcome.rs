//! What the schools of a lineage found in one outcome domain.

use std::collections::BTreeMap;

use serde::Serialize;
use staffroom_protocol::hash::{RecordId, SchoolId};

use super::{Interval, LineageReport, Strength};
use crate::evidence::effect::interval;
use crate::evidence::pool::{Estimate, Method, Pooled, pool};
use crate::evidence::report::NotPooled;

/// How far the results of one school go together, where they are combined: taken, as they share
/// pupils and teachers and their true correlation is not shared.
const CORRELATION: f64 = 0.5;

/// What was found in one outcome domain. Reports that are listed and not pooled count for nothing
/// but `listed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutcomeEvidence {
    /// The domain, in lower case.
    pub domain: String,
    /// One effect for each school, by name.
    pub schools: Vec<SchoolEffect>,
    /// The schools' effects pooled by REML; none where nothing is pooled.
    pub pooled: Option<Pooled>,
    /// The strength of what is pooled, or of the best report listed.
    pub strength: Option<Strength>,
    /// Reports with an effect that is listed and not pooled.
    pub listed: usize,
    /// Every pooled report measured attainment, so that months mean something.
    pub attainment: bool,
    /// Pupils behind what is pooled.
    pub pupils: u32,
}

/// The effect at one school, of all its reports within a domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SchoolEffect {
    /// The school.
    pub school: SchoolId,
    /// Its name.
    pub school_name: String,
    /// The effect; where there are several, their mean.
    pub effect: f64,
    /// Its variance; where there are several, their correlation is taken as 0.5.
    pub variance: f64,
    /// The 95 % interval: of one report its own, of several on the normal distribution.
    pub interval: Interval,
    /// Reports behind it.
    pub reports: usize,
    /// Pupils behind it: those of its largest report, since repeats may be about the same.
    pub pupils: u32,
    #[serde(skip)]
    rating: u8,
}

impl SchoolEffect {
    /// As it is pooled.
    pub(crate) fn estimate(&self) -> Estimate {
        Estimate { effect: self.effect, variance: self.variance }
    }
}

impl OutcomeEvidence {
    /// The pooled effect with the interval that pages show; of one school its own.
    pub fn interval(&self) -> Option<Interval> {
        shown(self.pooled.as_ref()?, &self.schools)
    }
}

/// The interval of Hartung, Knapp, Sidik and Jonkman that never shrinks; of one school its own.
pub(super) fn shown(pooled: &Pooled, schools: &[SchoolEffect]) -> Option<Interval> {
    match (schools, &pooled.hksj_never_shrinks) {
        ([one], _) => Some(one.interval),
        (_, Some(hksj)) => {
            Some(Interval { estimate: pooled.estimate, low: hksj.ci_low, high: hksj.ci_high })
        }
        (_, None) => None,
    }
}

/// Marks reports whose comparison group another school's report counts as well: that one is pooled,
/// and those that lead to it are listed.
pub(super) fn leave_out_shared_comparisons(reports: &mut [LineageReport]) {
    let pooled =
        |report: &&LineageReport| report.evidence.effect().is_some() && report.not_pooled.is_none();
    let by_id: BTreeMap<RecordId, &LineageReport> =
        reports.iter().filter(pooled).map(|report| (report.key.1, report)).collect();
    let next = |id: RecordId| {
        let report = by_id.get(&id)?;
        let other = by_id.get(&report.shares_comparison_with?)?;
        (report.evidence.domain == other.evidence.domain).then_some(other.key.1)
    };
    let mut counted = BTreeMap::new();
    for id in by_id.keys() {
        let mut path = Vec::new();
        let mut at = *id;
        let counts = loop {
            if let Some(known) = counted.get(&at) {
                break *known;
            }
            path.push(at);
            match next(at) {
                None => break at,
                // Where reports name each other in a ring, the one with the lowest id counts.
                Some(back) if path.contains(&back) => {
                    let ring = path.iter().skip_while(|on| **on != back);
                    break ring.min().copied().unwrap_or(at);
                }
                Some(on) => at = on,
            }
        };
        counted.extend(path.into_iter().map(|on| (on, counts)));
    }
    let schools: BTreeMap<RecordId, SchoolId> =
        by_id.iter().map(|(id, report)| (*id, report.key.0)).collect();
    for report in reports {
        let counts = counted.get(&report.key.1).and_then(|counts| schools.get(counts));
        if counts.is_some_and(|school| *school != report.key.0) {
            report.not_pooled = Some(NotPooled::SharedComparison);
        }
    }
}

/// The reports with an effect, by domain.
pub(super) fn by_domain(reports: &[LineageReport]) -> BTreeMap<&str, Vec<&LineageReport>> {
    let mut domains: BTreeMap<&str, Vec<&LineageReport>> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.evidence.effect().is_some()) {
        domains.entry(&report.evidence.domain).or_default().push(report);
    }
    domains
}

/// What was found in each domain, most schools first.
pub(super) fn outcomes(reports: &[LineageReport]) -> Vec<OutcomeEvidence> {
    let mut outcomes: Vec<OutcomeEvidence> =
        by_domain(reports).into_iter().map(|(domain, reports)| outcome(domain, &reports)).collect();
    outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.schools.len()));
    outcomes
}

fn outcome(domain: &str, reports: &[&LineageReport]) -> OutcomeEvidence {
    let counted: Vec<&LineageReport> =
        reports.iter().filter(|report| report.not_pooled.is_none()).copied().collect();
    let schools = school_effects(&counted);
    let pooled = pool_schools(&schools);
    let strength = Strength::of_schools(schools.iter().map(|school| school.rating))
        .or_else(|| reports.iter().map(|report| report.strength_alone()).max());
    OutcomeEvidence {
        domain: domain.to_owned(),
        strength,
        listed: reports.iter().filter(|report| report.not_pooled.is_some()).count(),
        attainment: counted.iter().all(|report| report.evidence.is_attainment()),
        pupils: schools.iter().fold(0, |sum, school| sum.saturating_add(school.pupils)),
        pooled,
        schools,
    }
}

/// One effect for each school that pooled `reports` come from, by name.
pub(super) fn school_effects(reports: &[&LineageReport]) -> Vec<SchoolEffect> {
    let mut by_school: BTreeMap<SchoolId, Vec<&LineageReport>> = BTreeMap::new();
    for report in reports {
        by_school.entry(report.key.0).or_default().push(report);
    }
    let mut schools: Vec<SchoolEffect> =
        by_school.values().filter_map(|reports| school_effect(reports)).collect();
    schools.sort_by(|one, other| {
        (&one.school_name, one.school).cmp(&(&other.school_name, other.school))
    });
    schools
}

pub(super) fn pool_schools(schools: &[SchoolEffect]) -> Option<Pooled> {
    let estimates: Vec<Estimate> = schools.iter().map(SchoolEffect::estimate).collect();
    pool(&estimates, Method::Reml).ok()
}

/// The mean of a school's effects, which go together by [`CORRELATION`] (Borenstein et al. 2009,
/// equations 24.1 and 24.2).
fn school_effect(reports: &[&LineageReport]) -> Option<SchoolEffect> {
    let first = reports.first()?;
    let effects: Vec<_> = reports.iter().filter_map(|report| report.evidence.effect()).collect();
    let m = effects.len() as f64;
    let effect = effects.iter().map(|effect| effect.estimate).sum::<f64>() / m;
    let variances: f64 = effects.iter().map(|effect| effect.variance).sum();
    let errors: f64 = effects.iter().map(|effect| effect.variance.sqrt()).sum();
    // Σv + r·Σ√(vᵢ·vⱼ) over i ≠ j, which is r·((Σ√v)² − Σv).
    let variance = (variances + CORRELATION * (errors * errors - variances)) / (m * m);
    let own = match effects.as_slice() {
        [one] => one.interval,
        _ => None,
    };
    let own = own.map(|(low, high)| Interval { estimate: effect, low, high });
    Some(SchoolEffect {
        school: first.key.0,
        school_name: first.school_name.clone(),
        effect,
        variance,
        interval: own.unwrap_or_else(|| interval(effect, variance)),
        reports: reports.len(),
        pupils: reports.iter().filter_map(|report| report.evidence.pupils).max().unwrap_or(0),
        rating: reports.iter().map(|report| report.evidence.rating).max().unwrap_or(0),
    })
}

//! What schools found in one outcome domain by phase, by key stage and by group of pupils.
//!
//! A report gives one effect over all of its pupils, and none for groups among them. So whole reports
//! are grouped: by the phase of their school, and by the key stages and groups of pupils that they
//! are on. One that is on several key stages at once says nothing about any one of them and is in no
//! group; likewise for groups of pupils. A school that reports on two key stages apart is in both,
//! each time with the reports on that one.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::SchoolId;
use staffroom_protocol::vocabulary::Vocabulary;

use super::outcome::{pool_schools, school_effects, shown};
use super::{Interval, LineageReport, SchoolEffect};
use crate::evidence::pool::{Estimate, Method, Subgroups, Welch, subgroups};

/// The fewest schools of a group that is compared (Fu et al. 2011, *Journal of Clinical Epidemiology*
/// 64: four studies in each subgroup).
pub const COMPARED_LEAST: usize = 4;

/// The fewest schools of all compared groups together (Deeks, Higgins & Altman, *Cochrane Handbook*,
/// section 10.11.5.1: ten studies for each characteristic).
pub const COMPARED_LEAST_IN_ALL: usize = 10;

/// What schools or pupils differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The phase of the school.
    Phase,
    /// The key stage that a report is on.
    KeyStage,
    /// The group of pupils that a report is on.
    PupilGroup,
}

impl Dimension {
    /// All dimensions, in the order in which pages list them.
    pub const ALL: [Self; 3] = [Self::Phase, Self::KeyStage, Self::PupilGroup];

    /// The terms that tell schools or pupils apart.
    pub const fn vocabulary(self) -> Vocabulary {
        match self {
            Self::Phase => Vocabulary::Phases,
            Self::KeyStage => Vocabulary::KeyStages,
            Self::PupilGroup => Vocabulary::PupilGroups,
        }
    }

    /// The one term that a report is on; none where there are several, or one that this program does
    /// not know. Only terms of the vocabulary make groups, so that what peers write cannot make any
    /// number.
    fn only_term(self, report: &LineageReport) -> Option<&'static str> {
        let given = match self {
            Self::Phase => report.phase.as_slice(),
            Self::KeyStage => &report.key_stages,
            Self::PupilGroup => &report.pupil_groups,
        };
        let terms: Option<BTreeSet<&'static str>> =
            given.iter().map(|text| self.vocabulary().resolve(text)).collect();
        let mut terms = terms?.into_iter();
        terms.next().filter(|_| terms.next().is_none())
    }
}

/// The results of one outcome domain by one dimension. There are at least two groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Breakdown {
    /// What tells the groups apart.
    pub dimension: Dimension,
    /// The groups in which there is a result, in the order of the vocabulary.
    pub groups: Vec<Subgroup>,
    /// Schools that are in no group: their reports are on several at once, or do not say.
    pub apart: usize,
    /// Whether the groups differ; none where there are too few schools to say.
    pub comparison: Option<Comparison>,
}

/// What one group of schools or reports shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subgroup {
    /// The phase, key stage or group of pupils, as the vocabulary spells it.
    pub value: &'static str,
    /// Schools in it.
    pub k: usize,
    /// Pupils behind it.
    pub pupils: u32,
    /// Every report measured attainment, so that months mean something.
    pub attainment: bool,
    /// What the schools show: pooled as the whole is; of one school its own.
    pub effect: Interval,
}

/// Whether the results of groups differ. Groups of fewer than [`COMPARED_LEAST`] schools are left
/// out, and so are schools that are in several groups: the groups must be independent of each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SubgroupComparison))]
pub struct Comparison {
    /// The groups compared, in the order of the vocabulary.
    pub values: Vec<&'static str>,
    /// Schools compared.
    pub k: usize,
    /// Schools left out because they are in several groups.
    pub in_several: usize,
    /// Of two groups the one with the better result, where it is the better one over all its schools
    /// too, those left out included.
    pub better: Option<&'static str>,
    /// Q between the groups, each with a τ² of its own (Borenstein et al. 2009, chapter 19).
    pub q_between: f64,
    /// The degrees of freedom of `q_between`: groups − 1.
    pub df: usize,
    /// How often `q_between` is that large where the groups do not differ.
    pub p: f64,
    /// The same more cautiously: what pages go by.
    pub cautious: Welch,
}

impl Comparison {
    /// The probability below which a difference is called one that chance alone would rarely show.
    /// A page looks at three dimensions in up to four domains; at 0.05 about every second one would
    /// show such a difference where there is none, at 0.01 one in nine.
    pub const RARE: f64 = 0.01;

    /// Chance alone would rarely show differences like these.
    pub fn is_clear(&self) -> bool {
        self.cautious.p < Self::RARE
    }
}

/// The breakdowns of the pooled `reports` of one domain, by each dimension in which they differ.
pub(super) fn breakdowns(reports: &[&LineageReport]) -> Vec<Breakdown> {
    Dimension::ALL.into_iter().filter_map(|dimension| Breakdown::of(dimension, reports)).collect()
}

impl Breakdown {
    fn of(dimension: Dimension, reports: &[&LineageReport]) -> Option<Self> {
        let mut members: BTreeMap<&'static str, Vec<&LineageReport>> = BTreeMap::new();
        let mut groups_of: BTreeMap<SchoolId, BTreeSet<&'static str>> = BTreeMap::new();
        for report in reports {
            let groups = groups_of.entry(report.key.0).or_default();
            if let Some(term) = dimension.only_term(report) {
                groups.insert(term);
                members.entry(term).or_default().push(report);
            }
        }
        if members.len() < 2 {
            return None;
        }
        let terms = dimension.vocabulary().terms().iter();
        let members: Vec<Members> = terms
            .filter_map(|term| {
                let (value, reports) = members.remove_entry(term.term.as_str())?;
                Some(Members { value, schools: school_effects(&reports), reports })
            })
            .collect();
        let groups: Vec<Subgroup> = members.iter().filter_map(Members::result).collect();
        Some(Self {
            dimension,
            apart: groups_of.values().filter(|groups| groups.is_empty()).count(),
            comparison: Comparison::of(&members, &groups, &groups_of),
            groups,
        })
    }
}

/// The reports of one group.
struct Members<'a> {
    value: &'static str,
    schools: Vec<SchoolEffect>,
    reports: Vec<&'a LineageReport>,
}

impl Members<'_> {
    fn result(&self) -> Option<Subgroup> {
        Some(Subgroup {
            value: self.value,
            k: self.schools.len(),
            pupils: self.schools.iter().fold(0, |sum, school| sum.saturating_add(school.pupils)),
            attainment: self.reports.iter().all(|report| report.evidence.is_attainment()),
            effect: shown(&pool_schools(&self.schools)?, &self.schools)?,
        })
    }
}

impl Comparison {
    fn of(
        members: &[Members],
        groups: &[Subgroup],
        groups_of: &BTreeMap<SchoolId, BTreeSet<&'static str>>,
    ) -> Option<Self> {
        let in_one = |school: &SchoolId| groups_of.get(school).is_some_and(|of| of.len() == 1);
        let mut values = Vec::new();
        let mut estimates: Vec<(String, Estimate)> = Vec::new();
        for group in members {
            let schools = group.schools.iter().filter(|effect| in_one(&effect.school));
            let of_group: Vec<_> =
                schools.map(|school| (group.value.to_owned(), school.estimate())).collect();
            if of_group.len() >= COMPARED_LEAST {
                values.push(group.value);
                estimates.extend(of_group);
            }
        }
        if values.len() < 2 || estimates.len() < COMPARED_LEAST_IN_ALL {
            return None;
        }
        let compared = subgroups(&estimates, Method::Reml).ok()?;
        let several =
            |of: &&BTreeSet<&str>| of.len() > 1 && values.iter().any(|value| of.contains(value));
        Some(Self {
            k: estimates.len(),
            in_several: groups_of.values().filter(several).count(),
            better: better(&values, &compared, groups),
            values,
            q_between: compared.q_between,
            df: compared.df,
            p: compared.p,
            cautious: compared.cautious?,
        })
    }
}

fn better(
    values: &[&'static str],
    compared: &Subgroups,
    groups: &[Subgroup],
) -> Option<&'static str> {
    let [one, other] = values else { return None };
    let in_group = |value: &str| groups.iter().find(|group| group.value == value);
    let better = |one: &str, other: &str| {
        let compared = compared.pooled.get(one)?.estimate > compared.pooled.get(other)?.estimate;
        let shown = in_group(one)?.effect.estimate > in_group(other)?.effect.estimate;
        Some(compared && shown)
    };
    [(*one, *other), (*other, *one)]
        .into_iter()
        .find_map(|(one, other)| better(one, other)?.then_some(one))
}

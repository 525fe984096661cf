//! What this school tried in a school year, for whom, at what cost, with what result, and what is next:
//! for governors. All of it is what the school shared; nobody is named.

mod own;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::impact_report::Conclusion;
use staffroom_protocol::record::plan::PlanPriority;
use staffroom_protocol::record::{Content, Kind, Period, State};
use staffroom_protocol::vocabulary::Vocabulary;

use crate::clock::today;
use crate::names::Names;
use crate::node::Node;
use crate::published::ListError;
use crate::readable::words;
use crate::records::HeldRecord;
use crate::school_year::SchoolYear;

use self::own::Own;

/// School years that a reader may choose, the newest.
const MOST_YEARS: usize = 12;

/// What the vocabulary calls what is of no subject: it says nothing of whom something is for.
const ANY_SUBJECT: &str = "cross-curricular";

/// A school year of this school.
#[derive(Debug)]
pub(crate) struct ThisYear {
    pub(crate) year: SchoolYear,
    /// Those in which there is something, and the one that goes on; the newest first.
    pub(crate) years: Vec<SchoolYear>,
    /// What was tried, in the order in which it began.
    pub(crate) tried: Vec<Tried>,
    /// What is proposed and has not begun.
    pub(crate) proposed: Vec<Tried>,
    /// What the school set out to do.
    pub(crate) plan: Vec<PlanPriority>,
    /// What it sets out to do in the year after.
    pub(crate) next_plan: Vec<PlanPriority>,
    /// How many records are older than those that were looked at.
    pub(crate) older: usize,
}

/// Something that the school tried.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    /// Its id, as addresses have it.
    pub(crate) id: String,
    pub(crate) title: String,
    /// What it was taken from, and the school that it is of.
    pub(crate) taken_from: Option<(String, String)>,
    pub(crate) state: Option<State>,
    pub(crate) time: Option<Period>,
    /// Pupils, years and subjects.
    pub(crate) for_whom: Vec<String>,
    pub(crate) aim: String,
    pub(crate) what_is_different: String,
    pub(crate) changes: Vec<String>,
    /// Per pupil a year, as a band.
    pub(crate) cost: Option<String>,
    pub(crate) stop_reason: String,
    /// What the school says came of it, the last one last.
    pub(crate) reports: Vec<Came>,
    /// Whether it is over and nobody said what came of it, in this year or later.
    pub(crate) report_due: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) id: RecordId,
    pub(crate) day: Date,
    pub(crate) seen: String,
    pub(crate) other_factors: String,
    pub(crate) value_for_money: String,
    pub(crate) conclusion: Option<Conclusion>,
    /// What the figures show, how strong that is and what to be careful about.
    pub(crate) sentences: Vec<String>,
    /// Why it did not work, where it did not.
    pub(crate) did_not_work: Option<String>,
}

impl Tried {
    /// What the school concludes from the last report.
    pub(crate) fn conclusion(&self) -> Option<Conclusion> {
        self.reports.last().and_then(|came| came.conclusion)
    }

    pub(crate) fn did_not_work(&self) -> bool {
        self.reports.last().is_some_and(|came| came.did_not_work.is_some())
    }
}

impl ThisYear {
    pub(crate) fn reported(&self) -> usize {
        self.tried.iter().filter(|one| !one.reports.is_empty()).count()
    }

    pub(crate) fn stopped(&self) -> usize {
        self.tried.iter().filter(|one| one.state == Some(State::Stopped)).count()
    }

    pub(crate) fn did_not_work(&self) -> usize {
        self.tried.iter().filter(|one| one.did_not_work()).count()
    }
}

impl Node {
    /// A school year of this school.
    pub(crate) fn this_year(&self, year: SchoolYear) -> Result<ThisYear, ListError> {
        let names = Names::of(self);
        let today = today();
        let mut older = 0;
        let mut all = |kind| {
            let (records, more) = self.own_records(kind)?;
            older += more;
            Ok::<_, ListError>(records)
        };
        let trials = [all(Kind::Intervention)?, all(Kind::Adoption)?].concat();
        let reports = all(Kind::ImpactReport)?;
        let plans = all(Kind::Plan)?;
        let mut years = BTreeSet::from([SchoolYear::of(today), year]);
        let mut of: BTreeMap<RecordId, Vec<&Own>> = BTreeMap::new();
        for report in &reports {
            years.insert(SchoolYear::of(report.ended()));
            if let Some(on) = report.on() {
                of.entry(on).or_default().push(report);
            }
        }
        let (mut tried, mut proposed) = (Vec::new(), Vec::new());
        for trial in &trials {
            let id = trial.held.entry.key().record;
            let on_it = of.remove(&id).unwrap_or_default();
            let time = trial.time();
            let is_proposed = trial.state() == Some(State::Proposed) && on_it.is_empty();
            if !is_proposed {
                years.insert(SchoolYear::of(time.from));
            }
            let goes_on = matches!(trial.state(), Some(State::Running) | None);
            let open = if goes_on { today.max(time.from) } else { trial.day.max(time.from) };
            let in_year: Vec<&Own> =
                on_it.iter().filter(|one| year.has(one.ended())).copied().collect();
            if is_proposed {
                if year >= SchoolYear::of(today) {
                    proposed.push(self.tried(&names, trial, &[], false)?);
                }
            } else if !in_year.is_empty() || year.touches(&time, open) {
                let is_over = !goes_on || time.to.is_some_and(|day| day < today);
                tried.push(self.tried(&names, trial, &in_year, is_over && on_it.is_empty())?);
            }
        }
        tried.extend(self.reported_elsewhere(&names, of, year)?);
        tried.sort_by_cached_key(|one| (one.time.map(|time| time.from), one.title.clone()));
        let of_year = |wanted: SchoolYear| -> Vec<PlanPriority> {
            let of = plans.iter().filter_map(|plan| {
                let Content::Plan(own) = &plan.held.record.as_ref()?.content else { return None };
                (own.academic_year == wanted.to_string()).then_some(&own.priorities)
            });
            of.flatten().cloned().collect()
        };
        let (plan, next_plan) = (of_year(year), of_year(year.next()));
        let years = years.into_iter().rev().take(MOST_YEARS).collect();
        Ok(ThisYear { year, years, tried, proposed, plan, next_plan, older })
    }

    fn tried(
        &self,
        names: &Names,
        trial: &Own,
        reports: &[&Own],
        report_due: bool,
    ) -> Result<Tried, ListError> {
        let summary = trial.held.summary.clone().unwrap_or_default();
        let mut tried = Tried {
            id: trial.held.entry.key().record.to_string(),
            title: summary.title.clone(),
            taken_from: None,
            state: trial.state(),
            time: summary.period,
            for_whom: for_whom(&trial.held),
            aim: String::new(),
            what_is_different: String::new(),
            changes: Vec::new(),
            cost: summary.cost_band.clone().map(words),
            stop_reason: String::new(),
            reports: Vec::new(),
            report_due,
        };
        match trial.held.record.as_ref().map(|record| &record.content) {
            Some(Content::Intervention(own)) => {
                tried.aim.clone_from(&own.aim);
                tried.what_is_different.clone_from(&own.what_is_different);
                tried.stop_reason.clone_from(&own.stop_reason);
            }
            Some(Content::Adoption(own)) => {
                tried.changes = own.changes.iter().map(|one| one.change.clone()).collect();
                tried.stop_reason.clone_from(&own.stop_reason);
                let of = own.of.as_ref().and_then(|of| Some((of.school?, of.record)));
                if let Some((school, record)) = of
                    && let Some(other) = self.record(school, record)?
                {
                    self.take_from(names, &other, &mut tried);
                }
            }
            Some(_) | None => {}
        }
        for report in reports {
            tried.reports.extend(self.came(&trial.held, report));
        }
        tried.reports.sort_by_key(|came| came.day);
        Ok(tried)
    }

    /// Says what is known of something only at the school that it is of.
    fn take_from(&self, names: &Names, other: &HeldRecord, tried: &mut Tried) {
        let key = other.entry.key();
        let Some(summary) = &other.summary else { return };
        tried.taken_from = Some((summary.title.clone(), names.school(&key.group, &key.school)));
        if tried.for_whom.is_empty() {
            tried.for_whom = for_whom(other);
        }
        if tried.cost.is_none() {
            tried.cost = summary.cost_band.clone().map(words);
        }
        if let Some(Content::Intervention(of)) = other.record.as_ref().map(|record| &record.content)
        {
            tried.aim.clone_from(&of.aim);
            tried.what_is_different.clone_from(&of.what_is_different);
        }
    }

    /// What the school reported in a year on what is no trial of its own.
    fn reported_elsewhere(
        &self,
        names: &Names,
        of: BTreeMap<RecordId, Vec<&Own>>,
        year: SchoolYear,
    ) -> Result<Vec<Tried>, ListError> {
        let mut tried = Vec::new();
        for reports in of.into_values() {
            let reports: Vec<&Own> =
                reports.into_iter().filter(|one| year.has(one.ended())).collect();
            let Some(first) = reports.first() else { continue };
            let on = first.held.summary.iter().flat_map(|summary| &summary.references).next();
            let Some((school, record)) = on.and_then(|on| Some((on.school?, on.record))) else {
                continue;
            };
            let Some(other) = self.record(school, record)? else { continue };
            if other.summary.is_none() {
                continue;
            }
            let trial = Own { day: first.day, held: other };
            let mut one = self.tried(names, &trial, &reports, false)?;
            one.id = format!("{record}@{school}");
            // How far it has got there says nothing of here.
            (one.state, one.stop_reason) = (None, String::new());
            one.time = first.held.summary.as_ref().and_then(|summary| summary.period);
            self.take_from(names, &trial.held, &mut one);
            tried.push(one);
        }
        Ok(tried)
    }

    fn came(&self, trial: &HeldRecord, report: &Own) -> Option<Came> {
        let summary = report.held.summary.clone()?;
        let id = report.held.entry.key().record;
        let own = match report.held.record.as_ref().map(|record| &record.content) {
            Some(Content::ImpactReport(own)) => Some(own),
            Some(_) | None => None,
        };
        let conclusion = summary.conclusion.as_deref().and_then(|said| said.parse().ok());
        let (row, sentences) = self.report_alone_shows(trial, id, summary);
        Some(Came {
            id,
            day: report.ended(),
            seen: own.map(|own| own.what_was_seen.clone()).unwrap_or_default(),
            other_factors: own.map(|own| own.other_factors.clone()).unwrap_or_default(),
            value_for_money: own.map(|own| own.value_for_money.clone()).unwrap_or_default(),
            conclusion,
            sentences: sentences.into_iter().map(|sentence| sentence.text).collect(),
            did_not_work: row.and_then(|row| row.did_not_work),
        })
    }
}

fn for_whom(held: &HeldRecord) -> Vec<String> {
    let Some(summary) = &held.summary else { return Vec::new() };
    let labels = |terms: &[String], vocabulary: Vocabulary| {
        let terms = terms.iter().filter(|term| *term != ANY_SUBJECT);
        terms.map(|term| vocabulary.label(term).to_owned()).collect::<Vec<_>>()
    };
    let years = labels(&summary.year_groups, Vocabulary::YearGroups);
    let stages = labels(&summary.key_stages, Vocabulary::KeyStages);
    [
        labels(&summary.pupil_groups, Vocabulary::PupilGroups),
        if years.is_empty() { stages } else { years },
        labels(&summary.subjects, Vocabulary::Subjects),
    ]
    .concat()
}

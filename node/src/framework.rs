//! What the schools of this node's groups hold in common: vision and priorities, what is standardised,
//! aligned or left to each school, expectations by age, and how schools answer the checklist.

pub(crate) mod checklist;
pub(crate) mod decisions;

use staffroom_protocol::record::{Content, Expectation, Framework, Kind, Plan};
use staffroom_protocol::vocabulary::Vocabulary;

use self::checklist::Checklist;
use self::decisions::{Area, areas};
use crate::clock::today;
use crate::names::Names;
use crate::node::Node;
use crate::published::{ListError, Published};

/// Frameworks that are read for one page: one a group, and a school is in a few groups.
const MOST_FRAMEWORKS: usize = 24;

/// Plans: one a school of a large trust.
const MOST_PLANS: usize = 60;

/// Expectations: all subjects of a primary school in every year have about as many.
const MOST_EXPECTATIONS: usize = 200;

/// Sets of answers: those of a trust of forty schools in two years.
const MOST_ANSWER_SETS: usize = 240;

/// All that the page of the framework shows.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) frameworks: Vec<Published<Framework>>,
    pub(crate) areas: Vec<Area>,
    pub(crate) plans: Vec<Published<Plan>>,
    pub(crate) subjects: Vec<Subject>,
    /// How many expectations there are that are not shown.
    pub(crate) more_expectations: usize,
    pub(crate) checklist: Checklist,
    /// How many records there are whose full text has not come yet.
    pub(crate) to_come: usize,
}

/// What is expected in one subject, of the youngest first.
#[derive(Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) label: String,
    pub(crate) expectations: Vec<Published<Expectation>>,
}

impl Node {
    /// What this node may read of what schools hold in common.
    pub(crate) fn shared_framework(&self) -> Result<Shared, ListError> {
        let names = Names::of(self);
        let frameworks = self.newest_of(&names, Kind::Framework, MOST_FRAMEWORKS, |content| {
            if let Content::Framework(own) = content { Some(own) } else { None }
        })?;
        let plans = self.newest_of(&names, Kind::Plan, MOST_PLANS, |content| {
            if let Content::Plan(own) = content { Some(own) } else { None }
        })?;
        let expectations =
            self.newest_of(&names, Kind::Expectation, MOST_EXPECTATIONS, |content| {
                if let Content::Expectation(own) = content { Some(own) } else { None }
            })?;
        let answers =
            self.newest_of(&names, Kind::SelfAssessment, MOST_ANSWER_SETS, |content| {
                if let Content::SelfAssessment(own) = content { Some(own) } else { None }
            })?;
        let own = self.identity();
        Ok(Shared {
            to_come: frameworks.to_come + plans.to_come + expectations.to_come + answers.to_come,
            areas: areas(&frameworks.records, &own.claims().name, today()),
            frameworks: frameworks.records,
            plans: plans.records,
            subjects: by_subject(expectations.records),
            more_expectations: expectations.older,
            checklist: Checklist::of(answers.records, own.school()),
        })
    }
}

fn by_subject(mut expectations: Vec<Published<Expectation>>) -> Vec<Subject> {
    expectations.sort_by_key(|one| {
        let Expectation { subject, year_group, .. } = &one.content;
        let of_subject = place(Vocabulary::Subjects, subject);
        (of_subject, place(Vocabulary::YearGroups, year_group), one.title.clone())
    });
    let mut subjects: Vec<Subject> = Vec::new();
    for one in expectations {
        let label = Vocabulary::Subjects.label(&one.content.subject);
        match subjects.last_mut().filter(|subject| subject.label == label) {
            Some(subject) => subject.expectations.push(one),
            None => {
                subjects.push(Subject { label: label.to_owned(), expectations: vec![one] });
            }
        }
    }
    subjects
}

/// Where a term stands in its vocabulary; what a newer program calls otherwise comes last, by name.
fn place(vocabulary: Vocabulary, text: &str) -> (usize, String) {
    let term = vocabulary.resolve(text);
    let mut terms = vocabulary.terms().iter();
    match terms.position(|one| Some(one.term.as_str()) == term) {
        Some(place) => (place, String::new()),
        None => (vocabulary.terms().len(), text.to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use staffroom_protocol::hash::{RecordId, SchoolId};

    use super::*;

    /// A record of a school that has a number, as the groups named have it.
    pub(crate) fn published<T>(school: u8, groups: &[&str], content: T) -> Published<T> {
        Published {
            school: SchoolId::from_bytes([school; 32]),
            school_name: format!("School {school}"),
            record: RecordId::from_bytes([school; 16]),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            updated: "2026-10-01T00:00:00Z".to_owned(),
            title: format!("Record of school {school}"),
            in_short: String::new(),
            content,
        }
    }

    #[test]
    fn expectations_stand_by_subject_and_age_in_the_order_of_the_lists() {
        let expected = |subject: &str, year: &str| {
            let (subject, year_group) = (subject.to_owned(), year.to_owned());
            published(1, &["Trust"], Expectation { subject, year_group, ..Expectation::default() })
        };
        let subjects = by_subject(vec![
            expected("mathematics", "year 10"),
            expected("stargazing", "year 1"),
            expected("maths", "year 2"),
            expected("English", "reception"),
        ]);
        let order: Vec<(&str, Vec<&str>)> = subjects
            .iter()
            .map(|subject| {
                let years = subject.expectations.iter().map(|one| one.content.year_group.as_str());
                (subject.label.as_str(), years.collect())
            })
            .collect();
        let expected = [
            ("English", vec!["reception"]),
            ("mathematics", vec!["year 2", "year 10"]),
            ("stargazing", vec!["year 1"]),
        ];
        assert_eq!(order, expected);
    }
}

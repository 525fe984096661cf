//! What is standardised, aligned or left to each school: the decisions of all groups side by side, area by
//! area. Where two of them cannot both hold, that is said; they are never merged.

use jiff::civil::Date;
use staffroom_protocol::record::Framework;
use staffroom_protocol::record::framework::PracticePolicy;
use staffroom_protocol::vocabulary::{Approach, Vocabulary};

use crate::published::Published;
use crate::readable::capitalised;

/// Decisions of one framework that are read: as many as its rules allow, which a node that keeps no
/// rules may go beyond.
const MOST_POLICIES: usize = 60;

/// Exceptions of one decision that are read, for the same reason.
const MOST_EXCEPTIONS: usize = 100;

/// An area of practice, with what was decided on it.
#[derive(Debug, PartialEq)]
pub(crate) struct Area {
    /// The term, which is what a search for it has in its address.
    pub(crate) term: String,
    pub(crate) label: String,
    /// What trusts usually choose, which presets nothing.
    pub(crate) usual: Option<Approach>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) clash: Option<Clash>,
}

/// A group's decision on an area.
#[derive(Debug, PartialEq)]
pub(crate) struct Decision {
    /// The groups in which the framework was shared.
    pub(crate) groups: Vec<String>,
    /// The id of the framework, with its school.
    pub(crate) framework: String,
    pub(crate) school_name: String,
    /// None where a newer program decides in a way that this one does not know.
    pub(crate) approach: Option<Approach>,
    pub(crate) rationale: String,
    pub(crate) decided_by: String,
    pub(crate) agreed_by: Vec<String>,
    pub(crate) review: Option<Date>,
    /// Whether it should have been looked at again by today.
    pub(crate) is_due: bool,
    pub(crate) exceptions: Vec<Departure>,
}

/// A school's own exception.
#[derive(Debug, PartialEq)]
pub(crate) struct Departure {
    pub(crate) school: String,
    pub(crate) reason: String,
    pub(crate) until: Option<Date>,
    /// Whether its last day has passed.
    pub(crate) is_over: bool,
    /// Whether it is this school's.
    pub(crate) is_own: bool,
}

/// Why the decisions on an area cannot all hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash {
    /// They take different approaches, and a school that is in both groups can follow but one.
    Approaches,
    /// One group decided twice.
    Twice,
}

/// Every area of practice, in the order of the vocabulary; those that only a newer program knows come
/// last. `school` is the name of this school.
pub(crate) fn areas(frameworks: &[Published<Framework>], school: &str, today: Date) -> Vec<Area> {
    let terms = Vocabulary::PracticeAreas.terms().iter();
    let mut areas: Vec<Area> = terms
        .map(|term| Area {
            term: term.term.clone(),
            label: capitalised(term.label()),
            usual: term.usual,
            decisions: Vec::new(),
            clash: None,
        })
        .collect();
    for framework in frameworks {
        for policy in framework.content.practice_policies.iter().take(MOST_POLICIES) {
            let term = Vocabulary::PracticeAreas.resolve(&policy.area).unwrap_or(&policy.area);
            let decision = Decision::of(framework, policy, school, today);
            match areas.iter_mut().find(|area| area.term == term) {
                Some(area) => area.decisions.push(decision),
                None => areas.push(Area {
                    term: term.to_owned(),
                    label: capitalised(term),
                    usual: None,
                    decisions: vec![decision],
                    clash: None,
                }),
            }
        }
    }
    for area in &mut areas {
        area.decisions.sort_by(|one, other| one.groups.cmp(&other.groups));
        area.clash = clash(&area.decisions);
    }
    areas
}

impl Decision {
    fn of(
        framework: &Published<Framework>,
        policy: &PracticePolicy,
        school: &str,
        today: Date,
    ) -> Self {
        let exceptions = policy.exceptions.iter().take(MOST_EXCEPTIONS);
        Self {
            groups: framework.groups.clone(),
            framework: framework.id(),
            school_name: framework.school_name.clone(),
            approach: policy.approach,
            rationale: policy.rationale.clone(),
            decided_by: policy.decided_by.clone(),
            agreed_by: policy.agreed_by.clone(),
            review: policy.review,
            is_due: policy.review.is_some_and(|day| day < today),
            exceptions: exceptions
                .map(|exception| Departure {
                    is_over: exception.until.is_some_and(|day| day < today),
                    is_own: folded(&exception.school) == folded(school),
                    school: exception.school.clone(),
                    reason: exception.reason.clone(),
                    until: exception.until,
                })
                .collect(),
        }
    }
}

fn clash(decisions: &[Decision]) -> Option<Clash> {
    let first = decisions.first()?;
    if decisions.iter().any(|decision| decision.approach != first.approach) {
        return Some(Clash::Approaches);
    }
    let mut groups: Vec<&String> = decisions.iter().flat_map(|decision| &decision.groups).collect();
    groups.sort();
    groups.windows(2).any(|pair| pair[0] == pair[1]).then_some(Clash::Twice)
}

fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use staffroom_protocol::record::framework::Exception;

    use super::super::tests::published;
    use super::*;

    fn policy(area: &str, approach: Approach) -> PracticePolicy {
        let (area, review) = (area.to_owned(), Some(date(2027, 6, 1)));
        PracticePolicy { area, approach: Some(approach), review, ..PracticePolicy::default() }
    }

    fn framework(school: u8, group: &str, policies: &[PracticePolicy]) -> Published<Framework> {
        let practice_policies = policies.to_vec();
        published(school, &[group], Framework { practice_policies, ..Framework::default() })
    }

    fn of<'a>(areas: &'a [Area], term: &str) -> &'a Area {
        areas.iter().find(|area| area.term == term).unwrap()
    }

    #[test]
    fn decisions_of_different_groups_stand_side_by_side_and_a_clash_is_said() {
        let standardised = policy("exam boards", Approach::Standardised);
        let trust =
            framework(1, "Trust", &[standardised.clone(), policy("CPD", Approach::Aligned)]);
        let agreeing = framework(2, "Cluster", std::slice::from_ref(&standardised));
        let areas_of =
            |frameworks: &[Published<Framework>]| areas(frameworks, "School 1", date(2026, 11, 26));
        let agreed = areas_of(&[trust.clone(), agreeing]);
        assert_eq!(agreed.len(), Vocabulary::PracticeAreas.terms().len());
        let boards = of(&agreed, "exam boards");
        let groups: Vec<_> = boards.decisions.iter().map(|one| one.groups.concat()).collect();
        assert_eq!((groups, boards.clash), (vec!["Cluster".into(), "Trust".into()], None));
        assert_eq!(of(&agreed, "staff coaching and development").decisions.len(), 1);
        assert_eq!(of(&agreed, "moderation").decisions, []);

        let other = framework(2, "Cluster", &[policy("Exam boards", Approach::Autonomous)]);
        let differing = areas_of(&[trust.clone(), other]);
        assert_eq!(of(&differing, "exam boards").clash, Some(Clash::Approaches));
        assert_eq!(of(&differing, "staff coaching and development").clash, None);

        let again = framework(3, "Trust", &[standardised]);
        assert_eq!(of(&areas_of(&[trust, again]), "exam boards").clash, Some(Clash::Twice));
    }

    #[test]
    fn exceptions_say_whose_they_are_and_when_they_end() {
        let exception = |school: &str, until| Exception {
            school: school.to_owned(),
            reason: "Mid-course pupils".to_owned(),
            until: Some(until),
        };
        let mut policy = policy("exam boards", Approach::Standardised);
        policy.exceptions =
            vec![exception("ash  PRIMARY", date(2026, 8, 31)), exception("Oak", date(2026, 9, 1))];
        policy.review = Some(date(2026, 8, 31));
        let framework = framework(1, "Trust", &[policy]);
        let of_day = |today| {
            let areas = areas(std::slice::from_ref(&framework), "Ash Primary", today);
            let decision = &of(&areas, "exam boards").decisions[0];
            let exceptions = decision.exceptions.iter().map(|one| (one.is_own, one.is_over));
            (decision.is_due, exceptions.collect::<Vec<_>>())
        };
        assert_eq!(of_day(date(2026, 8, 31)), (false, vec![(true, false), (false, false)]));
        assert_eq!(of_day(date(2026, 9, 1)), (true, vec![(true, true), (false, false)]));
    }

    #[test]
    fn what_breaks_the_rules_is_bounded_and_what_is_not_known_stays_readable() {
        let mut policies = vec![policy("stargazing", Approach::Aligned); MOST_POLICIES + 5];
        policies[0].exceptions = vec![Exception::default(); MOST_EXCEPTIONS + 5];
        let areas = areas(&[framework(1, "Trust", &policies)], "", date(2026, 11, 26));
        let area = areas.last().unwrap();
        assert_eq!((area.label.as_str(), area.decisions.len()), ("Stargazing", MOST_POLICIES));
        assert_eq!(area.decisions[0].exceptions.len(), MOST_EXCEPTIONS);
    }
}

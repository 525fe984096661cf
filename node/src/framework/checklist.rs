//! How schools answer the checklist: the spread between them, term by term. Scores are counted and never
//! put in an order of schools.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use staffroom_protocol::hash::SchoolId;
use staffroom_protocol::record::SelfAssessment;
use staffroom_protocol::record::self_assessment::Body;
use staffroom_protocol::vocabulary::Vocabulary;

use crate::published::Published;

/// Terms that are shown: two years of them.
const MOST_TERMS: usize = 6;

/// The scores that an answer may have.
pub(crate) const SCORES: [u8; 4] = [1, 2, 3, 4];

/// How the checklist was answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Checklist {
    pub(crate) questions: Vec<Question>,
    /// How many schools answered in the last term.
    pub(crate) schools: usize,
}

/// A question, and how it was answered in each term, the last term first.
#[derive(Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) label: String,
    pub(crate) terms: Vec<Spread>,
}

/// The answers to one question in one term.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Spread {
    /// Such as `autumn 2026`.
    pub(crate) term: String,
    /// How many schools gave each of [`SCORES`].
    pub(crate) schools: [usize; 4],
    /// How many schools answered other questions, and have not yet discussed this one.
    pub(crate) not_discussed: usize,
    /// What this school said.
    pub(crate) own: Option<u8>,
    /// What was said for a trust as a whole.
    pub(crate) trusts: Vec<u8>,
}

impl Checklist {
    /// Of sets of answers, the newest first. There is one live set for each body and term; `own` is this
    /// school.
    pub(crate) fn of(sets: Vec<Published<SelfAssessment>>, own: SchoolId) -> Self {
        let mut live: BTreeMap<(Date, SchoolId, bool), SelfAssessment> = BTreeMap::new();
        for Published { school, content: set, .. } in sets {
            let Some(period) = set.period() else { continue };
            live.entry((period.from, school, set.by == Body::Trust)).or_insert(set);
        }
        let terms: BTreeSet<Date> = live.keys().map(|(term, ..)| *term).collect();
        let terms: Vec<Date> = terms.into_iter().rev().take(MOST_TERMS).collect();
        let in_term = |term: Date| live.iter().filter(move |((of, ..), _)| *of == term);
        let questions = Vocabulary::ChecklistQuestions.terms().iter().map(|question| Question {
            label: question.label().to_owned(),
            terms: terms
                .iter()
                .map(|term| {
                    let mut spread = Spread::default();
                    for ((_, school, is_trust), set) in in_term(*term) {
                        spread.count(set, &question.term, *is_trust, *school == own);
                    }
                    spread
                })
                .collect(),
        });
        let schools = terms
            .first()
            .map_or(0, |last| in_term(*last).filter(|((.., is_trust), _)| !is_trust).count());
        Self { questions: questions.collect(), schools }
    }

    /// Whether nobody has answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.questions.iter().all(|question| question.terms.is_empty())
    }
}

impl Spread {
    fn count(&mut self, set: &SelfAssessment, question: &str, is_trust: bool, is_own: bool) {
        if self.term.is_empty() {
            self.term.clone_from(&set.term);
        }
        // Other nodes may send what the rules do not allow.
        let score = set.score(question).filter(|score| SCORES.contains(score));
        match (score, is_trust) {
            (Some(score), true) => self.trusts.push(score),
            (None, true) => {}
            (None, false) => self.not_discussed += 1,
            (Some(score), false) => {
                self.schools[usize::from(score) - 1] += 1;
                if is_own {
                    self.own = Some(score);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::self_assessment::Answer;

    use super::super::tests::published;
    use super::*;

    fn set(school: u8, by: Body, term: &str, scores: &[(&str, u8)]) -> Published<SelfAssessment> {
        let answers = scores.iter().map(|(question, score)| Answer {
            question: (*question).to_owned(),
            score: Some(*score),
            ..Answer::default()
        });
        let (term, answers) = (term.to_owned(), answers.collect());
        published(school, &["Trust"], SelfAssessment { by, term, answers })
    }

    #[test]
    fn the_spread_counts_one_live_set_a_body_and_term() {
        let own = SchoolId::from_bytes([1; 32]);
        let checklist = Checklist::of(
            vec![
                set(1, Body::School, "autumn 2026", &[("1", 3), ("2", 2)]),
                set(1, Body::School, "autumn 2026", &[("1", 1)]),
                set(2, Body::School, "Autumn term 2026", &[("mission", 3), ("2", 9)]),
                set(2, Body::Trust, "autumn 2026", &[("1", 4)]),
                set(2, Body::School, "summer 2026", &[("1", 2)]),
                set(3, Body::School, "some day", &[("1", 2)]),
            ],
            own,
        );
        assert_eq!((checklist.questions.len(), checklist.schools), (6, 2));
        let [mission, joint, ..] = checklist.questions.as_slice() else { panic!() };
        let autumn = Spread {
            term: "autumn 2026".to_owned(),
            schools: [0, 0, 2, 0],
            own: Some(3),
            trusts: vec![4],
            ..Spread::default()
        };
        let summer =
            Spread { term: "summer 2026".to_owned(), schools: [0, 1, 0, 0], ..Spread::default() };
        assert_eq!(mission.terms, [autumn, summer]);
        assert_eq!((joint.terms[0].schools, joint.terms[0].not_discussed), ([0, 1, 0, 0], 1));
    }

    #[test]
    fn only_the_last_terms_are_shown() {
        let terms =
            (2020..2030).map(|year| set(1, Body::School, &format!("spring {year}"), &[("1", 2)]));
        let checklist = Checklist::of(terms.collect(), SchoolId::from_bytes([1; 32]));
        let shown: Vec<&str> =
            checklist.questions[0].terms.iter().map(|spread| spread.term.as_str()).collect();
        assert_eq!(shown.len(), MOST_TERMS);
        assert_eq!(shown.first(), Some(&"spring 2029"));
    }
}

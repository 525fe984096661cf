//! Answers to what was asked lately.
//!
//! People open the next page and come back, a whole staff room searches for what was just named in a
//! meeting, and the first page asks for the same with each visit. An answer depends on the query and the
//! index alone, so it holds until the index shows something else.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use staffroom_search::{Query, Results};

/// Hits that are kept, of all answers together: some sixty pages, and about 5 MB.
const MOST_HITS: usize = 1_280;

/// An answer without hits has counts all the same.
const LEAST_HITS: usize = 10;

/// The answers, the one that was asked for last at the front.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    answers: VecDeque<(Query, Results)>,
    hits: usize,
    /// How often the index has shown something else.
    state: u64,
}

/// What the index showed at some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown(u64);

impl Answers {
    /// The answer to a query, if it is known; otherwise what the index shows as the query is answered.
    pub(super) fn to(&self, query: &Query) -> Result<Results, Shown> {
        let mut kept = self.lock();
        let place = kept.answers.iter().position(|(known, _)| known == query);
        let Some(known) = place.and_then(|place| kept.answers.remove(place)) else {
            return Err(Shown(kept.state));
        };
        let results = known.1.clone();
        kept.answers.push_front(known);
        Ok(results)
    }

    /// Keeps an answer, unless the index shows something else by now.
    pub(super) fn keep(&self, shown: Shown, query: &Query, results: &Results) {
        let mut kept = self.lock();
        if kept.state != shown.0 {
            return;
        }
        kept.hits += weight(results);
        kept.answers.push_front((query.clone(), results.clone()));
        while kept.hits > MOST_HITS {
            let Some((_, results)) = kept.answers.pop_back() else { break };
            kept.hits -= weight(&results);
        }
    }

    /// Forgets all answers, since the index shows something else.
    pub(super) fn forget(&self) {
        let mut kept = self.lock();
        *kept = Kept { state: kept.state + 1, ..Kept::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(results: &Results) -> usize {
    results.hits.len().max(LEAST_HITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &Answers, text: &str) -> Option<usize> {
        answers.to(&Query::new(text)).ok().map(|results| results.total)
    }

    fn answer(answers: &Answers, text: &str, total: usize) {
        let shown = answers.to(&Query::new(text)).expect_err("it is not known");
        answers.keep(shown, &Query::new(text), &Results { total, ..Results::default() });
    }

    #[test]
    fn an_answer_holds_for_the_same_question_until_the_index_shows_something_else() {
        let answers = Answers::default();
        answer(&answers, "reading", 3);
        answer(&answers, "fractions", 5);
        assert_eq!(asked(&answers, "reading"), Some(3));
        assert_eq!(asked(&answers, "fractions"), Some(5));
        let second_page = Query { offset: 20, ..Query::new("reading") };
        assert!(answers.to(&second_page).is_err());
        let shown = answers.to(&second_page).unwrap_err();
        answers.forget();
        assert_eq!(asked(&answers, "reading"), None);
        // It was worked out before, and may lack what is there now.
        answers.keep(shown, &second_page, &Results::default());
        assert!(answers.to(&second_page).is_err());
    }

    #[test]
    fn what_was_not_asked_for_longest_is_forgotten_first() {
        let answers = Answers::default();
        let most = MOST_HITS / LEAST_HITS;
        for number in 0..most {
            answer(&answers, &number.to_string(), number);
        }
        assert_eq!(asked(&answers, "0"), Some(0));
        answer(&answers, "one more", 7);
        assert_eq!(asked(&answers, "1"), None);
        assert_eq!(asked(&answers, "0"), Some(0));
        assert_eq!(asked(&answers, "one more"), Some(7));
        assert_eq!(answers.lock().answers.len(), most);
    }
}

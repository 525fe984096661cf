//! Answers to the framework's checklist, by a trust or a school, once a term.

use std::fmt;

use jiff::civil::{Date, date};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use super::term::{fold, terms};
use super::{Common, Period, Problems, Reference, Summary, written};
use crate::vocabulary::Vocabulary;

/// What a person writes in place of a score.
pub const NOT_YET_DISCUSSED: &str = "not yet discussed";

/// Answers to the framework's checklist. There is one set for each body and term.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SelfAssessment {
    /// Who answers: the school that publishes it, or its trust.
    pub by: Body,
    /// The term: `autumn 2025`.
    pub term: String,
    /// The answers; a question that is left out is not yet discussed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

terms! {
    /// Who answers the checklist.
    Body, "body" {
        /// One school.
        School = "school",
        /// The trust as a whole.
        Trust = "trust",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no default")]
impl Default for Body {
    fn default() -> Self {
        Self::School
    }
}

/// The answer to one question of the checklist.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Answer {
    /// The question: its short name or its number, 1 to 6.
    #[serde(deserialize_with = "written::text")]
    pub question: String,
    /// 1 (least) to 4 (most); none where it is not yet discussed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "score")]
    pub score: Option<u8>,
    /// Links to what the answer rests on.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub evidence: Vec<String>,
    /// The answer in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// What will be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next_step: String,
}

impl SelfAssessment {
    /// The score for a question of the checklist; none where it is not yet discussed.
    pub fn score(&self, question: &str) -> Option<u8> {
        let question = Vocabulary::ChecklistQuestions.resolve(question)?;
        self.answers.iter().find(|answer| answer.is_to(question))?.score
    }

    /// The days of the term; none where it is not written as one.
    pub fn period(&self) -> Option<Period> {
        Term::parse(&self.term).map(Term::period)
    }

    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        if Term::parse(&self.term).is_none() {
            problems.refuse("term", &self.term, "must be a term and year, such as autumn 2025");
        }
        problems.list_length("answers", self.answers.len(), 20);
        for (index, answer) in self.answers.iter().enumerate() {
            let field = format!("answers[{index}]");
            answer.validate(&field, problems);
            let question = Vocabulary::ChecklistQuestions.resolve(&answer.question);
            let earlier = &self.answers[..index];
            if question.is_some_and(|question| earlier.iter().any(|other| other.is_to(question))) {
                problems.refuse(
                    &format!("{field}.question"),
                    &answer.question,
                    "is answered twice; keep one answer",
                );
            }
        }
        if self.answers.iter().all(|answer| answer.score.is_none()) {
            problems.warn("answers", "", "hold no score yet; every question is not yet discussed");
        }
    }

    pub(super) fn normalise(&mut self) {
        if let Some(term) = Term::parse(&self.term) {
            self.term = term.to_string();
        }
        for answer in &mut self.answers {
            Vocabulary::ChecklistQuestions.normalise(&mut answer.question);
        }
    }

    /// Nothing of a self-assessment stays local.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.kind_type = Some(self.by.to_string());
        summary.period = self.period();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}

impl Answer {
    /// `question` is a term of the vocabulary.
    fn is_to(&self, question: &str) -> bool {
        Vocabulary::ChecklistQuestions.resolve(&self.question) == Some(question)
    }

    fn validate(&self, field: &str, problems: &mut Problems) {
        let question = format!("{field}.question");
        Vocabulary::ChecklistQuestions.check(&question, &self.question, problems);
        if let Some(score) = self.score {
            problems.range(&format!("{field}.score"), score, 1, 4);
        }
        problems.list_length(&format!("{field}.evidence"), self.evidence.len(), 20);
        for (index, link) in self.evidence.iter().enumerate() {
            problems.text_length(&format!("{field}.evidence[{index}]"), link, 1, 1_000);
        }
        problems.text_length(&format!("{field}.comment"), &self.comment, 0, 4_000);
        problems.text_length(&format!("{field}.next_step"), &self.next_step, 0, 2_000);
    }
}

/// A school term. Its days are the same everywhere, so that terms of different schools line up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Term {
    season: Season,
    year: i16,
}

terms! {
    /// A third of the school year.
    Season, "season" {
        /// September to December.
        Autumn = "autumn",
        /// January to the middle of April.
        Spring = "spring",
        /// The middle of April to August.
        Summer = "summer",
    }
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let text = fold(text);
        let words: Vec<&str> = text.split('_').filter(|word| *word != "term").collect();
        let (season, year) = match words.as_slice() {
            [first, second] if first.starts_with("20") => (second, first),
            [first, second] => (first, second),
            _ => return None,
        };
        let year = year.parse().ok().filter(|year| (2000..=2099).contains(year))?;
        Some(Self { season: season.parse().ok()?, year })
    }

    fn period(self) -> Period {
        let day = |month, day| -> Date { date(self.year, month, day) };
        let (from, to) = match self.season {
            Season::Autumn => (day(9, 1), day(12, 31)),
            Season::Spring => (day(1, 1), day(4, 15)),
            Season::Summer => (day(4, 16), day(8, 31)),
        };
        Period { from, to: Some(to) }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.season, self.year)
    }
}

/// Reads a score, or "not yet discussed".
fn score<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    struct ScoreVisitor;

    impl Visitor<'_> for ScoreVisitor {
        type Value = Option<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from 1 to 4, or {NOT_YET_DISCUSSED:?}")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
            let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
            number.try_into().map(Some).map_err(wrong)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            match fold(text).as_str() {
                "not_yet_discussed" | "" => Ok(None),
                number => {
                    let wrong = |_| E::invalid_value(Unexpected::Str(text), &self);
                    number.parse().map(Some).map_err(wrong)
                }
            }
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(ScoreVisitor)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::{Authored, Content, sample};

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "self-assessment", "title": "Checklist, autumn", "by": "Trust",
            "term": "Autumn term 2025",
            "answers": [
                { "question": 1, "score": 3, "evidence": ["https://example.org/mission"],
                  "comment": "New staff know them.", "next_step": "Ask pupils." },
                { "question": "curriculum and joint working", "score": "2" },
                { "question": "innovation", "score": "Not yet discussed" },
                { "question": "peer review", "score": null },
            ],
        })
    }

    fn minimal() -> Value {
        json!({ "kind": "self_assessment", "title": "Checklist", "term": "spring 2026",
                "answers": [{ "question": "6", "score": 4 }] })
    }

    #[test]
    fn answers_are_read_in_full_and_with_the_least() {
        let record = sample::shareable(complete());
        let summary = record.summarise();
        assert_eq!(summary.kind_type.as_deref(), Some("trust"));
        assert_eq!(summary.period.unwrap().from, date(2025, 9, 1));
        let Content::SelfAssessment(answers) = record.content else { panic!() };
        assert_eq!(answers.term, "autumn 2025");
        assert_eq!(answers.score("mission and values"), Some(3));
        assert_eq!(answers.score("2"), Some(2));
        assert_eq!(answers.score("innovation and impact"), None);
        assert_eq!(answers.score("improvement support"), None);
        let Content::SelfAssessment(least) = sample::shareable(minimal()).content else { panic!() };
        assert_eq!((least.by, least.score("improvement support")), (Body::School, Some(4)));
    }

    #[test]
    fn terms_follow_each_other_without_a_gap_or_an_overlap() {
        let period = |text| Term::parse(text).unwrap().period();
        let terms = [
            period("2026 spring"),
            period("summer term 2026"),
            period("Autumn-2026"),
            period("spring 2027"),
        ];
        for pair in terms.windows(2) {
            assert_eq!(pair[0].to.unwrap().tomorrow().unwrap(), pair[1].from);
        }
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (change, message) in [
            (json!({ "term": "" }), "term: must be a term and year, such as autumn 2025"),
            (json!({ "term": "autumn 2025/26" }), "term is \"autumn 2025/26\": must be a term"),
            (json!({ "term": "winter 2025" }), "term is \"winter 2025\": must be a term and year"),
            (json!({ "term": "autumn 1999" }), "must be a term and year"),
            (
                json!({ "answers": [{ "question": 7, "score": 1 }] }),
                "answers[0].question is \"7\": is no question of the checklist; use mission",
            ),
            (json!({ "answers": [{ "score": 1 }] }), "answers[0].question: is needed; use mission"),
            (
                json!({ "answers": [{ "question": 1, "score": 5 }] }),
                "answers[0].score is \"5\": must be from 1 to 4",
            ),
            (
                json!({ "answers": [{ "question": 1, "score": 2 },
                                    { "question": "mission", "score": 3 }] }),
                "answers[1].question is \"mission and values\": is answered twice",
            ),
            (
                json!({ "answers": [{ "question": 1, "score": 2, "evidence": [""] }] }),
                "answers[0].evidence[0]: is needed",
            ),
        ] {
            sample::refuses(&complete(), change, message);
        }
        sample::warns(&complete(), json!({ "answers": [] }), "answers: hold no score yet");
    }

    #[test]
    fn a_score_that_is_no_number_is_not_read() {
        for wrong in [json!("good"), json!(-1), json!(2.5), json!(300)] {
            let mut fields = minimal();
            fields["answers"][0]["score"] = wrong;
            let error = Authored::from_value(fields).unwrap_err().to_string();
            assert!(
                error.starts_with("answers[0].score: ")
                    && error.contains("a whole number from 1 to 4, or \"not yet discussed\""),
                "{error}"
            );
        }
    }
}

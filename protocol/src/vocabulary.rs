//! The controlled terms: versioned data, not code, so that they can be corrected without a release.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::record::Problems;

/// Terms that a hint names before it only counts the rest.
const HINTED_TERMS: usize = 20;

macro_rules! vocabularies {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $one:literal;)*) => {
        /// A list of terms.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Vocabulary { $($(#[$doc])* $variant,)* }

        impl Vocabulary {
            /// All lists.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as the data file and the command line spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What one of its terms is called: "subject", "year group".
            pub const fn one(self) -> &'static str {
                match self { $(Self::$variant => $one,)* }
            }
        }
    };
}

vocabularies! {
    /// Phases of a school.
    Phases = "phases", "phase";
    /// Key stages, the early years included.
    KeyStages = "key_stages", "key stage";
    /// Year groups, nursery to year 13.
    YearGroups = "year_groups", "year group";
    /// Subjects.
    Subjects = "subjects", "subject";
    /// Groups of pupils.
    PupilGroups = "pupil_groups", "pupil group";
    /// Themes of an intervention.
    Themes = "themes", "theme";
    /// Areas of practice that a trust standardises, aligns or leaves to each school.
    PracticeAreas = "practice_areas", "practice area";
    /// Domains of professional development.
    DevelopmentDomains = "development_domains", "domain of professional development";
    /// Types of resource.
    ResourceTypes = "resource_types", "type of resource";
    /// Forms of an offer.
    OfferForms = "offer_forms", "form of offer";
    /// Where the support of an offer comes from.
    OfferSources = "offer_sources", "source of support";
    /// Levels of staff that an offer is for.
    Levels = "levels", "level";
    /// Areas that inspectors look at, those before November 2025 last.
    InspectionAreas = "inspection_areas", "inspection area";
    /// Licences: this group only, or an SPDX id.
    Licences = "licences", "licence";
    /// Types of comment.
    CommentTypes = "comment_types", "type of comment";
    /// What a trust's framework may put first.
    Emphases = "emphases", "emphasis";
    /// The questions of the framework's checklist.
    ChecklistQuestions = "checklist_questions", "question of the checklist";
}

/// How closely the schools of a trust work alike in an area of practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Approach {
    /// All schools do the same.
    #[serde(alias = "standardise")]
    Standardised,
    /// Schools agree a shared approach.
    #[serde(alias = "align")]
    Aligned,
    /// Each school decides.
    #[serde(alias = "autonomy")]
    Autonomous,
}

impl Approach {
    /// The name as data and files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standardised => "standardised",
            Self::Aligned => "aligned",
            Self::Autonomous => "autonomous",
        }
    }
}

/// One term of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The spelling in files, in data and on the command line. It has no comma.
    pub term: String,
    /// The wording on pages; empty where it is the term itself.
    #[serde(default)]
    label: String,
    /// Other names that people write.
    #[serde(default)]
    pub others: Vec<String>,
    /// Of a key stage: its year groups.
    #[serde(default)]
    years: Vec<String>,
    /// Of a practice area: the approach that trusts usually take. A starting point, never a preset.
    #[serde(default)]
    pub usual: Option<Approach>,
}

impl Term {
    /// The wording on pages.
    pub fn label(&self) -> &str {
        if self.label.is_empty() { &self.term } else { &self.label }
    }
}

impl Vocabulary {
    /// The term that `text` means: itself, or one it is another name for.
    ///
    /// Capitals, spaces, hyphens and punctuation make no difference.
    pub fn resolve(self, text: &str) -> Option<&'static str> {
        let list = list(self);
        list.by_name.get(&folded(text)).map(|position| list.terms[*position].term.as_str())
    }

    /// All terms, in the order in which pages list them.
    pub fn terms(self) -> &'static [Term] {
        &list(self).terms
    }

    /// The wording on pages for `text`, or `text` itself where it is no term.
    pub fn label(self, text: &str) -> &str {
        list(self)
            .by_name
            .get(&folded(text))
            .map_or(text, |position| self.terms()[*position].label())
    }

    /// The terms to choose from, for an error message: "use English, mathematics or science".
    pub fn hint(self) -> String {
        let terms: Vec<&str> = self.terms().iter().map(|term| term.term.as_str()).collect();
        match terms.split_last() {
            Some((last, rest)) if terms.len() <= HINTED_TERMS && !rest.is_empty() => {
                format!("use {} or {last}", rest.join(", "))
            }
            Some(_) | None => {
                let shown = &terms[..HINTED_TERMS.min(terms.len())];
                format!("use {} or one of {} more", shown.join(", "), terms.len() - shown.len())
            }
        }
    }

    /// Replaces `text` by the term it means; a text that is no term stays for validation to name.
    pub(crate) fn normalise(self, text: &mut String) {
        if let Some(term) = self.resolve(text) {
            term.clone_into(text);
        }
    }

    /// Replaces every text of a list by the term it means, and drops repeats.
    pub(crate) fn normalise_all(self, texts: &mut Vec<String>) {
        let mut kept: Vec<String> = Vec::with_capacity(texts.len());
        for mut text in std::mem::take(texts) {
            self.normalise(&mut text);
            if !kept.contains(&text) {
                kept.push(text);
            }
        }
        *texts = kept;
    }

    /// Refuses a text that is no term.
    pub(crate) fn check(self, field: &str, text: &str, problems: &mut Problems) {
        if text.trim().is_empty() {
            problems.refuse(field, "", format!("is needed; {}", self.hint()));
        } else if self.resolve(text).is_none() {
            problems.refuse(field, text, format!("is no {}; {}", self.one(), self.hint()));
        }
    }

    /// Refuses each text of a list that is no term, and a list that is too long.
    pub(crate) fn check_all(self, field: &str, texts: &[String], problems: &mut Problems) {
        problems.list_length(field, texts.len(), self.terms().len());
        for (index, text) in texts.iter().enumerate() {
            self.check(&format!("{field}[{index}]"), text, problems);
        }
    }
}

/// The year groups of a key stage; none where `key_stage` names no key stage.
pub fn years_of(key_stage: &str) -> &'static [String] {
    let list = list(Vocabulary::KeyStages);
    list.by_name.get(&folded(key_stage)).map_or(&[], |position| &list.terms[*position].years)
}

/// The key stage that a year group belongs to.
pub fn key_stage_of(year_group: &str) -> Option<&'static str> {
    let year = Vocabulary::YearGroups.resolve(year_group)?;
    let mut stages = Vocabulary::KeyStages.terms().iter();
    let stage = stages.find(|stage| stage.years.iter().any(|of_stage| of_stage == year))?;
    Some(&stage.term)
}

/// Lists of phrases that mean the same in a search.
pub fn synonyms() -> &'static [Vec<String>] {
    &DATA.synonyms
}

/// The version of the terms.
pub fn version() -> &'static str {
    &DATA.version
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    vocabularies: BTreeMap<String, Vec<Term>>,
    synonyms: Vec<Vec<String>>,
}

struct Data {
    version: String,
    lists: BTreeMap<Vocabulary, List>,
    synonyms: Vec<Vec<String>>,
}

struct List {
    terms: Vec<Term>,
    by_name: BTreeMap<String, usize>,
}

#[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
static DATA: LazyLock<Data> =
    LazyLock::new(|| read(include_str!("../vocabularies/2025-11.json")).expect("valid terms"));

#[expect(clippy::expect_used, reason = "reading the file refuses one that lacks a list")]
fn list(vocabulary: Vocabulary) -> &'static List {
    DATA.lists.get(&vocabulary).expect("every list is in the file")
}

fn read(text: &str) -> Result<Data, String> {
    let mut file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut lists = BTreeMap::new();
    for vocabulary in Vocabulary::ALL {
        let terms = file
            .vocabularies
            .remove(vocabulary.as_str())
            .filter(|terms| !terms.is_empty())
            .ok_or_else(|| format!("{} is missing or empty", vocabulary.as_str()))?;
        lists.insert(
            *vocabulary,
            List::new(terms).map_err(|name| format!("{}: {name}", vocabulary.as_str()))?,
        );
    }
    match file.vocabularies.keys().next() {
        Some(unknown) => Err(format!("{unknown} is no vocabulary")),
        None => Ok(Data { version: file.version, lists, synonyms: file.synonyms }),
    }
}

impl List {
    fn new(terms: Vec<Term>) -> Result<Self, String> {
        let mut by_name = BTreeMap::new();
        for (position, term) in terms.iter().enumerate() {
            for name in std::iter::once(&term.term).chain(&term.others) {
                if name.contains(',') || folded(name).is_empty() {
                    return Err(format!("{name:?} has a comma or no letter or digit"));
                }
                if by_name.insert(folded(name), position).is_some() {
                    return Err(format!("{name:?} is a name twice"));
                }
            }
        }
        Ok(Self { terms, by_name })
    }
}

/// `text` without capitals, spaces, hyphens and punctuation.
fn folded(text: &str) -> String {
    text.replace('&', "and")
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_valid_and_complete() {
        let data = read(include_str!("../vocabularies/2025-11.json")).unwrap();
        assert_eq!(data.version, "2025-11");
        assert!(data.synonyms.iter().all(|phrases| phrases.len() >= 2));
    }

    #[test]
    fn refuses_a_file_that_lacks_a_list_or_gives_one_name_to_two_terms() {
        assert_eq!(
            read(r#"{"version": "x", "vocabularies": {}, "synonyms": []}"#).err(),
            Some("phases is missing or empty".to_owned())
        );
        let term = |term: &str, other: &str| Term {
            term: term.to_owned(),
            label: String::new(),
            others: vec![other.to_owned()],
            years: Vec::new(),
            usual: None,
        };
        assert_eq!(
            List::new(vec![term("history", "past"), term("music", "PAST")]).err(),
            Some("\"PAST\" is a name twice".to_owned())
        );
        assert!(List::new(vec![term("speech, language", "x")]).is_err());
    }

    #[test]
    fn finds_the_term_however_people_write_it() {
        for (vocabulary, text, term) in [
            (Vocabulary::Subjects, "Maths", "mathematics"),
            (Vocabulary::Subjects, "D & T", "design and technology"),
            (Vocabulary::PupilGroups, "pp", "disadvantaged"),
            (Vocabulary::PupilGroups, "send support", "SEN support"),
            (Vocabulary::YearGroups, "y4", "year 4"),
            (Vocabulary::YearGroups, "Year-4", "year 4"),
            (Vocabulary::YearGroups, " year  4 ", "year 4"),
            (Vocabulary::KeyStages, "ks2", "KS2"),
            (Vocabulary::KeyStages, "Key Stage 2", "KS2"),
            (Vocabulary::KeyStages, "years 3 to 6", "KS2"),
            (Vocabulary::Licences, "cc by 4.0", "CC-BY-4.0"),
            (Vocabulary::OfferForms, "lesson_study", "lesson study"),
            (Vocabulary::ChecklistQuestions, "3", "balance of approaches"),
        ] {
            assert_eq!(vocabulary.resolve(text), Some(term), "{text}");
        }
        assert_eq!(Vocabulary::Subjects.resolve("alchemy"), None);
        assert_eq!(Vocabulary::Subjects.resolve(""), None);
    }

    #[test]
    fn every_year_group_belongs_to_one_key_stage() {
        assert_eq!(years_of("ks1"), ["year 1", "year 2"]);
        assert_eq!(years_of("EYFS"), ["nursery", "reception"]);
        assert!(years_of("year 4").is_empty());
        assert_eq!(key_stage_of("y9"), Some("KS3"));
        let stages = Vocabulary::KeyStages.terms().iter();
        let years: Vec<&str> =
            stages.flat_map(|stage| years_of(&stage.term)).map(String::as_str).collect();
        let all: Vec<&str> =
            Vocabulary::YearGroups.terms().iter().map(|year| year.term.as_str()).collect();
        assert_eq!(years, all);
    }

    #[test]
    fn every_practice_area_suggests_an_approach_and_no_other_term_does() {
        for vocabulary in Vocabulary::ALL {
            for term in vocabulary.terms() {
                assert_eq!(
                    term.usual.is_some(),
                    *vocabulary == Vocabulary::PracticeAreas,
                    "{}",
                    term.term
                );
            }
        }
        let exam_boards =
            Vocabulary::PracticeAreas.terms().iter().find(|area| area.term == "exam boards");
        assert_eq!(exam_boards.unwrap().usual, Some(Approach::Standardised));
    }

    #[test]
    fn a_hint_lists_the_terms_and_stays_short() {
        assert_eq!(Vocabulary::Levels.hint(), "use classroom, middle, senior or governance");
        assert!(Vocabulary::PupilGroups.hint().ends_with(" or one of 9 more"));
        for vocabulary in Vocabulary::ALL {
            assert!(vocabulary.hint().len() < 500, "{}", vocabulary.hint());
        }
    }

    #[test]
    fn lists_are_folded_without_repeats_and_unknown_terms_are_named() {
        let mut subjects = vec!["Maths".to_owned(), "numeracy".to_owned(), "alchemy".to_owned()];
        Vocabulary::Subjects.normalise_all(&mut subjects);
        assert_eq!(subjects, ["mathematics", "alchemy"]);
        let mut problems = Problems::default();
        Vocabulary::Subjects.check_all("subjects", &subjects, &mut problems);
        let problems = problems.into_vec();
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].to_string().starts_with(
                "subjects[1] is \"alchemy\": is no subject; use English, mathematics,"
            ),
        );
    }
}

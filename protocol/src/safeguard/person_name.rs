//! What looks like the name of a person. It is a guess: nothing here knows names.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Words of tables in schools that are no part of a name.
static NO_NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "able absence academy achievement adult after age aim all and area arithmetic art asian \
         assessment attainment attendance average baseline before behaviour below biology black \
         born boy boys british carers chemistry children class cohort college comparison \
         comprehension computing control cost council county curriculum daily date design \
         deviation difference disadvantaged disagree drama eal early east ehcp eligible end \
         english ethnic evidence expected final first fluency french friday fsm gcse geography \
         german girl girls grade grammar greater group groups half handwriting high history home \
         infant interquartile intervention january july junior key language languages lead leader \
         learner learners lesson lessons level literacy looked low lower marking marks \
         mathematics maths maximum mean measure median mental middle minimum minority mixed mode \
         monday month months most multiplication music national no non none north not number \
         numbers numeracy nursery of online oracy other others outcome overall parents percentage \
         persistently phonics physical physics pilot place planning policy pp practice premium \
         primary prior problem programme project pupil pupils question range reading reasoning \
         reception reference religious resources result results road saturday school schools \
         science score scores second secondary sen send service session sessions seven sixth \
         small south spanish speech spelling spring staff standard start street strongly student \
         students studies subject sum sunday support targeted teacher teachers teaching term test \
         testing tests the third three thursday total training trust tuesday tutoring unit upper \
         value vocabulary wednesday week weeks wellbeing west white whole word words writing year \
         years yes young"
        .split(' ')
        .collect()
});

const MOST_WORDS: usize = 5;
const MOST_BYTES: usize = 60;

/// Whether a cell under a heading such as "Pupil" may hold a name, however it is written.
pub(super) fn may_be(cell: &str) -> bool {
    cell.len() <= MOST_BYTES
        && cell.chars().any(char::is_alphabetic)
        && words(cell).all(is_letters)
        // Emma Young is a person; young carers are a group.
        && !words(cell).all(is_known)
        && (1..=MOST_WORDS).contains(&words(cell).count())
        && words(cell).any(|word| word.trim_end_matches('.').chars().count() >= 2)
}

/// Whether a cell may hold a name and has its capitals.
pub(super) fn is_written_as_one(cell: &str) -> bool {
    may_be(cell) && words(cell).all(|word| is_capitalised(word) || is_initial(word))
}

/// Whether a cell without such a heading looks like a first name and a surname.
pub(super) fn looks_full(cell: &str) -> bool {
    is_written_as_one(cell)
        && words(cell).count() >= 2
        && !words(cell).any(is_known)
        && [words(cell).next(), words(cell).next_back()].into_iter().flatten().all(is_capitalised)
}

/// Whether a cell looks like one of the two parts of a name.
pub(super) fn looks_single(cell: &str) -> bool {
    may_be(cell) && words(cell).count() == 1 && is_capitalised(cell)
}

/// Whether a cell holds what stands for one pupil in an anonymous list: "A", "Pupil 3", "P12".
pub(super) fn is_pseudonym(cell: &str) -> bool {
    let folded = cell.to_ascii_lowercase();
    let rest = ["pupil", "child", "student", "learner"]
        .iter()
        .find_map(|noun| folded.strip_prefix(noun))
        .unwrap_or(&folded)
        .trim();
    let digits = rest.trim_start_matches(|char: char| char.is_ascii_lowercase());
    let letters = rest.len() - digits.len();
    let is_labelled = rest.len() < folded.len();
    !rest.is_empty()
        && letters <= 1
        && digits.len() <= 3
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (letters == 1 || is_labelled)
}

fn words(cell: &str) -> impl DoubleEndedIterator<Item = &str> {
    cell.split([' ', ',']).filter(|word| !word.is_empty())
}

fn is_letters(word: &str) -> bool {
    word.chars().all(|char| char.is_alphabetic() || matches!(char, '\'' | '-' | '.'))
}

fn is_known(word: &str) -> bool {
    word.split(['-', '\'', '.']).any(|part| NO_NAMES.contains(part.to_lowercase().as_str()))
}

fn is_capitalised(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase)
        && chars.next_back().is_some_and(char::is_lowercase)
}

fn is_initial(word: &str) -> bool {
    let letters = word.trim_end_matches('.');
    letters.chars().count() == 1 && letters.chars().all(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_headings() {
        for name in ["Amy Hill", "Hill, Amy", "Amy-Jo O'Neill", "J. Hill Smith", "Łucja Nowak"] {
            assert!(may_be(name), "{name}");
        }
        assert!(may_be("Emma Young") && may_be("Mark") && !looks_full("Young Carers"));
        assert!(may_be("amy") && may_be("AH") && !looks_full("amy hill"));
        assert!(looks_full("Amy J. Hill") && looks_full("Hill, Amy") && looks_single("Amy"));
        for none in [
            "All pupils",
            "Reading Age",
            "34",
            "",
            "A",
            "Year 4",
            "EAL",
            "Non-SEN",
            "Young carers",
            "-",
        ] {
            assert!(!may_be(none), "{none}");
        }
    }

    #[test]
    fn letters_and_numbers_stand_for_pupils() {
        for pseudonym in ["A", "Pupil 3", "P12", "child b"] {
            assert!(is_pseudonym(pseudonym), "{pseudonym}");
        }
        for other in ["12", "Amy", "", "Pupil", "AB"] {
            assert!(!is_pseudonym(other), "{other}");
        }
    }
}

//! "Pupil X in Year 4": one pupil, by name or letter, in a year or class.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{Hit, Sort, pattern};

const PUPIL: &str = "(?i:pupil|child|student|learner|boy|girl)";
const CLASS: &str = r"(?i:year ?[0-9]{1,2}|y ?[0-9]{1,2}|reception|nursery|class [0-9a-z]{1,3})\b";
const NAME: &str = "([A-Z][A-Za-z.'-]{0,30})";

static NAME_THEN_CLASS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?-u)\b{PUPIL}[ \n](?i:called |named |known as )?{NAME}(?: [A-Z][a-z'-]{{0,30}})?[ ,(\n-]{{1,3}}(?i:(?:is|was|who is|who was|now|aged [0-9]{{1,2}},?|from|a|an) ){{0,3}}(?i:in |from )?{CLASS}"
    ))
});

static CLASS_THEN_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?-u)\b{CLASS} {PUPIL}(?:, | )(?i:called |named |known as )?{NAME}"))
});

/// Words with a capital that follow "pupil" and are no name.
static NO_NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "achievement and asset at attainment attendance behaviour benefit centred conferencing \
         council data development did do does engagement feedback from group groups had has in \
         interview interviews is leader leaders leadership led needs numbers of on or outcomes \
         passport premium profile progress protection questionnaire referral services support \
         survey teacher to voice was welfare wellbeing who with work"
        .split(' ')
        .collect()
});

pub(super) fn find(text: &str, hits: &mut Vec<Hit>) {
    for pattern in [&*NAME_THEN_CLASS, &*CLASS_THEN_NAME] {
        for parts in pattern.captures_iter(text) {
            let word = parts[1].to_ascii_lowercase();
            let word = word.split(['-', '\'']).next().unwrap_or_default();
            let whole = parts.get(0).map(|found| found.range());
            let range = whole.filter(|_| !NO_NAMES.contains(word));
            hits.extend(range.map(|range| Hit { sort: Sort::PupilMention, range }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        let mut hits = Vec::new();
        find(text, &mut hits);
        hits.len()
    }

    #[test]
    fn one_pupil_in_a_class_is_found() {
        for text in [
            "pupil X in Year 4",
            "Pupil A (Year 4) improved",
            "a child called Sam in Y4",
            "student J.S., Year 10",
            "Child B was in Reception",
            "the boy Sam Hill, now in Year 6",
            "a Year 4 pupil, Amy",
            "Year 4 pupil Amy",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
    }

    #[test]
    fn what_schools_say_of_all_pupils_is_none() {
        for text in [
            "Pupil Premium in Year 4",
            "Student Council in Year 9",
            "Pupil Voice (Year 4)",
            "every pupil in Year 4",
            "Every Child In Year 4",
            "Pupil-Led in Year 3",
            "Year 4 pupils enjoyed it",
            "each Year 4 pupil reads daily",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}

//! One spelling for words that are written in two ways.
//!
//! Schools write `programme`, `behaviour` and `organise`; much of the research that they read and
//! quote writes `program`, `behavior` and `organize`. The index and the queries hold the latter,
//! because its forms are the shorter ones; what people read stays as its author wrote it.

use std::borrow::Cow;

/// Beginnings of words, and how they are spelled in the index.
const BEGINNINGS: [(&str, &str); 26] = [
    ("analyse", "analyze"),
    ("analysing", "analyzing"),
    ("behaviour", "behavior"),
    ("centre", "center"),
    ("centring", "centering"),
    ("colour", "color"),
    ("counsell", "counsel"),
    ("endeavour", "endeavor"),
    ("favour", "favor"),
    ("flavour", "flavor"),
    ("fulfilment", "fulfillment"),
    ("harbour", "harbor"),
    ("honour", "honor"),
    ("humour", "humor"),
    ("judgement", "judgment"),
    ("labour", "labor"),
    ("licence", "license"),
    ("maths", "math"),
    ("modell", "model"),
    ("neighbour", "neighbor"),
    ("paediatric", "pediatric"),
    ("practise", "practice"),
    ("practising", "practicing"),
    ("programme", "program"),
    ("theatre", "theater"),
    ("travell", "travel"),
];

/// Words that begin like one of [`BEGINNINGS`] and are spelled in one way everywhere.
const NOT_BEGINNINGS: [&str; 4] = ["programmed", "programmer", "programmers", "modello"];

/// Endings of verbs in `-ise`.
const ENDINGS: [&str; 6] = ["ise", "ised", "ises", "ising", "isation", "isations"];

/// What remains of words that are written with an `s` everywhere, such as `exercise` and `advised`.
const ALWAYS_WITH_S: &str = "
    adv appra ar comprom compr conc dem desp dev disgu enterpr exerc expert franch gu improv l
    likew merchand no otherw paradi pra prec prem prom prov ra r rev superv surpr telev treat
    w wh
";

/// Letters before `-ise` in the shortest word that is written in both ways, `itemise` aside.
const LEAST_STEM: usize = 3;

/// The spelling of `word`, in lower case, that the index holds.
pub(super) fn spelling(word: &str) -> Cow<'_, str> {
    if !NOT_BEGINNINGS.contains(&word) {
        for (beginning, spelled) in BEGINNINGS {
            if let Some(rest) = word.strip_prefix(beginning) {
                return Cow::Owned(format!("{spelled}{rest}"));
            }
        }
    }
    for ending in ENDINGS {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= LEAST_STEM
            && !ALWAYS_WITH_S.split_whitespace().any(|exception| exception == stem)
        {
            return Cow::Owned(format!("{stem}iz{}", &ending[2..]));
        }
    }
    Cow::Borrowed(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn british_and_american_spellings_are_one() {
        for (british, american) in [
            ("programmes", "programs"),
            ("behavioural", "behavioral"),
            ("organisation", "organization"),
            ("summarising", "summarizing"),
            ("centred", "centerd"),
            ("maths", "math"),
            ("counselling", "counseling"),
            ("modelled", "modeled"),
        ] {
            assert_eq!(spelling(british), american);
        }
    }

    #[test]
    fn words_with_one_spelling_keep_it() {
        for word in [
            "exercise",
            "advised",
            "raising",
            "noise",
            "rise",
            "wise",
            "premise",
            "programmed",
            "mathematics",
            "four",
            "course",
            "promises",
            "revision",
            "supervised",
            "é",
            "",
        ] {
            assert_eq!(spelling(word), word);
        }
    }
}

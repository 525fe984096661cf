//! Words that say nothing about what is looked for.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Whether `word`, in lower case, is one that nearly every text contains.
pub(super) fn is_stop_word(word: &str) -> bool {
    static SET: LazyLock<BTreeSet<&str>> =
        LazyLock::new(|| STOP_WORDS.split_whitespace().collect());
    SET.contains(word)
}

/// Articles, pronouns, prepositions and the words of a question, after the list of the Natural
/// Language Toolkit. Inside quotation marks all of them are searched for.
const STOP_WORDS: &str = "
    a about above after again against all am an and any are as at be because been before being
    below between both but by can could did do does doing don't down during each few for from
    further had has have having he her here hers herself him himself his how i if in into is it
    it's its itself just me more most must my myself no nor not now of off on once only or other
    our ours ourselves out over own same she she's should should've so some such than that that'll
    the their theirs them themselves then there these they this those through to too under until
    up us very was we were what when where which while who whom whose why will with would you
    you'd you'll you're you've your yours yourself yourselves
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_of_the_list_are_stop_words() {
        assert!(is_stop_word("the") && is_stop_word("your"));
        assert!(!is_stop_word("phonics") && !is_stop_word("th") && !is_stop_word(""));
    }
}

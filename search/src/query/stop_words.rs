//! Words that say nothing about what is looked for.

/// Whether `word`, in lower case, is one that nearly every text contains.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Articles, pronouns, prepositions and the words of a question. "Will", "no" and "not" are
/// among them as they are in every common list; inside quotation marks all are searched for.
const STOP_WORDS: [&str; 83] = [
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by",
    "can", "could", "did", "do", "does", "doing", "for", "from", "had", "has", "have", "having",
    "he", "her", "his", "how", "i", "if", "in", "into", "is", "it", "it's", "its", "me", "my",
    "no", "not", "of", "on", "or", "our", "ours", "she", "should", "so", "some", "such", "than",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "too",
    "us", "very", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "whose",
    "why", "will", "with", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search_in_it() {
        assert!(STOP_WORDS.is_sorted());
        assert!(is_stop_word("the") && !is_stop_word("phonics"));
    }
}

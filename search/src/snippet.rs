//! Passages that show where a query matched.

use std::collections::BTreeMap;
use std::ops::Range;

use tantivy::tokenizer::TokenStream;
use tantivy::{Searcher, Term};

use crate::schema::{Fields, TextField};
use crate::words::stemming_analyzer;

/// How long a passage is: two or three lines on a page.
const PASSAGE_BYTES: usize = 240;

/// Text with the words that matched marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snippet {
    /// The text in pieces, in order.
    pub spans: Vec<Span>,
}

/// A piece of a [`Snippet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text as the author wrote it: not escaped.
    pub text: String,
    /// Whether it is what was looked for.
    pub matched: bool,
}

/// Where a passage comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnippetSource {
    /// The abstract.
    Abstract,
    /// The full record.
    Body,
    /// A file that belongs to the record.
    Files,
}

impl Snippet {
    /// As HTML that is safe inside an element: everything escaped, matches in `<mark>`.
    pub fn to_html(&self) -> String {
        let mut html = String::new();
        for span in &self.spans {
            if span.matched {
                html.push_str("<mark>");
            }
            escape(&span.text, &mut html);
            if span.matched {
                html.push_str("</mark>");
            }
        }
        html
    }

    /// The text alone.
    pub fn to_text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    fn new(text: &str, range: Range<usize>, matches: &[Match]) -> Self {
        let mut snippet = Self::default();
        let mut at = range.start;
        if range.start > 0 {
            snippet.push("… ", false);
        }
        for Match { range: found, .. } in matches {
            snippet.push(&text[at..found.start], false);
            snippet.push(&text[found.clone()], true);
            at = found.end;
        }
        snippet.push(&text[at..range.end], false);
        if range.end < text.len() {
            snippet.push(" …", false);
        }
        snippet
    }

    fn push(&mut self, text: &str, matched: bool) {
        if !text.is_empty() {
            self.spans.push(Span { text: text.to_owned(), matched });
        }
    }
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// Marks the stems of one query.
pub(crate) struct Marker {
    /// What each stem counts in choosing a passage: the rarer, the more.
    stems: BTreeMap<String, f64>,
}

/// A word that was looked for, as it stands in a text.
struct Match {
    range: Range<usize>,
    stem: String,
    weight: f64,
}

impl Marker {
    pub(crate) fn new(
        stems: &[String],
        searcher: &Searcher,
        fields: &Fields,
    ) -> tantivy::Result<Self> {
        let mut weights = BTreeMap::new();
        for stem in stems {
            let mut documents: u64 = 0;
            for field in TextField::ALL {
                documents += searcher.doc_freq(&Term::from_field_text(fields.text(field), stem))?;
            }
            #[expect(clippy::cast_precision_loss, reason = "a rough weight is enough")]
            weights.insert(stem.clone(), 1.0 / (1.0 + documents as f64));
        }
        Ok(Self { stems: weights })
    }

    /// The whole text, marked.
    pub(crate) fn whole(&self, text: &str) -> Snippet {
        Snippet::new(text, 0..text.len(), &self.matches(text))
    }

    /// The passage of `text` that shows the match best, if there is any match in it.
    pub(crate) fn passage(&self, text: &str) -> Option<Snippet> {
        let matches = self.matches(text);
        let best = best_run(&matches)?;
        let range = with_context(text, best[0].range.start..best.last()?.range.end);
        Some(Snippet::new(text, range, best))
    }

    fn matches(&self, text: &str) -> Vec<Match> {
        let mut matches = Vec::new();
        if !self.stems.is_empty() {
            stemming_analyzer().token_stream(text).process(&mut |token| {
                if let Some((stem, weight)) = self.stems.get_key_value(&token.text) {
                    let range = token.offset_from..token.offset_to;
                    matches.push(Match { range, stem: stem.clone(), weight: *weight });
                }
            });
        }
        matches
    }
}

/// The matches, near enough to each other for one passage, whose different words weigh most
/// together; the first such.
fn best_run(matches: &[Match]) -> Option<&[Match]> {
    let mut best: Option<(f64, &[Match])> = None;
    let mut end = 0;
    for start in 0..matches.len() {
        let reach = matches[start].range.start + PASSAGE_BYTES;
        end = end.max(start + 1);
        while matches.get(end).is_some_and(|next| next.range.end <= reach) {
            end += 1;
        }
        let run = &matches[start..end];
        let words: BTreeMap<&str, f64> =
            run.iter().map(|found| (found.stem.as_str(), found.weight)).collect();
        let weight: f64 = words.values().sum();
        if best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, run));
        }
    }
    best.map(|(_, run)| run)
}

/// `range` with about as much text on both sides as a passage has room for, cut between words.
fn with_context(text: &str, range: Range<usize>) -> Range<usize> {
    let margin = PASSAGE_BYTES.saturating_sub(range.len()) / 2;
    let start = text.ceil_char_boundary(range.start.saturating_sub(margin));
    let end = text.floor_char_boundary((range.end + margin).min(text.len()));
    // Without any space to cut at, the margin itself is the cut.
    let start = match start {
        0 => 0,
        _ => {
            text[start..range.start].find(char::is_whitespace).map_or(start, |space| start + space)
        }
    };
    let end = if end == text.len() {
        end
    } else {
        text[range.end..end].rfind(char::is_whitespace).map_or(end, |space| range.end + space)
    };
    let inside = &text[start..end];
    let start = start + (inside.len() - inside.trim_start().len());
    start..start + inside.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(stems: &[(&str, f64)]) -> Marker {
        Marker { stems: stems.iter().map(|(stem, weight)| ((*stem).to_owned(), *weight)).collect() }
    }

    #[test]
    fn a_passage_lies_where_the_rarest_words_stand_together() {
        let text = format!(
            "Reading, reading, reading. {}Here reading meets phonics at last. {}Phonics.",
            "Filler words. ".repeat(30),
            "More of that. ".repeat(30),
        );
        let passage = marker(&[("read", 0.1), ("phonic", 0.5)]).passage(&text).unwrap().to_html();
        assert!(
            passage.contains("Here <mark>reading</mark> meets <mark>phonics</mark> at last."),
            "{passage}"
        );
        assert!(passage.starts_with("… ") && passage.ends_with(" …"), "{passage}");
        assert!(!passage.contains("…  ") && passage.len() < PASSAGE_BYTES + 60, "{passage}");
    }

    #[test]
    fn a_short_text_is_shown_whole_and_one_without_a_match_not_at_all() {
        let marker = marker(&[("phonic", 1.0)]);
        assert_eq!(marker.passage("Phonics!").unwrap().to_html(), "<mark>Phonics</mark>!");
        assert_eq!(marker.passage("Nothing of that sort"), None);
        assert_eq!(marker.passage(""), None);
        assert_eq!(marker.whole("").spans, []);
    }

    #[test]
    fn text_without_spaces_or_in_long_letters_is_cut_between_characters() {
        for filler in ["é", "語", "\u{1F600}"] {
            let text = format!("{0}-phonics-{0}", filler.repeat(300));
            let passage = marker(&[("phonic", 1.0)]).passage(&text).unwrap();
            assert!(passage.to_html().contains("<mark>phonics</mark>"));
            assert!(passage.to_text().len() <= PASSAGE_BYTES + 20);
        }
    }
}

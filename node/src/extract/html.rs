//! Web pages: read by the tokeniser of a browser, which holds no tree and so knows no depth.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::document::NoText;
use super::text::Text;

/// Whether a text is a web page: its first element is one that only a page begins with.
pub(super) fn is_html(text: &str) -> bool {
    const LOOKED_AT: usize = 1024;
    const STARTS: [&str; 4] = ["<!doctype html", "<html", "<head", "<body"];
    let mut start: String = text.trim_start().chars().take(LOOKED_AT).collect();
    start.make_ascii_lowercase();
    while let Some((_, rest)) = ["<!--", "<?"]
        .into_iter()
        .zip(["-->", "?>"])
        .find(|(open, _)| start.starts_with(open))
        .and_then(|(_, close)| start.split_once(close))
    {
        start = rest.trim_start().to_owned();
    }
    STARTS.iter().any(|one| start.starts_with(one))
}

/// The text of a page, without its scripts and styles.
pub(super) fn read(page: &str) -> Result<String, NoText> {
    let state = State { text: Text::default(), hidden: false, in_cell: false, wrong: None };
    let sink = Sink(RefCell::new(state));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(page));
    // It stops only for scripts that are to be run, which this sink has none of.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let State { text, wrong, .. } = tokenizer.sink.0.into_inner();
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok(text.finish()),
    }
}

struct Sink(RefCell<State>);

struct State {
    text: Text,
    /// Inside a script or a style.
    hidden: bool,
    /// A cell is one line.
    in_cell: bool,
    wrong: Option<NoText>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        let (done, result) = match token {
            Token::CharacterTokens(words) if !state.hidden => {
                (state.words(&words), TokenSinkResult::Continue)
            }
            Token::TagToken(tag) => state.tag(&tag),
            Token::CharacterTokens(_)
            | Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => (Ok(()), TokenSinkResult::Continue),
        };
        if let Err(wrong) = done {
            state.wrong.get_or_insert(wrong);
        }
        result
    }
}

impl State {
    /// Runs of white space are one space.
    fn words(&mut self, words: &str) -> Result<(), NoText> {
        if self.wrong.is_some() {
            return Ok(());
        }
        if words.starts_with(char::is_whitespace) {
            self.text.space()?;
        }
        for (place, word) in words.split_whitespace().enumerate() {
            if place > 0 {
                self.text.space()?;
            }
            self.text.add(word)?;
        }
        if words.ends_with(char::is_whitespace) { self.text.space() } else { Ok(()) }
    }

    fn tag(&mut self, tag: &Tag) -> (Result<(), NoText>, TokenSinkResult<()>) {
        let name: &str = &tag.name;
        let starts = tag.kind == TagKind::StartTag;
        let done = match name {
            "td" | "th" => self.cell(starts),
            "tr" => {
                self.in_cell = false;
                self.text.end_line()
            }
            "table" => {
                self.in_cell = false;
                self.text.end_part()
            }
            "p" | "div" | "br" | "li" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
            | "section" | "article" | "header" | "footer" | "title" | "option" | "dt" | "dd"
            | "blockquote" | "pre" | "caption" | "hr" => self.end_line(),
            "img" | "input" | "area" => tag
                .attrs
                .iter()
                .filter(|attribute| matches!(&*attribute.name.local, "alt" | "value" | "title"))
                .try_for_each(|attribute| {
                    self.text.space()?;
                    self.words(&attribute.value)
                }),
            _ => Ok(()),
        };
        let raw = matches!(name, "script" | "style");
        self.hidden = raw && starts;
        let result = match name {
            "script" if starts => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" if starts => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" if starts => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        };
        (done, result)
    }

    /// The end of a cell may be left out.
    fn cell(&mut self, starts: bool) -> Result<(), NoText> {
        let ended = std::mem::replace(&mut self.in_cell, starts);
        if ended { self.text.end_cell() } else { Ok(()) }
    }

    fn end_line(&mut self) -> Result<(), NoText> {
        if self.in_cell { self.text.space() } else { self.text.end_line() }
    }
}

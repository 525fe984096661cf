//! What a browser makes of a page: read by the tokeniser of one, since a text that looks harmless may be read
//! as something else where it stands.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// An element with its attributes.
#[derive(Debug)]
pub(crate) struct Element {
    /// Its name in lower case.
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// A page as its parts.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    pub(crate) elements: Vec<Element>,
    pub(crate) comments: Vec<String>,
    /// What is read, without scripts.
    pub(crate) text: String,
    /// The content of each script.
    pub(crate) scripts: Vec<String>,
}

#[derive(Default)]
struct State {
    markup: Markup,
    in_script: bool,
    /// Within pictures, titles and scripts are elements like any other.
    pictures: usize,
}

struct Sink(RefCell<State>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => return state.tag(&tag),
            Token::CharacterTokens(words) if state.in_script => {
                if let Some(script) = state.markup.scripts.last_mut() {
                    script.push_str(&words);
                }
            }
            Token::CharacterTokens(words) => state.markup.text.push_str(&words),
            Token::CommentToken(words) => state.markup.comments.push(words.to_string()),
            Token::DoctypeToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

impl State {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        // Two cells are two words.
        self.markup.text.push(' ');
        let name = tag.name.to_string();
        if tag.kind == TagKind::EndTag {
            match name.as_str() {
                "script" => self.in_script = false,
                "svg" | "math" => self.pictures = self.pictures.saturating_sub(1),
                _ => {}
            }
            return TokenSinkResult::Continue;
        }
        let attributes = tag.attrs.iter();
        let attributes =
            attributes.map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
        self.markup.elements.push(Element { name: name.clone(), attributes });
        if matches!(name.as_str(), "svg" | "math") && !tag.self_closing {
            self.pictures += 1;
        }
        if self.pictures > 0 {
            return TokenSinkResult::Continue;
        }
        match name.as_str() {
            "script" => {
                self.in_script = true;
                self.markup.scripts.push(String::new());
                TokenSinkResult::RawData(RawKind::ScriptData)
            }
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            "style" | "iframe" | "noembed" | "noframes" | "xmp" => {
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

impl Markup {
    /// Reads a page.
    pub(crate) fn of(page: &str) -> Self {
        let tokenizer = Tokenizer::new(Sink(RefCell::default()), TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(page));
        // It stops at the end of each script, which is not run here.
        while !input.is_empty() {
            let _ = tokenizer.feed(&input);
        }
        tokenizer.end();
        tokenizer.sink.0.into_inner().markup
    }
}

#[test]
fn what_a_browser_would_run_is_found() {
    let page = Markup::of(
        "<title>a<b>c</title><a href='x' onclick=y>t<!--z--><script>if (a</b) <i></script><svg>\
         <title><u></title></svg><textarea><s></textarea>&lt;q>",
    );
    let names: Vec<&str> = page.elements.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["title", "a", "script", "svg", "title", "u", "textarea"]);
    assert_eq!(page.elements[1].value("onclick"), Some("y"));
    assert_eq!(page.comments, ["z"]);
    assert_eq!(page.scripts, ["if (a</b) <i>"]);
    assert!(page.text.contains("a<b>c") && page.text.contains("<q>"), "{}", page.text);
}

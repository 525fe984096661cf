//! What pages and e-mail say, in the languages they speak: Fluent messages from the files under `messages`.
//!
//! English is whole. Welsh is partial, and what it lacks is said in English; the foot of each page says
//! so. Records, and what the network and the rules of sharing have to say, stay as they were written.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use include_dir::{Dir, include_dir};
use unic_langid::LanguageIdentifier;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/messages");

static ENGLISH: LazyLock<Messages> = LazyLock::new(|| Messages::of(Language::English));

static WELSH: LazyLock<Messages> = LazyLock::new(|| Messages::of(Language::Welsh));

/// A language that pages can be read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// British English.
    #[default]
    English,
    /// Welsh.
    Welsh,
}

/// The messages of one language.
struct Messages(FluentBundle<FluentResource>);

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Welsh];

    /// Its tag (BCP 47), which is also the name of its folder.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en-GB",
            Self::Welsh => "cy",
        }
    }

    /// What it calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Welsh => "Cymraeg",
        }
    }

    /// The language of a tag such as `cy-GB`.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.trim().to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "cy" => Some(Self::Welsh),
            _ => None,
        }
    }

    /// The language that a browser would rather have (RFC 9110, section 12.5.4).
    pub(crate) fn preferred(accept_language: &str) -> Option<Self> {
        let mut wanted: Vec<(f32, Self)> = accept_language
            .split(',')
            .filter_map(|range| {
                let (tag, quality) = match range.split_once(';') {
                    Some((tag, quality)) => {
                        (tag, quality.trim().strip_prefix("q=")?.parse::<f32>().ok()?)
                    }
                    None => (range, 1.0),
                };
                Some((quality, Self::of_tag(tag)?))
            })
            .filter(|(quality, _)| *quality > 0.0)
            .collect();
        // Of equals, the one named first.
        wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        wanted.first().map(|(_, language)| *language)
    }

    /// Whether it says a message itself.
    pub(crate) fn has(self, id: &str) -> bool {
        self.messages().0.has_message(id)
    }

    /// A message, in English where this language lacks it.
    pub(crate) fn say(self, id: &str, args: &[(&str, FluentValue<'_>)]) -> String {
        let messages = if self.has(id) { self.messages() } else { &*ENGLISH };
        messages.say(id, args).unwrap_or_else(|| {
            tracing::error!(id, "a page has no such message");
            id.to_owned()
        })
    }

    fn messages(self) -> &'static Messages {
        match self {
            Self::English => &ENGLISH,
            Self::Welsh => &WELSH,
        }
    }
}

impl Messages {
    fn of(language: Language) -> Self {
        let locale: LanguageIdentifier = language.tag().parse().unwrap_or_else(|error| {
            tracing::error!(%error, language = language.tag(), "counts are not put as a language does");
            LanguageIdentifier::default()
        });
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        // Marks of direction around what is put in are for pages that mix left and right.
        bundle.set_use_isolating(false);
        for file in FILES.get_dir(language.tag()).into_iter().flat_map(Dir::files) {
            let text = file.contents_utf8().unwrap_or_default().to_owned();
            let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, errors)| {
                tracing::error!(file = %file.path().display(), ?errors, "a message cannot be read");
                resource
            });
            if let Err(errors) = bundle.add_resource(resource) {
                tracing::error!(file = %file.path().display(), ?errors, "a message stands twice");
            }
        }
        Self(bundle)
    }

    fn say(&self, id: &str, args: &[(&str, FluentValue<'_>)]) -> Option<String> {
        let pattern = self.0.get_message(id)?.value()?;
        let args: FluentArgs<'_> = args.iter().cloned().collect();
        let mut errors = Vec::new();
        let said = self.0.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(id, ?errors, "a message lacks what it is to name");
        }
        Some(said)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The ids in a language's files, in which every line is read.
    fn ids(language: Language) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for file in FILES.get_dir(language.tag()).unwrap().files() {
            let text = file.contents_utf8().unwrap();
            FluentResource::try_new(text.to_owned()).unwrap_or_else(|(_, errors)| {
                panic!("{}: {errors:?}", file.path().display());
            });
            for line in text.lines().filter(|line| line.starts_with(char::is_alphabetic)) {
                let (id, _) = line.split_once(" =").unwrap();
                assert!(ids.insert(id.to_owned()), "{id} stands twice in {}", language.tag());
            }
        }
        ids
    }

    /// The text of what makes pages and e-mail: templates, and the sources that name messages.
    fn makers() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        for place in ["templates", "src/http", "src/drafts", "src/digest.rs"] {
            for found in walkdir::WalkDir::new(root.join(place)) {
                let found = found.unwrap();
                if found.file_type().is_file() && !found.path().ends_with("messages.rs") {
                    text.push_str(&std::fs::read_to_string(found.path()).unwrap());
                }
            }
        }
        text
    }

    #[test]
    fn every_message_that_a_page_names_is_there_and_every_one_that_is_there_is_named() {
        let (ids, makers) = (ids(Language::English), makers());
        for call in [".t(\"", ".with(\"", "say(\""] {
            for (place, _) in makers.match_indices(call) {
                let named = makers[place + call.len()..].split('"').next().unwrap();
                assert!(ids.contains(named), "no message {named:?} for {call}");
            }
        }
        let unused: Vec<_> =
            ids.iter().filter(|id| !makers.contains(&format!("\"{id}\""))).collect();
        assert!(unused.is_empty(), "no page says {unused:?}");
    }

    #[test]
    fn welsh_says_nothing_that_english_does_not() {
        let (english, welsh) = (ids(Language::English), ids(Language::Welsh));
        let unknown: Vec<_> = welsh.difference(&english).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert!(!welsh.is_empty());
    }

    #[test]
    fn the_language_is_the_one_wanted_most() {
        let preferred = Language::preferred;
        assert_eq!(preferred("cy-GB,cy;q=0.9,en;q=0.8"), Some(Language::Welsh));
        assert_eq!(preferred("en;q=0.8, cy;q=0.9"), Some(Language::Welsh));
        assert_eq!(preferred("cy;q=0, fr, en-US;q=0.1"), Some(Language::English));
        assert_eq!(preferred("fr, de;q=nonsense"), None);
    }

    #[test]
    fn what_welsh_lacks_is_said_in_english() {
        assert_eq!(Language::Welsh.say("nav-search", &[]), "Chwilio");
        assert!(!Language::Welsh.has("error-heading"));
        assert_eq!(Language::Welsh.say("error-heading", &[]), "That did not work");
        assert_eq!(Language::English.say("no-such-message", &[]), "no-such-message");
    }
}

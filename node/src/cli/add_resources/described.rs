//! What is certain about a file from its name alone: a title, and sometimes its type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use staffroom_protocol::vocabulary::Vocabulary;

use super::content::Hashed;

/// What a title may have, as records check it.
const MIN_TITLE_CHARS: usize = 3;
const MAX_TITLE_CHARS: usize = 200;

/// The titles of files by their paths: of two files with one title, each has its folder behind it.
pub(super) fn titles(files: &[Hashed]) -> BTreeMap<String, String> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        *count.entry(title(file.found.name())).or_default() += 1;
    }
    let titled = files.iter().map(|file| {
        let title = title(file.found.name());
        let folder = file.path.rsplit('/').nth(1);
        let title = match folder.filter(|_| count.get(&title).is_some_and(|count| *count > 1)) {
            Some(folder) => shortened(&format!("{title} ({})", spaced(folder))),
            None => title,
        };
        (file.path.clone(), title)
    });
    titled.collect()
}

/// A title from a file's name: `fractions_week-1.docx` is "fractions week 1".
pub(super) fn title(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let title = spaced(stem);
    let title = if title.chars().count() < MIN_TITLE_CHARS { name.to_owned() } else { title };
    shortened(&title)
}

fn spaced(words: &str) -> String {
    words.replace(['_', '-'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(title: &str) -> String {
    if title.chars().count() <= MAX_TITLE_CHARS {
        return title.to_owned();
    }
    let kept: String = title.chars().take(MAX_TITLE_CHARS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// The type of resource that a file's name says, where it says one and not two.
pub(super) fn type_of(name: &str) -> Option<&'static str> {
    let fold = |words: &str| {
        let letters = |char: char| if char.is_alphanumeric() { char } else { ' ' };
        let words = words.to_lowercase().chars().map(letters).collect::<String>();
        format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = fold(stem);
    let types = Vocabulary::ResourceTypes.terms().iter().filter(|term| term.term != "other");
    let mut said = types.filter(|term| {
        let mut names = std::iter::once(&term.term).chain(&term.others);
        names.any(|name| stem.contains(&fold(name)))
    });
    match (said.next(), said.next()) {
        (Some(only), None) => Some(&only.term),
        (_, _) => None,
    }
}

/// The title among a record's fields.
pub(super) fn title_of(fields: &Map<String, Value>) -> String {
    fields.get("title").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::hash::Hash;

    use super::super::folder::Found;
    use super::*;

    #[test]
    fn a_title_is_the_name_with_spaces_and_never_too_short_or_long() {
        assert_eq!(title("fractions_week-1.docx"), "fractions week 1");
        assert_eq!(title("Q1.pdf"), "Q1.pdf");
        assert_eq!(title("Version 1.2 notes"), "Version 1");
        assert_eq!(title("README"), "README");
        let long = title(&format!("{}.txt", "wörd ".repeat(60)));
        assert!(long.chars().count() <= 200 && long.ends_with('…'), "{long}");
    }

    #[test]
    fn files_of_one_title_are_told_apart_by_their_folders() {
        let file = |path: &str| {
            let found = Found { path: path.into(), file: path.into(), size: 1 };
            let hash = Hash::of(path.as_bytes());
            Hashed { found, path: path.into(), hash, origin: hash }
        };
        let files = ["Week_1/plan.docx", "Week_2/plan.docx", "plan.docx", "slides.pptx"].map(file);
        let titles: Vec<String> = titles(&files).into_values().collect();
        assert_eq!(titles, ["plan (Week 1)", "plan (Week 2)", "plan", "slides"]);
    }

    #[test]
    fn a_type_is_taken_from_a_name_that_says_one() {
        for (name, said) in [
            ("Fractions worksheet 3.docx", Some("worksheet")),
            ("Year 4 scheme-of-work.docx", Some("scheme of work")),
            ("INSET_autumn.pptx", Some("training")),
            ("lesson 3 worksheet.docx", None),
            ("contest rules.docx", None),
            ("other.docx", None),
        ] {
            assert_eq!(type_of(name), said, "{name}");
        }
    }
}

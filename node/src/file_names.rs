//! What is certain about a file from its name alone: whether it can be kept under it, a title, and
//! sometimes its type.

use staffroom_protocol::limits::MAX_FILE_NAME_BYTES;
use staffroom_protocol::vocabulary::Vocabulary;

/// What a title may have, as records check it.
const MIN_TITLE_CHARS: usize = 3;
const MAX_TITLE_CHARS: usize = 200;

/// Why a file cannot be kept under its name. Messages go behind the name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum WrongName {
    #[error("has no name; give it one")]
    Empty,
    #[error("has a name of {0} bytes, and a name may have {MAX_FILE_NAME_BYTES}; shorten it")]
    Long(usize),
    #[error("has a name with a line break or another invisible control character; rename it")]
    Control,
}

/// Refuses a name under which no file is kept.
pub(crate) fn check(name: &str) -> Result<(), WrongName> {
    if name.trim().is_empty() || matches!(name, "." | "..") {
        return Err(WrongName::Empty);
    }
    if name.len() > MAX_FILE_NAME_BYTES {
        return Err(WrongName::Long(name.len()));
    }
    if name.contains(char::is_control) {
        return Err(WrongName::Control);
    }
    Ok(())
}

/// A name without the folders before it, which some browsers send along.
pub(crate) fn without_folders(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A title from a file's name: `fractions_week-1.docx` is "fractions week 1".
pub(crate) fn title(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let title = spaced(stem);
    let title = if title.chars().count() < MIN_TITLE_CHARS { name.to_owned() } else { title };
    shortened(&title)
}

/// Words apart, as a name without spaces has them.
pub(crate) fn spaced(words: &str) -> String {
    words.replace(['_', '-'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A title within what a title may have.
pub(crate) fn shortened(title: &str) -> String {
    if title.chars().count() <= MAX_TITLE_CHARS {
        return title.to_owned();
    }
    let kept: String = title.chars().take(MAX_TITLE_CHARS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// The type of resource that a file's name says, where it says one and not two.
pub(crate) fn type_of(name: &str) -> Option<&'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_into_no_folder() {
        for (sent, kept) in [
            ("plan.docx", "plan.docx"),
            ("../../etc/plan.docx", "plan.docx"),
            ("C:\\Users\\plan.docx", "plan.docx"),
            ("Week 1/plan.docx", "plan.docx"),
        ] {
            assert_eq!(without_folders(sent), kept);
            assert_eq!(check(without_folders(sent)), Ok(()));
        }
        for sent in ["", "a/", "..", "a/..", " "] {
            assert_eq!(check(without_folders(sent)), Err(WrongName::Empty), "{sent}");
        }
        assert_eq!(check(&"x".repeat(256)), Err(WrongName::Long(256)));
        assert_eq!(check("a\nb"), Err(WrongName::Control));
    }

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

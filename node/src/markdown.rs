//! A record as a person writes it: a Markdown file with YAML front matter.
//!
//! The front matter holds the short fields. The text before the first `## ` heading is the
//! `abstract`; each `## ` heading names a text field, so that `## What is different` begins
//! `what_is_different`, and deeper headings belong to its text. A `# ` heading at the very start is
//! the title. `files:` lists attachments by paths relative to the file.

use std::path::{Component, Path};

use serde_json::{Map, Value};
use staffroom_protocol::limits::MAX_FILES_PER_RECORD;

/// The longest file that is read: the texts of a record are limited to a quarter of this.
pub const MAX_MANUSCRIPT_BYTES: usize = 1024 * 1024;

/// What a Markdown file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manuscript {
    /// The flat map of fields that [`Authored::from_value`] reads, without `files`.
    ///
    /// [`Authored::from_value`]: staffroom_protocol::record::Authored::from_value
    pub fields: Map<String, Value>,
    /// Attachments, as paths relative to the file.
    pub files: Vec<String>,
}

/// Why a Markdown file is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkdownError {
    /// It is too long.
    #[error(
        "the file has {0} bytes and may have {MAX_MANUSCRIPT_BYTES}; move long texts into attachments"
    )]
    TooLong(usize),
    /// It does not begin with front matter.
    #[error(
        "the file must begin with a line \"---\", then the fields such as \"kind: intervention\", then another line \"---\""
    )]
    NoFrontMatter,
    /// The front matter does not end.
    #[error("the fields at the beginning do not end; put a line \"---\" after them")]
    OpenFrontMatter,
    /// The front matter cannot be read.
    #[error("the fields at the beginning cannot be read: {0}")]
    Yaml(String),
    /// A field is given twice.
    #[error("the field {0} is given twice; keep one of them")]
    Twice(String),
    /// A heading without a name.
    #[error("line {0}: a heading \"## \" must name a field, such as \"## Aim\"")]
    EmptyHeading(usize),
    /// Files that are not a list of paths.
    #[error("files must be a list of file names, such as [lesson.pdf, slides.pptx]")]
    Files,
    /// Too many files.
    #[error("files lists {0} files and may list {MAX_FILES_PER_RECORD}")]
    TooManyFiles(usize),
    /// A file elsewhere.
    #[error(
        "the file {0:?} must lie in the record's own folder or below it; copy it there and give its relative path"
    )]
    FileElsewhere(String),
}

/// Reads a Markdown file.
///
/// # Errors
/// [`MarkdownError`] says what is wrong and what to do.
pub fn read(text: &str) -> Result<Manuscript, MarkdownError> {
    if text.len() > MAX_MANUSCRIPT_BYTES {
        return Err(MarkdownError::TooLong(text.len()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, first)| first.trim_end() != "---") {
        return Err(MarkdownError::NoFrontMatter);
    }
    let mut front = Vec::new();
    loop {
        match lines.next() {
            Some((_, line)) if line.trim_end() == "---" => break,
            Some((_, line)) => front.push(line),
            None => return Err(MarkdownError::OpenFrontMatter),
        }
    }
    let mut manuscript = front_matter(&front.join("\n"))?;
    sections(lines, &mut manuscript.fields)?;
    Ok(manuscript)
}

fn front_matter(text: &str) -> Result<Manuscript, MarkdownError> {
    let written: Map<String, Value> = if text.trim().is_empty() {
        Map::new()
    } else {
        // Placed on its own line of the file, so that the error's line numbers are the file's.
        // `No` and `yes` are answers in words here.
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(&format!("\n{text}"), options)
            .map_err(|error| MarkdownError::Yaml(error.to_string()))?
    };
    let mut fields = Map::new();
    for (name, value) in written {
        let name = field_name(&name);
        if fields.insert(name.clone(), value).is_some() {
            return Err(MarkdownError::Twice(name));
        }
    }
    let files = match fields.remove("files") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(list) => serde_json::from_value(list).map_err(|_| MarkdownError::Files)?,
    };
    if files.len() > MAX_FILES_PER_RECORD {
        return Err(MarkdownError::TooManyFiles(files.len()));
    }
    let here = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if let Some(file) = files.iter().find(|file| !Path::new(file).components().all(here)) {
        return Err(MarkdownError::FileElsewhere(file.clone()));
    }
    Ok(Manuscript { fields, files })
}

fn sections<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    fields: &mut Map<String, Value>,
) -> Result<(), MarkdownError> {
    let (mut field, mut text) = ("abstract".to_owned(), String::new());
    let mut fence: Option<&str> = None;
    for (index, line) in lines {
        let start = line.trim_start();
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark)) {
            match fence {
                None => fence = Some(mark),
                Some(open) if open == mark => fence = None,
                Some(_) => {}
            }
        }
        if fence.is_none() && line.starts_with("## ") || line.trim_end() == "##" {
            add(fields, field, &text)?;
            field = field_name(line.trim_start_matches('#'));
            text.clear();
            if field.is_empty() {
                return Err(MarkdownError::EmptyHeading(index + 1));
            }
        } else if let Some(title) = line.strip_prefix("# ")
            && fence.is_none()
            && field == "abstract"
            && text.trim().is_empty()
        {
            add(fields, "title".to_owned(), title)?;
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    add(fields, field, &text)
}

fn add(fields: &mut Map<String, Value>, name: String, text: &str) -> Result<(), MarkdownError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    if fields.contains_key(&name) {
        return Err(MarkdownError::Twice(name));
    }
    fields.insert(name, text.into());
    Ok(())
}

/// `What is different` as `what_is_different`.
fn field_name(written: &str) -> String {
    written.trim().trim_end_matches(':').to_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use staffroom_protocol::record::Authored;

    use super::*;

    const RECORD: &str = "\u{feff}---\r\nkind: intervention\r\nwaiver: No\r\nkey-stages: [KS1, KS2]\r\ncreated: 2026-01-05\r\nfiles: [plans/steps.md, ./costs.csv]\r\n---\r\n# Paired reading\r\nTwo pupils read\r\ntogether.\r\n\r\n## Aim\r\nFluency.\r\n### In detail\r\n```\r\n## no field\r\n```\r\n## What is different\r\nPairs.\r\n\r\n## Monitoring\r\nEvery half term.\r\n";

    #[test]
    fn a_record_is_read_from_front_matter_and_headings() {
        let manuscript = read(RECORD).unwrap();
        assert_eq!(manuscript.files, ["plans/steps.md", "./costs.csv"]);
        let fields = Value::Object(manuscript.fields);
        assert_eq!(
            fields,
            json!({
                "kind": "intervention",
                "waiver": "No",
                "key_stages": ["KS1", "KS2"],
                "created": "2026-01-05",
                "title": "Paired reading",
                "abstract": "Two pupils read\ntogether.",
                "aim": "Fluency.\n### In detail\n```\n## no field\n```",
                "what_is_different": "Pairs.",
                "monitoring": "Every half term.",
            })
        );
        assert_eq!(Authored::from_value(fields).unwrap().record.common.title, "Paired reading");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| read(text).unwrap_err();
        assert_eq!(error("kind: resource\n"), MarkdownError::NoFrontMatter);
        assert_eq!(error("---\nkind: resource\n"), MarkdownError::OpenFrontMatter);
        assert_eq!(error("---\nAim: a\n---\n## Aim\nb\n"), MarkdownError::Twice("aim".into()));
        assert_eq!(error("---\n---\n## Aim\na\n## aim\nb\n"), MarkdownError::Twice("aim".into()));
        assert_eq!(
            error("---\nkey-stages: 1\nkey_stages: 2\n---\n"),
            MarkdownError::Twice("key_stages".into())
        );
        assert_eq!(error("---\n---\n\n##\n"), MarkdownError::EmptyHeading(4));
        assert_eq!(error("---\nfiles: {a: b}\n---\n"), MarkdownError::Files);
        for elsewhere in ["/etc/passwd", "../other/plan.md", "a/../../b"] {
            let text = format!("---\nfiles: [\"{elsewhere}\"]\n---\n");
            assert_eq!(error(&text), MarkdownError::FileElsewhere(elsewhere.into()));
        }
        let yaml = error("---\nkind: resource\ntitle: \"open\ntags: [\n---\n").to_string();
        assert!(yaml.contains("line "), "{yaml}");
        let twice = error("---\nkind: resource\nkind: plan\n---\n").to_string();
        assert!(twice.contains("kind") && twice.contains("line 3"), "{twice}");
        let bomb = "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n---\n";
        assert!(matches!(error(bomb), MarkdownError::Yaml(_)));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC*", front in "[a-z:\\[\\]{}&*\"' \n-]*") {
            drop(read(&text));
            drop(read(&format!("---\n{front}\n---\n{text}")));
        }
    }
}

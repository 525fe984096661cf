//! The files of a resource.

use std::collections::BTreeSet;

use crate::limits::{MAX_FILE_BYTES, MAX_FILE_NAME_BYTES, MAX_FILES_PER_RECORD};
use crate::record::{File, Problems};

/// Refuses files that could not be kept under their name by every member, or not at all.
pub(super) fn validate(files: &[File], problems: &mut Problems) {
    problems.list_length("files", files.len(), MAX_FILES_PER_RECORD);
    let mut names = BTreeSet::new();
    for (index, file) in files.iter().enumerate() {
        let field = |name: &str| format!("files[{index}].{name}");
        validate_name(&field("name"), &file.name, problems);
        if !names.insert(file.name.to_lowercase()) {
            problems.refuse(
                &field("name"),
                &file.name,
                "is the name of another file of this resource too; rename one",
            );
        }
        if !is_media_type(&file.media_type) {
            problems.refuse(
                &field("media_type"),
                &file.media_type,
                "must be a media type such as application/pdf",
            );
        }
        if file.size > MAX_FILE_BYTES {
            problems.refuse(
                &field("size"),
                format!("{} bytes", file.size),
                format!(
                    "must be at most {} GiB; split the file, or give a link in url",
                    MAX_FILE_BYTES / (1024 * 1024 * 1024)
                ),
            );
        }
    }
}

fn validate_name(field: &str, name: &str, problems: &mut Problems) {
    if name.trim().is_empty() {
        problems.refuse(field, "", "is needed; give the file a name");
    } else if name.contains(['/', '\\']) || matches!(name, "." | "..") {
        problems.refuse(field, name, "must be a plain file name, without folders");
    } else if name.contains(char::is_control) {
        problems.refuse(field, name.escape_debug(), "must not hold invisible control characters");
    } else if name.len() > MAX_FILE_NAME_BYTES {
        problems.refuse(
            field,
            name,
            format!(
                "must have at most {MAX_FILE_NAME_BYTES} bytes; it has {}; shorten it",
                name.len()
            ),
        );
    }
}

fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    let bare = text.split(';').next().unwrap_or_default().trim();
    text.len() <= 150 && bare.split_once('/').is_some_and(|(main, sub)| part(main) && part(sub))
}

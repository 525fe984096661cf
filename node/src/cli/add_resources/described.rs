//! The titles of the files of a folder, of which no two are alike, and of what is shared.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::content::Hashed;
use crate::file_names::{shortened, spaced, title};

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
}

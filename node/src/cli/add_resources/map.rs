//! The map of a folder: a CSV file that says more of its files, a file a row.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::folder::Folder;
use crate::import::{self, Format, ImportError, Options, Setting, Sheet};

/// The column with the path of a file.
const FILE: &str = "file";

/// What to say of a column that would name more files.
const FILES: &str = "leave the column \"files\" out: a record's file is the one that its row names in the \
    column \"file\"";

/// What the rows say.
#[derive(Debug, Default)]
pub(super) struct ResourceMap {
    /// By the paths of files.
    rows: BTreeMap<String, MapRow>,
    /// Rows that are about no file, and why.
    pub(super) without_file: Vec<(u64, String)>,
    /// Files without a row.
    pub(super) without_row: Vec<String>,
}

/// A row about a file.
#[derive(Debug)]
struct MapRow {
    number: u64,
    fields: Result<Map<String, Value>, String>,
}

impl ResourceMap {
    /// Reads the map of a folder.
    pub(super) fn read(path: &Path, folder: &Folder) -> Result<Self, ImportError> {
        let kind: Result<Setting, _> = "kind=resource".parse();
        let options = Options {
            format: Some(Format::Csv),
            set: kind.into_iter().collect(),
            key: Some(FILE),
            ..Options::default()
        };
        if Sheet::open(path, None)?.column("files").is_ok() {
            return Err(ImportError::Header {
                path: path.to_owned(),
                row: 1,
                reason: FILES.to_owned(),
            });
        }
        let mut map = Self::default();
        for row in import::open(path, &options)? {
            let number = row.number;
            let Some(key) = row.key else {
                let why = row.fields.err().unwrap_or_else(|| {
                    format!("its column {FILE:?} is empty; write the path of a file there")
                });
                map.without_file.push((number, why));
                continue;
            };
            let file = path_of(&key);
            if !folder.files.iter().any(|found| found.path == file) {
                let meant =
                    folder.files.iter().find(|found| found.path.eq_ignore_ascii_case(&file));
                let advice = match meant {
                    Some(found) => format!("{:?} may be meant", found.path),
                    None => "correct it, or take the row out".to_owned(),
                };
                map.without_file
                    .push((number, format!("there is no file {key:?} to add; {advice}")));
            } else if let Some(first) = map.rows.get(&file) {
                let why = format!("row {} is about {key:?} too; keep one of them", first.number);
                map.without_file.push((number, why));
            } else {
                map.rows.insert(file, MapRow { number, fields: row.fields.and_then(fields_of) });
            }
        }
        let files = folder.files.iter().map(|found| &found.path);
        map.without_row = files.filter(|path| !map.rows.contains_key(*path)).cloned().collect();
        Ok(map)
    }

    /// What a row says of a file, or why it cannot be read; none where there is no row.
    pub(super) fn row(&self, path: &str) -> Option<Result<&Map<String, Value>, String>> {
        let MapRow { number, fields } = self.rows.get(path)?;
        Some(fields.as_ref().map_err(|why| format!("row {number} of the map: {why}")))
    }

    /// Whether a row gives a file a value in a field.
    pub(super) fn gives(&self, path: &str, field: &str) -> bool {
        matches!(self.row(path), Some(Ok(fields)) if fields.contains_key(field))
    }
}

/// A path as it stands in a table: Windows writes `\` between its parts.
fn path_of(cell: &str) -> String {
    let path = cell.trim().replace('\\', "/");
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}

fn fields_of(row: Value) -> Result<Map<String, Value>, String> {
    let Value::Object(mut fields) = row else { return Err("holds no fields".to_owned()) };
    fields.remove("kind");
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn read(table: &str) -> Result<ResourceMap, String> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("week 1")).unwrap();
        for name in ["week 1/plan.docx", "Slides.pptx", "left.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let folder = Folder::look_through(dir.path(), Path::new("nowhere")).unwrap();
        let map = dir.path().join("map.csv");
        fs::write(&map, table).unwrap();
        ResourceMap::read(&map, &folder).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_say_more_of_files_and_what_fits_nothing_is_told() {
        let map = read(
            "File,Title,Key stages\nweek 1\\plan.docx,Fractions,KS2\nslides.pptx,x,\nnone.txt,y,\n,z,\n\
             week 1/plan.docx,Again,\n",
        )
        .unwrap();
        let row = map.row("week 1/plan.docx").unwrap().unwrap();
        assert_eq!(
            Value::Object(row.clone()),
            json!({ "title": "Fractions", "key_stages": "KS2" })
        );
        assert!(map.gives("week 1/plan.docx", "title") && !map.gives("Slides.pptx", "title"));
        assert_eq!(map.without_row, ["Slides.pptx", "left.txt"]);
        let said: Vec<String> =
            map.without_file.iter().map(|(row, why)| format!("{row}: {why}")).collect();
        assert!(
            said[0].contains("3: there is no file \"slides.pptx\"")
                && said[0].contains("\"Slides.pptx\" may be meant"),
            "{said:?}"
        );
        assert!(said[1].starts_with("4: there is no file \"none.txt\""), "{said:?}");
        assert!(said[2].starts_with("5: its column \"file\" is empty"), "{said:?}");
        assert!(said[3].starts_with("6: row 2 is about"), "{said:?}");
    }

    #[test]
    fn a_map_that_is_none_is_told() {
        let said = read("title,type\nFractions,worksheet\n").unwrap_err();
        assert!(said.contains("has no column \"file\""), "{said}");
        let said = read("file,tittle\na.docx,x\n").unwrap_err();
        assert!(said.contains("\"tittle\" (\"title\" may be meant)"), "{said}");
        let said = read("file,files\nleft.txt,x\n").unwrap_err();
        assert!(said.contains("leave the column \"files\" out"), "{said}");
        let map = read("file,created\nleft.txt,31/2/2026\n").unwrap();
        let said = map.row("left.txt").unwrap().unwrap_err();
        assert!(said.starts_with("row 2 of the map: created: "), "{said}");
    }
}

//! `staffroom import FILE`: the rows of a table or of a file with one JSON object a line, each as
//! the map of fields that [`Authored::from_value`] reads.
//!
//! A file is CSV (with commas, semicolons or tabs, as Excel writes it in any encoding) or JSONL.
//! [`open`] finds out which, checks the header against the fields of the records, and refuses what
//! is wrong for every row; [`Rows`] then gives a row at a time, and holds no more than one.
//!
//! How a row says what a record holds:
//! - The header of a CSV file names fields, in any case, with spaces or hyphens for underscores;
//!   `cost.band` is a field inside a field, `engagement.attitudes.1.statement` one of the first
//!   item of a list. An empty cell is an absent field.
//! - A cell is text, and its field decides what it means. A list has `;` (or lines) between its
//!   items; numbers may be written `£1,200`; yes and no are `yes` and `no`; dates are `2026-01-05`
//!   or, as a British spreadsheet writes them, `5/1/2026`. A list or number where a field takes
//!   only text becomes text, with " and " between items. This is asked of the records' own reader,
//!   row by row, and no table of fields has to be kept up to date.
//! - `--map FIELD=COLUMN` ([`Mapping`]) fills fields from columns or keys of other names; whatever
//!   no mapping names is then left out. Where two mappings fill one field, the first that is not
//!   empty in the row does. `--set FIELD=VALUE` ([`Setting`]) fills what a row leaves empty.

mod error;
mod fields;
mod header;
mod mapping;
mod path;
mod reader;
mod row;
mod sheet;
mod table;
mod text;

use std::fmt;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use serde_json::{Map, Value};
use staffroom_protocol::limits::MAX_BODY_BYTES;
#[cfg(doc)]
use staffroom_protocol::record::Authored;

use fields::Unreadable;
use reader::RowReader;
use row::Table;
use table::Splitter;
use text::Text;

pub use error::ImportError;
pub use mapping::{Mapping, MappingError, Setting};
pub use sheet::{Sheet, SheetRow, number_in};

/// One row of a file. The largest record is written in well under four times its size, whatever
/// marks and spaces a file adds.
pub const MAX_ROW_BYTES: usize = 4 * MAX_BODY_BYTES;

/// What a reason quotes at most; the rest of a long cell helps nobody to find it.
const MAX_REASON_CHARS: usize = 600;

/// How records are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table with a header; commas, semicolons or tabs between its cells.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// How to read a file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Found from the file's name and beginning where not given.
    pub format: Option<Format>,
    /// Found from the file's bytes where not given; a byte order mark goes before both.
    pub encoding: Option<&'static Encoding>,
    /// Columns or keys that fill fields of other names.
    pub map: Vec<Mapping>,
    /// Values of fields that rows leave empty.
    pub set: Vec<Setting>,
    /// A column that fills no field: it names what the row is about. Only for tables.
    pub key: Option<&'static str>,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As a person counts: the row of the table, where the header is usually row 1, or the line.
    pub number: u64,
    /// What it is about, where a column was named for that.
    pub key: Option<String>,
    /// The fields of one record, or why it cannot be read.
    pub fields: Result<Value, String>,
}

/// An encoding by the label that web pages use, such as `windows-1252` or `utf-16le`.
///
/// # Errors
/// Says which labels are common.
pub fn encoding_named(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        format!(
            "{label:?} is no encoding; common ones are utf-8, windows-1252 (Excel's plain \
            \"CSV\" in Britain), macintosh, utf-16le"
        )
    })
}

/// The rows of a file, one at a time.
pub struct Rows {
    path: PathBuf,
    reader: RowReader,
    /// The columns of a table; none where each line is an object.
    table: Option<Table>,
    map: Vec<Mapping>,
    /// Which mappings have filled a field so far.
    used: Vec<bool>,
    set: Vec<Setting>,
    /// The column that names what a row is about.
    key: Option<&'static str>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("path", &self.path)
            .field("input", &self.reader.input)
            .field("number", &self.reader.number)
            .finish_non_exhaustive()
    }
}

/// Opens a file, finds its format and encoding, and checks its header and the options.
///
/// # Errors
/// [`ImportError`] for what is wrong with the whole file.
pub fn open(path: &Path, options: &Options) -> Result<Rows, ImportError> {
    let kind = header::check_options(options)?;
    let mut input = Text::open(path, options.encoding)?;
    let cannot = |why| ImportError::Read { path: path.to_owned(), why };
    let start = input.fill_buf().map_err(cannot)?;
    if start.trim_ascii().is_empty() {
        return Err(ImportError::Empty(path.to_owned()));
    }
    let format = match options.format {
        Some(format) => format,
        None => format_of(path, start)?,
    };
    let mut rows = Rows {
        path: path.to_owned(),
        reader: RowReader::new(input, Splitter::of_lines(), Vec::new(), 0),
        table: None,
        used: vec![false; options.map.len()],
        map: options.map.clone(),
        set: options.set.clone(),
        key: options.key,
    };
    if format == Format::Csv {
        rows.read_header(kind)?;
    }
    Ok(rows)
}

/// A file's name decides where it is telling, else its first letter.
fn format_of(path: &Path, start: &[u8]) -> Result<Format, ImportError> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match (extension.as_deref(), start.trim_ascii_start().first()) {
        (Some("csv" | "tsv" | "tab"), _) => Ok(Format::Csv),
        (_, Some(b'[')) => Err(ImportError::NotATable {
            path: path.to_owned(),
            what: "one JSON list",
            advice: "write each of its objects on a line of its own (jq -c '.[]' does that), and \
                import the result",
        }),
        (Some("jsonl" | "ndjson" | "json"), _) | (_, Some(b'{')) => Ok(Format::Jsonl),
        _ => Ok(Format::Csv),
    }
}

impl Rows {
    /// The format that was found or given.
    pub fn format(&self) -> Format {
        if self.table.is_some() { Format::Csv } else { Format::Jsonl }
    }

    /// The encoding that was found or given.
    pub fn encoding(&self) -> &'static str {
        self.reader.encoding()
    }

    /// Bytes of the file.
    pub fn total_bytes(&self) -> u64 {
        self.reader.input.total()
    }

    /// Bytes of the file read so far.
    pub fn bytes_read(&self) -> u64 {
        self.reader.input.read_so_far()
    }

    /// Mappings that have filled no field in any row so far; at the end, probably misspelt keys.
    pub fn unused_mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.map.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(mapping, _)| mapping)
    }

    /// What the row that was read is about, and its fields; none of a blank one.
    fn row(&mut self) -> Option<(Option<String>, Result<Value, String>)> {
        let source = match &self.table {
            Some(table) => table.read(&self.reader.row, self.reader.encoding()),
            None => row::read_line(&self.reader.row, self.reader.encoding()),
        };
        let mut source = source.transpose()?;
        let key = source.as_mut().ok().and_then(|source| self.take_key(source));
        let fields = source.and_then(|source| self.fill(source));
        Some((key, fields.map_err(|reason| cut(&reason))))
    }

    fn take_key(&self, source: &mut Map<String, Value>) -> Option<String> {
        let name = source.keys().find(|name| self.is_key(name))?.clone();
        let Some(Value::String(key)) = source.remove(&name) else { return None };
        Some(key)
    }

    fn is_key(&self, column: &str) -> bool {
        self.key.is_some_and(|key| same_name(key, column))
    }

    fn fill(&mut self, source: Map<String, Value>) -> Result<Value, String> {
        let mut record = Map::new();
        if !self.map.is_empty() {
            let mut filled: Vec<&str> = Vec::new();
            for (mapping, used) in self.map.iter().zip(&mut self.used) {
                if filled.contains(&mapping.field.as_str()) {
                    continue;
                }
                if let Some(value) = mapping.fill(|column| self::column(&source, column))? {
                    path::insert(&mut record, &mapping.field, value)?;
                    filled.push(&mapping.field);
                    *used = true;
                }
            }
        } else if let Some(table) = &self.table {
            for name in &table.header {
                if let Some(value) = source.get(name) {
                    path::insert(&mut record, &path::fold(name), value.clone())?;
                }
            }
        } else {
            let mut names: Vec<String> = source.keys().map(|key| path::fold(key)).collect();
            names.sort_unstable();
            if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!("has {:?} twice; keep one of them", pair[0]));
            }
            record = source;
        }
        let mut record = Value::Object(record);
        for setting in &self.set {
            let value = Value::String(setting.value.clone());
            match path::at(&mut record, &path::steps(&setting.field)) {
                Some(own) if mapping::is_empty(own) => *own = value,
                Some(_) => {}
                None => {
                    if let Value::Object(fields) = &mut record {
                        path::insert(fields, &setting.field, value)?;
                    }
                }
            }
        }
        fields::settle(record).map_err(|unreadable| self.describe(&unreadable))
    }

    /// Names the column or key that a value came from, where its name is not the field's.
    fn describe(&self, unreadable: &Unreadable) -> String {
        let Unreadable { steps, reason } = unreadable;
        if steps.is_empty() {
            return reason.clone();
        }
        let field = steps.join(".");
        let is_of = |path: &str| steps.starts_with(&path::steps(path));
        let mapping = self.map.iter().find(|mapping| is_of(&mapping.field));
        let header = self.table.iter().flat_map(|table| &table.header);
        let column = header.filter(|_| self.map.is_empty()).find(|name| is_of(&path::fold(name)));
        match (mapping, column) {
            (Some(mapping), _) => format!("{field} (from --map {mapping}): {reason}"),
            (None, Some(column)) if *column != field => format!("column {column:?}: {reason}"),
            (None, Some(_)) | (None, None) => format!("{field}: {reason}"),
        }
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let row = match self.reader.next()? {
                Err(reason) => Some((None, Err(reason))),
                Ok(()) => self.row(),
            };
            if let Some((key, fields)) = row {
                return Some(Row { number: self.reader.number, key, fields });
            }
        }
    }
}

/// A column of a table by its name in any case, or a key of an object, which may be inside another.
fn column<'a>(source: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    mapping::nested(source, name).or_else(|| {
        source.iter().find(|(column, _)| same_name(column, name)).map(|(_, value)| value)
    })
}

fn same_name(one: &str, other: &str) -> bool {
    path::fold(one) == path::fold(other)
}

fn cut(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON_CHARS) {
        None => reason.to_owned(),
        Some((end, _)) => format!("{}…", &reason[..end]),
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_16LE, WINDOWS_1252};
    use proptest::prelude::*;
    use serde_json::json;
    use staffroom_protocol::record::{Authored, Kind};

    use super::*;

    const ID: &str = "000102030405060708090a0b0c0d0e0f";

    pub(super) fn options(map: &[&str], set: &[&str]) -> Options {
        Options {
            map: map.iter().map(|mapping| mapping.parse().unwrap()).collect(),
            set: set.iter().map(|setting| setting.parse().unwrap()).collect(),
            ..Options::default()
        }
    }

    fn resource() -> Options {
        options(&[], &["kind=resource"])
    }

    /// All rows and the encoding found, or the message without the directory of the test.
    fn read(name: &str, bytes: &[u8], options: &Options) -> Result<(Vec<Row>, String), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let place = format!("{}/", dir.path().display());
        let mut rows =
            open(&path, options).map_err(|error| error.to_string().replace(&place, ""))?;
        let all: Vec<Row> = rows.by_ref().collect();
        assert_eq!(rows.next(), None);
        assert_eq!(
            (rows.bytes_read(), rows.total_bytes()),
            (bytes.len() as u64, bytes.len() as u64)
        );
        Ok((all, rows.encoding().to_owned()))
    }

    fn good(name: &str, bytes: impl AsRef<[u8]>, options: &Options) -> Vec<Value> {
        let (rows, _) = read(name, bytes.as_ref(), options).unwrap();
        rows.into_iter().map(|row| row.fields.unwrap()).collect()
    }

    /// Numbers of the good rows, and numbers and reasons of the bad ones.
    fn judged(
        name: &str,
        bytes: impl AsRef<[u8]>,
        options: &Options,
    ) -> (Vec<u64>, Vec<(u64, String)>) {
        let (rows, _) = read(name, bytes.as_ref(), options).unwrap();
        let taken = rows.iter().filter(|row| row.fields.is_ok()).map(|row| row.number).collect();
        (taken, rows.into_iter().filter_map(|row| Some((row.number, row.fields.err()?))).collect())
    }

    fn refused(name: &str, bytes: impl AsRef<[u8]>, options: &Options) -> String {
        read(name, bytes.as_ref(), options).unwrap_err()
    }

    #[test]
    fn a_table_of_resources_is_read_as_a_teacher_writes_it() {
        let table = "Kind,Title,Key Stages,year-groups,third party material,url,Tags,teaches\r\n\
                     Resource,\"Fractions, part 1\",KS2,\"4; 5\",no,https://example.org/f,,Equal \
                     parts\r\n\
                     \r\n,,,,,,,\r\n\
                     resource, Poems ,,,YES,https://example.org/p,\"poetry;reading\",\"Rhyme\nMetre\",\r\n";
        let rows = good("Resources.csv", table, &Options::default());
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0],
            json!({
                "kind": "Resource", "title": "Fractions, part 1", "key_stages": "KS2",
                "year_groups": "4; 5", "third_party_material": "no",
                "url": "https://example.org/f", "teaches": "Equal parts",
            })
        );
        assert_eq!(rows[1]["tags"], json!(["poetry", "reading"]));
        let authored = Authored::from_value(rows[1].clone()).unwrap();
        assert_eq!(authored.record.common.title, "Poems");
        let numbers: Vec<_> = read("r.csv", table.as_bytes(), &Options::default()).unwrap().0;
        assert_eq!(numbers.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn interventions_adoptions_and_reports_share_one_table() {
        let table = format!(
            "kind;title;aim;what is different;monitoring;cost.one \
             off;of;type;context.phase;period;what was seen;\
             other factors;conclusion;arms.intervention.n;arms.intervention.after.mean;\
             arms.intervention.after.ci95;engagement.attitudes.1.statement;engagement.attitudes.1.n;started;changes\n\
             intervention;Paired reading;Fluency;In pairs;Monthly;£4.50;;;;;;;;;;;;;5/1/2026;\n\
             adoption;Ours;;;;;{ID};Adapted;primary;;;;;;;;;;;\"Weekly; with poems\"\n\
             impact report;Spring;;;;;{ID};;;2026-01-05 to 2026-03-27;Fluency;A library;continue;1,200;42.5;\
             \"40.1;44.9\";I like it;30;;\n"
        );
        let rows = good("all.csv", &table, &Options::default());
        let records: Vec<_> =
            rows.iter().map(|row| Authored::from_value(row.clone()).unwrap().record).collect();
        let kinds: Vec<_> = records.iter().map(|record| record.kind()).collect();
        assert_eq!(kinds, [Kind::Intervention, Kind::Adoption, Kind::ImpactReport]);
        let value = serde_json::to_value(&records[2].content).unwrap();
        let after = &value["impact_report"]["arms"]["intervention"]["after"];
        assert_eq!(after, &json!({ "mean": 42.5, "ci95": [40.1, 44.9] }));
        assert_eq!(value["impact_report"]["engagement"]["attitudes"][0]["n"], 30);
        let value = serde_json::to_value(&records[0].content).unwrap();
        assert_eq!(value["intervention"]["started"], "2026-01-05");
        let value = serde_json::to_value(&records[1].content).unwrap();
        assert_eq!(value["adoption"]["changes"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_excel_writes_is_read_in_every_encoding() {
        let table = "sep=;\r\ntitle;abstract\r\nCafé;\"naïve — “quoted” £5\"\r\n";
        let plain = table.replace("sep=;\r\n", "");
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let marked = [&b"\xFF\xFE"[..], &utf16(&plain.replace(';', "\t"))].concat();
        let big_endian: Vec<u8> = plain.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let cases = [
            (table.as_bytes().to_vec(), "UTF-8"),
            ([b"\xEF\xBB\xBF", plain.as_bytes()].concat(), "UTF-8"),
            (WINDOWS_1252.encode(&plain).0.into_owned(), "windows-1252"),
            (marked, "UTF-16LE"),
            (utf16(&plain), "UTF-16LE"),
            (big_endian, "UTF-16BE"),
        ];
        for (bytes, encoding) in cases {
            let (rows, found) = read("x.csv", &bytes, &resource()).unwrap();
            assert_eq!(found, encoding);
            let fields = rows[0].fields.as_ref().unwrap();
            assert_eq!(
                (&fields["title"], &fields["abstract"]),
                (&json!("Café"), &json!("naïve — “quoted” £5"))
            );
            assert_eq!((rows.len(), rows[0].number), (1, 2));
        }
        let declared =
            Options { encoding: Some(encoding_named("macintosh").unwrap()), ..resource() };
        assert_eq!(good("x.csv", b"title\nCaf\x8E\n", &declared)[0]["title"], "Café");
        assert!(encoding_named("ebcdic").unwrap_err().contains("windows-1252"));
    }

    #[test]
    fn an_accent_after_megabytes_of_plain_letters_still_tells_the_encoding() {
        let mut bytes = b"title\n".to_vec();
        (0..20_000).for_each(|_| bytes.extend_from_slice(b"Fractions for everybody\n"));
        bytes.extend_from_slice(b"Caf\xE9 society and d\xE9j\xE0 vu\n");
        let rows = good("x.csv", bytes, &resource());
        assert_eq!(rows.last().unwrap()["title"], "Café society and déjà vu");
    }

    #[test]
    fn damaged_text_is_refused_and_never_replaced() {
        let bytes = b"title,abstract\nCaf\xC3\xA9,\xC3\xA9t\xC3\xA9\nGood,caf\xE9\nNext,fine\n";
        let (taken, bad) = judged("x.csv", bytes, &resource());
        assert_eq!(taken, [2, 4]);
        assert_eq!(
            bad,
            [(
                3,
                "column \"abstract\", letter 4: cannot be read as UTF-8; type it again, or name \
                the \
                  file's encoding with --encoding"
                    .to_owned()
            )]
        );
        let half_a_letter: Vec<u8> = [0x0041, 0xD800, 0x000A, 0x0042]
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .chain([0x43])
            .collect();
        let bytes = [b"t\0i\0t\0l\0e\0\n\0".to_vec(), half_a_letter].concat();
        let options = Options { encoding: Some(UTF_16LE), ..resource() };
        let (taken, bad) = judged("x.csv", bytes, &options);
        assert!(taken.is_empty() && bad.len() == 2, "{bad:?}");
        assert!(bad[0].1.starts_with("column \"title\", letter 2: cannot be read as UTF-16LE"));
        let (_, bad) = judged(
            "x.jsonl",
            b"{\"title\": \"a\xFF\"}\n{\"title\": \"\xC3\xA9\xC3\xA9\"}",
            &resource(),
        );
        assert!(bad[0].1.starts_with("the line, letter 13: cannot be read as UTF-8"), "{bad:?}");
    }

    #[test]
    fn what_is_no_table_is_called_by_its_name() {
        let cases: [(&str, &[u8], &str); 9] = [
            ("x.csv", b"PK\x03\x04rest", "zip archive or an Excel workbook"),
            ("x.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "Excel workbook"),
            ("x.csv", b"%PDF-1.7\n", "is a PDF; a PDF has no rows"),
            ("x.gz", b"\x1F\x8B\x08", "unpack it with gunzip"),
            ("x.json", b"{\\rtf1 hello}", "Word document"),
            ("x.xls", b"\n <HTML><table>", "web page"),
            ("x.csv", b"title\0\0\x01\x02,\x05\x03\x03", "is not text; use a CSV file"),
            ("x.json", b" [{\"title\": 1}]", "one JSON list; write each"),
            ("x.csv", b"\xEF\xBB\xBF\n \n", "x.csv is empty"),
        ];
        for (name, bytes, said) in cases {
            let message = refused(name, bytes, &resource());
            assert!(message.starts_with(name) && message.contains(said), "{message}");
        }
        let error = open(Path::new("/nonexistent/x.csv"), &resource()).unwrap_err();
        assert!(error.to_string().starts_with("cannot read /nonexistent/x.csv: "), "{error}");
        assert!(matches!(open(Path::new("/"), &resource()), Err(ImportError::NotAFile(_))));
    }

    #[test]
    fn a_wrong_header_is_one_message_with_what_to_do() {
        let message = refused("x.csv", "Titel,abstract,Colour\na,b,c\n", &resource());
        assert!(
            message.starts_with(
                "x.csv: \"Titel\" (\"title\" may be meant), \"Colour\" of the header name no \
                 field of the \
                 kind resource. Correct them, or say what fills which field with --map FIELD=COLUMN; columns \
                 that no --map names are then left out. The fields of the kind resource are: kind, id, groups, \
                 cleared, schema,"
            ),
            "{message}"
        );
        assert!(message.contains("third_party_list"), "{message}");
        let message = refused("x.csv", "kind,titel\nresource,b\n", &Options::default());
        assert!(message.contains("any kind of record") && message.contains("--set kind=KIND"));
        let message = refused("x.csv", "title,Abstract,abstract\n", &resource());
        assert_eq!(
            message,
            "x.csv, row 1 (the header): columns 2 and 3 are both called \"abstract\"; rename or \
             delete one of them"
        );
        let message = refused("x.csv", "title\nx\n", &Options::default());
        assert!(message.contains("add --set kind=KIND, or a column kind"), "{message}");
        let message = refused("x.csv", "title,\"abstract\na,b\n", &resource());
        assert!(message.contains("never closed"), "{message}");
    }

    #[test]
    fn wrong_options_are_told_before_any_row() {
        let table = "Heading,Summary\na,b\n";
        let message = refused("x.csv", table, &options(&["titel=Heading"], &["kind=resource"]));
        assert!(
            message.starts_with(
                "--map names \"titel\" (\"title\" may be meant), which is no field of the kind \
                 resource. The"
            ),
            "{message}"
        );
        let message = refused("x.csv", table, &options(&[], &["kind=resource", "colour=red"]));
        assert!(message.starts_with("--set names \"colour\", which is no field"), "{message}");
        let message = refused("x.csv", table, &options(&[], &["kind=ressource"]));
        assert!(message.starts_with("--set kind: \"ressource\" is no kind"), "{message}");
        let message = refused("x.csv", table, &options(&["title=Headin"], &["kind=resource"]));
        assert_eq!(
            message,
            "x.csv: --map title=Headin names the column \"Headin\", which the header does not \
             have; \"Heading\" may be meant"
        );
    }

    #[test]
    fn with_a_mapping_other_columns_are_left_out_and_the_first_that_is_filled_counts() {
        let table = "Heading,Link,Old \
            link,Note,note\nFractions,,https://example.org/a,x,y\nPoems,https://example.org/b,,,\n";
        let chosen = options(
            &["title=heading", "url=Link", "url=Old link", "abstract={Heading} as we teach it"],
            &["kind=resource", "type=other", "url=https://example.org/"],
        );
        let rows = good("x.csv", table, &chosen);
        assert_eq!(
            rows[0],
            json!({ "kind": "resource", "type": "other", "title": "Fractions",
                    "url": "https://example.org/a", "abstract": "Fractions as we teach it" })
        );
        assert_eq!(rows[1]["url"], "https://example.org/b");
    }

    #[test]
    fn a_bad_row_is_named_and_the_others_go_in() {
        let table = "title,created,third party material,\nA,2026-01-05,no,\nB,5 \
            Jan,no,\nC,,perhaps,\nD,\nE,,,x\n\
                     F,,,,x\nG,31/12/2025,yes,,\n\"H";
        let (taken, bad) = judged("x.csv", table, &resource());
        assert_eq!(taken, [2, 8]);
        let starts = [
            (3, "created: "),
            (4, "column \"third party material\": "),
            (
                5,
                "has 2 cells and the header has 4; put quotation marks around a cell that holds \
                 \",\"",
            ),
            (6, "column 4 has no name in the header"),
            (7, "has 5 cells and the header has 4"),
            (9, "opens a quotation mark that is never closed"),
        ];
        assert_eq!(bad.len(), starts.len(), "{bad:?}");
        for ((row, reason), (number, start)) in bad.iter().zip(starts) {
            assert!(*row == number && reason.starts_with(start), "{row}: {reason}");
        }
        assert!(bad[1].1.contains("\"perhaps\", expected yes or no"), "{}", bad[1].1);
        let mixed = "kind,title,aim\nresource,A,x\nlesson,B,\nresource,C,\n";
        let (taken, bad) = judged("x.csv", mixed, &Options::default());
        assert_eq!(taken, [4]);
        assert!(bad[0].1.contains("no resource has the field aim"), "{bad:?}");
        assert!(bad[1].1.contains("\"lesson\" is no kind of record"), "{bad:?}");
        let (_, bad) = judged("x.csv", table, &options(&["created=created"], &["kind=resource"]));
        assert!(bad[0].1.starts_with("created (from --map created=created): "), "{bad:?}");
    }

    #[test]
    fn a_row_that_is_too_long_is_a_bad_row() {
        let long = "x".repeat(MAX_ROW_BYTES + 1);
        let (taken, bad) = judged("x.csv", format!("title\nA\n{long}\nB\n"), &resource());
        assert_eq!((taken, bad.len(), bad[0].0), (vec![2, 4], 1, 3));
        assert!(bad[0].1.starts_with("has more than 1048576 bytes"), "{bad:?}");
        let lines = format!("{{\"title\":\"A\"}}\n{{\"title\":\"{long}\"}}\n{{\"title\":\"B\"}}");
        let (taken, bad) = judged("x.jsonl", lines, &resource());
        assert_eq!((taken, bad.len()), (vec![1, 3], 1));
    }

    #[test]
    fn each_line_of_jsonl_is_one_object() {
        let lines = "{\"title\": \"A\", \"Key Stages\": [\"KS2\"], \"tags\": \
            null}\r\n\n[1]\n{\"title\": }\n\
                     {\"title\": 1984, \"cost\": 3}\n7\n{\"title\": \"Z\"}";
        let (taken, bad) = judged("x", lines, &resource());
        assert_eq!(taken, [1, 7]);
        assert_eq!(
            bad,
            [
                (
                    3,
                    "is a list; each line must be one object, such as {\"title\": \
                    \"…\"}"
                        .to_owned()
                ),
                (4, "is not valid JSON at column 11: expected value".to_owned()),
                (
                    5,
                    "no resource has the field cost; correct its name, leave it empty in this \
                    row, or say \
                     what fills which field with --map FIELD=COLUMN"
                        .to_owned()
                ),
                (
                    6,
                    "is a number; each line must be one object, such as {\"title\": \
                    \"…\"}"
                        .to_owned()
                ),
            ]
        );
        let (_, bad) = judged("x.jsonl", "{\"Title\": \"A\", \"title\": \"B\"}", &resource());
        assert_eq!(bad, [(1, "has \"title\" twice; keep one of them".to_owned())]);
        let deep = "[".repeat(100_000);
        let (_, bad) = judged("x.jsonl", format!("{{\"title\": {deep}\n"), &resource());
        assert!(bad[0].1.contains("recursion limit"), "{bad:?}");
    }

    #[test]
    fn keys_of_jsonl_fill_fields_and_a_misspelt_one_is_told_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.ndjson");
        let line =
            json!({ "id": "p-1", "meta": { "year": 1968, "by": ["Hay", "Lee"] }, "name": "A B C" });
        std::fs::write(&path, format!("{line}\n")).unwrap();
        let chosen = options(
            &["title=name", "author name=meta.by", "created={meta.year}-01-01", "tags=meta.tag"],
            &["kind=resource", "url=https://example.org/"],
        );
        let mut rows = open(&path, &chosen).unwrap();
        assert_eq!(rows.format(), Format::Jsonl);
        assert_eq!(
            rows.next().unwrap().fields.unwrap(),
            json!({ "kind": "resource", "url": "https://example.org/", "title": "A B C",
                    "author_name": "Hay and Lee", "created": "1968-01-01" })
        );
        assert_eq!(rows.next(), None);
        let unused: Vec<String> = rows.unused_mappings().map(ToString::to_string).collect();
        assert_eq!(unused, ["tags=meta.tag"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_bytes_make_it_panic(
            name in "x\\.(csv|jsonl|json|txt|tsv)",
            start in prop::sample::select(vec![
                "", "title,abstract\n", "title;created\n", "{\"title\": ", "\u{FEFF}title\t\n", "sep=",
            ]),
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            label in prop::option::of(prop::sample::select(vec![
                "utf-8", "windows-1252", "utf-16le", "iso-2022-jp", "gb18030", "shift_jis",
            ])),
        ) {
            let encoding = label.map(|label| encoding_named(label).unwrap());
            let options = Options { encoding, ..resource() };
            let bytes = [start.as_bytes(), &bytes].concat();
            if let Ok((rows, _)) = read(&name, &bytes, &options) {
                prop_assert!(rows.windows(2).all(|pair| pair[0].number < pair[1].number));
                for row in rows {
                    if let Ok(fields) = row.fields {
                        prop_assert!(Authored::from_value(fields).is_ok());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod corpora;

//! What may be in an answer, whatever a stranger wrote: looked at as a browser, a news reader, a spreadsheet or a
//! program would.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::filled::MARK;
use crate::markup::{Element, Markup};

/// The scripts of the pages.
const SCRIPTS: [&str; 3] = ["/suggestions.js", "/draft.js", "/add-files.js"];

/// Elements that no page has.
const NEVER: [&str; 10] =
    ["img", "iframe", "object", "embed", "base", "style", "frame", "applet", "math", "zq"];

/// Attributes in which a browser takes a text for an address.
const ADDRESSES: [&str; 11] = [
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "poster",
    "data",
    "cite",
    "background",
    "ping",
    "srcset",
];

/// What was seen.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) wrong: Vec<String>,
    /// The names of fields of forms that put them behind an address.
    pub(super) names: BTreeSet<String>,
    said: BTreeMap<String, String>,
}

/// An address with its names left out: `/records/one/files/one`.
pub(super) fn sort_of(address: &str) -> String {
    let path = address.split('?').next().unwrap_or_default();
    let is_name =
        |word: &str| word.len() >= 8 && word.bytes().take(8).all(|b| b.is_ascii_hexdigit());
    let words = path.split('/').map(|word| if is_name(word) { "one" } else { word });
    words.collect::<Vec<_>>().join("/")
}

impl Shown {
    /// Looks at an answer, and returns where it leads on this node.
    pub(super) fn take(&mut self, path: &str, answer: Response<Body>) -> Vec<String> {
        let shown = path.get(..200).unwrap_or(path).to_owned();
        let status = answer.status();
        let mut wrong = Vec::new();
        if status.is_server_error() {
            wrong.push(format!("{status}"));
        }
        for (name, value) in answer.headers() {
            let value = value.as_bytes();
            if name.as_str().contains(MARK) || !value.iter().all(|b| (b' '..=b'~').contains(b)) {
                wrong.push(format!("the header {name}: {}", String::from_utf8_lossy(value)));
            }
        }
        let header = |name: &str| -> String {
            let value = answer.headers().get(name);
            value
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default()
        };
        let to = header("location");
        if !to.is_empty() && !is_of_this_node(&to) {
            wrong.push(format!("it leads to {to}"));
        }
        if header("set-cookie").contains(MARK) {
            wrong.push(format!("a cookie: {}", header("set-cookie")));
        }
        let (sort, disposition) = (header("content-type"), header("content-disposition"));
        if header("x-content-type-options") != "nosniff" {
            wrong.push("a browser may guess what it is".to_owned());
        }
        let bytes = answer.into_body().read_to_vec().unwrap();
        let mut leads_to = Vec::new();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match sort.split(';').next().unwrap_or_default() {
            // A file as its school made it, which no browser opens by itself.
            "application/octet-stream" if disposition.starts_with("attachment;") => {}
            "text/html" => {
                let (found, said) = self.page(&text, &mut wrong);
                leads_to = found;
                self.said.insert(path.to_owned(), said);
            }
            "application/json" | "application/ld+json" => {
                match serde_json::from_str::<Value>(&text) {
                    Ok(value) => {
                        self.said.insert(path.to_owned(), value.to_string());
                    }
                    Err(error) => wrong.push(format!("{error} in {text}")),
                }
            }
            "application/atom+xml" => xml(&text, &mut wrong),
            "text/csv" => table(&text, &mut wrong),
            "application/x-research-info-systems" => references(&text, &mut wrong),
            "text/plain" | "text/css" | "text/javascript" | "image/svg+xml" | "" => {}
            other => wrong.push(format!("it is of the sort {other}, at which nobody looked")),
        }
        self.wrong.extend(wrong.into_iter().map(|what| format!("{shown}: {what}")));
        leads_to
    }

    /// What an answer said, without its markup.
    pub(super) fn said(&self, path: &str) -> &str {
        self.said.get(path).unwrap_or_else(|| panic!("{path} was not read"))
    }

    /// A picture by itself.
    pub(super) fn picture(&mut self, what: &str, picture: &str) {
        let mut wrong = Vec::new();
        xml(picture, &mut wrong);
        self.wrong.extend(wrong.into_iter().map(|one| format!("the picture of {what}: {one}")));
    }

    fn page(&mut self, page: &str, wrong: &mut Vec<String>) -> (Vec<String>, String) {
        let Markup { elements, comments, mut text, scripts } = Markup::of(page);
        if comments.iter().any(|one| one.contains(MARK)) {
            wrong.push(format!("a comment of {comments:?}"));
        }
        let mut leads_to = Vec::new();
        for element in &elements {
            self.element(element, wrong, &mut leads_to);
            for value in ["value", "content", "title", "aria-label"] {
                text.push_str(element.value(value).unwrap_or_default());
                text.push('\n');
            }
        }
        for script in scripts.iter().filter(|script| !script.trim().is_empty()) {
            if let Err(error) = serde_json::from_str::<Value>(script) {
                wrong.push(format!("a script that is no data, {error}: {script}"));
            }
        }
        (leads_to, text)
    }

    fn element(&mut self, element: &Element, wrong: &mut Vec<String>, leads_to: &mut Vec<String>) {
        let Element { name, attributes } = element;
        let src = element.value("src");
        let is_own = match name.as_str() {
            "script" => {
                src.is_some_and(|src| SCRIPTS.contains(&src))
                    || src.is_none() && element.value("type") == Some("application/ld+json")
            }
            "meta" => element.value("http-equiv").is_none(),
            "link" => element.value("href").is_some_and(is_of_this_node),
            "form" => element.value("action").is_none_or(is_of_this_node),
            _ => !NEVER.contains(&name.as_str()) && !name.contains(MARK),
        };
        if !is_own || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            wrong.push(format!("the element {element:?}"));
        }
        for (attribute, value) in attributes {
            let is_plain =
                attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:".contains(&b));
            let runs =
                attribute.starts_with("on") || ["style", "srcdoc"].contains(&attribute.as_str());
            if !is_plain || runs || attribute.contains(MARK) {
                wrong.push(format!("the attribute {attribute} of {element:?}"));
            }
            if ADDRESSES.contains(&attribute.as_str()) {
                if is_of_this_node(value) {
                    if attribute == "href" && value.starts_with('/') {
                        leads_to.push(value.split('#').next().unwrap_or_default().to_owned());
                    }
                } else if !(value.starts_with("https://") || value.starts_with("http://"))
                    || value.contains(MARK)
                {
                    wrong.push(format!("the address {value:?} of {element:?}"));
                }
            }
        }
        if ["input", "select"].contains(&name.as_str()) {
            self.names.extend(element.value("name").map(str::to_owned));
        }
    }
}

/// Whether a browser that follows it stays on this node.
fn is_of_this_node(address: &str) -> bool {
    let is_path = address.starts_with('/') && !address.starts_with("//");
    let starts = is_path || address.starts_with('#') || address.starts_with('?');
    starts && address.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b))
}

/// A feed or a picture: well-formed, with the elements that such a one has, and with addresses of the web.
fn xml(text: &str, wrong: &mut Vec<String>) {
    let document = match roxmltree::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return wrong.push(format!("{error} in {text}")),
    };
    const KNOWN: [&str; 24] = [
        "feed",
        "id",
        "title",
        "subtitle",
        "updated",
        "link",
        "author",
        "name",
        "generator",
        "entry",
        "summary",
        "category",
        "svg",
        "desc",
        "g",
        "text",
        "tspan",
        "line",
        "path",
        "rect",
        "circle",
        "polygon",
        "content",
        "rights",
    ];
    for node in document.descendants() {
        if node.is_comment() || node.is_pi() {
            wrong.push(format!("{node:?}"));
        }
        if !node.is_element() {
            continue;
        }
        if !KNOWN.contains(&node.tag_name().name()) {
            wrong.push(format!("the element {}", node.tag_name().name()));
        }
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            let leads_away =
                ["href", "src"].contains(&name) && !value.starts_with("http://127.0.0.1:");
            if name.starts_with("on") || name.contains(MARK) || leads_away {
                wrong.push(format!("the attribute {name}: {value}"));
            }
        }
    }
}

/// A table: as many cells in each row, none of which a spreadsheet works out (RFC 4180).
fn table(text: &str, wrong: &mut Vec<String>) {
    let mut rows = vec![vec![String::new()]];
    let (mut quoted, mut characters) =
        (false, text.trim_start_matches('\u{feff}').chars().peekable());
    while let Some(character) = characters.next() {
        let row = rows.last_mut().unwrap();
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            other => row.last_mut().unwrap().push(other),
        }
    }
    rows.retain(|row| row.len() > 1 || !row[0].is_empty());
    let columns = rows.first().map_or(0, Vec::len);
    for row in rows {
        if row.len() != columns {
            wrong.push(format!("a row of {} and not {columns} cells: {row:?}", row.len()));
        }
        let works_out = |cell: &&String| {
            cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err()
        };
        if let Some(cell) = row.iter().find(works_out) {
            wrong.push(format!("a cell that a spreadsheet works out: {cell:?}"));
        }
    }
}

/// References: each line has its own tag, and begins and ends are the program's own.
fn references(text: &str, wrong: &mut Vec<String>) {
    let mut open = false;
    for line in
        text.split("\r\n").flat_map(|line| line.split(['\r', '\n'])).filter(|line| !line.is_empty())
    {
        let tag = line.get(..6).unwrap_or(line);
        let is_tag = tag.ends_with("  - ") && tag[..2].bytes().all(|b| b.is_ascii_alphanumeric());
        let rest = line.get(6..).unwrap_or_default();
        let in_order = match tag {
            "TY  - " => !std::mem::replace(&mut open, true) && !rest.contains("ZQ"),
            "ER  - " => std::mem::replace(&mut open, false),
            "UR  - " => rest.starts_with("http://") || rest.starts_with("https://"),
            _ => open,
        };
        if !is_tag || !in_order {
            wrong.push(format!("the line {line:?} of {text:?}"));
        }
    }
}

//! A record as people read it: its fields in order, with words in place of codes.

use serde_json::{Map, Value};
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::Record;

/// A field that has something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in words.
    pub label: String,
    /// What it says.
    pub content: Readable,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable {
    /// A text, a number or a date.
    Text(String),
    /// Another record.
    Record(RecordId),
    /// Several of the same sort.
    List(Vec<Readable>),
    /// Fields of its own.
    Fields(Vec<Field>),
}

/// Fields that every page and every listing shows in a place of their own.
const SHOWN_APART: [&str; 6] = ["schema", "title", "abstract", "tags", "files", "based_on"];

/// The fields of a record, those of its kind first, without its title, abstract, tags and files and
/// what it is based on.
pub fn fields(record: &Record) -> Vec<Field> {
    let content = match serde_json::to_value(&record.content) {
        // The kind and, under it, its fields.
        Ok(Value::Object(kind)) => kind.into_iter().next().map(|(_, fields)| fields),
        Ok(_) | Err(_) => None,
    };
    let common = serde_json::to_value(&record.common).ok();
    [content, common].into_iter().flatten().flat_map(read_fields).collect()
}

fn read_fields(value: Value) -> Vec<Field> {
    let Value::Object(fields) = value else { return Vec::new() };
    fields
        .into_iter()
        .filter(|(name, _)| !SHOWN_APART.contains(&name.as_str()))
        .filter_map(|(name, value)| Some(Field { label: label(&name), content: read(value)? }))
        .collect()
}

fn read(value: Value) -> Option<Readable> {
    match value {
        Value::Null => None,
        Value::Bool(yes) => Some(Readable::Text(if yes { "yes" } else { "no" }.into())),
        Value::Number(number) => Some(Readable::Text(number.to_string())),
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(Readable::Text(words(text))),
        Value::Array(items) => {
            let items: Vec<Readable> = items.into_iter().filter_map(read).collect();
            (!items.is_empty()).then_some(Readable::List(items))
        }
        Value::Object(fields) => {
            let record = fields.get("record").and_then(Value::as_str);
            if let Some(id) = record.and_then(|text| text.parse().ok()) {
                return Some(Readable::Record(id));
            }
            if let Some(period) = period(&fields) {
                return Some(Readable::Text(period));
            }
            let fields = read_fields(Value::Object(fields));
            (!fields.is_empty()).then_some(Readable::Fields(fields))
        }
    }
}

/// From one day to another, in words; none for other fields.
fn period(fields: &Map<String, Value>) -> Option<String> {
    let from = fields.get("from")?.as_str()?;
    match fields.get("to") {
        None if fields.len() == 1 => Some(format!("since {from}")),
        Some(Value::String(to)) if fields.len() == 2 => Some(format!("{from} to {to}")),
        Some(_) | None => None,
    }
}

/// `what_is_different` as "What is different".
pub fn label(name: &str) -> String {
    capitalised(&name.replace('_', " "))
}

/// A text with a capital at its beginning.
pub(crate) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// A code such as `very_low` in words; any other text as it is.
pub fn words(text: String) -> String {
    let code = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if code { text.replace('_', " ") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use staffroom_protocol::record::Authored;

    use super::*;

    #[test]
    fn a_period_is_one_line() {
        let read = |value| read(value).unwrap();
        let text = |text: &str| Readable::Text(text.into());
        let both = json!({ "from": "2026-01-05", "to": "2026-03-27" });
        assert_eq!(read(both), text("2026-01-05 to 2026-03-27"));
        assert_eq!(read(json!({ "from": "2026-01-05" })), text("since 2026-01-05"));
        assert!(matches!(read(json!({ "from": "a", "by": "b" })), Readable::Fields(_)));
    }

    #[test]
    fn a_record_is_read_in_words_and_in_order() {
        let id = "00112233445566778899aabbccddeeff";
        let record = Authored::from_value(json!({
            "kind": "intervention",
            "title": "Phonics in the morning",
            "aim": "Pupils read *aloud*.",
            "what_is_different": "Four groups",
            "monitoring": "Every half term",
            "pupil_groups": ["service_children", "SEN"],
            "resources": [id],
            "author_role": "middle_leader",
        }))
        .unwrap()
        .record;
        let fields = fields(&record);
        let labels: Vec<&str> = fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "Aim",
                "What is different",
                "Monitoring",
                "Pupil groups",
                "Resources",
                "State",
                "Author role"
            ]
        );
        let text = |text: &str| Readable::Text(text.into());
        assert_eq!(fields[0].content, text("Pupils read *aloud*."));
        assert_eq!(fields[3].content, Readable::List(vec![text("service children"), text("SEN")]));
        let record = Readable::Record(id.parse().unwrap());
        assert_eq!(fields[4].content, Readable::List(vec![record]));
        assert_eq!(fields[6].content, text("middle leader"));
    }
}

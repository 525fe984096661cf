//! `--map FIELD=COLUMN`: which column or key of a file fills which field of a record.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::path::fold;

/// One field and what fills it.
///
/// Written `FIELD=COLUMN`, or `FIELD=` and a text with columns in braces, such as
/// `url=https://example.org/?id={id}`. In braces, `{id#eric-}` leaves out that beginning where it
/// is there, and `{abstract:1500}` keeps at most 1,500 characters, cut after a whole word and ended
/// with `…`, or as many items of a list. A list inside a text is joined with " and ". Where a column
/// is empty, the field is left empty too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) field: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Column { name: String, without: String, at_most: Option<usize> },
}

/// One field and the value that it has where a row gives it none. Written `FIELD=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub(super) field: String,
    pub(super) value: String,
}

/// Why a text is no mapping or setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// There is no `=`.
    #[error("{0:?} has no \"=\"; write the field, \"=\" and what fills it, such as title=Heading")]
    NoEquals(String),
    /// A side of the `=` is empty.
    #[error("{0:?} needs a field before \"=\" and what fills it after; neither may be empty")]
    Empty(String),
    /// Braces that do not match.
    #[error("{0:?} has a brace that is not closed, or nothing in braces; write {{COLUMN}}")]
    Braces(String),
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let (field, source) = halves(text)?;
        if !source.contains('{') {
            let name = source.to_owned();
            let column = Part::Column { name, without: String::new(), at_most: None };
            return Ok(Self { field, parts: vec![column] });
        }
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, after) =
                after.split_once('}').ok_or_else(|| MappingError::Braces(text.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(column(inside).ok_or_else(|| MappingError::Braces(text.to_owned()))?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { field, parts })
    }
}

impl FromStr for Setting {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let (field, value) = halves(text)?;
        Ok(Self { field, value: value.to_owned() })
    }
}

fn halves(text: &str) -> Result<(String, &str), MappingError> {
    let (field, source) =
        text.split_once('=').ok_or_else(|| MappingError::NoEquals(text.to_owned()))?;
    let (field, source) = (fold(field), source.trim());
    if field.is_empty() || source.is_empty() {
        return Err(MappingError::Empty(text.to_owned()));
    }
    Ok((field, source))
}

/// `NAME`, `NAME#BEGINNING`, `NAME:NUMBER` or `NAME#BEGINNING:NUMBER`.
fn column(inside: &str) -> Option<Part> {
    let (rest, at_most) = match inside.rsplit_once(':') {
        Some((rest, digits)) if digits.parse::<usize>().is_ok() => (rest, digits.parse().ok()),
        Some(_) | None => (inside, None),
    };
    let (name, without) = rest.split_once('#').unwrap_or((rest, ""));
    let name = name.trim().to_owned();
    let usable = !name.is_empty() && at_most != Some(0);
    usable.then(|| Part::Column { name, without: without.to_owned(), at_most })
}

impl Mapping {
    /// The columns that it reads.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Column { name, .. } => Some(name.as_str()),
        })
    }

    /// The value for the field; none where a column is empty.
    pub(super) fn fill<'a>(
        &self,
        lookup: impl Fn(&str) -> Option<&'a Value>,
    ) -> Result<Option<Value>, String> {
        if let [Part::Column { name, without, at_most }] = self.parts.as_slice() {
            let value = lookup(name).filter(|value| !is_empty(value));
            return Ok(value.map(|value| shorten(strip(value, without), *at_most)));
        }
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Column { name, without, at_most } => {
                    let Some(value) = lookup(name).filter(|value| !is_empty(value)) else {
                        return Ok(None);
                    };
                    let value = shorten(strip(value, without), *at_most);
                    let text = plain(&value).ok_or_else(|| {
                        format!(
                            "{name} holds named values, which cannot be put into a text; \
                            name one of them, such as {name}.NAME"
                        )
                    })?;
                    filled.push_str(&text);
                }
            }
        }
        Ok(Some(Value::String(filled)))
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.field)?;
        if let [Part::Column { name, without, at_most: None }] = self.parts.as_slice()
            && without.is_empty()
        {
            return f.write_str(name);
        }
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Column { name, without, at_most } => {
                    write!(f, "{{{name}")?;
                    if !without.is_empty() {
                        write!(f, "#{without}")?;
                    }
                    if let Some(count) = at_most {
                        write!(f, ":{count}")?;
                    }
                    f.write_str("}")?;
                }
            }
        }
        Ok(())
    }
}

/// The value of a key; `a.b` also names the key `b` of the map `a`.
pub(super) fn nested<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        nested(object.get(first)?.as_object()?, rest)
    })
}

/// Whether a value says nothing: an empty cell, a null, a list of neither.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// A value as text; a list with " and " between its items. None where it holds named values.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Array(items) => {
            let texts: Option<Vec<_>> =
                items.iter().filter(|item| !is_empty(item)).map(plain).collect();
            Some(texts?.join(" and "))
        }
        Value::Object(_) => None,
    }
}

fn strip(value: &Value, beginning: &str) -> Value {
    match value {
        Value::String(text) => {
            let text = text.trim();
            text.strip_prefix(beginning).unwrap_or(text).into()
        }
        Value::Array(items) => items.iter().map(|item| strip(item, beginning)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.clone(),
    }
}

fn shorten(value: Value, at_most: Option<usize>) -> Value {
    let Some(count) = at_most else { return value };
    match value {
        Value::Array(items) => items.into_iter().take(count).collect(),
        Value::String(text) => {
            let Some((end, _)) = text.char_indices().nth(count - 1) else {
                return text.into();
            };
            if text[end..].chars().nth(1).is_none() {
                return text.into();
            }
            let kept = &text[..end];
            let whole = kept.rfind(char::is_whitespace).map_or(kept, |space| &kept[..space]);
            format!("{}…", whole.trim_end()).into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill(mapping: &str, row: &Value) -> Option<Value> {
        let mapping: Mapping = mapping.parse().unwrap();
        mapping.fill(|name| nested(row.as_object().unwrap(), name)).unwrap()
    }

    #[test]
    fn a_column_fills_a_field_as_it_is() {
        let row = json!({ "Heading": "Fractions", "by": ["A", "B"], "no": null, "year": 1968 });
        assert_eq!(fill("Title = Heading", &row), Some(json!("Fractions")));
        assert_eq!(fill("tags=by", &row), Some(json!(["A", "B"])));
        assert_eq!(fill("tags=no", &row), None);
        assert_eq!(fill("tags=other", &row), None);
        assert_eq!(fill("n=year", &row), Some(json!(1968)));
        let mapping: Mapping = "Cost Band=x".parse().unwrap();
        assert_eq!(
            (mapping.field.as_str(), mapping.to_string().as_str()),
            ("cost_band", "cost_band=x")
        );
    }

    #[test]
    fn a_nested_key_is_written_with_a_dot() {
        let row = json!({ "a": { "b": { "c": 1 } }, "d.e": 2 });
        assert_eq!(fill("x=a.b.c", &row), Some(json!(1)));
        assert_eq!(fill("x=d.e", &row), Some(json!(2)));
        assert_eq!(fill("x=a.z", &row), None);
        let mapping: Mapping = "x=see {a}".parse().unwrap();
        let error = mapping.fill(|name| nested(row.as_object().unwrap(), name)).unwrap_err();
        assert!(error.contains("a.NAME"), "{error}");
    }

    #[test]
    fn a_text_takes_columns_in_braces_and_is_absent_where_one_is_empty() {
        let row =
            json!({ "id": "eric-ED1", "year": 1968, "by": ["Hay, A.", "Lee, B."], "none": [] });
        assert_eq!(fill("created={year}-01-01", &row), Some(json!("1968-01-01")));
        assert_eq!(fill("url=https://x/?id={id#eric-}", &row), Some(json!("https://x/?id=ED1")));
        assert_eq!(fill("x={id#doi-}", &row), Some(json!("eric-ED1")));
        assert_eq!(fill("x={by} ({year})", &row), Some(json!("Hay, A. and Lee, B. (1968)")));
        assert_eq!(fill("x={none} ({year})", &row), None);
        assert_eq!(
            "x={by} ({id#eric-:3})".parse::<Mapping>().unwrap().to_string(),
            "x={by} ({id#eric-:3})"
        );
    }

    #[test]
    fn a_text_is_cut_after_a_word_and_a_list_after_an_item() {
        let row = json!({ "t": "one two three", "l": ["a", "b", "c"], "w": "ééééé", "n": 5 });
        assert_eq!(fill("x={t:13}", &row), Some(json!("one two three")));
        assert_eq!(fill("x={t:12}", &row), Some(json!("one two…")));
        assert_eq!(fill("x={w:3}", &row), Some(json!("éé…")));
        assert_eq!(fill("x={w:1}", &row), Some(json!("…")));
        assert_eq!(fill("x={l:2}", &row), Some(json!(["a", "b"])));
        assert_eq!(fill("x={n:1}", &row), Some(json!(5)));
    }

    #[test]
    fn what_is_no_mapping_says_how_to_write_one() {
        for wrong in ["title", "=x", "title=", "x={a", "x={}", "x={a:0}"] {
            let error = wrong.parse::<Mapping>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{wrong:?} ")), "{error}");
        }
        assert_eq!(
            "x={a".parse::<Mapping>().unwrap_err().to_string(),
            "\"x={a\" has a brace that is not closed, or nothing in braces; write {COLUMN}"
        );
        let setting: Setting = "Type= lesson plan ".parse().unwrap();
        assert_eq!((setting.field.as_str(), setting.value.as_str()), ("type", "lesson plan"));
    }
}

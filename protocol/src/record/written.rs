//! Fields as people write them: a list as one text, a number with a pound sign, yes for true.
//!
//! All of it reads CBOR too. Nothing is buffered, because a buffered value forgets whether it came
//! from text or from bytes, and ids are written differently in each.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Period, Reference};

/// What a person may write as plain text where data has a map.
pub(super) trait FromText: DeserializeOwned {
    /// What to expect, for messages: `a date or a map`.
    const EXPECTED: &'static str;

    fn from_text(text: &str) -> Result<Self, String>;
}

/// Reads a list of short terms, or one text with commas (or semicolons or lines) between them.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(TextsVisitor { separate_at_commas: true })
}

/// Reads a list of sentences, or one text with a sentence a line or semicolons between them.
pub(super) fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(TextsVisitor { separate_at_commas: false })
}

/// Reads one text, which may be written as a whole number.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Item::deserialize(deserializer).map(|Item(text)| text)
}

/// Reads a list of ids of records, or one text with commas between them.
pub(super) fn references<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Reference>, D::Error> {
    deserializer.deserialize_any(ReferencesVisitor)
}

/// Reads a text or a map.
pub(super) fn text_or_map<'de, T: FromText, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(TextOrMapVisitor(PhantomData))
}

/// Reads a list of texts and maps, or one text with one of them a line.
pub(super) fn texts_or_maps<'de, T: FromText, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(TextsOrMapsVisitor(PhantomData))
}

/// Reads a number, also as text: `1,200`, `£80`, `85 %`.
pub(super) fn number<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(NumberVisitor(PhantomData))
}

/// Reads yes or no.
pub(super) fn yes_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserializer.deserialize_any(YesNoVisitor)
}

fn split(text: &str, at_commas: bool) -> impl Iterator<Item = String> {
    let separators: &[char] = if text.contains(['\n', ';']) {
        &['\n', ';']
    } else if at_commas {
        &[',']
    } else {
        &[]
    };
    text.split(separators)
        .map(|item| item.trim().trim_start_matches("- ").trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect::<Vec<_>>()
        .into_iter()
}

struct TextsVisitor {
    separate_at_commas: bool,
}

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.separate_at_commas {
            "a list, or a text with commas between its items"
        } else {
            "a list, or a text with an item a line"
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(split(text, self.separate_at_commas).collect())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(vec![number.to_string()])
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(Item(text)) = items.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

/// One text of a list; a year group may be written as a number.
struct Item(String);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;

        impl Visitor<'_> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item(text.trim().to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Item, E> {
                Ok(Item(number.to_string()))
            }
        }

        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ReferencesVisitor;

impl<'de> Visitor<'de> for ReferencesVisitor {
    type Value = Vec<Reference>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of ids of records (32 hexadecimal characters each)")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        split(text, true)
            .map(|id| {
                let record = id.parse().map_err(E::custom)?;
                Ok(Reference { record, school: None, version: None })
            })
            .collect()
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items))
    }
}

struct TextOrMapVisitor<T>(PhantomData<T>);

impl<'de, T: FromText> Visitor<'de> for TextOrMapVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text.trim() {
            "" => Ok(None),
            text => T::from_text(text).map(Some).map_err(E::custom),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Some)
    }
}

struct TextsOrMapsVisitor<T>(PhantomData<T>);

impl<'de, T: FromText> Visitor<'de> for TextsOrMapsVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list, each item {}", T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        split(text, false).map(|item| T::from_text(&item).map_err(E::custom)).collect()
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(|one| vec![one])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(TextOrMap(item)) = items.next_element()? {
            all.extend(item);
        }
        Ok(all)
    }
}

struct TextOrMap<T>(Option<T>);

impl<'de, T: FromText> Deserialize<'de> for TextOrMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(deserializer).map(Self)
    }
}

/// A sort of number that a field may have.
pub(super) trait Number: FromStr {
    const EXPECTED: &'static str;
    fn from_whole(whole: u64) -> Option<Self>;
    fn from_float(float: f64) -> Option<Self>;
}

impl Number for u32 {
    const EXPECTED: &'static str = "a whole number from 0";

    fn from_whole(whole: u64) -> Option<Self> {
        whole.try_into().ok()
    }

    fn from_float(_: f64) -> Option<Self> {
        None
    }
}

impl Number for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_whole(whole: u64) -> Option<Self> {
        u32::try_from(whole).ok().map(Self::from)
    }

    fn from_float(float: f64) -> Option<Self> {
        Some(float)
    }
}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: Number> Visitor<'_> for NumberVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_u64<E: Error>(self, whole: u64) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(serde::de::Unexpected::Unsigned(whole), &T::EXPECTED);
        T::from_whole(whole).map(Some).ok_or_else(wrong)
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(serde::de::Unexpected::Signed(whole), &T::EXPECTED);
        let float = i32::try_from(whole).map(f64::from).map_err(|_| wrong())?;
        T::from_float(float).map(Some).ok_or_else(wrong)
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(serde::de::Unexpected::Float(float), &T::EXPECTED);
        T::from_float(float).map(Some).ok_or_else(wrong)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let bare = text.trim().trim_start_matches('£').trim_end_matches('%').trim();
        if bare.is_empty() {
            return Ok(None);
        }
        let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &T::EXPECTED);
        without_thousands(bare).and_then(|digits| digits.parse().ok()).map(Some).ok_or_else(wrong)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// `1,200` as `1200`. A comma anywhere else is a decimal comma or a slip, and no guess is made.
fn without_thousands(text: &str) -> Option<String> {
    let whole = text.split('.').next().unwrap_or_default();
    let well_placed = whole.split(',').skip(1).all(|group| group.len() == 3)
        && !text[whole.len()..].contains(',');
    well_placed.then(|| text.replace(',', ""))
}

struct YesNoVisitor;

impl Visitor<'_> for YesNoVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("yes or no")
    }

    fn visit_bool<E: Error>(self, answer: bool) -> Result<bool, E> {
        Ok(answer)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match text.trim().to_lowercase().as_str() {
            "yes" | "true" | "y" => Ok(true),
            "no" | "false" | "n" | "" => Ok(false),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }
}

impl FromText for Period {
    const EXPECTED: &'static str = "from and to, such as \"2026-01-05 to 2026-03-27\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let (from, to) = match text.split_once(" to ") {
            Some((from, to)) => (from, Some(to)),
            None => (text, None),
        };
        let date = |text: &str| {
            text.trim().parse().map_err(|_| {
                format!("{text:?} is no date; write it as 2026-01-05, a period as \"2026-01-05 to 2026-03-27\"")
            })
        };
        Ok(Self { from: date(from)?, to: to.map(date).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;
    use crate::hash::{RecordId, SchoolId};
    use crate::wire;

    #[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Form {
        #[serde(deserialize_with = "list")]
        years: Vec<String>,
        #[serde(deserialize_with = "lines")]
        elements: Vec<String>,
        #[serde(deserialize_with = "references")]
        based_on: Vec<Reference>,
        #[serde(deserialize_with = "text_or_map")]
        period: Option<Period>,
        #[serde(deserialize_with = "texts_or_maps")]
        periods: Vec<Period>,
        #[serde(deserialize_with = "number")]
        pupils: Option<u32>,
        #[serde(deserialize_with = "number")]
        cost: Option<f64>,
        #[serde(deserialize_with = "yes_no")]
        agreed: bool,
    }

    fn read(value: serde_json::Value) -> Result<Form, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_may_be_one_text() {
        let form =
            read(json!({ "years": "year 3, year 4,,", "elements": "Daily, for ten minutes" }));
        let form = form.unwrap();
        assert_eq!(form.years, ["year 3", "year 4"]);
        assert_eq!(form.elements, ["Daily, for ten minutes"]);
        let form =
            read(json!({ "years": [3, "year 4"], "elements": "- Daily, always\n- In pairs" }));
        let form = form.unwrap();
        assert_eq!(form.years, ["3", "year 4"]);
        assert_eq!(form.elements, ["Daily, always", "In pairs"]);
        assert_eq!(read(json!({ "years": 5 })).unwrap().years, ["5"]);
        assert!(read(json!({ "years": { "a": 1 } })).unwrap_err().contains("commas between"));
    }

    #[test]
    fn numbers_may_be_written_as_on_an_invoice() {
        let form = read(json!({ "pupils": "1,200", "cost": "£1,080.50" })).unwrap();
        assert_eq!((form.pupils, form.cost), (Some(1200), Some(1080.5)));
        let form = read(json!({ "pupils": "", "cost": -3 })).unwrap();
        assert_eq!((form.pupils, form.cost), (None, Some(-3.0)));
        assert!(read(json!({ "cost": "12,5" })).unwrap_err().contains("expected a number"));
        assert!(read(json!({ "pupils": 2.5 })).unwrap_err().contains("whole number"));
        assert!(read(json!({ "pupils": -2 })).unwrap_err().contains("whole number"));
    }

    #[test]
    fn a_period_may_be_one_text() {
        let written =
            read(json!({ "period": "2026-01-05 to 2026-03-27", "periods": "2026-01-05" }));
        let written = written.unwrap();
        assert_eq!(written.period.unwrap().to, Some(jiff::civil::date(2026, 3, 27)));
        assert_eq!(written.periods[0], Period { from: jiff::civil::date(2026, 1, 5), to: None });
        assert!(read(json!({ "period": "spring term" })).unwrap_err().contains("write it as"));
    }

    #[test]
    fn yes_is_true() {
        assert!(read(json!({ "agreed": "Yes" })).unwrap().agreed);
        assert!(!read(json!({ "agreed": "no" })).unwrap().agreed);
        assert!(read(json!({ "agreed": "perhaps" })).unwrap_err().contains("yes or no"));
    }

    #[test]
    fn everything_reads_its_own_bytes_and_json() {
        let form = Form {
            years: vec!["year 3".into()],
            elements: vec!["Daily".into(), "In pairs".into()],
            based_on: vec![Reference {
                record: RecordId::from_bytes([7; 16]),
                school: Some(SchoolId::from_bytes([9; 32])),
                version: None,
            }],
            period: Some(Period { from: jiff::civil::date(2026, 1, 5), to: None }),
            periods: vec![Period { from: jiff::civil::date(2026, 1, 5), to: None }],
            pupils: Some(40),
            cost: Some(0.1),
            agreed: true,
        };
        assert_eq!(wire::decode(&wire::encode(&form), 1_000), Ok(form));
        let empty = Form::default();
        assert_eq!(wire::decode(&wire::encode(&empty), 1_000).as_ref(), Ok(&empty));
        assert_eq!(read(serde_json::to_value(&empty).unwrap()), Ok(empty));
    }
}

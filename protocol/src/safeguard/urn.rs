//! Unique reference numbers, by which England's register of schools knows a school.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::description::described;

const LEAST: u32 = 100_000;
const MOST: u32 = 999_999;

/// The unique reference number of a school: six digits, the first not 0. It identifies no pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urn(u32);

/// A text or number that is no unique reference number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a school's URN has six digits, the first not 0, but found {found:?}; look it up at \
     get-information-schools.service.gov.uk"
)]
pub struct ParseUrnError {
    found: String,
}

impl Urn {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u64> for Urn {
    type Error = ParseUrnError;

    fn try_from(number: u64) -> Result<Self, ParseUrnError> {
        match u32::try_from(number) {
            Ok(small @ LEAST..=MOST) => Ok(Self(small)),
            Ok(_) | Err(_) => Err(ParseUrnError { found: number.to_string() }),
        }
    }
}

impl FromStr for Urn {
    type Err = ParseUrnError;

    /// Accepts spaces around the digits, as they come with copied text.
    fn from_str(text: &str) -> Result<Self, ParseUrnError> {
        let digits = text.trim();
        let wrong = || ParseUrnError { found: digits.chars().take(20).collect() };
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        Self::try_from(number).map_err(|_| wrong())
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

described!(Urn, pattern("^[1-9][0-9]{5}$", "A school's unique reference number: six digits."));

impl Serialize for Urn {
    /// A text for people, since it is a name and not a quantity; a number on the wire.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Urn {
    /// People may write it with or without quotes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextOrNumber)
        } else {
            u32::deserialize(deserializer)
                .and_then(|number| Self::try_from(u64::from(number)).map_err(de::Error::custom))
        }
    }
}

struct TextOrNumber;

impl Visitor<'_> for TextOrNumber {
    type Value = Urn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a school's URN of six digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Urn, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Urn, E> {
        Urn::try_from(number).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Urn, E> {
        u64::try_from(number)
            .map_err(|_| ParseUrnError { found: number.to_string() })
            .and_then(Urn::try_from)
            .map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn six_digits_are_read_and_printed() {
        for text in ["100000", "142937", " 999999\n"] {
            let urn: Urn = text.parse().unwrap();
            assert_eq!(urn.to_string(), text.trim());
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_rule() {
        for text in ["", "12345", "1234567", "012345", "12 345", "+12345", "１２３４５６", "abcdef"]
        {
            assert!(text.parse::<Urn>().is_err(), "{text}");
        }
        let error = "012345".parse::<Urn>().unwrap_err().to_string();
        assert!(error.contains("six digits, the first not 0") && error.contains("\"012345\""));
    }

    #[test]
    fn travels_as_text_or_number() {
        let urn: Urn = "142937".parse().unwrap();
        assert_eq!(serde_json::to_string(&urn).unwrap(), "\"142937\"");
        assert_eq!(wire::decode::<Urn>(&wire::encode(&urn), 16), Ok(urn));
        assert!(wire::decode::<Urn>(&wire::encode(&42_u32), 16).is_err());
        for json in ["\"142937\"", "142937"] {
            assert_eq!(serde_json::from_str::<Urn>(json).unwrap(), urn);
        }
        for json in ["99999", "-142937", "1000000", "true"] {
            assert!(serde_json::from_str::<Urn>(json).is_err(), "{json}");
        }
    }
}

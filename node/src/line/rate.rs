//! How much may pass in a second.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The least ceiling: with less, one full text (256 KiB) would take longer than half a minute, and
/// the node that asked for it would give up.
const LEAST_KILOBITS: u64 = 64;

/// The greatest; no school has a line near it.
const GREATEST_KILOBITS: u64 = 100_000_000;

/// How it is written that there is no ceiling.
const NONE: &str = "none";

/// The units that a rate may be written in, in kilobits a second.
const UNITS: [(&str, u64); 3] = [("kbit/s", 1), ("Mbit/s", 1_000), ("Gbit/s", 1_000_000)];

/// The most that may pass in a second in one direction; none where there is no ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ceiling(pub Option<Rate>);

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rate) => rate.fmt(f),
            None => f.write_str(NONE),
        }
    }
}

impl FromStr for Ceiling {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            return Ok(Self(None));
        }
        text.trim().parse().map(|rate| Self(Some(rate)))
    }
}

impl TryFrom<String> for Ceiling {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Ceiling> for String {
    fn from(ceiling: Ceiling) -> Self {
        ceiling.to_string()
    }
}

/// A rate in kilobits (1,000 bits) a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// The rate in bytes a second.
    pub fn bytes_a_second(self) -> f64 {
        self.0 as f64 * 125.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |unit: &&(&str, u64)| self.0 >= unit.1;
        let (name, factor) = UNITS.iter().rev().find(fits).copied().unwrap_or(UNITS[0]);
        write!(f, "{} {name}", self.0 as f64 / factor as f64)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let not_a_rate = || RateError::NotARate(text.to_owned());
        let unit = UNITS.iter().find_map(|(name, factor)| {
            let start = text.len().checked_sub(name.len())?;
            let (number, end) = text.split_at_checked(start)?;
            end.eq_ignore_ascii_case(name).then_some((number, *factor))
        });
        let (number, factor) = unit.ok_or_else(not_a_rate)?;
        let number: f64 = number.trim().parse().map_err(|_| not_a_rate())?;
        if !number.is_finite() || number < 0.0 {
            return Err(not_a_rate());
        }
        let kilobits = (number * factor as f64).round();
        if kilobits < LEAST_KILOBITS as f64 {
            return Err(RateError::TooSmall(text.to_owned()));
        }
        if kilobits > GREATEST_KILOBITS as f64 {
            return Err(RateError::TooGreat(text.to_owned()));
        }
        Ok(Self(kilobits as u64))
    }
}

/// Why something is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// It is not a number with a unit.
    #[error(
        "{0:?} is not a rate; write a number with kbit/s or Mbit/s, as in \"2 Mbit/s\", or none for no ceiling"
    )]
    NotARate(String),
    /// Nothing could be fetched under it.
    #[error("{0} is too little; the least is {LEAST_KILOBITS} kbit/s")]
    TooSmall(String),
    /// It is no ceiling for any line.
    #[error("{0} is more than any line has; for no ceiling, write none")]
    TooGreat(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_people_write_it() {
        for (text, bytes, shown) in [
            ("2 Mbit/s", 250_000.0, "2 Mbit/s"),
            ("256kbit/s", 32_000.0, "256 kbit/s"),
            ("1.5 mbit/s", 187_500.0, "1.5 Mbit/s"),
            ("0.5 Mbit/s", 62_500.0, "500 kbit/s"),
            ("1 Gbit/s", 125_000_000.0, "1 Gbit/s"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.bytes_a_second(), rate.to_string().as_str()), (bytes, shown));
            assert_eq!(rate.to_string().parse(), Ok(rate));
        }
    }

    #[test]
    fn a_ceiling_may_be_none() {
        assert_eq!("None".parse(), Ok(Ceiling(None)));
        let ceiling: Ceiling = serde_json::from_str("\" 2 Mbit/s\"").unwrap();
        assert_eq!(serde_json::to_string(&ceiling).unwrap(), "\"2 Mbit/s\"");
        assert_eq!(serde_json::to_string(&Ceiling(None)).unwrap(), "\"none\"");
        assert!("nothing".parse::<Ceiling>().is_err());
    }

    #[test]
    fn what_is_no_rate_is_named_with_the_rule() {
        for (text, said) in [
            ("2", "\"2\" is not a rate"),
            ("2 MB/s", "\"2 MB/s\" is not a rate"),
            ("fast Mbit/s", "\"fast Mbit/s\" is not a rate"),
            ("-2 Mbit/s", "\"-2 Mbit/s\" is not a rate"),
            ("inf Mbit/s", "\"inf Mbit/s\" is not a rate"),
            ("é", "\"é\" is not a rate"),
            ("10 kbit/s", "10 kbit/s is too little; the least is 64 kbit/s"),
            ("500 Gbit/s", "500 Gbit/s is more than any line has"),
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

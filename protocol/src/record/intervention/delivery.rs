//! How an intervention is delivered: all the time, or in sessions.

use serde::de::Deserializer;
use serde::{Deserialize, Serialize, Serializer};

use crate::description::described;
use crate::record::Problems;
use crate::record::term::fold;
use crate::record::written::{self, FromText};

/// How an intervention is delivered.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// Part of every lesson or of the school day; written as `continuous`.
    Continuous,
    /// In sessions of their own.
    Sessions(Sessions),
}

/// A format of sessions. The group size is that of the format and counts no real pupils.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Sessions {
    /// The role of whoever delivers it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// Pupils in a group, 1–60.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub group_size: Option<u32>,
    /// Minutes of a session, 5–300.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub minutes: Option<u32>,
    /// Sessions a week; 0.5 for one a fortnight.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub sessions_per_week: Option<f64>,
    /// Weeks from the first session to the last, 1–80.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub weeks: Option<u32>,
}

impl Delivery {
    pub(super) fn validate(&self, problems: &mut Problems) {
        match self {
            Self::Continuous => {}
            Self::Sessions(sessions) => sessions.validate(problems),
        }
    }
}

impl Sessions {
    fn validate(&self, problems: &mut Problems) {
        problems.short_text("delivery.who", &self.who);
        for (field, value, least, most) in [
            ("delivery.group_size", self.group_size, 1, 60),
            ("delivery.minutes", self.minutes, 5, 300),
            ("delivery.weeks", self.weeks, 1, 80),
        ] {
            if let Some(value) = value {
                problems.range(field, value, least, most);
            }
        }
        if let Some(sessions) = self.sessions_per_week {
            problems.range("delivery.sessions_per_week", sessions, 0.1, 50.0);
        }
    }
}

described!(Delivery, word_or("continuous", Sessions::schema()));

impl Serialize for Delivery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Continuous => serializer.serialize_str("continuous"),
            Self::Sessions(sessions) => sessions.serialize(serializer),
        }
    }
}

pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Delivery>, D::Error> {
    written::text_or_map(deserializer)
}

impl<'de> Deserialize<'de> for Delivery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Sessions::deserialize(deserializer).map(Self::Sessions)
    }
}

impl FromText for Delivery {
    const EXPECTED: &'static str =
        "continuous, or who, group_size, minutes, sessions_per_week and weeks";

    fn from_text(text: &str) -> Result<Self, String> {
        match fold(text).as_str() {
            "continuous" => Ok(Self::Continuous),
            _ => Err(format!("{text:?} is no delivery; write {}", Self::EXPECTED)),
        }
    }
}

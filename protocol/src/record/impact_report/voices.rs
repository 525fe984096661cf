//! What people did and said: attendance at sessions, attitudes, feedback, fidelity, evaluators.

use serde::{Deserialize, Serialize};

use crate::record::written::{self, FromText};

/// How far pupils took part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Engagement {
    /// Pupils it is about; without it, those of the intervention group.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub n: Option<u32>,
    /// The share of sessions that pupils attended, in per cent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub sessions_attended_percent: Option<f64>,
    /// What pupils thought or felt, on a scale.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attitudes: Vec<Attitude>,
}

/// An attitude that was asked about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attitude {
    /// The statement or question.
    pub statement: String,
    /// Pupils who answered.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub n: Option<u32>,
    /// The scale: "1 never to 5 always".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scale: String,
    /// The mean before, on that scale.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub mean_before: Option<f64>,
    /// The mean after, on that scale.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub mean_after: Option<f64>,
    /// The answers in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
}

/// What three groups of people said; none means that nothing was said about asking them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Feedback {
    /// Staff.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub staff: Option<Voice>,
    /// Pupils.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub pupils: Option<Voice>,
    /// Parents and carers.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub parents: Option<Voice>,
}

/// Feedback of one group of people; written as "not collected", as text, or as a map.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Voice {
    /// How many gave it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub n: Option<u32>,
    /// What they said; "not collected" where nobody was asked.
    pub summary: String,
}

impl FromText for Voice {
    const EXPECTED: &'static str = "\"not collected\", a text, or n and summary";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { n: None, summary: text.to_owned() })
    }
}

/// How far it was delivered as planned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fidelity {
    /// The share that was delivered as planned, in per cent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub delivered_as_planned_percent: Option<f64>,
    /// What changed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub what_changed: String,
}

/// An adjusted estimate by an outside evaluator, in standard deviations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluatorEstimate {
    /// Who evaluated.
    pub evaluator: String,
    /// The effect.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub effect: Option<f64>,
    /// Lower end of its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub lower: Option<f64>,
    /// Upper end of its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub upper: Option<f64>,
    /// What it was adjusted for, and how.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Where the evaluation can be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

//! What people did and said: attendance at sessions, attitudes, feedback, fidelity, evaluators.

use serde::{Deserialize, Serialize};

use super::Arms;
use crate::limits::MAX_SHORT_TEXT_CHARS;
use crate::record::small_group::{COUNT_FLOOR, GROUP_FLOOR, may_share_percentage};
use crate::record::written::{self, FromText};
use crate::record::{Problems, address};

/// How far pupils took part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Voice {
    /// How many gave it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub n: Option<u32>,
    /// Fewer than 10 gave it; how many stays in the school.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fewer_than_10: bool,
    /// What they said; "not collected" where nobody was asked.
    pub summary: String,
}

impl FromText for Voice {
    const EXPECTED: &'static str = "\"not collected\", a text, or n and summary";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { summary: text.to_owned(), ..Self::default() })
    }
}

/// How far it was delivered as planned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// The answer where nobody was asked.
const NOT_COLLECTED: &str = "not collected";

const STAYS: &str = "stays in the school, because fewer than 10 pupils stand behind it (20 where it \
                     is 0 or 100 %) or their number is not given in n; say it in words";

impl Engagement {
    pub(super) fn validate(&self, arms: Option<&Arms>, problems: &mut Problems) {
        if let Some(percent) = self.sessions_attended_percent {
            const FIELD: &str = "engagement.sessions_attended_percent";
            problems.range(FIELD, percent, 0.0, 100.0);
            if !may_share_percentage(percent, self.pupils(arms)) {
                problems.warn(FIELD, percent, STAYS);
            }
        }
        problems.list_length("engagement.attitudes", self.attitudes.len(), 20);
        for (index, attitude) in self.attitudes.iter().enumerate() {
            attitude.validate(&format!("engagement.attitudes[{index}]"), problems);
        }
    }

    fn pupils(&self, arms: Option<&Arms>) -> Option<u32> {
        self.n.or_else(|| arms.and_then(|arms| arms.intervention.n))
    }

    /// Whether it holds a number about pupils.
    pub(super) fn has_figures(&self) -> bool {
        self.sessions_attended_percent.is_some()
            || self
                .attitudes
                .iter()
                .any(|attitude| attitude.mean_before.is_some() || attitude.mean_after.is_some())
    }

    pub(super) fn redact(&mut self, arms: Option<&Arms>) {
        let pupils = self.pupils(arms);
        self.sessions_attended_percent =
            self.sessions_attended_percent.filter(|percent| may_share_percentage(*percent, pupils));
        if self.sessions_attended_percent.is_some() {
            // The arms may be redacted away, and a second redaction must find the number again.
            self.n = pupils;
        }
        self.n = coarse(self.n);
        for attitude in &mut self.attitudes {
            attitude.redact();
        }
    }
}

impl Attitude {
    fn is_small(&self) -> bool {
        self.n.is_none_or(|n| n < GROUP_FLOOR)
    }

    fn validate(&self, field: &str, problems: &mut Problems) {
        let place = |name: &str| format!("{field}.{name}");
        problems.text_length(&place("statement"), &self.statement, 1, 1_000);
        problems.text_length(&place("summary"), &self.summary, 0, 2_000);
        problems.short_text(&place("scale"), &self.scale);
        let has_mean = self.mean_before.is_some() || self.mean_after.is_some();
        if has_mean && self.scale.trim().is_empty() {
            problems.refuse(
                &place("scale"),
                "",
                "is needed beside a mean; say what it runs from and to, such as \"1 never to 5 always\"",
            );
        }
        for (name, mean) in [("mean_before", self.mean_before), ("mean_after", self.mean_after)] {
            let Some(mean) = mean else { continue };
            problems.range(&place(name), mean, -1_000.0, 1_000.0);
            if self.is_small() {
                problems.warn(&place(name), mean, STAYS);
            }
        }
    }

    fn redact(&mut self) {
        if self.is_small() {
            (self.n, self.mean_before, self.mean_after) = (None, None, None);
        }
        self.n = coarse(self.n);
        self.mean_before = self.mean_before.map(to_one_decimal);
        self.mean_after = self.mean_after.map(to_one_decimal);
    }
}

/// A number of pupils as shared: to the 5 below, so that beside the number in an arm it gives no
/// small count away, and none under 10.
fn coarse(n: Option<u32>) -> Option<u32> {
    n.map(|n| n - n % COUNT_FLOOR).filter(|n| *n >= GROUP_FLOOR)
}

fn to_one_decimal(mean: f64) -> f64 {
    (mean * 10.0).round() / 10.0
}

impl Feedback {
    pub(super) fn validate(&self, problems: &mut Problems) {
        for (field, voice) in [
            ("feedback.staff", &self.staff),
            ("feedback.pupils", &self.pupils),
            ("feedback.parents", &self.parents),
        ] {
            if let Some(voice) = voice {
                voice.validate(field, problems);
            }
        }
    }

    /// The number of staff says nothing about pupils; those of pupils and parents do.
    pub(super) fn redact(&mut self) {
        for voice in [&mut self.pupils, &mut self.parents].into_iter().flatten() {
            voice.fewer_than_10 |= voice.n.is_some_and(|n| n < GROUP_FLOOR);
            voice.n = coarse(voice.n);
        }
    }
}

impl Voice {
    /// Whether nobody was asked.
    pub fn is_not_collected(&self) -> bool {
        self.summary.trim().trim_end_matches('.').eq_ignore_ascii_case(NOT_COLLECTED)
    }

    fn validate(&self, field: &str, problems: &mut Problems) {
        problems.text_length(&format!("{field}.summary"), &self.summary, 1, 5_000);
        if let Some(n) = self.n {
            problems.range(&format!("{field}.n"), n, 1, 100_000);
            if self.is_not_collected() {
                problems.refuse(
                    &format!("{field}.n"),
                    n,
                    "does not go with \"not collected\"; say what they said, or take n out",
                );
            }
        }
    }
}

impl Fidelity {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if let Some(percent) = self.delivered_as_planned_percent {
            problems.range("fidelity.delivered_as_planned_percent", percent, 0.0, 100.0);
        }
        problems.text_length("fidelity.what_changed", &self.what_changed, 0, 5_000);
    }
}

impl EvaluatorEstimate {
    pub(super) fn validate(&self, problems: &mut Problems) {
        const MOST: f64 = 5.0;
        problems.text_length(
            "evaluator_estimate.evaluator",
            &self.evaluator,
            1,
            MAX_SHORT_TEXT_CHARS,
        );
        problems.text_length("evaluator_estimate.method", &self.method, 0, 5_000);
        if !self.url.is_empty() {
            address::check("evaluator_estimate.url", &self.url, problems);
        }
        match self.effect {
            Some(effect) => problems.range("evaluator_estimate.effect", effect, -MOST, MOST),
            None => problems.refuse(
                "evaluator_estimate.effect",
                "",
                "is needed; give the evaluator's effect in standard deviations",
            ),
        }
        for (field, end) in
            [("evaluator_estimate.lower", self.lower), ("evaluator_estimate.upper", self.upper)]
        {
            if let Some(end) = end {
                problems.range(field, end, -2.0 * MOST, 2.0 * MOST);
            }
        }
        let effect = self.effect.unwrap_or_default();
        if self.lower.is_some_and(|lower| lower > effect)
            || self.upper.is_some_and(|upper| upper < effect)
        {
            problems.refuse(
                "evaluator_estimate.effect",
                effect,
                "must lie between lower and upper",
            );
        }
    }
}

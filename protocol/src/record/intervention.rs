//! Something a school tries, with the outcome wanted and the monitoring set down beforehand.

mod cost;
mod delivery;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::address;
use super::ages;
use super::progress::{Progress, State};
use super::term::fold;
use super::written::{self, FromText};
use super::{Common, Problems, Reference, Summary};
use crate::limits::MAX_LIST_ITEMS;
use crate::vocabulary::Vocabulary;

pub use cost::{Cost, CostBand};
pub use delivery::{Delivery, Sessions};

/// What a text says that is still to be settled; allowed while an intervention is proposed.
pub const NOT_YET_DECIDED: &str = "not yet decided";

/// Something a school tries. To share it, `aim`, `what_is_different` and `monitoring` are enough.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Intervention {
    /// The outcome wanted.
    pub aim: String,
    /// How it differs from what is already delivered.
    pub what_is_different: String,
    /// Who checks what, and when.
    pub monitoring: String,
    /// Why it should work.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    /// A toolkit strand, DOI, What Works Clearinghouse id or address each; empty for none known.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub evidence_links: Vec<String>,
    /// Curriculum, behaviour, teaching and so on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub theme: String,
    /// Empty for cross-curricular.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub subjects: Vec<String>,
    /// Empty for the school's own.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub key_stages: Vec<String>,
    /// Empty for the school's own.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub year_groups: Vec<String>,
    /// Empty for all pupils.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub pupil_groups: Vec<String>,
    /// Areas of practice of a trust's framework.
    #[serde(
        rename = "practice_area",
        alias = "practice_areas",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "written::list"
    )]
    pub practice_areas: Vec<String>,
    /// The priority of the school or trust that it serves.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub priority: Option<Priority>,
    /// Why it may differ, where the trust's framework standardises this area, and who agreed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub waiver: String,
    /// How it is delivered.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "delivery::read")]
    pub delivery: Option<Delivery>,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub cost: Option<Cost>,
    /// What staff must learn first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub training_needed: String,
    /// The resources it uses.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub resources: Vec<Reference>,
    /// What must be kept by whoever takes it up.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub core_elements: Vec<String>,
    /// What may be changed.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub adaptable_elements: Vec<String>,
    /// How far it has got.
    pub state: State,
    /// Why it was stopped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_reason: String,
    /// The day it started or is meant to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Date>,
    /// The day it ended or is meant to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Date>,
}

/// A priority that an intervention serves; may be written as its statement alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Priority {
    /// The priority in words.
    pub statement: String,
    /// The framework or plan that sets it.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub set_in: Option<Reference>,
}

impl FromText for Priority {
    const EXPECTED: &'static str = "a priority in words, or statement and in";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { statement: text.to_owned(), set_in: None })
    }
}

/// Whether something was written down before it started: on the first day at the latest, when
/// there was no result to look at yet. Unknown where either day is.
pub fn recorded_before_start(created: Option<Date>, started: Option<Date>) -> Option<bool> {
    Some(created? <= started?)
}

impl Intervention {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        self.validate_core(problems);
        problems.optional_text("rationale", &self.rationale);
        problems.optional_text("waiver", &self.waiver);
        problems.optional_text("training_needed", &self.training_needed);
        address::check_links("evidence_links", &self.evidence_links, problems);
        self.validate_terms(problems);
        if let Some(priority) = &self.priority {
            priority.validate(problems);
        }
        if let Some(delivery) = &self.delivery {
            delivery.validate(problems);
        }
        if let Some(cost) = &self.cost {
            cost.validate(problems);
        }
        problems.list_length("resources", self.resources.len(), MAX_LIST_ITEMS);
        validate_elements("core_elements", &self.core_elements, problems);
        validate_elements("adaptable_elements", &self.adaptable_elements, problems);
        self.progress().validate(problems);
    }

    fn validate_core(&self, problems: &mut Problems) {
        for (field, text) in [
            ("aim", &self.aim),
            ("what_is_different", &self.what_is_different),
            ("monitoring", &self.monitoring),
        ] {
            problems.required_text(field, text);
            if self.state != State::Proposed && is_undecided(text) {
                problems.refuse(
                    field,
                    text,
                    format!(
                        "must be settled before the state is {}; only a proposed intervention may \
                         say {NOT_YET_DECIDED:?}",
                        self.state
                    ),
                );
            }
        }
    }

    fn validate_terms(&self, problems: &mut Problems) {
        if !self.theme.is_empty() {
            Vocabulary::Themes.check("theme", &self.theme, problems);
        }
        Vocabulary::Subjects.check_all("subjects", &self.subjects, problems);
        Vocabulary::PupilGroups.check_all("pupil_groups", &self.pupil_groups, problems);
        Vocabulary::PracticeAreas.check_all("practice_area", &self.practice_areas, problems);
        ages::validate(&self.key_stages, &self.year_groups, problems);
    }

    fn progress(&self) -> Progress<'_> {
        Progress {
            state: self.state,
            stop_reason: &self.stop_reason,
            started: self.started,
            ended: self.ended,
        }
    }

    pub(super) fn normalise(&mut self) {
        if matches!(fold(&self.evidence_links.join(" ")).as_str(), "none_known" | "none") {
            self.evidence_links.clear();
        }
        Vocabulary::Themes.normalise(&mut self.theme);
        Vocabulary::Subjects.normalise_all(&mut self.subjects);
        Vocabulary::KeyStages.normalise_all(&mut self.key_stages);
        Vocabulary::YearGroups.normalise_all(&mut self.year_groups);
        Vocabulary::PupilGroups.normalise_all(&mut self.pupil_groups);
        Vocabulary::PracticeAreas.normalise_all(&mut self.practice_areas);
    }

    /// Leaves of the cost what others may see.
    pub(super) fn redact(&mut self) {
        self.cost = self.cost.take().and_then(Cost::into_shared);
    }

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.theme = Some(&self.theme).filter(|theme| !theme.is_empty()).cloned();
        summary.subjects = or_default(&self.subjects, "cross-curricular");
        summary.key_stages = ages::key_stages(&self.key_stages, &self.year_groups);
        summary.year_groups = self.year_groups.clone();
        summary.pupil_groups = or_default(&self.pupil_groups, "all");
        summary.practice_areas = self.practice_areas.clone();
        summary.state = Some(self.state.to_string());
        let band = self.cost.as_ref().and_then(Cost::shared_band);
        summary.cost_band = band.map(|band| band.to_string());
        summary.period = self.progress().period();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        let priority = self.priority.iter().filter_map(|priority| priority.set_in.as_ref());
        self.resources.iter().chain(priority).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        let priority = self.priority.iter_mut().filter_map(|priority| priority.set_in.as_mut());
        self.resources.iter_mut().chain(priority).collect()
    }
}

impl Priority {
    fn validate(&self, problems: &mut Problems) {
        problems.text_length("priority.statement", &self.statement, 0, 1_000);
        if self.statement.trim().is_empty() && self.set_in.is_none() {
            problems.refuse("priority", "", "needs a statement, or the id of a framework or plan");
        }
    }
}

fn is_undecided(text: &str) -> bool {
    text.trim().trim_end_matches(['.', '!']).eq_ignore_ascii_case(NOT_YET_DECIDED)
}

fn validate_elements(field: &str, elements: &[String], problems: &mut Problems) {
    problems.list_length(field, elements.len(), 40);
    for (index, element) in elements.iter().enumerate() {
        problems.text_length(&format!("{field}[{index}]"), element, 1, 1_000);
    }
}

fn or_default(terms: &[String], default: &str) -> Vec<String> {
    if terms.is_empty() { vec![default.to_owned()] } else { terms.to_vec() }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::sample::{self, ID, said, with};
    use crate::record::{Content, Record};

    fn minimal() -> Value {
        json!({
            "kind": "intervention",
            "title": "Paired reading",
            "aim": "Fluent reading by the end of year 4",
            "what_is_different": "Ten minutes a day in pairs",
            "monitoring": "The reading lead listens to six pupils each month",
        })
    }

    pub(in crate::record) fn complete() -> Value {
        with(
            &minimal(),
            &[
                ("rationale", json!("Practice with feedback")),
                ("evidence_links", json!("Peer tutoring\nhttps://example.org/peer-tutoring")),
                ("theme", json!("Teaching")),
                ("subjects", json!("literacy, phonics")),
                ("key_stages", json!("key stage 2")),
                ("year_groups", json!([4, "Y5"])),
                ("pupil_groups", json!(["PP"])),
                ("practice_area", json!("initiating interventions")),
                ("priority", json!({ "statement": "Reading", "in": sample::full_reference("ab") })),
                ("waiver", json!("Agreed by the director of education")),
                ("delivery.who", json!("teaching assistant")),
                ("delivery.group_size", json!(2)),
                ("delivery.minutes", json!("10")),
                ("delivery.sessions_per_week", json!(5)),
                ("delivery.weeks", json!(12)),
                ("cost.one_off", json!("£300")),
                ("cost.per_year", json!(1_000)),
                ("cost.pupils", json!(20)),
                ("cost.staff_hours", json!(40.5)),
                ("training_needed", json!("One hour")),
                ("resources", json!(ID)),
                ("core_elements", json!("Daily, without gaps\nSame pair for half a term")),
                ("adaptable_elements", json!(["The book"])),
                ("state", json!("running")),
                ("started", json!("2026-01-05")),
                ("ended", json!("2026-03-27")),
                ("created", json!("2025-12-01")),
            ],
        )
    }

    fn content(record: Record) -> Intervention {
        let Content::Intervention(intervention) = record.content else { panic!("{record:?}") };
        intervention
    }

    #[test]
    fn four_things_are_enough() {
        assert_eq!(said(minimal()), [""; 0]);
        let record = sample::read(minimal());
        sample::assert_round_trips(&record);
        let summary = record.summarise();
        assert_eq!(summary.subjects, ["cross-curricular"]);
        assert_eq!(summary.pupil_groups, ["all"]);
        assert_eq!((summary.state.as_deref(), summary.period), (Some("proposed"), None));
    }

    #[test]
    fn every_field_is_kept_and_fills_its_facet() {
        assert_eq!(said(complete()), [""; 0]);
        let record = sample::read(complete());
        sample::assert_round_trips(&record);
        let mut intervention = content(record);
        intervention.normalise();
        let mut summary = Summary::default();
        intervention.summarise(&mut summary);
        assert_eq!(summary.theme.as_deref(), Some("teaching"));
        assert_eq!(summary.subjects, ["English", "phonics"]);
        assert_eq!(summary.key_stages, ["KS2"]);
        assert_eq!(summary.year_groups, ["year 4", "year 5"]);
        assert_eq!(summary.pupil_groups, ["disadvantaged"]);
        assert_eq!(summary.practice_areas, ["initiating interventions"]);
        assert_eq!(summary.cost_band.as_deref(), Some("very_low"));
        assert_eq!(summary.state.as_deref(), Some("running"));
        let period = summary.period.unwrap();
        assert_eq!(period.from.to_string(), "2026-01-05");
        assert_eq!(period.to.unwrap().to_string(), "2026-03-27");
        assert_eq!(intervention.core_elements[0], "Daily, without gaps");
        assert_eq!(intervention.references().len(), 2);
        assert_eq!(intervention.references_mut().len(), 2);
    }

    #[test]
    fn continuous_delivery_and_a_bare_band_may_be_one_word() {
        let short = with(
            &minimal(),
            &[
                ("delivery", json!("Continuous")),
                ("cost", json!("very low")),
                ("priority", json!("Reading")),
                ("evidence_links", json!("none known")),
            ],
        );
        let record = sample::read(short);
        sample::assert_round_trips(&record);
        let mut intervention = content(record);
        intervention.normalise();
        assert_eq!(intervention.delivery, Some(Delivery::Continuous));
        assert_eq!(intervention.cost.unwrap().band, Some(CostBand::VeryLow));
        assert_eq!(intervention.priority.unwrap().statement, "Reading");
        assert!(intervention.evidence_links.is_empty());
    }

    #[test]
    fn each_rule_names_field_value_and_what_to_do() {
        let undecided = "is \"Not yet decided.\": must be settled before the state is running; only \
                         a proposed intervention may say \"not yet decided\"";
        sample::each_says(
            &complete(),
            &[
                (&[("aim", json!(" "))], "aim: is needed; write a sentence or two"),
                (&[("monitoring", json!("Not yet decided."))], &format!("monitoring {undecided}")),
                (
                    &[("state", json!("stopped"))],
                    "stop_reason: is needed because the state is stopped; say in a sentence why, so \
                     that others learn from it",
                ),
                (
                    &[("stop_reason", json!("No staff"))],
                    "warning: stop_reason is \"No staff\": is shown only where the state is \
                     stopped; it is running",
                ),
                (
                    &[("ended", json!("2025-01-01"))],
                    "ended is \"2025-01-01\": must not be before started, 2026-01-05",
                ),
                (
                    &[("started", json!(null))],
                    "ended is \"2026-03-27\": needs the day it began in started",
                ),
                (
                    &[("year_groups", json!(["year 9"]))],
                    "warning: year_groups[0] is \"year 9\": is in KS3, and key_stages has only KS2; \
                     leave it if the class is meant to be so",
                ),
                (
                    &[("delivery.group_size", json!(61))],
                    "delivery.group_size is \"61\": must be from 1 to 60",
                ),
                (
                    &[("delivery.minutes", json!(4))],
                    "delivery.minutes is \"4\": must be from 5 to 300",
                ),
                (
                    &[("delivery.weeks", json!(81))],
                    "delivery.weeks is \"81\": must be from 1 to 80",
                ),
                (
                    &[("delivery.sessions_per_week", json!(0))],
                    "delivery.sessions_per_week is \"0\": must be from 0.1 to 50",
                ),
                (
                    &[("priority", json!({ "statement": "" }))],
                    "priority: needs a statement, or the id of a framework or plan",
                ),
                (
                    &[("evidence_links", json!(["https://"]))],
                    "evidence_links[0] is \"https://\": must begin with https:// or http:// and \
                     name a site",
                ),
                (
                    &[("core_elements", json!([""]))],
                    "core_elements[0]: is needed; write a sentence or two",
                ),
            ],
        );
        let theme = said(with(&complete(), &[("theme", json!("cooking"))]));
        assert!(theme[0].starts_with("theme is \"cooking\": is no theme; use curriculum,"));
    }

    #[test]
    fn only_a_proposed_intervention_may_be_undecided() {
        let undecided = with(
            &minimal(),
            &[
                ("what_is_different", json!("not yet decided")),
                ("monitoring", json!("Not yet decided")),
            ],
        );
        assert_eq!(said(undecided.clone()), [""; 0]);
        assert_eq!(said(with(&undecided, &[("state", json!("finished"))])).len(), 2);
    }

    #[test]
    fn amounts_stay_in_the_school() {
        let mut intervention = content(sample::read(complete()));
        let mut before = Summary::default();
        intervention.summarise(&mut before);
        intervention.redact();
        let expected =
            Cost { band: Some(CostBand::VeryLow), staff_hours: Some(40.5), ..Cost::default() };
        assert_eq!(intervention.cost, Some(expected));
        let mut after = Summary::default();
        intervention.summarise(&mut after);
        assert_eq!(before, after);
        let again = intervention.clone();
        intervention.redact();
        assert_eq!(intervention, again);
    }

    #[test]
    fn whether_it_was_recorded_before_it_started_is_computed() {
        let day = |day| Some(jiff::civil::date(2026, 1, day));
        assert_eq!(recorded_before_start(day(4), day(5)), Some(true));
        assert_eq!(recorded_before_start(day(5), day(5)), Some(true));
        assert_eq!(recorded_before_start(day(6), day(5)), Some(false));
        assert_eq!(recorded_before_start(day(6), None), None);
    }
}

//! An offer of coaching, training or support, or a request for it.

use serde::{Deserialize, Serialize};

use super::term::terms;
use super::{Common, Period, Problems, Reference, Summary, written};
use crate::vocabulary::Vocabulary;

/// Coaching, training or support, offered or asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Offer {
    /// Whether it is offered or asked for.
    pub direction: Direction,
    /// Coaching, course, observation and so on.
    pub form: String,
    /// What it develops: one or more domains of professional development.
    #[serde(
        alias = "development_domain",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "written::list"
    )]
    pub development_domains: Vec<String>,
    /// The staff it is for: classroom, middle, senior, governance; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// Where the support comes from: central, school, cluster, bought in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Subjects it is about; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub subjects: Vec<String>,
    /// How many people can take part.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub places: Option<u32>,
    /// The first and last day.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub dates: Option<Period>,
    /// Days and times in words: "Tuesdays, 15:45 to 17:00".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// Place, or "online".
    #[serde(rename = "where", skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What it costs, in words: "free", "£120 a place".
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "written::text")]
    pub cost: String,
    /// The interventions that it helps with.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub interventions: Vec<Reference>,
}

terms! {
    /// Whether support is offered or asked for.
    Direction, "direction" {
        /// The school gives it.
        Offer = "offer",
        /// The school looks for it.
        Request = "request",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no default")]
impl Default for Direction {
    fn default() -> Self {
        Self::Offer
    }
}

impl Offer {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        Vocabulary::OfferForms.check("form", &self.form, problems);
        if self.development_domains.is_empty() {
            let hint = Vocabulary::DevelopmentDomains.hint();
            problems.refuse("development_domains", "", format!("are needed; {hint}"));
        }
        Vocabulary::DevelopmentDomains.check_all(
            "development_domains",
            &self.development_domains,
            problems,
        );
        if !self.level.is_empty() {
            Vocabulary::Levels.check("level", &self.level, problems);
        }
        if !self.source.is_empty() {
            Vocabulary::OfferSources.check("source", &self.source, problems);
        }
        Vocabulary::Subjects.check_all("subjects", &self.subjects, problems);
        if let Some(places) = self.places {
            problems.range("places", places, 1, 1_000);
        }
        if let Some(dates) = self.dates {
            dates.validate("dates", problems);
        }
        problems.short_text("when", &self.when);
        problems.short_text("where", &self.place);
        problems.short_text("cost", &self.cost);
        problems.list_length("interventions", self.interventions.len(), 20);
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::OfferForms.normalise(&mut self.form);
        Vocabulary::DevelopmentDomains.normalise_all(&mut self.development_domains);
        Vocabulary::Levels.normalise(&mut self.level);
        Vocabulary::OfferSources.normalise(&mut self.source);
        Vocabulary::Subjects.normalise_all(&mut self.subjects);
    }

    /// Nothing of an offer stays local.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.kind_type = Some(self.form.clone());
        summary.state = Some(self.direction.to_string());
        summary.development_domains = self.development_domains.clone();
        summary.subjects = self.subjects.clone();
        summary.period = self.dates;
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.interventions.clone()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.interventions.iter_mut().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::{Content, sample};

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "offer", "title": "Coaching in phonics", "direction": "request",
            "form": "Mentoring", "development_domains": ["subject knowledge", "applying"],
            "level": "Middle leaders", "source": "bought_in", "subjects": "phonics, literacy",
            "places": "12", "dates": "2026-01-13 to 2026-03-24",
            "when": "Tuesdays, 15:45 to 17:00", "where": "Hillside Academy", "cost": 120,
            "interventions": [sample::ID],
        })
    }

    fn minimal() -> Value {
        json!({ "kind": "offer", "title": "Lesson study", "form": "lesson study",
                "development_domain": "sharing what works" })
    }

    #[test]
    fn an_offer_is_read_in_full_and_with_the_least() {
        let summary = sample::shareable(complete()).summarise();
        assert_eq!(summary.kind_type.as_deref(), Some("coaching"));
        assert_eq!(summary.state.as_deref(), Some("request"));
        assert_eq!(
            summary.development_domains,
            ["deepening knowledge", "applying in the classroom"]
        );
        assert_eq!(summary.subjects, ["phonics", "English"]);
        assert_eq!(summary.references[0].record.to_string(), sample::ID);
        let Content::Offer(offer) = sample::shareable(minimal()).content else { panic!() };
        assert_eq!(offer.direction, Direction::Offer);
        assert_eq!(offer.development_domains, ["sharing what works"]);
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (change, message) in [
            (json!({ "form": null }), "form: is needed; use coaching, course,"),
            (json!({ "form": "party" }), "form is \"party\": is no form of offer; use coaching"),
            (
                json!({ "development_domains": [] }),
                "development_domains: are needed; use deepening knowledge,",
            ),
            (
                json!({ "development_domains": ["fun"] }),
                "development_domains[0] is \"fun\": is no domain of professional development",
            ),
            (json!({ "level": "cook" }), "level is \"cook\": is no level; use classroom"),
            (json!({ "source": "sky" }), "source is \"sky\": is no source of support"),
            (json!({ "subjects": "alchemy" }), "subjects[0] is \"alchemy\": is no subject"),
            (json!({ "places": 0 }), "places is \"0\": must be from 1 to 1000"),
            (
                json!({ "dates": { "from": "2026-01-13", "to": "2026-01-12" } }),
                "dates.to is \"2026-01-12\": must not be before the first day",
            ),
            (json!({ "when": "a".repeat(301) }), "must have at most 300 characters"),
            (json!({ "interventions": vec![sample::ID; 21] }), "interventions is \"21 items\""),
        ] {
            sample::refuses(&complete(), change, message);
        }
    }

    #[test]
    fn a_direction_that_is_none_is_not_read() {
        let mut fields = complete();
        fields["direction"] = json!("sideways");
        let error = crate::record::Authored::from_value(fields).unwrap_err().to_string();
        assert_eq!(error, "direction: \"sideways\" is no direction; choose from offer, request");
    }
}

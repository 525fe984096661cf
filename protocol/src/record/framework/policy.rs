//! Practice policies: what schools of a trust do alike, and what each decides.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::record::{Problems, written};
use crate::vocabulary::{Approach, Vocabulary};

/// Years after which a decision has to be looked at again, at the latest.
const MAX_YEARS_TO_REVIEW: i16 = 2;

/// A trust's decision on one area of practice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PracticePolicy {
    /// The area of practice.
    pub area: String,
    /// Standardised, aligned or autonomous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approach: Option<Approach>,
    /// Why.
    pub rationale: String,
    /// The role or body that decided.
    pub decided_by: String,
    /// The day of the decision; the day on which the framework was created where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<Date>,
    /// Names of the schools that agreed; an aligned area needs two or more.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub agreed_by: Vec<String>,
    /// The day by which the decision is looked at again, within two years of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Date>,
    /// Schools that do otherwise for a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
}

/// A school that does otherwise than its trust decided, for a time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PolicyException))]
#[serde(default)]
pub struct Exception {
    /// Name of the school.
    pub school: String,
    /// Why.
    pub reason: String,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl PracticePolicy {
    /// `area` is a term of the vocabulary.
    pub(super) fn is_on(&self, area: &str) -> bool {
        Vocabulary::PracticeAreas.resolve(&self.area) == Some(area)
    }

    pub(super) fn validate(&self, field: &str, created: Option<Date>, problems: &mut Problems) {
        Vocabulary::PracticeAreas.check(&format!("{field}.area"), &self.area, problems);
        self.validate_approach(field, problems);
        problems.text_length(&format!("{field}.rationale"), &self.rationale, 1, 4_000);
        let decided_by = format!("{field}.decided_by");
        problems.short_text(&decided_by, &self.decided_by);
        if self.decided_by.trim().is_empty() {
            problems.refuse(&decided_by, "", "is needed; name the role or body that decided");
        }
        self.validate_review(field, created, problems);
        self.validate_exceptions(field, problems);
    }

    fn validate_approach(&self, field: &str, problems: &mut Problems) {
        problems.list_length(&format!("{field}.agreed_by"), self.agreed_by.len(), 100);
        let mut schools: Vec<String> = self.agreed_by.iter().map(|name| folded(name)).collect();
        schools.sort();
        schools.dedup();
        schools.retain(|school| !school.is_empty());
        match self.approach {
            None => problems.refuse(
                &format!("{field}.approach"),
                "",
                "is needed; use standardised, aligned or autonomous",
            ),
            Some(Approach::Aligned) if schools.len() < 2 => problems.refuse(
                &format!("{field}.agreed_by"),
                self.agreed_by.join(", "),
                "must name two or more schools, because the approach is aligned",
            ),
            Some(Approach::Autonomous) if !self.exceptions.is_empty() => problems.warn(
                &format!("{field}.exceptions"),
                "",
                "have no effect, because each school decides in this area",
            ),
            Some(Approach::Standardised | Approach::Aligned | Approach::Autonomous) => {}
        }
    }

    fn validate_review(&self, field: &str, created: Option<Date>, problems: &mut Problems) {
        let field = &format!("{field}.review");
        let (review, decided) = match (self.review, self.decided_on.or(created)) {
            (None, _) => {
                problems.refuse(field, "", "is needed; give a day within two years");
                return;
            }
            (Some(review), None) => {
                problems.warn(
                    field,
                    review,
                    "cannot be checked against two years; give the day of the decision in decided_on",
                );
                return;
            }
            (Some(review), Some(decided)) => (review, decided),
        };
        let latest = decided.saturating_add(MAX_YEARS_TO_REVIEW.years());
        if review < decided || latest < review {
            problems.refuse(
                field,
                review,
                format!(
                    "must be within two years of {decided}, when it was decided (decided_on, or \
                     else created)"
                ),
            );
        }
    }

    fn validate_exceptions(&self, field: &str, problems: &mut Problems) {
        problems.list_length(&format!("{field}.exceptions"), self.exceptions.len(), 100);
        for (index, exception) in self.exceptions.iter().enumerate() {
            let field = format!("{field}.exceptions[{index}]");
            exception.validate(&field, self.decided_on, problems);
            let school = folded(&exception.school);
            let earlier = &self.exceptions[..index];
            if !school.is_empty() && earlier.iter().any(|other| folded(&other.school) == school) {
                problems.refuse(
                    &format!("{field}.school"),
                    &exception.school,
                    "has two exceptions; keep one",
                );
            }
        }
    }
}

impl Exception {
    fn validate(&self, field: &str, decided_on: Option<Date>, problems: &mut Problems) {
        let school = format!("{field}.school");
        problems.short_text(&school, &self.school);
        if self.school.trim().is_empty() {
            problems.refuse(&school, "", "is needed; name the school");
        }
        problems.text_length(&format!("{field}.reason"), &self.reason, 1, 2_000);
        let until = format!("{field}.until");
        match (self.until, decided_on) {
            (None, _) => {
                problems.refuse(&until, "", "is needed; an exception ends on a day, as 2026-08-31");
            }
            (Some(last), Some(decided)) if last < decided => {
                problems.refuse(&until, last, format!("must not be before the decision, {decided}"))
            }
            (Some(_), Some(_) | None) => {}
        }
    }
}

fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::record::sample;

    /// A framework with one policy, to which `change` was made.
    fn with(change: Value) -> Value {
        let mut policy = json!({
            "area": "exam boards", "approach": "standardised", "rationale": "Shared moderation.",
            "decided_by": "Trust board", "decided_on": "2025-10-01", "review": "2027-10-01",
        });
        for (name, value) in change.as_object().unwrap() {
            policy[name] = value.clone();
        }
        json!({ "kind": "framework", "title": "Shared practice", "practice_policies": [policy] })
    }

    fn exception(change: Value) -> Value {
        let mut exception =
            json!({ "school": "Brook School", "reason": "Mid-course", "until": "2026-08-31" });
        for (name, value) in change.as_object().unwrap() {
            exception[name] = value.clone();
        }
        with(json!({ "exceptions": [exception] }))
    }

    #[test]
    fn a_decision_with_an_exception_can_be_shared() {
        sample::shareable(exception(json!({})));
        sample::shareable(with(json!({ "approach": "autonomous", "area": "monitoring" })));
    }

    #[test]
    fn each_broken_rule_is_named() {
        let unchanged = json!({});
        for (fields, message) in [
            (with(json!({ "area": "" })), "[0].area: is needed; use format of improvement plans"),
            (with(json!({ "area": "lunch" })), "[0].area is \"lunch\": is no practice area"),
            (
                with(json!({ "approach": null })),
                "[0].approach: is needed; use standardised, aligned or autonomous",
            ),
            (with(json!({ "rationale": "" })), "[0].rationale: is needed"),
            (with(json!({ "decided_by": " " })), "[0].decided_by: is needed; name the role"),
            (
                with(json!({ "approach": "aligned", "agreed_by": "Brook School, brook  school" })),
                "[0].agreed_by is \"Brook School, brook  school\": must name two or more schools",
            ),
            (with(json!({ "review": null })), "[0].review: is needed; give a day within two years"),
            (
                with(json!({ "review": "2027-10-02" })),
                "[0].review is \"2027-10-02\": must be within two years of 2025-10-01",
            ),
            (with(json!({ "review": "2025-09-30" })), "must be within two years of 2025-10-01"),
            (
                exception(json!({ "school": "" })),
                "exceptions[0].school: is needed; name the school",
            ),
            (exception(json!({ "reason": "" })), "exceptions[0].reason: is needed"),
            (
                exception(json!({ "until": null })),
                "exceptions[0].until: is needed; an exception ends",
            ),
            (
                exception(json!({ "until": "2025-09-30" })),
                "exceptions[0].until is \"2025-09-30\": must not be before the decision, 2025-10-01",
            ),
            (
                with(json!({ "exceptions": [
                    { "school": "Brook School", "reason": "Mid-course", "until": "2026-08-31" },
                    { "school": "BROOK SCHOOL", "reason": "Again", "until": "2026-08-31" },
                ] })),
                "exceptions[1].school is \"BROOK SCHOOL\": has two exceptions; keep one",
            ),
        ] {
            sample::refuses(&fields, unchanged.clone(), message);
        }
    }

    #[test]
    fn the_framework_s_own_day_stands_for_the_day_of_the_decision() {
        let mut fields = with(json!({ "decided_on": null }));
        sample::warns(&fields, json!({}), "give the day of the decision in decided_on");
        fields["created"] = json!("2024-02-29");
        sample::refuses(&fields, json!({}), "must be within two years of 2024-02-29");
        fields["created"] = json!("2025-11-03");
        sample::shareable(fields);
    }

    #[test]
    fn exceptions_where_each_school_decides_are_pointed_out() {
        let mut fields = exception(json!({}));
        fields["practice_policies"][0]["approach"] = json!("autonomous");
        sample::warns(&fields, json!({}), "exceptions: have no effect");
    }
}

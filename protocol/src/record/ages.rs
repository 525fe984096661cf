//! Key stages and year groups, and whether they fit together.

use super::Problems;
use crate::vocabulary::{Vocabulary, key_stage_of};

/// Refuses what is no key stage or year group, and warns of a year outside the key stages given:
/// mixed-age, special and alternative classes are real.
pub(super) fn validate(key_stages: &[String], year_groups: &[String], problems: &mut Problems) {
    Vocabulary::KeyStages.check_all("key_stages", key_stages, problems);
    Vocabulary::YearGroups.check_all("year_groups", year_groups, problems);
    let given: Vec<&str> =
        key_stages.iter().filter_map(|stage| Vocabulary::KeyStages.resolve(stage)).collect();
    if given.is_empty() {
        return;
    }
    for (index, year) in year_groups.iter().enumerate() {
        if let Some(stage) = key_stage_of(year).filter(|stage| !given.contains(stage)) {
            problems.warn(
                &format!("year_groups[{index}]"),
                year,
                format!(
                    "is in {stage}, and key_stages has only {}; leave it if the class is meant to \
                     be so",
                    given.join(", ")
                ),
            );
        }
    }
}

/// The key stages given, or those of the year groups where none is.
pub(super) fn key_stages(key_stages: &[String], year_groups: &[String]) -> Vec<String> {
    if !key_stages.is_empty() {
        return key_stages.to_vec();
    }
    let mut stages: Vec<String> = Vec::new();
    for stage in year_groups.iter().filter_map(|year| key_stage_of(year)) {
        if !stages.iter().any(|known| known == stage) {
            stages.push(stage.to_owned());
        }
    }
    stages
}

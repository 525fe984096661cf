//! What the author and the data-protection role said about the finds, and what remains.

use serde::{Deserialize, Serialize};

use super::{Finding, Sort};

/// An author's word that the finds of a sort were looked at and may be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearance {
    /// What sort of find.
    pub sort: Sort,
    /// The file that was looked at; none for the finds in the record and in all its files. A file that
    /// could not be looked through is only cleared by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it may be shared.
    pub reason: String,
}

impl Clearance {
    /// Whether it speaks for what was found in a file, or in the record itself.
    pub(crate) fn is_for(&self, file: Option<&str>) -> bool {
        match self.file.as_deref() {
            None => self.sort != Sort::UncheckedFile,
            named => named == file,
        }
    }
}

/// The data-protection role's word that what the scan refuses may be shared.
///
/// Only somebody who was signed in with that role may have made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Why it may be shared.
    pub reason: String,
}

/// A find that may be shared, with the reason that the audit log keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// What was found.
    pub finding: Finding,
    /// Why it may be shared, in the words of who allowed it.
    pub reason: String,
}

/// The finds of a scan, by what follows from them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// These stop the record from being shared.
    pub refused: Vec<Finding>,
    /// These stop it until the author removes them or clears them with a reason.
    pub uncleared: Vec<Finding>,
    /// The author cleared these.
    pub cleared: Vec<Allowed>,
    /// The data-protection role overrode the refusal of these.
    pub overridden: Vec<Allowed>,
}

impl Judgement {
    /// Whether nothing stops the record from being shared.
    pub const fn allows_sharing(&self) -> bool {
        self.refused.is_empty() && self.uncleared.is_empty()
    }

    /// Adds the judgement of another part of the same record.
    pub(crate) fn extend(&mut self, other: Self) {
        self.refused.extend(other.refused);
        self.uncleared.extend(other.uncleared);
        self.cleared.extend(other.cleared);
        self.overridden.extend(other.overridden);
    }

    /// Everything that stops the record from being shared.
    pub fn obstacles(&self) -> impl Iterator<Item = &Finding> {
        self.refused.iter().chain(&self.uncleared)
    }
}

/// Decides which of `findings` stop a record from being shared.
///
/// An author's clearance counts for warnings, the data-protection role's override for refusals, and
/// neither counts without a reason.
pub fn judge(
    findings: Vec<Finding>,
    cleared: &[Clearance],
    overriding: Option<&Override>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let overriding = overriding.map(|word| word.reason.trim()).filter(|reason| !reason.is_empty());
    for finding in findings {
        // The sort decides, so that a finding that was stored or sent cannot lower itself.
        if finding.sort.is_refused() {
            match overriding {
                Some(reason) => {
                    judgement.overridden.push(Allowed { finding, reason: reason.to_owned() });
                }
                None => judgement.refused.push(finding),
            }
            continue;
        }
        let mut reasons = cleared
            .iter()
            .filter(|clearance| clearance.sort == finding.sort)
            .map(|clearance| clearance.reason.trim());
        match reasons.find(|reason| !reason.is_empty()) {
            Some(reason) => judgement.cleared.push(Allowed { finding, reason: reason.to_owned() }),
            None => judgement.uncleared.push(finding),
        }
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(sort: Sort) -> Finding {
        Finding {
            place: "abstract".into(),
            sort,
            refused: sort.is_refused(),
            lines: vec![],
            count: 1,
            reason: None,
        }
    }

    fn clearance(sort: Sort, reason: &str) -> Clearance {
        Clearance { sort, file: None, reason: reason.into() }
    }

    #[test]
    fn nothing_found_may_be_shared() {
        assert!(judge(vec![], &[], None).allows_sharing());
    }

    #[test]
    fn a_warning_waits_for_a_reason() {
        let judged = |cleared: &[Clearance]| judge(vec![finding(Sort::Email)], cleared, None);
        assert!(!judged(&[]).allows_sharing());
        assert!(!judged(&[clearance(Sort::Email, " \n")]).allows_sharing());
        assert!(!judged(&[clearance(Sort::Telephone, "the office's")]).allows_sharing());
        let judgement =
            judged(&[clearance(Sort::Email, ""), clearance(Sort::Email, " the office's ")]);
        assert!(judgement.allows_sharing());
        assert_eq!(judgement.cleared[0].reason, "the office's");
    }

    #[test]
    fn an_author_cannot_clear_a_refusal() {
        let judgement = judge(vec![finding(Sort::Upn)], &[clearance(Sort::Upn, "please")], None);
        assert_eq!(judgement.refused, [finding(Sort::Upn)]);
        let lowered = Finding { refused: false, ..finding(Sort::Upn) };
        assert!(!judge(vec![lowered], &[clearance(Sort::Upn, "please")], None).allows_sharing());
    }

    #[test]
    fn an_override_needs_a_reason_and_clears_no_warning() {
        let findings = || vec![finding(Sort::Upn), finding(Sort::Email)];
        let word = |reason: &str| Override { reason: reason.into() };
        assert_eq!(judge(findings(), &[], Some(&word(" "))).refused.len(), 1);
        let judgement = judge(findings(), &[], Some(&word("a made-up example")));
        assert_eq!(judgement.overridden[0].reason, "a made-up example");
        assert_eq!(judgement.obstacles().collect::<Vec<_>>(), [&finding(Sort::Email)]);
    }
}

//! What the licence of a resource asks of whoever shares a changed copy of it.
//!
//! It is pointed out and stops nobody: the rights holder may have said yes in another way. The rules
//! are those that Creative Commons gives for adaptations of each of its licences, and the National
//! Archives for the Open Government Licence.

use super::{GROUP_ONLY, Resource};
use crate::hash::SchoolId;
use crate::record::{Problems, Reference};
use crate::vocabulary::Vocabulary;

/// A resource that another one is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// How the other one names it.
    pub reference: Reference,
    /// Its title.
    pub title: String,
    /// Its licence.
    pub licence: String,
}

/// Points out what the licences of `originals` ask of a resource that `school` shares. What a school
/// makes of its own is its own matter.
pub(crate) fn check(
    resource: &Resource,
    originals: &[Original],
    school: SchoolId,
    problems: &mut Problems,
) {
    let licence = if resource.licence.is_empty() { GROUP_ONLY } else { &resource.licence };
    let others = originals.iter().filter(|one| one.reference.school != Some(school));
    for Original { reference, title, licence: original } in others {
        let is_it = |based_on: &Reference| based_on.record == reference.record;
        if let Some(index) = resource.based_on.iter().position(is_it)
            && let Some(asks) = asked(original, licence)
        {
            problems.warn(&format!("based_on[{index}]"), title, asks);
        }
    }
}

/// What a licence lets others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Terms {
    /// Its makers are to be named.
    naming: bool,
    /// Nobody may earn money with it.
    no_money: bool,
    /// Changed copies have the same licence.
    alike: bool,
    /// Changed copies are not shared.
    unchanged: bool,
}

impl Terms {
    /// Those of a licence that is open to everybody; none of another or an unknown one.
    fn of(licence: &str) -> Option<Self> {
        let has = |part: &str| licence.split('-').any(|one| one == part);
        let is_known = Vocabulary::Licences.resolve(licence) == Some(licence);
        (is_known && licence != GROUP_ONLY).then(|| Self {
            naming: has("BY") || has("OGL"),
            no_money: has("NC"),
            alike: has("SA"),
            unchanged: has("ND"),
        })
    }
}

/// What a licence asks that the licence of a changed copy does not give, to complete a sentence about
/// the original.
fn asked(original: &str, copy: &str) -> Option<String> {
    let known = |licence: &str| Vocabulary::Licences.resolve(licence).map(str::to_owned);
    let original = known(original).unwrap_or_else(|| original.to_owned());
    let copy = known(copy).unwrap_or_else(|| copy.to_owned());
    if original == GROUP_ONLY {
        return Some(
            "is only for the groups it was shared with, and nothing in its licence allows changed \
             copies; ask its school before you share yours"
                .to_owned(),
        );
    }
    let Some(of) = Terms::of(&original) else {
        return Some(format!(
            "has the licence {original}, which is not known here; look whether it allows changed copies"
        ));
    };
    // Whoever may use a copy in a group alone can neither earn money with it nor pass it on.
    let copied = Terms::of(&copy);
    if of.unchanged {
        Some(format!(
            "may be used only as it is ({original}): its licence allows no changed copies; ask its \
             school before you share yours"
        ))
    } else if of.alike && copy != original {
        Some(format!(
            "asks that changed copies have its own licence; choose {original} in place of {copy:?}"
        ))
    } else if of.no_money && copied.is_some_and(|copied| !copied.no_money) {
        Some(format!(
            "may not be used to earn money ({original}), which {copy} would allow; choose a licence \
             that does not, such as {original}"
        ))
    } else if of.naming && copied.is_some_and(|copied| !copied.naming) {
        Some(format!(
            "asks that its makers are named ({original}), which {copy} does not; choose another one, \
             such as {original}"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::RecordId;

    /// In the order of the vocabulary.
    const LICENCES: [&str; 9] = [
        GROUP_ONLY,
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-ND-4.0",
        "CC-BY-NC-ND-4.0",
        "OGL-UK-3.0",
    ];

    /// What is said of an original, in a word.
    fn said(original: &str, copy: &str) -> &'static str {
        match asked(original, copy) {
            None => "fine",
            Some(text) if text.contains("only for the groups") => "closed",
            Some(text) if text.contains("no changed copies") => "unchanged",
            Some(text) if text.contains("its own licence") => "alike",
            Some(text) if text.contains("earn money") => "money",
            Some(text) if text.contains("makers are named") => "naming",
            Some(text) => panic!("{text}"),
        }
    }

    #[test]
    fn each_pair_of_licences_is_judged() {
        let terms = Vocabulary::Licences.terms().iter().map(|term| term.term.as_str());
        assert_eq!(terms.collect::<Vec<_>>(), LICENCES, "a new licence needs its row and column");
        let rows: [(&str, [&str; 9]); 9] = [
            (GROUP_ONLY, ["closed"; 9]),
            ("CC0-1.0", ["fine"; 9]),
            (
                "CC-BY-4.0",
                ["fine", "naming", "fine", "fine", "fine", "fine", "fine", "fine", "fine"],
            ),
            (
                "CC-BY-SA-4.0",
                ["alike", "alike", "alike", "fine", "alike", "alike", "alike", "alike", "alike"],
            ),
            (
                "CC-BY-NC-4.0",
                ["fine", "money", "money", "money", "fine", "fine", "money", "fine", "money"],
            ),
            (
                "CC-BY-NC-SA-4.0",
                ["alike", "alike", "alike", "alike", "alike", "fine", "alike", "alike", "alike"],
            ),
            ("CC-BY-ND-4.0", ["unchanged"; 9]),
            ("CC-BY-NC-ND-4.0", ["unchanged"; 9]),
            (
                "OGL-UK-3.0",
                ["fine", "naming", "fine", "fine", "fine", "fine", "fine", "fine", "fine"],
            ),
        ];
        for ((original, expected), licence) in rows.into_iter().zip(LICENCES) {
            assert_eq!(original, licence);
            for (copy, expected) in LICENCES.into_iter().zip(expected) {
                assert_eq!(said(original, copy), expected, "{original} as {copy}");
            }
        }
        let unknown = asked("EUPL-1.2", "CC-BY-4.0").unwrap();
        assert!(unknown.contains("EUPL-1.2, which is not known here"), "{unknown}");
    }

    #[test]
    fn what_is_another_schools_is_pointed_out_with_its_title() {
        let (own, other) = (SchoolId::from_bytes([1; 32]), SchoolId::from_bytes([2; 32]));
        let reference = |number: u8, school| Reference {
            record: RecordId::from_bytes([number; 16]),
            school: Some(school),
            version: None,
        };
        let original = |reference: &Reference| Original {
            reference: reference.clone(),
            title: "Fractions".to_owned(),
            licence: "CC-BY-ND-4.0".to_owned(),
        };
        let resource = Resource {
            based_on: vec![reference(1, own), reference(2, other)],
            ..Resource::default()
        };
        let originals: Vec<Original> = resource.based_on.iter().map(original).collect();
        let mut problems = Problems::default();
        check(&resource, &originals, own, &mut problems);
        assert!(problems.is_shareable(), "it stops nobody");
        let said: Vec<String> = problems.into_vec().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 1);
        assert!(
            said[0].starts_with("based_on[1] is \"Fractions\": may be used only as it is"),
            "{said:?}"
        );
    }
}

//! Which figures are about so few pupils that they would tell something about one of them.

use crate::vocabulary::Vocabulary;

/// Pupils that a figure must rest on to leave a school. A trust may raise it, never lower it.
pub const GROUP_FLOOR: u32 = 10;

/// The smallest count of pupils above 0 that leaves a school.
pub const COUNT_FLOOR: u32 = 5;

/// Pupils from which "all of them" and "none of them" may be said: twice the floor, because such a
/// figure says something about every pupil of the group.
pub const ALL_OR_NONE_FLOOR: u32 = 2 * GROUP_FLOOR;

/// Groups that say nothing sensitive about a pupil. Every other group is a vulnerable one, those
/// that later vocabularies add included.
const NOT_VULNERABLE: &[&str] = &[
    "all",
    "low prior attainment",
    "middle prior attainment",
    "high prior attainment",
    "boys",
    "girls",
    "summer-born",
    "most able",
];

/// Whether `count` out of `n` pupils would tell something about one of them: because it or the rest
/// is under 5, or because it is all or none of a small group.
pub fn discloses(count: u32, n: u32) -> bool {
    let rest = n.saturating_sub(count);
    let small = |cell: u32| (1..COUNT_FLOOR).contains(&cell);
    let all_or_none = count == 0 || rest == 0;
    small(count) || small(rest) || (all_or_none && n < ALL_OR_NONE_FLOOR)
}

/// Whether a percentage about `n` pupils may be shared. A group whose size is not known is taken as
/// small.
pub(super) fn may_share_percentage(percent: f64, n: Option<u32>) -> bool {
    n.is_some_and(|n| {
        let all_or_none = percent <= 0.0 || percent >= 100.0;
        n >= if all_or_none { ALL_OR_NONE_FLOOR } else { GROUP_FLOOR }
    })
}

/// A vulnerable group that is crossed with year group and sex at once, which figures never are.
///
/// Give it the groups of a report together with those of the intervention it is on.
pub fn crossed_group<'a>(pupil_groups: &'a [String], year_groups: &[String]) -> Option<&'a str> {
    let named = |name: &str| {
        pupil_groups.iter().any(|group| Vocabulary::PupilGroups.resolve(group) == Some(name))
    };
    let one_sex = named("boys") != named("girls");
    let vulnerable = |group: &&String| {
        Vocabulary::PupilGroups.resolve(group).is_some_and(|term| !NOT_VULNERABLE.contains(&term))
    };
    if one_sex && !year_groups.is_empty() {
        pupil_groups.iter().find(vulnerable).map(String::as_str)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_and_those_that_give_one_away_disclose() {
        for (count, n, expected) in [
            (1, 30, true),
            (4, 30, true),
            (5, 30, false),
            (25, 30, false),
            (26, 30, true),
            (29, 30, true),
            (30, 30, false),
            (0, 30, false),
            (0, 19, true),
            (19, 19, true),
            (20, 20, false),
        ] {
            assert_eq!(discloses(count, n), expected, "{count} of {n}");
        }
    }

    #[test]
    fn a_percentage_needs_a_group_that_is_known_to_be_large_enough() {
        assert!(may_share_percentage(92.0, Some(10)));
        assert!(!may_share_percentage(92.0, Some(9)));
        assert!(!may_share_percentage(92.0, None));
        assert!(!may_share_percentage(100.0, Some(19)));
        assert!(may_share_percentage(0.0, Some(20)));
    }

    #[test]
    fn a_vulnerable_group_is_not_crossed_with_year_and_sex() {
        let years = ["year 4".to_owned()];
        let groups =
            |list: &[&str]| list.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>();
        let crossed = groups(&["Girls", "young carer"]);
        assert_eq!(crossed_group(&crossed, &years), Some("young carer"));
        assert_eq!(crossed_group(&crossed, &[]), None);
        assert_eq!(crossed_group(&groups(&["young carer"]), &years), None);
        assert_eq!(crossed_group(&groups(&["girls", "most able"]), &years), None);
        assert_eq!(crossed_group(&groups(&["girls", "boys", "EAL"]), &years), None);
    }

    #[test]
    fn the_groups_that_are_not_vulnerable_are_terms() {
        for term in NOT_VULNERABLE {
            assert_eq!(Vocabulary::PupilGroups.resolve(term), Some(*term));
        }
    }
}

//! What search results may lack: schools that were not heard from for a while, and records that are
//! known to be on their way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{GroupId, SchoolId};
use utoipa::ToSchema;

use crate::heard::SchoolHeard;
use crate::node::Node;

/// Silent schools that the sentence names.
const NAMED: usize = 2;

/// Silent schools that are listed, the longest silence first.
const LISTED: usize = 100;

/// From where search results come, and what they may lack.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// How many schools are members of the groups that were searched, this one included.
    pub schools: usize,
    /// How many of them were not heard from for an hour or more: what they shared since may be
    /// missing.
    pub silent: usize,
    /// Those of the longest silence, a hundred at most.
    pub silent_schools: Vec<SchoolHeard>,
    /// Records that are known to be lacking, while this node catches up.
    pub to_come: usize,
    /// All of that in words, for whoever reads the results.
    pub sentence: String,
    /// What is wrong with this server's clock, in words, if something is.
    pub clock: Option<String>,
}

/// What a search of these groups covers.
pub(super) fn coverage(node: &Node, groups: &[GroupId]) -> Coverage {
    let mut schools: BTreeSet<SchoolId> = BTreeSet::new();
    let mut silent: BTreeMap<SchoolId, SchoolHeard> = BTreeMap::new();
    let mut to_come = 0;
    for group in groups {
        node.with_membership(group, |set| {
            schools.extend(set.roster().current().map(|(school, _)| school));
        });
        silent.extend(node.silent_members(group).into_iter().map(|heard| (heard.school, heard)));
        let comparisons = node.network().map(|network| network.comparisons_of(group));
        let running = comparisons.unwrap_or_default().running;
        to_come += running.iter().map(|one| one.lacking).max().unwrap_or(0);
    }
    let mut silent: Vec<SchoolHeard> = silent.into_values().collect();
    silent.sort_by_key(|one| std::cmp::Reverse(one.seconds_ago.unwrap_or(u64::MAX)));
    let sentence = sentence(schools.len(), &silent, to_come);
    let count = silent.len();
    silent.truncate(LISTED);
    let clock = groups.iter().find_map(|group| node.clock_in(group)?.sentence());
    Coverage {
        schools: schools.len(),
        silent: count,
        silent_schools: silent,
        to_come,
        sentence,
        clock,
    }
}

fn sentence(schools: usize, silent: &[SchoolHeard], to_come: usize) -> String {
    let mut said = match schools {
        0 => "This school is in no group.".to_owned(),
        1 => "From this school alone".to_owned(),
        _ => format!("From {schools} schools"),
    };
    if schools == 0 {
        return said;
    }
    for (number, one) in silent.iter().take(NAMED).enumerate() {
        said.push_str(if number == 0 { "; " } else { ", " });
        said.push_str(&format!("{} {}", one.name, one.sentence()));
    }
    match silent.len().saturating_sub(NAMED) {
        0 => {}
        1 => said.push_str(", 1 more school not for an hour or longer"),
        more => said.push_str(&format!(", {more} more schools not for an hour or longer")),
    }
    said.push('.');
    match to_come {
        0 => {}
        1 => said.push_str(" 1 record is still on its way to this server."),
        _ => said.push_str(&format!(" {to_come} records are still on their way to this server.")),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(name: &str, seconds_ago: Option<u64>) -> SchoolHeard {
        SchoolHeard {
            school: SchoolId::from_bytes([1; SchoolId::LENGTH]),
            name: name.into(),
            connected: false,
            last_heard: None,
            seconds_ago,
            through_others: false,
        }
    }

    #[test]
    fn is_said_in_one_line() {
        assert_eq!(sentence(6, &[], 0), "From 6 schools.");
        assert_eq!(sentence(1, &[], 0), "From this school alone.");
        let two = [silent("Ash", None), silent("Beech", Some(7_200))];
        assert_eq!(
            sentence(6, &two, 1),
            "From 6 schools; Ash has not been heard from yet, Beech was last heard from 2 hours \
             ago. 1 record is still on its way to this server."
        );
        let five = vec![silent("Ash", None); 5];
        assert!(sentence(9, &five, 0).ends_with("yet, 3 more schools not for an hour or longer."));
    }
}

//! How a group's comparisons with other schools stand, for people and programs.

use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use utoipa::ToSchema;

use crate::network::{Ending, GroupComparisons, Network};
use crate::node::Node;

/// The comparisons of a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ComparisonsReport {
    /// Those under way; empty while the node catches up with nobody.
    pub under_way: Vec<CatchingUp>,
    /// How many wait for their turn.
    pub waiting: usize,
    /// The last one that ended since the node started.
    pub last: Option<LastComparison>,
    /// Differences that comparisons do not settle.
    pub unsettled: Vec<UnsettledDifference>,
}

/// A comparison under way.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatchingUp {
    /// The name of the school with whose node this one compares.
    pub school: String,
    /// Records that came from it, withdrawals included.
    pub received: usize,
    /// Records that it has and that are known to be lacking here still.
    pub lacking: usize,
}

/// The last comparison of a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LastComparison {
    /// The name of the school with whose node this one compared.
    pub school: String,
    /// When it ended.
    pub when: String,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
}

/// Records that another school's node has and that do not come to be here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UnsettledDifference {
    /// The name of the school.
    pub school: String,
    /// Since when.
    pub since: String,
    /// In how many comparisons in a row.
    pub times: u32,
    /// How many this node refuses.
    pub refused: usize,
    /// How many the other node names and does not give.
    pub not_given: usize,
}

impl CatchingUp {
    /// "3000 records came from Ash Primary, 7000 are to come".
    pub fn sentence(&self) -> String {
        let Self { school, received, lacking } = self;
        format!(
            "{received} record{} came from {school}, {lacking} {} to come",
            if *received == 1 { "" } else { "s" },
            if *lacking == 1 { "is" } else { "are" },
        )
    }

    /// Whether there is anything to bring, as far as is known.
    pub fn brings_something(&self) -> bool {
        self.received + self.lacking > 0
    }
}

impl LastComparison {
    /// How it ended, in words, to stand behind the name of the school and the time.
    pub fn ended(&self) -> String {
        match &self.ending {
            Ending::Same => "both hold the same".to_owned(),
            Ending::Complete { received: 0 } => "everything that it has is here".to_owned(),
            Ending::Complete { received } => {
                format!("everything that it has is here; {received} of it came then")
            }
            Ending::HeldAside { entries } => format!(
                "{entries} of its records wait here, for their school to be known or for their \
                 date to come"
            ),
            Ending::Unsettled { refused, not_given } => {
                format!("records that it has are not here: {}", difference(*refused, *not_given))
            }
            Ending::GivenUp { reason } => format!("it was given up: {reason}"),
        }
    }
}

impl UnsettledDifference {
    /// What does not come to be here, in words.
    pub fn sentence(&self) -> String {
        format!(
            "{} in {} comparisons in a row",
            difference(self.refused, self.not_given),
            self.times
        )
    }
}

fn difference(refused: usize, not_given: usize) -> String {
    match (refused, not_given) {
        (refused, 0) => format!("{refused} refused here"),
        (0, not_given) => format!("{not_given} named and not given"),
        (refused, not_given) => format!("{refused} refused here, {not_given} named and not given"),
    }
}

/// How the comparisons of a group stand.
pub(super) fn report(node: &Node, group: &GroupId) -> ComparisonsReport {
    let GroupComparisons { running, waiting, last, unsettled } =
        node.network().map(|network| Network::comparisons_of(network, group)).unwrap_or_default();
    let name = |peer: &PublicKey| {
        let known = node.with_membership(group, |set| {
            let mut members = set.roster().members().values();
            members
                .find(|member| member.nodes.contains(peer))
                .map(|member| member.claims.name.clone())
        });
        known.flatten().unwrap_or_else(|| "a former member".to_owned())
    };
    let when = |millis: u64| Timestamp::from_millis(millis).to_string();
    ComparisonsReport {
        under_way: running
            .iter()
            .map(|one| CatchingUp {
                school: name(&one.peer),
                received: one.received,
                lacking: one.lacking,
            })
            .collect(),
        waiting,
        last: last.map(|last| LastComparison {
            school: name(&last.peer),
            when: when(last.at_millis),
            ending: last.ending,
        }),
        // Of those that left, or were removed, nothing is expected any more.
        unsettled: unsettled
            .iter()
            .filter(|(peer, _)| node.shares(group, peer))
            .map(|(peer, one)| UnsettledDifference {
                school: name(peer),
                since: when(one.since_millis),
                times: one.times,
                refused: one.refused,
                not_given: one.not_given,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_one_flat_object_and_a_sentence() {
        let last = |ending| LastComparison { school: "Ash".into(), when: "now".into(), ending };
        let json = serde_json::to_value(last(Ending::Complete { received: 3 })).unwrap();
        let expected = serde_json::json!({
            "school": "Ash", "when": "now", "ended": "complete", "received": 3,
        });
        assert_eq!(json, expected);
        let read: LastComparison = serde_json::from_value(json).unwrap();
        assert_eq!(read.ended(), "everything that it has is here; 3 of it came then");
        let said = last(Ending::Unsettled { refused: 2, not_given: 1 }).ended();
        assert_eq!(said, "records that it has are not here: 2 refused here, 1 named and not given");
    }
}

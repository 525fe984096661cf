//! What groups and their schools are called, read once for many records.

use std::collections::BTreeMap;

use staffroom_protocol::group::Claims;
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::vocabulary::Vocabulary;

use crate::node::Node;

/// The names of the groups that this node is in, and what their schools say of themselves.
#[derive(Debug)]
pub(crate) struct Names {
    groups: BTreeMap<GroupId, String>,
    schools: BTreeMap<GroupId, BTreeMap<SchoolId, Claims>>,
}

impl Names {
    pub(crate) fn of(node: &Node) -> Self {
        let groups = node.group_names();
        let claims = |group: &GroupId| {
            let members = node.with_membership(group, |set| {
                let members = set.roster().members().iter();
                members.map(|(school, member)| (*school, member.claims.clone())).collect()
            });
            (*group, members.unwrap_or_default())
        };
        let schools = groups.keys().map(claims).collect();
        Self { groups, schools }
    }

    /// Whether this node is in the group, so that what it holds for it may be read.
    pub(crate) fn has(&self, group: &GroupId) -> bool {
        self.groups.contains_key(group)
    }

    pub(crate) fn group(&self, group: &GroupId) -> String {
        self.groups.get(group).cloned().unwrap_or_else(|| group.short())
    }

    pub(crate) fn school(&self, group: &GroupId, school: &SchoolId) -> String {
        self.claims(group, school).map_or_else(|| school.short(), |claims| claims.name.clone())
    }

    /// The school's phase, as the vocabulary spells it.
    pub(crate) fn phase(&self, group: &GroupId, school: &SchoolId) -> Option<String> {
        let phase = self.claims(group, school)?.phase.as_deref()?;
        Vocabulary::Phases.resolve(phase).map(ToOwned::to_owned)
    }

    fn claims(&self, group: &GroupId, school: &SchoolId) -> Option<&Claims> {
        self.schools.get(group)?.get(school)
    }
}

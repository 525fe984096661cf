//! A school whose key and kit are lost goes on under its next key: admins or the root bind it, the old
//! key may object, and after seven days the next key takes over by itself.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::roster::{Binding, Roster};
use staffroom_protocol::group::statement::Act;
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use staffroom_protocol::identity::Objection;
use utoipa::ToSchema;

use crate::ago::minute;
use crate::clock::now_millis;
use crate::groups::{GroupError, in_lists};
use crate::node::Node;
use crate::records::{HeldRecord, RecordError};
use crate::root::RootAct;

/// What is said in a group of a school's next key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NextKey {
    /// The school whose key is lost.
    pub school: SchoolId,
    /// Its name.
    pub name: String,
    /// The school of the next key.
    pub next: SchoolId,
    /// That school's name.
    pub next_name: String,
    /// The admins who say so, by name.
    pub by: Vec<String>,
    /// Whether the root says so.
    pub by_root: bool,
    /// From when on it counts; none where it lacks the word of the root or of a second admin.
    pub effective: Option<String>,
    /// Whether the old key objected.
    pub objected: bool,
}

impl NextKey {
    /// Who goes on as whom, by whose word, and from when.
    pub(crate) fn sentence(&self) -> String {
        let Self { school, name, next, next_name, .. } = self;
        let admins = self.by.join(" and ");
        let by = match (self.by_root, admins.is_empty()) {
            (true, true) => "the root".to_owned(),
            (true, false) => format!("{admins} and the root"),
            (false, _) => admins,
        };
        let stands = match (&self.effective, self.objected) {
            (_, true) => "Its old key objected, so nothing comes of it.".to_owned(),
            (None, false) => "A second admin must say so, or the root.".to_owned(),
            (Some(when), false) => format!(
                "It counts from {}, unless the old key objects: staffroom group object",
                minute(when)
            ),
        };
        format!(
            "{name} ({}) goes on as {next_name} ({}), by the word of {by}. {stands}",
            school.short(),
            next.short()
        )
    }
}

impl Node {
    /// What is said of next keys in a group, as far as nothing has come of it.
    pub fn next_keys(&self, group: &GroupId) -> Vec<NextKey> {
        let roster = self.roster(group).unwrap_or_default();
        let name = |school: &SchoolId| {
            let member = roster.members().get(school);
            member.map_or_else(|| school.short(), |member| member.claims.name.clone())
        };
        let report = |((school, next), binding): (&(SchoolId, SchoolId), &Binding)| NextKey {
            school: *school,
            name: name(school),
            next: *next,
            next_name: name(next),
            by: binding.by.keys().map(name).collect(),
            by_root: binding.by_root.is_some(),
            effective: binding.effective().map(|when| when.to_string()),
            objected: binding.objected,
        };
        roster.bindings().iter().map(report).collect()
    }

    /// Says as an admin that a school goes on under its next key.
    ///
    /// # Errors
    /// [`GroupError`] if this school is no admin, or may not put the other out.
    pub fn bind_next_key(
        &self,
        group: &GroupId,
        school: &SchoolId,
        next: &SchoolId,
    ) -> Result<(), GroupError> {
        let (name, _) = self.administered(group)?;
        let own = self.identity().school();
        let act = Act::Bind { school: *school, next: *next };
        let counts = |roster: &Roster| {
            let binding = roster.bindings().get(&(*school, *next));
            binding.is_some_and(|binding| binding.by.contains_key(&own) && !binding.objected)
        };
        if self.enact(group, vec![act], counts)? {
            return Ok(());
        }
        let roster = self.roster(group).unwrap_or_default();
        if roster.bindings().get(&(*school, *next)).is_some_and(|binding| binding.objected) {
            return Err(GroupError::Objected(name));
        }
        Err(self.senior(group, school, name))
    }

    /// The same with this school's signature for the root. `passphrase` is the one that the school's
    /// key is locked with, if it is.
    ///
    /// # Errors
    /// [`GroupError`] if this school holds no key of the root, or it cannot be signed.
    pub fn bind_next_key_as_root(
        &self,
        group: &GroupId,
        school: &SchoolId,
        next: &SchoolId,
        passphrase: Option<&str>,
    ) -> Result<RootAct, GroupError> {
        self.propose(group, Act::Bind { school: *school, next: *next }, passphrase)
    }

    /// Objects, with this school's key, to everything that is said in a group to be its next key;
    /// returns the names of the schools of those keys.
    ///
    /// # Errors
    /// [`GroupError::NoNextKey`] if nothing is.
    pub fn object_to_next_keys(
        &self,
        group: &GroupId,
        passphrase: Option<&str>,
    ) -> Result<Vec<String>, GroupError> {
        let own = self.identity().school();
        let roster = self.roster(group).unwrap_or_default();
        let said = roster.bindings().iter().filter(|(_, binding)| !binding.objected);
        let open = said.map(|(pair, _)| *pair).filter(|(school, _)| *school == own);
        let mut nexts: Vec<SchoolId> = open.map(|(_, next)| next).collect();
        nexts.extend(roster.next_of(&own));
        if nexts.is_empty() {
            let name = self.group_names().remove(group).unwrap_or_else(|| group.short());
            return Err(GroupError::NoNextKey(name));
        }
        let key = self.home().school_key(passphrase)?;
        let object = |next: &SchoolId| {
            let objection = Objection::issue(&key, *group, *next);
            Act::Object { objection: ByteBuf::from(objection.as_bytes()) }
        };
        let acts = nexts.iter().map(object).collect();
        self.enact(group, acts, |_| true)?;
        let mut names = crate::records::school_names(self, group);
        Ok(nexts.iter().map(|next| names.remove(next).unwrap_or_else(|| next.short())).collect())
    }

    /// Takes over for the schools that this one was bound to, once their old keys have had their
    /// time.
    ///
    /// # Errors
    /// [`GroupError`] if the statements cannot be made or stored.
    pub(crate) fn inherit(&self, group: &GroupId) -> Result<(), GroupError> {
        let own = self.identity().school();
        let now = Timestamp::from_millis(now_millis());
        let due = |roster: &Roster| -> Vec<SchoolId> {
            let bound = roster.bindings().iter().filter(|((_, next), _)| *next == own);
            let due = bound.filter(|(_, one)| one.effective().is_some_and(|when| when <= now));
            due.map(|((school, _), _)| *school).collect()
        };
        for school in self.with_membership(group, |set| due(set.roster())).unwrap_or_default() {
            let entries = self.entries_of(group, &school)?;
            let acts = in_lists(entries.iter(), |standing| Act::Inherit { school, standing });
            if self.enact(group, acts, |roster| roster.goes_on_for(&own, &school))? {
                tracing::info!(
                    group = %group.short(),
                    school = %school.short(),
                    "this school goes on for one whose key is lost"
                );
            }
        }
        Ok(())
    }

    /// Whether this school may change a school's records in a group: its own, and those of a school
    /// that it goes on for there.
    pub(crate) fn speaks_for(&self, group: &GroupId, school: &SchoolId) -> bool {
        let own = self.identity().school();
        let goes_on = self.with_membership(group, |set| set.roster().goes_on_for(&own, school));
        *school == own || goes_on == Some(true)
    }

    /// The record with this id, with the school whose it is: this one, or one that it goes on for
    /// in some group.
    ///
    /// # Errors
    /// [`RecordError`] if what is held cannot be read.
    pub(crate) fn own_record(
        &self,
        id: RecordId,
    ) -> Result<(SchoolId, Option<HeldRecord>), RecordError> {
        let own = self.identity().school();
        if let Some(held) = self.record(own, id)? {
            return Ok((own, Some(held)));
        }
        for group in self.followed_groups() {
            let former = self.with_membership(&group, |set| {
                let schools = set.roster().members().keys().copied();
                schools.filter(|school| set.roster().goes_on_for(&own, school)).collect::<Vec<_>>()
            });
            for school in former.unwrap_or_default() {
                if let Some(held) = self.record(school, id)? {
                    return Ok((school, Some(held)));
                }
            }
        }
        Ok((own, None))
    }
}

//! Founding a group, leaving it, removing schools, naming admins.

use std::collections::{BTreeMap, BTreeSet};

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::group::invite::InviteError;
use staffroom_protocol::group::proposal::ProposalError;
use staffroom_protocol::group::roster::{Member, Roster};
use staffroom_protocol::group::statement::{
    Act, Founding, Parting, Root, Statement, StatementError,
};
use staffroom_protocol::group::{GroupKind, NameError, check_group_name};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::limits::MAX_STANDING;

use crate::clock::now_millis;
use crate::home::{HomeError, random};
use crate::intake::KeepError;
use crate::membership::StatementsError;
use crate::network::AskError;
use crate::node::Node;
use crate::store::StoreError;

/// What went wrong with a group.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// No group of that name.
    #[error("there is no group {given:?}; this school is in: {}", list(known))]
    Unknown {
        /// What was given.
        given: String,
        /// The names of the school's groups.
        known: Vec<String>,
    },
    /// Several groups of that name.
    #[error(
        "{count} groups are called {given:?}; give the group's id, as staffroom group list shows it"
    )]
    Ambiguous {
        /// What was given.
        given: String,
        /// How many.
        count: usize,
    },
    /// The school is in a group of that name.
    #[error("this school already has a group called {0:?}; choose another name")]
    NameTaken(String),
    /// Only admins do that.
    #[error("only an admin of {0:?} can do that")]
    NotAdmin(String),
    /// The school cannot remove or dismiss this one.
    #[error(
        "{school} is an admin of {group:?} who was not named after this school; only the group's root, or an admin named before it, can do that"
    )]
    Senior {
        /// The other school.
        school: String,
        /// The group.
        group: String,
    },
    /// The old key said no.
    #[error(
        "the school's old key objected to that next key in {0:?}; ask the school, and if it agrees, let another key of it in"
    )]
    Objected(String),
    /// Nobody says that this school has a next key.
    #[error(
        "nobody says in {0:?} that this school goes on under another key; there is nothing to object to"
    )]
    NoNextKey(String),
    /// The school goes on for another elsewhere.
    #[error(
        "this school does not go on in {0:?} for the school whose record that is; leave that group out"
    )]
    NotNextThere(String),
    /// Leaving is another command.
    #[error("a school does not remove itself from {0:?}; it leaves with: staffroom group leave")]
    RemovesItself(String),
    /// The root is another's.
    #[error(
        "only the root of {0:?} names admins, and this school holds no key of it; staffroom group root shows who does"
    )]
    NotRoot(String),
    /// What the root is to do changes nothing.
    #[error(
        "to {0} changes nothing: it is so already, or who belongs has changed since it was proposed; propose it again"
    )]
    NoEffect(String),
    /// A line is no proposal.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// No such invite, or several.
    #[error(
        "{count} open invites have an id that starts with {given:?}; staffroom group invites lists them"
    )]
    NoInvite {
        /// What was given.
        given: String,
        /// How many fit.
        count: usize,
    },
    /// No such member, or several.
    #[error(
        "{count} members are called {given:?}; give the name, or the start of the id, of one of: {}",
        list(known)
    )]
    NoMember {
        /// What was given.
        given: String,
        /// How many fit.
        count: usize,
        /// The members' names.
        known: Vec<String>,
    },
    /// The school was let in as a reader.
    #[error(
        "this school reads {0:?} and does not publish in it; ask an admin of the group for an invite as a member"
    )]
    OnlyReads(String),
    /// The school left or was never in it.
    #[error("this school is not a member of {0:?}")]
    NotMember(String),
    /// A name cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The invite does not work.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// The inviting school cannot be asked.
    #[error("{from} could not be asked: {error}; its node may be off, so try again later")]
    Ask {
        /// The inviting school.
        from: String,
        /// What went wrong.
        error: AskError,
    },
    /// No school of that name asks to be let in.
    #[error("{count} schools called {given:?} ask to be let in; those that do: {}", list(known))]
    NoRequest {
        /// What was given.
        given: String,
        /// How many there are.
        count: usize,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The inviting school answered something else.
    #[error("{0} did not let this school in; ask it for a new invite")]
    Refused(String),
    /// This needs the network.
    #[error("this needs a connection to other schools; start the node with: staffroom serve")]
    NoNetwork,
    /// There is nowhere for others to reach this node.
    #[error(
        "this node has not run yet, so it has no address at which other schools could reach it; start it with: staffroom serve"
    )]
    NoAddress,
    /// A statement cannot be made.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Statements cannot be added.
    #[error(transparent)]
    Statements(#[from] StatementsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealed keys cannot be stored.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The data directory.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// As many acts as it takes to list these entries, and one where there are none.
pub(crate) fn in_lists<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    act: impl Fn(Vec<Hash>) -> Act,
) -> Vec<Act> {
    let hashes: Vec<Hash> = entries.map(Entry::hash).collect();
    if hashes.is_empty() {
        return vec![act(Vec::new())];
    }
    hashes.chunks(MAX_STANDING).map(|list| act(list.to_vec())).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

impl Node {
    /// Names of all groups by id.
    pub fn group_names(&self) -> BTreeMap<GroupId, String> {
        self.read_groups()
            .iter()
            .map(|(id, membership)| {
                let name = membership.roster().founding().map(|founding| founding.name.clone());
                (*id, name.unwrap_or_else(|| id.short()))
            })
            .collect()
    }

    /// The group with this name, or with an id that starts like this.
    ///
    /// # Errors
    /// [`GroupError::Unknown`] or [`GroupError::Ambiguous`].
    pub fn find_group(&self, given: &str) -> Result<GroupId, GroupError> {
        let names = self.group_names();
        let folded = given.trim().to_lowercase();
        let named: Vec<GroupId> = names
            .iter()
            .filter(|(_, name)| name.to_lowercase() == folded)
            .map(|(id, _)| *id)
            .collect();
        let found = if named.is_empty() && folded.len() >= 6 {
            names.keys().filter(|id| id.to_string().starts_with(&folded)).copied().collect()
        } else {
            named
        };
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(GroupError::Unknown {
                given: given.to_owned(),
                known: names.into_values().collect(),
            }),
            several => Err(GroupError::Ambiguous { given: given.into(), count: several.len() }),
        }
    }

    /// Founds a group, of which this school is the first admin.
    ///
    /// # Errors
    /// [`GroupError`] if the name is taken or cannot be used.
    pub fn create_group(&self, name: &str, kind: GroupKind) -> Result<GroupId, GroupError> {
        let name = name.trim();
        check_group_name(name)?;
        if self.group_names().values().any(|known| known.to_lowercase() == name.to_lowercase()) {
            return Err(GroupError::NameTaken(name.to_owned()));
        }
        let identity = self.identity();
        let founding = Founding {
            name: name.to_owned(),
            kind,
            root: Root { keys: vec![identity.certificate().school_key()], threshold: 1 },
            claims: identity.claims().clone(),
            nonce: random(self.home().dir())?,
        };
        let clock = Timestamp::from_millis(now_millis());
        let statement =
            Statement::found(founding, clock, identity.certificate(), identity.node_key())?;
        let group = statement.group();
        self.add_statements(group, vec![statement])?;
        self.keep_epoch(&group)?;
        Ok(group)
    }

    pub(crate) fn own_group(&self, group: &GroupId) -> Result<(String, GroupKind), GroupError> {
        let named = self.with_membership(group, |set| {
            set.roster().founding().map(|founding| (founding.name.clone(), founding.kind))
        });
        match named.flatten() {
            Some(named) if self.is_member(group) => Ok(named),
            Some((name, _)) => Err(GroupError::NotMember(name)),
            None => Err(GroupError::NotMember(group.short())),
        }
    }

    /// The groups that this school is a member of.
    pub fn followed_groups(&self) -> Vec<GroupId> {
        self.group_ids().into_iter().filter(|group| self.is_member(group)).collect()
    }

    /// Leaves a group; what this school shared with it until now stays with its members, or does not.
    ///
    /// # Errors
    /// [`GroupError::NotMember`] if this school is not in it.
    pub fn leave_group(&self, group: &GroupId, records_stay: bool) -> Result<(), GroupError> {
        self.part_from(group, None, records_stay)
    }

    pub(crate) fn part_from(
        &self,
        group: &GroupId,
        why: Option<Parting>,
        records_stay: bool,
    ) -> Result<(), GroupError> {
        let (name, _) = self.own_group(group)?;
        let own = self.identity().school();
        let acts = if records_stay {
            self.listing(group, &own, |standing| Act::Leave { standing, why })?
        } else {
            vec![Act::Leave { standing: Vec::new(), why }]
        };
        if self.enact(group, acts, |roster| roster.member(&own).is_none())? {
            Ok(())
        } else {
            Err(GroupError::NotMember(name))
        }
    }

    /// Removes a school from a group. What it shared until now, as far as it is held here, stays.
    ///
    /// # Errors
    /// [`GroupError`] if there is no such member, or this school may not remove it.
    pub fn remove_member(&self, group: &GroupId, school: &SchoolId) -> Result<(), GroupError> {
        let (name, _) = self.administered(group)?;
        if *school == self.identity().school() {
            return Err(GroupError::RemovesItself(name));
        }
        let acts =
            self.listing(group, school, |standing| Act::Remove { school: *school, standing })?;
        if self.enact(group, acts, |roster| roster.member(school).is_none())? {
            Ok(())
        } else {
            Err(self.senior(group, school, name))
        }
    }

    /// Ends what a naming gave; the school stays a member.
    ///
    /// # Errors
    /// [`GroupError`] if there is no such admin, or this school may not dismiss it.
    pub fn dismiss_admin(&self, group: &GroupId, school: &SchoolId) -> Result<(), GroupError> {
        let (name, _) = self.administered(group)?;
        let act = Act::Dismiss { school: *school };
        if self.enact(group, vec![act], |roster| !roster.is_admin(school))? {
            Ok(())
        } else {
            Err(self.senior(group, school, name))
        }
    }

    /// The name and kind of a group, where this school is an admin of it.
    pub(crate) fn administered(&self, group: &GroupId) -> Result<(String, GroupKind), GroupError> {
        let (name, kind) = self.own_group(group)?;
        let own = self.identity().school();
        let admin = self.with_membership(group, |set| set.roster().is_admin(&own));
        if admin == Some(true) { Ok((name, kind)) } else { Err(GroupError::NotAdmin(name)) }
    }

    /// As many acts as it takes to list every entry of a school that is held.
    fn listing(
        &self,
        group: &GroupId,
        school: &SchoolId,
        act: impl Fn(Vec<Hash>) -> Act,
    ) -> Result<Vec<Act>, StoreError> {
        Ok(in_lists(self.entries_of(group, school)?.iter(), act))
    }

    /// Signs acts and adds them all at once; what follows for the group's epoch is done with them.
    /// Nothing where `takes_effect` denies that the roster would be as it should, which is what it
    /// returns.
    pub(crate) fn enact(
        &self,
        group: &GroupId,
        acts: Vec<Act>,
        takes_effect: impl FnOnce(&Roster) -> bool,
    ) -> Result<bool, GroupError> {
        let enacted = self.sign_and_add(group, acts, takes_effect)?;
        if enacted {
            self.keep_epoch(group)?;
        }
        Ok(enacted)
    }

    pub(crate) fn sign_and_add(
        &self,
        group: &GroupId,
        acts: Vec<Act>,
        takes_effect: impl FnOnce(&Roster) -> bool,
    ) -> Result<bool, GroupError> {
        let mut set = self
            .with_membership(group, Clone::clone)
            .ok_or_else(|| GroupError::NotMember(group.short()))?;
        let (certificate, key) = (self.identity().certificate(), self.identity().node_key());
        let mut statements = Vec::new();
        for act in acts {
            let clock = Timestamp::from_millis(now_millis());
            let statement = set.sign(act, clock, certificate, key)?;
            set.extend([statement.clone()]);
            statements.push(statement);
        }
        if !takes_effect(set.roster()) {
            return Ok(false);
        }
        self.add_statements(*group, statements)?;
        Ok(true)
    }

    pub(crate) fn senior(&self, group: &GroupId, school: &SchoolId, name: String) -> GroupError {
        let mut names = crate::records::school_names(self, group);
        let school = names.remove(school).unwrap_or_else(|| school.short());
        GroupError::Senior { school, group: name }
    }

    /// The member with this name, or with an id that starts like this.
    ///
    /// # Errors
    /// [`GroupError::NoMember`] names those that there are.
    pub fn find_member(&self, group: &GroupId, given: &str) -> Result<SchoolId, GroupError> {
        self.find_school(group, given, |member| member.departed.is_none())
    }

    /// The school that is or was a member and has this name, or an id that starts like this.
    ///
    /// # Errors
    /// [`GroupError::NoMember`] names those that there are.
    pub fn find_any_member(&self, group: &GroupId, given: &str) -> Result<SchoolId, GroupError> {
        self.find_school(group, given, |_| true)
    }

    fn find_school(
        &self,
        group: &GroupId,
        given: &str,
        counts: impl Fn(&Member) -> bool,
    ) -> Result<SchoolId, GroupError> {
        let folded = given.trim().to_lowercase();
        let members: Vec<(SchoolId, String)> = self
            .with_membership(group, |set| {
                let members = set.roster().members().iter().filter(|(_, member)| counts(member));
                members.map(|(school, member)| (*school, member.claims.name.clone())).collect()
            })
            .unwrap_or_default();
        let named = members.iter().filter(|(_, name)| name.to_lowercase() == folded);
        let by_id = members
            .iter()
            .filter(|(school, _)| folded.len() >= 6 && school.to_string().starts_with(&folded));
        let found: BTreeSet<SchoolId> = named.chain(by_id).map(|(school, _)| *school).collect();
        match found.iter().collect::<Vec<_>>().as_slice() {
            [one] => Ok(**one),
            several => Err(GroupError::NoMember {
                given: given.chars().take(80).collect(),
                count: several.len(),
                known: members
                    .into_iter()
                    .map(|(school, name)| format!("{name} ({})", school.short()))
                    .collect(),
            }),
        }
    }
}

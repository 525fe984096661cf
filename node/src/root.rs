//! A group's root: the recovery keys above every admin, of which some must sign together. Each
//! keyholder signs on their own server.

use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::proposal::{Proposal, Proposed};
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::{Act, Root, Statement};
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::identity::PublicKey;
use utoipa::ToSchema;

use crate::clock::now_millis;
use crate::groups::GroupError;
use crate::node::Node;

/// How far something is that the root is to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RootAct {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub name: String,
    /// What the root is to do, in words.
    pub what: String,
    /// How many keyholders signed it.
    pub signed: usize,
    /// How many must.
    pub needed: usize,
    /// The line for the other keyholders; none once it is done.
    pub proposal: Option<String>,
}

/// Who holds a key of a group's root.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Keyholder {
    /// The school.
    pub school: SchoolId,
    /// Its name, where it is or was a member.
    pub name: Option<String>,
    /// Whether it is this school.
    pub own: bool,
}

/// A group's root.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RootReport {
    /// The keyholders.
    pub keyholders: Vec<Keyholder>,
    /// How many of them must sign.
    pub threshold: usize,
}

impl RootAct {
    /// What was done, or who has still to sign it.
    pub(crate) fn sentence(&self) -> String {
        let Self { name, what, signed, needed, proposal, .. } = self;
        match proposal {
            None => format!("Done in {name}: {what}."),
            Some(line) => format!(
                "Signed: {what} in {name}. {signed} of {needed} keyholders have signed. Send this line \
                 to another keyholder, who runs: staffroom group sign LINE\n{line}"
            ),
        }
    }
}

impl RootReport {
    /// Who holds the root, and how many of them must sign.
    pub(crate) fn sentence(&self) -> String {
        let holder = |holder: &Keyholder| {
            let name = holder.name.clone().unwrap_or_else(|| holder.school.short());
            if holder.own { format!("{name} (this school)") } else { name }
        };
        let names: Vec<String> = self.keyholders.iter().map(holder).collect();
        match self.keyholders.len() {
            1 => format!("The root is held by {} alone.", names.join("")),
            count => format!(
                "The root is held by {}. {} of these {count} must sign what it does.",
                names.join(", "),
                self.threshold
            ),
        }
    }
}

impl Node {
    /// Who holds the root of a group.
    pub fn root(&self, group: &GroupId) -> RootReport {
        let own = self.identity().school();
        let roster = self.roster(group).unwrap_or_default();
        let keyholder = |key: &PublicKey| {
            let school = key.school_id();
            let name = roster.members().get(&school).map(|member| member.claims.name.clone());
            Keyholder { school, name, own: school == own }
        };
        RootReport {
            keyholders: roster.root().iter().flat_map(|root| &root.keys).map(keyholder).collect(),
            threshold: roster.root().map_or(0, |root| usize::from(root.threshold)),
        }
    }

    /// Names a member an admin, with this school's signature for the root. `passphrase` is the one
    /// that the school's key is locked with, if it is.
    ///
    /// # Errors
    /// [`GroupError`] if this school holds no key of the root, or it cannot be signed.
    pub fn name_admin(
        &self,
        group: &GroupId,
        school: &SchoolId,
        passphrase: Option<&str>,
    ) -> Result<RootAct, GroupError> {
        self.propose(group, Act::Name { school: *school }, passphrase)
    }

    /// Puts another root in the place of the one that there is.
    ///
    /// # Errors
    /// [`GroupError`] if this school holds no key of the root, or it cannot be signed.
    pub fn succeed_root(
        &self,
        group: &GroupId,
        keyholders: &[SchoolId],
        threshold: u8,
        passphrase: Option<&str>,
    ) -> Result<RootAct, GroupError> {
        let keys = self
            .with_membership(group, |set| {
                keyholders.iter().filter_map(|school| set.school_key(school)).collect()
            })
            .unwrap_or_default();
        let root = Root { keys, threshold };
        self.propose(group, Act::Succeed { root }, passphrase)
    }

    pub(crate) fn propose(
        &self,
        group: &GroupId,
        act: Act,
        passphrase: Option<&str>,
    ) -> Result<RootAct, GroupError> {
        let proposal = self
            .with_membership(group, |set| set.propose(act))
            .ok_or_else(|| GroupError::NotMember(group.short()))?;
        self.sign_for_root(Proposed::new(proposal), passphrase)
    }

    /// Signs what another keyholder proposes; it is done once enough have signed.
    ///
    /// # Errors
    /// [`GroupError`] if this school holds no key of the root, or is not in the group.
    pub fn sign_for_root(
        &self,
        mut proposed: Proposed,
        passphrase: Option<&str>,
    ) -> Result<RootAct, GroupError> {
        let group = proposed.proposal().group();
        let (name, _) = self.own_group(&group)?;
        let roster = self.roster(&group).unwrap_or_default();
        let own = self.identity().certificate().school_key();
        let root = roster.root().filter(|root| root.keys.contains(&own));
        let root = root.ok_or_else(|| GroupError::NotRoot(name.clone()))?;
        proposed.endorse(&self.home().school_key(passphrase)?);
        let needed = usize::from(root.threshold);
        let signed = proposed.signers().filter(|signer| root.keys.contains(signer)).count();
        let what = self.in_words(&roster, proposed.proposal());
        let done = signed >= needed;
        let proposal = (!done).then(|| proposed.to_string());
        if done && !self.carry(proposed)? {
            return Err(GroupError::NoEffect(what));
        }
        Ok(RootAct { group, name, what, signed, needed, proposal })
    }

    /// What a proposal would do, for a keyholder to read before signing it.
    ///
    /// # Errors
    /// [`GroupError::NotMember`] if this school is not in the group.
    pub fn read_proposal(&self, proposed: &Proposed) -> Result<RootAct, GroupError> {
        let group = proposed.proposal().group();
        let (name, _) = self.own_group(&group)?;
        let roster = self.roster(&group).unwrap_or_default();
        let keys = roster.root().map(|root| root.keys.clone()).unwrap_or_default();
        Ok(RootAct {
            group,
            name,
            what: self.in_words(&roster, proposed.proposal()),
            signed: proposed.signers().filter(|signer| keys.contains(signer)).count(),
            needed: roster.root().map_or(0, |root| usize::from(root.threshold)),
            proposal: Some(proposed.to_string()),
        })
    }

    fn in_words(&self, roster: &Roster, proposal: &Proposal) -> String {
        let name = |school: &SchoolId| {
            let member = roster.members().get(school);
            member.map_or_else(|| school.short(), |member| member.claims.name.clone())
        };
        if let Act::Name { school } = proposal.act() {
            return format!("name {} an admin", name(school));
        }
        if let Act::Succeed { root } = proposal.act() {
            let keyholders: Vec<String> =
                root.keys.iter().map(|key| name(&key.school_id())).collect();
            return format!(
                "give the root to {}, of which {} must sign",
                keyholders.join(", "),
                root.threshold
            );
        }
        if let Act::Bind { school, next } = proposal.act() {
            return format!(
                "let {} ({}) go on under the key of {} ({})",
                name(school),
                school.short(),
                name(next),
                next.short()
            );
        }
        "do something that this version does not know".to_owned()
    }

    /// Adds what enough keyholders signed; false where it has no effect.
    fn carry(&self, proposed: Proposed) -> Result<bool, GroupError> {
        let (proposal, endorsements) = proposed.into_parts();
        let (group, act) = (proposal.group(), proposal.act().clone());
        let mut set = self
            .with_membership(&group, Clone::clone)
            .ok_or_else(|| GroupError::NotMember(group.short()))?;
        let (certificate, key) = (self.identity().certificate(), self.identity().node_key());
        let clock = Timestamp::from_millis(now_millis());
        let statement = Statement::sign(proposal, endorsements, clock, certificate, key)?;
        set.extend([statement.clone()]);
        let holds = if let Act::Name { school } = act {
            set.roster().is_admin(&school)
        } else if let Act::Bind { school, next } = act {
            let binding = set.roster().bindings().get(&(school, next));
            binding.is_some_and(|binding| binding.by_root.is_some())
        } else {
            matches!(act, Act::Succeed { root } if set.roster().root() == Some(&root))
        };
        if holds {
            self.add_statements(group, vec![statement])?;
            self.keep_epoch(&group)?;
        }
        Ok(holds)
    }
}

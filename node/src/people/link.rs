//! Links with which people set their password, once: the first one of a school, and those for people who
//! were added or forgot theirs.

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::kept::{Kept, Link};
use super::name::{UserName, display_name};
use super::password;
use super::role::Role;
use super::secret::{Secret, SecretHash};
use super::{People, PeopleError, add, administrator, person};

/// How long a link to a person lasts: sent on a Friday, it works on Monday.
pub(crate) const LINK_HOURS: i64 = 72;

/// How long the first link of a school lasts: as an invite to a group, since both may wait for the same
/// meeting.
const FIRST_LINK_DAYS: i64 = 14;

/// Whom a link lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// The first administrator, who is still to choose a name.
    First,
    /// Somebody with an account.
    Person(UserName),
}

impl Welcome {
    /// Whose account it is; none where there is none yet.
    pub(crate) fn whose(self) -> Option<UserName> {
        match self {
            Self::First => None,
            Self::Person(name) => Some(name),
        }
    }
}

impl People {
    /// The link for the first administrator of a school, in place of one before.
    pub(crate) fn first_link(&self) -> Result<Secret, PeopleError> {
        let lasts = SignedDuration::from_hours(FIRST_LINK_DAYS * 24);
        self.make_link(None, lasts)
    }

    /// A link with which a person sets a password, in place of one before.
    pub(crate) fn link(&self, name: &UserName) -> Result<Secret, PeopleError> {
        self.make_link(Some(name), SignedDuration::from_hours(LINK_HOURS))
    }

    fn make_link(
        &self,
        whom: Option<&UserName>,
        lasts: SignedDuration,
    ) -> Result<Secret, PeopleError> {
        let secret = Secret::new()?;
        let now = Timestamp::now();
        self.change(|kept| {
            match whom {
                Some(name) if person(kept, name)?.disabled => {
                    return Err(PeopleError::Disabled(name.clone()));
                }
                None if let Some(name) = administrator(kept) => {
                    return Err(PeopleError::HasAdministrator(name.clone()));
                }
                Some(_) | None => {}
            }
            kept.forget_old_links(now);
            kept.links.retain(|_, link| link.whom.as_ref() != whom);
            let expires = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
            kept.links.insert(secret.hash(), Link { whom: whom.cloned(), expires });
            Ok(())
        })?;
        Ok(secret)
    }

    /// Whom a link lets in. Looking changes nothing: programs that scan mail for bad links look too.
    pub(crate) fn welcome(&self, secret: &str) -> Result<Welcome, PeopleError> {
        welcome(&self.lock(), secret, Timestamp::now())
    }

    /// Uses a link up: sets the password of its person. `first` are the names that the first administrator
    /// chose, who gets every role. All sessions of the person end.
    pub(crate) async fn use_link(
        &self,
        secret: &str,
        password: Zeroizing<String>,
        first: Option<(UserName, String)>,
    ) -> Result<UserName, PeopleError> {
        let (name, display) = match (self.welcome(secret)?, first) {
            (Welcome::First, Some((name, display))) => {
                let display = display_name(&display)?;
                if self.get(&name).is_some() {
                    return Err(PeopleError::Exists(name));
                }
                (name, Some(display))
            }
            (Welcome::First, None) => return Err(PeopleError::NoLink),
            (Welcome::Person(name), _) => (name, None),
        };
        let known = display.clone().or_else(|| self.get(&name).map(|person| person.name));
        let names = [name.as_str(), &self.school, known.as_deref().unwrap_or_default()];
        password::check(&password, &names)?;
        let hash = self.hasher.turn().await?.hash(password).await?;
        self.change(|kept| {
            // Somebody else may have used it while the password was worked out.
            welcome(kept, secret, Timestamp::now())?;
            if let Some(display) = display {
                add(kept, &name, display, Role::ALL.into())?;
            }
            kept.forget_links_to(&name);
            kept.links.remove(&SecretHash::of(secret));
            let person = person(kept, &name)?;
            person.password = Some(hash);
            Ok(())
        })?;
        self.sessions.end_all(&name, Timestamp::now());
        Ok(name)
    }
}

pub(super) fn welcome(kept: &Kept, secret: &str, now: Timestamp) -> Result<Welcome, PeopleError> {
    let link = kept.links.get(&SecretHash::of(secret)).filter(|link| link.expires > now);
    let link = link.ok_or(PeopleError::NoLink)?;
    match &link.whom {
        // Whoever came first, with this link or from the command line, lets in the others.
        None if administrator(kept).is_some() => Err(PeopleError::NoLink),
        None => Ok(Welcome::First),
        Some(name) => {
            let person = kept.people.get(name).filter(|person| !person.disabled);
            person.map(|_| Welcome::Person(name.clone())).ok_or(PeopleError::NoLink)
        }
    }
}

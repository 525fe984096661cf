//! Accounts elsewhere with which people sign in here.
//!
//! They go by what the provider will never give to anybody else: the issuer and the subject (OpenID Connect
//! Core 1.0, section 5.7). An e-mail address gets somebody an account of their own, and nobody else's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::link::welcome;
use super::name::{UserName, display_name};
use super::secret::SecretHash;
use super::{People, PeopleError, Welcome, add, person};
use crate::provider::Told;

/// An account at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// The provider's address.
    pub(crate) issuer: String,
    /// What it calls the account, for ever.
    pub(crate) subject: String,
}

/// Who came with an account, and what that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) name: UserName,
    /// Whether nobody knew the person before.
    pub(crate) is_new: bool,
    /// Whether the roles are others than at the sign-in before.
    pub(crate) has_new_roles: bool,
}

impl People {
    /// Whose account it is that somebody came with: of the person who is bound to it, or else of somebody
    /// new.
    pub(crate) fn come_with(&self, told: &Told) -> Result<Came, PeopleError> {
        let (name, is_new) = self.change(|kept| match whose(kept, &told.account).cloned() {
            Some(name) if person(kept, &name)?.disabled => Err(PeopleError::Disabled(name)),
            Some(name) => Ok((name, false)),
            None => Ok((add_with(kept, told)?, true)),
        })?;
        let known = self.get(&name);
        let has_new_roles =
            told.roles_follow && known.is_some_and(|person| person.roles != told.roles);
        if has_new_roles {
            self.set_roles(&name, told.roles.clone())?;
        }
        Ok(Came { name, is_new, has_new_roles })
    }

    /// Lets a person sign in with an account as well, in place of one before.
    pub(crate) fn link_account(
        &self,
        name: &UserName,
        account: Account,
    ) -> Result<(), PeopleError> {
        self.change(|kept| bind(kept, name, account))
    }

    /// Uses up a link of an administrator: its person signs in with an account from now on.
    pub(crate) fn use_link_with(
        &self,
        secret: &str,
        account: Account,
    ) -> Result<UserName, PeopleError> {
        self.change(|kept| {
            let Welcome::Person(name) = welcome(kept, secret, Timestamp::now())? else {
                return Err(PeopleError::NoLink);
            };
            bind(kept, &name, account)?;
            kept.links.remove(&SecretHash::of(secret));
            Ok(name)
        })
    }

    /// Lets a person who has a password sign in with nothing else.
    pub(crate) fn unlink_account(&self, name: &UserName) -> Result<(), PeopleError> {
        self.change(|kept| {
            let person = person(kept, name)?;
            if !person.has_password() {
                return Err(PeopleError::OnlyWayIn(name.clone()));
            }
            person.account = None;
            Ok(())
        })
    }
}

fn whose<'a>(kept: &'a Kept, account: &Account) -> Option<&'a UserName> {
    let mut people = kept.people.iter();
    people.find(|(_, person)| person.account.as_ref() == Some(account)).map(|(name, _)| name)
}

fn add_with(kept: &mut Kept, told: &Told) -> Result<UserName, PeopleError> {
    let name = &told.user_name;
    if kept.people.contains_key(name) {
        return Err(PeopleError::NotLinked(name.clone()));
    }
    add(kept, name, display_name(&told.name)?, told.roles.clone())?;
    bind(kept, name, told.account.clone())?;
    Ok(name.clone())
}

fn bind(kept: &mut Kept, name: &UserName, account: Account) -> Result<(), PeopleError> {
    if whose(kept, &account).is_some_and(|other| other != name) {
        return Err(PeopleError::OfAnother);
    }
    person(kept, name)?.account = Some(account);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{first, name, people};
    use super::*;
    use crate::people::{Role, Roles};

    fn told(subject: &str, user_name: &str) -> Told {
        Told {
            account: account("https://id.example", subject),
            user_name: name(user_name),
            name: "The reading lead".to_owned(),
            roles: [Role::Reader].into(),
            roles_follow: false,
        }
    }

    fn account(issuer: &str, subject: &str) -> Account {
        Account { issuer: issuer.to_owned(), subject: subject.to_owned() }
    }

    #[tokio::test]
    async fn an_account_is_its_persons_whatever_its_address_and_nobody_elses() {
        let (folder, people) = people();
        let head = first(&people).await;
        let lead = name("lead@alder.example");
        let came = people.come_with(&told("1", lead.as_str())).unwrap();
        assert_eq!(came, Came { name: lead.clone(), is_new: true, has_new_roles: false });
        // Whoever has married has another address, and is the same.
        let came = people.come_with(&told("1", "other@alder.example")).unwrap();
        assert_eq!((came.name, came.is_new), (lead.clone(), false));
        let same_address = people.come_with(&told("2", lead.as_str()));
        assert!(matches!(same_address, Err(PeopleError::NotLinked(whose)) if whose == lead));
        let as_head = people.come_with(&told("3", head.as_str()));
        assert!(matches!(as_head, Err(PeopleError::NotLinked(whose)) if whose == head));
        let elsewhere = Told { account: account("https://other.example", "1"), ..told("1", "x") };
        assert!(people.come_with(&elsewhere).unwrap().is_new, "another provider's 1 is another");

        let taken = people.link_account(&head, told("1", "head").account);
        assert!(matches!(taken, Err(PeopleError::OfAnother)));
        people.link_account(&head, told("3", "head").account).unwrap();
        let again = People::open(&crate::home::Home::new(folder.path()), "Alder").unwrap();
        assert_eq!(again.come_with(&told("3", "whoever")).unwrap().name, head);
        people.unlink_account(&head).unwrap();
        let unlinked = people.come_with(&told("3", head.as_str()));
        assert!(matches!(unlinked, Err(PeopleError::NotLinked(_))));
        assert!(matches!(people.unlink_account(&lead), Err(PeopleError::OnlyWayIn(_))));
    }

    #[tokio::test]
    async fn roles_follow_where_they_are_to_and_never_take_the_last_administrator_away() {
        let (_folder, people) = people();
        let head = first(&people).await;
        let lead = people.come_with(&told("1", "lead")).unwrap().name;
        let roles = |name: &UserName| people.get(name).unwrap().roles;
        let leads: Roles = [Role::Reader, Role::Contributor].into();
        people.set_roles(&lead, leads.clone()).unwrap();
        let came = people.come_with(&told("1", "lead")).unwrap();
        assert_eq!((came.has_new_roles, roles(&lead)), (false, leads.clone()));
        let follow = |subject: &str, roles: Roles| {
            people.come_with(&Told { roles, roles_follow: true, ..told(subject, "lead") })
        };
        assert!(!follow("1", leads).unwrap().has_new_roles);
        assert!(follow("1", [Role::DataProtection].into()).unwrap().has_new_roles);
        assert_eq!(roles(&lead), [Role::DataProtection].into());

        people.link_account(&head, told("2", "head").account).unwrap();
        let last = follow("2", [Role::Reader].into());
        assert!(matches!(last, Err(PeopleError::LastAdministrator(_))));
        assert!(roles(&head).contains(&Role::Administrator));
    }

    #[tokio::test]
    async fn whoever_is_switched_off_stays_out_and_a_link_is_used_once() {
        let (_folder, people) = people();
        first(&people).await;
        let lead = people.come_with(&told("1", "lead")).unwrap().name;
        people.set_disabled(&lead, true).unwrap();
        let off = people.come_with(&told("1", "lead"));
        assert!(matches!(off, Err(PeopleError::Disabled(whose)) if whose == lead));

        let office = name("office");
        people.add(&office, "The office", [Role::Reader].into()).unwrap();
        let link = people.link(&office).unwrap();
        let use_it = |subject| people.use_link_with(link.as_str(), told(subject, "x").account);
        assert!(matches!(use_it("1"), Err(PeopleError::OfAnother)));
        assert_eq!(use_it("2").unwrap(), office);
        assert!(matches!(use_it("3"), Err(PeopleError::NoLink)));
        assert_eq!(people.come_with(&told("2", "whoever")).unwrap().name, office);
    }
}

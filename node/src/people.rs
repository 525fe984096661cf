//! The people of the school who may sign in: accounts, roles, passwords, sessions and tokens.
//!
//! They stay on this node, in files of their own that only its owner may read, and are no part of what
//! is shared with other schools.

mod account;
mod attempts;
mod kept;
mod link;
mod looked;
mod name;
mod password;
mod role;
mod secret;
mod session;
mod sign_in;
mod token;
mod tokens;
mod weekly;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::home::{Home, HomeError};

pub(crate) use self::name::MAX_NAME_CHARS as MAX_PERSON_NAME_CHARS;
pub use self::name::{PersonNameError, UserName};
pub use self::password::PasswordError;
pub use self::role::{NoSuchRole, Role, Roles};
pub use self::token::{Scope, TokenError};

pub(crate) use self::account::{Account, Came};
pub(crate) use self::kept::Person;
pub(crate) use self::link::{LINK_HOURS, Welcome};
pub(crate) use self::looked::Since;
pub(crate) use self::name::display_name;
pub(crate) use self::role::listed;
pub(crate) use self::secret::{Secret, SecretHash};
pub(crate) use self::session::{LONGEST, Session, Sessions};
pub(crate) use self::sign_in::{SignIn, SignInError};
pub(crate) use self::token::{DEFAULT_TOKEN_DAYS, MAX_TOKEN_DAYS, PersonalToken};
pub(crate) use self::weekly::Wanted;

use self::attempts::Attempts;
use self::kept::Kept;
use self::password::Hasher;

/// People with an account: the staff of the largest schools, several times.
const MAX_PEOPLE: usize = 2_000;

/// Why something about a person is not done.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// There is nobody of that name.
    #[error("nobody signs in as {0:?}; list people with: staffroom person list")]
    Unknown(String),
    /// Somebody has the name.
    #[error(
        "{0} has an account already; give another user name, or make a new link for that person"
    )]
    Exists(UserName),
    /// There are enough.
    #[error("{MAX_PEOPLE} people have an account already, which is the most")]
    TooMany,
    /// Nobody could look after people any more.
    #[error("{0} is the only administrator who can sign in; make somebody else one first")]
    LastAdministrator(UserName),
    /// The first link would make a second first administrator.
    #[error("{0} looks after people already; say for whom the link is to be")]
    HasAdministrator(UserName),
    /// The account is switched off.
    #[error("the account of {0} is switched off; switch it on first")]
    Disabled(UserName),
    /// Somebody new would have the name of somebody who is known.
    #[error(
        "{0} has an account at this school already, which is not linked to the one that you came with. \
         Sign in with your password and link the two on the page Your account, or ask an administrator of \
         your school for a link"
    )]
    NotLinked(UserName),
    /// An account elsewhere belongs to somebody else.
    #[error(
        "that account is linked to another person at this school; unlink it there first, or choose \
         another account"
    )]
    OfAnother,
    /// Nobody could sign in any more.
    #[error(
        "{0} has no password and could not sign in any more; ask an administrator of your school for a link \
         to set one"
    )]
    OnlyWayIn(UserName),
    /// A link does not work.
    #[error(
        "this link does not work any more: it was used, has expired or was replaced; ask an \
         administrator of your school for a new one, or run: staffroom person link"
    )]
    NoLink,
    /// A name.
    #[error(transparent)]
    Name(#[from] PersonNameError),
    /// A password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] HomeError),
}

/// Everybody who may sign in.
#[derive(Debug)]
pub struct People {
    path: PathBuf,
    school: String,
    kept: Mutex<Kept>,
    sessions: Sessions,
    hasher: Hasher,
    attempts: Mutex<Attempts>,
}

impl People {
    /// Reads who may sign in at a school.
    ///
    /// # Errors
    /// [`HomeError`] where the file cannot be read or is damaged.
    pub(crate) fn open(home: &Home, school: &str) -> Result<Self, HomeError> {
        let path = home.people();
        Ok(Self {
            kept: Mutex::new(Kept::read(&path)?),
            path,
            school: school.to_owned(),
            sessions: Sessions::open(home.sessions()),
            hasher: Hasher::default(),
            attempts: Mutex::default(),
        })
    }

    /// Who is signed in.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Writes down what is only known here so far.
    pub(crate) fn keep(&self) {
        self.sessions.keep(Timestamp::now());
    }

    /// Everybody, by user name.
    pub(crate) fn all(&self) -> Vec<(UserName, Person)> {
        let kept = self.lock();
        kept.people.iter().map(|(name, person)| (name.clone(), person.clone())).collect()
    }

    /// One person.
    pub(crate) fn get(&self, name: &UserName) -> Option<Person> {
        self.lock().people.get(name).cloned()
    }

    /// Who may approve what colleagues want to share.
    pub(crate) fn approvers(&self) -> Vec<UserName> {
        let kept = self.lock();
        let may = |person: &Person| person.roles.contains(&Role::Approver) && !person.disabled;
        kept.people.iter().filter(|(_, one)| may(one)).map(|(name, _)| name.clone()).collect()
    }

    /// Adds a person, who can sign in once a link was made and used.
    pub(crate) fn add(
        &self,
        name: &UserName,
        display: &str,
        roles: Roles,
    ) -> Result<(), PeopleError> {
        let display = display_name(display)?;
        self.change(|kept| add(kept, name, display, roles))
    }

    /// Changes what colleagues read.
    pub(crate) fn rename(&self, name: &UserName, display: &str) -> Result<(), PeopleError> {
        let display = display_name(display)?;
        self.change(|kept| {
            person(kept, name)?.name = display;
            Ok(())
        })
    }

    /// Gives a person these roles in place of those before. Whoever is signed in as that person signs in
    /// again.
    pub(crate) fn set_roles(&self, name: &UserName, roles: Roles) -> Result<(), PeopleError> {
        self.change_access(name, |person| person.roles = roles)
    }

    /// Switches an account off, or on again.
    pub(crate) fn set_disabled(&self, name: &UserName, disabled: bool) -> Result<(), PeopleError> {
        self.change_access(name, |person| person.disabled = disabled)
    }

    fn change_access(
        &self,
        name: &UserName,
        change: impl FnOnce(&mut Person),
    ) -> Result<(), PeopleError> {
        self.change(|kept| {
            let had_administrator = administrator(kept).is_some();
            change(person(kept, name)?);
            if had_administrator && administrator(kept).is_none() {
                return Err(PeopleError::LastAdministrator(name.clone()));
            }
            if kept.people.get(name).is_some_and(|person| person.disabled) {
                kept.forget_links_to(name);
            }
            Ok(())
        })?;
        self.sessions.end_all(name, Timestamp::now());
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is kept; where it cannot be written, nothing changes. What stays as it was is not
    /// written again.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Kept) -> Result<T, PeopleError>,
    ) -> Result<T, PeopleError> {
        let mut kept = self.lock();
        let mut changed = kept.clone();
        let done = change(&mut changed)?;
        if changed != *kept {
            changed.write(&self.path)?;
            *kept = changed;
        }
        Ok(done)
    }
}

fn add(kept: &mut Kept, name: &UserName, display: String, roles: Roles) -> Result<(), PeopleError> {
    if kept.people.contains_key(name) {
        return Err(PeopleError::Exists(name.clone()));
    }
    if kept.people.len() >= MAX_PEOPLE {
        return Err(PeopleError::TooMany);
    }
    kept.people.insert(name.clone(), Person::new(display, roles, Timestamp::now()));
    Ok(())
}

fn person<'a>(kept: &'a mut Kept, name: &UserName) -> Result<&'a mut Person, PeopleError> {
    kept.people.get_mut(name).ok_or_else(|| PeopleError::Unknown(name.to_string()))
}

/// Somebody who can sign in and looks after people.
fn administrator(kept: &Kept) -> Option<&UserName> {
    let mut people = kept.people.iter();
    let found = people.find(|(_, person)| {
        person.roles.contains(&Role::Administrator) && person.has_password() && !person.disabled
    });
    found.map(|(name, _)| name)
}

#[cfg(test)]
mod tests;

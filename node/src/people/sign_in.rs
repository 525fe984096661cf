//! Signing in with a password, and changing it.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::name::UserName;
use super::password::{self, PasswordError};
use super::secret::Secret;
use super::{People, PeopleError, person};
use crate::clock::now_millis;

/// Somebody who wants to sign in.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// As it was typed.
    pub(crate) user_name: String,
    pub(crate) password: Zeroizing<String>,
    pub(crate) address: IpAddr,
}

/// Why somebody is not signed in. What is said is the same whether the account exists or not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("The user name or the password is wrong.")]
    Wrong,
    #[error(
        "There were too many attempts that failed. Wait {} before you try again, or ask an \
         administrator of your school for a new link.",
        minutes(*.0)
    )]
    Wait(Duration),
    #[error("Too many people are signing in at once. Try again in a few seconds.")]
    Busy,
    #[error("{0}")]
    Failed(PeopleError),
}

fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

impl From<PasswordError> for SignInError {
    fn from(error: PasswordError) -> Self {
        if error == PasswordError::Busy { Self::Busy } else { Self::Failed(error.into()) }
    }
}

impl People {
    /// Who signs in. Nothing is started by that yet.
    pub(crate) async fn sign_in(&self, sign_in: SignIn) -> Result<UserName, SignInError> {
        let SignIn { user_name, password, address } = sign_in;
        let name = user_name.parse::<UserName>().ok();
        let account = name.as_ref().map_or(user_name.trim(), UserName::as_str);
        // Names that nobody can have are counted as one.
        let account = if name.is_some() { account.to_owned() } else { String::new() };
        // Many at once wait for their turn, and are counted one after the other.
        let turn = self.hasher.turn().await?;
        let attempt = self.attempts().begin(account, address, now_millis());
        let attempt = attempt.map_err(SignInError::Wait)?;
        let known = name.as_ref().and_then(|name| self.get(name));
        let hash = known.filter(|person| !person.disabled).and_then(|person| person.password);
        match turn.verify(password, hash).await {
            Err(error) => {
                self.attempts().withdrawn(attempt);
                Err(error.into())
            }
            Ok(false) => Err(SignInError::Wrong),
            Ok(true) => {
                self.attempts().succeeded(attempt);
                name.ok_or(SignInError::Wrong)
            }
        }
    }

    /// Starts a session of somebody who signed in.
    pub(crate) fn start_session(
        &self,
        name: &UserName,
        own_computer: bool,
        address: IpAddr,
    ) -> Result<Secret, PeopleError> {
        let now = Timestamp::now();
        self.change(|kept| {
            let person = person(kept, name)?;
            // It may have been switched off while the password was worked out.
            if person.disabled {
                return Err(PeopleError::Disabled(name.clone()));
            }
            person.last_sign_in = Some(now);
            Ok(())
        })?;
        Ok(self.sessions.start(name.clone(), own_computer, address, now)?)
    }

    /// Changes a person's password, who must know the one before. All sessions of the person end.
    pub(crate) async fn change_password(
        &self,
        name: &UserName,
        before: Zeroizing<String>,
        password: Zeroizing<String>,
        address: IpAddr,
    ) -> Result<(), SignInError> {
        let known = self.get(name).ok_or(SignInError::Wrong)?;
        let names = [name.as_str(), &self.school, &known.name];
        password::check(&password, &names)?;
        let user_name = name.to_string();
        self.sign_in(SignIn { user_name, password: before, address }).await?;
        let hash = self.hasher.turn().await?.hash(password).await?;
        let changed = self.change(|kept| {
            kept.forget_links_to(name);
            person(kept, name)?.password = Some(hash);
            Ok(())
        });
        changed.map_err(SignInError::Failed)?;
        self.sessions.end_all(name, Timestamp::now());
        Ok(())
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, super::Attempts> {
        self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! A provider at which staff have accounts already, such as Microsoft or Google: signing in with these, by
//! OpenID Connect.
//!
//! Somebody is sent to the provider ([`Provider::begin`]) and comes back with a code, for which the provider
//! gives this node a signed word of who it is ([`Provider::finish`]). Nothing that the browser carries is
//! believed.

mod asked;
mod begun;
mod known;
mod settings;
mod told;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use openidconnect::url::Url;
use openidconnect::{PkceCodeChallenge, RedirectUrl};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::home::{Home, HomeError, private_json};
use crate::people::{Secret, SecretHash};

pub(crate) use self::begun::{LONGEST, Purpose};
pub(crate) use self::told::{Stranger, Told};

pub use self::settings::{ProviderSettings, RoleClaim, SettingsError, Staff};

use self::begun::{Begun, Waiting};
use self::known::Known;
use self::settings::Kept;

/// Conversations with the provider at a time: each holds a thread for as long as the provider takes, and
/// thirty people who sign in within a minute need two.
const AT_ONCE: usize = 8;

/// How long somebody waits for a turn: if the provider is that slow, it is better to hear it.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Why nobody is signed in with an account of the provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// Nothing was set.
    #[error("Signing in with an account of another service is not set up at this school.")]
    NotSet,
    /// Too many at once.
    #[error("Too many people are signing in at once. Try again in a few seconds.")]
    Busy,
    /// Nothing was begun in this browser, or it was used or is too old.
    #[error(
        "This sign-in was not begun in this browser, or longer than {} minutes ago, or it was used \
         already. Begin again.",
        LONGEST.as_secs() / 60
    )]
    NotBegun,
    /// The person turned back, or the provider did.
    #[error(
        "You were not signed in at {name}. Begin again, or tell your technician that {name} answered \
         {code:?}."
    )]
    TurnedBack {
        /// The provider.
        name: String,
        /// The word that it answered.
        code: String,
    },
    /// The provider does not do what it should. What it is, stands in the log.
    #[error(
        "{name} cannot be asked who you are at the moment. Try again later. Tell your technician: \
         {what}; more is in the log of the node."
    )]
    Provider {
        /// The provider.
        name: String,
        /// What is in the way, without what the provider said.
        what: &'static str,
    },
    /// The person is none of the school's.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// Settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The provider does not answer as one, with what is in the way: for the technician who sets it up.
    #[error("{issuer} cannot be used to sign in: {reason}")]
    Unusable {
        /// The address that was given.
        issuer: String,
        /// What is in the way.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] HomeError),
}

/// What somebody comes back with, in the address.
#[derive(Debug, Clone, Default)]
pub(crate) struct CameBack {
    pub(crate) state: String,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) issuer: Option<String>,
}

/// The provider that a school has set, if it has.
#[derive(Debug)]
pub(crate) struct Provider {
    path: PathBuf,
    kept: RwLock<Option<Arc<Kept>>>,
    /// What it has published, when that was last asked.
    known: Mutex<Option<Arc<Known>>>,
    waiting: Waiting,
    turns: Arc<Semaphore>,
}

impl Provider {
    /// Reads what was set.
    pub(crate) fn open(home: &Home) -> Self {
        let path = home.provider();
        Self {
            kept: RwLock::new(Kept::read(&path).map(Arc::new)),
            path,
            known: Mutex::default(),
            waiting: Waiting::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Waits until there may be one more conversation with the provider, which lasts for as long as what is
    /// returned is held.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, ProviderError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(LONGEST_WAIT, turn).await;
        turn.ok().and_then(Result::ok).ok_or(ProviderError::Busy)
    }

    fn kept(&self) -> Result<Arc<Kept>, ProviderError> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.clone().ok_or(ProviderError::NotSet)
    }

    /// What was set, but for the secret.
    pub(crate) fn settings(&self) -> Option<ProviderSettings> {
        self.kept().ok().map(|kept| kept.settings.clone())
    }

    /// Where people end their session at the provider, if it was asked lately and has such a page.
    pub(crate) fn sign_out_page(&self) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().and_then(|known| known.sign_out_page())
    }

    /// Sets the provider, once it was asked for what it publishes and answered as it should.
    pub(crate) fn set(
        &self,
        settings: ProviderSettings,
        client_secret: String,
    ) -> Result<(), ProviderError> {
        let kept = Kept::new(settings, client_secret)?;
        let known = Known::ask(&kept).map_err(|error| ProviderError::Unusable {
            issuer: kept.settings.issuer.clone(),
            reason: error.to_string(),
        })?;
        kept.write(&self.path)?;
        self.hold(Some(kept), Some(known));
        Ok(())
    }

    /// Forgets the provider: nobody signs in with it from now on.
    pub(crate) fn forget(&self) -> Result<(), ProviderError> {
        private_json::remove(&self.path)?;
        self.hold(None, None);
        Ok(())
    }

    /// Whoever is under way to the provider before begins again.
    fn hold(&self, kept: Option<Kept>, known: Option<Known>) {
        self.waiting.clear();
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = kept.map(Arc::new);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known.map(Arc::new);
    }

    /// What the provider publishes: as it was asked lately, or where `again` says of something held that it
    /// will not do, anew.
    fn known(
        &self,
        kept: &Kept,
        again: impl Fn(&Known) -> bool,
    ) -> Result<Arc<Known>, ProviderError> {
        let held = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(held) = held.filter(|held| held.is_of(&kept.settings.issuer) && !again(held)) {
            return Ok(held);
        }
        let known = Known::ask(kept).map_err(|error| error.told(&kept.settings.name))?;
        let known = Arc::new(known);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }

    /// Begins a sign-in: where the browser is to go, and the secret that it is to keep meanwhile. `pages` is
    /// where staff find the pages, and where the provider sends them back to.
    pub(crate) fn begin(
        &self,
        pages: &str,
        purpose: Purpose,
    ) -> Result<(Url, Secret), ProviderError> {
        let kept = self.kept()?;
        let known = self.known(&kept, Known::is_old)?;
        let given = redirect_address(pages);
        let redirect = RedirectUrl::new(given.clone())
            .map_err(|wrong| SettingsError::address(given, wrong))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = known.address(&kept, &redirect, challenge);
        let browser = Secret::new()?;
        let begun = Begun { purpose, state, nonce, verifier, redirect, at: Instant::now() };
        self.waiting.add(browser.hash(), begun);
        Ok((address, browser))
    }

    /// Ends a sign-in: what it was for, and who it is. `browser` is the secret that the browser kept.
    pub(crate) fn finish(
        &self,
        browser: &str,
        back: CameBack,
    ) -> Result<(Purpose, Told), ProviderError> {
        let kept = self.kept()?;
        let begun = self.waiting.take(&SecretHash::of(browser), &back.state, Instant::now());
        let Begun { purpose, nonce, verifier, redirect, .. } =
            begun.ok_or(ProviderError::NotBegun)?;
        let name = &kept.settings.name;
        let code = match (back.code, back.error) {
            (Some(code), None) => code,
            (_, error) => return Err(turned_back(name, error)),
        };
        // Another provider's answer (RFC 9207).
        if back.issuer.is_some_and(|issuer| issuer != kept.settings.issuer) {
            return Err(ProviderError::Provider {
                name: name.clone(),
                what: known::ANOTHER_ISSUER,
            });
        }
        let known = self.known(&kept, |_| false)?;
        let token =
            known.token(&kept, code, verifier, &redirect).map_err(|error| error.told(name))?;
        let claims = match known.claims(&kept, &token, &nonce) {
            // Providers change their keys: one that is not known may have come since they were asked.
            Err(error) if error.is_unknown_key() => {
                let known = self.known(&kept, Known::may_have_new_keys)?;
                known.claims(&kept, &token, &nonce)
            }
            judged => judged,
        };
        let claims = claims.map_err(|error| error.told(name))?;
        Ok((purpose, told::judge(&kept.settings, &claims)?))
    }
}

/// Where the provider sends people back to.
pub(crate) fn redirect_address(pages: &str) -> String {
    format!("{pages}sign-in/return")
}

/// The word of an error is the provider's, or of whoever made the address: a word of the few characters that
/// RFC 6749 has in them is shown.
fn turned_back(name: &str, error: Option<String>) -> ProviderError {
    const MAX_CODE_CHARS: usize = 40;
    let code = error.unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let code = code.chars().filter(|c| is_word(*c)).take(MAX_CODE_CHARS).collect();
    ProviderError::TurnedBack { name: name.to_owned(), code }
}

#[cfg(test)]
mod tests;

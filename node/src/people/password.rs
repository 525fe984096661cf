//! Passwords: which are taken, how they are kept, and that few are worked out at once.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// OWASP ASVS 5.0, 6.2: at least 8 and better 15 for people without a second factor; three short words
/// are easy to keep in mind. At most 128, so that nobody sends a book to be hashed.
pub(super) const MIN_PASSWORD_CHARS: usize = 12;
/// See [`MIN_PASSWORD_CHARS`].
pub(super) const MAX_PASSWORD_CHARS: usize = 128;

/// OWASP's least for Argon2id: 19 MiB and two passes, some 20 ms on a school's server.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at once: the memory and the cores are for searches first.
const AT_ONCE: usize = 2;

/// Those that may wait for their turn: a staff meeting that signs in together. They are done in about
/// two seconds; beyond that somebody floods.
const WAITING: usize = 100;

/// Passwords of twelve characters and more that people choose most, one a line, in lower case.
const COMMON: &str = include_str!("../../data/common-passwords.txt");

/// Why a password is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few or too many characters.
    #[error(
        "the password has {0} characters and must have {MIN_PASSWORD_CHARS} to \
         {MAX_PASSWORD_CHARS}; three or four random words are easy to keep in mind"
    )]
    Length(usize),
    /// Many people choose it.
    #[error("the password is one that many people choose; use three or four random words")]
    Common,
    /// It is a name that everybody knows.
    #[error("the password is a name of yours or of the school; use three or four random words")]
    Name,
    /// It was typed differently the second time.
    #[error("the two passwords are not the same; type the same one twice")]
    Differ,
    /// Too many are being worked out.
    #[error("too many people are signing in at once; try again in a few seconds")]
    Busy,
    /// The machine could not work it out.
    #[error(
        "the password could not be worked out: {0}; try again when the machine has more memory"
    )]
    Failed(String),
}

/// Says whether a password may be set. `names` are what it must not be.
pub(super) fn check(password: &str, names: &[&str]) -> Result<(), PasswordError> {
    let length = password.chars().count();
    if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&length) {
        return Err(PasswordError::Length(length));
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    if COMMON.lines().any(|one| one == lower) || lower.chars().all(|c| Some(c) == first) {
        return Err(PasswordError::Common);
    }
    let letters = letters_of(password);
    if names.iter().any(|name| !letters.is_empty() && letters_of(name) == letters) {
        return Err(PasswordError::Name);
    }
    Ok(())
}

/// Letters alone, so that a name with a year behind it is still that name.
fn letters_of(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect()
}

/// Works out passwords, a few at a time.
#[derive(Debug)]
pub(super) struct Hasher {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        let with = |places| Arc::new(Semaphore::new(places));
        Self { working: with(AT_ONCE), waiting: with(AT_ONCE + WAITING) }
    }
}

impl Hasher {
    /// Waits until one more may be worked out.
    pub(super) async fn turn(&self) -> Result<Turn, PasswordError> {
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let place = place.map_err(|_| PasswordError::Busy)?;
        let working = Arc::clone(&self.working).acquire_owned().await;
        let working = working.map_err(|_| PasswordError::Busy)?;
        Ok(Turn { _place: place, _working: working })
    }
}

/// Somebody's turn to have a password worked out. It lasts until that is done, even where whoever asked for
/// it has gone.
#[derive(Debug)]
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    _working: OwnedSemaphorePermit,
}

impl Turn {
    /// The hash of a new password, as a PHC string.
    pub(super) async fn hash(self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        self.spend(move || hash(&password)).await?
    }

    /// Whether a password is the one of a hash. Without one as much work is done, so that the time says
    /// nothing of who has an account.
    pub(super) async fn verify(
        self,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.spend(move || {
            let known = hash.as_deref();
            let tried = known.or(nobodys_hash());
            tried.is_some_and(|tried| is_right(&password, tried)) && known.is_some()
        })
        .await
    }

    async fn spend<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let done = tokio::task::spawn_blocking(move || {
            let _turn = self;
            work()
        });
        done.await.map_err(|_| PasswordError::Failed("the node is stopping".to_owned()))
    }
}

fn argon2id() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash = argon2id()?
        .hash_password(password.as_bytes())
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(hash.to_string())
}

fn is_right(password: &str, hash: &str) -> bool {
    // A longer one was never set, and is not worth hashing.
    let length = password.chars().count();
    let password = if length > MAX_PASSWORD_CHARS { "" } else { password };
    let (Ok(hash), Ok(argon2id)) = (PasswordHash::new(hash), argon2id()) else { return false };
    argon2id.verify_password(password.as_bytes(), &hash).is_ok()
}

/// A hash that costs as much to try as any other.
fn nobodys_hash() -> Option<&'static str> {
    static HASH: OnceLock<Option<String>> = OnceLock::new();
    HASH.get_or_init(|| hash("nobody has this password").ok()).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_neither_common_nor_a_name() {
        let names = ["reading.lead@alder.example", "Alder Lane Primary"];
        for (given, wrong) in [
            ("elevenchars", PasswordError::Length(11)),
            (&*"x".repeat(129), PasswordError::Length(129)),
            ("PASSWORD1234", PasswordError::Common),
            ("zzzzzzzzzzzzzz", PasswordError::Common),
            ("alderlaneprimary2026", PasswordError::Name),
            ("Reading.Lead@alder.example!", PasswordError::Name),
        ] {
            assert_eq!(check(given, &names), Err(wrong), "{given}");
        }
        for given in ["three short words", "пароль для чтения", "927461850374", "a b c d e f g"]
        {
            assert_eq!(check(given, &names), Ok(()), "{given}");
        }
        assert!(COMMON.lines().all(|one| one.chars().count() >= MIN_PASSWORD_CHARS));
    }

    #[tokio::test]
    async fn a_hash_is_a_phc_string_with_its_costs_and_opens_with_its_password_alone() {
        let hasher = Hasher::default();
        let hash = async || {
            let turn = hasher.turn().await.unwrap();
            turn.hash("three short words".to_owned().into()).await.unwrap()
        };
        let (hash, other) = (hash().await, hash().await);
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, other);
        let right = async |password: &str, hash: Option<&String>| {
            let turn = hasher.turn().await.unwrap();
            turn.verify(password.to_owned().into(), hash.cloned()).await.unwrap()
        };
        assert!(right("three short words", Some(&hash)).await);
        assert!(!right("three short word", Some(&hash)).await);
        assert!(!right("nobody has this password", None).await);
        assert!(!right("anything", Some(&"damaged".to_owned())).await);
    }

    #[tokio::test]
    async fn a_flood_is_told_to_come_again() {
        let hasher = Hasher::default();
        let _all = hasher.waiting.try_acquire_many((AT_ONCE + WAITING) as u32).unwrap();
        assert_eq!(hasher.turn().await.unwrap_err(), PasswordError::Busy);
    }
}

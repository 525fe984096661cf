//! Asking for the passphrase of the school's key.

use std::io::IsTerminal;

use console::Term;
use zeroize::Zeroizing;

use crate::home::{HomeError, Lock};

/// The environment variable that is read in place of asking.
const VARIABLE: &str = "STAFFROOM_PASSPHRASE";

/// A passphrase that is to be used from now on; typed twice, since it is not seen.
pub(super) fn chosen() -> anyhow::Result<Lock> {
    if let Ok(words) = std::env::var(VARIABLE) {
        return Ok(Lock::passphrase(words)?);
    }
    let term = Term::stderr();
    let once = typed(&term, "Passphrase for the school's key: ")?;
    let lock = Lock::passphrase(once.to_string())?;
    anyhow::ensure!(
        *once == *typed(&term, "The same again: ")?,
        "the two are not the same; nothing was set up"
    );
    Ok(lock)
}

/// The passphrase that the school's key is locked with; none where there is nobody to ask.
pub(super) fn known() -> anyhow::Result<Option<Zeroizing<String>>> {
    if let Ok(words) = std::env::var(VARIABLE) {
        return Ok(Some(Zeroizing::new(words)));
    }
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    typed(&Term::stderr(), "Passphrase of the school's key: ").map(Some)
}

fn typed(term: &Term, question: &str) -> anyhow::Result<Zeroizing<String>> {
    term.write_str(question)?;
    Ok(Zeroizing::new(term.read_secure_line()?))
}

/// Does what needs the school's key, asking for the passphrase where one is needed.
pub(super) fn unlocked<T>(
    work: impl Fn(Option<&str>) -> Result<T, HomeError>,
) -> anyhow::Result<T> {
    match work(None) {
        Err(HomeError::Locked) => {
            let passphrase = known()?;
            Ok(work(passphrase.as_ref().map(|words| words.as_str()))?)
        }
        other => Ok(other?),
    }
}

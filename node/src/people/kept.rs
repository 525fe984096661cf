//! The file of people: who they are, the links that let them in, and their tokens.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::looked::Looked;
use super::name::UserName;
use super::role::Roles;
use super::secret::SecretHash;
use super::token::PersonalToken;
use super::weekly::Wanted;
use crate::home::{HomeError, private_json};

/// The shape of the file. A file of a later one is refused: it may hold rules that this program would
/// not keep.
const VERSION: u32 = 1;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u32,
    pub(super) people: BTreeMap<UserName, Person>,
    pub(super) links: BTreeMap<SecretHash, Link>,
}

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// As colleagues read it.
    pub(crate) name: String,
    pub(crate) roles: Roles,
    /// The hash of the password, a PHC string; none until the person has set one.
    pub(super) password: Option<String>,
    /// The account elsewhere with which the person signs in as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
    pub(crate) disabled: bool,
    pub(crate) added: Timestamp,
    pub(crate) last_sign_in: Option<Timestamp>,
    pub(super) tokens: BTreeMap<SecretHash, PersonalToken>,
    /// Up to where the person has seen what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) looked: Option<Looked>,
    /// What the person is told each week by e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weekly: Option<Wanted>,
}

impl Person {
    pub(super) fn new(name: String, roles: Roles, added: Timestamp) -> Self {
        Self {
            name,
            roles,
            password: None,
            account: None,
            disabled: false,
            added,
            last_sign_in: None,
            tokens: BTreeMap::new(),
            looked: None,
            weekly: None,
        }
    }

    /// Whether the person has set a password.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some()
    }
}

/// A link with which a person sets a password, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// Whose password; none for the first administrator, who chooses a name with it.
    pub(super) whom: Option<UserName>,
    pub(super) expires: Timestamp,
}

impl Kept {
    /// Reads the file; nobody where there is none.
    ///
    /// # Errors
    /// [`HomeError`] where it cannot be read or is damaged: to go on without it would let nobody in, and
    /// to begin anew would forget who was shut out.
    pub(super) fn read(path: &Path) -> Result<Self, HomeError> {
        let damaged = |reason: String| HomeError::Damaged { path: path.to_path_buf(), reason };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(HomeError::File { path: path.to_path_buf(), error }),
        };
        let kept: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if kept.version != VERSION {
            let reason = format!(
                "it is of version {} and this program reads {VERSION}; use the program that wrote it",
                kept.version
            );
            return Err(damaged(reason));
        }
        Ok(kept)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), HomeError> {
        private_json::write(path, self)
    }

    /// Forgets links that let nobody in by now.
    pub(super) fn forget_old_links(&mut self, now: Timestamp) {
        self.links.retain(|_, link| link.expires > now);
    }

    /// Forgets the links to a person.
    pub(super) fn forget_links_to(&mut self, name: &UserName) {
        self.links.retain(|_, link| link.whom.as_ref() != Some(name));
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { version: VERSION, people: BTreeMap::new(), links: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::role::Role;
    use super::*;

    /// As the first version writes it: later ones must read it.
    const FIRST: &str = r#"{
  "version": 1,
  "people": {
    "head@alder.example": {
      "name": "The headteacher",
      "roles": ["reader", "data_protection"],
      "password": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
      "disabled": false,
      "added": "2026-09-01T08:00:00Z",
      "last_sign_in": null,
      "tokens": {}
    }
  },
  "links": { "00ff": { "whom": "head@alder.example", "expires": "2026-09-04T08:00:00Z" } }
}"#;

    #[test]
    fn the_file_is_read_back_private_and_never_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.json");
        assert_eq!(Kept::read(&path).unwrap(), Kept::default());
        fs::write(&path, FIRST).unwrap();
        let kept = Kept::read(&path).unwrap();
        let head = &kept.people[&"head@alder.example".parse().unwrap()];
        assert_eq!(head.roles, [Role::Reader, Role::DataProtection].into());
        kept.write(&path).unwrap();
        assert_eq!(Kept::read(&path).unwrap(), kept);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for (damaged, said) in [("{", "is damaged"), (&FIRST.replace(": 1,", ": 2,"), "version 2")]
        {
            fs::write(&path, damaged).unwrap();
            let error = Kept::read(&path).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("people.json"), "{error}");
        }
    }
}

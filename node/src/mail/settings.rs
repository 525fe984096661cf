//! By which server e-mail is sent, as whom, and to whom.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use lettre::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::MailError;
use crate::home::{HomeError, private_json};

/// The longest name of a server (RFC 1035) or of a user there.
const MAX_NAME_CHARS: usize = 253;

/// The longest password.
const MAX_PASSWORD_CHARS: usize = 500;

/// Domains of e-mail addresses: a trust's and those of its schools.
const MAX_DOMAINS: usize = 100;

/// What is known of a mail server, but for the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The host name of the server, or its address.
    pub server: String,
    /// The port: 587 for STARTTLS, 465 for TLS, as a rule.
    pub port: u16,
    /// How letters are protected on their way to the server.
    pub encryption: Encryption,
    /// The user name at the server; none where it takes letters from this machine as they are.
    pub user: Option<String>,
    /// The address that letters come from.
    pub from: String,
    /// The domains of the e-mail addresses of staff: nobody else is written to.
    pub domains: Vec<String>,
}

/// How letters are protected on their way to the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// The connection begins in the clear and must go over to TLS.
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// None: for a server on this machine alone.
    None,
}

/// Why settings cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Something is empty, too long, or has white space or control characters in it.
    #[error("the {what} is {given:?}; give 1 to {most} characters without spaces")]
    Word {
        /// What.
        what: &'static str,
        /// What was given.
        given: String,
        /// How many characters it may have.
        most: usize,
    },
    /// The password is empty or too long. It is not shown.
    #[error("the password has {found} characters and must have 1 to {most}")]
    Password {
        /// How many characters it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// There is no port 0.
    #[error("0 is not a port; give the one of your mail server, such as 587")]
    Port,
    /// What is sent could be read on the way.
    #[error(
        "e-mail to {0} would travel in the clear, and its password with it; take starttls or tls, or a \
         mail server on this machine"
    )]
    NotEncrypted(String),
    /// A user without a password, or a password without a user.
    #[error("give both a user and a password for the mail server, or neither")]
    HalfOfCredentials,
    /// Not an address.
    #[error("{0:?} is not an e-mail address; give one such as staffroom@alder.example")]
    From(String),
    /// There is no domain, or there are too many.
    #[error("there are {found} domains of staff; give 1 to {most}: nobody else is written to")]
    Domains {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// Not the domain of an e-mail address.
    #[error(
        "{0:?} is not the domain of an e-mail address; give what stands behind the @, such as \
         alder.example"
    )]
    Domain(String),
}

/// A password, which is not shown where it is debugged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Password(pub(super) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Settings that can be used, with the password that belongs to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) settings: MailSettings,
    pub(super) password: Option<Password>,
}

impl Kept {
    /// Takes settings that can be used.
    pub(super) fn new(
        mut settings: MailSettings,
        password: Option<String>,
    ) -> Result<Self, SettingsError> {
        word(&settings.server, "mail server")?;
        if settings.port == 0 {
            return Err(SettingsError::Port);
        }
        if settings.encryption == Encryption::None && !is_of_this_machine(&settings.server) {
            return Err(SettingsError::NotEncrypted(settings.server));
        }
        if settings.user.is_some() != password.is_some() {
            return Err(SettingsError::HalfOfCredentials);
        }
        if let Some(user) = &settings.user {
            word(user, "user")?;
        }
        if let Some(password) = &password {
            let found = password.chars().count();
            if !(1..=MAX_PASSWORD_CHARS).contains(&found) {
                return Err(SettingsError::Password { found, most: MAX_PASSWORD_CHARS });
            }
        }
        settings.sender()?;
        let found = settings.domains.len();
        if !(1..=MAX_DOMAINS).contains(&found) {
            return Err(SettingsError::Domains { found, most: MAX_DOMAINS });
        }
        for domain in &mut settings.domains {
            *domain = domain.to_ascii_lowercase();
        }
        // An address at it says whether it is one.
        let wrong =
            settings.domains.iter().find(|one| Address::new("staff", one.as_str()).is_err());
        if let Some(wrong) = wrong {
            return Err(SettingsError::Domain(wrong.clone()));
        }
        Ok(Self { settings, password: password.map(Password) })
    }

    /// Reads what was set; none if nothing was, or if it cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        private_json::read(path, "staffroom mail set")
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), HomeError> {
        private_json::write(path, self)
    }
}

impl MailSettings {
    /// The address that letters come from.
    pub(super) fn sender(&self) -> Result<Address, SettingsError> {
        self.from.parse().map_err(|_| SettingsError::From(self.from.clone()))
    }

    /// Whether it is the address of somebody of the school's staff, who may be written to.
    pub(crate) fn is_staff(&self, given: &str) -> bool {
        self.staff(given).is_ok()
    }

    /// The address of somebody of the school's staff.
    pub(super) fn staff(&self, given: &str) -> Result<Address, MailError> {
        let address = given.trim().parse::<Address>().ok();
        let is_staff = |address: &Address| {
            self.domains.iter().any(|domain| address.domain().eq_ignore_ascii_case(domain))
        };
        address
            .filter(is_staff)
            .ok_or_else(|| MailError::To { given: given.to_owned(), domains: self.domains.clone() })
    }
}

fn word(given: &str, what: &'static str) -> Result<(), SettingsError> {
    let is_word = !given.is_empty()
        && given.chars().count() <= MAX_NAME_CHARS
        && !given.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_word {
        Ok(())
    } else {
        let given = given.chars().take(MAX_NAME_CHARS).collect();
        Err(SettingsError::Word { what, given, most: MAX_NAME_CHARS })
    }
}

/// Whether a server is on this machine, to which nobody listens on the way.
fn is_of_this_machine(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn settings() -> MailSettings {
        MailSettings {
            server: "smtp.alder.example".to_owned(),
            port: 587,
            encryption: Encryption::Starttls,
            user: Some("staffroom".to_owned()),
            from: "staffroom@alder.example".to_owned(),
            domains: vec!["Alder.example".to_owned()],
        }
    }

    fn kept(change: impl FnOnce(&mut MailSettings)) -> Result<Kept, SettingsError> {
        let mut settings = settings();
        change(&mut settings);
        let password = settings.user.is_some().then(|| "a secret".to_owned());
        Kept::new(settings, password)
    }

    #[test]
    fn settings_that_send_in_the_clear_or_to_everybody_are_refused() {
        assert!(kept(|_| {}).is_ok());
        let clear = |server: &str| {
            kept(|one| {
                one.encryption = Encryption::None;
                one.server = server.to_owned();
            })
        };
        for here in ["localhost", "127.0.0.1", "::1"] {
            assert!(clear(here).is_ok(), "{here}");
        }
        for there in ["smtp.alder.example", "127.0.0.1.example", "10.0.0.1"] {
            assert_eq!(clear(there), Err(SettingsError::NotEncrypted(there.to_owned())));
        }
        let none = kept(|one| one.domains.clear());
        assert_eq!(none, Err(SettingsError::Domains { found: 0, most: MAX_DOMAINS }));
        for wrong in ["head@alder.example", "alder example", "", "-.example"] {
            let found = kept(|one| one.domains.push(wrong.to_owned()));
            assert_eq!(found, Err(SettingsError::Domain(wrong.to_owned())));
        }
        for wrong in ["staffroom", "a@b@c", "a\r\nBcc: x@y.example"] {
            let found = kept(|one| one.from = wrong.to_owned());
            assert_eq!(found, Err(SettingsError::From(wrong.to_owned())));
        }
        for wrong in ["", "smtp alder", "smtp\n"] {
            let found = kept(|one| one.server = wrong.to_owned());
            assert!(matches!(found, Err(SettingsError::Word { .. })), "{found:?}");
        }
        assert_eq!(kept(|one| one.port = 0), Err(SettingsError::Port));
        assert_eq!(Kept::new(settings(), None), Err(SettingsError::HalfOfCredentials));
        let empty = Kept::new(settings(), Some(String::new()));
        assert!(matches!(empty, Err(SettingsError::Password { found: 0, .. })));
    }

    #[test]
    fn only_staff_are_written_to() {
        let settings = kept(|_| {}).unwrap().settings;
        for staff in ["head@alder.example", " head@ALDER.example "] {
            assert!(settings.staff(staff).is_ok(), "{staff}");
        }
        let others = [
            "head@alder.example.org",
            "head@mail.alder.example",
            "head",
            "alder.example",
            "a@b.example,head@alder.example",
            "head@alder.example\r\nBcc: a@b.example",
            "",
        ];
        for other in others {
            let refused = settings.staff(other).unwrap_err();
            assert!(matches!(refused, MailError::To { .. }), "{other}: {refused}");
        }
    }

    #[test]
    fn what_is_kept_is_private_and_shows_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.json");
        assert!(Kept::read(&path).is_none());
        let kept = kept(|_| {}).unwrap();
        kept.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Kept::read(&path).as_ref(), Some(&kept));
        assert!(!format!("{kept:?}").contains("a secret"), "logs show what is debugged");
        fs::write(&path, "{").unwrap();
        assert!(Kept::read(&path).is_none());
    }
}

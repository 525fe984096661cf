//! Which provider of accounts a school uses, who of its people belong to the school, and what they may do.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use openidconnect::ClientSecret;
use openidconnect::url::{Host, Url};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::home::{HomeError, private_json};
use crate::people::Roles;

/// The longest name of a provider: it stands on a button.
const MAX_NAME_CHARS: usize = 40;

/// The longest id, secret or name of a claim: those of Microsoft and Google have fewer than 100.
const MAX_WORD_CHARS: usize = 500;

/// Domains of e-mail addresses: a trust's and those of its schools.
const MAX_DOMAINS: usize = 100;

/// Values of a claim that give roles.
const MAX_VALUES: usize = 200;

/// What is known of a provider, but for the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What people call their account: "Microsoft".
    pub name: String,
    /// The address under which the provider is known and publishes its settings.
    pub issuer: String,
    /// What the provider calls this node.
    pub client_id: String,
    /// Who of the people that have an account there may come in.
    pub staff: Staff,
    /// What whoever comes may do.
    pub roles: Roles,
    /// What a claim of the provider adds to that; none where people here decide it.
    pub role_claim: Option<RoleClaim>,
}

/// How it is known that an account is one of the school's staff. Without a rule everybody with any account
/// of the provider could come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Staff {
    /// By the domain of an e-mail address that the provider has verified.
    EmailDomains(Vec<String>),
    /// By the organisation at Google: the claim `hd`.
    HostedDomains(Vec<String>),
    /// By the directory at Microsoft, which verifies no e-mail addresses: the claim `tid`.
    Tenant(String),
}

/// Roles that follow what the provider says, at each sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleClaim {
    /// The claim, such as `roles` or `groups`.
    pub claim: String,
    /// The roles that a value of it gives.
    pub gives: BTreeMap<String, Roles>,
}

/// Why settings cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Something is empty or too long.
    #[error("the {what} has {found} characters and must have 1 to {most}")]
    Length {
        /// What.
        what: &'static str,
        /// How many characters it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// Something has a line break or another control character.
    #[error("the {0} has a line break or another control character; leave that out")]
    Control(&'static str),
    /// No address.
    #[error("{given:?} is no address ({reason}); give one such as https://accounts.google.com")]
    Address {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is sent there could be read on the way.
    #[error(
        "{0} is not encrypted: secrets would travel in the clear; give an address that begins with \
         https://"
    )]
    NotEncrypted(String),
    /// There is no rule for who belongs to the school.
    #[error(
        "it is not said who belongs to the school, and everybody with an account of the provider could \
         sign in; give a domain or a tenant"
    )]
    Everybody,
    /// There are too many of something.
    #[error("there are {found} {what}, and may be {most}")]
    TooMany {
        /// What.
        what: &'static str,
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
    /// Not the id of a directory.
    #[error(
        "{0:?} is not the id of a directory; give the 36 characters that Microsoft calls the directory \
         (tenant) ID, not the name"
    )]
    Tenant(String),
    /// A claim gives no roles.
    #[error("the claim {0:?} gives no roles; say which value of it gives which role")]
    NoRoles(String),
}

impl SettingsError {
    pub(crate) fn address(given: impl Into<String>, wrong: impl fmt::Display) -> Self {
        Self::Address { given: given.into(), reason: wrong.to_string() }
    }
}

/// Settings that can be used, with the secret that belongs to them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) settings: ProviderSettings,
    pub(super) client_secret: ClientSecret,
}

impl Kept {
    /// Takes settings that can be used.
    pub(super) fn new(
        settings: ProviderSettings,
        client_secret: String,
    ) -> Result<Self, SettingsError> {
        word(&settings.name, "name of the provider", MAX_NAME_CHARS)?;
        word(&settings.client_id, "client id", MAX_WORD_CHARS)?;
        word(&client_secret, "client secret", MAX_WORD_CHARS)?;
        let issuer = Url::parse(&settings.issuer)
            .map_err(|wrong| SettingsError::address(&settings.issuer, wrong))?;
        is_encrypted(&issuer)?;
        settings.staff.check()?;
        if let Some(RoleClaim { claim, gives }) = &settings.role_claim {
            word(claim, "claim", MAX_WORD_CHARS)?;
            if gives.is_empty() {
                return Err(SettingsError::NoRoles(claim.clone()));
            }
            no_more(gives.len(), "values of the claim", MAX_VALUES)?;
            gives.keys().try_for_each(|value| word(value, "value of the claim", MAX_WORD_CHARS))?;
        }
        Ok(Self { settings, client_secret: ClientSecret::new(client_secret) })
    }

    /// Reads what was set; none if nothing was. What cannot be read counts as not set, so that nobody comes
    /// in by it.
    pub(super) fn read(path: &Path) -> Option<Self> {
        private_json::read(path, "staffroom sign-in-with")
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), HomeError> {
        private_json::write(path, self)
    }
}

impl fmt::Display for Staff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmailDomains(domains) => {
                write!(f, "e-mail addresses of {}, verified", domains.join(", "))
            }
            Self::HostedDomains(domains) => write!(f, "the organisation {}", domains.join(", ")),
            Self::Tenant(id) => write!(f, "the directory {id}"),
        }
    }
}

impl Staff {
    fn check(&self) -> Result<(), SettingsError> {
        match self {
            Self::EmailDomains(domains) | Self::HostedDomains(domains) => {
                if domains.is_empty() {
                    return Err(SettingsError::Everybody);
                }
                no_more(domains.len(), "domains", MAX_DOMAINS)?;
                let wrong = domains.iter().find(|domain| !is_domain(domain));
                wrong.map_or(Ok(()), |wrong| Err(SettingsError::Domain(wrong.clone())))
            }
            Self::Tenant(id) if is_directory_id(id) => Ok(()),
            Self::Tenant(id) => Err(SettingsError::Tenant(id.clone())),
        }
    }
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

/// Whether it is written as Microsoft writes ids, in groups of 8, 4, 4, 4 and 12 hexadecimal digits.
fn is_directory_id(id: &str) -> bool {
    let groups: Vec<_> = id.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()))
}

fn word(text: &str, what: &'static str, most: usize) -> Result<(), SettingsError> {
    let found = text.chars().count();
    if text.trim().is_empty() || found > most {
        return Err(SettingsError::Length { what, found, most });
    }
    if text.chars().any(char::is_control) {
        return Err(SettingsError::Control(what));
    }
    Ok(())
}

fn no_more(found: usize, what: &'static str, most: usize) -> Result<(), SettingsError> {
    if found > most { Err(SettingsError::TooMany { what, found, most }) } else { Ok(()) }
}

/// Whether an address is of this machine, to which nobody listens on the way.
pub(super) fn is_of_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Refuses addresses to which secrets would travel in the clear.
pub(super) fn is_encrypted(address: &Url) -> Result<(), SettingsError> {
    match address.scheme() {
        "https" => Ok(()),
        "http" if is_of_this_machine(address) => Ok(()),
        _ => Err(SettingsError::NotEncrypted(address.to_string())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::people::Role;

    const TENANT: &str = "0b3f1c2d-1111-4222-8333-944445555666";

    pub(in super::super) fn settings() -> ProviderSettings {
        ProviderSettings {
            name: "Microsoft".to_owned(),
            issuer: format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            client_id: "a-client".to_owned(),
            staff: Staff::Tenant(TENANT.to_owned()),
            roles: [Role::Reader].into(),
            role_claim: None,
        }
    }

    #[test]
    fn settings_that_let_everybody_in_or_send_secrets_in_the_clear_are_refused() {
        let refused = |change: &dyn Fn(&mut ProviderSettings)| {
            let mut settings = settings();
            change(&mut settings);
            Kept::new(settings, "a secret".to_owned()).map(drop)
        };
        assert_eq!(refused(&|_| {}), Ok(()));
        let staff = |staff: Staff| refused(&|settings| settings.staff = staff.clone());
        assert_eq!(staff(Staff::EmailDomains(Vec::new())), Err(SettingsError::Everybody));
        assert_eq!(staff(Staff::HostedDomains(Vec::new())), Err(SettingsError::Everybody));
        for wrong in ["head@alder.example", "example", "alder..example", "*.example", ""] {
            let found = staff(Staff::EmailDomains(vec![wrong.to_owned()]));
            assert_eq!(found, Err(SettingsError::Domain(wrong.to_owned())));
        }
        for wrong in ["common", "alder.example", &TENANT[1..], ""] {
            let found = staff(Staff::Tenant(wrong.to_owned()));
            assert_eq!(found, Err(SettingsError::Tenant(wrong.to_owned())));
        }
        let issuer = |issuer: &str| refused(&|settings| settings.issuer = issuer.to_owned());
        for here in ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"] {
            assert_eq!(issuer(here), Ok(()));
        }
        for clear in ["http://id.example/", "http://127.0.0.1.example/", "ftp://localhost/"] {
            assert_eq!(issuer(clear), Err(SettingsError::NotEncrypted(clear.to_owned())));
        }
        assert!(matches!(issuer("id.example"), Err(SettingsError::Address { .. })));
        let claim = RoleClaim { claim: "roles".to_owned(), gives: BTreeMap::new() };
        let no_roles = refused(&|settings| settings.role_claim = Some(claim.clone()));
        assert_eq!(no_roles, Err(SettingsError::NoRoles("roles".to_owned())));
    }

    #[test]
    fn what_is_kept_is_private_and_what_is_damaged_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provider.json");
        assert!(Kept::read(&path).is_none());
        let kept = Kept::new(settings(), "a secret".to_owned()).unwrap();
        kept.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Kept::read(&path).unwrap();
        assert_eq!(again.settings, settings());
        assert_eq!(again.client_secret.secret(), "a secret");
        assert!(!format!("{again:?}").contains("a secret"), "logs show what is debugged");
        fs::write(&path, "{").unwrap();
        assert!(Kept::read(&path).is_none());
    }
}

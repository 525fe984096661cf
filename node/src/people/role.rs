//! What a person may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person may have several. Whoever has any of them may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StaffRole)]
pub enum Role {
    /// Searches, reads and downloads what schools shared.
    Reader,
    /// Publishes records, adopts others' and adds resources.
    Contributor,
    /// Approves what colleagues want to publish.
    Approver,
    /// Reads the audit log, takes records back and sees who erased them.
    DataProtection,
    /// Looks after people, groups and settings.
    Administrator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Reader,
        Self::Contributor,
        Self::Approver,
        Self::DataProtection,
        Self::Administrator,
    ];

    /// As files and the command line write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Contributor => "contributor",
            Self::Approver => "approver",
            Self::DataProtection => "data_protection",
            Self::Administrator => "administrator",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::DataProtection => "data protection",
            Self::Reader | Self::Contributor | Self::Approver | Self::Administrator => {
                self.as_str()
            }
        }
    }

    /// What whoever has it may do.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Reader => "searches, reads and downloads what schools shared",
            Self::Contributor => "publishes records, adopts others’ and adds resources",
            Self::Approver => "approves what colleagues want to publish",
            Self::DataProtection => {
                "reads the audit log, takes records back and sees which schools erased them"
            }
            Self::Administrator => "looks after people, groups and settings",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// There is no role of that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no role {0:?}; the roles are reader, contributor, approver, data-protection and \
     administrator"
)]
pub struct NoSuchRole(String);

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(text: &str) -> Result<Self, NoSuchRole> {
        let folded = text.trim().to_lowercase().replace([' ', '-'], "_");
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == folded)
            .ok_or_else(|| NoSuchRole(text.chars().take(40).collect()))
    }
}

/// The roles of one person.
pub type Roles = BTreeSet<Role>;

/// As people read them: "reader, administrator".
pub(crate) fn listed(roles: &Roles) -> String {
    let labels: Vec<_> = roles.iter().map(|role| role.label()).collect();
    if labels.is_empty() { "no role".to_owned() } else { labels.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_as_people_write_it() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(role.label().to_uppercase().parse(), Ok(role));
        }
        assert_eq!("Data-Protection".parse(), Ok(Role::DataProtection));
        let wrong = "head teacher".parse::<Role>().unwrap_err().to_string();
        assert!(wrong.starts_with("there is no role \"head teacher\""), "{wrong}");
    }
}

//! Groups: a trust, a cluster or a network, who belongs to it, and how a school joins.
//!
//! A group is its founding statement; [`GroupId`](crate::hash::GroupId) is that statement's hash.
//! Who belongs, the [`roster`], follows from the [`statement`]s of the [`membership`] set alone, in
//! whatever order they came.

pub mod epoch;
pub mod invite;
pub mod membership;
pub mod proposal;
pub mod roster;
pub mod statement;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_GROUP_NAME_CHARS, MAX_SCHOOL_NAME_CHARS, MAX_SHORT_TEXT_CHARS};
use crate::safeguard::urn::Urn;

/// What sort of group it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// A multi-academy trust.
    Trust,
    /// Some schools of a trust, or of several, that work closely together.
    Cluster,
    /// A network of subject leaders or for another purpose, across trusts.
    Network,
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trust => "trust",
            Self::Cluster => "cluster",
            Self::Network => "network",
        })
    }
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = GroupRole))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads, publishes, and admits others.
    Admin,
    /// Reads and publishes.
    #[default]
    Member,
    /// Reads.
    Reader,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Reader => "reader",
        })
    }
}

/// How much a school keeps of what others share, beside what it opens and shares itself. Coarse on
/// purpose: each change moves files between members, so it follows the size of a disk and not how
/// full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// Nothing.
    None,
    /// Half of what most keep.
    Small,
    /// What most keep.
    #[default]
    Normal,
    /// Twice what most keep.
    Large,
}

impl Capacity {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Small, Self::Normal, Self::Large];

    /// Its weight: the share of all files that a member keeps is its weight's share of all weights.
    pub fn weight(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Small => 1,
            Self::Normal => 2,
            Self::Large => 4,
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Small => "small",
            Self::Normal => "normal",
            Self::Large => "large",
        })
    }
}

/// What a school says of itself; an admin vouches for it by admitting the school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claims {
    /// The school's name.
    pub name: String,
    /// Its unique reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<Urn>,
    /// Its phase, a term of the vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Where it is, such as a town, and behind it a grid reference or a latitude and longitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Claims {
    /// Checks the lengths of what a school says of itself.
    ///
    /// # Errors
    /// [`NameError`] names the field, the value and the rule.
    pub fn check(&self) -> Result<(), NameError> {
        check_name("the school's name", &self.name, MAX_SCHOOL_NAME_CHARS)?;
        for (field, value) in [("phase", &self.phase), ("location", &self.location)] {
            if let Some(value) = value {
                check_name(field, value, MAX_SHORT_TEXT_CHARS)?;
            }
        }
        Ok(())
    }
}

/// A name that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{field} is {value:?}: it must have 1 to {most} characters, none of them control characters"
)]
pub struct NameError {
    field: &'static str,
    value: String,
    most: usize,
}

/// Checks a group's name.
///
/// # Errors
/// [`NameError`] names the value and the rule.
pub fn check_group_name(name: &str) -> Result<(), NameError> {
    check_name("the group's name", name, MAX_GROUP_NAME_CHARS)
}

fn check_name(field: &'static str, value: &str, most: usize) -> Result<(), NameError> {
    let fits = !value.trim().is_empty() && value.chars().count() <= most;
    if fits && !value.chars().any(char::is_control) {
        return Ok(());
    }
    Err(NameError { field, value: value.chars().take(most + 1).collect(), most })
}

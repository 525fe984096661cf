//! Personal tokens: what a program shows in place of a person who signs in.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest a token lasts, in days: a school year, after which somebody looks again.
pub(crate) const MAX_TOKEN_DAYS: u16 = 365;

/// Where nobody says otherwise.
pub(crate) const DEFAULT_TOKEN_DAYS: u16 = 90;

/// Tokens of one person: more than anybody's programs and news readers need.
pub(super) const MAX_TOKENS: usize = 20;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To read the feeds of saved searches, and nothing else; it may stand in an address.
    Feed,
    /// To read through the API what the person may read.
    Read,
    /// To do through the API what the person may do.
    Write,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Feed, Self::Read, Self::Write];

    /// As files and forms write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| TokenError::Scope(text.chars().take(40).collect()))
    }
}

/// Why a token is not made or not ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no such scope.
    #[error("a token is for feed, read or write, and not for {0:?}")]
    Scope(String),
    /// It would last too long, or not at all.
    #[error("a token lasts 1 to {MAX_TOKEN_DAYS} days, and not {0}")]
    Days(u16),
    /// There are enough.
    #[error("you have {MAX_TOKENS} tokens already; end one that nothing uses")]
    TooMany,
    /// There is none.
    #[error("you have no such token; it may have been ended already")]
    Unknown,
}

/// A token of which only the hash is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonalToken {
    /// What its person calls it.
    pub(crate) name: String,
    pub(crate) scope: Scope,
    pub(crate) made: Timestamp,
    pub(crate) expires: Timestamp,
    /// To the hour: it is written down no more often.
    pub(crate) last_used: Option<Timestamp>,
}

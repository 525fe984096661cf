//! What a person is called: the name to sign in with, and the one that colleagues read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name: e-mail addresses have at most 254 characters (RFC 5321), people's names fewer.
pub(crate) const MAX_NAME_CHARS: usize = 254;

/// Why a name cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonNameError {
    /// There is none.
    #[error("the {0} is empty; give one")]
    Empty(&'static str),
    /// It is too long.
    #[error("the {what} has {found} characters and may have {MAX_NAME_CHARS}; give a shorter one")]
    TooLong {
        /// Which name.
        what: &'static str,
        /// How many characters it has.
        found: usize,
    },
    /// A user name has a character that nobody could type again.
    #[error(
        "the user name has the character {0:?}, and may have letters, digits and . _ - + @ '; an \
         e-mail address will do"
    )]
    Character(char),
    /// A display name has a line break or another control character.
    #[error("the name has a line break or another control character; leave that out")]
    Control,
}

/// The name with which a person signs in: such as an e-mail address, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct UserName(String);

impl UserName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = PersonNameError;

    fn from_str(text: &str) -> Result<Self, PersonNameError> {
        let name = within_length(text, "user name")?.to_lowercase();
        let wrong = |c: &char| !(c.is_alphanumeric() || "._-+@'".contains(*c));
        match name.chars().find(wrong) {
            Some(wrong) => Err(PersonNameError::Character(wrong)),
            None => Ok(Self(name)),
        }
    }
}

impl TryFrom<String> for UserName {
    type Error = PersonNameError;

    fn try_from(text: String) -> Result<Self, PersonNameError> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name that colleagues read, without what surrounds it.
pub(crate) fn display_name(text: &str) -> Result<String, PersonNameError> {
    let name = within_length(text, "name")?;
    if name.chars().any(char::is_control) {
        return Err(PersonNameError::Control);
    }
    Ok(name.to_owned())
}

fn within_length<'a>(text: &'a str, what: &'static str) -> Result<&'a str, PersonNameError> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err(PersonNameError::Empty(what)),
        1..=MAX_NAME_CHARS => Ok(name),
        found => Err(PersonNameError::TooLong { what, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_folded_and_has_nothing_that_could_be_mistaken() {
        let name: UserName = " Reading.Lead@Alder.example ".parse().unwrap();
        assert_eq!(name.as_str(), "reading.lead@alder.example");
        for (given, wrong) in [("two words", ' '), ("a\nb", '\n'), ("a/b", '/'), ("<b>", '<')] {
            assert_eq!(given.parse::<UserName>(), Err(PersonNameError::Character(wrong)));
        }
        assert_eq!(" ".parse::<UserName>(), Err(PersonNameError::Empty("user name")));
        let long = "x".repeat(MAX_NAME_CHARS + 1).parse::<UserName>().unwrap_err();
        assert!(long.to_string().contains("has 255 characters and may have 254"), "{long}");
    }

    #[test]
    fn a_display_name_is_on_one_line() {
        assert_eq!(display_name(" The reading lead ").unwrap(), "The reading lead");
        assert_eq!(display_name("one\r\ntwo"), Err(PersonNameError::Control));
    }
}

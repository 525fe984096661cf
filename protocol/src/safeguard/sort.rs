//! The sorts of things that the scan finds, and what to do about each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of thing was found. The names are what people and `cleared` lists use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A unique pupil number with a valid check letter.
    Upn,
    /// A valid NHS number near its name.
    NhsNumber,
    /// A valid unique learner number near its name.
    Uln,
    /// A date within the last 25 years that is said to be a date of birth.
    BirthDate,
    /// A name beside a mark, or special needs or free-school-meal status.
    PupilTable,
    /// The shape of a unique pupil number without its check letter, or with unusual breaks.
    UpnLookAlike,
    /// Ten digits that may be an NHS or unique learner number.
    TenDigitNumber,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Telephone,
    /// A full date on which a pupil could have been born.
    Date,
    /// One pupil by name or letter in a year or class, or in a table of marks.
    PupilMention,
    /// What look like names of pupils in a table.
    NameList,
    /// A file whose text could not be looked through.
    UncheckedFile,
}

impl Sort {
    /// All sorts, those that are refused first.
    pub const ALL: [Self; 13] = [
        Self::Upn,
        Self::NhsNumber,
        Self::Uln,
        Self::BirthDate,
        Self::PupilTable,
        Self::UpnLookAlike,
        Self::TenDigitNumber,
        Self::Email,
        Self::Telephone,
        Self::Date,
        Self::PupilMention,
        Self::NameList,
        Self::UncheckedFile,
    ];

    /// Whether such a find stops the record from being shared, whatever its author says.
    pub const fn is_refused(self) -> bool {
        match self {
            Self::Upn | Self::NhsNumber | Self::Uln | Self::BirthDate | Self::PupilTable => true,
            Self::UpnLookAlike
            | Self::TenDigitNumber
            | Self::Email
            | Self::Telephone
            | Self::Date
            | Self::PupilMention
            | Self::NameList
            | Self::UncheckedFile => false,
        }
    }

    /// The name as data and `cleared` lists spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upn => "upn",
            Self::NhsNumber => "nhs_number",
            Self::Uln => "uln",
            Self::BirthDate => "birth_date",
            Self::PupilTable => "pupil_table",
            Self::UpnLookAlike => "upn_look_alike",
            Self::TenDigitNumber => "ten_digit_number",
            Self::Email => "email",
            Self::Telephone => "telephone",
            Self::Date => "date",
            Self::PupilMention => "pupil_mention",
            Self::NameList => "name_list",
            Self::UncheckedFile => "unchecked_file",
        }
    }

    /// What was found, as people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Upn => "a unique pupil number (UPN)",
            Self::NhsNumber => "an NHS number",
            Self::Uln => "a unique learner number (ULN)",
            Self::BirthDate => "a date of birth that may be a pupil's",
            Self::PupilTable => {
                "a table of names beside marks, special needs or free-school-meal status"
            }
            Self::UpnLookAlike => "what looks like a unique pupil number (UPN)",
            Self::TenDigitNumber => "a ten-digit number",
            Self::Email => "an e-mail address",
            Self::Telephone => "a telephone number",
            Self::Date => "a date that could be a pupil's date of birth",
            Self::PupilMention => "a mention of one pupil",
            Self::NameList => "what looks like a list of pupils' names",
            Self::UncheckedFile => "a file that could not be looked through",
        }
    }

    /// Why it matters and what to do, in sentences.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Upn | Self::NhsNumber | Self::Uln => {
                "It identifies one pupil and must not leave the school. Remove it."
            }
            Self::BirthDate => {
                "A pupil's date of birth must not leave the school. Remove it, or give the year \
                 group in its place."
            }
            Self::PupilTable => {
                "What a named pupil achieved or receives must not leave the school. Remove the \
                 table, or give counts and means of the group in its place. If its names are not \
                 of pupils, head their column with what they are, such as \"Programme\" or \"Staff\"."
            }
            Self::UpnLookAlike => {
                "It may be a pupil number with a slip in it. Remove it unless it is something else."
            }
            Self::TenDigitNumber => {
                "It may be an NHS number or a unique learner number. Remove it unless it is \
                 something else."
            }
            Self::Email | Self::Telephone => {
                "Remove it unless it is the school's, or of a member of staff who agreed."
            }
            Self::Date => "Remove it unless it is the date of something else.",
            Self::PupilMention => {
                "A reader who knows the school may know who it is. Write of the group in place of \
                 one pupil."
            }
            Self::NameList => "Remove it unless the names are not of pupils.",
            Self::UncheckedFile => {
                "Look through it yourself for names, faces and marks of pupils before you share it."
            }
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_data_spell() {
        for sort in Sort::ALL {
            let json = serde_json::to_string(&sort).unwrap();
            assert_eq!(json, format!("\"{sort}\""));
        }
        assert!(Sort::ALL.is_sorted());
    }
}

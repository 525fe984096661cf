//! A record as a person wrote it: one flat map of fields, as in the front matter of a Markdown file,
//! a row of a table or a JSON object.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Common, Content, Kind, Record, UnknownKind};
use crate::hash::RecordId;
use crate::safeguard::Clearance;

/// A record with what its author said about sharing it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Authored {
    /// The record that this is a new version of, or the id that a new record is to have.
    pub id: Option<RecordId>,
    /// Names or ids of the groups to share it with; empty where the author left it open.
    pub groups: Vec<String>,
    /// Finds of the scan that the author looked at and cleared, with reasons.
    pub cleared: Vec<Clearance>,
    /// The record.
    pub record: Record,
}

/// Why a map of fields is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthoredError {
    /// Not a map of fields.
    #[error("expected a map of fields, such as \"title: …\"")]
    NotAMap,
    /// No kind was given.
    #[error("the field kind is missing; the kinds are {}", super::kind_names())]
    NoKind,
    /// The kind is not known.
    #[error("kind: {0}")]
    Kind(#[from] UnknownKind),
    /// A field has a value of the wrong sort.
    #[error("{field}: {reason}")]
    Field {
        /// The path of the field.
        field: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// Fields that no record of this kind has.
    #[error("no {kind} has the field {}; the spelling may be wrong", fields.join(", "))]
    UnknownFields {
        /// The kind.
        kind: Kind,
        /// The names.
        fields: Vec<String>,
    },
}

impl Authored {
    /// Reads a flat map of fields.
    ///
    /// Besides the fields of the record, the map may have `kind` (needed), `id`, `groups` and
    /// `cleared`. Names may be written with hyphens or spaces.
    ///
    /// # Errors
    /// [`AuthoredError`] names the first field that cannot be read, or all that are unknown.
    pub fn from_value(value: Value) -> Result<Self, AuthoredError> {
        let Value::Object(fields) = value else { return Err(AuthoredError::NotAMap) };
        let mut fields: Map<String, Value> = fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.trim().to_lowercase().replace(['-', ' '], "_"), value))
            .collect();
        let kind: Kind = match fields.remove("kind") {
            Some(Value::String(kind)) => kind.parse()?,
            Some(_) | None => return Err(AuthoredError::NoKind),
        };
        let mut unknown = Vec::new();
        let id = take(&mut fields, "id", &mut unknown)?;
        let groups = take(&mut fields, "groups", &mut unknown)?.unwrap_or_default();
        let cleared = take(&mut fields, "cleared", &mut unknown)?.unwrap_or_default();
        let common: Map<String, Value> =
            Common::FIELDS.iter().filter_map(|name| fields.remove_entry(*name)).collect();
        let mut common: Common = read(Value::Object(common), &mut unknown)?;
        common.tags = common.tags.iter().map(|tag| tag.trim().to_lowercase()).collect();
        let content = Content::from_value(kind, Value::Object(fields), &mut unknown)?;
        if !unknown.is_empty() {
            return Err(AuthoredError::UnknownFields { kind, fields: unknown });
        }
        Ok(Self { id, groups, cleared, record: Record { common, content } })
    }
}

fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    unknown: &mut Vec<String>,
) -> Result<Option<T>, AuthoredError> {
    fields
        .remove(name)
        .map(|value| {
            read(value, unknown).map_err(|error| match error {
                AuthoredError::Field { field, reason } if field == "." => {
                    AuthoredError::Field { field: name.to_owned(), reason }
                }
                other @ (AuthoredError::NotAMap
                | AuthoredError::NoKind
                | AuthoredError::Kind(_)
                | AuthoredError::Field { .. }
                | AuthoredError::UnknownFields { .. }) => other,
            })
        })
        .transpose()
}

/// Reads `value` as a `T`, noting the paths of fields that `T` does not have.
pub(super) fn read<T: DeserializeOwned>(
    value: Value,
    unknown: &mut Vec<String>,
) -> Result<T, AuthoredError> {
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
    serde_ignored::deserialize(deserializer, |path| unknown.push(path.to_string())).map_err(
        |error| AuthoredError::Field { field: track.path().to_string(), reason: error.to_string() },
    )
}

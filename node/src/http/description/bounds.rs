//! What fields and parameters may be at least and at most, from the constants that the node holds them to.

use staffroom_protocol::limits::{MAX_FILE_NAME_BYTES, MAX_GROUP_NAME_CHARS, MAX_ROOT_KEYS};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr};

use super::operations;
use crate::http::groups::MAX_INVITE_SECONDS;
use crate::http::records::MAX_RECORDS;
use crate::people::MAX_PERSON_NAME_CHARS;
use crate::preview::MAX_PAGES;
use crate::saved_searches::{MAX_NAME_CHARS, MAX_QUESTION_BYTES};

/// How many characters a text has, how many items a list, or the number itself.
struct Bounds {
    /// A type, or an operation.
    of: &'static str,
    /// A field of the type, or a parameter of the operation.
    name: &'static str,
    least: usize,
    most: usize,
}

const fn bounds(of: &'static str, name: &'static str, least: usize, most: usize) -> Bounds {
    Bounds { of, name, least, most }
}

const BOUNDS: &[Bounds] = &[
    bounds("CreateGroup", "name", 1, MAX_GROUP_NAME_CHARS),
    bounds("MakeInvite", "valid_seconds", 1, MAX_INVITE_SECONDS as usize),
    bounds("NewRoot", "keyholders", 1, MAX_ROOT_KEYS),
    bounds("NewRoot", "threshold", 1, MAX_ROOT_KEYS),
    bounds("PublishRequest", "records", 0, MAX_RECORDS),
    bounds("AddRequest", "user_name", 1, MAX_PERSON_NAME_CHARS),
    bounds("AddRequest", "name", 1, MAX_PERSON_NAME_CHARS),
    bounds("SaveRequest", "query", 1, MAX_QUESTION_BYTES),
    bounds("put_saved_searches_name", "name", 1, MAX_NAME_CHARS),
    bounds("post_files", "name", 1, MAX_FILE_NAME_BYTES),
    bounds("get_records_id_files_hash_preview", "page", 1, MAX_PAGES as usize),
];

/// Says in the description what may be how long, how many or how much.
pub(super) fn set(described: &mut OpenApi) {
    for one in BOUNDS {
        match place(described, one) {
            Some(RefOr::T(schema)) => hold(schema, one),
            Some(RefOr::Ref(_)) | None => {
                tracing::error!(of = one.of, name = one.name, "nothing is there to be bounded");
            }
        }
    }
}

/// The schema of a field or parameter.
fn place<'a>(described: &'a mut OpenApi, one: &Bounds) -> Option<&'a mut RefOr<Schema>> {
    if let Some(components) = &mut described.components
        && let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(one.of)
    {
        return object.properties.get_mut(one.name);
    }
    let operations = described.paths.paths.values_mut().flat_map(operations);
    let mut named = operations.filter(|(_, found)| found.operation_id.as_deref() == Some(one.of));
    let (_, operation) = named.next()?;
    operation.parameters.iter_mut().flatten().find_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.name == one.name => parameter.schema.as_mut(),
        RefOr::T(_) | RefOr::Ref(_) => None,
    })
}

fn hold(schema: &mut Schema, one: &Bounds) {
    let (least, most) = (one.least, one.most);
    if let Schema::Array(array) = schema {
        (array.min_items, array.max_items) = (Some(least), Some(most));
    } else if let Schema::Object(object) = schema {
        if object.schema_type == SchemaType::Type(Type::String) {
            (object.min_length, object.max_length) = (Some(least), Some(most));
        } else {
            (object.minimum, object.maximum) = (Some(least.into()), Some(most.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::description::description;

    #[test]
    fn whatever_has_bounds_is_there_and_says_so() {
        let mut described = description().clone();
        for one in BOUNDS {
            let Some(RefOr::T(schema)) = place(&mut described, one) else {
                panic!("there is no {} of {}", one.name, one.of);
            };
            let said = serde_json::to_value(&schema).unwrap();
            let most = ["maximum", "maxLength", "maxItems"].map(|key| said[key].as_u64());
            assert!(most.contains(&Some(one.most as u64)), "{} of {}: {said}", one.name, one.of);
        }
    }
}

//! A record as one flat map of its fields, as a person writes it and as the front matter of a file has it.

use serde_json::{Map, Value};
use staffroom_protocol::record::Record;

/// The fields that are common to all records and those of its own kind in one map, without its kind.
pub(crate) fn flat(record: &Record) -> Map<String, Value> {
    let mut fields = fields_of(serde_json::to_value(&record.common));
    // The kind and, under it, its fields.
    let content = fields_of(serde_json::to_value(&record.content)).into_iter().next();
    fields.extend(content.into_iter().flat_map(|(_, content)| fields_of(Ok(content))));
    fields
}

fn fields_of(part: serde_json::Result<Value>) -> Map<String, Value> {
    match part {
        Ok(Value::Object(fields)) => fields,
        // What is a map of fields is never written as anything else.
        Ok(_) | Err(_) => Map::new(),
    }
}

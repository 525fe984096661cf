//! Where a field is: `cost.band`, `engagement.attitudes.2.statement`.

use serde_json::{Map, Value};

/// A name as records spell it: `Key stages` and `key-stages` are `key_stages`.
pub(super) fn fold(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', ' '], "_")
}

/// The steps of a path as a person writes it, or as an error message does (`attitudes[1].n`, where
/// items are counted from 0). `?` stands for a value that may be missing and is no step.
pub(super) fn steps(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !matches!(*part, "" | "?")) {
        let mut brackets = part.split('[');
        steps.extend(brackets.next().filter(|name| !name.is_empty()).map(str::to_owned));
        for item in brackets {
            let index = item.trim_end_matches(']').parse::<usize>();
            steps.push(index.map_or_else(|_| item.to_owned(), |index| (index + 1).to_string()));
        }
    }
    steps
}

/// Puts a value where a path says. A number in a path is an item of a list, counted from 1.
pub(super) fn insert(
    fields: &mut Map<String, Value>,
    path: &str,
    value: Value,
) -> Result<(), String> {
    let mut root = Value::Object(std::mem::take(fields));
    let placed = place(&mut root, &steps(path), value).map_err(|step| {
        format!(
            "{path}: cannot stand beside another column for the same part of the record, or \
            item {step} of the list comes before the one ahead of it"
        )
    });
    if let Value::Object(map) = root {
        *fields = map;
    }
    placed
}

fn place(into: &mut Value, steps: &[String], value: Value) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        if !into.is_null() {
            return Err(String::new());
        }
        *into = value;
        return Ok(());
    };
    let number = step.parse::<usize>().ok();
    if into.is_null() {
        *into = if number.is_some() { Value::Array(Vec::new()) } else { Map::new().into() };
    }
    match (into, number) {
        (Value::Object(map), None) => {
            place(map.entry(step.as_str()).or_insert(Value::Null), rest, value)
        }
        (Value::Array(items), Some(number)) => {
            if number == items.len() + 1 {
                items.push(Value::Null);
            }
            let index = number.checked_sub(1).ok_or_else(|| step.clone())?;
            place(items.get_mut(index).ok_or_else(|| step.clone())?, rest, value)
        }
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => Err(step.clone()),
    }
}

/// What is at a place.
pub(super) fn at<'a>(value: &'a mut Value, steps: &[String]) -> Option<&'a mut Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => {
            let name = map.keys().find(|name| fold(name) == fold(step))?.clone();
            map.get_mut(&name)
        }
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?.checked_sub(1)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dotted_names_make_maps_and_numbers_make_lists() {
        let mut fields = Map::new();
        for (path, value) in [
            ("cost.band", "low"),
            ("cost.note", "x"),
            ("a.1.n", "5"),
            ("a.1.m", "6"),
            ("a.2.n", "7"),
        ] {
            insert(&mut fields, path, value.into()).unwrap();
        }
        let expected = json!({
            "cost": { "band": "low", "note": "x" },
            "a": [{ "n": "5", "m": "6" }, { "n": "7" }],
        });
        assert_eq!(Value::Object(fields.clone()), expected);
        let mut value = Value::Object(fields.clone());
        assert_eq!(at(&mut value, &steps("a[1].n")), Some(&mut json!("7")));
        assert_eq!(at(&mut value, &steps("cost.?.band")), Some(&mut json!("low")));
        assert_eq!(at(&mut value, &steps("cost.band.x")), None);
        for clash in ["cost", "cost.band", "cost.1", "a.4.n", "a.0.n", "a.b"] {
            assert!(insert(&mut fields, clash, "x".into()).is_err(), "{clash}");
        }
        assert_eq!(Value::Object(fields), expected);
    }
}

//! Where a field's value stands in a record. `outcome.name` is `name` in `outcome`; a number is an item
//! of a list, so `priorities.0.statement` is `statement` in the first of the `priorities`.

use serde_json::{Map, Value};

/// The value at a name.
pub(super) fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut path = name.split('.');
    let first = map.get(path.next()?)?;
    path.try_fold(first, |value, part| {
        if let Value::Array(items) = value { items.get(place(part)?) } else { value.get(part) }
    })
}

/// Puts a value at a name, and makes what has to be around it.
pub(super) fn insert(map: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        map.insert(name.to_owned(), value);
        return;
    };
    insert_within(map.entry(outer).or_insert(Value::Null), inner, value);
}

fn insert_within(around: &mut Value, name: &str, value: Value) {
    let (part, inner) =
        name.split_once('.').map_or((name, None), |(part, rest)| (part, Some(rest)));
    if around.is_null() {
        *around = match place(part) {
            Some(_) => Value::Array(Vec::new()),
            None => Value::Object(Map::new()),
        };
    }
    let at = match (around, place(part)) {
        (Value::Array(items), Some(place)) => {
            if items.len() <= place {
                items.resize(place + 1, Value::Null);
            }
            &mut items[place]
        }
        (Value::Object(fields), _) => fields.entry(part).or_insert(Value::Null),
        _ => return,
    };
    match inner {
        Some(inner) => insert_within(at, inner, value),
        None => *at = value,
    }
}

/// Takes away the value at a name, and what was around it where nothing else is left in there. The items
/// of lists keep their places.
pub(super) fn remove(map: &mut Map<String, Value>, name: &str) {
    let Some((outer, inner)) = name.rsplit_once('.') else {
        map.remove(name);
        return;
    };
    let Some(Value::Object(within)) = get_mut(map, outer) else { return };
    let had = within.remove(inner).is_some();
    let is_item = outer.rsplit('.').next().is_some_and(|part| place(part).is_some());
    if had && within.is_empty() && !is_item {
        remove(map, outer);
    }
}

/// Empties the item of a list that a name such as `priorities.0` stands for. Its place is kept.
pub(super) fn empty(map: &mut Map<String, Value>, row: &str) {
    if let Some(item) = get_mut(map, row) {
        *item = Value::Null;
    }
}

fn get_mut<'a>(map: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    let mut path = name.split('.');
    let first = map.get_mut(path.next()?)?;
    path.try_fold(first, |value, part| {
        if let Value::Array(items) = value {
            items.get_mut(place(part)?)
        } else {
            value.get_mut(part)
        }
    })
}

/// The rows that a field is in, as `a.0` and `a.0.b.1` for `a.0.b.1.c`.
pub(crate) fn rows_of(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(end, _)| &name[..end]).filter(|row| {
        let last = row.rsplit('.').next();
        row.contains('.') && last.is_some_and(|part| place(part).is_some())
    })
}

/// Leaves out the empty items of lists.
pub(super) fn close_gaps(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(close_gaps);
        }
        Value::Object(fields) => fields.values_mut().for_each(close_gaps),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The name for a path such as `priorities[0].statement` in what was shared of `with_gaps`, in which
/// items that are empty still have their places.
pub(super) fn name_of(path: &str, with_gaps: &Value) -> String {
    let mut name = String::new();
    let mut at = Some(with_gaps);
    for part in path.split(['.', '[']) {
        let part = match part.strip_suffix(']').and_then(place) {
            None => {
                at = at.and_then(|value| value.get(part));
                part.to_owned()
            }
            Some(shared) => {
                let items = at.and_then(Value::as_array);
                let filled =
                    items.into_iter().flatten().enumerate().filter(|(_, one)| !one.is_null());
                let place = filled.map(|(place, _)| place).nth(shared).unwrap_or(shared);
                at = items.and_then(|items| items.get(place));
                place.to_string()
            }
        };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&part);
    }
    name
}

fn place(part: &str) -> Option<usize> {
    part.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_into_rows_and_come_back_by_the_same_name() {
        let mut map = Map::new();
        insert(&mut map, "title", json!("A"));
        insert(&mut map, "outcome.name", json!("B"));
        insert(&mut map, "rows.2.exceptions.1.school", json!("C"));
        insert(&mut map, "rows.0.area", json!("D"));
        assert_eq!(
            Value::Object(map.clone()),
            json!({ "title": "A", "outcome": { "name": "B" }, "rows": [
                { "area": "D" }, null, { "exceptions": [null, { "school": "C" }] }
            ] })
        );
        assert_eq!(get(&map, "rows.2.exceptions.1.school"), Some(&json!("C")));
        assert_eq!(get(&map, "rows.7.area"), None);
        let with_gaps = Value::Object(map.clone());
        let named = |path| name_of(path, &with_gaps);
        assert_eq!(named("rows[1].exceptions[0].school"), "rows.2.exceptions.1.school");
        assert_eq!(named("outcome.name"), "outcome.name");
        assert_eq!(named("values[3]"), "values.3");

        remove(&mut map, "outcome.name");
        empty(&mut map, "rows.0");
        let mut value = Value::Object(map);
        close_gaps(&mut value);
        let closed = json!({ "title": "A", "rows": [{ "exceptions": [{ "school": "C" }] }] });
        assert_eq!(value, closed);
    }

    #[test]
    fn the_rows_of_a_field_are_found_in_its_name() {
        let rows = |name| rows_of(name).collect::<Vec<_>>();
        assert_eq!(rows("a.0.b.1.c"), ["a.0", "a.0.b.1"]);
        assert!(rows("outcome.name").is_empty() && rows("title").is_empty());
    }

    #[test]
    fn what_is_left_empty_goes_with_what_was_in_it_and_rows_keep_their_places() {
        let mut map = Map::new();
        insert(&mut map, "arms.comparison.after.mean", json!(1));
        insert(&mut map, "arms.comparison.n", json!(2));
        insert(&mut map, "rows.1.area", json!("A"));
        remove(&mut map, "arms.comparison.after.mean");
        assert_eq!(map["arms"], json!({ "comparison": { "n": 2 } }));
        remove(&mut map, "arms.comparison.sd");
        remove(&mut map, "arms.comparison.n");
        remove(&mut map, "rows.1.area");
        assert_eq!(Value::Object(map), json!({ "rows": [null, {}] }));
    }
}

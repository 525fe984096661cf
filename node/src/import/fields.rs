//! Which fields a record of a kind has, and values as their fields read them.
//!
//! Both are asked of the record's own reader, [`Authored::from_value`], so that nothing here
//! changes when a field does.

use serde::de::value::Error as Found;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use staffroom_protocol::record::{
    Adoption, Authored, AuthoredError, Comment, Common, Expectation, Framework, ImpactReport,
    Intervention, Kind, Offer, PeerReview, Plan, Resource, SelfAssessment, adoption, impact_report,
    intervention,
};

use super::mapping::plain;
use super::path::{at, fold, insert, steps};

/// What a map of fields may have besides the fields of the record.
const BESIDES: [&str; 4] = ["kind", "id", "groups", "cleared"];

/// More readings of one row than it has cells that need one: a row of a wide table has under 100.
const MAX_READINGS: usize = 500;

/// The names of the fields of a kind, those inside others (`cost.band`) last.
pub(super) fn names(kind: Kind) -> Vec<String> {
    let own = match kind {
        Kind::Intervention => of::<Intervention>(),
        Kind::Resource => of::<Resource>(),
        Kind::ImpactReport => of::<ImpactReport>(),
        Kind::Adoption => of::<Adoption>(),
        Kind::PeerReview => of::<PeerReview>(),
        Kind::Comment => of::<Comment>(),
        Kind::Offer => of::<Offer>(),
        Kind::Framework => of::<Framework>(),
        Kind::Expectation => of::<Expectation>(),
        Kind::Plan => of::<Plan>(),
        Kind::SelfAssessment => of::<SelfAssessment>(),
    };
    let outer = BESIDES.iter().chain(&Common::FIELDS).chain(own);
    let inner = [
        ("cost", of::<intervention::Cost>()),
        ("delivery", of::<intervention::Sessions>()),
        ("priority", of::<intervention::Priority>()),
        ("context", of::<adoption::Context>()),
        ("outcome", of::<impact_report::Outcome>()),
        ("engagement", of::<impact_report::Engagement>()),
        ("feedback", of::<impact_report::Feedback>()),
        ("fidelity", of::<impact_report::Fidelity>()),
        ("arms.intervention", of::<impact_report::Arm>()),
        ("arms.comparison", of::<impact_report::Arm>()),
    ];
    let inner = inner
        .into_iter()
        .filter(|(field, _)| field.split('.').next().is_some_and(|field| own.contains(&field)))
        .flat_map(|(field, names)| names.iter().map(move |name| format!("{field}.{name}")));
    let inner = inner.filter(|name| exists(kind, name));
    outer.map(|name| (*name).to_owned()).chain(inner).collect()
}

/// The field names that a type asks its reader for.
fn of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    struct Ask<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = Found;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
            Err(Found::custom("only the names of fields are asked for"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Found> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
            ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    // It always stops with an error: the names are all that is wanted.
    let _ = T::deserialize(Ask(&mut names));
    names
}

/// Whether a record of this kind has the field, which may be inside another.
pub(super) fn exists(kind: Kind, path: &str) -> bool {
    let steps: Vec<String> = steps(&fold(path))
        .into_iter()
        .map(|step| if step.parse::<usize>().is_ok() { "1".to_owned() } else { step })
        .collect();
    if steps == ["kind"] {
        return true;
    }
    let mut probe = Map::new();
    let placed = insert(&mut probe, &steps.join("."), Value::String(String::new()));
    probe.insert("kind".to_owned(), kind.as_str().into());
    match (placed, Authored::from_value(Value::Object(probe))) {
        (Err(_), _) => false,
        (Ok(()), Err(AuthoredError::UnknownFields { .. })) => false,
        // What holds no further fields is asked for one, or what holds no list for an item.
        (Ok(()), Err(AuthoredError::Field { reason, .. })) if steps.len() > 1 => {
            !reason.starts_with("invalid type: map")
                && !reason.starts_with("invalid type: sequence")
        }
        (Ok(()), Ok(_) | Err(AuthoredError::Field { .. })) => true,
        (Ok(()), Err(AuthoredError::NotAMap | AuthoredError::NoKind | AuthoredError::Kind(_))) => {
            false
        }
    }
}

/// Whether a record of any kind has the field.
pub(super) fn exists_anywhere(path: &str) -> bool {
    Kind::ALL.iter().any(|kind| exists(*kind, path))
}

/// The name that is most like `given`, where one is like it at all.
pub(super) fn nearest<'a>(
    given: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = fold(given);
    let (distance, name) = names
        .into_iter()
        .map(|name| (edits(&given, &fold(name)), name))
        .min_by_key(|(distance, _)| *distance)?;
    (distance * 5 <= given.chars().count() * 2).then_some(name)
}

/// Letters to add, drop or change to make one text the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A field that cannot be read, and why.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Where it is; empty where it is the whole record.
    pub(super) steps: Vec<String>,
    pub(super) reason: String,
}

/// Reads a row as a record would be read, and turns each text that its field refuses into what the
/// field takes: a list (`;` or lines between its items), a number, yes or no, or a date written
/// `5/1/2026`; and a list or number into a text where the field takes only that.
pub(super) fn settle(mut value: Value) -> Result<Value, Unreadable> {
    for _ in 0..MAX_READINGS {
        let (field, reason) = match Authored::from_value(value.clone()) {
            Ok(_) => return Ok(value),
            Err(AuthoredError::Field { field, reason }) => (field, reason),
            Err(AuthoredError::UnknownFields { kind, fields }) => {
                let reason = format!(
                    "no {kind} has the field {}; correct its name, leave it empty in this row, \
                     or say what fills which field with --map FIELD=COLUMN",
                    fields.join(", ")
                );
                return Err(Unreadable { steps: Vec::new(), reason });
            }
            Err(
                other @ (AuthoredError::NotAMap | AuthoredError::NoKind | AuthoredError::Kind(_)),
            ) => return Err(Unreadable { steps: Vec::new(), reason: other.to_string() }),
        };
        let place = steps(&field);
        let refused = Unreadable { steps: place, reason };
        let Some(given) = at(&mut value, &refused.steps).map(|given| given.clone()) else {
            return Err(refused);
        };
        let taken = readings(&given).into_iter().any(|reading| {
            if let Some(given) = at(&mut value, &refused.steps) {
                *given = reading;
            }
            match Authored::from_value(value.clone()) {
                Err(AuthoredError::Field { field, .. }) => {
                    !steps(&field).starts_with(&refused.steps)
                }
                Ok(_)
                | Err(
                    AuthoredError::NotAMap
                    | AuthoredError::NoKind
                    | AuthoredError::Kind(_)
                    | AuthoredError::UnknownFields { .. },
                ) => true,
            }
        });
        if !taken {
            return Err(refused);
        }
    }
    Err(Unreadable {
        steps: Vec::new(),
        reason: format!(
            "has more than {MAX_READINGS} values that are not written as their fields need"
        ),
    })
}

fn readings(given: &Value) -> Vec<Value> {
    match given {
        Value::String(text) => {
            let text = text.trim();
            let items: Vec<&str> =
                text.split([';', '\n']).map(str::trim).filter(|item| !item.is_empty()).collect();
            let numbers: Option<Vec<Value>> = items.iter().map(|item| number(item)).collect();
            let answer = match text.to_lowercase().as_str() {
                "yes" | "true" | "y" => Some(true.into()),
                "no" | "false" | "n" => Some(false.into()),
                _ => None,
            };
            [
                british_date(text),
                number(text),
                answer,
                Some(items.into()),
                numbers.map(Value::Array),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        Value::Array(_) | Value::Number(_) => plain(given).map(Value::String).into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}

fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Value::from))
}

/// `5/1/2026` as `2026-01-05`, as spreadsheets write dates in Britain.
fn british_date(text: &str) -> Option<Value> {
    let mut parts = text.split('/');
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    parts.next().is_none().then(|| date.to_string().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_that_is_listed_is_a_field() {
        for kind in Kind::ALL {
            let names = names(*kind);
            assert!(names.len() > BESIDES.len() + Common::FIELDS.len(), "{kind}");
            for name in names {
                assert!(exists(*kind, &name), "{kind} {name}");
            }
        }
    }

    #[test]
    fn a_field_exists_only_in_its_kind_and_place() {
        for path in ["Key-Stages", "subjects", "teaches.3.text", "id", "abstract"] {
            assert!(exists(Kind::Resource, path), "{path}");
        }
        for path in ["monitoring", "url.x", "title.1.x", "teaches.1.textt", "abstract_text", ""] {
            assert!(!exists(Kind::Resource, path), "{path}");
        }
        for path in ["arms.intervention.before.mean", "engagement.attitudes.2.n", "feedback.staff"]
        {
            assert!(exists(Kind::ImpactReport, path), "{path}");
        }
        for path in ["arms.intervention.before.meen", "feedback.staf"] {
            assert!(!exists(Kind::ImpactReport, path), "{path}");
        }
        assert!(
            exists(Kind::Intervention, "cost.band") && !exists(Kind::Intervention, "cost.bandd")
        );
        assert!(exists_anywhere("monitoring") && !exists_anywhere("monitering"));
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["title", "abstract", "cost.band"];
        assert_eq!(nearest("Titel", names), Some("title"));
        assert_eq!(nearest("Cost.Bands", names), Some("cost.band"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }

    #[test]
    fn texts_become_what_their_fields_take() {
        let value = json!({
            "kind": "impact report",
            "title": 1984,
            "groups": "The trust; Maths",
            "created": "5/1/2026",
            "author_name": ["A Lee", "B Hay"],
            "chosen_for_low_scores": "yes",
            "arms": { "intervention": { "n": "1,200", "after": { "ci95": "40.1; 44.3", "mean": "42" } } },
            "engagement": { "attitudes": [{ "n": "12" }] },
        });
        let settled = settle(value).unwrap();
        assert_eq!(settled["groups"], json!(["The trust", "Maths"]));
        assert_eq!(settled["created"], "2026-01-05");
        assert_eq!(settled["title"], "1984");
        assert_eq!(settled["author_name"], "A Lee and B Hay");
        assert_eq!(settled["arms"]["intervention"]["after"]["ci95"], json!([40.1, 44.3]));
        assert!(Authored::from_value(settled).is_ok());
    }

    #[test]
    fn what_no_reading_helps_is_named() {
        let wrong = |fields: Value| {
            let Unreadable { steps, reason } = settle(fields).unwrap_err();
            format!("{}: {reason}", steps.join("."))
        };
        let said = wrong(json!({ "kind": "resource", "created": "31/2/2026" }));
        assert!(said.starts_with("created: "), "{said}");
        let said = wrong(json!({ "kind": "intervention", "cost": { "band": "huge" } }));
        assert!(said.starts_with("cost.band: ") && said.contains("choose from"), "{said}");
        let said = wrong(json!({ "kind": "resource", "aim": "x" }));
        assert_eq!(
            said,
            ": no resource has the field aim; correct its name, leave it empty in this row, or \
             say what \
             fills which field with --map FIELD=COLUMN"
        );
        let said = wrong(json!({ "title": "x" }));
        assert!(said.starts_with(": the field kind is missing"), "{said}");
    }
}

//! A record of any kind with every text filled in, by the description of records and not from memory.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use staffroom_protocol::hash::{Hash, RecordId, SchoolId};
use staffroom_protocol::record::{Kind, Record};

/// Stands in every hostile text, and in nothing of the program's own.
pub(super) const MARK: &str = "zq";

/// Something that a text must not be taken for.
#[derive(Debug)]
pub(super) struct Temptation {
    pub(super) name: &'static str,
    before: &'static str,
    behind: &'static str,
}

/// In front of them, behind them or both stands the mark of a text.
pub(super) const TEMPTATIONS: &[Temptation] = &[
    Temptation {
        name: "markup",
        before: "",
        behind: "\"'></a></title></textarea></script></style></svg><zq zq=1><script>zq()</script>\
                 <img src=zq onerror=zq()>--><!--zq-->]]><iframe srcdoc=zq>",
    },
    Temptation {
        name: "attributes",
        before: "\" onmouseover=zq() autofocus onfocus='zq()' style=\"zq\" x='",
        behind: "` \" onclick=zq() / {{ zq }} {% zq %} ${zq} #{zq} <%= zq %> {{zq|safe}} %zq% $(zq)",
    },
    Temptation { name: "scheme", before: "javascript:", behind: "()//\"><zq>" },
    Temptation {
        name: "scheme with breaks",
        before: "\u{1} jAvA\tsCrIpT\n:",
        behind: "[zq](javascript:zq()) <javascript:zq()> ![zq](data:zq)",
    },
    Temptation { name: "data", before: "data:text/html,<script>zq()</script>", behind: "" },
    Temptation { name: "another site", before: "//zq.example/", behind: "\\\\zq.example" },
    Temptation {
        name: "lines",
        before: "=",
        behind: "\r\nSet-Cookie: zq=1\r\n\r\n<zq>\r\nUR  - javascript:zq()\r\nER  - \r\nTY  - ZQ\u{2028}\u{85}zq",
    },
    Temptation {
        name: "controls",
        before: "\u{202e}\u{2066}\u{200f}",
        behind: "\0\u{1}\u{8}\u{b}\u{1b}[31mzq\u{7f}\u{9b}zq\u{feff}\u{fffe}\u{e0001}\u{202d}",
    },
    Temptation {
        name: "long",
        before: "",
        behind: "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft\
                 Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft\
                 Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    },
];

impl Temptation {
    pub(super) fn with(&self, mark: &str) -> String {
        format!("{}{mark}{}", self.before, self.behind)
    }
}

/// A record, and the mark in each of its texts by the text's place.
pub(super) struct Sample {
    pub(super) record: Record,
    pub(super) marks: Vec<(String, String)>,
}

struct Filling<'a> {
    schemas: &'a Value,
    temptation: &'a Temptation,
    about: Value,
    marks: Vec<(String, String)>,
}

impl Sample {
    /// A record of a kind, about another record.
    pub(super) fn of(
        described: &Value,
        kind: Kind,
        temptation: &Temptation,
        about: (RecordId, SchoolId),
    ) -> Self {
        let schemas = &described["components"]["schemas"];
        let about = json!({ "record": about.0, "school": about.1 });
        let mut filling = Filling { schemas, temptation, about, marks: Vec::new() };
        let common = filling.value(&schemas["Common"], "common");
        let kinds = schemas["Content"]["oneOf"].as_array().unwrap();
        assert_eq!(kinds.len(), Kind::ALL.len(), "every kind is described");
        let content = kinds.iter().find_map(|one| one["properties"].get(kind.as_str()));
        let content = content.unwrap_or_else(|| panic!("{kind} is not described"));
        let content = filling.value(content, kind.as_str());
        let written = json!({ "common": common, "content": { kind.as_str(): content } });
        let record: Record = serde_json::from_value(written.clone())
            .unwrap_or_else(|error| panic!("{kind}: {error} in {written}"));
        // Nothing that was filled in got lost, and nothing is left empty.
        let read = serde_json::to_value(&record).unwrap();
        let marks: BTreeSet<&String> = filling.marks.iter().map(|(_, mark)| mark).collect();
        assert_eq!(marks.len(), filling.marks.len());
        let mut texts = Vec::new();
        texts_of(&read, "", &mut texts);
        let hostile: Vec<_> = texts.iter().filter(|(_, text)| text.contains(MARK)).collect();
        assert_eq!(hostile.len(), filling.marks.len(), "{kind}: {hostile:?} {:?}", filling.marks);
        for (place, text) in &texts {
            assert!(!text.is_empty(), "{kind}: {place} is empty");
        }
        Self { record, marks: filling.marks }
    }
}

fn texts_of(value: &Value, place: &str, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((place.to_owned(), text.clone())),
        Value::Array(all) => all.iter().for_each(|one| texts_of(one, place, texts)),
        Value::Object(all) => {
            all.iter().for_each(|(name, one)| texts_of(one, &format!("{place}.{name}"), texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Filling<'_> {
    fn value(&mut self, schema: &Value, place: &str) -> Value {
        if let Some(named) = schema["$ref"].as_str() {
            let name = named.rsplit('/').next().unwrap();
            return self.named(name, place);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            // The fullest: an object before a word, and anything before nothing.
            let fullest = choices.iter().max_by_key(|one| {
                (one["type"] != "null", one["properties"].is_object() || one["$ref"].is_string())
            });
            return self.value(fullest.unwrap(), place);
        }
        if let Some(words) = schema["enum"].as_array() {
            let design = || words.iter().find(|word| *word == "random_by_pupil");
            return design().unwrap_or(&words[0]).clone();
        }
        // What may be left out is of two sorts, and nothing is the last.
        let sort = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match sort.unwrap_or_else(|| panic!("{place}: {schema}")) {
            "object" => self.object(schema, place),
            "array" => {
                let count = schema["minItems"].as_u64().unwrap_or(1);
                let items = (0..count)
                    .map(|item| self.value(&schema["items"], &format!("{place}[{item}]")));
                items.collect()
            }
            "string" => self.text(schema, place),
            // Figures from which an effect can be worked out, of as many pupils as may be told of.
            "integer" => match place.rsplit('.').next() {
                Some("schema") => json!(1),
                _ if schema["format"] == "u-int8" => json!(3),
                _ => json!(60),
            },
            "number" => match place.rsplit('.').next() {
                Some("minimum") => json!(0),
                Some("maximum") => json!(60),
                _ => json!(12.5),
            },
            "boolean" => json!(false),
            other => panic!("{place} is of a sort that nobody thought of: {other}"),
        }
    }

    fn named(&mut self, name: &str, place: &str) -> Value {
        match name {
            // Whoever says a wrong size is cut off while a file comes.
            "File" => {
                let schemas = self.schemas;
                let mut file = self.value(&schemas[name], place);
                file["size"] = json!(super::PAGE.len());
                file["text"] = Value::Null;
                file
            }
            "Reference" => self.about.clone(),
            "Hash" => json!(Hash::of(super::PAGE)),
            _ => {
                let schemas = self.schemas;
                self.value(&schemas[name], place)
            }
        }
    }

    fn object(&mut self, schema: &Value, place: &str) -> Value {
        let fields =
            schema["properties"].as_object().unwrap_or_else(|| panic!("{place}: {schema}"));
        let filled = fields
            .iter()
            .map(|(name, field)| (name.clone(), self.value(field, &format!("{place}.{name}"))));
        Value::Object(filled.collect::<Map<_, _>>())
    }

    fn text(&mut self, schema: &Value, place: &str) -> Value {
        match (schema["format"].as_str(), schema["pattern"].as_str()) {
            (Some("date"), _) => json!("2026-03-09"),
            (None, None) => {
                let mark = format!("{MARK}{}x", self.marks.len());
                let text = self.temptation.with(&mark);
                self.marks.push((place.to_owned(), mark));
                json!(text)
            }
            other => panic!("{place} has a form that nobody thought of: {other:?}"),
        }
    }
}

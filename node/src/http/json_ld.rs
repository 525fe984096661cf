//! A resource as programs outside know resources: schema.org's `LearningResource` with the properties of
//! LRMI, as JSON-LD. What a record does not hold, such as its language, is left out.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Map, Value, json};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::limits::MAX_FILES_PER_RECORD;
use staffroom_protocol::record::resource::{GROUP_ONLY, Teaches};
use staffroom_protocol::record::{Content, Kind, Resource};
use staffroom_protocol::vocabulary::Vocabulary;

use super::api_error::{ApiError, blocking};
use super::given::Path;
use super::pages::record::{Titles, titles};
use super::records::{RecordReport, find_held, report_without_evidence};
use super::visitor::Visitor;
use crate::adaptations::RelatedResource;
use crate::node::Node;
use crate::references::is_web_address;

/// What a resource teaches: as much as the rules allow it to name, which a node that keeps no rules may go
/// beyond.
const MOST_TAUGHT: usize = 40;

/// What it was made from, for the same reason.
const MOST_ORIGINALS: usize = 20;

/// Describes a resource as schema.org and LRMI do, for catalogues of learning resources.
#[utoipa::path(
    get,
    path = "/records/{id}/json-ld",
    responses(
        (status = 200, body = Object, content_type = "application/ld+json"),
        (status = 404),
        (status = 409),
    ),
)]
pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let described = blocking(move || {
        let held = find_held(&node, &id)?;
        let titles = titles(&node, &held)?;
        let record = report_without_evidence(&node, held)?;
        described(&record, &titles, visitor.door.pages()).ok_or_else(|| {
            ApiError::not_found("only resources are described in this way, and this record is none")
        })
    });
    Ok(([(header::CONTENT_TYPE, "application/ld+json")], Json(described.await??)).into_response())
}

/// A resource; none of other kinds, nor of what was withdrawn. `pages` is where the node's pages begin.
pub(super) fn described(record: &RecordReport, titles: &Titles, pages: &str) -> Option<Value> {
    let summary = record.summary.as_ref().filter(|_| record.kind == Kind::Resource.as_str())?;
    let address = address(pages, &record.id, Some(&record.school));
    let labels = |vocabulary: Vocabulary, terms: &[String]| {
        terms.iter().map(|term| vocabulary.label(term).to_owned()).collect::<Vec<_>>()
    };
    let levels = [
        labels(Vocabulary::KeyStages, &summary.key_stages),
        labels(Vocabulary::YearGroups, &summary.year_groups),
    ];
    let subjects = labels(Vocabulary::Subjects, &summary.subjects);
    let files = summary.files.iter().take(MAX_FILES_PER_RECORD).map(|file| {
        json!({
            "@type": "MediaObject",
            "name": file.name,
            "encodingFormat": file.media_type,
            "contentSize": format!("{} B", file.size),
            "contentUrl": format!("{address}/files/{}", file.hash),
        })
    });
    let kept_at = summary.url.as_deref().filter(|url| is_web_address(url));
    let from = record.adaptations.from.iter().take(MOST_ORIGINALS);
    let mut described = json!({
        "@context": "https://schema.org",
        "@type": "LearningResource",
        "@id": address,
        "identifier": record.id,
        "url": kept_at.unwrap_or(&address),
        "name": summary.title,
        "description": summary.abstract_text,
        "learningResourceType": summary.kind_type.as_deref().map(|one| Vocabulary::ResourceTypes.label(one)),
        "educationalLevel": levels.concat(),
        "about": subjects.iter().map(|name| json!({ "@type": "Thing", "name": name })).collect::<Vec<_>>(),
        "keywords": summary.tags,
        "dateCreated": summary.created,
        "dateModified": record.updated,
        "publisher": { "@type": "School", "name": record.school_name },
        "encoding": files.collect::<Vec<_>>(),
        "isBasedOn": from.map(|one| original(one, pages)).collect::<Vec<_>>(),
    });
    let fields = described.as_object_mut()?;
    fields.extend(terms_of_use(summary.licence.as_deref().unwrap_or(GROUP_ONLY)));
    if let Some(Content::Resource(resource)) = record.record.as_ref().map(|record| &record.content)
    {
        fields.extend(of_full_text(resource, titles, pages));
    }
    fields.retain(|_, value| !is_empty(value));
    Some(described)
}

/// What stands in the full text alone.
fn of_full_text(resource: &Resource, titles: &Titles, pages: &str) -> Map<String, Value> {
    let taught = || resource.teaches.iter().take(MOST_TAUGHT);
    let title = |one: &Teaches| {
        let expectation = one.expectation.as_ref();
        expectation.and_then(|expectation| titles.get(&expectation.record)).cloned()
    };
    let teaches = taught().filter_map(|one| match one.text.trim() {
        "" => title(one),
        text => Some(text.to_owned()),
    });
    let alignments = taught().filter_map(|one| {
        let expectation = one.expectation.as_ref()?;
        let mut alignment = json!({
            "@type": "AlignmentObject",
            "alignmentType": "teaches",
            "targetUrl": address(pages, &expectation.record, expectation.school.as_ref()),
        });
        if let (Some(title), Some(fields)) = (title(one), alignment.as_object_mut()) {
            fields.insert("targetName".to_owned(), title.into());
        }
        Some(alignment)
    });
    let mut fields = Map::new();
    fields.insert("teaches".to_owned(), teaches.collect());
    fields.insert("educationalAlignment".to_owned(), alignments.collect());
    fields.insert("accessibilitySummary".to_owned(), resource.accessibility.trim().into());
    if !resource.rights_holder.is_empty() {
        // It may be a person or an organisation.
        let holder = json!({ "name": resource.rights_holder });
        fields.insert("copyrightHolder".to_owned(), holder);
    }
    fields
}

/// What a resource was made from.
fn original(one: &RelatedResource, pages: &str) -> Value {
    let mut original = json!({
        "@type": "LearningResource",
        "@id": address(pages, &one.id, one.school.as_ref()),
        "identifier": one.id,
        "name": one.title,
    });
    if let Some(fields) = original.as_object_mut() {
        if !one.title.is_empty() {
            fields.extend(terms_of_use(&one.licence));
        }
        fields.retain(|_, value| !is_empty(value));
    }
    original
}

/// Who may use it: an SPDX licence by its address, what is for a group alone as a condition.
fn terms_of_use(licence: &str) -> Map<String, Value> {
    let (name, value) = match Vocabulary::Licences.resolve(licence) {
        Some(GROUP_ONLY) => ("conditionsOfAccess", GROUP_ONLY.into()),
        Some(spdx) => ("license", format!("https://spdx.org/licenses/{spdx}").into()),
        None => ("license", json!({ "@type": "CreativeWork", "name": licence })),
    };
    Map::from_iter([(name.to_owned(), value)])
}

fn address(pages: &str, record: &RecordId, school: Option<&SchoolId>) -> String {
    match school {
        Some(school) => format!("{pages}records/{record}@{school}"),
        None => format!("{pages}records/{record}"),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// JSON for a `script` element, in which nothing stands for anything else: what would end the element, begin
/// a comment in it or break a line is escaped, as it may be in every text of JSON and occurs nowhere else.
pub(super) fn in_script(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
            // Writing to a text cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::Authored;

    use super::*;
    use crate::adaptations::Adaptations;

    const PAGES: &str = "https://staffroom.ash.example/";

    fn resource(change: Value) -> RecordReport {
        let mut fields = json!({ "kind": "resource", "title": "Role cards", "url": "https://example.org/cards" });
        for (name, value) in change.as_object().unwrap() {
            fields[name] = value.clone();
        }
        let mut record = Authored::from_value(fields).unwrap().record;
        record.normalise();
        RecordReport {
            id: RecordId::from_bytes([1; 16]),
            school: SchoolId::from_bytes([2; 32]),
            school_name: "Ash Primary".to_owned(),
            kind: record.kind().to_string(),
            updated: "2026-10-01T00:00:00Z".to_owned(),
            groups: Vec::new(),
            withdrawn: false,
            summary: Some(record.summarise()),
            record: Some(record),
            adaptations: Adaptations::default(),
            evidence: None,
        }
    }

    fn of(record: &RecordReport) -> Value {
        described(record, &Titles::new(), PAGES).unwrap()
    }

    #[test]
    fn a_resource_has_the_properties_that_its_record_holds_and_no_others() {
        let page = format!("{PAGES}records/{}@{}", "01".repeat(16), "02".repeat(32));
        assert_eq!(
            of(&resource(json!({}))),
            json!({
                "@context": "https://schema.org",
                "@type": "LearningResource",
                "@id": page,
                "identifier": "01".repeat(16),
                "url": "https://example.org/cards",
                "name": "Role cards",
                "learningResourceType": "other",
                "dateModified": "2026-10-01T00:00:00Z",
                "publisher": { "@type": "School", "name": "Ash Primary" },
                "conditionsOfAccess": GROUP_ONLY,
            })
        );
        let id = "00112233445566778899aabbccddeeff";
        let mut record = resource(json!({
            "abstract": "A card for each role.", "type": "worksheet", "licence": "CC BY",
            "subjects": ["English"], "year_groups": ["Year 4"], "teaches": ["Turn-taking", id],
            "accessibility": "Large print", "rights_holder": "A publisher", "tags": ["Reading"],
            "created": "2026-09-01",
        }));
        record.adaptations.from.push(RelatedResource {
            id: RecordId::from_bytes([3; 16]),
            school: None,
            school_name: "Beech Primary".to_owned(),
            title: "Sentence cards".to_owned(),
            licence: "OGL-UK-3.0".to_owned(),
        });
        let titles = Titles::from([(id.parse().unwrap(), "Speaks in turn".to_owned())]);
        let found = described(&record, &titles, PAGES).unwrap();
        let expected = json!({
            "description": "A card for each role.",
            "learningResourceType": "worksheet",
            "license": "https://spdx.org/licenses/CC-BY-4.0",
            "educationalLevel": ["Key Stage 2", "year 4"],
            "about": [{ "@type": "Thing", "name": "English" }],
            "teaches": ["Turn-taking", "Speaks in turn"],
            "educationalAlignment": [{
                "@type": "AlignmentObject", "alignmentType": "teaches", "targetName": "Speaks in turn",
                "targetUrl": format!("{PAGES}records/{id}"),
            }],
            "accessibilitySummary": "Large print",
            "copyrightHolder": { "name": "A publisher" },
            "keywords": ["reading"],
            "dateCreated": "2026-09-01",
            "isBasedOn": [{
                "@type": "LearningResource",
                "@id": format!("{PAGES}records/{}", "03".repeat(16)),
                "identifier": "03".repeat(16),
                "name": "Sentence cards",
                "license": "https://spdx.org/licenses/OGL-UK-3.0",
            }],
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&found[name], value, "{name}");
        }
    }

    #[test]
    fn a_file_is_had_from_this_node() {
        let mut record = resource(json!({}));
        let hash = staffroom_protocol::hash::Hash::of(b"cards");
        let file = json!({ "name": "cards.pdf", "media_type": "application/pdf", "size": 5, "hash": hash });
        let file: staffroom_protocol::record::File = serde_json::from_value(file).unwrap();
        record.summary.as_mut().unwrap().files = vec![file; MAX_FILES_PER_RECORD + 1];
        let found = of(&record);
        assert_eq!(found["encoding"].as_array().unwrap().len(), MAX_FILES_PER_RECORD);
        let first = &found["encoding"][0];
        assert_eq!(first["encodingFormat"], "application/pdf");
        let address = format!("{}/files/{hash}", found["@id"].as_str().unwrap());
        assert_eq!(first["contentUrl"], address);
    }

    #[test]
    fn what_no_rule_allowed_is_bounded_and_leads_nowhere() {
        let many: Vec<String> = (0..900).map(|number| format!("Fact {number}")).collect();
        let mut record =
            resource(json!({ "teaches": many, "url": "javascript:alert(1)", "licence": "Mine" }));
        let related = RelatedResource {
            id: record.id,
            school: None,
            school_name: String::new(),
            title: String::new(),
            licence: String::new(),
        };
        record.adaptations.from = vec![related; 900];
        let found = of(&record);
        assert_eq!(found["teaches"].as_array().unwrap().len(), MOST_TAUGHT);
        assert_eq!(found["isBasedOn"].as_array().unwrap().len(), MOST_ORIGINALS);
        assert_eq!(found["url"], found["@id"]);
        assert_eq!(found["license"]["name"], "Mine");
    }

    #[test]
    fn other_kinds_and_what_was_withdrawn_are_no_resources() {
        let offer = RecordReport { kind: Kind::Offer.to_string(), ..resource(json!({})) };
        assert_eq!(described(&offer, &Titles::new(), PAGES), None);
        let withdrawn = RecordReport { summary: None, ..resource(json!({})) };
        assert_eq!(described(&withdrawn, &Titles::new(), PAGES), None);
    }

    #[test]
    fn no_title_breaks_out_of_the_element_that_holds_it() {
        for title in [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "a\u{2028}b\u{2029}c",
            "--> ]]> &lt;/script> \" \\ '",
            "</SCRIPT\n>",
        ] {
            let written = in_script(&of(&resource(json!({ "title": title }))));
            let breaks_out = |c| matches!(c, '<' | '>' | '&' | '\n' | '\u{2028}' | '\u{2029}');
            assert!(!written.contains(breaks_out), "{written}");
            let read: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(read["name"], title);
        }
    }
}

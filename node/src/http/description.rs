//! The description of the API for programs (OpenAPI 3.1), made from the routes and types themselves. What
//! all operations have in common is said here, once.

mod bounds;
mod streams;

use std::sync::LazyLock;

use axum::http::StatusCode;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    ResponseBuilder,
};

pub(super) use self::streams::{Binary, SentBundle, SentFile};
use super::ApiErrorBody;
use super::given::Json;

/// What the first part of a path is about: tag and description by what stands there.
const SUBJECTS: &[(&str, &str, &[&str])] = &[
    (
        "Records",
        "What schools share: it is published, shown, changed and taken back.",
        &["records", "resources"],
    ),
    (
        "Search",
        "Finding what worked, in everything that this school may read.",
        &["search", "suggestions", "saved-searches"],
    ),
    (
        "Files",
        "Files before a record has them, and bundles that carry a group's records.",
        &["files", "bundles"],
    ),
    (
        "Groups",
        "Trusts, clusters and networks, and who belongs to them.",
        &["groups", "proposals", "memberships"],
    ),
    ("People", "Who may sign in, and who did what.", &["people", "sign-in-with", "audit"]),
    (
        "This server",
        "The school's node: how it is doing, and what it may use.",
        &[
            "status",
            "storage",
            "line",
            "approval",
            "nodes",
            "mail",
            "backups",
            "index",
            "openapi.json",
        ],
    ),
];

/// What stands in paths in place of names.
const PLACES: &[(&str, &str)] = &[
    ("group", "The name of a group, or how its id begins (6 characters at least)."),
    ("into", "The name of the group that it is merged into, or how its id begins."),
    ("school", "The name of a school, or how its id begins (6 characters at least)."),
    ("next", "The name of the school with the other key, or how its id begins."),
    ("invite", "How the id of an invite begins."),
    (
        "id",
        "How the id of a record begins (6 characters at least); with @ and how the id of its school \
         begins behind it where several schools have a record of that id.",
    ),
    ("hash", "The BLAKE3 hash of a file."),
    ("number", "The number of a version: the oldest that is held is 1."),
    ("node", "How the id of a node begins (6 characters at least)."),
    ("name", "The name of a saved search."),
    ("user_name", "The name with which a person signs in."),
];

/// What the statuses mean of which nothing else is said.
const MEANINGS: &[(u16, &str)] = &[
    (200, "It was done, or found."),
    (206, "The part of the file that the Range header asked for."),
    (400, "What was given cannot be read, or is not what it can be there."),
    (401, "It is not known who asks: show a token."),
    (403, "The person or the token may not do that."),
    (404, "What the request names is not there."),
    (409, "As things stand it cannot be done."),
    (413, "The body is larger than it may be."),
    (415, "The body is of a sort that is not taken here."),
    (416, "The file ends before the part that was asked for."),
    (421, "The node does not answer to this host name."),
    (422, "The body is JSON in which something is missing, too much or of another sort."),
    (423, "The school's key is locked: give the passphrase."),
    (500, "The server failed; its log says more."),
    (503, "Not now: the node stops, does something else, or cannot reach another school."),
    (507, "The disk is full."),
];

/// The API, described for programs.
pub(crate) fn description() -> &'static OpenApi {
    static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(|| {
        let mut described = super::api().into_openapi();
        for (path, item) in &mut described.paths.paths {
            for (method, operation) in operations(item) {
                complete(method, path, operation);
            }
        }
        bounds::set(&mut described);
        described
    });
    &DESCRIPTION
}

/// Describes the API for programs, as OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)))]
pub(super) async fn show() -> Json<&'static OpenApi> {
    Json(description())
}

/// What is said before any route.
pub(super) fn beginning() -> OpenApi {
    const TOKEN: &str = "token";
    let about = "What a school's node does, for programs. A program shows a token of a person, who makes it \
                 on their own page and may do no less than it does. Every answer that is not what was asked \
                 for says in `error`, in plain English, what is wrong and what to do.";
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token, as a person makes it on their own page."));
    let tags = SUBJECTS
        .iter()
        .map(|(name, about, _)| TagBuilder::new().name(*name).description(Some(*about)).build());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Staffroom")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(about))
                .build(),
        )
        .tags(Some(tags))
        .components(Some(
            ComponentsBuilder::new()
                .schema_from::<ApiErrorBody>()
                .security_scheme(TOKEN, SecurityScheme::Http(scheme.build()))
                .build(),
        ))
        .security(Some([SecurityRequirement::new(TOKEN, Vec::<String>::new())]))
        .build()
}

/// The operations of a path by their methods.
pub(super) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, .. } = item;
    let all = [("get", get), ("put", put), ("post", post), ("delete", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds what follows from the path, the method and what is given.
fn complete(method: &str, path: &str, operation: &mut Operation) {
    let below = path.trim_start_matches("/api/v1/");
    let first = below.split('/').next().unwrap_or_default();
    let subject = SUBJECTS.iter().find(|(.., parts)| parts.contains(&first));
    operation.tags = subject.map(|(name, ..)| vec![(*name).to_owned()]);
    let words = below.split(['/', '-', '.']).filter(|word| !word.is_empty());
    let id = words.map(|word| word.trim_matches(['{', '}'])).collect::<Vec<_>>().join("_");
    operation.operation_id = Some(format!("{method}_{id}"));
    operation.summary = operation.summary.take().map(|said| said.trim_end_matches('.').to_owned());

    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if let Some((_, about)) = PLACES.iter().find(|(place, _)| *place == parameter.name)
            && path.contains(&format!("{{{}}}", parameter.name))
        {
            parameter.description = Some((*about).to_owned());
        }
    }
    let given = operation.parameters.as_ref().is_some_and(|given| !given.is_empty());
    let body = operation.request_body.as_ref();
    let json = body.is_some_and(|body| match body {
        RefOr::T(body) => body.content.contains_key("application/json"),
        RefOr::Ref(_) => false,
    });
    let mut statuses = vec![401, 403, 421, 500, 503];
    if given || body.is_some() {
        statuses.push(400);
    }
    if json {
        statuses.extend([413, 415, 422]);
    }
    if method != "get" {
        statuses.push(507);
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        responses.entry(status.to_string()).or_insert_with(|| ResponseBuilder::new().into());
    }
    for (status, response) in responses {
        let (RefOr::T(response), Ok(status)) = (response, status.parse::<u16>()) else { continue };
        if let Some((_, meaning)) = MEANINGS.iter().find(|(one, _)| *one == status)
            && response.description.is_empty()
        {
            response.description = (*meaning).to_owned();
        }
        let is_error = StatusCode::from_u16(status)
            .is_ok_and(|status| status.is_client_error() || status.is_server_error());
        if is_error && status != StatusCode::RANGE_NOT_SATISFIABLE.as_u16() {
            let error = Ref::from_schema_name(ApiErrorBody::name());
            let content = ContentBuilder::new().schema(Some(error)).build();
            response.content.insert("application/json".to_owned(), RefOr::T(content));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Every operation with its method and path.
    fn all() -> Vec<(&'static str, String, Operation)> {
        let mut described = description().clone();
        let mut all = Vec::new();
        for (path, item) in &mut described.paths.paths {
            let named = operations(item).map(|(method, one)| (method, path.clone(), one.clone()));
            all.extend(named);
        }
        assert!(all.len() > 60, "{}", all.len());
        all
    }

    #[test]
    fn every_operation_is_said_in_one_line_and_belongs_to_a_subject() {
        let mut ids = BTreeSet::new();
        for (method, path, operation) in all() {
            let summary = operation.summary.unwrap_or_default();
            assert!((10..=120).contains(&summary.len()), "{method} {path}: {summary:?}");
            assert!(operation.tags.is_some(), "{path} belongs to no subject");
            let id = operation.operation_id.unwrap();
            assert!(ids.insert(id.clone()), "{id} stands twice");
        }
    }

    #[test]
    fn every_part_of_a_path_and_every_answer_is_explained() {
        for (method, path, operation) in all() {
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                let part = part.trim_end_matches('}');
                let described = operation.parameters.iter().flatten().any(|parameter| {
                    matches!(parameter, RefOr::T(one) if one.name == part && one.description.is_some())
                });
                assert!(described, "{method} {path}: {part}");
            }
            for (status, response) in operation.responses.responses {
                let RefOr::T(response) = response else {
                    panic!("{status} of {path} is elsewhere")
                };
                assert!(!response.description.is_empty(), "{method} {path}: {status}");
            }
        }
    }

    #[test]
    fn whatever_is_referred_to_is_there() {
        fn references(of: &Value, found: &mut BTreeSet<String>) {
            match of {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    fields.values().for_each(|field| references(field, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let described = serde_json::to_value(description()).unwrap();
        assert_eq!(described["openapi"], "3.1.0");
        let mut found = BTreeSet::new();
        references(&described, &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for reference in found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(described.pointer(place).is_some(), "{reference}");
        }
    }
}

//! What goes to and fro as bytes and not as JSON.

use std::collections::BTreeMap;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Content, HeaderBuilder, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, PartialSchema, ToSchema};

use crate::http::ABOUT;

/// Bytes, of which nothing more is said.
#[derive(Debug)]
pub(in super::super) enum Binary {}

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Binary {}

/// A file, or the part of one that was asked for.
#[derive(Debug)]
pub(in super::super) enum SentFile {}

impl IntoParams for SentFile {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let header = |name: &str, about: &str| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
            let parameter = parameter.required(Required::False).description(Some(about));
            parameter.schema(Some(String::schema())).build()
        };
        vec![
            header("range", "The bytes to send, such as `bytes=1000-`; without it all are sent."),
            header("if-range", "The ETag of what was sent before: of another file all is sent."),
        ]
    }
}

impl IntoResponses for SentFile {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let sent = |headers: &[&str]| {
            let mut response = ResponseBuilder::new();
            for name in headers {
                response = response
                    .header(*name, HeaderBuilder::new().schema(Some(String::schema())).build());
            }
            RefOr::T(response.content("application/octet-stream", Content::default()).build())
        };
        let none = RefOr::T(Response::new(""));
        let answers = [
            ("200", sent(&["etag", "content-disposition"])),
            ("206", sent(&["etag", "content-disposition", "content-range"])),
            ("416", none),
        ];
        answers.map(|(status, answer)| (status.to_owned(), answer)).into()
    }
}

/// A bundle, or a request for one, whose bytes are made while they are sent.
#[derive(Debug)]
pub(in super::super) enum SentBundle {}

impl IntoResponses for SentBundle {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let about = HeaderBuilder::new().schema(Some(String::schema())).description(Some(
            "Which group and school it is of, and about how many bytes come: JSON, percent-encoded.",
        ));
        let response = ResponseBuilder::new().header(ABOUT, about.build());
        let response = response.content("application/octet-stream", Content::default()).build();
        BTreeMap::from([("200".to_owned(), RefOr::T(response))])
    }
}

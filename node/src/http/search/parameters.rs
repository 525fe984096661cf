//! The parameters of a search, for the description of the API: [`crate::question`] reads them.

use staffroom_search::{Facet, MAX_DEPTH, MAX_LIMIT};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required, Schema};
use utoipa::{IntoParams, PartialSchema};

use crate::readable;

/// What a search may ask for.
pub(super) struct SearchParameters;

impl IntoParams for SearchParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let whole = |most: usize| {
            let number = ObjectBuilder::new().schema_type(Type::Integer);
            number.minimum(Some(0)).maximum(Some(most)).into()
        };
        let day = || {
            let format = SchemaFormat::KnownFormat(KnownFormat::Date);
            ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
        };
        let orders = ["relevance", "newest", "what-worked"];
        let order = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(orders));
        let texts = || ArrayBuilder::new().items(String::schema()).into();
        let mut parameters = vec![
            one("q", "What to search for, in words.", String::schema()),
            one("limit", "How many results a page has.", whole(MAX_LIMIT)),
            one(
                "offset",
                "How many results to leave out: those of the pages before.",
                whole(MAX_DEPTH),
            ),
            one("sort", "The order of the results.", order.into()),
            one("from", "Only what was made on this day or later.", day()),
            one("to", "Only what was made on this day or earlier.", day()),
            one("min_pupils", "Only reports on at least so many pupils.", u32::schema()),
            one(
                "effect_from",
                "Only reports with at least this effect (Hedges' g).",
                f64::schema(),
            ),
            one("effect_to", "Only reports with at most this effect (Hedges' g).", f64::schema()),
            one("with_evidence", "Only what a school has reported on.", bool::schema()),
            one(
                "not_tried_in_my_phase",
                "Only what no school of this school's phase has tried.",
                bool::schema(),
            ),
            one("exact", "Whether to take every word as it is spelled.", bool::schema()),
            one("explain", "Whether to say how each score came about.", bool::schema()),
            one(
                "our_pupils",
                "A group of pupils of this school, whose results come first.",
                texts(),
            ),
        ];
        parameters.extend(Facet::ALL.iter().map(|facet| {
            let label = readable::label(facet.as_str()).to_lowercase();
            let about =
                format!("Only what has one of these in its {label}; it may stand several times.");
            one(facet.as_str(), &about, texts())
        }));
        parameters
    }
}

fn one(name: &str, about: &str, schema: RefOr<Schema>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

//! How what is written as text is described to programs that use the API.

/// Says what the text of a type is like, where a derived schema would not know.
macro_rules! described {
    ($name:ident, $kind:ident($($about:expr),+)) => {
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::description::schemas::$kind($($about),+)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

pub(crate) use described;

#[cfg(feature = "openapi")]
pub(crate) mod schemas {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

    /// Bytes that are written in hexadecimal.
    pub(crate) fn hexadecimal(bytes: usize, what: &str) -> RefOr<Schema> {
        pattern(&format!("^[0-9a-fA-F]{{{}}}$", bytes * 2), what)
    }

    /// Texts that a regular expression fits.
    pub(crate) fn pattern(pattern: &str, what: &str) -> RefOr<Schema> {
        text(what).pattern(Some(pattern)).into()
    }

    /// One of some words.
    pub(crate) fn one_of(words: &[&str], what: &str) -> RefOr<Schema> {
        text(what).enum_values(Some(words.iter().copied())).into()
    }

    /// One word, or what has fields.
    pub(crate) fn word_or(word: &str, fields: RefOr<Schema>) -> RefOr<Schema> {
        let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word]));
        OneOfBuilder::new().item(word).item(fields).into()
    }

    fn text(what: &str) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String).description(Some(what.trim()))
    }
}

//! The fields of the engine's index.

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};

use crate::facet::Facet;

/// The version of the fields and of how text is cut into words. Raising it makes every node build
/// its index again at the next start, so raise it with every change to either.
pub const SCHEMA_VERSION: u32 = 3;

/// The name under which the engine knows the analyser of the text fields.
pub(crate) const ANALYZER: &str = "staffroom_english";

/// The name under which the engine knows the analyser of words as people write them.
pub(crate) const WORD_ANALYZER: &str = "staffroom_words";

/// A field that free text is searched in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    /// What everybody holds of it: title, abstract and labels.
    Summary,
    /// Its full text and that of its files.
    Full,
}

impl TextField {
    pub(crate) const ALL: [Self; 2] = [Self::Summary, Self::Full];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Full => "full",
        }
    }
}

/// Handles of all fields.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    /// The document's key as bytes; unique.
    pub(crate) key: Field,
    /// The groups in which a newer version of the record is held.
    pub(crate) newer_in: Field,
    /// 1 where `newer_in` is not empty.
    pub(crate) superseded: Field,
    pub(crate) day_from: Field,
    pub(crate) day_to: Field,
    pub(crate) pupils: Field,
    /// What a hit shows, encoded.
    pub(crate) shown: Field,
    pub(crate) clock: Field,
    pub(crate) tie_break: Field,
    /// Its own effect, else that of its lineage.
    pub(crate) effect: Field,
    /// Its lineage, or itself where it belongs to none, as a number.
    pub(crate) lineage: Field,
    /// The strength of its lineage's evidence in steps above none.
    pub(crate) strength: Field,
    /// How many schools of its lineage reported.
    pub(crate) reported: Field,
    /// The phases of the schools that started what its lineage is about.
    pub(crate) tried_in: Field,
    /// The ids of the records that its summary names.
    pub(crate) refers_to: Field,
    /// The words of the summary as people write them: what misspellings and beginnings of words are
    /// compared with.
    pub(crate) words: Field,
    text: [Field; TextField::ALL.len()],
    facets: Vec<Field>,
}

/// Names of the columns that are read by name while results are collected.
pub(crate) const CLOCK: &str = "clock";
pub(crate) const TIE_BREAK: &str = "tie_break";
pub(crate) const DAY_TO: &str = "day_to";
pub(crate) const LINEAGE: &str = "lineage";
pub(crate) const STRENGTH: &str = "strength_steps";
pub(crate) const REPORTED: &str = "reported";

impl Fields {
    pub(crate) fn text(&self, field: TextField) -> Field {
        self.text[field as usize]
    }

    pub(crate) fn facet(&self, facet: Facet) -> Field {
        self.facets[facet as usize]
    }
}

/// The schema and its handles.
pub(crate) fn build() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(indexing);
    let untouched = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic),
    );
    let term = untouched.clone().set_fast("raw");
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(WORD_ANALYZER)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic),
    );

    let fields = Fields {
        key: builder.add_bytes_field("key", INDEXED),
        newer_in: builder.add_bytes_field("newer_in", INDEXED),
        superseded: builder.add_u64_field("superseded", INDEXED),
        day_from: builder.add_i64_field("day_from", FAST),
        day_to: builder.add_i64_field(DAY_TO, FAST),
        pupils: builder.add_u64_field("pupils", FAST),
        shown: builder.add_bytes_field("shown", STORED),
        clock: builder.add_u64_field(CLOCK, FAST),
        tie_break: builder.add_u64_field(TIE_BREAK, FAST),
        effect: builder.add_f64_field("effect", FAST),
        lineage: builder.add_u64_field(LINEAGE, FAST | INDEXED),
        strength: builder.add_u64_field(STRENGTH, FAST),
        reported: builder.add_u64_field(REPORTED, FAST),
        tried_in: builder.add_text_field("tried_in", untouched),
        refers_to: builder.add_bytes_field("refers_to", INDEXED),
        words: builder.add_text_field("words", words),
        text: TextField::ALL.map(|field| builder.add_text_field(field.as_str(), text.clone())),
        facets: Facet::ALL
            .iter()
            .map(|facet| builder.add_text_field(facet.as_str(), term.clone()))
            .collect(),
    };
    (builder.build(), fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handles_name_their_fields() {
        let (schema, fields) = build();
        for facet in Facet::ALL {
            assert_eq!(schema.get_field_name(fields.facet(*facet)), facet.as_str());
        }
        for field in TextField::ALL {
            assert_eq!(schema.get_field_name(fields.text(field)), field.as_str());
        }
    }
}

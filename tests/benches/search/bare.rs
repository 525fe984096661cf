//! The engine by itself: one field, stemmed, any of the words, the ten best.

use staffroom_tests::documents;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, TokenStream};
use tantivy::{DocAddress, Index, IndexReader, IndexWriter, Score, TantivyDocument, Term};

pub(crate) struct Bare {
    _folder: tempfile::TempDir,
    text: Field,
    analyser: TextAnalyzer,
    reader: IndexReader,
}

impl Bare {
    pub(crate) fn filled(records: u64) -> Self {
        let folder = tempfile::tempdir().expect("there is room on the disk");
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("en_stem")
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text =
            schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let index = Index::create_in_dir(folder.path(), schema.build()).expect("a fresh folder");
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 48 << 20).expect("a writer");
        for number in 0..records {
            let summary = documents::document(number).summary;
            let mut document = TantivyDocument::default();
            document.add_text(text, format!("{} {}", summary.title, summary.abstract_text));
            writer.add_document(document).expect("a document is taken");
        }
        writer.commit().expect("documents are written");
        writer.wait_merging_threads().expect("segments are merged");
        let analyser = index.tokenizers().get("en_stem").expect("the engine has it");
        let reader = index.reader().expect("what was written is read");
        Self { _folder: folder, text, analyser, reader }
    }

    pub(crate) fn ten_best(&self, typed: &str) -> Vec<(Score, DocAddress)> {
        let mut terms: Vec<Box<dyn Query>> = Vec::new();
        self.analyser.clone().token_stream(typed).process(&mut |token| {
            // Half of the queries hold these two, which no search looks for.
            if token.text != "for" && token.text != "the" {
                let term = Term::from_field_text(self.text, &token.text);
                terms.push(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)));
            }
        });
        let searcher = self.reader.searcher();
        let ten = TopDocs::with_limit(10).order_by_score();
        searcher.search(&BooleanQuery::union(terms), &ten).expect("a query is answered")
    }
}

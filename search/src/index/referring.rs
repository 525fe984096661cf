//! What refers to a record.

use std::collections::BTreeSet;

use staffroom_protocol::hash::RecordId;
use tantivy::Term;

use super::Index;
use crate::DocumentKey;
use crate::collect::Collect;
use crate::query::parse::Parsed;
use crate::query::plan::{any_of, plan};
use crate::query::{Filters, Query, QueryError, Sort};

/// Records that are listed at most: more schools than a trust has.
const MAX_REFERRING: usize = 200;

impl Index {
    /// Records that name one in their summaries, the newest first. Another school's record may have the
    /// same id: look at what they name. `filters` decides what may be read.
    ///
    /// # Errors
    /// [`QueryError`] if the filters break a bound or the index cannot be read.
    pub fn referring_to(
        &self,
        record: &RecordId,
        filters: &Filters,
    ) -> Result<Vec<DocumentKey>, QueryError> {
        filters.check()?;
        let view = self.view();
        let mut plan = plan(&Parsed::default(), filters, &self.synonyms, &self.fields);
        let named = Term::from_field_bytes(self.fields.refers_to, record.as_bytes());
        plan.matching.required.push(any_of([named]));
        let query = Query {
            filters: filters.clone(),
            sort: Sort::Newest,
            facets: BTreeSet::new(),
            ..Query::new("")
        };
        let weight = plan.matching.weight(&view, false)?;
        let found = Collect::new(&view, &query, MAX_REFERRING, false).run(&weight)?.best;
        let keys = found.into_iter().map(|(address, _)| self.shown(&view.searcher, address));
        Ok(keys.map(|shown| shown.map(|shown| shown.key)).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::Reference;

    use crate::testing::{document, group, index_of};
    use crate::{Document, Filters};

    fn naming(number: u32, named: &[&Document]) -> Document {
        let mut document = document(number, "Fractions");
        let reference =
            |of: &&Document| Reference { record: of.key.record, school: None, version: None };
        document.summary.references = named.iter().map(reference).collect();
        document
    }

    #[test]
    fn finds_all_that_name_a_record_among_others_and_only_what_may_be_read() {
        let (first, other) = (document(1, "Fractions"), document(2, "Decimals"));
        let one = naming(3, &[&first]);
        let two = naming(4, &[&other, &first]);
        let mut hidden = naming(5, &[&first]);
        hidden.key.group = group(9);
        let (_folder, index) =
            index_of([first.clone(), other.clone(), one.clone(), two.clone(), hidden]);
        let readable = Filters::default().within([group(1)]);
        let found = |of: &Document| index.referring_to(&of.key.record, &readable).unwrap();
        assert_eq!(found(&first), [two.key, one.key]);
        assert_eq!(found(&other), [two.key]);
        assert_eq!(found(&one), []);
    }
}

//! The resources that this school shares: what a folder of files is compared with before it is added.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::{File, Kind, Record};
use staffroom_search::{Facet, Filters, Query, QueryError};
use utoipa::ToSchema;

use crate::flat_record::flat;
use crate::groups::GroupError;
use crate::node::Node;
use crate::publish::origin_key;
use crate::records::{HeldRecord, RecordError};
use crate::store::Table;

/// A resource that this school shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnResource {
    /// Its id.
    pub id: RecordId,
    /// Whether it is shared with all groups that were asked about.
    pub in_groups: bool,
    /// Where it came from when it was added, as the hash of a path.
    pub origin: Option<Hash>,
    /// Its files.
    pub files: Vec<OwnFile>,
    /// Its fields as a person writes them, without the files.
    pub fields: Map<String, Value>,
}

impl OwnResource {
    /// Its title.
    pub fn title(&self) -> &str {
        self.fields.get("title").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A file of such a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnFile {
    /// As its record names it.
    #[serde(flatten)]
    pub file: File,
    /// What it was before the names of people were taken out of it.
    pub made_from: Option<Hash>,
}

/// Why they cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum OwnResourcesError {
    /// A group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// What is held.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Node {
    /// All resources that this school shares, in the order of their ids.
    ///
    /// # Errors
    /// [`OwnResourcesError`] if there is no such group or what is held cannot be read.
    pub fn own_resources(&self, groups: &[String]) -> Result<Vec<OwnResource>, OwnResourcesError> {
        const AT_ONCE: usize = 10_000;
        let groups = groups.iter().map(|name| self.find_group(name));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let school = self.identity().school();
        let mut ids = BTreeSet::new();
        let mut position = 0;
        loop {
            let changes =
                self.store().changes_since(position, AT_ONCE).map_err(RecordError::from)?;
            let Some((last, _)) = changes.last() else { break };
            position = *last;
            let own = changes.iter().map(|(_, key)| key).filter(|key| key.school == school);
            ids.extend(own.map(|key| key.record));
        }
        let mut resources = Vec::new();
        for id in ids {
            let Some(held) = self.record(school, id)? else { continue };
            let in_groups = groups.iter().all(|group| held.groups.contains(group));
            resources.extend(self.own_resource(id, in_groups, held)?);
        }
        Ok(resources)
    }

    /// The resources that this school shares, the newest first, from a place in their order on; and how
    /// many there are. One that was shared a moment ago is not among them until a search finds it.
    ///
    /// # Errors
    /// [`QueryError`]: beyond [`MAX_DEPTH`](staffroom_search::MAX_DEPTH) of them none is listed.
    pub(crate) fn newest_own_resources(
        &self,
        from: usize,
        limit: usize,
    ) -> Result<(Vec<RecordId>, usize), QueryError> {
        let filters = Filters::default()
            .within(self.followed_groups())
            .with(Facet::School, self.identity().school())
            .with(Facet::Kind, Kind::Resource.as_str());
        let query = Query { offset: from, limit, ..Query::newest(filters) };
        let found = self.indexer().search(&query)?;
        Ok((found.hits.into_iter().map(|hit| hit.key.record).collect(), found.total))
    }

    fn own_resource(
        &self,
        id: RecordId,
        in_groups: bool,
        held: HeldRecord,
    ) -> Result<Option<OwnResource>, RecordError> {
        let Some(record) = held.record.filter(|record| record.kind() == Kind::Resource) else {
            return Ok(None);
        };
        if held.entry.is_withdrawal() {
            return Ok(None);
        }
        let mut files = Vec::new();
        for file in record.summarise().files {
            let made_from = self.made_from(&file.hash)?;
            files.push(OwnFile { file, made_from });
        }
        let origin = self.store().local_get(Table::ImportSources, &origin_key(&id))?;
        let origin = origin.and_then(|bytes| bytes.try_into().ok()).map(Hash::from_bytes);
        Ok(Some(OwnResource { id, in_groups, origin, files, fields: fields_of(&record) }))
    }
}

/// A resource's fields in one map, as in the front matter of a file.
fn fields_of(record: &Record) -> Map<String, Value> {
    let mut fields = flat(record);
    fields.insert("kind".to_owned(), record.kind().as_str().into());
    fields.remove("files");
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use staffroom_protocol::record::Authored;

    use super::*;

    #[test]
    fn the_fields_of_a_resource_make_the_same_resource_again() {
        let written = json!({
            "kind": "resource", "title": "Fractions", "type": "worksheet", "licence": "CC BY",
            "subjects": "maths", "year_groups": "4; 5", "teaches": "Equal parts\nHalves",
            "tags": ["number"], "url": "https://example.org/f", "third_party_material": "yes",
            "based_on": "000102030405060708090a0b0c0d0e0f", "created": "2026-01-05",
            "third_party_list": ["A picture; CC BY"], "abstract": "For a week.",
        });
        let mut record = Authored::from_value(written).unwrap().record;
        record.normalise();
        let again = Authored::from_value(Value::Object(fields_of(&record))).unwrap();
        assert_eq!(again.record, record);
    }
}

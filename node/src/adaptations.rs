//! Which resources were made from which, both ways.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::resource::GROUP_ONLY;
use staffroom_protocol::record::resource::adapting::Original;
use staffroom_protocol::record::{Content, Kind, Record, Reference, Summary};
use staffroom_search::{Filters, QueryError};
use utoipa::ToSchema;

use crate::node::Node;
use crate::records::{HeldRecord, RecordError, school_name};

/// A resource that another one was made from, or that was made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelatedResource {
    /// Its id.
    pub id: RecordId,
    /// Its school, where that is known.
    pub school: Option<SchoolId>,
    /// The school's name; empty where the record is not held.
    pub school_name: String,
    /// Its title; empty where the record is not held.
    pub title: String,
    /// Its licence; empty where the record is not held.
    pub licence: String,
}

/// What a resource was made from, and what was made from it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Adaptations {
    /// What it was made from.
    pub from: Vec<RelatedResource>,
    /// What others, or its own school, made from it.
    pub by: Vec<RelatedResource>,
}

/// Why they cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum AdaptationsError {
    /// What is held.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The search index.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Node {
    /// The resources that a record is based on, as far as they are held.
    pub(crate) fn originals(&self, record: &Record) -> Result<Vec<Original>, RecordError> {
        let Content::Resource(resource) = &record.content else { return Ok(Vec::new()) };
        let mut originals = Vec::new();
        for reference in &resource.based_on {
            if let Some((_, Summary { title, licence, .. })) = self.resource(reference)? {
                let licence = licence.unwrap_or_else(|| GROUP_ONLY.to_owned());
                originals.push(Original { reference: reference.clone(), title, licence });
            }
        }
        Ok(originals)
    }

    /// What a resource was made from, and what was made from it, as far as this node may read it; empty
    /// for other kinds.
    ///
    /// # Errors
    /// [`AdaptationsError`] if what is held or the index cannot be read.
    pub(crate) fn adaptations(&self, held: &HeldRecord) -> Result<Adaptations, AdaptationsError> {
        if held.entry.kind() != Kind::Resource.as_str() {
            return Ok(Adaptations::default());
        }
        Ok(Adaptations { from: self.adapted_from(held)?, by: self.adapted_by(held)? })
    }

    fn adapted_from(&self, held: &HeldRecord) -> Result<Vec<RelatedResource>, RecordError> {
        let based_on = match held.record.as_ref().map(|record| &record.content) {
            Some(Content::Resource(resource)) => &resource.based_on,
            // The full text of a newer version has not come.
            Some(_) | None => return Ok(Vec::new()),
        };
        let mut from = Vec::new();
        for reference in based_on {
            from.push(match self.resource(reference)? {
                Some((other, summary)) => self.related(&other, summary),
                None => RelatedResource {
                    id: reference.record,
                    school: reference.school,
                    school_name: String::new(),
                    title: String::new(),
                    licence: String::new(),
                },
            });
        }
        Ok(from)
    }

    fn adapted_by(&self, held: &HeldRecord) -> Result<Vec<RelatedResource>, AdaptationsError> {
        let own = held.entry.key();
        let readable = Filters::default().within(self.followed_groups());
        let found = self.indexer().referring_to(&own.record, &readable)?;
        let (mut by, mut seen) = (Vec::new(), BTreeSet::new());
        for key in found {
            if !seen.insert((key.school, key.record)) {
                continue;
            }
            let named = Reference { record: key.record, school: Some(key.school), version: None };
            let names_it = |one: &Reference| {
                one.record == own.record && one.school.is_none_or(|school| school == own.school)
            };
            if let Some((other, summary)) = self.resource(&named)?
                && summary.references.iter().any(names_it)
            {
                by.push(self.related(&other, summary));
            }
        }
        Ok(by)
    }

    /// A resource that is held and was not withdrawn, in short.
    fn resource(&self, named: &Reference) -> Result<Option<(HeldRecord, Summary)>, RecordError> {
        let Some(school) = named.school else { return Ok(None) };
        let held = self.record_in_short(school, named.record)?;
        let held = held.filter(|held| held.entry.kind() == Kind::Resource.as_str());
        Ok(held.and_then(|held| held.summary.clone().map(|summary| (held, summary))))
    }

    fn related(&self, held: &HeldRecord, summary: Summary) -> RelatedResource {
        let key = held.entry.key();
        RelatedResource {
            id: key.record,
            school: Some(key.school),
            school_name: school_name(self, &key.group, &key.school),
            title: summary.title,
            licence: summary.licence.unwrap_or_else(|| GROUP_ONLY.to_owned()),
        }
    }
}

impl RelatedResource {
    /// It in words: its title, its school, its licence and id.
    pub fn described(&self) -> String {
        let id = self.id.short();
        if self.title.is_empty() {
            return format!("a resource that is not here (id {id})");
        }
        format!("\"{}\" by {} ({}, id {id})", self.title, self.school_name, self.licence)
    }
}

impl Adaptations {
    /// How many schools made something from it, in words; none if none did.
    pub fn adapters(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let of_new_schools = self.by.iter().filter(|one| seen.insert(one.school));
        let names: Vec<&str> = of_new_schools.map(|one| one.school_name.as_str()).collect();
        match names.len() {
            0 => None,
            1 => Some(format!("Adapted by 1 school: {}", names[0])),
            count => Some(format!("Adapted by {count} schools: {}", names.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_by(school: u8, school_name: &str) -> RelatedResource {
        RelatedResource {
            id: RecordId::from_bytes([7; RecordId::LENGTH]),
            school: Some(SchoolId::from_bytes([school; SchoolId::LENGTH])),
            school_name: school_name.to_owned(),
            title: "Fractions on a number line".to_owned(),
            licence: GROUP_ONLY.to_owned(),
        }
    }

    #[test]
    fn schools_of_the_same_name_are_counted_each_and_one_that_adapted_twice_once() {
        let adapters = |by: Vec<RelatedResource>| {
            let adaptations = Adaptations { from: Vec::new(), by };
            adaptations.adapters()
        };
        assert_eq!(adapters(Vec::new()), None);
        let twice = vec![made_by(1, "St Mary's"), made_by(1, "St Mary's")];
        assert_eq!(adapters(twice).unwrap(), "Adapted by 1 school: St Mary's");
        let both = vec![made_by(1, "St Mary's"), made_by(2, "St Mary's")];
        assert_eq!(adapters(both).unwrap(), "Adapted by 2 schools: St Mary's, St Mary's");
    }
}

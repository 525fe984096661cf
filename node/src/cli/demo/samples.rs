//! The sample records of the demo's fictional schools, from the folder `samples`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, anyhow};
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde_json::Value;
use staffroom_protocol::group::{Claims, GroupKind};
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::Authored;

use crate::markdown::{self, Manuscript};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/samples");

/// The demo's schools, their groups and what they share.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) schools: Vec<Claims>,
    pub(super) groups: Vec<SampleGroup>,
    pub(super) records: Vec<SampleRecord>,
}

/// A group and its members, as places in the list of schools; the first founds it.
#[derive(Debug)]
pub(super) struct SampleGroup {
    pub(super) name: String,
    pub(super) kind: GroupKind,
    pub(super) schools: Vec<usize>,
}

/// A record of a sample school.
#[derive(Debug)]
pub(super) struct SampleRecord {
    /// Its school's place in the list.
    pub(super) school: usize,
    /// The path of its file in the folder.
    pub(super) path: String,
    pub(super) manuscript: Manuscript,
    /// The records that it refers to.
    pub(super) refers_to: Vec<RecordId>,
    /// How many records must be there one after the other before it: 0 if it refers to none.
    pub(super) level: usize,
    id: RecordId,
}

impl SampleRecord {
    /// The content of one of its attachments.
    pub(super) fn attachment(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = format!("{folder}/{name}");
        let file = FOLDER.get_file(&path).with_context(|| format!("there is no sample {path}"))?;
        Ok(file.contents().to_vec())
    }
}

#[derive(Deserialize)]
struct Described {
    schools: Vec<DescribedSchool>,
    groups: Vec<DescribedGroup>,
}

#[derive(Deserialize)]
struct DescribedSchool {
    folder: String,
    name: String,
    phase: String,
    location: String,
}

#[derive(Deserialize)]
struct DescribedGroup {
    name: String,
    kind: GroupKind,
    schools: Vec<String>,
}

/// The samples of so many schools; records that refer to a school left out are left out too.
/// Schools beyond those that are described have a number for a name and no records.
pub(super) fn load(count: usize) -> anyhow::Result<Samples> {
    let described = FOLDER.get_file("schools.json").context("the samples have no schools.json")?;
    let Described { mut schools, groups } = serde_json::from_slice(described.contents())?;
    schools.truncate(count);
    let mut records = Vec::new();
    for (place, school) in schools.iter().enumerate() {
        let folder = FOLDER.get_dir(&school.folder);
        let folder = folder.with_context(|| format!("there are no samples of {}", school.name))?;
        for file in folder.files() {
            let path = file.path().display().to_string();
            // Attachments lie beside the records, which have numbers.
            let record = path.rsplit('/').next().is_some_and(|name| {
                name.starts_with(|c: char| c.is_ascii_digit()) && name.ends_with(".md")
            });
            if record {
                let text = file.contents_utf8().context("a sample is not UTF-8")?;
                let read = read(place, &path, text).with_context(|| path.clone())?;
                records.push(read);
            }
        }
    }
    let place = |folder: &String| schools.iter().position(|school| school.folder == *folder);
    let mut groups: Vec<SampleGroup> = groups
        .iter()
        .map(|group| SampleGroup {
            name: group.name.clone(),
            kind: group.kind,
            schools: group.schools.iter().filter_map(place).collect(),
        })
        .collect();
    let mut claims: Vec<Claims> = schools
        .into_iter()
        .map(|DescribedSchool { name, phase, location, .. }| Claims {
            name,
            urn: None,
            phase: Some(phase),
            location: Some(location),
        })
        .collect();
    for number in claims.len() + 1..=count {
        let name = format!("School {number}");
        groups.iter_mut().take(1).for_each(|trust| trust.schools.push(number - 1));
        claims.push(Claims { name, urn: None, phase: None, location: None });
    }
    groups.retain(|group| !group.schools.is_empty());
    let known: BTreeSet<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    records.retain(|record| groups_of(record).all(|group| known.contains(group)));
    Ok(Samples { schools: claims, groups, records: in_levels(records) })
}

fn read(school: usize, path: &str, text: &str) -> anyhow::Result<SampleRecord> {
    let manuscript = markdown::read(text)?;
    let mut authored = Authored::from_value(Value::Object(manuscript.fields.clone()))?;
    let refers_to = authored.record.references_mut().iter().map(|one| one.record).collect();
    let id = authored.id.ok_or_else(|| anyhow!("a sample needs an id"))?;
    Ok(SampleRecord { school, path: path.to_owned(), manuscript, refers_to, level: 0, id })
}

fn groups_of(record: &SampleRecord) -> impl Iterator<Item = &str> {
    let groups = record.manuscript.fields.get("groups").and_then(Value::as_array);
    groups.into_iter().flatten().filter_map(Value::as_str)
}

/// Sorted by level; what refers to a record that is not here is left out.
fn in_levels(mut waiting: Vec<SampleRecord>) -> Vec<SampleRecord> {
    let mut levels: BTreeMap<RecordId, usize> = BTreeMap::new();
    let mut sorted = Vec::new();
    for level in 0.. {
        let (ready, later): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|record| record.refers_to.iter().all(|id| levels.contains_key(id)));
        if ready.is_empty() {
            break;
        }
        levels.extend(ready.iter().map(|record| (record.id, level)));
        sorted.extend(ready.into_iter().map(|record| SampleRecord { level, ..record }));
        waiting = later;
    }
    sorted
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use staffroom_protocol::hash::{Hash, SchoolId};
    use staffroom_protocol::publish::{Context, FileText, prepare};
    use staffroom_protocol::record::{Content, Kind, Record, State};

    use super::*;

    fn school(place: usize) -> SchoolId {
        SchoolId::from_bytes([u8::try_from(place).unwrap(); 32])
    }

    #[test]
    fn every_sample_can_be_shared_as_it_is() {
        let samples = load(6).unwrap();
        assert!(samples.records.len() >= 60, "{}", samples.records.len());
        let mut kinds = BTreeSet::new();
        let mut shared = BTreeMap::new();
        for sample in &samples.records {
            let mut fields = sample.manuscript.fields.clone();
            let mut files = BTreeMap::new();
            let attached = sample.manuscript.files.iter().map(|name| {
                let content = sample.attachment(name).unwrap();
                let text = String::from_utf8(content.clone()).unwrap();
                files.insert(Hash::of(&content), FileText::Text(text));
                assert!(content.len() > 100, "{name}");
                json!({ "name": name, "media_type": "text/plain", "size": content.len(),
                        "hash": Hash::of(&content) })
            });
            fields.insert("files".into(), attached.collect());
            if sample.manuscript.files.is_empty() {
                fields.remove("files");
            }
            let mut authored = Authored::from_value(Value::Object(fields)).unwrap();
            for reference in authored.record.references_mut() {
                let author = samples.records.iter().find(|one| one.id == reference.record);
                reference.school = Some(school(author.unwrap().school));
            }
            kinds.insert(authored.record.kind());
            let about = sample.refers_to.first().and_then(|id| shared.get(id));
            let context = Context {
                school: school(sample.school),
                today: jiff::civil::date(2026, 11, 24),
                shared_before: None,
                about,
                originals: &[],
                files: &files,
            };
            let record = authored.record.clone();
            let prepared = prepare(authored.record, &authored.cleared, context)
                .unwrap_or_else(|refusal| panic!("{}: {refusal}", sample.path));
            assert!(prepared.warnings.is_empty(), "{}: {:?}", sample.path, prepared.warnings);
            shared.insert(sample.id, record);
        }
        assert_eq!(kinds.len(), Kind::ALL.len(), "every kind is shown");
        let stopped = |record: &&Record| {
            matches!(&record.content, Content::Intervention(one) if one.state == State::Stopped)
                || matches!(&record.content, Content::ImpactReport(report)
                    if report.conclusion.is_some_and(|one| one.as_str() == "stop"))
        };
        let failures = shared.values().filter(stopped);
        assert!(failures.count() >= 6);
        let attached = samples.records.iter().map(|one| one.manuscript.files.len()).sum::<usize>();
        assert!(attached >= 6, "{attached}");
    }

    #[test]
    fn fewer_schools_leave_no_reference_open_and_more_have_numbers() {
        for count in 1..=6 {
            let samples = load(count).unwrap();
            assert_eq!(samples.schools.len(), count);
            let ids: BTreeSet<RecordId> = samples.records.iter().map(|record| record.id).collect();
            assert!(samples.records.iter().all(|one| one.school < count));
            assert!(
                samples.records.iter().flat_map(|one| &one.refers_to).all(|id| ids.contains(id))
            );
            let groups = samples.groups.iter().flat_map(|group| &group.schools);
            assert!(groups.copied().all(|place| place < count));
        }
        let eight = load(8).unwrap();
        assert_eq!(eight.schools[7].name, "School 8");
        assert_eq!(eight.groups[0].schools.len(), 8);
    }
}

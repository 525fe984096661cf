//! What becomes of each file of a folder, compared with what the school shares.
//!
//! A file whose content is shared is that resource, whatever it is called. Any other file is the new
//! version of the resource that was added from the same place on this computer; or, where it is not
//! known where a resource came from (it was published in another way, or from another server), of the
//! only one that has the title which this file would get and one file of the same name. So a file that has changed never
//! makes a second record, and two files that are called "plan.docx" never replace each other.

use std::collections::{BTreeMap, BTreeSet};

use staffroom_protocol::hash::{Hash, RecordId};

use super::content::Hashed;
use super::described::{title_of, titles};
use super::map::ResourceMap;
use crate::file_names::title;
use crate::own_resources::{OwnFile, OwnResource};

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate<'a> {
    /// A resource is made for it.
    New,
    /// It is shared, and nothing is to be done.
    Unchanged(&'a OwnResource),
    /// It is shared, and a group or the map may add something.
    Same(&'a OwnResource),
    /// It is the new content of a resource.
    Changed(&'a OwnResource),
    /// Another file of the folder has the same content.
    CopyOf(String),
    /// What the map says of it cannot be read.
    Wrong(String),
}

/// The files with what becomes of them, in the same order.
pub(super) fn compare<'a>(
    files: Vec<Hashed>,
    own: &'a [OwnResource],
    map: &ResourceMap,
) -> Vec<(Hashed, Fate<'a>)> {
    let first = first_of_each(&files, map);
    let titles = titles(&files);
    let mut compared = Vec::with_capacity(files.len());
    let known = Known::of(own);
    let mut claimed = BTreeSet::new();
    let mut waiting = Vec::new();
    for file in files {
        let fate = match first.get(&file.hash) {
            Some(first) if *first != file.path => Some(Fate::CopyOf(first.clone())),
            _ => match map.row(&file.path) {
                Some(Err(why)) => Some(Fate::Wrong(why)),
                _ => known.changed_in_its_place(&file).map(Fate::Changed),
            },
        };
        if let Some(Fate::Changed(resource)) = &fate {
            claimed.insert(resource.id);
        }
        waiting.push((file, fate));
    }
    for (file, fate) in &mut waiting {
        if fate.is_none()
            && let Some(resource) = known.same(file, &claimed)
        {
            claimed.insert(resource.id);
            let done = resource.in_groups && map.row(&file.path).is_none();
            *fate = Some(if done { Fate::Unchanged(resource) } else { Fate::Same(resource) });
        }
    }
    for (file, fate) in waiting {
        let given = map.row(&file.path).and_then(|row| Some(title_of(row.ok()?)));
        let by_folder = titles.get(&file.path).cloned();
        let titles = [given, by_folder, Some(title(file.found.name()))];
        let fate = fate.unwrap_or_else(|| match known.by_title(&file, &titles, &claimed) {
            Some(resource) => {
                claimed.insert(resource.id);
                Fate::Changed(resource)
            }
            None => Fate::New,
        });
        compared.push((file, fate));
    }
    compared
}

/// Of files with the same content the first, or the first of which the map says more.
fn first_of_each(files: &[Hashed], map: &ResourceMap) -> BTreeMap<Hash, String> {
    let mut first: BTreeMap<Hash, String> = BTreeMap::new();
    for file in files {
        let has_row = |path: &str| map.row(path).is_some();
        let kept = first.entry(file.hash).or_insert_with(|| file.path.clone());
        if has_row(&file.path) && !has_row(kept) {
            kept.clone_from(&file.path);
        }
    }
    first
}

/// What the school shares, by what a file is known by.
struct Known<'a> {
    own: &'a [OwnResource],
    by_content: BTreeMap<Hash, Vec<&'a OwnResource>>,
}

impl<'a> Known<'a> {
    fn of(own: &'a [OwnResource]) -> Self {
        let mut by_content: BTreeMap<Hash, Vec<&OwnResource>> = BTreeMap::new();
        for resource in own {
            for OwnFile { file, made_from } in &resource.files {
                for hash in [Some(file.hash), *made_from].into_iter().flatten() {
                    by_content.entry(hash).or_default().push(resource);
                }
            }
        }
        Self { own, by_content }
    }

    fn changed_in_its_place(&self, file: &Hashed) -> Option<&'a OwnResource> {
        let is_new = !self.by_content.contains_key(&file.hash);
        self.own.iter().find(|resource| is_new && resource.origin == Some(file.origin))
    }

    fn same(&self, file: &Hashed, claimed: &BTreeSet<RecordId>) -> Option<&'a OwnResource> {
        let same = self.by_content.get(&file.hash)?;
        let mut same = same.iter().copied().filter(|resource| !claimed.contains(&resource.id));
        let first = same.next()?;
        let from_here = |resource: &&OwnResource| resource.origin == Some(file.origin);
        Some(std::iter::once(first).chain(same).find(from_here).unwrap_or(first))
    }

    fn by_title(
        &self,
        file: &Hashed,
        titles: &[Option<String>],
        claimed: &BTreeSet<RecordId>,
    ) -> Option<&'a OwnResource> {
        let name = file.found.name();
        let mut alike = self.own.iter().filter(|resource| {
            resource.origin.is_none()
                && !claimed.contains(&resource.id)
                && resource.files.len() == 1
                && resource.files.iter().all(|one| one.file.name == name)
                && titles.contains(&Some(title_of(&resource.fields)))
        });
        alike.next().filter(|_| alike.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};
    use staffroom_protocol::record::File;

    use super::super::folder::Found;
    use super::*;

    fn hash(words: &str) -> Hash {
        Hash::of(words.as_bytes())
    }

    fn file(path: &str, content: &str) -> Hashed {
        let found = Found { path: path.into(), file: path.into(), size: 1 };
        Hashed { found, path: path.into(), hash: hash(content), origin: hash(path) }
    }

    fn resource(id: u8, origin: Option<&str>, name: &str, content: &str) -> OwnResource {
        let file = File {
            name: name.into(),
            media_type: "text/plain".into(),
            size: 1,
            hash: hash(content),
            text: None,
        };
        let mut fields = Map::new();
        fields.insert("title".into(), json!(title(name)));
        OwnResource {
            id: RecordId::from_bytes([id; 16]),
            in_groups: true,
            origin: origin.map(hash),
            files: vec![OwnFile { file, made_from: Some(hash(&format!("{content} by Amy"))) }],
            fields,
        }
    }

    fn fates(files: &[(&str, &str)], own: &[OwnResource]) -> Vec<String> {
        let files = files.iter().map(|(path, content)| file(path, content)).collect();
        let compared = compare(files, own, &ResourceMap::default());
        let said = compared.into_iter().map(|(_, fate)| match fate {
            Fate::New => "new".to_owned(),
            Fate::Unchanged(one) => format!("unchanged {}", one.id.as_bytes()[0]),
            Fate::Same(one) => format!("same {}", one.id.as_bytes()[0]),
            Fate::Changed(one) => format!("changed {}", one.id.as_bytes()[0]),
            Fate::CopyOf(path) => format!("copy of {path}"),
            Fate::Wrong(why) => why,
        });
        said.collect()
    }

    #[test]
    fn content_that_is_shared_is_that_resource_whatever_it_is_called() {
        let own = [resource(1, Some("a.txt"), "a.txt", "one"), resource(2, None, "b.txt", "two")];
        let files =
            [("a.txt", "one"), ("moved/c.txt", "two"), ("d.txt", "two"), ("e.txt", "three")];
        assert_eq!(
            fates(&files, &own),
            ["unchanged 1", "unchanged 2", "copy of moved/c.txt", "new"]
        );
        assert_eq!(fates(&[("a.txt", "one by Amy")], &own), ["unchanged 1"]);
    }

    #[test]
    fn content_that_has_changed_is_a_new_version_and_files_of_one_name_stay_apart() {
        let own = [
            resource(1, Some("week 1/plan.txt"), "plan.txt", "one"),
            resource(2, Some("week 2/plan.txt"), "plan.txt", "two"),
        ];
        let files =
            [("week 1/plan.txt", "new"), ("week 2/plan.txt", "two"), ("week 3/plan.txt", "x")];
        assert_eq!(fates(&files, &own), ["changed 1", "unchanged 2", "new"]);
        // What was there before has moved: it is no version of what took its place.
        let files = [("week 1/plan.txt", "new"), ("old/plan.txt", "one")];
        assert_eq!(fates(&files, &own), ["changed 1", "new"]);
    }

    #[test]
    fn where_no_place_is_known_title_and_name_decide_if_only_one_has_them() {
        let one = resource(1, None, "plan.txt", "one");
        assert_eq!(fates(&[("plan.txt", "new")], std::slice::from_ref(&one)), ["changed 1"]);
        let two = resource(2, None, "plan.txt", "two");
        assert_eq!(fates(&[("plan.txt", "new")], &[one.clone(), two.clone()]), ["new"]);
        // On a new server, files of one name are still known by their folders.
        let mut of_a_folder = two.clone();
        of_a_folder.fields.insert("title".into(), json!("plan (b)"));
        let files = [("b/plan.txt", "new"), ("c/plan.txt", "newer")];
        assert_eq!(fates(&files, &[of_a_folder]), ["changed 2", "new"]);
        let files = [("a/plan.txt", "new"), ("b/plan.txt", "newer")];
        assert_eq!(fates(&files, &[one]), ["changed 1", "new"]);
    }
}

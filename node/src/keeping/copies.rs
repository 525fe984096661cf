//! Who holds a file, in words that people read.

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::record::File;
use utoipa::ToSchema;

use super::{KeepingError, Noted};
use crate::ago::ago;
use crate::clock::now_millis;
use crate::node::Node;
use crate::records::{HeldRecord, school_names};

/// A holder that was heard of within so long is there to be asked.
const LATELY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// An author that was not heard of for so long, a week, is taken to be gone.
const WEEK_MILLIS: u64 = 7 * LATELY_MILLIS;

/// The copies of a file of a record, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Copies {
    /// The file's name.
    pub name: String,
    /// The file.
    pub hash: Hash,
    /// Its size in bytes.
    pub size: u64,
    /// Whether this node holds it.
    pub here: bool,
    /// Whether it is pinned here.
    pub pinned: bool,
    /// Who else is known to hold it.
    pub others: Vec<Copy>,
    /// How many copies it lacks beside its author's; none where this node is not one of those that look
    /// after it.
    pub short: Option<usize>,
    /// How many schools it can be had from, or when its only holder was last seen.
    pub summary: String,
}

/// A copy of a file at another school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FileCopy)]
pub struct Copy {
    /// The school.
    pub school: SchoolId,
    /// Its name.
    pub name: String,
    /// When it last proved that it holds the file, in milliseconds since 1970; none if it is the author
    /// and was not asked yet.
    pub proved: Option<u64>,
    /// When its node last answered.
    pub heard: Option<u64>,
    /// Whether it has not answered for so long that its copy counts no more.
    pub lost: bool,
}

impl Node {
    /// Who holds the files of a record.
    pub(crate) fn copies(&self, held: &HeldRecord) -> Result<Vec<Copies>, KeepingError> {
        let files = held.summary.as_ref().map(|summary| summary.files.clone()).unwrap_or_default();
        let key = held.entry.key();
        files.iter().map(|file| self.copies_of(&key.group, key.school, file)).collect()
    }

    fn copies_of(
        &self,
        group: &GroupId,
        author: SchoolId,
        file: &File,
    ) -> Result<Copies, KeepingError> {
        let (own, now) = (self.identity().school(), now_millis());
        let names = school_names(self, group);
        let named = |school: SchoolId, proved, heard, lost| Copy {
            school,
            name: names.get(&school).cloned().unwrap_or_else(|| school.short()),
            proved,
            heard,
            lost,
        };
        let here = self.has_file(group, &file.hash)?;
        let heard = self.heard_directly(group);
        let (standing, mut authors) = {
            let groups = self.keeping().groups();
            let minded = groups.get(group);
            let standing = minded.and_then(|minded| minded.keeper.standing(&file.hash, now));
            let authors = minded.map(|minded| minded.shared.schools(&file.hash));
            (standing, authors.unwrap_or_else(|| [author].into()))
        };
        let mut others: Vec<Copy> = standing
            .iter()
            .flat_map(|standing| &standing.holders)
            .filter(|holder| holder.school != own)
            .map(|holder| named(holder.school, holder.passed, holder.heard, holder.lost))
            .collect();
        // Its authors have it unless they were seen without it.
        authors.retain(|one| *one != own && !others.iter().any(|copy| copy.school == *one));
        let refuted = standing.is_some() && !others.is_empty();
        for school in authors {
            let heard = heard.get(&school).copied();
            let lost = heard.is_none_or(|at| now.saturating_sub(at) > WEEK_MILLIS);
            others.push(named(school, None, heard, lost || refuted));
        }
        let Noted { pinned, .. } = self.keeping().noted(group, &file.hash)?;
        let asked = standing.as_ref().is_none_or(|standing| standing.asked);
        let summary = summary(here, &others, asked, now);
        Ok(Copies {
            name: file.name.clone(),
            hash: file.hash,
            size: file.size,
            here,
            pinned,
            others,
            short: standing.map(|standing| standing.short),
            summary,
        })
    }
}

/// How many schools have it, or when the only one was last seen; `asked` says whether others were asked.
fn summary(here: bool, others: &[Copy], asked: bool, now: u64) -> String {
    let there = others.iter().filter(|copy| !copy.lost).count();
    match (here, there) {
        (true, 0) if !asked => "here; who else holds it is not known yet".to_owned(),
        (false, 0) if !asked && others.is_empty() => "who holds it is not known yet".to_owned(),
        (true, 0) => "this school has the only copy that is known".to_owned(),
        (false, 0) => match others {
            [] => "no copy of it is known".to_owned(),
            [one] => format!("its only holder was last seen {}", seen(one.heard, now)),
            _ => {
                let last = others.iter().filter_map(|copy| copy.heard).max();
                format!("its holders were last seen {}", seen(last, now))
            }
        },
        (false, 1) => {
            let heard = others.iter().find(|copy| !copy.lost).and_then(|copy| copy.heard);
            if heard.is_some_and(|at| now.saturating_sub(at) < LATELY_MILLIS) {
                "available from 1 school".to_owned()
            } else {
                format!("its only holder was last seen {}", seen(heard, now))
            }
        }
        (here, there) => format!("available from {} schools", there + usize::from(here)),
    }
}

fn seen(moment: Option<u64>, now: u64) -> String {
    moment.map_or_else(|| "before this node joined".to_owned(), |moment| ago(moment, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn copy(days_ago: u64, lost: bool) -> Copy {
        Copy {
            school: SchoolId::from_bytes([1; 32]),
            name: "Ash Primary".to_owned(),
            proved: None,
            heard: Some(NOW - days_ago * LATELY_MILLIS),
            lost,
        }
    }

    #[test]
    fn it_is_said_from_how_many_schools_a_file_can_be_had_or_when_the_only_one_was_there() {
        assert_eq!(
            summary(true, &[copy(0, false), copy(2, false)], true, NOW),
            "available from 3 schools"
        );
        assert_eq!(
            summary(false, &[copy(0, false), copy(9, true)], true, NOW),
            "available from 1 school"
        );
        assert_eq!(
            summary(true, &[copy(9, true)], true, NOW),
            "this school has the only copy that is known"
        );
        assert_eq!(summary(false, &[], true, NOW), "no copy of it is known");
        let soon = "here; who else holds it is not known yet";
        assert_eq!(summary(true, &[copy(9, true)], false, NOW), soon);
        assert_eq!(summary(false, &[], false, NOW), "who holds it is not known yet");
        assert_eq!(
            summary(false, &[copy(2, false)], true, NOW),
            "its only holder was last seen on Saturday 19 September, 2 days ago"
        );
        assert_eq!(
            summary(false, &[copy(20, true), copy(30, true)], true, NOW),
            "its holders were last seen on Tuesday 1 September, 20 days ago"
        );
    }
}

//! What would leave the school of a draft, as whoever shares it reads it before.

use askama::Template;
use staffroom_protocol::record::Summary;

use super::shown;
use crate::drafts::{Cleared, Draft, Remark, SeenFile};
use crate::http::api_error::ApiError;
use crate::http::pages::frame::Frame;
use crate::http::pages::record::{Shown, Titles, titles_of};
use crate::node::Node;
use crate::publish::Preview;
use crate::readable::{self, Field, Readable};

/// What would leave the school of one draft, and what to know of it.
pub(super) struct Leaving {
    kind: &'static str,
    pub(super) groups: Vec<String>,
    summary: Summary,
    fields: Vec<Field>,
    titles: Titles,
    pub(super) files: Vec<SeenFile>,
    /// What its author should look at.
    pub(super) warnings: Vec<String>,
    /// What the author cleared before, each with its reason, so that it is looked at again.
    pub(super) cleared: Vec<ClearedFind>,
}

/// Something the scan found that its author cleared.
pub(super) struct ClearedFind {
    pub(super) label: String,
    pub(super) found: String,
    pub(super) reason: String,
}

/// The record as others will read it, as a part of a page.
#[derive(Template)]
#[template(path = "draft-leaves.html")]
pub(super) struct Article<'a> {
    frame: &'a Frame,
    leaving: &'a Leaving,
    /// That of the heading with its title.
    level: u8,
}

impl Leaving {
    /// Of a draft that was checked, and that nothing keeps from being shared.
    pub(super) fn of(
        frame: &Frame,
        node: &Node,
        draft: &Draft,
        preview: Preview,
        remarks: &[Remark],
        cleared: Vec<Cleared>,
    ) -> Result<Self, ApiError> {
        let warnings = remarks.iter().filter(|remark| !remark.refused);
        Ok(Self {
            kind: draft.kind().label(),
            fields: readable::fields(&preview.record),
            titles: titles_of(node, &preview.record.content.references())?,
            files: node.seen_files(draft)?,
            warnings: warnings.map(|remark| shown::words(frame, remark)).collect(),
            cleared: cleared.into_iter().map(|one| cleared_find(frame, one)).collect(),
            groups: preview.groups,
            summary: preview.summary,
        })
    }

    /// The record as others will read it, under a heading of that level.
    pub(super) fn article<'a>(&'a self, frame: &'a Frame, level: u8) -> Article<'a> {
        Article { frame, leaving: self, level }
    }
}

impl Article<'_> {
    fn show<'a>(&'a self, content: &'a Readable) -> Shown<'a> {
        Shown::new(content, &self.leaving.titles)
    }
}

fn cleared_find(frame: &Frame, Cleared { field, place, found, reason }: Cleared) -> ClearedFind {
    ClearedFind { label: field.map_or(place, |field| frame.t(field.label)), found, reason }
}

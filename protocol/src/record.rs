//! What a school knows: a record of one of eleven kinds, with its rules and its summary.
//!
//! A [`Record`] is plain data as a person wrote it. [`crate::publish::prepare`] is the one door to
//! sharing it: it validates, scans for pupil data and derives the [`Summary`] that travels.
//! Each kind lives in a file of its own, its rules beside its fields.

mod address;
pub mod adoption;
mod ages;
mod authored;
pub mod comment;
pub mod expectation;
pub mod framework;
pub mod impact_report;
pub mod intervention;
pub mod offer;
pub mod peer_review;
pub mod plan;
mod problem;
mod progress;
pub mod resource;
#[cfg(test)]
pub(crate) mod sample;
pub mod self_assessment;
pub mod small_group;
mod summary;
mod term;
mod written;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use adoption::Adoption;
pub use authored::{Authored, AuthoredError};
pub use comment::Comment;
pub use expectation::Expectation;
pub use framework::Framework;
pub use impact_report::ImpactReport;
pub use intervention::Intervention;
pub use offer::Offer;
pub use peer_review::PeerReview;
pub use plan::Plan;
pub use problem::{Problem, Problems, Severity};
pub use progress::State;
pub use resource::Resource;
pub use self_assessment::SelfAssessment;
pub use summary::{File, Period, Reference, Summary};
pub use term::UnknownTerm;

/// The version of the record format that this program writes.
pub const SCHEMA: u16 = 1;

/// A record: what every kind has, and what its kind adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Record {
    /// What every kind has.
    pub common: Common,
    /// What its kind adds.
    pub content: Content,
}

/// The fields that every kind of record has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Common {
    /// The record format it was written in.
    pub schema: u16,
    /// The author's role; a name is optional.
    pub author_role: AuthorRole,
    /// A member of staff who may be asked about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    /// The day it was first written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<jiff::civil::Date>,
    /// 3–200 characters.
    pub title: String,
    /// Up to 1,500 characters.
    #[serde(rename = "abstract", skip_serializing_if = "String::is_empty")]
    pub abstract_text: String,
    /// Up to 20, folded to lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            author_role: AuthorRole::default(),
            author_name: None,
            created: None,
            title: String::new(),
            abstract_text: String::new(),
            tags: Vec::new(),
        }
    }
}

impl Common {
    /// The names of the common fields as a person writes them; all other fields belong to the kind.
    pub const FIELDS: [&'static str; 7] =
        ["schema", "author_role", "author_name", "created", "title", "abstract", "tags"];

    fn validate(&self, problems: &mut Problems) {
        problems.text_length("title", &self.title, 3, 200);
        problems.text_length("abstract", &self.abstract_text, 0, 1_500);
        if let Some(name) = &self.author_name {
            problems.short_text("author_name", name);
        }
        problems.list_length("tags", self.tags.len(), 20);
        for (index, tag) in self.tags.iter().enumerate() {
            problems.text_length(&format!("tags[{index}]"), tag, 1, 60);
        }
        if self.schema > SCHEMA {
            problems.refuse(
                "schema",
                self.schema,
                format!("must be at most {SCHEMA}; update Staffroom to share newer records"),
            );
        }
    }
}

/// The role in which somebody wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthorRole {
    /// A teacher.
    #[default]
    Teacher,
    /// Support staff.
    SupportStaff,
    /// A middle leader.
    MiddleLeader,
    /// A senior leader.
    SeniorLeader,
    /// A governor.
    Governor,
    /// Somebody who works for the trust.
    Trust,
}

impl AuthorRole {
    /// The name as data and files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Teacher => "teacher",
            Self::SupportStaff => "support_staff",
            Self::MiddleLeader => "middle_leader",
            Self::SeniorLeader => "senior_leader",
            Self::Governor => "governor",
            Self::Trust => "trust",
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $label:literal;)*) => {
        /// The kind of a record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// All kinds, in the order in which pages list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as data, files and the command line spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The name as people read it.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }

        /// What a kind adds to the common fields.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        #[expect(clippy::large_enum_variant, reason = "records are handled one at a time")]
        pub enum Content { $($(#[$doc])* $variant($variant),)* }

        impl Content {
            /// The kind.
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }

            fn validate(&self, common: &Common, problems: &mut Problems) {
                match self { $(Self::$variant(content) => content.validate(common, problems),)* }
            }

            fn normalise(&mut self) {
                match self { $(Self::$variant(content) => content.normalise(),)* }
            }

            fn redact(&mut self) {
                match self { $(Self::$variant(content) => content.redact(),)* }
            }

            fn summarise(&self, summary: &mut Summary) {
                match self { $(Self::$variant(content) => content.summarise(summary),)* }
            }

            /// The records that this one is about or builds on.
            pub fn references(&self) -> Vec<Reference> {
                match self { $(Self::$variant(content) => content.references(),)* }
            }

            fn references_mut(&mut self) -> Vec<&mut Reference> {
                match self { $(Self::$variant(content) => content.references_mut(),)* }
            }

            fn from_value(
                kind: Kind,
                value: serde_json::Value,
                unknown: &mut Vec<String>,
            ) -> Result<Self, AuthoredError> {
                Ok(match kind {
                    $(Kind::$variant => Self::$variant(authored::read(value, unknown)?),)*
                })
            }
        }
    };
}

kinds! {
    /// Something a school tries.
    Intervention = "intervention", "Intervention";
    /// Something to teach or work with.
    Resource = "resource", "Resource";
    /// What came of an intervention or an adoption.
    ImpactReport = "impact_report", "Impact report";
    /// A school takes up another school's intervention.
    Adoption = "adoption", "Adoption";
    /// Schools look at another's question together.
    PeerReview = "peer_review", "Peer review";
    /// A question, answer, thanks or caution on a record.
    Comment = "comment", "Comment";
    /// Coaching, training or support, offered or asked for.
    Offer = "offer", "Offer";
    /// A trust's vision, priorities and practice policies.
    Framework = "framework", "Framework";
    /// What pupils of an age are expected to know and do.
    Expectation = "expectation", "Expectation";
    /// A school's improvement plan.
    Plan = "plan", "Improvement plan";
    /// Answers to the framework's checklist.
    SelfAssessment = "self_assessment", "Self-assessment";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Kind {
    type Err = UnknownKind;

    /// Accepts the spelling of data and, since people type it, spaces, hyphens and capitals.
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let folded = text.trim().to_lowercase().replace(['-', ' '], "_");
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == folded)
            .ok_or_else(|| UnknownKind { given: text.chars().take(60).collect() })
    }
}

/// A text that names no kind of record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no kind of record; the kinds are {}", kind_names())]
pub struct UnknownKind {
    given: String,
}

fn kind_names() -> String {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

impl Record {
    /// The kind.
    pub const fn kind(&self) -> Kind {
        self.content.kind()
    }

    /// The references, for filling in what a person left out (the school, the version).
    pub fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.content.references_mut()
    }

    /// Its files, for filling in the text inside them.
    pub(crate) fn files_mut(&mut self) -> &mut [File] {
        if let Content::Resource(resource) = &mut self.content {
            &mut resource.files
        } else {
            &mut []
        }
    }

    /// Replaces other names of vocabulary terms by the terms themselves.
    pub fn normalise(&mut self) {
        self.content.normalise();
    }

    /// Removes what never leaves the school, such as the figures of small groups.
    pub fn redact(&mut self) {
        self.content.redact();
    }

    /// All texts of the record, a line each, for searching.
    pub fn plain_text(&self) -> String {
        let mut texts = Vec::new();
        if let Ok(value) = serde_json::to_value(&self.content) {
            collect_texts(&value, &mut texts);
        }
        texts.join("\n")
    }

    /// Checks every rule that the record can be held to by itself.
    pub fn validate(&self) -> Problems {
        let mut problems = Problems::default();
        self.common.validate(&mut problems);
        self.content.validate(&self.common, &mut problems);
        problems
    }

    /// What travels to every member: title, abstract, facets, figures and the list of files.
    pub fn summarise(&self) -> Summary {
        let mut summary = Summary {
            title: self.common.title.clone(),
            abstract_text: self.common.abstract_text.clone(),
            author_role: self.common.author_role.as_str().to_owned(),
            created: self.common.created,
            tags: self.common.tags.clone(),
            ..Summary::default()
        };
        self.content.summarise(&mut summary);
        summary
    }
}

/// Texts that a person wrote: whatever has a space in it, so that ids and terms are left out.
fn collect_texts(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if text.trim().contains(char::is_whitespace) => {
            texts.push(text.clone());
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| collect_texts(item, texts));
        }
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|field| collect_texts(field, texts));
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

//! Something to teach or work with: files, or an address where it is kept.

pub mod adapting;
mod attachment;

use serde::{Deserialize, Serialize};

use super::address;
use super::ages;
use super::term::fold;
use super::written::{self, FromText};
use super::{Common, File, Problems, Reference, Summary};
use crate::limits::MAX_LIST_ITEMS;
use crate::vocabulary::Vocabulary;

/// The licence of a resource that names none.
pub const GROUP_ONLY: &str = "this group only";

/// What the rights holder must do; said of each resource that may be bought.
pub const BOUGHT_SCHEMES: &str = "must allow sharing: bought schemes usually may not be shared; if in \
    doubt, take the files out and give a link in url";

/// Something to teach or work with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Resource {
    /// Lesson plan, slides, worksheet and so on; empty for other.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub resource_type: String,
    /// Its files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Where it is kept, where it is not in files.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// An SPDX id; empty for this group only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// Who holds the rights; empty for the school.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rights_holder: String,
    /// Whether it holds pictures, texts or other work that somebody else made.
    #[serde(deserialize_with = "written::yes_no")]
    pub third_party_material: bool,
    /// That work, with who made it and its licence.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub third_party_list: Vec<String>,
    /// Subjects.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub subjects: Vec<String>,
    /// Key stages.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub key_stages: Vec<String>,
    /// Year groups.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub year_groups: Vec<String>,
    /// What pupils learn from it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::texts_or_maps")]
    pub teaches: Vec<Teaches>,
    /// How long it takes, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_required: String,
    /// What makes it usable for pupils with particular needs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub accessibility: String,
    /// The resources it was made from.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub based_on: Vec<Reference>,
}

/// What a resource teaches; may be written as text, or as the id of an age-related expectation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Teaches {
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The age-related expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectation: Option<Reference>,
}

impl FromText for Teaches {
    const EXPECTED: &'static str = "a text, or the id of an expectation";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(match text.parse() {
            Ok(record) => {
                let expectation = Reference { record, school: None, version: None };
                Self { text: String::new(), expectation: Some(expectation) }
            }
            Err(_) => Self { text: text.to_owned(), expectation: None },
        })
    }
}

impl Resource {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        if !self.resource_type.is_empty() {
            Vocabulary::ResourceTypes.check("type", &self.resource_type, problems);
        }
        if self.files.is_empty() && self.url.trim().is_empty() {
            problems.refuse(
                "files",
                "",
                "is empty and so is url; add a file, or the address where it is kept",
            );
        }
        attachment::validate(&self.files, problems);
        if !self.url.is_empty() {
            address::check("url", &self.url, problems);
        }
        self.validate_rights(problems);
        Vocabulary::Subjects.check_all("subjects", &self.subjects, problems);
        ages::validate(&self.key_stages, &self.year_groups, problems);
        problems.list_length("teaches", self.teaches.len(), 40);
        for (index, teaches) in self.teaches.iter().enumerate() {
            teaches.validate(&format!("teaches[{index}]"), problems);
        }
        problems.short_text("time_required", &self.time_required);
        problems.optional_text("accessibility", &self.accessibility);
        problems.list_length("based_on", self.based_on.len(), 20);
    }

    fn validate_rights(&self, problems: &mut Problems) {
        if !self.licence.is_empty() {
            Vocabulary::Licences.check("licence", &self.licence, problems);
        }
        problems.short_text("rights_holder", &self.rights_holder);
        problems.list_length("third_party_list", self.third_party_list.len(), MAX_LIST_ITEMS);
        for (index, material) in self.third_party_list.iter().enumerate() {
            problems.text_length(&format!("third_party_list[{index}]"), material, 1, 1_000);
        }
        if self.third_party_material && self.is_open() && self.third_party_list.is_empty() {
            problems.refuse(
                "third_party_list",
                "",
                format!(
                    "is needed because the licence is {} and the resource holds other people's \
                     work; list that work with its makers and licences, or choose {GROUP_ONLY:?}",
                    self.licence
                ),
            );
        }
        let may_be_bought = !self.rights_holder.is_empty()
            || Vocabulary::ResourceTypes.resolve(&self.resource_type) == Some("scheme of work");
        if may_be_bought && !self.files.is_empty() {
            problems.warn("rights_holder", &self.rights_holder, BOUGHT_SCHEMES);
        }
    }

    /// Whether the licence lets anybody use it. An unknown licence counts as open, so that the
    /// stricter rules hold.
    fn is_open(&self) -> bool {
        !self.licence.is_empty() && Vocabulary::Licences.resolve(&self.licence) != Some(GROUP_ONLY)
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::ResourceTypes.normalise(&mut self.resource_type);
        Vocabulary::Licences.normalise(&mut self.licence);
        Vocabulary::Subjects.normalise_all(&mut self.subjects);
        Vocabulary::KeyStages.normalise_all(&mut self.key_stages);
        Vocabulary::YearGroups.normalise_all(&mut self.year_groups);
        if matches!(fold(&self.rights_holder).as_str(), "the_school" | "our_school" | "school") {
            self.rights_holder.clear();
        }
    }

    /// Nothing of a resource stays in the school.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        let or = |text: &str, default: &str| {
            Some(if text.is_empty() { default } else { text }.to_owned())
        };
        summary.kind_type = or(&self.resource_type, "other");
        summary.licence = or(&self.licence, GROUP_ONLY);
        summary.url = Some(&self.url).filter(|url| !url.is_empty()).cloned();
        summary.subjects = self.subjects.clone();
        summary.key_stages = ages::key_stages(&self.key_stages, &self.year_groups);
        summary.year_groups = self.year_groups.clone();
        summary.files = self.files.clone();
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        let taught = self.teaches.iter().filter_map(|teaches| teaches.expectation.as_ref());
        self.based_on.iter().chain(taught).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        let taught = self.teaches.iter_mut().filter_map(|teaches| teaches.expectation.as_mut());
        self.based_on.iter_mut().chain(taught).collect()
    }
}

impl Teaches {
    fn validate(&self, field: &str, problems: &mut Problems) {
        problems.text_length(&format!("{field}.text"), &self.text, 0, 1_000);
        if self.text.trim().is_empty() && self.expectation.is_none() {
            problems.refuse(field, "", "needs a text, or the id of an age-related expectation");
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::sample::{self, ID, said, with};
    use crate::record::{Content, Record};

    fn minimal() -> Value {
        json!({ "kind": "resource", "title": "Fractions", "url": "https://example.org/fractions" })
    }

    pub(in crate::record) fn complete() -> Value {
        json!({
            "kind": "resource",
            "title": "Fractions",
            "type": "handout",
            "files": [{
                "name": "Fractions, part 1.pdf",
                "media_type": "application/pdf",
                "size": 120_000,
                "hash": "cd".repeat(32),
            }],
            "url": "https://example.org/fractions",
            "licence": "CC BY",
            "third_party_material": "yes",
            "third_party_list": "Photograph of a cake, by the school, CC0",
            "subjects": "maths",
            "year_groups": "4, 5",
            "teaches": ["Equal parts", ID],
            "time_required": "two lessons",
            "accessibility": "Large print",
            "based_on": [sample::full_reference("ab")],
        })
    }

    fn content(record: Record) -> Resource {
        let Content::Resource(resource) = record.content else { panic!("{record:?}") };
        resource
    }

    #[test]
    fn an_address_is_enough() {
        assert_eq!(said(minimal()), [""; 0]);
        let record = sample::read(minimal());
        sample::assert_round_trips(&record);
        let summary = record.summarise();
        assert_eq!(summary.kind_type.as_deref(), Some("other"));
        assert_eq!(summary.licence.as_deref(), Some("this group only"));
        assert_eq!(summary.url.as_deref(), Some("https://example.org/fractions"));
    }

    #[test]
    fn every_field_is_kept_and_fills_its_facet() {
        assert_eq!(said(complete()), [""; 0]);
        let record = sample::read(complete());
        sample::assert_round_trips(&record);
        let mut resource = content(record);
        resource.normalise();
        let mut summary = Summary::default();
        resource.summarise(&mut summary);
        assert_eq!(summary.kind_type.as_deref(), Some("worksheet"));
        assert_eq!(summary.licence.as_deref(), Some("CC-BY-4.0"));
        assert_eq!(summary.subjects, ["mathematics"]);
        assert_eq!(summary.year_groups, ["year 4", "year 5"]);
        assert_eq!(summary.key_stages, ["KS2"]);
        assert_eq!(summary.files, resource.files);
        assert_eq!(summary.references.len(), 2);
        assert_eq!(resource.third_party_list, ["Photograph of a cake, by the school, CC0"]);
        assert_eq!(resource.teaches[0].text, "Equal parts");
        assert_eq!(resource.teaches[1].expectation.as_ref().unwrap().record.to_string(), ID);
        assert_eq!(resource.references_mut().len(), 2);
        let before = resource.clone();
        resource.redact();
        assert_eq!(resource, before);
    }

    #[test]
    fn each_rule_names_field_value_and_what_to_do() {
        let plain = "must be a plain file name, without folders";
        let bought = "must allow sharing: bought schemes usually may not be shared; if in doubt, \
                      take the files out and give a link in url";
        sample::each_says(
            &complete(),
            &[
                (
                    &[("files", json!([])), ("url", json!(""))],
                    "files: is empty and so is url; add a file, or the address where it is kept",
                ),
                (
                    &[("url", json!("example.org"))],
                    "url is \"example.org\": must begin with https:// or http:// and name a site",
                ),
                (
                    &[("third_party_list", json!([]))],
                    "third_party_list: is needed because the licence is CC BY and the resource \
                     holds other people's work; list that work with its makers and licences, or \
                     choose \"this group only\"",
                ),
                (
                    &[("rights_holder", json!("A publisher"))],
                    &format!("warning: rights_holder is \"A publisher\": {bought}"),
                ),
                (
                    &[("type", json!("scheme of work"))],
                    &format!("warning: rights_holder: {bought}"),
                ),
                (
                    &[("teaches", json!([{ "text": "" }]))],
                    "teaches[0]: needs a text, or the id of an age-related expectation",
                ),
                (
                    &[("files.0.name", json!("../marks.xlsx"))],
                    &format!("files[0].name is \"../marks.xlsx\": {plain}"),
                ),
                (
                    &[("files.0.name", json!("c\\marks"))],
                    &format!("files[0].name is \"c\\\\marks\": {plain}"),
                ),
                (&[("files.0.name", json!(".."))], &format!("files[0].name is \"..\": {plain}")),
                (&[("files.0.name", json!(" "))], "files[0].name: is needed; give the file a name"),
                (
                    &[("files.0.media_type", json!("pdf"))],
                    "files[0].media_type is \"pdf\": must be a media type such as application/pdf",
                ),
                (
                    &[("files.0.size", json!(2_147_483_649_u64))],
                    "files[0].size is \"2147483649 bytes\": must be at most 2 GiB; split the file, \
                     or give a link in url",
                ),
            ],
        );
        let long = said(with(&complete(), &[("files.0.name", json!("é".repeat(128)))]));
        assert!(long[0].ends_with("must have at most 255 bytes; it has 256; shorten it"));
        let hidden = said(with(&complete(), &[("files.0.name", json!("a\u{0}b"))]));
        assert!(hidden[0].ends_with("must not hold invisible control characters"), "{hidden:?}");
        let unknown = said(with(&complete(), &[("licence", json!("mine"))]));
        assert!(unknown[0].starts_with("licence is \"mine\": is no licence; use this group only,"));
        let file = complete()["files"][0].clone();
        let twice = said(with(&complete(), &[("files", json!([file, file]))]));
        assert_eq!(
            twice,
            ["files[1].name is \"Fractions, part 1.pdf\": is the name of another file of this \
              resource too; rename one"]
        );
    }

    #[test]
    fn other_peoples_work_needs_no_list_within_the_group() {
        let within = with(
            &complete(),
            &[("licence", json!("this group only")), ("third_party_list", json!([]))],
        );
        assert_eq!(said(within), [""; 0]);
    }
}

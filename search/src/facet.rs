//! The dimensions by which results are filtered and counted.

use std::fmt;

use staffroom_protocol::record::Summary;

use crate::document::Document;

macro_rules! facets {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A dimension by which results are filtered and counted.
        ///
        /// The values are the terms as records spell them; a school or group is its id in
        /// hexadecimal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Facet { $($(#[$doc])* $variant,)* }

        impl Facet {
            /// All dimensions, in the order in which pages list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as data, addresses and the command line spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The dimension as one bit of a set.
            pub(crate) const fn bit(self) -> u32 {
                1 << self as u32
            }
        }
    };
}

facets! {
    /// The kind of record.
    Kind = "kind";
    /// The theme of an intervention.
    Theme = "theme";
    /// The subject.
    Subject = "subject";
    /// The key stage.
    KeyStage = "key_stage";
    /// The year group.
    YearGroup = "year_group";
    /// The phase of the school that published it.
    Phase = "phase";
    /// The group of pupils.
    PupilGroup = "pupil_group";
    /// The strength of the evidence of the whole lineage.
    Strength = "strength";
    /// Proposed, running, finished or stopped.
    State = "state";
    /// The conclusion of an impact report.
    Conclusion = "conclusion";
    /// The design of an impact report.
    Design = "design";
    /// The cost per pupil a year as a band.
    CostBand = "cost_band";
    /// The kind's own type, such as lesson plan or coaching.
    Type = "type";
    /// The practice area of the framework.
    PracticeArea = "practice_area";
    /// The domain of professional development.
    DevelopmentDomain = "development_domain";
    /// The author's tag.
    Tag = "tag";
    /// The school that published it.
    School = "school";
    /// The group it was shared with.
    Group = "group";
}

impl Facet {
    /// The values that `document` has in this dimension.
    pub fn values(self, document: &Document) -> Vec<String> {
        let Summary {
            tags,
            theme,
            subjects,
            key_stages,
            year_groups,
            pupil_groups,
            practice_areas,
            development_domains,
            kind_type,
            state,
            cost_band,
            conclusion,
            design,
            ..
        } = &document.summary;
        let one = |value: &Option<String>| value.iter().cloned().collect();
        let mut values: Vec<String> = match self {
            Self::Kind => vec![document.kind.clone()],
            Self::Theme => one(theme),
            Self::Subject => subjects.clone(),
            Self::KeyStage => key_stages.clone(),
            Self::YearGroup => year_groups.clone(),
            Self::PupilGroup => pupil_groups.clone(),
            Self::Phase => one(&document.phase),
            Self::Strength => {
                let strength = document.lineage.as_ref().and_then(|lineage| lineage.strength);
                strength.map(|strength| strength.as_str().to_owned()).into_iter().collect()
            }
            Self::State => one(state),
            Self::Conclusion => one(conclusion),
            Self::Design => one(design),
            Self::CostBand => one(cost_band),
            Self::Type => one(kind_type),
            Self::PracticeArea => practice_areas.clone(),
            Self::DevelopmentDomain => development_domains.clone(),
            Self::Tag => tags.clone(),
            Self::School => vec![document.key.school.to_string()],
            Self::Group => vec![document.key.group.to_string()],
        };
        // A value that an author repeats would be counted twice.
        values.sort_unstable();
        values.dedup();
        values
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Facet {
    type Err = UnknownFacet;

    fn from_str(text: &str) -> Result<Self, UnknownFacet> {
        Self::ALL
            .iter()
            .copied()
            .find(|facet| facet.as_str() == text)
            .ok_or_else(|| UnknownFacet { given: text.chars().take(60).collect() })
    }
}

/// A text that names no dimension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is nothing that results can be narrowed by; use one of {}", facet_names())]
pub struct UnknownFacet {
    given: String,
}

fn facet_names() -> String {
    Facet::ALL.iter().map(|facet| facet.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_names_and_says_which_there_are() {
        for facet in Facet::ALL {
            assert_eq!(facet.as_str().parse(), Ok(*facet));
        }
        let error = "colour".parse::<Facet>().unwrap_err().to_string();
        assert!(error.starts_with("\"colour\" is nothing"), "{error}");
        assert!(error.contains("key_stage, year_group"), "{error}");
    }
}

//! What a search asks for, as the parameters of its address say: `q=reading&key_stage=KS2`.

use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::record::Kind;
use staffroom_protocol::vocabulary::Vocabulary;
use staffroom_search::evidence::Strength;
use staffroom_search::{Facet, Filters, Query, ReaderContext, Sort};

use crate::clock::today;
use crate::groups::GroupError;
use crate::node::Node;
use crate::records::known_schools;

/// Why it is not known what a search asks for.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// A parameter or its value.
    #[error("{0}")]
    Wrong(String),
    /// A school that is not known.
    #[error("{0}")]
    NoSchool(String),
    /// A group.
    #[error(transparent)]
    Group(#[from] GroupError),
}

/// The parameters of an address, in order; one may stand several times. What a form left empty counts as
/// not given.
pub(crate) fn parameters(query: &str) -> Vec<(String, String)> {
    let mut parameters = all_parameters(query);
    parameters.retain(|(_, value)| !value.is_empty());
    parameters
}

/// The same with those that are empty, for programs: one that means to give a date and gives none is told.
pub(crate) fn all_parameters(query: &str) -> Vec<(String, String)> {
    let parsed = form_urlencoded::parse(query.as_bytes());
    parsed.map(|(name, value)| (name.into_owned(), value.trim().to_owned())).collect()
}

/// The first value of a name among what an address or a form has.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
}

/// The query that the parameters of an address ask for.
///
/// # Errors
/// [`QuestionError`] names the parameter, its value and what it can be.
pub(crate) fn read(node: &Node, parameters: &[(String, String)]) -> Result<Query, QuestionError> {
    let mut query = Query::new("");
    let mut reader = reader(node);
    let mut filters = Filters::default();
    for (name, value) in parameters {
        match name.as_str() {
            "q" => query.text.clone_from(value),
            "limit" => query.limit = number(name, value)?,
            "offset" => query.offset = number(name, value)?,
            "sort" => {
                query.sort = match value.as_str() {
                    "what-worked" => Sort::WhatWorked,
                    "relevance" => Sort::Relevance,
                    "newest" => Sort::Newest,
                    _ => {
                        return Err(QuestionError::Wrong(format!(
                            "sort is {value:?}; it can be what-worked, relevance or newest"
                        )));
                    }
                }
            }
            "from" => filters.from = Some(date(name, value)?),
            "to" => filters.to = Some(date(name, value)?),
            "min_pupils" => filters.min_pupils = Some(number(name, value)?),
            "effect_from" => filters.effect_from = Some(number(name, value)?),
            "effect_to" => filters.effect_to = Some(number(name, value)?),
            "with_evidence" => filters.with_evidence = yes_or_no(name, value)?,
            "not_tried_in_my_phase" => {
                filters.not_tried_in =
                    if yes_or_no(name, value)? { own_phase(node)? } else { None };
            }
            "explain" => {
                yes_or_no(name, value)?;
            }
            "exact" => query.exact = yes_or_no(name, value)?,
            "our_pupils" => {
                let group = facet_value(node, Facet::PupilGroup, value)?;
                reader.pupil_groups.push(group);
            }
            _ => {
                let facet: Facet =
                    name.parse().map_err(|error: staffroom_search::UnknownFacet| {
                        QuestionError::Wrong(error.to_string())
                    })?;
                filters.accept(facet, facet_value(node, facet, value)?);
            }
        }
    }
    // Records of a group that this school has left are no longer its to read.
    if filters.accepted(Facet::Group).next().is_none() {
        filters = filters.within(node.followed_groups());
    }
    query.filters = filters;
    query.reader = Some(reader);
    Ok(query)
}

/// The school's own phase, without which nothing can be compared with it.
fn own_phase(node: &Node) -> Result<Option<String>, QuestionError> {
    match &node.identity().claims().phase {
        Some(phase) => Ok(Some(phase.clone())),
        None => Err(QuestionError::Wrong(
            "this school has not said its phase, so that what was tried in it is not known; leave \
             out not_tried_in_my_phase"
                .to_owned(),
        )),
    }
}

/// Whom results are for: this school, as it describes itself.
fn reader(node: &Node) -> ReaderContext {
    let phase = node.identity().claims().phase.clone();
    let key_stages = phase.as_deref().map(key_stages).unwrap_or_default();
    ReaderContext {
        today: Some(today()),
        key_stages: key_stages.iter().map(|stage| (*stage).to_owned()).collect(),
        pupil_groups: Vec::new(),
        phase,
    }
}

/// The key stages that schools of a phase teach; none where a phase says too little.
fn key_stages(phase: &str) -> &'static [&'static str] {
    match phase {
        "nursery" => &["EYFS"],
        "primary" => &["EYFS", "KS1", "KS2"],
        "middle deemed primary" | "middle deemed secondary" => &["KS2", "KS3"],
        "secondary" => &["KS3", "KS4", "KS5"],
        "16 plus" => &["KS5"],
        _ => &[],
    }
}

fn yes_or_no(name: &str, value: &str) -> Result<bool, QuestionError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(QuestionError::Wrong(format!("{name} is {value:?}; it can be true or false"))),
    }
}

/// What a person calls a value, as records spell it.
fn facet_value(node: &Node, facet: Facet, value: &str) -> Result<String, QuestionError> {
    let term = |vocabulary: Vocabulary| {
        vocabulary.resolve(value).map(ToOwned::to_owned).ok_or_else(|| {
            QuestionError::Wrong(format!(
                "{} is {value:?}; it can be {}",
                facet.as_str().replace('_', " "),
                vocabulary.hint()
            ))
        })
    };
    match facet {
        Facet::Kind => value
            .parse::<Kind>()
            .map(|kind| kind.as_str().to_owned())
            .map_err(|error| QuestionError::Wrong(error.to_string())),
        Facet::Theme => term(Vocabulary::Themes),
        Facet::Subject => term(Vocabulary::Subjects),
        Facet::KeyStage => term(Vocabulary::KeyStages),
        Facet::YearGroup => term(Vocabulary::YearGroups),
        Facet::PupilGroup => term(Vocabulary::PupilGroups),
        Facet::Phase => term(Vocabulary::Phases),
        Facet::Strength => strength(value),
        Facet::Group => {
            let group: GroupId = node.find_group(value)?;
            if !node.is_member(&group) {
                return Err(GroupError::NotMember(value.to_owned()).into());
            }
            Ok(group.to_string())
        }
        Facet::School => school(node, value).map(|school| school.to_string()),
        Facet::State
        | Facet::Conclusion
        | Facet::Design
        | Facet::CostBand
        | Facet::Type
        | Facet::PracticeArea
        | Facet::DevelopmentDomain
        | Facet::Tag => Ok(value.to_lowercase()),
    }
}

fn strength(given: &str) -> Result<String, QuestionError> {
    let names = Strength::ALL.map(Strength::as_str);
    let folded = given.to_lowercase().replace(['-', ' '], "_");
    if names.contains(&folded.as_str()) {
        Ok(folded)
    } else {
        Err(QuestionError::Wrong(format!(
            "strength is {given:?}; it can be {}",
            names.join(", ").replace('_', " ")
        )))
    }
}

fn school(node: &Node, given: &str) -> Result<SchoolId, QuestionError> {
    let schools = known_schools(node);
    let folded = given.to_lowercase();
    let exact =
        schools.iter().find(|(id, name)| name.to_lowercase() == folded || id.to_string() == folded);
    let mut partly = schools.iter().filter(|(_, name)| name.to_lowercase().contains(&folded));
    match (exact, partly.next(), partly.next()) {
        (Some((id, _)), ..) | (None, Some((id, _)), None) => Ok(*id),
        (None, None, _) => Err(QuestionError::NoSchool(format!(
            "no school is called {given:?}; the schools are {}",
            schools.into_values().collect::<Vec<_>>().join(", ")
        ))),
        (None, Some((_, one)), Some((_, two))) => Err(QuestionError::Wrong(format!(
            "{given:?} fits more than one school, such as {one} and {two}; give more of the name"
        ))),
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, QuestionError> {
    value
        .parse()
        .map_err(|_| QuestionError::Wrong(format!("{name} is {value:?}; it must be a number")))
}

fn date(name: &str, value: &str) -> Result<jiff::civil::Date, QuestionError> {
    value.parse().map_err(|_| {
        QuestionError::Wrong(format!("{name} is {value:?}; write the date like 2026-01-31"))
    })
}

//! The page of professional development.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use staffroom_protocol::record::offer::Direction;
use staffroom_protocol::record::{Offer, PeerReview};
use staffroom_protocol::vocabulary::Vocabulary;

use super::frame::Frame;
use super::table::{Cell, download, table};
use super::{at_work, render};
use crate::clock::today;
use crate::development::{Development, Stage, Wanted};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::published::Published;
use crate::question::parameters;

#[derive(Template)]
#[template(path = "development.html")]
struct DevelopmentPage {
    frame: Frame,
    all: Development,
    wanted: Wanted,
}

/// Links by which offers and requests are narrowed.
struct Choices {
    label: String,
    choices: Vec<Choice>,
}

struct Choice {
    label: String,
    address: String,
    /// How many offers and requests it leaves.
    count: usize,
    chosen: bool,
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let wanted = wanted(query.as_deref().unwrap_or_default());
    let all = at_work(&frame, move || Ok(node.development()?)).await?;
    let page = DevelopmentPage { frame, all, wanted };
    Ok(render(StatusCode::OK, &page))
}

/// The offers and requests that an address asks for as a table, those that are over last.
pub(crate) async fn offers(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    const COLUMNS: [&str; 18] = [
        "title",
        "offer or request",
        "school",
        "groups",
        "form",
        "domains",
        "level",
        "source",
        "subjects",
        "places",
        "from",
        "to",
        "when",
        "where",
        "cost",
        "over",
        "updated",
        "address",
    ];
    let wanted = wanted(query.as_deref().unwrap_or_default());
    let written = at_work(&frame, move || {
        let Development { open, over, .. } = node.development()?;
        let all = open.iter().map(|one| (one, false)).chain(over.iter().map(|one| (one, true)));
        let all = all.filter(|(one, _)| wanted.wants(&one.content));
        table(COLUMNS, all.map(|(one, is_over)| row(one, is_over, visitor.door.pages())))
    });
    Ok(download("offers", written.await?))
}

fn row(one: &Published<Offer>, is_over: bool, pages: &str) -> [Cell; 18] {
    let offer = &one.content;
    let term = |vocabulary: Vocabulary, term: &str| Cell::text(vocabulary.label(term));
    let terms = |vocabulary: Vocabulary, terms: &[String]| {
        Cell::list(&terms.iter().map(|term| vocabulary.label(term).to_owned()).collect::<Vec<_>>())
    };
    [
        Cell::text(&one.title),
        Cell::value(Some(offer.direction.as_str())),
        Cell::text(&one.school_name),
        Cell::list(&one.groups),
        term(Vocabulary::OfferForms, &offer.form),
        terms(Vocabulary::DevelopmentDomains, &offer.development_domains),
        term(Vocabulary::Levels, &offer.level),
        term(Vocabulary::OfferSources, &offer.source),
        terms(Vocabulary::Subjects, &offer.subjects),
        Cell::value(offer.places),
        Cell::value(offer.dates.map(|dates| dates.from)),
        Cell::value(offer.dates.and_then(|dates| dates.to)),
        Cell::text(&offer.when),
        Cell::text(&offer.place),
        Cell::text(&offer.cost),
        Cell::yes_no(is_over),
        Cell::text(&one.updated),
        Cell::text(&format!("{pages}records/{}", one.id())),
    ]
}

/// What an address asks for; what no vocabulary knows asks for nothing.
fn wanted(query: &str) -> Wanted {
    let asked = parameters(query);
    let value = |wanted| {
        let found = asked.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    Wanted {
        direction: value("direction").parse().ok(),
        domain: Vocabulary::DevelopmentDomains.resolve(value("domain")),
        level: Vocabulary::Levels.resolve(value("level")),
    }
}

/// A path with what is asked for.
fn address(path: &str, wanted: &Wanted) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let direction = wanted.direction.map(Direction::as_str);
    for (name, value) in
        [("direction", direction), ("domain", wanted.domain), ("level", wanted.level)]
    {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

impl DevelopmentPage {
    fn table(&self) -> String {
        address("/development/offers.csv", &self.wanted)
    }

    fn open(&self) -> impl Iterator<Item = &Published<Offer>> {
        self.all.open.iter().filter(|one| self.wanted.wants(&one.content))
    }

    fn over(&self) -> impl Iterator<Item = &Published<Offer>> {
        self.all.over.iter().filter(|one| self.wanted.wants(&one.content))
    }

    fn narrowing(&self) -> [Choices; 3] {
        let wanted = &self.wanted;
        let directions = [
            (None, self.frame.t("development-all")),
            (Some(Direction::Offer), self.frame.t("development-offers")),
            (Some(Direction::Request), self.frame.t("development-requests")),
        ];
        let of = |terms: Vocabulary| {
            let all = std::iter::once((None, self.frame.t("development-all")));
            let terms = terms.terms().iter();
            all.chain(terms.map(|term| (Some(term.term.as_str()), term.label().to_owned())))
        };
        let directions = directions
            .into_iter()
            .map(|(direction, label)| self.choice(label, Wanted { direction, ..wanted.clone() }));
        let domains = of(Vocabulary::DevelopmentDomains)
            .map(|(domain, label)| self.choice(label, Wanted { domain, ..wanted.clone() }));
        let levels = of(Vocabulary::Levels)
            .map(|(level, label)| self.choice(label, Wanted { level, ..wanted.clone() }));
        [
            Choices { label: self.frame.t("development-direction"), choices: directions.collect() },
            Choices { label: self.frame.t("development-domain"), choices: domains.collect() },
            Choices { label: self.frame.t("development-level"), choices: levels.collect() },
        ]
    }

    fn choice(&self, label: String, wanted: Wanted) -> Choice {
        let count = self.all.open.iter().filter(|one| wanted.wants(&one.content)).count();
        Choice {
            label,
            address: address("/development", &wanted),
            count,
            chosen: wanted == self.wanted,
        }
    }

    fn direction(&self, offer: &Offer) -> String {
        self.frame.t(match offer.direction {
            Direction::Offer => "development-offer",
            Direction::Request => "development-request",
        })
    }

    fn domains(&self, offer: &Offer) -> Vec<String> {
        let domains = offer.development_domains.iter();
        domains.map(|one| Vocabulary::DevelopmentDomains.label(one).to_owned()).collect()
    }

    /// The level of staff and the source of the support, as far as they are given.
    fn facts(&self, offer: &Offer) -> String {
        let level = match offer.level.as_str() {
            "" => self.frame.t("development-all-levels"),
            level => Vocabulary::Levels.label(level).to_owned(),
        };
        let mut facts = vec![Vocabulary::OfferForms.label(&offer.form).to_owned(), level];
        if !offer.source.is_empty() {
            facts.push(Vocabulary::OfferSources.label(&offer.source).to_owned());
        }
        facts.extend(offer.subjects.iter().map(|one| Vocabulary::Subjects.label(one).to_owned()));
        if let Some(places) = offer.places {
            facts.push(self.frame.with("development-places", "count", places));
        }
        facts.join(" · ")
    }

    fn stage(&self, review: &PeerReview) -> String {
        self.frame.t(match Stage::of(review) {
            Stage::Planned => "development-planned",
            Stage::Seen => "development-seen",
            Stage::NextSteps => "development-next-steps",
            Stage::FollowedUp => "development-followed-up",
        })
    }

    /// Whether a step should be done by now, and nothing is said of what came of it.
    fn is_late(&self, review: &PeerReview, day: &Date) -> bool {
        Stage::of(review) == Stage::NextSteps && *day < today()
    }
}

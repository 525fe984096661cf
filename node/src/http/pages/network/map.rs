//! The map of the schools of a group, and the list that says all that it shows.

mod drawing;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use staffroom_protocol::hash::GroupId;

use self::drawing::{Drawing, MOST_DRAWN, Spot};
use super::super::frame::Frame;
use super::super::{at_work, render};
use super::group::members;
use super::name_of;
use crate::http::members::{self as reports, MemberReport};
use crate::node::Node;
use crate::position::Position;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The names of the eight directions, clockwise from north.
const DIRECTIONS: [&str; 8] = [
    "map-north",
    "map-north-east",
    "map-east",
    "map-south-east",
    "map-south",
    "map-south-west",
    "map-west",
    "map-north-west",
];

/// Where to write what a place must end with to be on the map.
const EXAMPLE: &str =
    "staffroom init --name \"Alder Lane Primary\" --location \"Northfen, TF 412 107\"";

#[derive(Template)]
#[template(path = "map.html")]
struct MapPage {
    frame: Frame,
    group: GroupId,
    name: String,
    /// Those on the map, in the order of their numbers.
    placed: Vec<Placed>,
    /// The others: their names, and where they say they are.
    unplaced: Vec<(String, Option<String>)>,
    drawing: Drawing,
}

/// A school on the map.
struct Placed {
    name: String,
    location: String,
    contact: Contact,
    /// When it was last heard from, in words.
    standing: String,
    position: Position,
    own: bool,
}

/// How long ago a school was heard from, by which its mark differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    /// This school.
    Own,
    Connected,
    /// Within a day.
    Day,
    /// Within a week.
    Week,
    /// Longer ago, or never.
    Longer,
}

impl Contact {
    const ALL: [Self; 5] = [Self::Own, Self::Connected, Self::Day, Self::Week, Self::Longer];

    fn of(school: &MemberReport) -> Self {
        let seconds = school.heard.as_ref().and_then(|heard| heard.seconds_ago);
        match (school.own, school.connected, seconds) {
            (true, ..) => Self::Own,
            (false, true, _) => Self::Connected,
            (false, false, Some(0..=DAY_SECONDS)) => Self::Day,
            (false, false, Some(seconds)) if seconds <= 7 * DAY_SECONDS => Self::Week,
            (false, false, _) => Self::Longer,
        }
    }

    /// Its shape, as the path of an SVG of 12 by 12 with its middle at 0. Colours only add to it.
    fn shape(self) -> &'static str {
        match self {
            // A star, a disc, a triangle, an empty square and a cross.
            Self::Own => "M0-6 1.5-2H6L2.4.7 3.7 5 0 2.4-3.7 5-2.4.7-6-2H-1.5Z",
            Self::Connected => "M0-4.5A4.5 4.5 0 1 1 0 4.5 4.5 4.5 0 1 1 0-4.5Z",
            Self::Day => "M0-5 5.2 4.2H-5.2Z",
            Self::Week => "M-4-4H4V4H-4Z",
            Self::Longer => "M-4-4 4 4M4-4-4 4",
        }
    }

    /// The class of its mark.
    fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Connected => "connected",
            Self::Day => "day",
            Self::Week => "week",
            Self::Longer => "longer",
        }
    }
}

impl MapPage {
    const EXAMPLE: &'static str = EXAMPLE;

    fn contacts(&self) -> [Contact; 5] {
        Contact::ALL
    }

    /// What a mark means.
    fn meaning(&self, contact: &Contact) -> String {
        self.frame.t(match contact {
            Contact::Own => "map-own",
            Contact::Connected => "map-connected",
            Contact::Day => "map-day",
            Contact::Week => "map-week",
            Contact::Longer => "map-longer",
        })
    }

    fn spots(&self) -> impl Iterator<Item = (usize, &Placed, &Spot)> {
        let both = self.placed.iter().zip(&self.drawing.spots).enumerate();
        both.map(|(place, (school, spot))| (place + 1, school, spot))
    }

    /// How many are on the list alone.
    fn undrawn(&self) -> usize {
        self.placed.len().saturating_sub(MOST_DRAWN)
    }

    /// The school that distances are from: this one, or the first where it is not on the map itself.
    fn from(&self) -> Option<&Placed> {
        self.placed.iter().find(|one| one.own).or(self.placed.first())
    }

    /// "12 km to the north-east"; nothing for the school that it is from.
    fn distance(&self, school: &Placed) -> String {
        let Some(from) = self.from().filter(|from| !std::ptr::eq(*from, school)) else {
            return "–".to_owned();
        };
        let km = from.position.km_to(&school.position);
        let direction = DIRECTIONS[from.position.eighth_to(&school.position)];
        // Closer than a picture shows, and than a grid reference of four digits says.
        if km < 0.05 {
            return self.frame.t("map-same-spot");
        }
        let args = [("km", said_km(km).into()), ("direction", self.frame.t(direction).into())];
        self.frame.language.say("map-distance", &args)
    }

    fn bar_km(&self) -> String {
        self.frame.with("map-km", "km", said_km(self.drawing.bar.1))
    }
}

/// A distance as it is read: to a tenth below ten kilometres.
fn said_km(km: f64) -> String {
    if km < 9.95 && km.fract() > 0.0 { format!("{km:.1}") } else { format!("{km:.0}") }
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(group): Path<GroupId>,
) -> Result<Response, Response> {
    let (name, schools) = at_work(&frame, move || {
        let name = name_of(&node, &group)?;
        Ok((name, reports::reports(&node, &group)?))
    })
    .await?;
    let page = MapPage::of(frame, group, name, &schools);
    Ok(render(StatusCode::OK, &page))
}

impl MapPage {
    fn of(frame: Frame, group: GroupId, name: String, schools: &[MemberReport]) -> Self {
        let (mut placed, mut unplaced) = (Vec::new(), Vec::new());
        for school in members(schools) {
            let (name, location) = (school.shown_name(schools), school.claims.location.clone());
            match location.as_deref().and_then(Position::at_end_of) {
                Some(position) => placed.push(Placed {
                    name,
                    location: location.unwrap_or_default(),
                    contact: Contact::of(school),
                    standing: school.standing(),
                    position,
                    own: school.own,
                }),
                None => unplaced.push((name, location)),
            }
        }
        let positions: Vec<_> = placed.iter().map(|one| one.position).collect();
        Self { frame, group, name, placed, unplaced, drawing: Drawing::of(&positions) }
    }
}

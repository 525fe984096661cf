//! Professional development: what schools offer and look for, and what they looked at together.

use jiff::civil::Date;
use staffroom_protocol::record::offer::Direction;
use staffroom_protocol::record::{Content, Kind, Offer, PeerReview};
use staffroom_protocol::vocabulary::Vocabulary;

use crate::clock::today;
use crate::names::Names;
use crate::node::Node;
use crate::published::{ListError, Published};

/// Offers and requests that are read for one page: several of each school of a large trust.
const MOST_OFFERS: usize = 200;

/// Peer reviews: two a year of each school of a large trust.
const MOST_REVIEWS: usize = 80;

/// What a reader narrows offers and requests by; nothing where all are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) direction: Option<Direction>,
    /// A domain of professional development, as the vocabulary spells it.
    pub(crate) domain: Option<&'static str>,
    /// A level of staff, as the vocabulary spells it.
    pub(crate) level: Option<&'static str>,
}

/// All that the page of professional development shows.
#[derive(Debug)]
pub(crate) struct Development {
    /// What can still be taken up, the newest first.
    pub(crate) open: Vec<Published<Offer>>,
    /// What is over.
    pub(crate) over: Vec<Published<Offer>>,
    /// The newest first.
    pub(crate) reviews: Vec<Published<PeerReview>>,
    /// How many records there are whose full text has not come yet.
    pub(crate) to_come: usize,
    /// How many older offers, requests and reviews are not shown.
    pub(crate) older: usize,
}

/// How far a peer review has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is a question, and nobody has come yet.
    Planned,
    /// Schools looked, and what they saw is written down.
    Seen,
    /// The host knows what it will do.
    NextSteps,
    /// It says what came of that.
    FollowedUp,
}

impl Wanted {
    /// Whether an offer is wanted. One that names no level is for all.
    pub(crate) fn wants(&self, offer: &Offer) -> bool {
        let domains = &offer.development_domains;
        let level = Vocabulary::Levels.resolve(&offer.level);
        self.direction.is_none_or(|direction| direction == offer.direction)
            && self.domain.is_none_or(|domain| {
                domains
                    .iter()
                    .any(|one| Vocabulary::DevelopmentDomains.resolve(one) == Some(domain))
            })
            && (self.level.is_none() || offer.level.is_empty() || self.level == level)
    }
}

impl Stage {
    pub(crate) fn of(review: &PeerReview) -> Self {
        if !review.follow_up.trim().is_empty() {
            Self::FollowedUp
        } else if !review.next_steps.is_empty() {
            Self::NextSteps
        } else if !review.strengths.is_empty() || !review.evidence_seen.trim().is_empty() {
            Self::Seen
        } else {
            Self::Planned
        }
    }
}

impl Node {
    /// What this node may read of professional development.
    pub(crate) fn development(&self) -> Result<Development, ListError> {
        let names = Names::of(self);
        let offers = self.newest_of(&names, Kind::Offer, MOST_OFFERS, |content| {
            if let Content::Offer(own) = content { Some(own) } else { None }
        })?;
        let reviews = self.newest_of(&names, Kind::PeerReview, MOST_REVIEWS, |content| {
            if let Content::PeerReview(own) = content { Some(own) } else { None }
        })?;
        let today = today();
        let (over, open) = offers.records.into_iter().partition(|one| is_over(&one.content, today));
        Ok(Development {
            open,
            over,
            reviews: reviews.records,
            to_come: offers.to_come + reviews.to_come,
            older: offers.older + reviews.older,
        })
    }
}

fn is_over(offer: &Offer, today: Date) -> bool {
    let last = offer.dates.and_then(|dates| dates.to);
    last.is_some_and(|day| day < today)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use staffroom_protocol::record::Period;
    use staffroom_protocol::record::peer_review::NextStep;

    use super::*;

    #[test]
    fn an_offer_is_wanted_by_direction_domain_and_level() {
        let offer = Offer {
            direction: Direction::Request,
            development_domains: vec!["subject knowledge".to_owned()],
            level: "Middle leaders".to_owned(),
            ..Offer::default()
        };
        let for_all = Offer { level: String::new(), ..offer.clone() };
        let (knowledge, impact) = (Some("deepening knowledge"), Some("assessing impact"));
        for (direction, domain, level, wanted) in [
            (None, None, None, true),
            (Some(Direction::Request), knowledge, Some("middle"), true),
            (Some(Direction::Offer), None, None, false),
            (None, impact, None, false),
            (None, None, Some("senior"), false),
        ] {
            let asked = Wanted { direction, domain, level };
            assert_eq!(asked.wants(&offer), wanted, "{asked:?}");
        }
        let senior = Wanted { level: Some("senior"), ..Wanted::default() };
        assert!(senior.wants(&for_all));
    }

    #[test]
    fn an_offer_is_over_the_day_after_its_last() {
        let offer =
            |to| Offer { dates: Some(Period { from: date(2026, 9, 1), to }), ..Offer::default() };
        let last = Some(date(2026, 11, 26));
        assert!(!is_over(&offer(last), date(2026, 11, 26)));
        assert!(is_over(&offer(last), date(2026, 11, 27)));
        assert!(
            !is_over(&offer(None), date(2030, 1, 1))
                && !is_over(&Offer::default(), date(2030, 1, 1))
        );
    }

    #[test]
    fn a_review_goes_from_its_focus_to_its_follow_up() {
        let mut review = PeerReview::default();
        let mut stages = vec![Stage::of(&review)];
        review.evidence_seen = "Nine lessons".to_owned();
        stages.push(Stage::of(&review));
        review.next_steps.push(NextStep { step: "Share lists".to_owned(), ..NextStep::default() });
        stages.push(Stage::of(&review));
        review.follow_up = "They are used.".to_owned();
        stages.push(Stage::of(&review));
        assert_eq!(stages, [Stage::Planned, Stage::Seen, Stage::NextSteps, Stage::FollowedUp]);
    }
}

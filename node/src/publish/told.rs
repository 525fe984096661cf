//! Telling the groups what was published.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_bytes::ByteBuf;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::hash::GroupId;

use crate::network;
use crate::node::Node;

/// Records published at once are told one by one up to this many; more than that are told as news
/// that is worth comparing, since gossip drops under load.
const TELL_SINGLY: usize = 64;

/// What is to be told to the groups.
#[derive(Debug, Default)]
pub struct Told {
    announcements: Vec<(GroupId, Announcement)>,
    news: BTreeSet<GroupId>,
}

impl Told {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        if entries.len() > TELL_SINGLY {
            let news = entries.iter().map(|entry| entry.key().group).collect();
            return Self { announcements: Vec::new(), news };
        }
        let announcement = |entry: &Entry| {
            (entry.key().group, Announcement::Entry(ByteBuf::from(entry.as_bytes())))
        };
        Self { announcements: entries.iter().map(announcement).collect(), news: BTreeSet::new() }
    }

    /// What several calls of publishing have to tell, as if they were one.
    pub(crate) fn together(all: Vec<Self>) -> Self {
        let mut together = Self::default();
        for one in all {
            together.announcements.extend(one.announcements);
            together.news.extend(one.news);
        }
        if together.announcements.len() > TELL_SINGLY {
            let told = std::mem::take(&mut together.announcements);
            together.news.extend(told.into_iter().map(|(group, _)| group));
        }
        together
    }

    /// Tells the groups, where the network runs.
    pub async fn tell(self, node: &Arc<Node>) {
        let Some(network) = node.network() else { return };
        let mut news = self.news;
        for (group, announcement) in &self.announcements {
            if network.speaks_in(group) {
                network.announce(*group, announcement).await;
            } else {
                news.insert(*group);
            }
        }
        for group in news {
            network::tell(node, network, group).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_calls_tell_is_news_as_what_one_large_call_tells() {
        let one = |group: u8| Told {
            announcements: vec![(
                GroupId::from_bytes([group; 32]),
                Announcement::Entry(ByteBuf::from(vec![group])),
            )],
            news: BTreeSet::new(),
        };
        let few = Told::together((0..TELL_SINGLY).map(|_| one(1)).collect());
        assert!(few.announcements.len() == TELL_SINGLY && few.news.is_empty());
        let many = (0..=TELL_SINGLY).map(|number| one(u8::from(number % 2 == 0)));
        let many = Told::together(many.collect());
        assert!(many.announcements.is_empty());
        assert_eq!(many.news.len(), 2, "each group hears of it");
    }
}

//! Which files a school keeps for its group, so that they outlive their author's server.
//!
//! A file is kept by its author, by whoever opened or pinned it, and by the first [`KEEPERS`] members
//! that [`placement`] ranks for it. A [`Keeper`] is one node's part in that for one group: it says
//! what to fetch, whom to challenge, and what may be dropped. What it goes by is the roster, the
//! files that were shared, and what challenges came to; nobody configures it, and nobody leads.
//!
//! The rules, each of which a simulation can leave out to see that it would be missed ([`Rule`]):
//!
//! - The first [`KEEPERS`] of a file fetch it. The next [`STANDBYS`] look from time to time whether
//!   they hold it, the nearer in rank the more often, and step in one after the other where fewer
//!   than [`KEEPERS`] of those before them do.
//! - A member that answers and cannot prove a range lacks the file, whatever it says. A member that
//!   does not answer lacks it from [`LOST_AFTER`] on; and not at all where nobody else answered
//!   either, since then it is this node that is cut off.
//! - A copy is dropped only after [`KEEPERS`] members *ranked before this one* have proved theirs for
//!   the purpose. Of any set of holders the first [`KEEPERS`] in rank therefore never drop, however
//!   many try at once: that three of them vouch for each other and then all drop cannot happen.
//! - What the school authored or pinned, and what it is ranked first for, is never dropped. Where
//!   that is more than the quota, the node says so ([`Keeper::room`]) and takes nothing more; others
//!   see by their challenges that it does not hold what it has no room for, and step in. A school
//!   that wants to keep less says so with a smaller [`Capacity`](crate::group::Capacity): then others
//!   come before it, and its copies go once they hold them.

mod copy;
pub mod keeper;
mod peers;
pub mod placement;
mod room;
mod rule;
mod standing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::copy::{Counted, Seen};
pub use self::keeper::Keeper;
pub use self::peers::Reach;
pub use self::room::{Quota, Room};
pub use self::rule::Rule;
pub use self::standing::{Consequence, Holder, Standing};

use crate::hash::{Hash, SchoolId};
use crate::identity::PublicKey;

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Members that keep a file beside its author: with one server in twenty lost in a year, and weeks at
/// most until another steps in, three are not lost together. All nodes must agree on it.
pub const KEEPERS: usize = 3;

/// Members that step in for those before them. With nine, a file is still kept by three where half of
/// all members are gone at once, in 98 of 100 cases.
pub const STANDBYS: usize = 9;

/// Members that are ranked for a file.
pub const RANKED: usize = KEEPERS + STANDBYS;

/// Files that one keeper minds. In a group of up to [`RANKED`] members everybody minds all; beyond it
/// the files that are ranked elsewhere cost nothing. A file takes about a kilobyte of memory.
pub const MAX_FILES: usize = 200_000;

/// Bytes that a challenge asks to be proved: one chunk group of the tree that files are verified by.
pub const CHALLENGE_BYTES: u64 = 16 * 1024;

/// After so long a member that does not answer is taken to be gone: longer than from Friday evening
/// to Monday morning, when many schools switch off, and shorter than a school week.
pub const LOST_AFTER: u64 = 3 * DAY;

/// How long a member has to fetch what it has come to be ranked first for, before lacking it counts
/// against it: a night, and a day for the line.
pub const SETTLE: u64 = DAY;

/// How much later each standby steps in than the one before it: as long as that one may take to notice
/// by itself, which looks once a day. It is a night more than enough for one that is switched off.
pub const STAGGER: u64 = DAY;

/// How often the author and the first standby look at each keeper. The second standby does half as
/// often, and the others half of that.
pub const PERIOD: u64 = DAY;

/// How often a standby looks at least. Where the nearer ones are gone, full or cheating as well, a file
/// waits so long for the next to notice.
pub const SLOWEST_STANDBY: u64 = 4 * DAY;

/// How often everybody else looks who has a copy: only to tell people, and to know of others in time.
pub const SLOWEST_PERIOD: u64 = 8 * DAY;

/// How soon a member that lacked a file, or that is to vouch for a drop, is asked again.
pub const RECHECK: u64 = 6 * HOUR;

/// How soon after it was shared the author first looks whether others have a file.
pub const FIRST_LOOK: u64 = HOUR;

/// How long those before a standby must have held a file before it hands its copy back. Whoever goes
/// and comes every week would have it fetched every week otherwise.
pub const HAND_BACK_AFTER: u64 = 7 * DAY;

/// How old a proof may be by which a copy is dropped: all who are to vouch are awake at some time of
/// a day, if not at the same.
pub const FRESH: u64 = DAY;

/// For how long a drop waits for proofs before it is given up, and others are tried.
pub const DROP_PATIENCE: u64 = 2 * DAY;

/// Challenges that a node poses in a minute: 17,000 a day, which are 170,000 files in a group where
/// every member minds a tenth of them. A proof is 17 KB, so it takes 30 kbit/s at most.
pub const MAX_CHALLENGES_PER_MINUTE: u32 = 12;

/// Challenges that a node poses to one peer in a minute: of ten members that look at one, each takes
/// so much of its disk that a file of 16 KiB is read every 1.5 s.
pub const MAX_CHALLENGES_PER_PEER_MINUTE: u32 = 4;

/// How soon a member that did not answer is tried again: twice as late each time. One that is heard
/// of otherwise is tried at once, so this is only for those that are not; with two in five members
/// switched off at night, all that are tried in vain are still fewer than those that answer.
pub const BACK_OFF: u64 = 2 * HOUR;

/// How late at most: often enough to meet a server that is on for a school day alone.
pub const MAX_BACK_OFF: u64 = 8 * HOUR;

/// For how long nobody may have answered before what that says of members is forgotten.
pub const SILENCE: u64 = 2 * HOUR;

/// A challenge without a result for so long counts as never posed.
pub const CHALLENGE_PATIENCE: u64 = 10 * MINUTE;

/// Files fetched at a time: enough to fill a line, and few enough that room for all is reserved.
pub const MAX_FETCHES: usize = 8;

/// How soon a fetch that came to nothing is tried again.
pub const FETCH_AGAIN: u64 = 2 * HOUR;

/// How often it is looked whether there is room, where there was none.
pub const ROOM_AGAIN: u64 = 6 * HOUR;

/// A file that a member shared with the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedFile {
    /// The hash of its bytes.
    pub hash: Hash,
    /// Its size in bytes.
    pub size: u64,
    /// The school that shared it; of several, the one that did so first.
    pub author: SchoolId,
    /// When, in milliseconds since 1970.
    pub published: u64,
}

/// Why this node holds a copy, beside being ranked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    /// The school shared it.
    pub authored: bool,
    /// Somebody pinned it.
    pub pinned: bool,
    /// When somebody here last opened it, if ever, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// What a keeper wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Ask this node for proof that it holds [`CHALLENGE_BYTES`] of the file from this offset on (or
    /// what there is to its end), and verify that against the hash. Tell
    /// [`Keeper::handle_challenged`] what came of it.
    Challenge {
        /// The node's school.
        school: SchoolId,
        /// The node.
        node: PublicKey,
        /// The file.
        file: Hash,
        /// From where on, a multiple of [`CHALLENGE_BYTES`].
        offset: u64,
    },
    /// Fetch the file, from [`Keeper::sources`] or from anybody. Tell [`Keeper::handle_held`] or
    /// [`Keeper::handle_fetch_failed`].
    Fetch {
        /// The file.
        file: Hash,
    },
    /// Delete the copy of the file: it is safe with others.
    Drop {
        /// The file.
        file: Hash,
    },
}

/// What a challenge came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The range was proved.
    Passed,
    /// The node answered, and did not prove the range: it said that it lacks the file, proved
    /// something else, or does not know what a challenge is.
    Failed,
    /// The node did not answer.
    Unreachable,
}

/// A placement that several keepers share.
pub type SharedPlacement = Arc<placement::Placement>;

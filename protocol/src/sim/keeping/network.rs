//! The members, their disks, and what happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::{Checks, KeepingViolation};
use super::report::{self, KeepingReport};
use super::{KeepingOptions, Mishap};
use crate::group::Capacity;
use crate::hash::{Hash, SchoolId};
use crate::identity::{PublicKey, SecretKey};
use crate::keeping::placement::{Placement, Seat};
use crate::keeping::{
    Held, KEEPERS, Keeper, Outcome, Output, Quota, RANKED, Rule, SharedFile, SharedPlacement,
};
use crate::sim::random::Random;

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// A Monday, at midnight.
pub(super) const MONDAY: u64 = 1_800_230_400_000;

/// How often a node looks at its keeper at most, and at least: as timers of a node that has other
/// things to do.
const AT_MOST_EVERY: u64 = 10 * MINUTE;
const AT_LEAST_EVERY: u64 = HOUR;

/// What a line brings in a second.
const LINE_BYTES_PER_SECOND: u64 = 3_000_000;

/// How many times their even share of all that is kept members have room for.
const ROOM_TIMES: u64 = 6;

/// When a server is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hours {
    Always,
    /// From seven to seven, on Monday to Friday.
    School,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) school: SchoolId,
    key: PublicKey,
    pub(super) capacity: Capacity,
    pub(super) keeper: Keeper,
    hours: Hours,
    pub(super) member: bool,
    pub(super) destroyed_at: Option<u64>,
    pub(super) cheats: bool,
    /// Since when there is no room for others' files.
    pub(super) full_since: Option<u64>,
    /// Off, or cut off, from and to.
    away: Option<(u64, u64)>,
    cut: Option<(u64, u64)>,
    restless: Option<(u64, u64)>,
    /// What is on its disk, with whether it is there for others' sake.
    pub(super) disk: BTreeMap<usize, bool>,
    inbox: Vec<usize>,
    roster_seen: usize,
    wakes_at: u64,
    pub(super) posed_today: u64,
}

impl Node {
    fn is_on(&self, now: u64) -> bool {
        let within =
            |span: Option<(u64, u64)>| span.is_some_and(|(from, to)| (from..to).contains(&now));
        let (day, hour) = ((now - MONDAY) / DAY % 7, (now - MONDAY) % DAY / HOUR);
        let open = self.hours == Hours::Always || (day < 5 && (7..19).contains(&hour));
        let restless = within(self.restless)
            && self.restless.is_some_and(|(from, _)| (now - from) / DAY % 5 < 4);
        open && self.member && self.destroyed_at.is_none() && !within(self.away) && !restless
    }

    /// Whether it is gone for longer than a night or a weekend.
    fn is_away(&self, now: u64) -> bool {
        let spans = [self.away, self.cut, self.restless];
        spans.into_iter().flatten().any(|(from, to)| (from..to).contains(&now))
    }

    fn is_cut(&self, now: u64) -> bool {
        self.cut.is_some_and(|(from, to)| (from..to).contains(&now))
    }

    /// Whether it is there for others.
    fn answers(&self, now: u64) -> bool {
        self.is_on(now) && !self.is_cut(now)
    }

    /// Whether what is on its disk counts as kept.
    pub(super) fn counts(&self) -> bool {
        self.member && self.destroyed_at.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Publish(usize),
    Open { node: usize, file: usize },
    Fetched { node: usize, file: usize, opened: bool },
    Mishap(Mishap, usize),
    Settled,
    Wake(usize),
    Check,
}

pub(super) struct Network {
    pub(super) options: KeepingOptions,
    random: Random,
    pub(super) now: u64,
    pub(super) nodes: Vec<Node>,
    numbers: BTreeMap<SchoolId, usize>,
    pub(super) files: Vec<SharedFile>,
    pub(super) authors: Vec<usize>,
    places: BTreeMap<Hash, usize>,
    published: Vec<SharedFile>,
    /// The nodes that have a file on their disks.
    pub(super) holders: Vec<BTreeSet<usize>>,
    pub(super) placement: SharedPlacement,
    rosters: usize,
    events: BTreeSet<(u64, Event)>,
    pub(super) checks: Checks,
}

impl Network {
    pub(super) fn new(options: KeepingOptions) -> Self {
        let mut random = Random::new(options.seed);
        let joining =
            if options.mishaps.contains(&Mishap::Joining) { options.nodes / 20 } else { 0 };
        let files = options.files;
        let sizes: Vec<u64> = (0..files)
            .map(|_| match random.below(100) {
                // Pages, slides with pictures, and few recordings.
                0..=59 => random.between(10_000, 500_000),
                60..=94 => random.between(500_000, 10_000_000),
                _ => random.between(10_000_000, 100_000_000),
            })
            .collect();
        let share = sizes.iter().sum::<u64>() * KEEPERS as u64 / options.nodes.max(1) as u64;
        let quota = Quota {
            total: (share * ROOM_TIMES).max(400_000_000),
            per_school: u64::MAX,
            min_free: 0,
        };
        let mut network = Self {
            random,
            now: MONDAY,
            nodes: Vec::new(),
            numbers: BTreeMap::new(),
            files: Vec::new(),
            authors: Vec::new(),
            places: BTreeMap::new(),
            published: Vec::new(),
            holders: vec![BTreeSet::new(); files],
            placement: Arc::default(),
            rosters: 0,
            events: BTreeSet::new(),
            checks: Checks::new(files),
            options,
        };
        for number in 0..network.options.nodes + joining {
            network.add_node(number, quota);
        }
        for size in sizes {
            network.add_file(size);
        }
        network.plan();
        network.spread_roster();
        for node in 0..network.options.nodes {
            if network.nodes[node].cheats || network.nodes[node].full_since.is_some() {
                network.checks.disturbed += network.kept_by(node);
            }
        }
        network
    }

    fn has(&self, mishap: Mishap) -> bool {
        self.options.mishaps.contains(&mishap)
    }

    fn add_node(&mut self, number: usize, quota: Quota) {
        let school = SchoolId::from_bytes(self.random.bytes());
        let capacity = match self.random.below(10) {
            0 | 1 => Capacity::Small,
            2..=7 => Capacity::Normal,
            _ => Capacity::Large,
        };
        let hours = if self.has(Mishap::Nights) && self.random.below(5) < 2 {
            Hours::School
        } else {
            Hours::Always
        };
        let full = self.has(Mishap::Full) && self.random.one_in(20);
        let cheats = self.has(Mishap::Cheating) && self.random.chance(0.03);
        let free = if full { 0 } else { u64::MAX / 4 };
        let keeper = Keeper::new(school, self.random.bytes(), quota, free);
        self.numbers.insert(school, number);
        self.nodes.push(Node {
            school,
            key: SecretKey::from_seed(&self.random.bytes()).public(),
            capacity,
            keeper: keeper.without(self.options.without),
            hours,
            member: number < self.options.nodes,
            destroyed_at: None,
            cheats,
            full_since: full.then_some(MONDAY),
            away: None,
            cut: None,
            restless: None,
            disk: BTreeMap::new(),
            inbox: Vec::new(),
            roster_seen: 0,
            wakes_at: u64::MAX,
            posed_today: 0,
        });
    }

    fn add_file(&mut self, size: u64) {
        // A few schools share most.
        let nodes = self.options.nodes;
        let author = self.random.below(nodes).min(self.random.below(nodes));
        let file = self.files.len();
        let hash = Hash::from_bytes(self.random.bytes());
        // On the first day, while the server is on.
        let published = MONDAY + 8 * HOUR + self.random.between(0, 8 * HOUR);
        self.files.push(SharedFile { hash, size, author: self.nodes[author].school, published });
        self.authors.push(author);
        self.places.insert(hash, file);
        self.events.insert((published, Event::Publish(file)));
        for _ in 0..self.random.below(3) {
            let days = if self.random.one_in(2) { 3 } else { self.options.days / 2 };
            let at = published + self.random.between(HOUR, days * DAY);
            let node = self.random.below(nodes);
            self.events.insert((at, Event::Open { node, file }));
        }
    }

    fn plan(&mut self) {
        let (days, nodes) = (self.options.days, self.options.nodes);
        let (first, last) = (MONDAY + days * DAY / 5, MONDAY + days * DAY / 3);
        self.events.insert((first, Event::Settled));
        let mut others: Vec<usize> = self.random.some_of((0..nodes).collect(), nodes);
        for mishap in self.options.mishaps.clone() {
            let (many, at_times) = match mishap {
                // Few rosters, since each is worked out by every member.
                Mishap::Leaving => (nodes * 3 / 100, 3),
                Mishap::Joining => (self.nodes.len() - nodes, 3),
                Mishap::Destroyed | Mishap::Holidays | Mishap::Cuts | Mishap::Restless => {
                    (nodes * 3 / 100, 1_000)
                }
                Mishap::Full => (nodes / 20, 1_000),
                Mishap::Nights | Mishap::Cheating => (0, 1),
            };
            // Disks fill up while files are still on their way, too.
            let first = if mishap == Mishap::Full { MONDAY + 2 * DAY } else { first };
            let times: Vec<u64> =
                (0..at_times.min(many)).map(|_| self.random.between(first + 1, last)).collect();
            for number in 0..many {
                let joins = mishap == Mishap::Joining;
                let node = if joins { Some(nodes + number) } else { others.pop() };
                let Some(node) = node.filter(|node| *node < self.nodes.len()) else { continue };
                let at = times.get(number % times.len().max(1)).copied().unwrap_or(first + 1);
                self.events.insert((at, Event::Mishap(mishap, node)));
            }
        }
        let mut at = MONDAY + 6 * HOUR;
        while at <= MONDAY + days * DAY {
            self.events.insert((at, Event::Check));
            at += 6 * HOUR;
        }
        for node in 0..self.nodes.len() {
            self.wake_at(node, MONDAY + 7 * HOUR);
        }
    }

    fn wake_at(&mut self, node: usize, at: u64) {
        if at < self.nodes[node].wakes_at {
            self.events.remove(&(self.nodes[node].wakes_at, Event::Wake(node)));
            self.nodes[node].wakes_at = at;
            self.events.insert((at, Event::Wake(node)));
        }
    }

    /// The roster changed; members hear of it when they are next awake.
    fn spread_roster(&mut self) {
        let seats = self.nodes.iter().filter(|node| node.member).map(|node| Seat {
            school: node.school,
            capacity: node.capacity,
            nodes: vec![node.key],
        });
        self.placement = Arc::new(Placement::of(seats));
        self.rosters += 1;
    }

    pub(super) fn run(mut self) -> Result<KeepingReport, KeepingViolation> {
        while let Some((at, event)) = self.events.pop_first() {
            if at > MONDAY + self.options.days * DAY {
                break;
            }
            self.now = at;
            match event {
                Event::Publish(file) => self.publish(file)?,
                Event::Open { node, file } => self.fetch(node, file, true),
                Event::Fetched { node, file, opened } => self.fetched(node, file, opened)?,
                Event::Mishap(mishap, node) => self.befalls(mishap, node)?,
                Event::Settled => self.check_settled()?,
                Event::Check => self.check()?,
                Event::Wake(node) => {
                    self.nodes[node].wakes_at = u64::MAX;
                    self.wake(node)?;
                }
            }
        }
        self.check_end()?;
        Ok(report::of(&self))
    }

    fn publish(&mut self, file: usize) -> Result<(), KeepingViolation> {
        let (shared, author) = (self.files[file], self.authors[file]);
        self.published.push(shared);
        let held = Held { authored: true, ..Held::default() };
        self.store(author, file, false);
        self.nodes[author].keeper.handle_held(&shared, held, self.now);
        // Every member hears of it; only those who are ranked mind it.
        for school in self.placement.ranked(&shared.hash, &shared.author, RANKED) {
            let node = self.numbers[&school];
            self.nodes[node].inbox.push(file);
        }
        self.wake(author)
    }

    fn store(&mut self, node: usize, file: usize, for_others: bool) {
        self.nodes[node].disk.insert(file, for_others);
        self.holders[file].insert(node);
    }

    fn unstore(&mut self, node: usize, file: usize) {
        self.nodes[node].disk.remove(&file);
        self.holders[file].remove(&node);
    }

    /// Starts a fetch from whoever has the file and is there.
    fn fetch(&mut self, node: usize, file: usize, opened: bool) {
        let there = |other: &usize| *other != node && self.nodes[*other].answers(self.now);
        let possible = self.nodes[node].answers(self.now) && self.holders[file].iter().any(there);
        if possible {
            let takes = MINUTE + self.files[file].size * 1_000 / LINE_BYTES_PER_SECOND;
            self.events.insert((self.now + takes, Event::Fetched { node, file, opened }));
        } else if !opened {
            let hash = self.files[file].hash;
            self.nodes[node].keeper.handle_fetch_failed(&hash, self.now);
        }
    }

    fn fetched(&mut self, node: usize, file: usize, opened: bool) -> Result<(), KeepingViolation> {
        let shared = self.files[file];
        if !self.nodes[node].answers(self.now) {
            if !opened {
                self.nodes[node].keeper.handle_fetch_failed(&shared.hash, self.now);
            }
            return Ok(());
        }
        if self.authors[file] == node {
            return Ok(());
        }
        // What was being fetched when it ran full may still come.
        let full = self.nodes[node].full_since;
        if !opened && full.is_some_and(|since| self.now > since + HOUR) {
            return Err(KeepingViolation::Overfull { node });
        }
        let pinned = opened && self.random.one_in(20);
        let held = Held { opened: opened.then_some(self.now), pinned, ..Held::default() };
        if !opened {
            self.checks.needless += u64::from(self.is_needless(node, file));
            self.checks.fetched(shared.size, self.holders[file].len());
        }
        if !self.nodes[node].cheats {
            self.store(node, file, !opened);
        }
        self.nodes[node].keeper.handle_held(&shared, held, self.now);
        self.wake(node)
    }

    /// Whether a standby fetched what enough of those before it have, and are there with.
    fn is_needless(&self, node: usize, file: usize) -> bool {
        let (school, shared) = (self.nodes[node].school, self.files[file]);
        let ranked = self.placement.ranked(&shared.hash, &shared.author, RANKED);
        let there = |other: &&SchoolId| {
            let number = self.numbers[*other];
            let one = &self.nodes[number];
            one.counts() && !one.is_away(self.now) && self.holders[file].contains(&number)
        };
        let before = ranked.iter().take_while(|other| **other != school);
        before.filter(there).count() >= KEEPERS
    }

    /// A node is awake: it hears what is new, and its keeper is driven.
    fn wake(&mut self, node: usize) -> Result<(), KeepingViolation> {
        let now = self.now;
        if !self.nodes[node].is_on(now) {
            if self.nodes[node].destroyed_at.is_none() {
                self.wake_at(node, now + AT_LEAST_EVERY);
            }
            return Ok(());
        }
        let other = self.random.below(self.nodes.len());
        let meets = self.nodes[other].answers(now) && other != node;
        let school = self.nodes[other].school;
        let one = &mut self.nodes[node];
        if !one.is_cut(now) {
            if meets {
                one.keeper.handle_heard(&school, now);
            }
            if one.roster_seen != self.rosters {
                one.roster_seen = self.rosters;
                one.keeper.handle_roster(Arc::clone(&self.placement), &self.published, now);
                one.inbox.clear();
            }
            for file in std::mem::take(&mut one.inbox) {
                one.keeper.handle_shared(&self.files[file], now);
            }
        }
        while let Some(output) = self.nodes[node].keeper.poll(now) {
            match output {
                Output::Challenge { school, file, .. } => self.challenge(node, &school, &file),
                Output::Fetch { file } => {
                    if let Some(file) = self.places.get(&file).copied() {
                        self.fetch(node, file, false);
                    }
                }
                Output::Drop { file } => {
                    if let Some(file) = self.places.get(&file).copied() {
                        let had = self.nodes[node].disk.contains_key(&file);
                        self.unstore(node, file);
                        if had {
                            self.check_drop(node, file)?;
                        }
                    }
                }
            }
        }
        let next = self.nodes[node].keeper.poll_timeout(now).unwrap_or(u64::MAX);
        self.wake_at(node, next.clamp(now + AT_MOST_EVERY, now + AT_LEAST_EVERY));
        Ok(())
    }

    fn challenge(&mut self, by: usize, school: &SchoolId, hash: &Hash) {
        let to = self.numbers[school];
        let file = self.places[hash];
        let reached = self.nodes[by].answers(self.now) && self.nodes[to].answers(self.now);
        let claims = self.options.without == Some(Rule::Prove) && self.nodes[to].cheats;
        let outcome = if !reached {
            Outcome::Unreachable
        } else if self.nodes[to].disk.contains_key(&file) || claims {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        self.nodes[by].posed_today += 1;
        self.checks.challenged(outcome);
        self.nodes[by].keeper.handle_challenged(school, hash, outcome, self.now);
    }

    /// Files that a node is among the first for: what others have to take up when it goes.
    fn kept_by(&self, node: usize) -> u64 {
        let school = self.nodes[node].school;
        let first = |file: &&SharedFile| {
            self.placement.is_among(&school, &file.hash, &file.author, KEEPERS)
        };
        self.files.iter().filter(first).count() as u64
    }

    fn befalls(&mut self, mishap: Mishap, node: usize) -> Result<(), KeepingViolation> {
        let now = self.now;
        match mishap {
            Mishap::Nights | Mishap::Cheating => {}
            Mishap::Leaving => {
                self.checks.disturbed += self.kept_by(node);
                self.nodes[node].member = false;
                self.spread_roster();
            }
            Mishap::Joining => {
                self.nodes[node].member = true;
                self.spread_roster();
                self.checks.disturbed += self.kept_by(node);
                return self.wake(node);
            }
            Mishap::Destroyed => {
                self.checks.disturbed += self.kept_by(node);
                self.nodes[node].destroyed_at = Some(now);
                self.check_all_there()?;
            }
            Mishap::Holidays => {
                self.checks.disturbed += self.kept_by(node);
                self.nodes[node].away = Some((now, now + 10 * DAY));
            }
            Mishap::Cuts => {
                self.checks.disturbed += self.kept_by(node);
                self.nodes[node].cut = Some((now, now + 4 * DAY));
            }
            Mishap::Restless => {
                self.checks.disturbed += self.kept_by(node);
                let until = MONDAY + self.options.days * DAY * 2 / 3;
                self.nodes[node].restless = Some((now, until));
            }
            Mishap::Full => {
                // Its disk is needed for something else: what is disposable has to go.
                let quota = Quota { total: 1, per_school: 1, min_free: 1 };
                self.nodes[node].full_since = Some(now);
                self.nodes[node].keeper.handle_disk(0, quota, now);
                return self.wake(node);
            }
        }
        Ok(())
    }
}

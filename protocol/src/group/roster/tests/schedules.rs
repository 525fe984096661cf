//! Random schedules: twelve schools that act on what they have heard, on delayed and partitioned
//! lines, some of them against the rules, and what must hold at every step.
//!
//! `STAFFROOM_SEED=17` runs the one schedule that a failure named.

use std::sync::atomic::{AtomicU64, Ordering};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use super::*;
use crate::group::epoch::EpochKey;
use crate::identity::Objection;
use crate::limits::BINDING_WAIT_MILLIS;

const SCHEDULES: u64 = 10_000;
const SCHOOLS: usize = 12;
const STEPS: usize = 60;

/// Schools that are admins to begin with; half of what is done is done by them.
const ADMINS: usize = 3;

/// Keyholders of the root, of whom two must sign.
const KEYHOLDERS: usize = 3;

/// One in so many schedules tries every key on every sealed slot; the others look at names.
const WITH_KEYS: u64 = 50;

struct Random(ChaCha20Rng);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u32()).unwrap() % end
    }
}

/// A school's node: what it has heard, and an earlier state to act from against the rules.
struct Node {
    set: Membership,
    earlier: Membership,
    entries: BTreeSet<Hash>,
}

struct Schedule {
    random: Random,
    seed: u64,
    group: GroupId,
    schools: Vec<School>,
    /// A second node of each school, which may be added.
    standbys: Vec<School>,
    nodes: Vec<Node>,
    cells: Vec<usize>,
    entries: BTreeMap<Hash, Entry>,
    rosters: BTreeMap<Hash, Roster>,
    made: usize,
    epochs_used: usize,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let schools: Vec<School> = (1..=12).map(School::new).collect();
        let standbys = (1..=12).map(|seed| School::with_node(seed, seed + 150)).collect();
        let keys = schools[..KEYHOLDERS].iter().map(|school| school.key.public()).collect();
        let set = found_with(&schools[0], Root { keys, threshold: 2 });
        let node = || Node { set: set.clone(), earlier: set.clone(), entries: BTreeSet::new() };
        Self {
            random: Random(ChaCha20Rng::from_seed(bytes)),
            seed,
            group: set.group(),
            nodes: (0..SCHOOLS).map(|_| node()).collect(),
            schools,
            standbys,
            cells: vec![0; SCHOOLS],
            entries: BTreeMap::new(),
            rosters: BTreeMap::new(),
            made: 0,
            epochs_used: 0,
        }
    }

    /// Returns how many times a node found an epoch to use, how many schools were removed, and for
    /// how many another one goes on.
    fn run(mut self) -> (usize, usize, usize) {
        for school in 1..SCHOOLS {
            // Some join later, by whoever admits them.
            if school < ADMINS || self.random.below(4) > 0 {
                let (set, invite) = (&self.nodes[0].set, u8::try_from(school).unwrap());
                let admission = self.schools[0].admits(set, &self.schools[school], invite);
                self.nodes[0].set.extend([admission]);
            }
        }
        for admin in 1..ADMINS {
            let act = Act::Name { school: self.schools[admin].id() };
            let keyholders = [&self.schools[0], &self.schools[1]];
            let named = root_does(&self.nodes[0].set, act, &keyholders);
            self.nodes[0].set.extend([named]);
        }
        let set = self.nodes[0].set.clone();
        self.make_epoch(0, &set);
        let all: Vec<Statement> = self.nodes[0].set.in_order().cloned().collect();
        for node in &mut self.nodes {
            node.set.extend(all.clone());
            node.earlier = node.set.clone();
        }
        for _ in 0..STEPS {
            match self.random.below(10) {
                0 => self.repartition(),
                1..=4 => self.act(),
                _ => self.deliver(),
            }
        }
        self.heal();
        let departed = |member: &&Member| {
            member.departed.as_ref().is_some_and(|departure| departure.removed_by.is_some())
        };
        let removed = self.nodes[0].set.roster().members().values().filter(departed).count();
        let members = self.nodes[0].set.roster().members().values();
        let inherited = members
            .filter(|member| member.departed.as_ref().is_some_and(|one| one.next.is_some()))
            .count();
        (self.epochs_used, removed, inherited)
    }

    fn repartition(&mut self) {
        let count = 1 + self.random.below(3);
        self.cells = (0..SCHOOLS).map(|_| self.random.below(count)).collect();
        let node = self.random.below(SCHOOLS);
        self.nodes[node].earlier = self.nodes[node].set.clone();
    }

    /// A school does something, whether or not it may; now and then as if it knew no more than it
    /// did some time ago.
    fn act(&mut self) {
        let by_admin = self.random.below(2) == 0;
        let actor = self.random.below(if by_admin { ADMINS } else { SCHOOLS });
        let other = self.random.below(SCHOOLS);
        let backdates = self.random.below(6) == 0;
        let set = if backdates {
            self.nodes[actor].earlier.clone()
        } else {
            self.nodes[actor].set.clone()
        };
        let school = &self.schools[actor];
        let target = self.schools[other].id();
        let act = match self.random.below(18) {
            0 => {
                let invite = u8::try_from(self.random.below(250)).unwrap();
                let statement = school.admits(&set, &self.schools[other], invite);
                return self.hear(actor, vec![statement]);
            }
            1 | 2 => Act::Remove { school: target, standing: self.some_entries_of(other, actor) },
            3 if actor >= ADMINS => {
                Act::Leave { standing: self.some_entries_of(actor, actor), why: None }
            }
            4 => Act::Dismiss { school: target },
            5 => {
                let certificate = ByteBuf::from(self.standbys[actor].certificate.as_bytes());
                Act::Certify { certificate }
            }
            6 => return self.revoke(actor, &set),
            7 => return self.act_as_root(actor, other, &set),
            8 | 9 => return self.make_epoch(actor, &set),
            10 => return self.extend_epoch(actor, &set),
            11 | 12 => {
                // Of few schools, so that several speak of the same one.
                let bound = ADMINS + other % 2;
                Act::Bind { school: self.schools[bound].id(), next: self.schools[bound + 2].id() }
            }
            13 if self.random.below(3) == 0 => return self.succeed(),
            14 if self.random.below(8) == 0 => {
                let bound = ADMINS + other % 2;
                let next = self.schools[bound + 2].id();
                let objection = Objection::issue(&self.schools[bound].key, self.group, next);
                Act::Object { objection: ByteBuf::from(objection.as_bytes()) }
            }
            15 => Act::Keep { capacity: Capacity::ALL[self.random.below(4)] },
            _ => return self.publish(actor),
        };
        let statement = self.schools[actor].says(&set, act);
        self.hear(actor, vec![statement]);
    }

    /// Two admins, one after the other, bind a school's next key, which goes on for it: as far as
    /// their lines hold, and whether or not they may.
    fn succeed(&mut self) {
        let bound = ADMINS + self.random.below(2);
        let next = bound + 2;
        let (first, second) = (self.random.below(ADMINS), self.random.below(ADMINS));
        let act = Act::Bind { school: self.schools[bound].id(), next: self.schools[next].id() };
        for (from, admin) in [(first, first), (first, second)] {
            self.pass_all(from, admin);
            let statement = self.schools[admin].says(&self.nodes[admin].set, act.clone());
            self.hear(admin, vec![statement]);
        }
        self.pass_all(second, next);
        let standing = self.some_entries_of(bound, next);
        let due = 20 + BINDING_WAIT_MILLIS - u64::from(self.random.below(8) == 0);
        let act = Act::Inherit { school: self.schools[bound].id(), standing };
        let statement = self.schools[next].says_at(due, &self.nodes[next].set, act);
        self.hear(next, vec![statement]);
    }

    fn pass_all(&mut self, from: usize, to: usize) {
        if from != to && self.cells[from] == self.cells[to] {
            let statements = self.nodes[from].set.in_order().cloned().collect();
            self.hear(to, statements);
        }
    }

    fn some_entries_of(&mut self, school: usize, by: usize) -> Vec<Hash> {
        let (id, most) = (self.schools[school].id(), self.random.below(4));
        let held = self.nodes[by].entries.iter();
        held.filter(|hash| self.entries[*hash].key().school == id).take(most).copied().collect()
    }

    /// A school's standby revokes the first node.
    fn revoke(&mut self, actor: usize, set: &Membership) {
        let (school, standby) = (&self.schools[actor], &self.standbys[actor]);
        let revocation = Revocation::issue(&school.key, school.node.public(), 1);
        let certify = Act::Certify { certificate: ByteBuf::from(standby.certificate.as_bytes()) };
        let mut set = set.clone();
        let certified = school.says(&set, certify);
        set.extend([certified.clone()]);
        let revocation = ByteBuf::from(revocation.as_bytes());
        let revoked = standby.says(&set, Act::Revoke { revocation, standing: Vec::new() });
        self.hear(actor, vec![certified, revoked]);
    }

    fn act_as_root(&mut self, actor: usize, other: usize, set: &Membership) {
        let target = self.schools[other].id();
        let act = match self.random.below(4) {
            0 => {
                let keys = self.schools[..=KEYHOLDERS].iter().skip(self.random.below(2));
                let keys = keys.map(|school| school.key.public()).collect();
                Act::Succeed { root: Root { keys, threshold: 2 } }
            }
            1 => Act::Remove { school: target, standing: Vec::new() },
            _ => Act::Name { school: target },
        };
        let first = self.random.below(KEYHOLDERS);
        let second = (first + self.random.below(KEYHOLDERS)) % KEYHOLDERS;
        let proposal = set.propose(act);
        let endorsements = [first, second].map(|one| proposal.endorse(&self.schools[one].key));
        let (carrier, clock) = (&self.schools[actor], Timestamp::from_millis(20));
        let statement = Statement::sign(
            proposal,
            endorsements.to_vec(),
            clock,
            &carrier.certificate,
            &carrier.node,
        );
        self.hear(actor, vec![statement.unwrap()]);
    }

    /// Whoever may make an epoch and acts on all that it knows hands nothing to the removed.
    fn make_epoch(&mut self, actor: usize, set: &Membership) {
        self.made += 1;
        let key = EpochKey::from_seed([u8::try_from(self.made).unwrap(); 32]);
        let (act, _) = set.seal(&key);
        if let Act::Epoch { sealed, .. } = &act
            && self.seed.is_multiple_of(WITH_KEYS)
        {
            for (school, standby) in self.schools.iter().zip(&self.standbys) {
                let removed = set
                    .roster()
                    .members()
                    .get(&school.id())
                    .is_some_and(|member| member.departed.is_some());
                for node in [&school.node, &standby.node] {
                    let opens = sealed.iter().any(|slot| slot.open(&self.group, node).is_some());
                    let named = set.roster().school_of(&node.public()).is_some();
                    assert_eq!(opens, named, "a slot for each node of a member");
                    assert!(!(removed && opens), "a key for a removed school");
                }
            }
        }
        let statement = self.schools[actor].says(set, act);
        self.hear(actor, vec![statement]);
    }

    fn extend_epoch(&mut self, actor: usize, set: &Membership) {
        let Some(epoch) = set.roster().epoch() else { return self.make_epoch(actor, set) };
        let Some(key) = epoch.open(&self.group, &self.schools[actor].node, |_| None) else {
            return;
        };
        let lacking = set.roster().nodes().into_iter().find(|node| !epoch.names(node));
        let Some(node) = lacking else { return };
        let sealed = key.seal(&self.group, &node);
        let act = Act::Extend { epoch: epoch.statement(), node, sealed };
        let statement = self.schools[actor].says(set, act);
        self.hear(actor, vec![statement]);
    }

    /// Clocks go from long ago to far ahead: they decide nothing here.
    fn publish(&mut self, actor: usize) {
        let clock = u64::try_from(self.random.below(1_000)).unwrap();
        let by = if self.random.below(4) == 0 { &self.standbys } else { &self.schools };
        let entry = by[actor].entry(self.group, clock, false);
        self.nodes[actor].entries.insert(entry.hash());
        self.entries.insert(entry.hash(), entry);
        self.check(actor);
    }

    /// One node gives another some of what it has, if it takes it for a member.
    fn deliver(&mut self) {
        let (from, to) = (self.random.below(SCHOOLS), self.random.below(SCHOOLS));
        let served = self.nodes[from].set.roster().member(&self.schools[to].id()).is_some();
        let heard = self.nodes[to].set.roster().member(&self.schools[from].id()).is_some();
        if from == to || self.cells[from] != self.cells[to] || !served || !heard {
            return;
        }
        let most = 1 + self.random.below(12);
        let statements: Vec<Statement> = self.nodes[from]
            .set
            .in_order()
            .filter(|one| !self.nodes[to].set.statements().contains_key(&one.hash()))
            .take(most)
            .cloned()
            .collect();
        let entries: Vec<Hash> = self.nodes[from].entries.iter().copied().collect();
        self.nodes[to].entries.extend(entries);
        self.hear(to, statements);
    }

    fn hear(&mut self, node: usize, statements: Vec<Statement>) {
        self.nodes[node].set.extend(statements);
        self.check(node);
    }

    /// What must hold on a node whenever it has heard something.
    fn check(&mut self, node: usize) {
        let node = &self.nodes[node];
        let roster = node.set.roster();
        let same = self.rosters.entry(node.set.digest()).or_insert_with(|| roster.clone());
        assert_eq!(same, roster, "the same statements, another roster");

        if let Some(epoch) = roster.epoch() {
            self.epochs_used += 1;
            for school in self.schools.iter().chain(&self.standbys) {
                let key = school.node.public();
                let member = roster.school_of(&key).is_some();
                assert!(member || !epoch.names(&key), "an epoch that names {key:?}");
            }
        }
        for hash in &node.entries {
            let entry = &self.entries[hash];
            let author = &entry.key().school;
            let Some(member) = roster.members().get(author) else { continue };
            if roster.standing(entry) != Standing::Honoured || member.departed.is_none() {
                continue;
            }
            let listed = node.set.statements().values().any(|one| {
                if let Act::Remove { school, standing } = one.act() {
                    return school == author && standing.contains(hash);
                }
                if let Act::Inherit { school, standing } = one.act() {
                    let next = member.departed.as_ref().and_then(|departure| departure.next);
                    return school == author
                        && next == Some(one.author())
                        && standing.contains(hash);
                }
                matches!(one.act(), Act::Leave { standing, .. }
                    if one.author() == *author && standing.contains(hash))
            });
            assert!(listed, "an entry of a departed school that nobody lists");
        }
    }

    /// Everybody hears everything, in different orders.
    fn heal(&mut self) {
        let mut all: BTreeMap<Hash, Statement> = BTreeMap::new();
        for node in &self.nodes {
            all.extend(node.set.statements().clone());
        }
        let entries: BTreeSet<Hash> = self.entries.keys().copied().collect();
        for node in 0..SCHOOLS {
            let mut statements: Vec<Statement> = all.values().cloned().collect();
            let turn = self.random.below(statements.len());
            statements.rotate_left(turn);
            self.nodes[node].entries.clone_from(&entries);
            self.hear(node, statements);
        }
        let digests: BTreeSet<Hash> = self.nodes.iter().map(|node| node.set.digest()).collect();
        assert_eq!(digests.len(), 1, "all statements reach all");
    }
}

#[test]
fn whatever_the_schedule_the_same_statements_say_the_same_and_the_removed_get_nothing() {
    if let Some(seed) = std::env::var_os("STAFFROOM_SEED") {
        Schedule::new(seed.to_str().unwrap().parse().unwrap()).run();
        return;
    }
    let [next, epochs, removals, inheritances] = [const { AtomicU64::new(0) }; 4];
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SCHEDULES {
                        break;
                    }
                    let failed = Failed(seed);
                    let (made, removed, inherited) = Schedule::new(seed).run();
                    std::mem::forget(failed);
                    epochs.fetch_add(made as u64, Ordering::Relaxed);
                    removals.fetch_add(removed as u64, Ordering::Relaxed);
                    inheritances.fetch_add(inherited as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let [_, epochs, removals, inheritances] =
        [next, epochs, removals, inheritances].map(AtomicU64::into_inner);
    println!(
        "{SCHEDULES} schedules: {removals} schools removed, {inheritances} went on under another \
         key, an epoch in use {epochs} times"
    );
    assert!(
        epochs > 5 * SCHEDULES && removals > SCHEDULES / 2 && inheritances > SCHEDULES / 100,
        "{removals} removals, {inheritances} inheritances, {epochs} epochs"
    );
}

/// Names the schedule whose run panics.
struct Failed(u64);

impl Drop for Failed {
    fn drop(&mut self) {
        eprintln!("the schedule that failed: STAFFROOM_SEED={}", self.0);
    }
}

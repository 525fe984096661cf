//! What a run came to, as a table.

use std::collections::BTreeMap;
use std::fmt;

use super::network::{HOUR, Network};
use crate::hash::SchoolId;

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct KeepingReport {
    /// Members in the end.
    pub members: usize,
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files of which another than the author had a copy when publications had settled.
    pub available: usize,
    /// Copies of a file beside its author's, when publications had settled: fewest, median, most.
    pub settled_copies: [usize; 3],
    /// The same in the end.
    pub copies: [usize; 3],
    /// The same, only those for others' sake.
    pub kept_copies: [usize; 3],
    /// Hours until a file had its copies at first: half, 99 in 100, and all.
    pub settling_hours: [f64; 3],
    /// Hours until it had them again.
    pub healing_hours: [f64; 3],
    /// How many times a file had too few, after it had enough.
    pub healed: usize,
    /// What members keep for others, in shares of what their weight says: least, 1 in 100, half, 99 in
    /// 100, most.
    pub load: [f64; 5],
    /// Challenges that a node poses in a day: half, 99 in 100, and most.
    pub challenges: [u64; 3],
    /// Challenges that were passed, failed, and not answered.
    pub outcomes: [u64; 3],
    /// Copies fetched beyond the first ones, and the bytes fetched at first and again.
    pub refetches: u64,
    /// Copies that had to move.
    pub disturbed: u64,
    /// Bytes of copies that were fetched for others' sake, at first and beyond.
    pub fetched_bytes: [u64; 2],
    /// Times that a standby fetched a file which enough others had and were there with.
    pub needless: u64,
    /// Copies dropped.
    pub drops: u64,
    /// Files that have copies for others' sake in the end beyond those they are to have.
    pub surplus: usize,
}

fn at<T: Copy + Default>(sorted: &[T], per_mille: usize) -> T {
    let place = sorted.len().saturating_sub(1) * per_mille / 1_000;
    sorted.get(place).copied().unwrap_or_default()
}

fn three<T: Copy + Default + Ord>(mut of: Vec<T>, per_mille: [usize; 3]) -> [T; 3] {
    of.sort_unstable();
    per_mille.map(|place| at(&of, place))
}

fn hours(of: &[u64]) -> [f64; 3] {
    three(of.to_vec(), [500, 990, 1_000]).map(|millis| millis as f64 / HOUR as f64)
}

pub(super) fn of(network: &Network) -> KeepingReport {
    let files = 0..network.files.len();
    let checks = &network.checks;
    let members = network.nodes.iter().filter(|node| node.counts()).count();
    KeepingReport {
        members,
        files: network.files.len(),
        bytes: network.files.iter().map(|file| file.size).sum(),
        available: checks.available,
        settled_copies: three(checks.settled_copies.clone(), [0, 500, 1_000]),
        copies: three(files.clone().map(|file| network.copies(file)).collect(), [0, 500, 1_000]),
        kept_copies: three(files.map(|file| network.kept_copies(file)).collect(), [0, 500, 1_000]),
        settling_hours: hours(&checks.settling),
        healing_hours: hours(&checks.healing),
        healed: checks.healing.len(),
        load: load(network),
        challenges: three(checks.daily.clone(), [500, 990, 1_000]),
        outcomes: [checks.passed, checks.failed, checks.unreachable],
        refetches: checks.refetches,
        disturbed: checks.disturbed,
        fetched_bytes: [checks.first_bytes, checks.fetched_bytes - checks.first_bytes],
        needless: checks.needless,
        drops: checks.drops,
        surplus: checks.surplus,
    }
}

/// What each member that keeps anything holds for others, over what its weight says it should.
fn load(network: &Network) -> [f64; 5] {
    let keeps: BTreeMap<SchoolId, (u64, u64)> = network
        .nodes
        .iter()
        .filter(|node| node.counts() && node.full_since.is_none() && !node.cheats)
        .map(|node| {
            let bytes = node.disk.iter().filter(|(_, for_others)| **for_others);
            let bytes = bytes.map(|(file, _)| network.files[*file].size).sum();
            (node.school, (bytes, u64::from(node.capacity.weight())))
        })
        .collect();
    let (bytes, weights) =
        keeps.values().fold((0, 0), |(bytes, weights), one| (bytes + one.0, weights + one.1));
    let even = bytes as f64 / weights.max(1) as f64;
    let mut load: Vec<f64> =
        keeps.values().map(|(bytes, weight)| *bytes as f64 / (*weight as f64 * even)).collect();
    load.sort_unstable_by(f64::total_cmp);
    [0, 10, 500, 990, 1_000].map(|per_mille| at(&load, per_mille))
}

impl fmt::Display for KeepingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gb = |bytes: u64| bytes as f64 / 1e9;
        let [fewest, median, most] = self.settled_copies;
        writeln!(f, "{} members, {} files, {:.1} GB", self.members, self.files, gb(self.bytes))?;
        writeln!(f, "available without their authors   {} of {}", self.available, self.files)?;
        writeln!(
            f,
            "copies beside the author's        settled: {fewest} / {median} / {most}    (fewest / median / most)"
        )?;
        let [fewest, median, most] = self.copies;
        writeln!(f, "                                  in the end: {fewest} / {median} / {most}")?;
        let [fewest, median, most] = self.kept_copies;
        writeln!(f, "  those for others' sake          in the end: {fewest} / {median} / {most}")?;
        writeln!(f, "  files with more than three      {}", self.surplus)?;
        let [half, most, all] = self.settling_hours;
        writeln!(
            f,
            "hours to the first three copies   {half:.0} / {most:.0} / {all:.0}    (p50 / p99 / max)"
        )?;
        let [half, most, all] = self.healing_hours;
        writeln!(
            f,
            "hours to heal                     {half:.0} / {most:.0} / {all:.0}    of {} times",
            self.healed
        )?;
        let [least, one, half, most, all] = self.load;
        writeln!(
            f,
            "load relative to weight           {least:.2} / {one:.2} / {half:.2} / {most:.2} / {all:.2}    (min / p1 / p50 / p99 / max)"
        )?;
        let [half, most, all] = self.challenges;
        writeln!(
            f,
            "challenges a node and day         {half} / {most} / {all}    (p50 / p99 / max)"
        )?;
        let [passed, failed, unreachable] = self.outcomes;
        writeln!(f, "  passed / failed / no answer     {passed} / {failed} / {unreachable}")?;
        writeln!(
            f,
            "copies fetched again              {}, where {} had to move",
            self.refetches, self.disturbed
        )?;
        writeln!(f, "  where nobody was missing        {}", self.needless)?;
        let [first, again] = self.fetched_bytes;
        writeln!(
            f,
            "GB fetched for others' sake       {:.1}, and {:.1} again",
            gb(first),
            gb(again)
        )?;
        write!(f, "copies dropped                    {}", self.drops)
    }
}

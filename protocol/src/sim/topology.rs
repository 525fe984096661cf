//! Which members of a large network are connected, how long their lines are, and how fast anything
//! could reach everybody over them.

use std::collections::BTreeSet;

use super::mesh::DEGREE;
use super::random::Random;
use super::school::NodeNo;

/// Members that a node dials, and connections that it has at most; the node's own bounds.
const DIALLED: usize = 48;
const MOST_CONNECTIONS: usize = 256;

/// The shortest and the longest line, one way.
const SHORTEST_MICROS: u64 = 10_000;
const LONGEST_MICROS: u64 = 50_000;

/// Who is connected to whom, with how long each line is in microseconds.
#[derive(Debug)]
pub(super) struct Topology {
    lines: Vec<Vec<(NodeNo, u64)>>,
}

impl Topology {
    /// Each node dials others at random.
    pub(super) fn new(nodes: usize, random: &mut Random) -> Self {
        let mut lines: Vec<Vec<(NodeNo, u64)>> = vec![Vec::new(); nodes];
        for one in 0..nodes {
            let mut connected: BTreeSet<NodeNo> =
                lines[one].iter().map(|(other, _)| *other).collect();
            for _ in 0..DIALLED {
                let other = random.below(nodes);
                let full = |node: NodeNo| lines[node].len() >= MOST_CONNECTIONS;
                if other == one || full(one) || full(other) || !connected.insert(other) {
                    continue;
                }
                let length = random.between(SHORTEST_MICROS, LONGEST_MICROS);
                lines[one].push((other, length));
                lines[other].push((one, length));
            }
        }
        for of in &mut lines {
            of.sort_unstable();
        }
        Self { lines }
    }

    pub(super) fn lines(&self, node: NodeNo) -> &[(NodeNo, u64)] {
        &self.lines[node]
    }

    pub(super) fn micros(&self, one: NodeNo, other: NodeNo) -> u64 {
        let lines = &self.lines[one];
        let place = lines.binary_search_by_key(&other, |(to, _)| *to);
        place.map_or(LONGEST_MICROS, |place| lines[place].1)
    }

    pub(super) fn lines_per_node(&self) -> f64 {
        let lines: usize = self.lines.iter().map(Vec::len).sum();
        lines as f64 / self.lines.len().max(1) as f64
    }

    /// How long the quickest way from a node to each other takes, in microseconds (Dijkstra's
    /// algorithm); nothing for those that cannot be reached.
    pub(super) fn quickest(&self, from: NodeNo) -> Vec<Option<u64>> {
        let mut quickest: Vec<Option<u64>> = vec![None; self.lines.len()];
        let mut next = BTreeSet::from([(0, from)]);
        while let Some((micros, node)) = next.pop_first() {
            if quickest[node].is_some() {
                continue;
            }
            quickest[node] = Some(micros);
            for (other, length) in &self.lines[node] {
                if quickest[*other].is_none() {
                    next.insert((micros + length, *other));
                }
            }
        }
        quickest
    }

    /// How long a message takes from hop to hop of a mesh in which every node has [`DEGREE`] peers and
    /// nobody hears it twice, over lines of the mean length, until all have it.
    pub(super) fn hops_micros(nodes: usize) -> u64 {
        let (mut reached, mut last, mut hops) = (1, 1, 0);
        while reached < nodes {
            last *= if hops == 0 { DEGREE } else { DEGREE - 1 };
            reached += last;
            hops += 1;
        }
        hops * u64::midpoint(SHORTEST_MICROS, LONGEST_MICROS)
    }
}

//! Synthetic summaries of the length, vocabulary and labels of real ones, the same in each run.

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use staffroom_protocol::record::{Period, Summary};
use staffroom_search::evidence::{Interval, LineageEvidence, Strength};
use staffroom_search::{Document, DocumentKey};

/// Different words that carry meaning, as in some hundred thousand abstracts.
const WORDS: u32 = 60_000;

/// Moves the start of Zipf's law (Mandelbrot), so that the most frequent word that carries meaning
/// stands in about a fifth of all abstracts.
const SHIFT: f64 = 20.0;

/// Half of all words in English text.
const STOP_WORDS: [&str; 20] = [
    "the", "of", "and", "to", "in", "a", "for", "is", "with", "on", "that", "by", "was", "as",
    "it", "from", "were", "be", "this", "an",
];

const SYLLABLES: [&str; 24] = [
    "ba", "cor", "den", "fi", "gra", "hol", "jin", "ka", "lem", "mo", "nar", "pel", "qui", "ro",
    "sta", "tem", "ul", "vi", "wex", "yor", "zan", "thu", "sho", "bri",
];

/// The share of records of each kind in ten: interventions, adoptions and impact reports are most.
const KINDS: [&str; 10] = [
    "intervention",
    "intervention",
    "intervention",
    "adoption",
    "adoption",
    "impact_report",
    "impact_report",
    "resource",
    "resource",
    "offer",
];

const PHASES: [&str; 5] = ["nursery", "primary", "secondary", "all_through", "special"];

/// Schools that wrote them.
pub const SCHOOLS: u64 = 500;

/// A generator of numbers without state elsewhere (splitmix64, Steele et al. 2014).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The same numbers from the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn share(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1_u64 << 53) as f64
    }

    /// A word that carries meaning, by Zipf's law.
    fn word(&mut self) -> String {
        let rank = SHIFT * ((f64::from(WORDS) + SHIFT) / SHIFT).powf(self.share()) - SHIFT;
        spelled(rank as u64)
    }

    fn text(&mut self, words: u64) -> String {
        let words: Vec<String> = (0..words)
            .map(|_| match self.below(2) {
                0 => STOP_WORDS[self.below(STOP_WORDS.len() as u64) as usize].to_owned(),
                _ => self.word(),
            })
            .collect();
        words.join(" ")
    }

    fn labels(&mut self, name: &str, of: u64, most: u64) -> Vec<String> {
        (0..self.below(most + 1)).map(|_| format!("{name} {}", self.below(of))).collect()
    }

    fn label(&mut self, name: &str, of: u64) -> Option<String> {
        Some(format!("{name} {}", self.below(of)))
    }
}

/// The word of a rank: the more frequent, the shorter.
fn spelled(rank: u64) -> String {
    let mut word = String::new();
    let mut rest = rank + SYLLABLES.len() as u64;
    while rest > 0 {
        word.push_str(SYLLABLES[(rest % SYLLABLES.len() as u64) as usize]);
        rest /= SYLLABLES.len() as u64;
    }
    word
}

/// The group of a number.
pub fn group(number: u64) -> GroupId {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    GroupId::from_bytes(bytes)
}

fn school(number: u64) -> SchoolId {
    let mut bytes = [5; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SchoolId::from_bytes(bytes)
}

fn record(number: u64) -> RecordId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RecordId::from_bytes(bytes)
}

/// The record of a number.
pub fn document(number: u64) -> Document {
    let mut random = Random::new(number);
    let key = DocumentKey {
        group: group(random.below(6)),
        school: school(random.below(SCHOOLS)),
        record: record(number),
    };
    let kind = KINDS[random.below(10) as usize];
    let millis = 1_500_000_000_000 + random.below(260_000_000_000);
    let mut document = Document::new(key, kind, Timestamp::from_millis(millis));
    document.school_name = format!("{} academy", spelled(random.below(SCHOOLS)));
    document.group_name = "The network".to_owned();
    let (title_words, abstract_words) = (4 + random.below(6), 40 + random.below(80));
    let month = i8::try_from(1 + random.below(12)).unwrap_or(1);
    let from = jiff::civil::date(2016 + random.below(9) as i16, month, 1);
    document.summary = Summary {
        title: random.text(title_words),
        abstract_text: random.text(abstract_words),
        theme: random.label("theme", 12),
        subjects: random.labels("subject", 20, 2),
        key_stages: random.labels("stage", 6, 2),
        year_groups: random.labels("year", 15, 3),
        pupil_groups: random.labels("pupils", 12, 2),
        practice_areas: random.labels("area", 20, 2),
        development_domains: random.labels("domain", 4, 1),
        kind_type: random.label("type", 10),
        state: random.label("state", 4),
        cost_band: random.label("cost", 5),
        tags: (0..random.below(5)).map(|_| format!("tag {}", random.word())).collect(),
        period: Some(Period { from, to: from.checked_add(jiff::Span::new().months(8)).ok() }),
        ..Summary::default()
    };
    document.phase = Some(PHASES[random.below(5) as usize].to_owned());
    if kind == "impact_report" {
        document.summary.conclusion = random.label("conclusion", 3);
        document.summary.design = random.label("design", 6);
        document.effect = Some(random.share() - 0.3);
        document.pupils = Some(10 + random.below(300) as u32);
    }
    if number.is_multiple_of(2) {
        document.lineage = Some(lineage(&mut random, number));
    }
    document
}

/// Lineages of ten records.
fn lineage(random: &mut Random, number: u64) -> LineageEvidence {
    let first = number / 20 * 20;
    let estimate = random.share() - 0.3;
    let reported = random.below(5) as u32;
    let strength = Strength::ALL[random.below(5) as usize];
    LineageEvidence {
        origin: (school(first % SCHOOLS), record(first)),
        strength: (reported > 0).then_some(strength),
        started: reported + 2,
        reported,
        stopped: 1,
        did_not_work: u32::from(estimate < 0.0),
        effect: (reported > 0).then_some(Interval {
            estimate,
            low: estimate - 0.2,
            high: estimate + 0.2,
        }),
        phases: vec![PHASES[random.below(5) as usize].to_owned()],
    }
}

/// What a person types: three to five words of a record, every other time with stop words between.
pub fn query(number: u64, records: u64) -> String {
    let mut random = Random::new(u64::MAX / 2 + number);
    let summary = document(random.below(records)).summary;
    let text = format!("{} {}", summary.title, summary.abstract_text);
    let words: Vec<&str> = text.split(' ').filter(|word| !STOP_WORDS.contains(word)).collect();
    let count = 3 + random.below(3);
    let mut typed: Vec<&str> =
        (0..count).map(|_| words[random.below(words.len() as u64) as usize]).collect();
    if number.is_multiple_of(2) {
        typed.insert(1, "for");
        typed.insert(2, "the");
    }
    typed.join(" ")
}

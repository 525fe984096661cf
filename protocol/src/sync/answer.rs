//! The answering side of a comparison of content sets.

use serde_bytes::ByteBuf;

use super::message::{Described, MAX_RANGES, Refusal, Response};
use super::set::{ContentSet, Range, short_id};
use super::sketch::SKETCH_SYMBOLS;
use crate::hash::Hash;

/// Entries of a range whose ids are told; ranges with more are told in parts.
const FEW: u64 = 100;

/// Parts of a range.
const PARTS: u64 = 16;

/// Differences that a first answer provides for beyond what the counts say: edits, and what each
/// side has alone.
const SPARE_SYMBOLS: u64 = 40;

/// Where one side lacks more than this many entries, ranges are told at once.
const MANY: u64 = 2_000;

/// Answers [`Request::Compare`](super::message::Request::Compare).
pub fn compare(set: &ContentSet, count: u64, digest: &Hash) -> Response {
    if set.digest() == *digest {
        return Response::Same;
    }
    match (set.len() as u64).abs_diff(count) {
        few @ 0..=MANY => symbols(set, few * 8 / 5 + SPARE_SYMBOLS),
        _ => Response::Described { ranges: vec![describe_one(set, &Range::whole())] },
    }
}

/// Answers [`Request::Symbols`](super::message::Request::Symbols).
pub fn symbols(set: &ContentSet, count: u64) -> Response {
    let count = usize::try_from(count).unwrap_or(SKETCH_SYMBOLS);
    Response::Symbols { symbols: ByteBuf::from(set.sketch().symbols(count)) }
}

/// Answers [`Request::Describe`](super::message::Request::Describe).
pub fn describe(set: &ContentSet, ranges: &[Range]) -> Response {
    if ranges.len() > MAX_RANGES || !ranges.iter().all(Range::is_valid) {
        return Response::Refused(Refusal::Malformed);
    }
    Response::Described { ranges: ranges.iter().map(|range| describe_one(set, range)).collect() }
}

fn describe_one(set: &ContentSet, range: &Range) -> Described {
    let (count, _) = set.fingerprint(range);
    if count > FEW {
        return Described::Parts(set.split(range, PARTS));
    }
    let ids: Vec<u8> = set.range(range).flat_map(|(_, hash)| short_id(&hash)).collect();
    Described::Ids(ByteBuf::from(ids))
}

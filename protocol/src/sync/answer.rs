//! The answering side of a comparison.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use serde_bytes::ByteBuf;

use super::message::{
    ANSWER_CONTENT_BYTES, Described, HeardFrom, MAX_RANGES, MAX_REQUEST_ITEMS, Ordered,
    OrderedPart, Refusal, Response,
};
use super::set::{Bound, ContentSet, Range, short_id};
use super::sketch::{SKETCH_SYMBOLS, ShortId};
use crate::clock::Timestamp;
use crate::group::membership::Membership;
use crate::hash::{Hash, SchoolId};

/// Statements in one answer, or in one showing; with the limit on each they stay well below the
/// limit on answers.
pub const STATEMENTS_PER_ANSWER: usize = 64;

/// Entries in one answer, however short they are.
const MAX_ENTRIES_IN: usize = 4_000;

/// Entries of a range whose ids are told; ranges with more are told in parts.
const FEW: u64 = 100;

/// Parts of a range.
const PARTS: u64 = 16;

/// Differences that a first answer provides for beyond what the counts say: edits, and what each
/// side has alone.
const SPARE_SYMBOLS: u64 = 40;

/// Where one side lacks more than this many entries, ranges are told at once.
const MANY: u64 = 2_000;

/// Answers [`Request::Statements`](super::message::Request::Statements): a page of statements; none
/// to somebody whose set has the same digest.
pub fn statements(set: &Membership, digest: Option<Hash>, after: Option<Hash>) -> Response {
    if digest == Some(set.digest()) {
        return Response::Statements { statements: Vec::new(), more: false, digest: set.digest() };
    }
    let mut rest = set.in_order_after(after).map(|one| ByteBuf::from(one.as_bytes()));
    let statements = rest.by_ref().take(STATEMENTS_PER_ANSWER).collect();
    Response::Statements { statements, more: rest.next().is_some(), digest: set.digest() }
}

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

/// Answers [`Request::Ordered`](super::message::Request::Ordered).
pub fn ordered(set: &ContentSet, ranges: &[Range]) -> Response {
    // Each entry is read once at most.
    let apart = |pair: &[Range]| pair[0].to.as_ref().is_some_and(|to| *to <= pair[1].from);
    let fit = ranges.len() <= MAX_RANGES && ranges.iter().all(Range::is_valid);
    if !fit || !ranges.windows(2).all(apart) {
        return Response::Refused(Refusal::Malformed);
    }
    let ranges = ranges.iter().map(|range| ordered_one(set, range)).collect();
    Response::Ordered { digest: set.digest(), ranges }
}

fn ordered_one(set: &ContentSet, range: &Range) -> Ordered {
    let (count, _) = set.fingerprint(range);
    if count <= FEW {
        let hashes: Vec<u8> = set.range(range).flat_map(|(_, hash)| *hash.as_bytes()).collect();
        return Ordered::Hashes(ByteBuf::from(hashes));
    }
    let mut from = range.from.clone();
    let parts = set.split(range, PARTS).into_iter().map(|part| {
        let range = Range { from: from.clone(), to: part.to.clone() };
        from = part.to.clone().unwrap_or_default();
        OrderedPart { to: part.to, hash: set.ordered_hash_of(&range) }
    });
    Ordered::Parts(parts.collect())
}

/// Answers [`Request::Heard`](super::message::Request::Heard) from the moments, in milliseconds
/// since 1970, at which the node itself last heard from each member.
pub fn heard(
    moments: &BTreeMap<SchoolId, u64>,
    after: Option<SchoolId>,
    now_millis: u64,
) -> Response {
    let from = after.map_or(Unbounded, Excluded);
    let mut rest = moments.range((from, Unbounded)).map(|(school, moment)| HeardFrom {
        school: *school,
        seconds_ago: now_millis.saturating_sub(*moment) / 1_000,
    });
    let schools = rest.by_ref().take(MAX_REQUEST_ITEMS).collect();
    Response::Heard { now_millis, schools, more: rest.next().is_some() }
}

/// Answers [`Request::Entries`](super::message::Request::Entries); `held` finds the bytes of the
/// group's entries with an id, and `membership` is the digest of the statements; it is asked last.
///
/// # Errors
/// Those of `held`.
pub fn entries<E>(
    ids: &[u8],
    mut held: impl FnMut(&ShortId) -> Result<Vec<Vec<u8>>, E>,
    membership: impl FnOnce() -> Hash,
) -> Result<Response, E> {
    let (ids, rest) = ids.as_chunks::<{ size_of::<ShortId>() }>();
    if ids.len() > MAX_REQUEST_ITEMS || !rest.is_empty() {
        return Ok(Response::Refused(Refusal::Malformed));
    }
    let (mut entries, mut size) = (Vec::new(), 0);
    'all: for id in ids {
        for bytes in held(id)? {
            size += bytes.len();
            if size > ANSWER_CONTENT_BYTES {
                break 'all;
            }
            entries.push(ByteBuf::from(bytes));
        }
    }
    Ok(Response::Entries { entries, membership: membership() })
}

/// The entries that [`entries_in`] may tell of a range, and one more to say that there is a rest.
pub fn first_entries_in<'a>(
    set: &'a ContentSet,
    range: &'a Range,
) -> impl Iterator<Item = (Timestamp, Hash)> + 'a {
    set.range(range).take(if range.is_valid() { MAX_ENTRIES_IN + 1 } else { 0 })
}

/// Answers [`Request::EntriesIn`](super::message::Request::EntriesIn) from the
/// [`first_entries_in`] the range; `held` finds the bytes of an entry, and `membership` is the
/// digest of the statements; it is asked last. A later version may have
/// taken the place of one in between: a later comparison brings it.
///
/// # Errors
/// Those of `held`.
pub fn entries_in<E>(
    range: &Range,
    first: &[(Timestamp, Hash)],
    mut held: impl FnMut(&Hash) -> Result<Option<Vec<u8>>, E>,
    membership: impl FnOnce() -> Hash,
) -> Result<Response, E> {
    if !range.is_valid() {
        return Ok(Response::Refused(Refusal::Malformed));
    }
    let (mut entries, mut size, mut last) = (Vec::new(), 0, None);
    for (clock, hash) in first.iter().take(MAX_ENTRIES_IN) {
        if let Some(bytes) = held(hash)? {
            size += bytes.len();
            if size > ANSWER_CONTENT_BYTES {
                break;
            }
            entries.push(ByteBuf::from(bytes));
        }
        last = Some((*clock, *hash));
    }
    let more = last != first.last().copied();
    let next = last.filter(|_| more).map(|(clock, hash)| Bound::after(clock, &hash));
    Ok(Response::EntriesIn { entries, next, membership: membership() })
}

fn describe_one(set: &ContentSet, range: &Range) -> Described {
    let (count, _) = set.fingerprint(range);
    if count > FEW {
        return Described::Parts(set.split(range, PARTS));
    }
    let ids: Vec<u8> = set.range(range).flat_map(|(_, hash)| short_id(&hash)).collect();
    Described::Ids(ByteBuf::from(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_have_a_place_in_common_are_not_read_twice() {
        let entry =
            |number: u32| (Timestamp::from_millis(number.into()), Hash::of(&number.to_be_bytes()));
        let set = ContentSet::new((0..1_000).map(entry));
        let middle = Bound::after(entry(500).0, &entry(500).1);
        let (low, high) = (
            Range { from: Bound::start(), to: Some(middle.clone()) },
            Range { from: middle, to: None },
        );
        let refused = Response::Refused(Refusal::Malformed);
        assert_eq!(ordered(&set, &[Range::whole(), Range::whole()]), refused);
        assert_eq!(ordered(&set, &[high.clone(), low.clone()]), refused);
        assert_eq!(ordered(&set, &vec![Range::whole(); MAX_RANGES + 1]), refused);
        let Response::Ordered { ranges, .. } = ordered(&set, &[low, high]) else {
            panic!("they are answered")
        };
        assert!(ranges.iter().all(|one| matches!(one, Ordered::Parts(parts) if parts.len() == 16)));
    }

    #[test]
    fn when_schools_were_heard_comes_in_pages_and_is_never_later_than_the_present() {
        let school = |number: u8| SchoolId::from_bytes([number; SchoolId::LENGTH]);
        let few = BTreeMap::from([(school(1), 4_000), (school(2), 99_000), (school(3), 9_500)]);
        let Response::Heard { now_millis, schools, more } = heard(&few, Some(school(1)), 10_000)
        else {
            panic!("it is answered")
        };
        let ages: Vec<u64> = schools.iter().map(|one| one.seconds_ago).collect();
        assert_eq!((now_millis, ages, more), (10_000, vec![0, 0], false));
        let many = (0..=MAX_REQUEST_ITEMS).map(|number| {
            let mut id = [0; SchoolId::LENGTH];
            id[..8].copy_from_slice(&(number as u64).to_be_bytes());
            (SchoolId::from_bytes(id), 0)
        });
        let many: BTreeMap<SchoolId, u64> = many.collect();
        let Response::Heard { schools, more: true, .. } = heard(&many, None, 10_000) else {
            panic!("there are more")
        };
        let last = schools.last().map(|last| last.school);
        let Response::Heard { schools, more, .. } = heard(&many, last, 10_000) else {
            panic!("it is answered")
        };
        assert_eq!((schools.len(), schools[0].seconds_ago, more), (1, 10, false));
    }
}

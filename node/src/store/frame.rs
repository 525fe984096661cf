//! A frame of the journal: one change that can be checked by itself.
//!
//! `length: u32 | hash: 32 | sequence: u64 | payload`, numbers in little-endian order. The hash is
//! BLAKE3 over length, sequence and payload, keyed by the journal's id. Somebody else's entry
//! can carry any bytes, so without the key a search for frames after damage could be led to find
//! one that its author made up.

/// The bytes of a frame before its payload.
pub(super) const HEADER_BYTES: usize = 4 + 32 + 8;

/// The largest payload: a local value of 64 KiB with its key and names.
pub(super) const MAX_PAYLOAD_BYTES: usize = 80 * 1024;

/// How far ahead a sequence may jump after damage; a segment cannot hold more frames than bytes.
const MAX_JUMP: u64 = 1 << 32;

/// What a search for the next frame may hash before it gives up on the rest of a segment, so that
/// content made to look like frames cannot hold up a start.
const MAX_SEARCH_HASHED: usize = 1 << 30;

/// The id of a journal, which is the key of its frames. It never leaves the node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct JournalId([u8; 16]);

impl std::fmt::Debug for JournalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JournalId(..)")
    }
}

impl JournalId {
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Hashes `parts` one after the other for this journal alone.
    pub(super) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let key = blake3::derive_key("staffroom journal frame 1", &self.0);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        for part in parts {
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
}

/// Appends a frame to `buffer`. The payload is at most [`MAX_PAYLOAD_BYTES`].
pub(super) fn encode(id: &JournalId, sequence: u64, payload: &[u8], buffer: &mut Vec<u8>) {
    debug_assert!((1..=MAX_PAYLOAD_BYTES).contains(&payload.len()), "checked before it is framed");
    let length = (payload.len() as u32).to_le_bytes();
    let sequence = sequence.to_le_bytes();
    buffer.extend_from_slice(&length);
    buffer.extend_from_slice(&id.hash(&[&length, &sequence, payload]));
    buffer.extend_from_slice(&sequence);
    buffer.extend_from_slice(payload);
}

/// What a reader of frames comes upon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole frame.
    Frame { sequence: u64, payload: &'a [u8], end: usize },
    /// Bytes that are no frame, with a frame after them.
    Damage { start: usize, end: usize },
    /// Bytes that are no frame, with nothing after them.
    Tail { start: usize },
}

/// Reads frames one after the other; their sequences must increase.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    id: JournalId,
    bytes: &'a [u8],
    offset: usize,
    last: u64,
}

impl<'a> Frames<'a> {
    /// Reads from `offset`, where the frame before had the sequence `last`.
    pub(super) fn new(id: JournalId, bytes: &'a [u8], offset: usize, last: u64) -> Self {
        Self { id, bytes, offset: offset.min(bytes.len()), last }
    }

    fn at(&self, offset: usize, hashed: &mut usize) -> Option<(u64, &'a [u8], usize)> {
        let rest = self.bytes.get(offset..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let size = u32::from_le_bytes(*length) as usize;
        let number = u64::from_le_bytes(*sequence);
        let follows = number > self.last && number - self.last <= MAX_JUMP;
        if !follows || !(1..=MAX_PAYLOAD_BYTES).contains(&size) {
            return None;
        }
        let payload = rest.get(..size)?;
        *hashed += size;
        (self.id.hash(&[length, sequence, payload]) == *hash).then_some((
            number,
            payload,
            offset + HEADER_BYTES + size,
        ))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let start = self.offset;
        if start >= self.bytes.len() {
            return None;
        }
        let mut hashed = 0;
        if let Some((sequence, payload, end)) = self.at(start, &mut hashed) {
            self.offset = end;
            self.last = sequence;
            return Some(Found::Frame { sequence, payload, end });
        }
        for offset in start + 1..self.bytes.len() {
            if hashed > MAX_SEARCH_HASHED {
                break;
            }
            if self.at(offset, &mut hashed).is_some() {
                self.offset = offset;
                return Some(Found::Damage { start, end: offset });
            }
        }
        self.offset = self.bytes.len();
        Some(Found::Tail { start })
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const ID: JournalId = JournalId::from_bytes([7; 16]);

    fn frames(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, payload) in payloads.iter().enumerate() {
            encode(&ID, number as u64 + 1, payload, &mut bytes);
        }
        bytes
    }

    fn sequences(bytes: &[u8]) -> Vec<u64> {
        Frames::new(ID, bytes, 0, 0)
            .filter_map(|found| match found {
                Found::Frame { sequence, .. } => Some(sequence),
                Found::Damage { .. } | Found::Tail { .. } => None,
            })
            .collect()
    }

    #[test]
    fn the_bytes_of_a_frame_never_change() {
        let mut bytes = Vec::new();
        encode(&ID, 0x0102, b"phonics", &mut bytes);
        assert_eq!(
            HEXLOWER.encode(&bytes),
            "0700000024588b75f7c34929b2c0b26a9b1a13ae3229ef45bde42b7a544d67a11ded00f7020100000000000070686f6e696373"
        );
    }

    #[test]
    fn any_flipped_bit_costs_one_frame_and_no_other() {
        let bytes = frames(&[b"one", b"two", b"three"]);
        let second = HEADER_BYTES + 3..2 * (HEADER_BYTES + 3);
        for position in second.clone() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[position] ^= 1 << bit;
                assert_eq!(sequences(&damaged), [1, 3], "byte {position} bit {bit}");
                let found = Frames::new(ID, &damaged, 0, 0).nth(1);
                assert_eq!(
                    found,
                    Some(Found::Damage { start: second.start, end: second.end }),
                    "byte {position} bit {bit}"
                );
            }
        }
    }

    #[test]
    fn a_frame_of_another_journal_inside_an_entry_is_not_found_after_damage() {
        let mut planted = Vec::new();
        encode(&JournalId::from_bytes([8; 16]), 2, b"forged", &mut planted);
        let mut bytes = frames(&[&planted, b"two"]);
        bytes[0] ^= 1;
        assert_eq!(sequences(&bytes), [2]);
        let payloads: Vec<_> = Frames::new(ID, &bytes, 0, 0).collect();
        assert!(matches!(payloads[1], Found::Frame { payload: b"two", .. }));
    }

    #[test]
    fn a_repeated_frame_is_not_read_twice() {
        let mut bytes = frames(&[b"one", b"two"]);
        bytes.extend(frames(&[b"one"]));
        assert_eq!(sequences(&bytes), [1, 2]);
    }
}

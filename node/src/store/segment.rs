//! A segment: one file of the journal, a header and then frames.
//!
//! Header: `magic: 8 | format: u32 | journal id: 16 | first sequence: u64 | hash: 32`, numbers in
//! little-endian order, the hash BLAKE3 over what is before it. The header keeps this shape in
//! every format; the format tells how frames look.

use std::path::Path;

use super::StoreError;
use super::frame::JournalId;

pub(super) const FORMAT: u32 = 1;
pub(super) const HEADER_BYTES: usize = MAGIC.len() + 4 + 16 + 8 + 32;

const MAGIC: &[u8; 8] = b"STAFFJNL";
const HASHED_BYTES: usize = HEADER_BYTES - 32;
const SUFFIX: &str = ".journal";

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: JournalId,
    pub(super) first: u64,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
        bytes
    }

    /// Reads the header at the start of a segment; none if it is damaged.
    pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        match Self::split(bytes) {
            Some((found, _)) if found > FORMAT => {
                Err(StoreError::Newer { path: path.to_owned(), found, supported: FORMAT })
            }
            Some((_, header)) => Ok(Some(header)),
            None => Ok(None),
        }
    }

    fn split(bytes: &[u8]) -> Option<(u32, Self)> {
        let (hashed, hash) = bytes.get(..HEADER_BYTES)?.split_at(HASHED_BYTES);
        if blake3::hash(hashed).as_bytes() != hash || !hashed.starts_with(MAGIC) {
            return None;
        }
        let (format, rest) = hashed[MAGIC.len()..].split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let first = rest.first_chunk::<8>()?;
        let header = Self { id: JournalId::from_bytes(*id), first: u64::from_le_bytes(*first) };
        Some((u32::from_le_bytes(*format), header))
    }
}

/// The file name of the segment that begins with this sequence; names sort as sequences do.
pub(super) fn name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The first sequence of the segment with this name.
pub(super) fn first_in(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const HEADER: Header = Header { id: JournalId::from_bytes([7; 16]), first: 0x0102 };

    #[test]
    fn the_bytes_of_a_header_never_change() {
        assert_eq!(
            HEXLOWER.encode(&HEADER.encode()),
            "53544146464a4e4c010000000707070707070707070707070707070702010000000000000f989e25e67eaf01a6b4af00b5a956576e624f5bd09acfcd60821a9549d69536"
        );
        assert_eq!(Header::decode(Path::new("x"), &HEADER.encode()), Ok(Some(HEADER)));
    }

    #[test]
    fn a_damaged_header_is_told_from_a_newer_one() {
        for position in 0..HEADER_BYTES {
            let mut bytes = HEADER.encode();
            bytes[position] ^= 4;
            assert_eq!(Header::decode(Path::new("x"), &bytes), Ok(None), "byte {position}");
            assert_eq!(Header::decode(Path::new("x"), &bytes[..position]), Ok(None));
        }
        let mut newer = HEADER.encode();
        newer[8] = 9;
        let hash = blake3::hash(&newer[..HASHED_BYTES]);
        newer[HASHED_BYTES..].copy_from_slice(hash.as_bytes());
        let error = Header::decode(Path::new("7.journal"), &newer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "7.journal was written by a newer version of Staffroom (format 9, this program reads up to 1); update Staffroom"
        );
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(first_in(&name(12)), Some(12));
        assert_eq!(first_in("00000000000000000012.journal.damaged-1"), None);
        assert!(name(9) < name(10));
    }
}

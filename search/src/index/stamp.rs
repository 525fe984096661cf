//! Which state of which store the index reflects: kept inside the engine's commit, so that neither
//! is ever there without the other.

use staffroom_protocol::hash::Hash;

use super::EmptyReason;
use crate::schema::SCHEMA_VERSION;

const CHECK_CHARS: usize = 16;

/// The stamp for a commit. Text, because that is what the engine keeps with a commit; its end
/// guards it against a damaged disk, which the engine's own checks do not.
pub(super) fn write(store: [u8; 16], position: u64) -> String {
    write_version(SCHEMA_VERSION, store, position)
}

pub(super) fn write_version(version: u32, store: [u8; 16], position: u64) -> String {
    let content = format!("staffroom {version} {} {position}", hex(store));
    let check = check(&content);
    format!("{content} {check}")
}

/// The position in `store` that a stamp tells of.
///
/// # Errors
/// Why the index is of no use, if it is of none.
pub(super) fn read(stamp: Option<&str>, store: [u8; 16]) -> Result<u64, EmptyReason> {
    let Some(stamp) = stamp else { return Err(EmptyReason::Unfinished) };
    let damaged = || EmptyReason::Damaged { what: "its stamp cannot be read".to_owned() };
    let (content, found) = stamp.rsplit_once(' ').ok_or_else(damaged)?;
    if found != check(content) {
        return Err(damaged());
    }
    let mut parts = content.split(' ').skip(1);
    let version: u32 = parts.next().and_then(|text| text.parse().ok()).ok_or_else(damaged)?;
    if version != SCHEMA_VERSION {
        return Err(EmptyReason::OtherVersion { found: version });
    }
    if parts.next() != Some(hex(store).as_str()) {
        return Err(EmptyReason::OtherStore);
    }
    match parts.next().and_then(|text| text.parse().ok()).ok_or_else(damaged)? {
        0 => Err(EmptyReason::Unfinished),
        position => Ok(position),
    }
}

fn hex(store: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(store))
}

fn check(content: &str) -> String {
    let mut hash = Hash::of(content.as_bytes()).to_string();
    hash.truncate(CHECK_CHARS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_form_stays_readable() {
        let stamp = write([0xAB; 16], 42);
        assert!(
            stamp.starts_with("staffroom 3 abababababababababababababababab 42 "),
            "{stamp}: an index written by an earlier program must open or be refused by its stamp"
        );
        assert_eq!(read(Some(&stamp), [0xAB; 16]), Ok(42));
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        let stamp = write([0xAB; 16], 42).into_bytes();
        for at in 0..stamp.len() {
            let mut damaged = stamp.clone();
            damaged[at] ^= 1;
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(read(Some(&damaged), [0xAB; 16]).is_err(), "{damaged}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(read(None, [0; 16]), Err(EmptyReason::Unfinished));
        assert_eq!(read(Some(&write([0; 16], 0)), [0; 16]), Err(EmptyReason::Unfinished));
        assert_eq!(read(Some(&write([1; 16], 5)), [0; 16]), Err(EmptyReason::OtherStore));
        let newer = write_version(99, [0; 16], 5);
        assert_eq!(read(Some(&newer), [0; 16]), Err(EmptyReason::OtherVersion { found: 99 }));
    }
}

//! The encoding of everything that is signed, stored or sent: CBOR maps with named fields.
//!
//! A self-describing encoding lets an older node pass on and use what a newer one wrote: fields it
//! does not know are skipped. Nothing is ever re-encoded for forwarding; the bytes that were signed
//! are the bytes that are kept.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the caller allows for this sort of thing.
    #[error("{found} bytes are more than the limit of {limit}")]
    TooLong {
        /// The length found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not CBOR, cut short, or not of the expected shape.
    #[error("not a valid encoding: {0}")]
    Malformed(String),
    /// A valid value with something after it.
    #[error("{0} bytes are left over after the value")]
    TrailingBytes(usize),
}

/// Encodes `value` as CBOR.
///
/// # Panics
/// Never for the types of this crate: writing to memory cannot fail and none of them refuses to be
/// serialised.
#[expect(clippy::expect_used, reason = "in-memory serialisation of our own types has no failure")]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    minicbor_serde::to_vec(value).expect("every wire type serialises")
}

/// Decodes one value that must fill `bytes`, which may be `limit` long at most.
///
/// # Errors
/// [`DecodeError`] says which rule the bytes break. No input makes this panic.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { found: bytes.len(), limit });
    }
    let mut deserializer = minicbor_serde::Deserializer::new(bytes);
    let value = T::deserialize(&mut deserializer)
        .map_err(|error| DecodeError::Malformed(error.to_string()))?;
    match bytes.len() - deserializer.decoder().position() {
        0 => Ok(value),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize)]
    struct Newer {
        title: String,
        added_later: Vec<Option<u32>>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Older {
        title: String,
    }

    #[test]
    fn skips_fields_from_newer_nodes() {
        let newer = Newer { title: "Phonics".into(), added_later: vec![Some(1), None] };
        assert_eq!(decode::<Older>(&encode(&newer), 100), Ok(Older { title: "Phonics".into() }));
    }

    #[test]
    fn refuses_leftovers_cuts_and_length() {
        let mut bytes = encode(&7_u32);
        bytes.push(0);
        assert_eq!(decode::<u32>(&bytes, 10), Err(DecodeError::TrailingBytes(1)));
        assert!(matches!(decode::<String>(&[0x65, b'a'], 10), Err(DecodeError::Malformed(_))));
        assert_eq!(decode::<u32>(&bytes, 1), Err(DecodeError::TooLong { found: 2, limit: 1 }));
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let mut bytes = b"\xa2\x61x".to_vec();
        bytes.extend(std::iter::repeat_n(0x81, 100_000));
        bytes.push(0);
        bytes.extend(b"\x65title\x61t");
        assert_eq!(decode::<Older>(&bytes, 200_000), Ok(Older { title: "t".into() }));
    }
}

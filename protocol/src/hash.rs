//! Fixed-length byte strings that name things: content hashes, schools, groups and records.
//!
//! People and JSON see them as lower-case hexadecimal; the wire carries the bytes.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::description::described;

/// A text that does not name a thing of the expected length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal characters but found {found:?}")]
pub struct ParseIdError {
    expected: usize,
    found: String,
}

macro_rules! byte_string {
    ($(#[doc = $doc:literal])* $name:ident, $length:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// The length in bytes.
            pub const LENGTH: usize = $length;

            /// Wraps bytes that came from a key, a hash function or a random source.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// The first eight hexadecimal characters: enough for a person to tell two apart in a list.
            pub fn short(&self) -> String {
                HEXLOWER_PERMISSIVE.encode(&self.0[..4])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let wrong = || ParseIdError {
                    expected: $length * 2,
                    found: text.chars().take($length * 2 + 8).collect(),
                };
                if text.len() != $length * 2 {
                    return Err(wrong());
                }
                let mut bytes = [0; $length];
                match HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut bytes) {
                    Ok($length) => Ok(Self(bytes)),
                    Ok(_) | Err(_) => Err(wrong()),
                }
            }
        }

        described!($name, hexadecimal($length, concat!($($doc),*)));

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    serde_bytes::deserialize::<serde_bytes::ByteArray<$length>, D>(deserializer)
                        .map(|bytes| Self(bytes.into_array()))
                }
            }
        }
    };
}

byte_string!(
    /// A BLAKE3 hash of content: an entry, a statement, a body or a file.
    Hash, 32
);
byte_string!(
    /// A school: the BLAKE3 hash of its public key.
    SchoolId, 32
);
byte_string!(
    /// A trust, cluster or network: the hash of its founding statement.
    GroupId, 32
);
byte_string!(
    /// A record within its school; random, so that nobody can aim at another's.
    RecordId, 16
);

impl Hash {
    /// Hashes `content` with BLAKE3.
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_refuses_the_rest() {
        let hash = Hash::of(b"phonics");
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().parse::<Hash>(), Ok(hash));
        assert_eq!(
            "abc".parse::<RecordId>().unwrap_err().to_string(),
            "expected 32 hexadecimal characters but found \"abc\""
        );
        assert!("é".repeat(16).parse::<RecordId>().is_err());
    }
}

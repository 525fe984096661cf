//! Secrets that are shown once and of which only the hash is kept: of links, sessions and tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::home::{HomeError, random};

/// 256 random bits, in characters that an address may have. Nobody can guess it, so its hash needs
/// no salt and no slowness.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(crate) fn new() -> Result<Self, HomeError> {
        let bytes = random::<32>(std::path::Path::new("a new secret"))?;
        Ok(Self(data_encoding::BASE64URL_NOPAD.encode(&bytes)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

/// The BLAKE3 hash of a secret, under a key that says what for, in hexadecimal digits. It is looked up
/// and never compared byte by byte with what somebody chose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretHash(String);

impl SecretHash {
    pub(crate) fn of(secret: &str) -> Self {
        let hash = blake3::derive_key("staffroom 2026 secret of a person", secret.as_bytes());
        Self(data_encoding::HEXLOWER.encode(&hash))
    }

    /// How it is called where people choose one of several.
    pub(crate) fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or_default()
    }
}

/// Hexadecimal digits: enough to tell a person's few sessions and tokens apart.
const SHORT: usize = 16;

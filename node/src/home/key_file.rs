//! A private key in a file: its 32 bytes, or encrypted under a secret.
//!
//! The secret is stretched by Argon2id and the key encrypted with XChaCha20-Poly1305. The file says
//! with which costs, so that later ones may be higher.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use staffroom_protocol::identity::SecretKey;
use zeroize::Zeroizing;

/// 64 MiB and three passes: a fraction of a second on a school's server, once for each use. More
/// than OWASP's least of 19 MiB and two, since a stolen disk can be tried at leisure.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// The most that a file may ask for, so that an altered one does not exhaust the machine.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 64;

/// What a key is locked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LockedWith {
    /// Something that a person remembers.
    Passphrase,
    /// The content of a file that is kept elsewhere.
    KeyFile,
}

#[derive(Serialize, Deserialize)]
struct Locked {
    locked_with: LockedWith,
    argon2id: Costs,
    salt: String,
    nonce: String,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Costs {
    memory_kib: u32,
    passes: u32,
}

/// Why a key cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyError {
    Damaged,
    Locked(LockedWith),
    WrongSecret(LockedWith),
}

/// The bytes of a file that holds the key locked with a secret. `random` is a salt and a nonce from
/// a cryptographic random source.
pub(super) fn lock(
    key: &SecretKey,
    locked_with: LockedWith,
    secret: &[u8],
    random: ([u8; 16], [u8; 24]),
) -> Option<Vec<u8>> {
    let (salt, nonce) = random;
    let costs = Costs { memory_kib: MEMORY_KIB, passes: PASSES };
    let cipher = cipher(secret, &salt, &costs)?;
    let encrypted = cipher.encrypt(&XNonce::from(nonce), key.seed().as_slice()).ok()?;
    let locked = Locked {
        locked_with,
        argon2id: costs,
        salt: BASE64.encode(&salt),
        nonce: BASE64.encode(&nonce),
        key: BASE64.encode(&encrypted),
    };
    serde_json::to_vec_pretty(&locked).ok()
}

/// Reads a key; `secret` is asked for only where the file is locked.
pub(super) fn read(
    file: &[u8],
    secret: impl FnOnce(LockedWith) -> Option<Zeroizing<Vec<u8>>>,
) -> Result<SecretKey, KeyError> {
    if let Ok(seed) = <[u8; 32]>::try_from(file) {
        return Ok(SecretKey::from_seed(&Zeroizing::new(seed)));
    }
    let locked: Locked = serde_json::from_slice(file).map_err(|_| KeyError::Damaged)?;
    let with = locked.locked_with;
    let secret = secret(with).ok_or(KeyError::Locked(with))?;
    let decoded = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| KeyError::Damaged);
    let nonce: [u8; 24] = decoded(&locked.nonce)?.try_into().map_err(|_| KeyError::Damaged)?;
    let cipher =
        cipher(&secret, &decoded(&locked.salt)?, &locked.argon2id).ok_or(KeyError::Damaged)?;
    let seed = cipher.decrypt(&XNonce::from(nonce), decoded(&locked.key)?.as_slice());
    let seed = Zeroizing::new(seed.map_err(|_| KeyError::WrongSecret(with))?);
    let seed = <[u8; 32]>::try_from(seed.as_slice()).map_err(|_| KeyError::Damaged)?;
    Ok(SecretKey::from_seed(&Zeroizing::new(seed)))
}

/// What a key is locked with; none where it is not.
pub(super) fn locked_with(file: &[u8]) -> Option<LockedWith> {
    if file.len() == 32 {
        return None;
    }
    serde_json::from_slice::<Locked>(file).ok().map(|locked| locked.locked_with)
}

fn cipher(secret: &[u8], salt: &[u8], costs: &Costs) -> Option<XChaCha20Poly1305> {
    if costs.memory_kib > MAX_MEMORY_KIB || costs.passes > MAX_PASSES {
        return None;
    }
    let params = Params::new(costs.memory_kib, costs.passes, 1, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret, salt, key.as_mut_slice())
        .ok()?;
    Some(XChaCha20Poly1305::new(&(*key).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_locked_key_opens_with_its_secret_alone() {
        let key = SecretKey::from_seed(&[7; 32]);
        let words = "correct horse battery";
        let file = lock(&key, LockedWith::Passphrase, words.as_bytes(), ([1; 16], [2; 24]));
        let file = file.unwrap();
        assert!(!file.windows(4).any(|window| window == [7; 4]));
        let opened = read(&file, |_| Some(secret(words))).unwrap();
        assert_eq!(opened.public(), key.public());
        let wrong = read(&file, |_| Some(secret("correct horse"))).unwrap_err();
        assert_eq!(wrong, KeyError::WrongSecret(LockedWith::Passphrase));
        let locked = read(&file, |_| None).unwrap_err();
        assert_eq!(locked, KeyError::Locked(LockedWith::Passphrase));
        let mut greedy: serde_json::Value = serde_json::from_slice(&file).unwrap();
        greedy["argon2id"]["memory_kib"] = 4_000_000_000_u32.into();
        let greedy = serde_json::to_vec(&greedy).unwrap();
        assert_eq!(read(&greedy, |_| Some(secret(words))).unwrap_err(), KeyError::Damaged);
    }

    #[test]
    fn a_key_that_is_not_locked_asks_for_no_secret() {
        let file = SecretKey::from_seed(&[7; 32]).seed();
        let read = read(file.as_slice(), |_| unreachable!("it is not locked")).unwrap();
        assert_eq!(read.public(), SecretKey::from_seed(&[7; 32]).public());
    }
}

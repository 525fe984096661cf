//! Sealing something to one node: HPKE (RFC 9180) with X25519, HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! A node's X25519 key is the Montgomery form of its Ed25519 key; that one key pair may serve for
//! both is shown in <https://eprint.iacr.org/2021/509>.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::identity::{PublicKey, SecretKey};

/// Bytes that sealing adds: the encapsulated key and the tag.
pub(crate) const OVERHEAD_BYTES: usize = ENCAPSULATED_BYTES + 16;

const ENCAPSULATED_BYTES: usize = 32;

/// Seals `content` to a node, for one purpose in one context, such as a group. `seed` makes the ephemeral key, so it
/// must be known to nobody but those who know the content. None where the node's key is no point on
/// the curve, or one that any sender would share.
pub(crate) fn seal(
    node: &PublicKey,
    (purpose, context): (&[u8], &[u8]),
    seed: [u8; 32],
    content: &[u8],
) -> Option<Vec<u8>> {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&node.to_x25519()?).ok()?;
    let (encapsulated, sealed) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &recipient,
            purpose,
            content,
            context,
            &mut ChaCha20Rng::from_seed(seed),
        )
        .ok()?;
    Some([encapsulated.to_bytes().as_slice(), &sealed].concat())
}

/// Opens what was sealed to this node for the same purpose in the same context.
pub(crate) fn open(
    node: &SecretKey,
    (purpose, context): (&[u8], &[u8]),
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (encapsulated, sealed) = sealed.split_first_chunk::<ENCAPSULATED_BYTES>()?;
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&*node.to_x25519()).ok()?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let content = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        purpose,
        sealed,
        context,
    );
    Some(Zeroizing::new(content.ok()?))
}

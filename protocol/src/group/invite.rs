//! Invitations: one line of text that lets one school in, once, until it expires.
//!
//! The secret in the line is never sent. A school that joins shows that it has it by a keyed hash
//! over what it asks for, which only the school that made the invite can check. The request is
//! sealed to that school's node, so that any member may pass it on.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Claims, GroupKind};
use crate::hash::{GroupId, Hash, SchoolId};
use crate::identity::{NodeCertificate, PublicKey, SecretKey};
use crate::seal;
use crate::wire::{self, DecodeError};

const PREFIX: &str = "staffroom-invite:";
const MAX_LINE_CHARS: usize = 4_096;
const PURPOSE: &[u8] = b"staffroom/1/join-request\0";
const MAX_ADDRESSES: usize = 16;

/// What the line of text says.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Invite {
    /// The group.
    pub group: GroupId,
    /// Its name, so that a person sees what they are joining.
    pub group_name: String,
    /// What sort of group it is.
    pub group_kind: GroupKind,
    /// The inviting school's name.
    pub from: String,
    /// The inviting school's node.
    pub from_node: PublicKey,
    /// Where to reach members, as multiaddresses that end in the node's id; first those of the
    /// inviting school's node.
    pub addresses: Vec<String>,
    /// When it expires, in milliseconds since 1970.
    pub expires_millis: u64,
    secret: Secret,
}

/// Known only to the inviting school and to whom the line was given.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Secret(#[serde(with = "serde_bytes")] [u8; 16]);

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invite({:?} to {:?}, id {:?})", self.group_name, self.group, self.id())
    }
}

impl Invite {
    /// Makes an invite; `secret` comes from a cryptographic random source.
    pub fn new(
        group: (GroupId, &str, GroupKind),
        from: (&str, PublicKey),
        addresses: Vec<String>,
        expires_millis: u64,
        secret: [u8; 16],
    ) -> Self {
        let (group, name, group_kind) = group;
        Self {
            group,
            group_name: name.to_owned(),
            group_kind,
            from: from.0.to_owned(),
            from_node: from.1,
            addresses: addresses.into_iter().take(MAX_ADDRESSES).collect(),
            expires_millis,
            secret: Secret(secret),
        }
    }

    /// Names the invite without giving its secret away.
    pub fn id(&self) -> Hash {
        Hash::from_bytes(blake3::derive_key("staffroom 2026 invite id", &self.secret.0))
    }

    /// The request by which a school asks to be let in, sealed to the inviting school's node; the
    /// same each time. None where the invite names no key that something can be sealed to.
    pub fn request(&self, certificate: &NodeCertificate, claims: Claims) -> Option<Vec<u8>> {
        let request = wire::encode(&self.unsealed_request(certificate, claims));
        let key = blake3::derive_key("staffroom 2026 invite sealing", &self.secret.0);
        let seed = blake3::keyed_hash(&key, &request);
        seal::seal(&self.from_node, (PURPOSE, self.group.as_bytes()), *seed.as_bytes(), &request)
    }

    fn unsealed_request(&self, certificate: &NodeCertificate, claims: Claims) -> JoinRequest {
        let mac = self.mac(certificate.as_bytes(), &claims);
        JoinRequest {
            group: self.group,
            invite: self.id(),
            certificate: ByteBuf::from(certificate.as_bytes()),
            claims,
            mac: *mac.as_bytes(),
        }
    }

    /// Checks a request against this invite, as the school that made it.
    ///
    /// `used_by` is the school that the invite let in before: the same school may ask again, since
    /// an answer can get lost.
    ///
    /// # Errors
    /// [`InviteError`] says why the request is refused.
    pub fn check(
        &self,
        request: &JoinRequest,
        used_by: Option<SchoolId>,
        now_millis: u64,
    ) -> Result<NodeCertificate, InviteError> {
        let mac = blake3::Hash::from_bytes(request.mac);
        // The comparison of `blake3::Hash` takes the same time wherever two differ.
        let ours = request.invite == self.id() && request.group == self.group;
        if !ours || mac != self.mac(&request.certificate, &request.claims) {
            return Err(InviteError::Unknown);
        }
        let certificate =
            NodeCertificate::verify(&request.certificate).map_err(|_| InviteError::Unknown)?;
        match used_by {
            Some(school) if school == certificate.school() => Ok(certificate),
            Some(_) => Err(InviteError::Used),
            None if now_millis > self.expires_millis => {
                Err(InviteError::Expired { since_millis: now_millis - self.expires_millis })
            }
            None => Ok(certificate),
        }
    }

    fn mac(&self, certificate: &[u8], claims: &Claims) -> blake3::Hash {
        let key = blake3::derive_key("staffroom 2026 invite mac", &self.secret.0);
        let said = wire::encode(&(self.group, serde_bytes::Bytes::new(certificate), claims));
        blake3::keyed_hash(&key, &said)
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64URL_NOPAD.encode(&wire::encode(self)))
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    /// Accepts the line as mail programs mangle it: with spaces and line breaks inside.
    fn from_str(text: &str) -> Result<Self, InviteError> {
        let line: String =
            text.chars().take(MAX_LINE_CHARS).filter(|c| !c.is_whitespace()).collect();
        let encoded = line.strip_prefix(PREFIX).ok_or(InviteError::NotAnInvite)?;
        let bytes = BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| InviteError::Damaged)?;
        let invite: Self =
            wire::decode(&bytes, MAX_LINE_CHARS).map_err(|_: DecodeError| InviteError::Damaged)?;
        if invite.addresses.len() > MAX_ADDRESSES {
            return Err(InviteError::Damaged);
        }
        Ok(invite)
    }
}

/// A school's request to be let into a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The group.
    pub group: GroupId,
    /// The invite that it answers.
    pub invite: Hash,
    /// The certificate of the node that asks.
    pub certificate: ByteBuf,
    /// What the school says of itself.
    pub claims: Claims,
    #[serde(with = "serde_bytes")]
    mac: [u8; 32],
}

impl JoinRequest {
    /// Opens a request that was sealed to this node.
    ///
    /// # Errors
    /// [`InviteError::Unknown`] if it was sealed to another, or is no request.
    pub fn open(group: &GroupId, sealed: &[u8], node: &SecretKey) -> Result<Self, InviteError> {
        let request =
            seal::open(node, (PURPOSE, group.as_bytes()), sealed).ok_or(InviteError::Unknown)?;
        wire::decode(&request, MAX_LINE_CHARS).map_err(|_| InviteError::Unknown)
    }
}

/// Why an invite does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteError {
    /// The text is something else.
    #[error("this is not an invite; an invite starts with \"{PREFIX}\"")]
    NotAnInvite,
    /// The text was cut or changed.
    #[error("the invite is damaged; copy the whole line again, from \"{PREFIX}\" to its end")]
    Damaged,
    /// The inviting school does not know it.
    #[error("the inviting school does not know this invite; ask it for a new one")]
    Unknown,
    /// It let another school in.
    #[error("the invite was used by another school; each invite lets in one, so ask for a new one")]
    Used,
    /// It let this school in before, which has left or was removed since.
    #[error(
        "the invite let this school in before, and the school has left or was removed since; ask for a new one"
    )]
    Spent,
    /// It was taken back.
    #[error("the inviting school took this invite back; ask it for a new one")]
    Revoked,
    /// It is too old.
    #[error("the invite expired {} ago; ask for a new one", plain_duration(*since_millis))]
    Expired {
        /// How long ago, in milliseconds.
        since_millis: u64,
    },
}

fn plain_duration(millis: u64) -> String {
    const MINUTE: u64 = 60_000;
    let (count, unit) = match millis {
        0..MINUTE => (millis / 1_000, "second"),
        MINUTE..3_600_000 => (millis / MINUTE, "minute"),
        3_600_000..86_400_000 => (millis / 3_600_000, "hour"),
        86_400_000.. => (millis / 86_400_000, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn invite() -> Invite {
        Invite::new(
            (GroupId::from_bytes([1; 32]), "Riverside Trust", GroupKind::Trust),
            ("Ash Primary", SecretKey::from_seed(&[9; 32]).public()),
            vec!["/ip4/127.0.0.1/tcp/4001".into()],
            10 * HOUR,
            [7; 16],
        )
    }

    fn certificate(seed: u8) -> NodeCertificate {
        let node = SecretKey::from_seed(&[seed + 100; 32]).public();
        NodeCertificate::issue(&SecretKey::from_seed(&[seed; 32]), node, 1)
    }

    fn claims() -> Claims {
        Claims { name: "Beech".into(), urn: None, phase: None, location: None }
    }

    #[test]
    fn the_line_survives_a_mail_program() {
        let line = invite().to_string();
        let mangled = format!("  {}\r\n {}\n", &line[..40], &line[40..]);
        assert_eq!(mangled.parse::<Invite>(), Ok(invite()));
        assert_eq!("hello".parse::<Invite>(), Err(InviteError::NotAnInvite));
        assert_eq!(line[..line.len() - 3].parse::<Invite>(), Err(InviteError::Damaged));
        assert!(!format!("{:?}", invite()).contains("7, 7"));
    }

    #[test]
    fn lets_in_one_school_until_it_expires() {
        let (invite, beech) = (invite(), certificate(2));
        let request = invite.unsealed_request(&beech, claims());
        assert_eq!(invite.check(&request, None, HOUR), Ok(beech.clone()));
        assert_eq!(invite.check(&request, Some(beech.school()), 90 * HOUR), Ok(beech.clone()));
        assert_eq!(
            invite.check(&request, Some(certificate(3).school()), HOUR),
            Err(InviteError::Used)
        );
        let late = invite.check(&request, None, 12 * HOUR).unwrap_err();
        assert_eq!(late.to_string(), "the invite expired 2 hours ago; ask for a new one");
    }

    #[test]
    fn a_request_is_read_by_the_inviting_node_alone() {
        let (invite, beech) = (invite(), certificate(2));
        let sealed = invite.request(&beech, claims()).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"Beech"));
        let node = SecretKey::from_seed(&[9; 32]);
        let opened = JoinRequest::open(&invite.group, &sealed, &node).unwrap();
        assert_eq!(opened, invite.unsealed_request(&beech, claims()));
        let other = SecretKey::from_seed(&[8; 32]);
        assert_eq!(JoinRequest::open(&invite.group, &sealed, &other), Err(InviteError::Unknown));
    }

    #[test]
    fn a_request_cannot_be_altered_or_made_without_the_secret() {
        let invite = invite();
        let mut request = invite.unsealed_request(&certificate(2), claims());
        request.claims.name = "Another".into();
        assert_eq!(invite.check(&request, None, HOUR), Err(InviteError::Unknown));
        let mut request = invite.unsealed_request(&certificate(2), claims());
        request.certificate = ByteBuf::from(certificate(3).as_bytes());
        assert_eq!(invite.check(&request, None, HOUR), Err(InviteError::Unknown));
    }
}

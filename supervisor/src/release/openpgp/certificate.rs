//! What a key file holds, put together as certificates. Nothing here has been verified.

use pgp::packet::{Packet, PublicKey, PublicSubkey, Signature, SignatureType, UserId};
use pgp::types::{KeyDetails, KeyVersion, Tag};

use super::packets::{self, Piece, Wanted};

/// A primary key, and everything that the file puts beside it.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) primary: PublicKey,
    pub(super) direct: Vec<Signature>,
    pub(super) revocations: Vec<Signature>,
    pub(super) users: Vec<(UserId, Vec<Signature>)>,
    pub(super) subkeys: Vec<(PublicSubkey, Vec<Signature>)>,
}

/// All certificates of a file, and key revocations that stand alone in it, as `gpg --gen-revoke` writes them.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) certificates: Vec<Certificate>,
    pub(super) revocations: Vec<Signature>,
}

/// To what the next signature in the file belongs.
enum Component {
    Nothing,
    Primary,
    User,
    Subkey,
    NotUnderstood,
}

/// Reads a key file. The error says what is wrong with it.
pub(super) fn gather(bytes: &[u8]) -> Result<Gathered, String> {
    let mut gathered = Gathered::default();
    let mut component = Component::Nothing;
    for piece in packets::read(bytes, Wanted::Certificate)? {
        component = match piece {
            Piece::Opaque(Tag::PublicKey) => return Err("it holds a key of an unknown kind or a damaged one".into()),
            Piece::Opaque(Tag::Signature | Tag::Trust) => component,
            Piece::Opaque(_) => Component::NotUnderstood,
            Piece::Whole(packet) => gathered.add(*packet, component)?,
        };
    }
    if gathered.certificates.is_empty() && gathered.revocations.is_empty() {
        return Err("there is no key in it".into());
    }
    Ok(gathered)
}

impl Gathered {
    fn add(&mut self, packet: Packet, component: Component) -> Result<Component, String> {
        Ok(match (packet, self.certificates.last_mut()) {
            (Packet::PublicKey(primary), _) => {
                self.certificates.push(Certificate::of(primary)?);
                Component::Primary
            }
            (Packet::SecretKey(_) | Packet::SecretSubkey(_), _) => {
                return Err("it holds a secret key; keep that away, and export the public one".into());
            }
            (Packet::Signature(signature), _) if signature.typ() == Some(SignatureType::KeyRevocation) => {
                match self.certificates.last_mut() {
                    Some(certificate) => certificate.revocations.push(signature),
                    None => self.revocations.push(signature),
                }
                component
            }
            (Packet::Signature(signature), Some(certificate)) => {
                certificate.add_signature(signature, &component);
                component
            }
            (Packet::UserId(user), Some(certificate)) => {
                certificate.users.push((user, Vec::new()));
                Component::User
            }
            (Packet::PublicSubkey(subkey), Some(certificate)) => {
                if is_of_today(subkey.version()) && subkey.version() == certificate.primary.version() {
                    certificate.subkeys.push((subkey, Vec::new()));
                    Component::Subkey
                } else {
                    Component::NotUnderstood
                }
            }
            (Packet::UserAttribute(_), Some(_)) => Component::NotUnderstood,
            (Packet::Trust(_) | Packet::Marker(_) | Packet::Padding(_), _) => component,
            (Packet::Signature(_) | Packet::UserId(_) | Packet::UserAttribute(_) | Packet::PublicSubkey(_), None) => {
                return Err("it begins in the middle of a key".into());
            }
            _ => return Err("it holds something else than keys".into()),
        })
    }
}

impl Certificate {
    fn of(primary: PublicKey) -> Result<Self, String> {
        if !is_of_today(primary.version()) {
            return Err("it holds a key of a version that is not used any more; only 4 and 6 are".into());
        }
        Ok(Self { primary, direct: vec![], revocations: vec![], users: vec![], subkeys: vec![] })
    }

    fn add_signature(&mut self, signature: Signature, component: &Component) {
        let place = match component {
            Component::Primary => Some(&mut self.direct),
            Component::User => self.users.last_mut().map(|(_, signatures)| signatures),
            Component::Subkey => self.subkeys.last_mut().map(|(_, signatures)| signatures),
            Component::Nothing | Component::NotUnderstood => None,
        };
        if let Some(place) = place {
            place.push(signature);
        }
    }

    /// Another copy of the same certificate: all that both say. What counts is decided by who signed it and when, so a
    /// later copy refreshes an earlier one, and a revocation in either stays.
    pub(super) fn merge(&mut self, other: Self) {
        self.direct.extend(other.direct);
        self.revocations.extend(other.revocations);
        for (user, signatures) in other.users {
            match self.users.iter_mut().find(|(known, _)| known.id() == user.id()) {
                Some((_, known)) => known.extend(signatures),
                None => self.users.push((user, signatures)),
            }
        }
        for (subkey, signatures) in other.subkeys {
            match self.subkeys.iter_mut().find(|(known, _)| known.fingerprint() == subkey.fingerprint()) {
                Some((_, known)) => known.extend(signatures),
                None => self.subkeys.push((subkey, signatures)),
            }
        }
    }
}

fn is_of_today(version: KeyVersion) -> bool {
    matches!(version, KeyVersion::V4 | KeyVersion::V6)
}

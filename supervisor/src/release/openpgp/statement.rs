//! A signature packet, before any arithmetic: whether it is well made, and what its signed part says.

use pgp::packet::{Signature, SignatureConfig, SignatureVersion, Subpacket, SubpacketData, SubpacketType};
use pgp::types::{Fingerprint, KeyId};

use super::algorithm::{hash_name, is_strong};

/// What is wrong with a signature packet, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Of a version that is not made any more, or not yet.
    Version,
    /// Its signed part lacks the time, or says it twice.
    Time(&'static str),
    /// Hashed with something that can be forged.
    WeakHash(String),
    /// It asks to be refused by whoever does not understand this part of it.
    Critical(String),
}

/// The parts of a signature packet that its maker has signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a>(pub(super) &'a Signature);

impl<'a> Statement<'a> {
    fn hashed(self) -> impl Iterator<Item = &'a Subpacket> {
        self.0.config().into_iter().flat_map(SignatureConfig::hashed_subpackets)
    }

    fn unhashed(self) -> impl Iterator<Item = &'a Subpacket> {
        self.0.config().into_iter().flat_map(SignatureConfig::unhashed_subpackets)
    }

    /// Well made: a version of today, one time, a strong hash, nothing critical that is not understood.
    pub(super) fn check(self) -> Result<(), Flaw> {
        self.check_but_for_hash()?;
        match self.0.hash_alg() {
            Some(hash) if is_strong(hash) => Ok(()),
            Some(hash) => Err(Flaw::WeakHash(hash_name(hash))),
            None => Err(Flaw::Version),
        }
    }

    /// As [`Self::check`], for statements that take something away: those are believed with any hash.
    pub(super) fn check_but_for_hash(self) -> Result<(), Flaw> {
        if !matches!(self.0.version(), SignatureVersion::V4 | SignatureVersion::V6) {
            return Err(Flaw::Version);
        }
        let count = |wanted: fn(&SubpacketData) -> bool| self.hashed().filter(|part| wanted(&part.data)).count();
        match count(|data| matches!(data, SubpacketData::SignatureCreationTime(_))) {
            1 => {}
            0 => return Err(Flaw::Time("its signed part does not say when it was made")),
            _ => return Err(Flaw::Time("it says more than once when it was made")),
        }
        if count(|data| matches!(data, SubpacketData::SignatureExpirationTime(_))) > 1
            || count(|data| matches!(data, SubpacketData::KeyExpirationTime(_))) > 1
        {
            return Err(Flaw::Time("it says more than once when it ends"));
        }
        match self.hashed().filter(|part| part.is_critical).find_map(not_understood) {
            Some(what) => Err(Flaw::Critical(what)),
            None => Ok(()),
        }
    }

    /// When it was made; seconds since 1970.
    pub(super) fn made(self) -> i64 {
        self.0.created().map_or(0, |time| i64::from(time.as_secs()))
    }

    /// When it ends, if it does; seconds since 1970.
    pub(super) fn ends(self) -> Option<i64> {
        let lasts = self.0.signature_expiration_time().map(|time| i64::from(time.as_secs()));
        lasts.filter(|lasts| *lasts > 0).map(|lasts| self.made() + lasts)
    }

    /// For how long the key that it speaks of is valid; zero: for ever; none: it does not say.
    pub(super) fn key_lasts(self) -> Option<i64> {
        self.0.key_expiration_time().map(|time| i64::from(time.as_secs()))
    }

    /// Whether the key that it speaks of may sign data; none: it does not say.
    pub(super) fn may_sign(self) -> Option<bool> {
        self.hashed().find_map(
            |part| {
                if let SubpacketData::KeyFlags(flags) = &part.data { Some(flags.sign()) } else { None }
            },
        )
    }

    /// The signatures that lie inside it: in a subkey's binding, the subkey's own consent.
    pub(super) fn embedded(self) -> impl Iterator<Item = &'a Signature> {
        self.hashed().chain(self.unhashed()).filter_map(|part| {
            if let SubpacketData::EmbeddedSignature(inner) = &part.data { Some(inner.as_ref()) } else { None }
        })
    }

    /// Who it says has made it. A hint where to look; the arithmetic decides.
    pub(super) fn issuers(self) -> (Vec<&'a Fingerprint>, Vec<&'a KeyId>) {
        (self.0.issuer_fingerprint(), self.0.issuer_key_id())
    }

    /// Who its signed part says has made it, by whole fingerprint.
    pub(super) fn signed_issuer(self) -> impl Iterator<Item = &'a Fingerprint> {
        self.hashed().filter_map(|part| {
            if let SubpacketData::IssuerFingerprint(issuer) = &part.data { Some(issuer) } else { None }
        })
    }
}

/// The name of a critical part that we do not act on, and so must refuse.
fn not_understood(part: &Subpacket) -> Option<String> {
    if let SubpacketData::Notation(notation) = &part.data {
        return Some(format!("notation {:?}", String::from_utf8_lossy(&notation.name)));
    }
    let kind = part.typ();
    let understood = !matches!(
        kind,
        SubpacketType::SignatureTarget
            | SubpacketType::PreferredEncryptionModes
            | SubpacketType::Experimental(_)
            | SubpacketType::Other(_)
    );
    (!understood).then(|| format!("subpacket {}", kind.as_u8(false)))
}

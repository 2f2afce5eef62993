//! What is known of a key after its certificate's statements about itself have been verified: all that the judge needs.
//!
//! Statements of others (certifications, designated revokers) are not looked at: we know the key by its fingerprint.

use pgp::packet::{PublicKey, PublicSubkey, RevocationCode, Signature, SignatureType};
use pgp::types::{Fingerprint, KeyDetails, KeyId, KeyVersion, SignatureBytes, Tag, VerifyingKey};

use super::algorithm::Algorithm;
use super::certificate::Certificate;
use super::judge::AHEAD_SECONDS;
use super::packets::guarded;
use super::statement::Statement;
use super::witness::{Who, printable};

/// A certificate whose statements about itself have been verified.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) primary: Key,
    pub(super) subkeys: Vec<Key>,
    pub(super) user_id: Option<String>,
    /// Only these keys of it count; empty: all do.
    pub(super) only: Vec<String>,
}

/// One key of a certificate.
#[derive(Clone, Debug)]
pub(super) struct Key {
    packet: Public,
    pub(super) fingerprint: Fingerprint,
    pub(super) id: KeyId,
    pub(super) version: KeyVersion,
    pub(super) created: i64,
    pub(super) algorithm: Algorithm,
    /// What the primary key says of this one: verified, newest first, one for each place where it can be said.
    bindings: Vec<Binding>,
    pub(super) revocations: Vec<Revocation>,
}

#[derive(Clone, Debug)]
enum Public {
    Primary(PublicKey),
    Sub(PublicSubkey),
}

/// A verified statement of the primary key about itself or about a subkey.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    /// Where it was said: the direct-key signature or one of the user ids. Newer words there replace older ones.
    place: usize,
    made: i64,
    ends: Option<i64>,
    key_ends: Ends,
    may_sign: Option<bool>,
}

/// When a statement says that its key ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    ItDoesNotSay,
    Never,
    At(i64),
}

/// A verified statement that a key is not to be used any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revocation {
    pub(super) made: i64,
    /// Somebody else may have the key, or nobody says that this is not so: no signature counts, whatever its date.
    pub(super) hard: bool,
    pub(super) why: &'static str,
}

/// What holds for a key at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) expires: Option<i64>,
    pub(super) may_sign: bool,
}

impl Known {
    pub(super) fn verify(certificate: &Certificate) -> Self {
        let key = &certificate.primary;
        let mut primary = Key::new(Public::Primary(key.clone()), key);
        primary.revocations = verified(&certificate.revocations, Check::ButForHash, |it| it.verify_key(key).is_ok())
            .map(Revocation::of)
            .collect();
        let direct = verified(&certificate.direct, Check::Whole, |it| it.verify_key(key).is_ok());
        let mut bindings: Vec<_> = direct.map(|it| Binding::of(0, it, primary.created)).collect();
        let mut names = Vec::new();
        for (place, (user, signatures)) in (1..).zip(&certificate.users) {
            let holds = |it: &Signature| it.verify_certification(key, Tag::UserId, user).is_ok();
            let taken_back = verified(signatures, Check::ButForHash, holds)
                .filter(|it| it.0.typ() == Some(SignatureType::CertRevocation))
                .map(Statement::made)
                .max();
            let said = verified(signatures, Check::Whole, holds)
                .filter(|it| it.0.typ() != Some(SignatureType::CertRevocation))
                .filter(|it| taken_back.is_none_or(|when| it.made() > when));
            let said: Vec<_> = said.collect();
            if let Some(newest) = said.iter().max_by_key(|it| it.made()) {
                names.push((!newest.0.is_primary(), printable(user.id())));
            }
            // Version 6 keys speak of themselves in direct-key signatures only.
            if primary.version == KeyVersion::V4 {
                bindings.extend(said.into_iter().map(|it| Binding::of(place, it, primary.created)));
            }
        }
        primary.keep(bindings);
        names.sort_by_key(|(not_first, _)| *not_first);
        let subkeys = certificate.subkeys.iter().map(|(subkey, said)| Key::bound(key, subkey, said)).collect();
        Self { primary, subkeys, user_id: names.into_iter().map(|(_, name)| name).next(), only: Vec::new() }
    }

    /// The primary key and all subkeys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.primary).chain(&self.subkeys)
    }

    /// The keys whose signatures the site has decided to accept.
    pub(super) fn keys_that_count(&self) -> impl Iterator<Item = &Key> {
        self.keys().filter(|key| self.only.is_empty() || self.only.contains(&key.hex()))
    }

    pub(super) fn who(&self, key: &Key) -> Who {
        Who { fingerprint: key.hex(), user_id: self.user_id.clone() }
    }
}

impl Key {
    fn new(packet: Public, details: &impl KeyDetails) -> Self {
        Self {
            packet,
            fingerprint: details.fingerprint(),
            id: details.legacy_key_id(),
            version: details.version(),
            created: i64::from(details.created_at().as_secs()),
            algorithm: Algorithm::of(details.public_params()),
            bindings: Vec::new(),
            revocations: Vec::new(),
        }
    }

    fn bound(primary: &PublicKey, subkey: &PublicSubkey, signatures: &[Signature]) -> Self {
        let mut key = Self::new(Public::Sub(subkey.clone()), subkey);
        let holds = |it: &Signature| it.verify_subkey_binding(primary, subkey).is_ok();
        key.revocations = verified(signatures, Check::ButForHash, holds)
            .filter(|it| it.0.typ() == Some(SignatureType::SubkeyRevocation))
            .map(Revocation::of)
            .collect();
        let bindings = verified(signatures, Check::Whole, holds)
            .filter(|it| it.0.typ() == Some(SignatureType::SubkeyBinding))
            .map(|it| {
                let mut binding = Binding::of(0, it, key.created);
                // A signing subkey must consent; otherwise anybody could call another's key his own.
                let consents = verified(it.embedded(), Check::Whole, |back| {
                    back.verify_primary_key_binding(subkey, primary).is_ok()
                });
                let consents = consents.count() > 0;
                binding.may_sign = binding.may_sign.map(|may| may && consents);
                binding
            })
            .collect();
        key.keep(bindings);
        key
    }

    fn keep(&mut self, mut bindings: Vec<Binding>) {
        bindings.sort_by_key(|binding| std::cmp::Reverse(binding.made));
        self.bindings = bindings;
    }

    /// What holds for it now; none: nothing binds it.
    pub(super) fn standing(&self, now: i64) -> Option<Standing> {
        let mut heard = Vec::new();
        let mut valid = Vec::new();
        for binding in &self.bindings {
            let alive = binding.made <= now + AHEAD_SECONDS && binding.ends.is_none_or(|ends| ends > now);
            if alive && !heard.contains(&binding.place) {
                heard.push(binding.place);
                valid.push(binding);
            }
        }
        valid.first()?;
        Some(Standing {
            expires: valid
                .iter()
                .find_map(|binding| match binding.key_ends {
                    Ends::ItDoesNotSay => None,
                    Ends::Never => Some(None),
                    Ends::At(ends) => Some(Some(ends)),
                })
                .flatten(),
            may_sign: valid.iter().find_map(|binding| binding.may_sign).unwrap_or(false),
        })
    }

    /// Whether this key made the signature over this digest.
    pub(super) fn made(
        &self,
        hash: pgp::crypto::hash::HashAlgorithm,
        digest: &[u8],
        signature: &SignatureBytes,
    ) -> bool {
        let verified = guarded(|| match &self.packet {
            Public::Primary(key) => key.verify(hash, digest, signature).is_ok(),
            Public::Sub(key) => key.verify(hash, digest, signature).is_ok(),
        });
        verified == Some(true)
    }

    pub(super) fn is_primary(&self) -> bool {
        matches!(self.packet, Public::Primary(_))
    }

    pub(super) fn hex(&self) -> String {
        hex::encode_upper(self.fingerprint.as_bytes())
    }
}

impl Binding {
    fn of(place: usize, said: Statement<'_>, key_created: i64) -> Self {
        Self {
            place,
            made: said.made(),
            ends: said.ends(),
            key_ends: match said.key_lasts() {
                None => Ends::ItDoesNotSay,
                Some(0) => Ends::Never,
                Some(lasts) => Ends::At(key_created + lasts),
            },
            may_sign: said.may_sign(),
        }
    }
}

impl Revocation {
    fn of(said: Statement<'_>) -> Self {
        let (hard, why) = match said.0.revocation_reason_code() {
            Some(RevocationCode::KeySuperseded) => (false, "superseded by another key"),
            Some(RevocationCode::KeyRetired) => (false, "retired"),
            Some(RevocationCode::CertUserIdInvalid) => (false, "under this name no longer valid"),
            Some(RevocationCode::KeyCompromised) => (true, "compromised"),
            Some(_) | None => (true, "revoked without a reason, which may mean compromised"),
        };
        Self { made: said.made(), hard, why }
    }
}

#[derive(Clone, Copy)]
enum Check {
    Whole,
    ButForHash,
}

/// The statements that are well made and that hold.
fn verified<'a>(
    signatures: impl IntoIterator<Item = &'a Signature>,
    check: Check,
    holds: impl Fn(&Signature) -> bool,
) -> impl Iterator<Item = Statement<'a>> {
    signatures.into_iter().map(Statement).filter(move |it| {
        let well_made = match check {
            Check::Whole => it.check().is_ok(),
            Check::ButForHash => it.check_but_for_hash().is_ok(),
        };
        well_made && guarded(|| holds(it.0)) == Some(true)
    })
}

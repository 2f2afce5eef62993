//! The policy: whether a signature packet counts, before a byte of the archive is read. What is left afterwards is
//! arithmetic over the bytes.

use pgp::packet::{Signature, SignatureType, SignatureVersion};
use pgp::types::KeyVersion;

use super::algorithm::hash_name;
use super::key::{Key, Known, Revocation, Standing};
use super::refusal::Refusal;
use super::statement::{Flaw, Statement};
use super::witness::{Signer, Warning, Who, moment};
use super::{AHEAD_AT_MOST, Policy};

/// [`AHEAD_AT_MOST`], in the unit of this clock.
pub(super) const AHEAD_SECONDS: i64 = AHEAD_AT_MOST.as_secs().cast_signed();

/// A signature that counts if the arithmetic holds.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) signature: Signature,
    pub(super) key: Key,
    pub(super) signer: Signer,
    pub(super) warnings: Vec<Warning>,
}

/// A moment, and what the site has decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    pub(super) policy: Policy,
    pub(super) now: i64,
}

impl Judge {
    /// With which keys a signature would count; the reason where with none.
    pub(super) fn candidates(self, keys: &[Known], signature: &Signature) -> Result<Vec<Candidate>, Refusal> {
        let said = Statement(signature);
        let (fingerprints, ids) = said.issuers();
        if fingerprints.is_empty() && ids.is_empty() {
            return Err(Refusal::NoIssuer);
        }
        let mut good = Vec::new();
        let mut refused = None;
        for known in keys {
            for key in known.keys_that_count() {
                if !fingerprints.contains(&&key.fingerprint) && !ids.contains(&&key.id) {
                    continue;
                }
                match self.judge(known, key, said) {
                    Ok(candidate) => good.push(candidate),
                    Err(why) => refused = refused.or(Some(why)),
                }
            }
        }
        match (good.is_empty(), refused) {
            (false, _) => Ok(good),
            (true, Some(why)) => Err(why),
            (true, None) => {
                let whole = fingerprints.first().map(|it| hex::encode_upper(it.as_bytes()));
                let end = ids.first().map(|it| format!("…{}", hex::encode_upper(it)));
                let known = keys.iter().map(|known| known.who(&known.primary)).collect();
                Err(Refusal::UnknownKey { issuer: whole.or(end).unwrap_or_default(), known })
            }
        }
    }

    fn judge(self, known: &Known, key: &Key, said: Statement<'_>) -> Result<Candidate, Refusal> {
        let who = known.who(key);
        form(&who, key, said)?;
        for key in [&known.primary, key] {
            if !key.algorithm.strong {
                return Err(Refusal::WeakKey { who: known.who(key), algorithm: key.algorithm.name.clone() });
            }
        }
        let bound = |key: &Key| key.standing(self.now).ok_or_else(|| Refusal::NotBound { who: known.who(key) });
        let (primary, own) = (bound(&known.primary)?, bound(key)?);
        if !own.may_sign {
            return Err(Refusal::NotForSigning { who });
        }
        let signed = said.made();
        for key in [&known.primary, key] {
            not_revoked(&known.who(key), &key.revocations, signed)?;
        }
        let created = known.primary.created.max(key.created);
        if signed < created {
            return Err(Refusal::OlderThanKey { who, signed: moment(signed), created: moment(created) });
        }
        self.times(&who, said)?;
        let expires = soonest(primary, own);
        let warning = self.expiry(&who, signed, expires)?;
        let hash = said.0.hash_alg().map(hash_name).unwrap_or_default();
        let witnessed = Signer {
            fingerprint: who.fingerprint,
            primary_fingerprint: known.primary.hex(),
            user_id: who.user_id,
            signed_at: moment(signed),
            key_algorithm: key.algorithm.name.clone(),
            hash,
            expires: expires.map(moment),
        };
        Ok(Candidate {
            signature: said.0.clone(),
            key: key.clone(),
            signer: witnessed,
            warnings: warning.into_iter().collect(),
        })
    }

    /// When the signature was made and until when it holds, against the clock.
    fn times(self, who: &Who, said: Statement<'_>) -> Result<(), Refusal> {
        let (who, signed, now) = (who.clone(), moment(said.made()), moment(self.now));
        if said.made() > self.now + AHEAD_SECONDS {
            return Err(Refusal::FromTheFuture { who, signed, now });
        }
        match said.ends() {
            Some(ends) if ends <= self.now => Err(Refusal::SignatureExpired { who, signed, expired: moment(ends) }),
            Some(_) | None => Ok(()),
        }
    }

    fn expiry(self, who: &Who, signed_at: i64, end: Option<i64>) -> Result<Option<Warning>, Refusal> {
        let Some(ends) = end.filter(|ends| *ends <= self.now.max(signed_at)) else { return Ok(None) };
        let (who, expired, signed) = (who.clone(), moment(ends), moment(signed_at));
        if signed_at >= ends {
            return Err(Refusal::SignedAfterExpiry { who, signed, expired });
        }
        if !self.policy.accept_expired_key {
            return Err(Refusal::KeyExpired { who, signed, expired });
        }
        Ok(Some(Warning::KeyExpired { who, expired, signed }))
    }
}

/// What the packet is, whatever it says.
fn form(who: &Who, key: &Key, said: Statement<'_>) -> Result<(), Refusal> {
    let who = || who.clone();
    if said.0.typ() != Some(SignatureType::Binary) {
        let kind = said.0.typ().map_or(0xFF, u8::from);
        return Err(Refusal::WrongType { who: who(), kind });
    }
    said.check().map_err(|flaw| match flaw {
        Flaw::Version => Refusal::Malformed { who: who(), reason: "it is of a version other than 4 and 6" },
        Flaw::Time(reason) => Refusal::Malformed { who: who(), reason },
        Flaw::WeakHash(hash) => Refusal::WeakHash { who: who(), hash },
        Flaw::Critical(what) => Refusal::Critical { who: who(), what },
    })?;
    if (said.0.version() == SignatureVersion::V6) != (key.version == KeyVersion::V6) {
        return Err(Refusal::Malformed { who: who(), reason: "its version is not that of the key" });
    }
    // Signed by this key, it names another one: made to be taken for that one's.
    if said.signed_issuer().any(|issuer| *issuer != key.fingerprint) {
        return Err(Refusal::Malformed { who: who(), reason: "its signed part names another key" });
    }
    Ok(())
}

/// A key that somebody else may have speaks for nobody, whatever date its signatures bear. One that was given up in
/// good order keeps what it signed before.
fn not_revoked(who: &Who, revocations: &[Revocation], signed: i64) -> Result<(), Refusal> {
    let counts = revocations.iter().filter(|it| it.hard || it.made <= signed).max_by_key(|it| it.hard);
    match counts {
        None => Ok(()),
        Some(it) => Err(Refusal::Revoked { who: who.clone(), revoked: moment(it.made), why: it.why, hard: it.hard }),
    }
}

/// A subkey ends with its certificate.
pub(super) fn soonest(primary: Standing, own: Standing) -> Option<i64> {
    match (primary.expires, own.expires) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

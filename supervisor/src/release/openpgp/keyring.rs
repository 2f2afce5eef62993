//! The keys whose signatures count, and the start of every verification.

use jiff::Timestamp;
use pgp::packet::{Packet, Signature};
use pgp::types::KeyDetails;
use std::fmt;

use super::certificate::{Certificate, gather};
use super::judge::{Judge, soonest};
use super::key::{Key, Known};
use super::packets::{self, Piece, Wanted};
use super::reading::Reading;
use super::refusal::{KeyError, Refusal, too_large};
use super::witness::{Who, moment};
use super::{KEY_FILE_LIMIT_BYTES, Policy, SIGNATURE_LIMIT_BYTES};
use crate::release::Checksum;

/// More signatures than this in one file are somebody's attempt to keep us busy.
const SIGNATURES_AT_MOST: usize = 16;

/// The keys whose signatures count.
#[derive(Clone, Debug)]
pub struct Keyring {
    keys: Vec<Known>,
}

/// When a key that signs ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Which key.
    pub who: Who,
    /// When it ends, or ended.
    pub ends: Timestamp,
    /// Whole days until then; negative: it has ended.
    pub days: i64,
}

impl Keyring {
    /// Reads certificates, armoured or binary, one or several in a file. With fingerprints pinned only those count, and
    /// each must be there. The same certificate twice is one, with all that both copies say.
    ///
    /// # Errors
    /// A file that cannot be read is an error, and so is a pinned key that no file holds.
    pub fn read(files: &[(String, Vec<u8>)], pinned: &[String]) -> Result<Self, KeyError> {
        let pinned = pinned.iter().map(|text| fingerprint(text)).collect::<Result<Vec<_>, _>>()?;
        if files.is_empty() {
            return Err(KeyError::NoKey);
        }
        let mut certificates: Vec<Certificate> = Vec::new();
        let mut revocations: Vec<Signature> = Vec::new();
        for (file, bytes) in files {
            let gathered = if bytes.len() > KEY_FILE_LIMIT_BYTES { Err(too_large()) } else { gather(bytes) };
            let gathered = gathered.map_err(|reason| KeyError::Unreadable { file: file.clone(), reason })?;
            revocations.extend(gathered.revocations);
            for certificate in gathered.certificates {
                let same = |it: &&mut Certificate| it.primary.fingerprint() == certificate.primary.fingerprint();
                match certificates.iter_mut().find(same) {
                    Some(known) => known.merge(certificate),
                    None => certificates.push(certificate),
                }
            }
        }
        for certificate in &mut certificates {
            // Whose they are shows when they are verified.
            certificate.revocations.extend(revocations.iter().cloned());
        }
        Self { keys: certificates.iter().map(Known::verify).collect() }.pin(&pinned)
    }

    fn pin(mut self, pinned: &[String]) -> Result<Self, KeyError> {
        for fingerprint in pinned {
            if !self.keys.iter().flat_map(Known::keys).any(|key| key.hex() == *fingerprint) {
                let found = self.keys.iter().map(|known| known.who(&known.primary)).collect();
                return Err(KeyError::NotFound { fingerprint: fingerprint.clone(), found });
            }
        }
        if pinned.is_empty() && self.keys.is_empty() {
            return Err(KeyError::NoKey);
        }
        if !pinned.is_empty() {
            // A pinned primary key speaks for all its subkeys; a pinned subkey for itself.
            self.keys.retain(|known| known.keys().any(|key| pinned.contains(&key.hex())));
            for known in &mut self.keys {
                if !pinned.contains(&known.primary.hex()) {
                    known.only = known.keys().map(Key::hex).filter(|key| pinned.contains(key)).collect();
                }
            }
        }
        Ok(self)
    }

    /// Decides all that can be decided before the first byte: one good signature by one acceptable key is enough,
    /// others in the file do not matter.
    ///
    /// # Errors
    /// Why no signature in the file can count; of several reasons one that is about a key of ours.
    pub fn begin(
        &self,
        signature: &[u8],
        checksums: &[Checksum],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Reading, Refusal> {
        let judge = Judge { policy: *policy, now: now.as_second() };
        let mut candidates = Vec::new();
        let mut refused: Option<Refusal> = None;
        for signature in signatures(signature)? {
            match judge.candidates(&self.keys, &signature) {
                Ok(more) => candidates.extend(more),
                Err(why) => {
                    if refused.as_ref().is_none_or(|known| !known.is_about_us() && why.is_about_us()) {
                        refused = Some(why);
                    }
                }
            }
        }
        match refused {
            Some(why) if candidates.is_empty() => Err(why),
            Some(_) | None => Ok(Reading::start(candidates, checksums)),
        }
    }

    /// When each key that can sign ends, the soonest first. Keys without an end, and revoked ones, are not listed.
    pub fn expiries(&self, now: Timestamp) -> Vec<Expiry> {
        const DAY: i64 = 24 * 60 * 60;
        let now = now.as_second();
        let mut ends: Vec<_> = self
            .signing(now)
            .filter(|(known, key)| known.primary.revocations.is_empty() && key.revocations.is_empty())
            .filter_map(|(known, key)| {
                let ends = soonest(known.primary.standing(now)?, key.standing(now)?)?;
                Some(Expiry { who: known.who(key), ends: moment(ends), days: (ends - now).div_euclid(DAY) })
            })
            .collect();
        ends.sort_by_key(|expiry| expiry.ends);
        ends
    }

    /// The keys for people, a line each: fingerprint, name, algorithm, and what holds for it.
    pub fn describe(&self, now: Timestamp) -> String {
        let now = now.as_second();
        let lines: Vec<_> = self
            .keys
            .iter()
            .flat_map(|known| known.keys_that_count().map(move |key| Line { known, key, now }.to_string()))
            .collect();
        lines.join("\n")
    }

    fn signing(&self, now: i64) -> impl Iterator<Item = (&Known, &Key)> {
        self.keys
            .iter()
            .flat_map(|known| known.keys_that_count().map(move |key| (known, key)))
            .filter(move |(_, key)| key.standing(now).is_some_and(|standing| standing.may_sign))
    }
}

/// A key, described.
struct Line<'a> {
    known: &'a Known,
    key: &'a Key,
    now: i64,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { known, key, now } = *self;
        let kind = if key.is_primary() { "key" } else { "subkey" };
        write!(f, "{kind} {}: {}", known.who(key), key.algorithm.name)?;
        let standing = known.primary.standing(now).zip(key.standing(now));
        let revoked = known.primary.revocations.iter().chain(&key.revocations).max_by_key(|it| it.hard);
        match (standing, revoked) {
            (_, Some(it)) => write!(f, ", revoked {} as {}", moment(it.made), it.why),
            (None, None) => f.write_str(", not valid"),
            (Some((_, own)), None) if !own.may_sign => f.write_str(", not for signing"),
            (Some((primary, own)), None) => match soonest(primary, own) {
                Some(ends) if ends <= now => write!(f, ", expired {}", moment(ends)),
                Some(ends) => write!(f, ", ends {}", moment(ends)),
                None => f.write_str(", without an end"),
            },
        }
    }
}

fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, Refusal> {
    let unreadable = |reason: &str| Refusal::Unreadable { reason: reason.into() };
    if bytes.len() > SIGNATURE_LIMIT_BYTES {
        return Err(unreadable("it is too long"));
    }
    let pieces = packets::read(bytes, Wanted::Signature).map_err(|reason| Refusal::Unreadable { reason })?;
    let mut found = Vec::new();
    let mut opaque = false;
    for piece in pieces {
        let Piece::Whole(packet) = piece else {
            opaque = true;
            continue;
        };
        if let Packet::Signature(signature) = *packet {
            found.push(signature);
        } else if !matches!(*packet, Packet::Marker(_) | Packet::Padding(_)) {
            return Err(unreadable("it holds something else than signatures"));
        }
    }
    if found.len() > SIGNATURES_AT_MOST {
        return Err(unreadable("it holds too many signatures"));
    }
    match (found.is_empty(), opaque) {
        (false, _) => Ok(found),
        (true, true) => Err(unreadable("its signature is of an unknown kind or damaged")),
        (true, false) => Err(unreadable("there is no signature in it")),
    }
}

/// A fingerprint as people write it: in either case, perhaps with spaces as `gpg` prints it.
fn fingerprint(text: &str) -> Result<String, KeyError> {
    let bare: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let bare = bare.strip_prefix("0x").unwrap_or(&bare).to_ascii_uppercase();
    if matches!(bare.len(), 40 | 64) && bare.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(bare)
    } else {
        Err(KeyError::NotAFingerprint { text: text.chars().take(100).collect() })
    }
}

//! From what was found in a file to identities: which certificate is whose, and who signed it.

use super::certificate::{self, Certificate, Fit};
use super::{Found, Identity, Unusable};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

/// No chain that is real is longer.
const LONGEST_CHAIN: usize = 10;

/// What was found.
#[derive(Default)]
pub(super) struct Parts {
    /// Keys without a chain, as `PrivateKeyInfo`.
    pub(super) keys: Vec<Bag>,
    /// Certificates, anybody's.
    pub(super) certificates: Vec<Bag>,
    /// Keys with their chain.
    pub(super) entries: Vec<Entry>,
}

/// A key, or a certificate, and what is written on it.
pub(super) struct Bag {
    pub(super) alias: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// A key with its chain, own first.
pub(super) struct Entry {
    pub(super) alias: String,
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) chain: Vec<Vec<u8>>,
}

struct Known<'a> {
    bag: &'a Bag,
    read: Certificate,
}

pub(super) fn identities(parts: Parts) -> Found {
    let mut found = Found::default();
    let known: Vec<_> = parts
        .certificates
        .iter()
        .filter_map(|bag| Some(Known { read: Certificate::read(&bag.bytes).ok()?, bag }))
        .collect();
    let mut entries = parts.entries;
    for (number, key) in (1..).zip(&parts.keys) {
        let own = own(key, &known);
        let of_certificate = own.and_then(|own| own.bag.alias.clone());
        // Java counts those that nobody gave a name.
        let alias = key.alias.clone().or(of_certificate).unwrap_or_else(|| i32::to_string(&number));
        let chain = own.map(|own| chain(own, &known)).unwrap_or_default();
        entries.push(Entry { alias, key: key.bytes.clone(), chain });
    }
    for entry in entries {
        let alias = entry.alias.clone();
        match identity(entry) {
            Ok(identity) => found.keystore.entries.push(identity),
            Err(why) => found.unusable.push((alias, why)),
        }
    }
    found
}

/// The certificate of a key: the one that it fits, else the one that is tied to it.
fn own<'a, 'b>(key: &Bag, known: &'b [Known<'a>]) -> Option<&'b Known<'a>> {
    let is_tied = |one: &&Known<'_>| key.id.is_some() && one.bag.id == key.id;
    let fits = |one: &&Known<'_>| certificate::fits(&key.bytes, &one.read.public_key) == Ok(Fit::Fits);
    let tied = known.iter().find(is_tied);
    tied.filter(fits).or_else(|| known.iter().find(fits)).or(tied).or(match known {
        [only] => Some(only),
        _ => None,
    })
}

fn chain(own: &Known<'_>, known: &[Known<'_>]) -> Vec<Vec<u8>> {
    let mut chain = vec![own];
    while let Some(last) = chain.last().filter(|last| !last.read.is_self_signed() && chain.len() < LONGEST_CHAIN) {
        let signed_it = |one: &&Known<'_>| one.read.subject_der == last.read.issuer_der;
        match known.iter().find(signed_it) {
            Some(issuer) => chain.push(issuer),
            None => break,
        }
    }
    chain.iter().map(|one| one.bag.bytes.to_vec()).collect()
}

fn identity(entry: Entry) -> Result<Identity, Unusable> {
    let own = entry.chain.first().ok_or(Unusable::NoCertificate)?;
    let own = Certificate::read(own)?;
    if certificate::fits(&entry.key, &own.public_key)? == Fit::Not {
        return Err(Unusable::KeyDoesNotFit);
    }
    let whole = certificate::with_public_part(&entry.key, &own.public_key)?;
    let key = whole.unwrap_or(entry.key);
    Ok(Identity {
        alias: entry.alias,
        key: PrivatePkcs8KeyDer::from(key.to_vec()),
        chain: entry.chain.into_iter().map(CertificateDer::from).collect(),
    })
}

//! From the settings of a keystore to the identity that they name, with every way that it can be wrong in words.

use super::{Closed, Found, Identity, Keystore, Kind, Unusable, is_same, jks, read};
use efm::secret::Secret;
use jiff::Timestamp;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A keystore larger than this is something else.
const LIMIT_BYTES: u64 = 4 << 20;

/// Where a keystore is, and what of it is wanted.
#[derive(Clone, Debug)]
pub struct Location {
    /// Where its bytes are.
    pub whence: Whence,
    /// What the settings say that it is.
    pub kind: Wanted,
    /// Which of its entries; none: the only one.
    pub alias: Option<String>,
    /// The password of the store and of its keys.
    pub password: Secret,
}

/// Where the bytes of a keystore are.
#[derive(Clone)]
pub enum Whence {
    /// In a file.
    File(PathBuf),
    /// In the settings themselves.
    Inline(Zeroizing<Vec<u8>>),
    /// In `HashiCorp`'s Vault.
    Vault,
}

impl fmt::Debug for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Inline(_) => f.write_str("base64:…"),
            Self::Vault => f.write_str("vault:…"),
        }
    }
}

/// What the settings call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One that is read here.
    Known(Kind),
    /// The keys of Windows itself, or a module of hardware.
    OfSystem,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// The bytes.
    #[error("the keystore {whence} cannot be read")]
    Read {
        /// Where.
        whence: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// None that is known.
    #[error("the keystore {0} is neither PKCS12 nor JKS nor PEM")]
    Strange(String),
    /// JCEKS.
    #[error(
        "the keystore {0} is JCEKS, which is not read here; `keytool -importkeystore -deststoretype PKCS12` makes a PKCS12 of it"
    )]
    Jceks(String),
    /// Not a file.
    #[error("the keystore {0} is not read by this version; export its key to a PKCS12 file and name that")]
    NotSpoken(&'static str),
    /// What is inside.
    #[error("the keystore {whence} ({}) cannot be opened", kind.name())]
    Closed {
        /// Where.
        whence: String,
        /// What it is.
        kind: Kind,
        /// Why not.
        #[source]
        source: Closed,
    },
    /// The entry.
    #[error("the keystore {whence} has no key with the alias '{alias}'; there is {}", listed(there))]
    NoAlias {
        /// Where.
        whence: String,
        /// Which.
        alias: String,
        /// Those that are there.
        there: Vec<String>,
    },
    /// Several.
    #[error("the keystore {whence} has several keys and the settings name none of them; there is {}", listed(there))]
    Which {
        /// Where.
        whence: String,
        /// Those that are there.
        there: Vec<String>,
    },
    /// The entry, and something is wrong with it.
    #[error("the key with the alias '{alias}' in the keystore {whence} cannot be used")]
    Unusable {
        /// Where.
        whence: String,
        /// Which.
        alias: String,
        /// Why not.
        #[source]
        source: Unusable,
    },
}

fn listed(aliases: &[String]) -> String {
    if aliases.is_empty() {
        return "no key at all".to_owned();
    }
    aliases.iter().map(|alias| format!("'{alias}'")).collect::<Vec<_>>().join(", ")
}

/// An open keystore, and which of its entries was asked for.
#[derive(Debug)]
pub struct Opened {
    /// All entries: what came for an older certificate is opened with its key.
    pub keystore: Keystore,
    /// The one that was asked for.
    pub own: Identity,
    /// What is odd.
    pub remarks: Vec<Remark>,
}

/// What is odd, and keeps nobody from using it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The settings call it something else.
    IsAnother {
        /// What they call it.
        called: Kind,
        /// What it is.
        is: Kind,
    },
    /// PEM has no names; the only key was taken.
    NoNames(String),
    /// The certificate.
    Expired(Timestamp),
    /// The certificate.
    NotYet(Timestamp),
    /// Another entry.
    Unusable(String, Unusable),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsAnother { called, is } => {
                write!(f, "the settings call it {}, and it is {}; it was read as that", called.name(), is.name())
            }
            Self::NoNames(alias) => write!(f, "there is no key named '{alias}'; the only one was taken"),
            Self::Expired(when) => write!(f, "the certificate expired on {}; get a new one", when.strftime("%F")),
            Self::NotYet(when) => {
                write!(f, "the certificate does not hold before {when}; look at the clock of this machine")
            }
            Self::Unusable(alias, why) => write!(f, "the key '{alias}' cannot be used: {why}"),
        }
    }
}

/// Reads the keystore and finds the entry. Blocks for as long as the file takes.
///
/// # Errors
/// See [`CannotOpen`]; each says what to do.
pub fn open(location: &Location, now: Timestamp) -> Result<Opened, CannotOpen> {
    let whence = location.whence.to_string();
    let Wanted::Known(called) = location.kind else { return Err(CannotOpen::NotSpoken("of Windows (Windows-MY)")) };
    let bytes = match &location.whence {
        Whence::Inline(bytes) => bytes.clone(),
        Whence::Vault => return Err(CannotOpen::NotSpoken("in Vault (vault:…)")),
        Whence::File(path) => {
            let read = std::fs::File::open(path).and_then(|file| {
                let mut bytes = Zeroizing::new(Vec::new());
                file.take(LIMIT_BYTES).read_to_end(&mut bytes).map(|_| bytes)
            });
            read.map_err(|source| CannotOpen::Read { whence: whence.clone(), source })?
        }
    };
    if jks::is_jceks(&bytes) {
        return Err(CannotOpen::Jceks(whence));
    }
    let kind = Kind::of(&bytes).ok_or_else(|| CannotOpen::Strange(whence.clone()))?;
    let found = read(&bytes, location.password.reveal(), kind).map_err(|source| CannotOpen::Closed {
        whence: whence.clone(),
        kind,
        source,
    })?;
    let mut remarks = Vec::new();
    if kind != called {
        remarks.push(Remark::IsAnother { called, is: kind });
    }
    let own = own(&found, location.alias.as_deref(), kind, whence, &mut remarks)?;
    remarks.extend(found.unusable.into_iter().map(|(alias, why)| Remark::Unusable(alias, why)));
    if let Ok(certificate) = own.certificate() {
        remarks.extend((certificate.not_after < now).then_some(Remark::Expired(certificate.not_after)));
        remarks.extend((certificate.not_before > now).then_some(Remark::NotYet(certificate.not_before)));
    }
    Ok(Opened { keystore: found.keystore, own, remarks })
}

fn own(
    found: &Found,
    alias: Option<&str>,
    kind: Kind,
    whence: String,
    remarks: &mut Vec<Remark>,
) -> Result<Identity, CannotOpen> {
    let there = || {
        let mut there: Vec<_> = found.keystore.entries.iter().map(|entry| entry.alias.clone()).collect();
        // Java's order is that of a hash.
        there.sort();
        there
    };
    let unusable = |alias: &str| found.unusable.iter().find(|(name, _)| is_same(name, alias));
    match (alias, found.keystore.entries.as_slice()) {
        (Some(alias), entries) => {
            if let Some(found) = entries.iter().find(|entry| is_same(&entry.alias, alias)) {
                return Ok(found.clone());
            }
            if let Some((alias, source)) = unusable(alias) {
                return Err(CannotOpen::Unusable { whence, alias: alias.clone(), source: *source });
            }
            if let (Kind::Pem, [only]) = (kind, entries) {
                remarks.push(Remark::NoNames(alias.to_owned()));
                return Ok(only.clone());
            }
            Err(CannotOpen::NoAlias { whence, alias: alias.to_owned(), there: there() })
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => match found.unusable.first() {
            Some((alias, source)) => Err(CannotOpen::Unusable { whence, alias: alias.clone(), source: *source }),
            None => Err(CannotOpen::NoAlias { whence, alias: String::new(), there: Vec::new() }),
        },
        (None, _) => Err(CannotOpen::Which { whence, there: there() }),
    }
}

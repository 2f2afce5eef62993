//! Where the keystores are: the organisation's own (`difi.move.org.keystore.*`), and that of the API (`difi.ssl.*`).

use super::problem::Severity;
use super::reader::Reader;
use super::values::flag;
use crate::keystore::{Kind, Location, Wanted, Whence};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use efm::secret::Secret;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The keystores of the settings. That they can be opened is not checked here: a site without its keys runs, and says so.
#[derive(Clone, Debug)]
pub struct Keystores {
    /// The organisation's own, where one is named.
    pub own: Option<Location>,
    /// That of the API; none: it speaks plain HTTP.
    pub tls: Option<Location>,
}

struct Names {
    path: &'static str,
    kind: &'static str,
    password: &'static str,
    alias: &'static str,
}

const OWN: Names = Names {
    path: "difi.move.org.keystore.path",
    kind: "difi.move.org.keystore.type",
    password: "difi.move.org.keystore.password",
    alias: "difi.move.org.keystore.alias",
};

const TLS: Names = Names {
    path: "difi.ssl.key-store",
    kind: "difi.ssl.key-store-type",
    password: "difi.ssl.key-store-password",
    alias: "difi.ssl.key-alias",
};

pub(super) fn read(from: &mut Reader, folder: &Path) -> Option<Keystores> {
    const LOCK: &str = "difi.move.org.keystore.lockProvider";
    const OFF: &str = "a keystore for the API; or difi.ssl.enabled=false, with the port closed to other machines";
    let own = location(from, folder, &OWN)?;
    if from.need(LOCK, flag)? {
        from.tell(Severity::Warning, LOCK, "it means nothing here: no provider is ever asked", "no such key");
    }
    let mut tls = None;
    if from.need("difi.ssl.enabled", flag)? {
        let named = location(from, folder, &TLS)?;
        tls = Some(named.or_else(|| from.need(TLS.path, |_| Err(OFF)))?);
    }
    Some(Keystores { own, tls })
}

/// None inside where no keystore is named; none at all where something is wrong, which is told.
#[allow(clippy::option_option, reason = "told and absent are two things")]
fn location(from: &mut Reader, folder: &Path, names: &Names) -> Option<Option<Location>> {
    let kind = from.need(names.kind, kind)?;
    let password = from.maybe(names.password, |text| Ok(Secret::new(text))).unwrap_or_else(|| Secret::new(""));
    let alias = from.maybe(names.alias, |text| Ok(text.to_owned()));
    if !from.is_set(names.path) {
        return Some(None);
    }
    let whence = from.maybe(names.path, |text| whence(text, folder))?;
    Some(Some(Location { whence, kind, alias, password }))
}

fn kind(text: &str) -> Result<Wanted, &'static str> {
    match text.to_ascii_uppercase().as_str() {
        "PKCS12" | "P12" | "PFX" => Ok(Wanted::Known(Kind::Pkcs12)),
        "JKS" => Ok(Wanted::Known(Kind::Jks)),
        "PEM" => Ok(Wanted::Known(Kind::Pem)),
        "WINDOWS-MY" | "WINDOWS-ROOT" => Ok(Wanted::OfSystem),
        _ => Err("PKCS12, JKS or PEM"),
    }
}

fn whence(text: &str, folder: &Path) -> Result<Whence, &'static str> {
    if let Some(bytes) = text.strip_prefix("base64:") {
        let bytes: String = bytes.split_whitespace().collect();
        let bytes = STANDARD.decode(bytes).map_err(|_| "base64: and a whole keystore in base64")?;
        return Ok(Whence::Inline(Zeroizing::new(bytes)));
    }
    if text.starts_with("vault:") {
        return Ok(Whence::Vault);
    }
    if text.starts_with("classpath:") {
        return Err("a file: there is no class path here");
    }
    Ok(Whence::File(folder.join(text.strip_prefix("file:").map_or_else(|| text.into(), of_url))))
}

/// `file:x`, `file:/x`, `file:///x`, `file:C:/x` and `file:///C:/x`, as Java takes them.
fn of_url(rest: &str) -> PathBuf {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let of_windows = path.strip_prefix('/').filter(|path| {
        let mut letters = path.bytes();
        letters.next().is_some_and(|drive| drive.is_ascii_alphabetic()) && letters.next() == Some(b':')
    });
    PathBuf::from(of_windows.unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keystore_is_found_however_java_would_find_it() {
        let folder = Path::new("/home");
        let file = |text: &str| match whence(text, folder) {
            Ok(Whence::File(path)) => path.display().to_string(),
            other => panic!("{text}: {other:?}"),
        };
        for (text, path) in [
            ("k.p12", "/home/k.p12"),
            ("file:k.p12", "/home/k.p12"),
            ("file:/etc/k.p12", "/etc/k.p12"),
            ("file:///etc/k.p12", "/etc/k.p12"),
            ("/etc/k.p12", "/etc/k.p12"),
        ] {
            assert_eq!(file(text).replace('\\', "/"), path, "{text}");
        }
        assert_eq!(of_url("///C:/ip/k.p12"), PathBuf::from("C:/ip/k.p12"));
        assert_eq!(of_url("C:/ip/k.p12"), PathBuf::from("C:/ip/k.p12"));
        assert!(matches!(whence("base64:aGk\n=", folder), Ok(Whence::Inline(bytes)) if *bytes == b"hi"));
        assert!(matches!(whence("vault:key", folder), Ok(Whence::Vault)));
        assert!(whence("base64:-", folder).is_err() && whence("classpath:k.jks", folder).is_err());
    }
}

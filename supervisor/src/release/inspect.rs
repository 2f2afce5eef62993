//! Everything that can be said of a release that lies in a file: `kosmos verify`, by hand and without a supervisor.
//!
//! The file is read in one pass for the signature and its digest, and then its structure; never whole into memory. What
//! is looked at after the pass is the same open file. It changes nothing.

use jiff::Timestamp;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Checksum;
use super::jar::{self, JarError, Said};
use super::openpgp::{Keyring, Policy, Refusal, SIGNATURE_LIMIT_BYTES, Witness};

/// What holds for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub file: PathBuf,
    /// The signature that counts.
    pub signature: PathBuf,
    /// Who signed it.
    pub witness: Witness,
    /// What it says of itself.
    pub said: Said,
}

/// What does not hold for a file.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The file or its signature cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no signature beside the file.
    #[error("find signature: neither {} nor {} is there; name it with --signature", tried.0.display(), tried.1.display())]
    NoSignature {
        /// Where it was looked for.
        tried: Box<(PathBuf, PathBuf)>,
    },
    /// The signature does not count.
    #[error("verify {}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<Refusal>,
    },
    /// The signature is good, and the archive is not as it must be.
    #[error("verify {}, whose signature by {signer} is good", file.display())]
    Archive {
        /// The file.
        file: PathBuf,
        /// Who signed it.
        signer: String,
        /// Why.
        source: JarError,
    },
}

/// Verifies a file against its signature and reads what it says of itself. Without a signature named it is `FILE.asc`,
/// then `FILE.sig`.
///
/// # Errors
/// The first thing that does not hold.
pub fn inspect(
    file: &Path,
    signature: Option<&Path>,
    checksums: &[Checksum],
    keyring: &Keyring,
    policy: &Policy,
    now: Timestamp,
) -> Result<Report, InspectError> {
    // First, so that a file that is not there is not told as one without a signature.
    let mut open = File::open(file).map_err(|source| unread(file, source))?;
    let (signature, words) = match signature {
        Some(path) => (path.to_owned(), read_small(path).map_err(|source| unread(path, source))?),
        None => beside(file)?,
    };
    let refused = |source| InspectError::Refused { file: file.to_owned(), source: Box::new(source) };
    let mut reading = keyring.begin(&words, checksums, policy, now).map_err(refused)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = match open.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(unread(file, source)),
        };
        reading.update(buffer.get(..read).unwrap_or_default());
    }
    let witness = reading.finish().map_err(refused)?;
    let signer = witness.signer.fingerprint.clone();
    let said =
        jar::read(&mut open).map_err(|source| InspectError::Archive { file: file.to_owned(), signer, source })?;
    Ok(Report { file: file.to_owned(), signature, witness, said })
}

fn beside(file: &Path) -> Result<(PathBuf, Vec<u8>), InspectError> {
    let with = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let tried = (with(".asc"), with(".sig"));
    for path in [&tried.0, &tried.1] {
        match read_small(path) {
            Ok(words) => return Ok((path.clone(), words)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(unread(path, source)),
        }
    }
    Err(InspectError::NoSignature { tried: Box::new(tried) })
}

/// One byte more than a signature may have, so that one that is too long is seen to be.
fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(SIGNATURE_LIMIT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut words = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut words)?;
    Ok(words)
}

fn unread(path: &Path, source: io::Error) -> InspectError {
    InspectError::Read { path: path.to_owned(), source }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, signature, witness, said } = self;
        let signer = &witness.signer;
        let name = signer.user_id.as_deref().unwrap_or("the certificate gives no name");
        let mut line = |what: &str, value: &dyn fmt::Display| writeln!(f, "{what:<12} {value}");
        line("file", &file.display())?;
        line("length", &format_args!("{} bytes", witness.length))?;
        line("sha-256", &witness.sha256)?;
        line("signature", &format_args!("good, {}", signature.display()))?;
        line("signed by", &name)?;
        line("signed at", &signer.signed_at)?;
        line("key", &format_args!("{}, {}", signer.fingerprint, signer.key_algorithm))?;
        if signer.fingerprint != signer.primary_fingerprint {
            line("of", &signer.primary_fingerprint)?;
        }
        match &signer.expires {
            Some(expires) => line("key ends", expires)?,
            None => line("key ends", &"never")?,
        }
        line("hash", &signer.hash)?;
        line("archive", &format_args!("in order, {} entries", said.entries))?;
        let unsaid = |value: &Option<String>| value.clone().unwrap_or_else(|| "it does not say".into());
        line("artifact", &unsaid(&said.artifact))?;
        line("version", &unsaid(&said.version))?;
        line("built", &unsaid(&said.built.map(|built| built.to_string())))?;
        line("needs", &said.java.map_or_else(|| "it does not say".into(), |java| format!("Java {java} or newer")))?;
        for warning in &witness.warnings {
            line("warning", warning)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::publisher::{Archive, Publisher};
    use efm::chain::Chain;
    use std::io::Write;

    struct Desk {
        folder: tempfile::TempDir,
        publisher: Publisher,
        keyring: Keyring,
    }

    fn now() -> Timestamp {
        "2026-11-21T05:30:00Z".parse().unwrap()
    }

    impl Desk {
        fn new() -> Self {
            let publisher = Publisher::new("Publisher <publisher@example.org>", now()).unwrap();
            let key = publisher.certificate().unwrap().into_bytes();
            let keyring = Keyring::read(&[("key.asc".into(), key)], &[]).unwrap();
            Self { folder: tempfile::tempdir().unwrap(), publisher, keyring }
        }

        fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.folder.path().join(name);
            File::create(&path).unwrap().write_all(bytes).unwrap();
            path
        }

        fn inspect(
            &self,
            file: &Path,
            signature: Option<&Path>,
            checksums: &[Checksum],
        ) -> Result<Report, InspectError> {
            inspect(file, signature, checksums, &self.keyring, &Policy::default(), now())
        }

        fn jar() -> Vec<u8> {
            let built = "2026-03-01T12:00:00Z".parse().unwrap();
            Archive { java: Some(21), ..Archive::new("integrasjonspunkt", "4.0.8", built) }.bytes().unwrap()
        }

        /// What a person reads, with what is another each time taken out.
        fn plain(&self, text: &impl fmt::Display) -> String {
            let folder = self.folder.path().display().to_string();
            text.to_string()
                .replace(&folder, "[folder]")
                .replace('\\', "/")
                .replace(&self.publisher.fingerprint(), "[key]")
        }
    }

    #[test]
    fn a_good_release_is_described() {
        let desk = Desk::new();
        let jar = Desk::jar();
        let file = desk.put("integrasjonspunkt-4.0.8.jar", &jar);
        desk.put("integrasjonspunkt-4.0.8.jar.asc", desk.publisher.sign(&jar, now()).unwrap().as_bytes());
        let report = desk.inspect(&file, None, &[Checksum::Sha1([0; 20])]).unwrap();
        let (sha256, length) = (report.witness.sha256.to_string(), report.witness.length.to_string());
        let text = desk.plain(&report).replace(&sha256, "[sha-256]").replace(&format!("{length} bytes"), "[length]");
        insta::assert_snapshot!(text, @r"
        file         [folder]/integrasjonspunkt-4.0.8.jar
        length       [length]
        sha-256      [sha-256]
        signature    good, [folder]/integrasjonspunkt-4.0.8.jar.asc
        signed by    Publisher <publisher@example.org>
        signed at    2026-11-21T05:30:00Z
        key          [key], Ed25519
        key ends     never
        hash         SHA-512
        archive      in order, 2 entries
        artifact     integrasjonspunkt
        version      4.0.8
        built        2026-03-01T12:00:00Z
        needs        Java 21 or newer
        warning      the published SHA-1 is not that of the file; the signature is good, so the checksum is at fault
        ");
    }

    #[test]
    fn the_signature_may_lie_elsewhere_or_be_called_sig() {
        let desk = Desk::new();
        let jar = Desk::jar();
        let file = desk.put("a.jar", &jar);
        let none = desk.inspect(&file, None, &[]).unwrap_err();
        insta::assert_snapshot!(
            desk.plain(&Chain(&none)),
            @"find signature: neither [folder]/a.jar.asc nor [folder]/a.jar.sig is there; name it with --signature"
        );
        let signature = desk.publisher.sign(&jar, now()).unwrap();
        let elsewhere = desk.put("elsewhere", signature.as_bytes());
        assert_eq!(desk.inspect(&file, Some(&elsewhere), &[]).unwrap().signature, elsewhere);
        let sig = desk.put("a.jar.sig", signature.as_bytes());
        assert_eq!(desk.inspect(&file, None, &[]).unwrap().signature, sig);
        assert!(matches!(desk.inspect(&file, Some(Path::new("none")), &[]), Err(InspectError::Read { .. })));
    }

    #[test]
    fn what_does_not_hold_is_told_from_the_act_to_the_cause() {
        let desk = Desk::new();
        let jar = Desk::jar();
        let sign = |bytes: &[u8]| desk.publisher.sign(bytes, now()).unwrap().into_bytes();
        let told = |name: &str, bytes: &[u8], signature: &[u8], checksums: &[Checksum]| {
            let file = desk.put(name, bytes);
            let signature = desk.put("signature", signature);
            let error = desk.inspect(&file, Some(&signature), checksums).unwrap_err();
            desk.plain(&Chain(&error))
        };
        insta::assert_snapshot!(
            told("other.jar", b"other", &sign(&jar), &[]),
            @"verify [folder]/other.jar: verify signature of key [key] (Publisher <publisher@example.org>), made 2026-11-21T05:30:00Z: it is not over these 5 bytes; the archive was changed, or one of the two belongs to another file"
        );
        insta::assert_snapshot!(
            told("short.jar", &jar[..9], &sign(&jar), &[Checksum::Sha1([0xAB; 20])]),
            @"verify [folder]/short.jar: verify 9 bytes: their SHA-1 is not the published abababababababababababababababababababab; the upload or the download is cut off or broken"
        );
        insta::assert_snapshot!(
            told("text.jar", b"signed, but no archive", &sign(b"signed, but no archive"), &[]),
            @"verify [folder]/text.jar, whose signature by [key] is good: read archive: it does not end as a zip archive ends; it is cut off, or something was put behind it"
        );
        insta::assert_snapshot!(
            told("page.jar", &jar, b"<html>", &[]),
            @"verify [folder]/page.jar: read signature: there is no OpenPGP block in it; at most 65536 bytes with a detached OpenPGP signature are right"
        );
        insta::assert_snapshot!(
            told("long.jar", &jar, &b" ".repeat(SIGNATURE_LIMIT_BYTES + 1), &[]),
            @"verify [folder]/long.jar: read signature: it is too long; at most 65536 bytes with a detached OpenPGP signature are right"
        );
    }
}

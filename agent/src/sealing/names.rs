//! Names of files in a package: those that lead elsewhere, or mean two things, are neither packed nor handed on.

/// What belongs to the container itself.
pub(super) const META_INF: &str = "META-INF/";
pub(super) const MIMETYPE: &str = "mimetype";
pub(super) const MANIFEST: &str = "manifest.xml";
/// What `mimetype` says.
pub(super) const ASIC_E: &str = "application/vnd.etsi.asic-e+zip";

const LONGEST_BYTES: usize = 1024;

/// Whether a name stays in the folder where it is unpacked. Says why not.
pub(super) fn check(name: &str) -> Result<(), &'static str> {
    let is_drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|first: char| first.is_ascii_alphabetic());
    if name.is_empty() {
        Err("its name is empty")
    } else if name.len() > LONGEST_BYTES {
        Err("its name is longer than 1024 bytes")
    } else if name.starts_with('/') || is_drive {
        Err("its name is an absolute path")
    } else if name.contains('\\') {
        Err("its name has a backslash")
    } else if name.chars().any(char::is_control) {
        Err("its name has a control character")
    } else if name.split('/').any(|part| part == "." || part == "..") {
        Err("its name leads out of its folder")
    } else {
        Ok(())
    }
}

/// Whether a name belongs to the container, however it is written.
pub(super) fn is_meta(name: &str) -> bool {
    let begin = name.get(..META_INF.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(META_INF)) || name.eq_ignore_ascii_case("META-INF")
}

/// What may lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meta {
    /// `ASiCManifest*.xml`
    Manifest,
    /// `signature*.p7s`
    Signature,
    /// `signatures*.xml`
    Xades,
    /// A manifest of `OpenDocument`, a time stamp.
    Other,
}

/// What this is of what may lie below `META-INF/`; none: nothing that may.
pub(super) fn meta(name: &str) -> Option<Meta> {
    let inner = name.get(META_INF.len()..)?.to_ascii_lowercase();
    let has = |end: &str| inner.ends_with(end);
    if inner.contains('/') {
        None
    } else if inner.is_empty() {
        Some(Meta::Other)
    } else if inner.starts_with("asicmanifest") && has(".xml") {
        Some(Meta::Manifest)
    } else if inner.starts_with("signature") && has(".p7s") {
        Some(Meta::Signature)
    } else if inner.starts_with("signatures") && has(".xml") {
        Some(Meta::Xades)
    } else if [".xml", ".tst", ".ers", ".p7s"].into_iter().any(has) {
        Some(Meta::Other)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", "/etc/passwd", "C:/x", "c:x", "..", "../x", "a/../../x", "a/./b", "a\\b", "a\0b", "a\nb"] {
            assert!(check(name).is_err(), "{name:?}");
        }
        for name in ["a", "æøå.pdf", "a/b.txt", "..a", "a..b", "x.", "Brev til C: drev.txt"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn below_meta_inf_lies_only_what_belongs_there() {
        assert_eq!(meta("META-INF/ASiCManifest.xml"), Some(Meta::Manifest));
        assert_eq!(meta("meta-inf/asicmanifest-2.XML"), Some(Meta::Manifest));
        assert_eq!(meta("META-INF/signature-1.p7s"), Some(Meta::Signature));
        assert_eq!(meta("META-INF/signatures.xml"), Some(Meta::Xades));
        assert_eq!(meta("META-INF/manifest.xml"), Some(Meta::Other));
        assert_eq!(meta("META-INF/run.exe"), None);
        assert_eq!(meta("META-INF/a/b.xml"), None);
    }
}

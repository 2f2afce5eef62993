//! Names of files in a package: those that lead elsewhere, or mean two things, are neither packed nor handed on.

pub(super) use crate::domain::filename::{MANIFEST, META_INF, MIMETYPE, check, is_meta};
/// What `mimetype` says.
pub(super) const ASIC_E: &str = "application/vnd.etsi.asic-e+zip";

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

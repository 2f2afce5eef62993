//! What a file of a message may be called: it travels in a package that somebody unpacks, beside what belongs to the
//! package itself.

/// The folder of what belongs to the package itself.
pub const META_INF: &str = "META-INF/";
/// Says what kind of package it is.
pub const MIMETYPE: &str = "mimetype";
/// Says who sends to whom.
pub const MANIFEST: &str = "manifest.xml";

const LONGEST_BYTES: usize = 1024;

/// Whether a name stays in the folder where it is unpacked. Says why not.
pub fn check(name: &str) -> Result<(), &'static str> {
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
pub fn is_meta(name: &str) -> bool {
    let begin = name.get(..META_INF.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(META_INF)) || name.eq_ignore_ascii_case("META-INF")
}

/// Whether a client's file may be called so. Says why not.
pub fn of_client(name: &str) -> Result<(), &'static str> {
    check(name)?;
    if is_meta(name) || name.eq_ignore_ascii_case(MIMETYPE) || name.eq_ignore_ascii_case(MANIFEST) {
        Err("its name is one of the package's own")
    } else if name.ends_with('/') {
        Err("its name is that of a folder")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_file_leads_nowhere_and_takes_the_place_of_nothing() {
        for name in ["brev.pdf", "Søknad 2026.pdf", "vedlegg/a.pdf", "meta-inf.txt"] {
            assert_eq!(of_client(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "/a",
            "../a",
            "a/../b",
            "a\\b",
            "C:a",
            "a\nb",
            "mimetype",
            "MANIFEST.xml",
            "META-INF/x",
            "meta-inf/x",
            "a/",
        ] {
            assert!(of_client(name).is_err(), "{name}");
        }
    }
}

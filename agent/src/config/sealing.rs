//! What is asked of the signatures of packages that come in.

use super::reader::Reader;
use crate::domain::Refuse;
use std::path::{Path, PathBuf};

const REFUSE: &str = "integrasjonspunkt.sealing.refuse";
const AUTHORITIES: &str = "integrasjonspunkt.sealing.authorities";

/// What is asked of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealing {
    /// A file of certificates, PEM, to one of which a signer must lead; none: that is not checked.
    pub authorities: Option<PathBuf>,
    /// What is not taken.
    pub refuse: Refuse,
}

pub(super) fn read(from: &mut Reader, folder: &Path) -> Sealing {
    let authorities = from.maybe(AUTHORITIES, |text| Ok(folder.join(text)));
    let mut refuse = Refuse::default();
    for one in from.list(REFUSE, one) {
        let Refuse { unsigned, altered, unchecked, untrusted, weak } = one;
        refuse.unsigned |= unsigned;
        refuse.altered |= altered;
        refuse.unchecked |= unchecked;
        refuse.untrusted |= untrusted;
        refuse.weak |= weak;
    }
    if refuse.untrusted && authorities.is_none() {
        let right = "integrasjonspunkt.sealing.authorities, too: a file of the certificates that are trusted";
        from.tell(super::problem::Severity::Error, REFUSE, "it refuses the untrusted, and nobody is trusted", right);
    }
    Sealing { authorities, refuse }
}

fn one(text: &str) -> Result<Refuse, &'static str> {
    let mut refuse = Refuse::default();
    match text {
        "unsigned" => refuse.unsigned = true,
        "altered" => refuse.altered = true,
        "unchecked" => refuse.unchecked = true,
        "untrusted" => refuse.untrusted = true,
        "weak" => refuse.weak = true,
        _ => return Err("any of unsigned, altered, unchecked, untrusted, weak, with commas; or no such key"),
    }
    Ok(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_refuses_one_thing_and_another_word_is_told() {
        for word in ["unsigned", "altered", "unchecked", "untrusted", "weak"] {
            assert_ne!(one(word), Ok(Refuse::default()), "{word}");
        }
        assert!(one("all").unwrap_err().contains("altered"));
    }
}

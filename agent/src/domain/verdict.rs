//! What was found out about the signature of a package that came in. It is kept with the message, and shown.

/// What a package says of its signer, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub finding: Finding,
    /// Whose certificate it names, where it names one.
    pub signer: Option<Signer>,
    /// What is weak about it; a weak signature holds all the same.
    pub weak: Vec<Weakness>,
}

/// Whether a signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It holds, and its signer's certificate leads to an authority that is trusted here.
    Trusted,
    /// It holds; no authority is given here to which the signer's certificate could lead.
    Signed,
    /// It holds, and the signer's certificate leads to none of the authorities given here.
    Untrusted(String),
    /// Nobody has signed.
    Unsigned,
    /// It does not hold: what came is not what was signed.
    Altered(String),
    /// It is made in a way that this version cannot check.
    Unchecked(String),
}

/// Who has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The subject of the certificate, as people read it.
    pub subject: String,
    /// The number of the organisation in it, where it has one.
    pub organisation: Option<String>,
    /// The number of the certificate, in hexadecimal.
    pub serial: String,
    /// Who has issued it.
    pub issuer: String,
}

/// What is weak about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weakness {
    /// It is made with SHA-1.
    Sha1,
    /// The signer's key has fewer than 2048 bits.
    ShortKey,
}

impl Finding {
    /// One word that stays the same: what is kept, and what settings name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Signed => "signed",
            Self::Untrusted(_) => "untrusted",
            Self::Unsigned => "unsigned",
            Self::Altered(_) => "altered",
            Self::Unchecked(_) => "unchecked",
        }
    }
}

impl Weakness {
    fn shown(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::ShortKey => "a key of fewer than 2048 bits",
        }
    }
}

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (certificate {} of {})", self.subject, self.serial, self.issuer)
    }
}

/// One line for people.
impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = self.signer.as_ref().map_or_else(|| "somebody unknown".to_owned(), ToString::to_string);
        match &self.finding {
            Finding::Trusted => write!(f, "signed by {by}, checked against a trusted authority")?,
            Finding::Signed => write!(f, "signed by {by}, not checked against an authority")?,
            Finding::Untrusted(why) => write!(f, "signed by {by}, who leads to no trusted authority: {why}")?,
            Finding::Unsigned => write!(f, "not signed")?,
            Finding::Altered(why) => write!(f, "the signature does not hold: {why}")?,
            Finding::Unchecked(why) => write!(f, "the signature cannot be checked: {why}")?,
        }
        if !self.weak.is_empty() {
            let weak: Vec<&str> = self.weak.iter().map(|weakness| weakness.shown()).collect();
            write!(f, "; weak: {}", weak.join(", "))?;
        }
        Ok(())
    }
}

/// Which verdicts a site does not take. By default none: they are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each stands for a word of the settings, and any of them go together")]
pub struct Refuse {
    /// What nobody has signed.
    pub unsigned: bool,
    /// Signatures that do not hold.
    pub altered: bool,
    /// Signatures that cannot be checked here.
    pub unchecked: bool,
    /// Signers who lead to no authority of ours.
    pub untrusted: bool,
    /// SHA-1, and short keys.
    pub weak: bool,
}

impl Refuse {
    /// Whether what this was said of is not taken.
    pub fn is_refused(self, verdict: &Verdict) -> bool {
        let by_finding = match verdict.finding {
            Finding::Trusted | Finding::Signed => false,
            Finding::Untrusted(_) => self.untrusted,
            Finding::Unsigned => self.unsigned,
            Finding::Altered(_) => self.altered,
            Finding::Unchecked(_) => self.unchecked,
        };
        by_finding || (self.weak && !verdict.weak.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_one_line_that_names_the_signer_and_what_is_weak() {
        let signer = Signer {
            subject: "CN=Bjarne kommune".into(),
            organisation: Some("910077473".into()),
            serial: "0a0b".into(),
            issuer: "CN=Test CA".into(),
        };
        let verdict = Verdict { finding: Finding::Signed, signer: Some(signer), weak: vec![Weakness::Sha1] };
        assert_eq!(
            verdict.to_string(),
            "signed by CN=Bjarne kommune (certificate 0a0b of CN=Test CA), not checked against an authority; weak: SHA-1"
        );
    }
}

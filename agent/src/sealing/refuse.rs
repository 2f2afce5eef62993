//! What the settings refuse of what is found out about a signature. By default nothing: it is told.

use crate::domain::{Finding, Verdict};

/// Which verdicts a site does not take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    pub(super) fn is_refused(self, verdict: &Verdict) -> bool {
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

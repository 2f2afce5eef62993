//! What is known of the certificates that this program uses, for pages, health and metrics. Never a key.

use jiff::{SignedDuration, Timestamp};
use std::sync::{PoisonError, RwLock};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// The organisation's own: it seals, opens and signs.
    Own,
    /// The one that the API answers with.
    Tls,
}

impl Use {
    /// As a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Tls => "tls",
        }
    }
}

/// A certificate, as a person wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What it is for.
    pub used: Use,
    /// Its name in the keystore.
    pub alias: String,
    /// Whose it is.
    pub subject: String,
    /// Who gave it out.
    pub issuer: String,
    /// Its number, hexadecimal.
    pub serial: String,
    /// From when on it is valid.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Certificate {
    /// Whether it is valid now.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whole days until it ends; negative when it has ended.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        let seconds = self.until.duration_since(now).as_secs();
        seconds.div_euclid(SignedDuration::from_hours(24).as_secs())
    }
}

/// All that are in use. One may be exchanged while the program runs.
#[derive(Debug, Default)]
pub struct Certificates(RwLock<Vec<Certificate>>);

impl Certificates {
    /// These.
    pub fn of(all: Vec<Certificate>) -> Self {
        Self(RwLock::new(all))
    }

    /// Each, as it is now.
    pub fn all(&self) -> Vec<Certificate> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Is used for that from now on; none: nothing is.
    pub fn is_now(&self, used: Use, certificate: Option<Certificate>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.used != used);
        all.extend(certificate);
        all.sort_by_key(|one| one.used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_down_and_on_beyond_the_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let certificate = Certificate {
            used: Use::Own,
            alias: "a".into(),
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            from: at("2026-01-01T00:00:00Z"),
            until: at("2026-12-01T00:00:00Z"),
        };
        let left = |now: &str| (certificate.days_left(at(now)), certificate.is_valid(at(now)));
        assert_eq!(left("2026-11-21T00:00:00Z"), (10, true));
        assert_eq!(left("2026-11-30T23:00:00Z"), (0, true));
        assert_eq!(left("2026-12-01T00:00:00Z"), (0, false));
        assert_eq!(left("2026-12-01T00:00:01Z"), (-1, false));
        assert_eq!(left("2025-12-31T00:00:00Z"), (335, false));
    }
}

//! What was done since the start, counted, and how each channel fares. For metrics, pages and health; nothing is decided by it.

use crate::domain::{Service, Status};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts. A row for each service that something was done over.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<Service, Fares>>);

/// How one channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fares {
    /// Handed over.
    pub sent: u64,
    /// Not handed over, and tried again later.
    pub put_off: u64,
    /// Failed for good.
    pub failed: u64,
    /// Its time was over.
    pub expired: u64,
    /// Taken in.
    pub collected: u64,
    /// Rounds of fetching that failed.
    pub fetch_failures: u64,
    /// When it was last reached, for whatever it was.
    pub reached: Option<Timestamp>,
    /// What went wrong last, and when; none again as soon as it is reached.
    pub trouble: Option<(Timestamp, String)>,
}

impl Tally {
    /// Each.
    pub fn all(&self) -> BTreeMap<Service, Fares> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something was done for good.
    pub(super) fn done(&self, service: Service, status: Status, now: Timestamp) {
        self.of(service, |fares| match status {
            Status::Feil => fares.failed += 1,
            Status::LevetidUtlopt => fares.expired += 1,
            Status::Opprettet
            | Status::Sendt
            | Status::Mottatt
            | Status::Levert
            | Status::Lest
            | Status::Annet
            | Status::InnkommendeMottatt
            | Status::InnkommendeLevert => {
                fares.sent += 1;
                fares.reached(now);
            }
        });
    }

    /// Something is to be tried again.
    pub(super) fn put_off(&self, service: Service, because: &str, now: Timestamp) {
        self.of(service, |fares| {
            fares.put_off += 1;
            fares.trouble = Some((now, because.to_owned()));
        });
    }

    /// A round of fetching went well.
    pub(super) fn fetched(&self, service: Service, collected: u32, now: Timestamp) {
        self.of(service, |fares| {
            fares.collected += u64::from(collected);
            fares.reached(now);
        });
    }

    /// A round of fetching failed.
    pub(super) fn not_fetched(&self, service: Service, because: String, now: Timestamp) {
        self.of(service, |fares| {
            fares.fetch_failures += 1;
            fares.trouble = Some((now, because));
        });
    }

    fn of(&self, service: Service, change: impl FnOnce(&mut Fares)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_default());
    }
}

impl Fares {
    fn reached(&mut self, now: Timestamp) {
        self.reached = Some(now);
        self.trouble = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_lasts_until_the_channel_is_reached() {
        let tally = Tally::default();
        let now = Timestamp::UNIX_EPOCH;
        tally.put_off(Service::Dpo, "refused", now);
        tally.not_fetched(Service::Dpo, "gone".into(), now);
        assert_eq!(tally.all()[&Service::Dpo].trouble, Some((now, "gone".into())));
        tally.done(Service::Dpo, Status::Feil, now);
        assert!(tally.all()[&Service::Dpo].trouble.is_some(), "a message that fails says nothing of the channel");
        tally.fetched(Service::Dpo, 2, now);
        let expected =
            Fares { put_off: 1, failed: 1, collected: 2, fetch_failures: 1, reached: Some(now), ..Fares::default() };
        assert_eq!(tally.all(), BTreeMap::from([(Service::Dpo, expected)]));
    }
}

//! A body on its way: counted, timed, and cut off where it breaks a limit.

use bytes::Bytes;
use efm::outside::{Cause, Names};
use std::fmt;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::answer::{self, WEB_PAGE};
use super::pace::Pace;
use super::{Answer, unreachable};
use crate::config::settings::Network;
use crate::ports::SourceError;

/// The bytes of a file that is being fetched.
pub struct Download {
    what: String,
    response: reqwest::Response,
    names: Names,
    /// What the server said would come; it gets no less and no more.
    said: Option<u64>,
    got: u64,
    limit: u64,
    pace: Pace,
    fastest_bytes_per_second: Option<u64>,
    /// With a cap: not before this moment.
    next: Instant,
    /// Bytes of the file that were here before.
    offset: u64,
    /// The right to fetch beside others, for as long as it lasts.
    right: Option<OwnedSemaphorePermit>,
}

impl Download {
    /// An archive. `offset` bytes of it are here already and count against the limit.
    pub(super) fn new(answer: Answer, said: Option<u64>, offset: u64, network: &Network) -> Result<Self, SourceError> {
        let limit = network.jar_limit_bytes.saturating_sub(offset);
        let length = said.unwrap_or(limit).min(limit);
        let slowest = network.slowest_bytes_per_second;
        let pace = Pace::new(network.read_timeout, network.total_timeout, length, slowest);
        let mut download = Self::within(answer, said, offset, limit, pace)?;
        download.fastest_bytes_per_second = network.fastest_bytes_per_second.filter(|cap| *cap > 0);
        Ok(download)
    }

    /// Any body, within these limits.
    pub(super) fn within(
        answer: Answer,
        said: Option<u64>,
        offset: u64,
        limit: u64,
        pace: Pace,
    ) -> Result<Self, SourceError> {
        let Answer { what, response, names, .. } = answer;
        if let Some(said) = said.filter(|said| *said > limit) {
            let reason = format!("it is {} bytes; the limit is {}", said.saturating_add(offset), limit + offset);
            return Err(SourceError::Refused { what, reason });
        }
        let (got, next) = (0, Instant::now());
        let fastest_bytes_per_second = None;
        Ok(Self { what, response, names, said, got, limit, pace, fastest_bytes_per_second, next, offset, right: None })
    }

    /// Keeps the right to fetch until it is over.
    pub(in crate::sources) fn hold(&mut self, right: Option<OwnedSemaphorePermit>) {
        self.right = right;
    }

    /// The next bytes; none at the end. Cancel safe: a call that is dropped loses nothing.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        // Before the read, not after it, so that no bytes are held while we sleep.
        tokio::time::sleep_until(self.next).await;
        let asked = Instant::now();
        let read = match tokio::time::timeout(self.pace.patience(), self.response.chunk()).await {
            Err(_) => return Err(self.broken(Cause::GivenUp(self.pace.nothing_came().to_string()))),
            Ok(Err(error)) => return Err(self.interrupted(&error)),
            Ok(Ok(read)) => read,
        };
        match read {
            Some(bytes) => self.count(bytes, asked.elapsed()).map(Some),
            None => self.end().map(|()| None),
        }
    }

    fn count(&mut self, bytes: Bytes, waited: Duration) -> Result<Bytes, SourceError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.offset == 0 && self.got == 0 && answer::looks_like_web_page(&bytes) {
            return Err(self.refused(WEB_PAGE.into()));
        }
        self.got = self.got.saturating_add(length);
        if let Some(said) = self.said.filter(|said| self.got > *said) {
            return Err(self.refused(format!("more came than the {said} bytes it said")));
        }
        if self.got > self.limit {
            return Err(self.refused(format!("it is larger than the limit of {} bytes", self.limit + self.offset)));
        }
        self.pace.came(waited, length).map_err(|given_up| self.broken(Cause::GivenUp(given_up.to_string())))?;
        if let Some(cap) = self.fastest_bytes_per_second {
            let owed = Duration::from_nanos(length.saturating_mul(1_000_000_000) / cap);
            self.next = self.next.max(Instant::now()) + owed;
        }
        Ok(bytes)
    }

    fn end(&self) -> Result<(), SourceError> {
        match self.said {
            Some(of) if self.got < of => Err(self.broken(Cause::Cut { got: self.got, of })),
            _ => Ok(()),
        }
    }

    /// The connection broke in the middle; what came so far can be resumed.
    fn interrupted(&self, error: &reqwest::Error) -> SourceError {
        match self.said {
            Some(of) if self.got < of && !error.is_timeout() => self.broken(Cause::Cut { got: self.got, of }),
            _ => self.broken(Cause::of(format!("read after {} bytes", self.got), error, self.names)),
        }
    }

    fn broken(&self, cause: Cause) -> SourceError {
        unreachable(self.what.clone(), cause)
    }

    fn refused(&self, reason: String) -> SourceError {
        SourceError::Refused { what: self.what.clone(), reason }
    }
}

impl fmt::Debug for Download {
    /// Not the response: its URL may hold a signed query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("what", &self.what).field("got", &self.got).finish_non_exhaustive()
    }
}

//! What lies at the broker, and who may do what with it. Synchronous, without time of its own.

use super::Wanted;
use super::transfer::{Announced, FileStatus, RecipientStatus, Transfer};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const A_MICROSECOND: SignedDuration = SignedDuration::from_micros(1);
/// So many are listed at most.
const LISTED: usize = 100;

/// Why the broker does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nobody says who asks.
    NoToken,
    /// The token is none.
    BadToken(String),
    /// The token does not allow it.
    NoScope(String),
    /// The organisation has no right to the resource.
    NoAccess,
    /// It is not there for the one who asks.
    NoSuchTransfer,
    /// It was uploaded before, or tried to be.
    AlreadyUploaded,
    /// There are no bytes yet, or no more.
    NotPublished,
    /// What was said of it makes no sense.
    Invalid(&'static str),
}

impl Refused {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::NoToken | Self::BadToken(_) => 401,
            Self::NoScope(_) | Self::NoAccess => 403,
            Self::NoSuchTransfer => 404,
            Self::AlreadyUploaded => 409,
            Self::NotPublished | Self::Invalid(_) => 400,
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoToken => f.write_str("no bearer token"),
            Self::BadToken(why) => write!(f, "the token is not valid: {why}"),
            Self::NoScope(scope) => write!(f, "the token lacks the scope {scope}"),
            Self::NoAccess => {
                f.write_str("the system user has no access to the resource in the Resource Rights Registry")
            }
            Self::NoSuchTransfer => f.write_str("the requested file transfer was not found"),
            Self::AlreadyUploaded => {
                f.write_str("the file transfer has been uploaded already, or was tried to; create a new one")
            }
            Self::NotPublished => f.write_str("the file cannot be downloaded in its status"),
            Self::Invalid(what) => write!(f, "{what} is not valid"),
        }
    }
}

/// What was uploaded.
pub(super) struct Bytes {
    pub(super) length: u64,
    /// MD5, in hexadecimal digits.
    pub(super) checksum: String,
}

/// All of it.
#[derive(Default)]
pub(super) struct State {
    transfers: Vec<Transfer>,
    /// Where each is among them.
    by_id: BTreeMap<String, usize>,
    without_right: BTreeSet<String>,
}

impl State {
    pub(super) fn all(&self) -> &[Transfer] {
        &self.transfers
    }

    pub(super) fn may_use(&mut self, organisation: &str, may: bool) {
        if may {
            self.without_right.remove(organisation);
        } else {
            self.without_right.insert(organisation.to_owned());
        }
    }

    fn allowed(&self, organisation: &str) -> Result<(), Refused> {
        if self.without_right.contains(organisation) { Err(Refused::NoAccess) } else { Ok(()) }
    }

    fn of(&mut self, id: &str) -> Result<&mut Transfer, Refused> {
        let at = self.by_id.get(id).copied().ok_or(Refused::NoSuchTransfer)?;
        self.transfers.get_mut(at).ok_or(Refused::NoSuchTransfer)
    }

    /// One that this organisation is a recipient of.
    fn for_recipient(&mut self, organisation: &str, id: &str) -> Result<&mut Transfer, Refused> {
        self.allowed(organisation)?;
        self.of(id).and_then(|transfer| {
            if transfer.recipients.contains_key(organisation) { Ok(transfer) } else { Err(Refused::NoSuchTransfer) }
        })
    }

    pub(super) fn initialize(
        &mut self,
        organisation: &str,
        announced: Announced,
        now: Timestamp,
    ) -> Result<String, Refused> {
        self.allowed(organisation)?;
        if announced.sender != organisation {
            return Err(Refused::NoAccess);
        }
        let is_named = |who: &String| who.starts_with("0192:") && who.len() == 14;
        if announced.recipients.is_empty() || !announced.recipients.iter().all(is_named) {
            return Err(Refused::Invalid("recipients"));
        }
        let length = announced.senders_file_transfer_reference.len();
        if !(1..=4096).contains(&length) {
            return Err(Refused::Invalid("sendersFileTransferReference"));
        }
        Ok(self.add(announced, now))
    }

    fn add(&mut self, announced: Announced, now: Timestamp) -> String {
        let number = self.transfers.len();
        let id = format!("{number:08x}-b10c-4e5a-8a11-{:012x}", now.as_microsecond() & 0xffff_ffff_ffff);
        // Two of one moment still have an order.
        let created = self.transfers.last().map_or(now, |last| now.max(last.created + A_MICROSECOND));
        let recipients = announced.recipients.iter().map(|who| (who.clone(), RecipientStatus::Initialized)).collect();
        let status = FileStatus::Initialized;
        self.by_id.insert(id.clone(), number);
        let (checksum, published_at) = (None, created);
        let transfer = Transfer {
            id: id.clone(),
            announced,
            created,
            status,
            recipients,
            length_bytes: 0,
            checksum,
            published_at,
        };
        self.transfers.push(transfer);
        id
    }

    pub(super) fn again(&mut self, id: &str, now: Timestamp) -> Option<String> {
        let first = self.of(id).ok().filter(|transfer| transfer.status >= FileStatus::UploadProcessing)?.clone();
        let again = self.add(first.announced, now);
        let bytes = Bytes { length: first.length_bytes, checksum: first.checksum.unwrap_or_default() };
        self.take(&again, bytes, first.published_at.max(now)).map(|_| again)
    }

    pub(super) fn begin_upload(&mut self, organisation: &str, id: &str) -> Result<(), Refused> {
        self.allowed(organisation)?;
        let transfer = self.of(id)?;
        if transfer.announced.sender != organisation {
            return Err(Refused::NoSuchTransfer);
        }
        if transfer.status > FileStatus::UploadStarted {
            return Err(Refused::AlreadyUploaded);
        }
        transfer.status = FileStatus::UploadStarted;
        Ok(())
    }

    /// All bytes are here; recipients see them from this moment on.
    pub(super) fn take(&mut self, id: &str, bytes: Bytes, published_at: Timestamp) -> Option<Value> {
        let transfer = self.of(id).ok()?;
        transfer.status = FileStatus::UploadProcessing;
        transfer.length_bytes = bytes.length;
        transfer.checksum = Some(bytes.checksum);
        transfer.published_at = published_at;
        Some(transfer.overview())
    }

    /// Publishes what has been looked at by now.
    pub(super) fn publish(&mut self, now: Timestamp) {
        let is_due = |it: &&mut Transfer| it.status == FileStatus::UploadProcessing && it.published_at <= now;
        self.transfers.iter_mut().filter(is_due).for_each(|transfer| transfer.status = FileStatus::Published);
    }

    /// What was held back is held back no longer.
    pub(super) fn release(&mut self, now: Timestamp) {
        self.transfers.iter_mut().for_each(|transfer| transfer.published_at = transfer.published_at.min(now));
    }

    /// The overview says something else from now on than what lies here.
    pub(super) fn misstate(&mut self, id: &str, length_bytes: Option<u64>, checksum: Option<&str>) {
        if let Ok(transfer) = self.of(id) {
            transfer.length_bytes = length_bytes.unwrap_or(transfer.length_bytes);
            transfer.checksum = checksum.map(str::to_owned).or(transfer.checksum.take());
        }
    }

    pub(super) fn fail(&mut self, id: &str) {
        if let Ok(transfer) = self.of(id) {
            transfer.status = FileStatus::Failed;
        }
    }

    pub(super) fn list(&self, organisation: &str, wanted: &Wanted) -> Result<Vec<String>, Refused> {
        self.allowed(organisation)?;
        let fits = |transfer: &&Transfer| {
            let as_recipient = transfer.recipients.get(organisation);
            let is_party = match wanted.recipient_status {
                Some(status) => as_recipient == Some(&status),
                None => as_recipient.is_some() || transfer.announced.sender == organisation,
            };
            is_party
                && transfer.announced.resource_id == wanted.resource_id
                && wanted.status.is_none_or(|status| status == transfer.status)
                && wanted.from.is_none_or(|from| transfer.created > from)
                && wanted.to.is_none_or(|to| transfer.created < to)
        };
        Ok(self.transfers.iter().filter(fits).take(LISTED).map(|transfer| transfer.id.clone()).collect())
    }

    pub(super) fn overview(&mut self, organisation: &str, id: &str) -> Result<Value, Refused> {
        self.allowed(organisation)?;
        let transfer = self.of(id)?;
        let is_party = transfer.announced.sender == organisation || transfer.recipients.contains_key(organisation);
        if is_party { Ok(transfer.overview()) } else { Err(Refused::NoSuchTransfer) }
    }

    pub(super) fn shown(&mut self, id: &str) -> Option<Value> {
        self.of(id).ok().map(|transfer| transfer.overview())
    }

    pub(super) fn begin_download(&mut self, organisation: &str, id: &str) -> Result<(), Refused> {
        let transfer = self.for_recipient(organisation, id)?;
        if transfer.status != FileStatus::Published {
            return Err(Refused::NotPublished);
        }
        if let Some(status) = transfer.recipients.get_mut(organisation) {
            *status = (*status).max(RecipientStatus::DownloadStarted);
        }
        Ok(())
    }

    pub(super) fn confirm(&mut self, organisation: &str, id: &str) -> Result<Value, Refused> {
        let transfer = self.for_recipient(organisation, id)?;
        if transfer.status < FileStatus::Published {
            return Err(Refused::NotPublished);
        }
        transfer.recipients.insert(organisation.to_owned(), RecipientStatus::DownloadConfirmed);
        if transfer.recipients.values().all(|status| *status == RecipientStatus::DownloadConfirmed) {
            transfer.status = FileStatus::AllConfirmedDownloaded;
        }
        Ok(transfer.overview())
    }
}

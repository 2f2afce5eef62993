//! The use cases, each a verb: [`accept`] what a case system sends, [`dispatch`] what is due, [`collect`] what comes in,
//! [`hand_over`] what waits for a case system, [`reach`] who can be reached how,
//! [`subscribe`] who wants to be told, [`push`] what they are told,
//! [`expire`] what time has passed by. They know the domain and the doors, and nothing else.
//!
//! What is answered with success is on the disk. Bytes are written before the row that names them, and removed after
//! the row is gone: a crash between leaves bytes that nobody names, never a name without bytes.

pub mod accept;
mod arkivmelding;
mod awaited;
mod bell;
pub mod collect;
pub mod dispatch;
pub mod expire;
mod files;
pub mod hand_over;
mod print;
pub mod push;
pub mod reach;
mod refusal;
mod reply;
pub mod subscribe;
mod tally;

pub use awaited::{Awaited, Need};
pub use bell::{Bell, Ear};
pub use refusal::{Refusal, Trouble};
pub use tally::{Fares, Tally};

/// Whether the bytes are an arkivmelding; for `entries`.
pub fn reads_arkivmelding(bytes: &[u8]) -> bool {
    let _ = arkivmelding::is_xml(bytes);
    arkivmelding::Arkivmelding::read(bytes).is_ok()
}

use crate::domain::{Backoff, BlobId, MessageId, Service, Services};
use crate::ports::{Blobs, Caller, Channel, Random, Registry, Store};
use efm::clock::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// The desk: the doors, and the rules of this site.
pub struct Desk {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The bytes of files.
    pub blobs: Arc<dyn Blobs>,
    /// Who can be reached how.
    pub registry: Arc<dyn Registry>,
    /// A channel for each service that is enabled.
    pub channels: BTreeMap<Service, Arc<dyn Channel>>,
    /// Services that are enabled and cannot be used for now, and why.
    pub closed: BTreeMap<Service, String>,
    /// What must be there before messages are taken, and is not.
    pub awaited: Arc<Awaited>,
    /// The way to those who subscribed.
    pub caller: Arc<dyn Caller>,
    /// What time it is.
    pub clock: Clock,
    /// New names.
    pub random: Arc<dyn Random>,
    /// The rules.
    pub rules: Rules,
    /// Rung when something was put on the queue.
    pub queued: Bell,
    /// Rung when a status was noted.
    pub noted: Notify,
    /// What was done, counted.
    pub tally: Tally,
}

/// The rules of this site.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Our own number.
    pub organisation: String,
    /// How long a message is worth sending, where its sender does not say.
    pub time_to_live: Duration,
    /// How long a peek holds a message.
    pub lock: Duration,
    /// Services over which a status is sent back.
    pub status_services: Services,
    /// How many bytes all files of a message may have; the service's own limit where none is given.
    pub upload_limits: BTreeMap<Service, u64>,
    /// When what failed is sent again.
    pub backoff: Backoff,
    /// The document type of status messages.
    pub status_document_type: String,
    /// Which of an organisation's integration points this is; none: the only one.
    pub message_channel: Option<String>,
    /// The process that counts where nobody says what is to be sent.
    pub default_process: String,
    /// Of which HER ids we may send.
    pub her_ids: Vec<String>,
    /// How those who subscribed are told.
    pub pushing: Pushing,
}

/// How those who subscribed are told.
#[derive(Clone, Debug)]
pub struct Pushing {
    /// When a lane that failed is tried again.
    pub backoff: Backoff,
    /// A push that could not be made for so long is given up.
    pub give_up_after: Duration,
    /// Whether who does not take a ping is refused.
    pub ping_is_required: bool,
}

impl Rules {
    /// How many bytes all files of a message may have.
    pub fn upload_limit_bytes(&self, service: Service) -> u64 {
        self.upload_limits.get(&service).copied().unwrap_or_else(|| service.upload_limit_bytes())
    }
}

/// The lines that are written from here on are about this message: so they are found by its id.
fn about(id: &MessageId) {
    tracing::Span::current().record("correlation_id", id.as_str());
}

impl Desk {
    /// Removes bytes that no row names any more. What cannot be removed is told, and is no error of the one who asks.
    async fn sweep(&self, blobs: impl IntoIterator<Item = BlobId>) {
        for blob in blobs {
            if let Err(error) = self.blobs.remove(&blob).await {
                tracing::warn!(error = %efm::chain::Chain(&error), "bytes of a removed message stay on the disk");
            }
        }
    }
}

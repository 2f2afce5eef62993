//! A round of fetching: for each system user what is new, page after page, and now and then what was begun and never
//! confirmed. One parcel at a time is fetched, the oldest first. What goes wrong with one does not keep the others back.

use super::client::ApiError;
use super::parcel::{self, BadParcel, Sbd};
use super::wire::Overview;
use super::{Dpo, convert, legacy, trouble};
use crate::domain::Envelope;
use crate::ports::{
    Answer, Arrival, Arrivals, Arrived, BlobReader, Garbage, Judgement, SealError, SystemUser, TroubleFetching,
};
use efm::chain::Chain;
use futures_util::StreamExt;
use jiff::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use tokio::time::Instant;

/// What nobody has asked for yet.
pub(super) const NEW: &str = "Initialized";
/// What somebody has begun to download.
const BEGUN: &str = "DownloadStarted";
/// A list as long as this has a next page.
const A_PAGE: usize = 100;
/// Nobody has more pages; the rest comes with the next round.
const PAGES: u32 = 50;
/// So many are asked about at once.
const AT_ONCE: usize = 4;

/// A round.
pub(super) struct Round<'a> {
    dpo: &'a Dpo,
    steps: VecDeque<Step<'a>>,
    found: VecDeque<Found<'a>>,
    /// What was on a list of this round: a download that was just begun moves to another list.
    seen: BTreeSet<String>,
    trouble: Option<TroubleFetching>,
}

/// A list that is to be asked for.
#[derive(Clone, Copy)]
struct Step<'a> {
    user: &'a SystemUser,
    status: &'static str,
    from: Option<Timestamp>,
    page: u32,
}

/// A transfer that is for us.
struct Found<'a> {
    user: &'a SystemUser,
    id: String,
    overview: Overview,
}

impl<'a> Round<'a> {
    pub(super) fn begin(dpo: &'a Dpo) -> Self {
        let with_begun = dpo.known().begin();
        let lists = if with_begun { &[NEW, BEGUN][..] } else { &[NEW][..] };
        let steps = dpo
            .users
            .iter()
            .flat_map(|user| lists.iter().map(move |status| Step { user, status, from: None, page: 0 }));
        Self { dpo, steps: steps.collect(), found: VecDeque::new(), seen: BTreeSet::new(), trouble: None }
    }

    async fn advance(&mut self) -> Result<Option<Arrival>, TroubleFetching> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return self.take(found).await.map(Some);
            }
            let Some(step) = self.steps.pop_front() else {
                // What went wrong with a list ends the round when all others have been asked for.
                return self.trouble.take().map_or(Ok(None), Err);
            };
            if let Err(error) = self.look(step).await {
                tracing::warn!(user = step.user.name, error = %Chain(&error), "the broker gives no list");
                self.trouble = Some(trouble(&error));
            }
        }
    }

    /// Asks for a list and for what is said of each transfer on it.
    async fn look(&mut self, step: Step<'a>) -> Result<(), ApiError> {
        let ids = self.dpo.client.list(step.user, step.status, step.from).await?;
        let is_full = ids.len() >= A_PAGE;
        let (now, mut latest, mut unknown) = (Instant::now(), step.from, Vec::new());
        for id in ids {
            match self.dpo.known().left_alone(&id, now) {
                Some(known) => latest = latest.max(known.created),
                None if self.seen.insert(id.clone()) => unknown.push(id),
                None => {}
            }
        }
        let client = &self.dpo.client;
        let asked = futures_util::stream::iter(unknown).map(async |id| (client.overview(step.user, &id).await, id));
        let told: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let mut found = Vec::new();
        for (overview, id) in told {
            match overview {
                Ok(overview) => {
                    latest = latest.max(overview.created());
                    found.extend(self.if_ours(step.user, id, overview));
                }
                // Another instance was faster.
                Err(error) if error.is_gone() => {}
                Err(error) => self.trouble = Some(trouble(&error)),
            }
        }
        // Those without a date come last.
        found.sort_by_key(|found: &Found<'_>| found.overview.created().unwrap_or(Timestamp::MAX));
        self.found.extend(found);
        if is_full && latest > step.from && step.page < PAGES {
            // After what is on this page has been taken in.
            self.steps.push_front(Step { from: latest, page: step.page + 1, ..step });
        }
        Ok(())
    }

    fn if_ours(&self, user: &'a SystemUser, id: String, overview: Overview) -> Option<Found<'a>> {
        let reference = overview.senders_file_transfer_reference.as_deref();
        if convert::is_ours(reference, self.dpo.channel.as_deref()) {
            return Some(Found { user, id, overview });
        }
        self.dpo.known().is_foreign(id, overview.created());
        None
    }

    async fn take(&mut self, found: Found<'a>) -> Result<Arrival, TroubleFetching> {
        let Found { user, id, overview } = found;
        self.dpo.known().is_begun(&id);
        // It is asked for again, less and less often; the others are not kept waiting for it.
        let stays = |why: String| {
            self.dpo.known().try_later(id.clone(), overview.created(), Instant::now());
            Arrival::Stays { what: id.clone(), why }
        };
        let file = self.dpo.client.download(user, &id, &self.dpo.folder, self.dpo.limit_bytes).await;
        let file = match file {
            Ok(file) => file,
            Err(error) if error.wait().is_some() => return Err(trouble(&error)),
            // It may come well in the next round.
            Err(error) => return Ok(Arrival::Stays { what: id, why: Chain(&error).to_string() }),
        };
        let receipt = format!("{}/{id}", user.org_id);
        let garbage = |envelope: Option<Envelope>, why: String, may_be_told: bool| {
            Arrival::Garbage(Box::new(Garbage { envelope, why, may_be_told, receipt: receipt.clone() }))
        };
        let unpacked = match parcel::unpack(file).await {
            Ok(unpacked) => unpacked,
            Err(error @ BadParcel::Bad(_)) => return Ok(garbage(None, error.to_string(), false)),
            Err(error @ (BadParcel::Spoilt(_) | BadParcel::Machine(_))) => return Ok(stays(error.to_string())),
        };
        let envelope = match envelope(&unpacked.sbd) {
            Ok(envelope) => envelope,
            Err(why) => return Ok(garbage(None, why, false)),
        };
        tell_of_another_sender(&envelope, &overview);
        let is_late = envelope.deadline().is_some_and(|deadline| deadline.is_past(self.dpo.doors.clock.now()));
        let (package, judgement) = match unpacked.package {
            // It is not stored, so it need not be opened.
            Some(_) if is_late => (None, None),
            Some(sealed) => match self.open(sealed).await {
                Ok((package, judgement)) => (Some(package), Some(judgement)),
                // A key may be missing: it can be put right until the message's time is over.
                Err(error) if error.may_pass() || matches!(error, SealError::WrongRecipient { .. }) => {
                    return Ok(stays(Chain(&error).to_string()));
                }
                Err(error) => {
                    let may_be_told = error.may_be_told_to_the_sender();
                    return Ok(garbage(Some(envelope), Chain(&error).to_string(), may_be_told));
                }
            },
            None => (None, None),
        };
        Ok(Arrival::Message(Box::new(Arrived { envelope, package, judgement, receipt })))
    }

    async fn open(&self, sealed: Box<dyn BlobReader>) -> Result<(Box<dyn BlobReader>, Judgement), SealError> {
        let opened = self.dpo.doors.sealing.open(sealed).await?;
        Ok((opened.package, opened.judgement))
    }
}

impl Arrivals for Round<'_> {
    fn next(&mut self) -> Answer<'_, Option<Arrival>, TroubleFetching> {
        Box::pin(self.advance())
    }
}

/// The envelope, where it names a message and a conversation.
fn envelope(sbd: &Sbd) -> Result<Envelope, String> {
    let envelope = match sbd {
        Sbd::Json(text) => crate::sbd::read_foreign(text).map_err(|error| Chain(&error).to_string())?,
        Sbd::Xml(text) => {
            let text = legacy::as_json(text).map_err(|error| Chain(&error).to_string())?;
            crate::sbd::read_foreign(text.as_bytes()).map_err(|error| Chain(&error).to_string())?
        }
    };
    if envelope.document.message_id.is_none() {
        return Err("its documentIdentification has no instanceIdentifier".into());
    }
    if envelope.conversation_id().is_none() {
        return Err("its scope ConversationId has no instanceIdentifier that is a UUID".into());
    }
    Ok(envelope)
}

/// The broker knows who has left a file. That another one stands in the envelope is odd, and is told.
fn tell_of_another_sender(envelope: &Envelope, overview: &Overview) {
    let written = envelope.sender().and_then(convert::organisation);
    let left_by = overview.sender.as_deref().filter(|left_by| !left_by.is_empty());
    if let (Some(written), Some(left_by)) = (written, left_by)
        && written != left_by
    {
        tracing::warn!(written, left_by, "a message names another sender than the one who left it at the broker");
    }
}

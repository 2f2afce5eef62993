//! A round of fetching: for each system user what is new, page after page, and now and then what was begun and never
//! confirmed. Small parcels are downloaded some at a time and come in their order, the oldest first; a large one beside them,
//! and while it is on its way, or being taken in, lists are looked at again. What goes wrong with one does not keep the others
//! back.

use super::error::ApiError;
use super::known::{LATER, SOON};
use super::parcel::{self, BadParcel, Sbd};
use super::wire::Overview;
use super::{Dpo, convert, legacy, trouble};
use crate::domain::Envelope;
use crate::ports::{
    Answer, Arrival, Arrivals, Arrived, BlobError, BlobReader, Garbage, SealError, SystemUser, TroubleFetching,
};
use bytes::Bytes;
use efm::chain::Chain;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use jiff::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// What nobody has asked for yet.
pub(super) const NEW: &str = "Initialized";
/// What somebody has begun to download.
const BEGUN: &str = "DownloadStarted";
/// A list as long as this has a next page.
const A_PAGE: usize = 100;
/// Nobody has more pages; the rest comes with the next round.
const PAGES: u32 = 50;
/// So many are asked about, and downloaded, at once.
const AT_ONCE: usize = 4;
/// What is larger is large.
const SMALL_BYTES: u64 = 8 << 20;

/// A round.
pub(super) struct Round<'a> {
    dpo: &'a Dpo,
    with_begun: bool,
    steps: VecDeque<Step<'a>>,
    small: VecDeque<Found<'a>>,
    large: VecDeque<Found<'a>>,
    /// Small ones come in their order.
    fetching: FuturesOrdered<Fetching<'a>>,
    /// A large one comes when it comes.
    heavy: Option<Fetching<'a>>,
    /// What was on a list of this round: a download that was just begun moves to another list.
    seen: BTreeSet<String>,
    trouble: Option<TroubleFetching>,
    /// A list was given.
    some_is_well: bool,
}

type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Arrival, TroubleFetching>> + Send + 'a>>;

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
        let with_begun = dpo.known().begin(Instant::now());
        let mut round = Self {
            dpo,
            with_begun,
            steps: VecDeque::new(),
            small: VecDeque::new(),
            large: VecDeque::new(),
            fetching: FuturesOrdered::new(),
            heavy: None,
            seen: BTreeSet::new(),
            trouble: None,
            some_is_well: false,
        };
        round.plan(if with_begun { &[NEW, BEGUN] } else { &[NEW] });
        round
    }

    /// Asks for these lists of each user.
    fn plan(&mut self, lists: &[&'static str]) {
        let first = |user, status| Step { user, status, from: None, page: 0 };
        self.steps.extend(self.dpo.users.iter().flat_map(|user| lists.iter().map(move |status| first(user, status))));
    }

    /// The next that is here. Lists are looked at while nothing small is on its way.
    async fn advance(&mut self) -> Result<Option<Arrival>, TroubleFetching> {
        loop {
            self.start();
            if let Some(step) = self.steps.pop_front_if(|_| self.fetching.is_empty()) {
                if let Err(error) = self.look(step).await {
                    tracing::warn!(user = step.user.name, error = %Chain(&error), "the broker gives no list");
                    self.is_wrong(&error);
                }
                continue;
            }
            let is_heavy = self.heavy.is_some() || self.dpo.large.available_permits() == 0;
            if self.fetching.is_empty() && !is_heavy {
                return self.end();
            }
            let heavy = async {
                match self.heavy.as_mut() {
                    Some(heavy) => Some(heavy.await),
                    // It is here, and is being taken in.
                    None => self.dpo.large.acquire().await.map(drop).map_or(None, |()| None),
                }
            };
            tokio::select! {
                Some(here) = self.fetching.next(), if !self.fetching.is_empty() => return here.map(Some),
                here = heavy, if is_heavy => {
                    self.heavy = None;
                    if let Some(here) = here {
                        return here.map(Some);
                    }
                }
                // It may take long. What has come meanwhile does not wait for it, unless something is wrong already.
                () = tokio::time::sleep(self.dpo.pace), if self.fetching.is_empty() && self.trouble.is_none() => {
                    self.plan(&[NEW]);
                }
            }
        }
    }

    /// The first that went wrong says what is; what comes after it may only follow from it.
    fn is_wrong(&mut self, error: &ApiError) {
        self.trouble.get_or_insert_with(|| trouble(error));
    }

    /// Begins downloads where there is room.
    fn start(&mut self) {
        while let Some(found) = self.small.pop_front_if(|_| self.fetching.len() < AT_ONCE) {
            self.fetching.push_back(Box::pin(fetched(self.dpo, found, None)));
        }
        if self.heavy.is_none()
            && let Some(found) = self.large.pop_front()
        {
            let dpo = self.dpo;
            self.heavy = Some(Box::pin(async move {
                let place = Arc::clone(&dpo.large).acquire_owned().await.ok();
                fetched(dpo, found, place).await
            }));
        }
    }

    /// What went wrong with a list ends the round when all others have been asked for.
    fn end(&mut self) -> Result<Option<Arrival>, TroubleFetching> {
        if let Some(trouble) = self.trouble.take() {
            return Err(TroubleFetching { is_partial: self.some_is_well, ..trouble });
        }
        if self.with_begun {
            self.dpo.known().are_all(&self.seen);
        }
        Ok(None)
    }

    async fn look(&mut self, step: Step<'a>) -> Result<(), ApiError> {
        let ids = self.dpo.client.list(step.user, step.status, step.from).await?;
        self.some_is_well = true;
        let is_full = ids.len() >= A_PAGE;
        let (now, mut latest, mut unknown) = (Instant::now(), step.from, Vec::new());
        for id in ids {
            match self.dpo.known().left_alone(&id, now) {
                Some(known) => {
                    latest = latest.max(known.created);
                    self.seen.insert(id);
                }
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
                Err(error) if error.is_gone() => self.dpo.known().is_over(&id),
                Err(error) => self.is_wrong(&error),
            }
        }
        // Those without a date come last.
        found.sort_by_key(|found: &Found<'_>| found.overview.created().unwrap_or(Timestamp::MAX));
        let (large, small): (Vec<_>, Vec<_>) = found.into_iter().partition(Found::is_large);
        self.large.extend(large);
        self.small.extend(small);
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
}

impl Found<'_> {
    fn is_large(&self) -> bool {
        self.overview.length().is_some_and(|length| length > SMALL_BYTES)
    }
}

/// Downloads one, holds it against what is told of it, and opens it. A large one keeps its place until it has been read.
async fn fetched(dpo: &Dpo, found: Found<'_>, place: Option<OwnedSemaphorePermit>) -> Result<Arrival, TroubleFetching> {
    let Found { user, id, overview } = found;
    // It is asked for again, less and less often; the others are not kept waiting for it.
    let stays = |why: String, first| {
        dpo.known().try_later(id.clone(), overview.created(), Instant::now(), first);
        Arrival::Stays { what: id.clone(), why }
    };
    if let Some(length) = overview.length().filter(|length| *length > dpo.limit_bytes) {
        return Ok(stays(format!("it has {length} bytes, and no more than {} are taken", dpo.limit_bytes), LATER));
    }
    dpo.known().is_begun(&id);
    let downloaded = match dpo.client.download(user, &id, &dpo.folder, dpo.limit_bytes).await {
        Ok(downloaded) => downloaded,
        Err(error) if error.wait().is_some() => return Err(trouble(&error)),
        Err(error) => {
            if error.is_gone() {
                dpo.known().is_over(&id);
            }
            // It may come well in the next round.
            return Ok(Arrival::Stays { what: id, why: Chain(&error).to_string() });
        }
    };
    if let Some(why) = overview.differs(downloaded.length, &downloaded.md5) {
        return Ok(stays(why, SOON));
    }
    let receipt = format!("{}/{id}", user.org_id);
    let garbage = |envelope: Option<Envelope>, why: String, may_be_told: bool| {
        Arrival::Garbage(Box::new(Garbage { envelope, why, may_be_told, receipt: receipt.clone() }))
    };
    let unpacked = match parcel::unpack(downloaded.file).await {
        Ok(unpacked) => unpacked,
        Err(error @ BadParcel::Bad(_)) => return Ok(garbage(None, error.to_string(), false)),
        Err(error @ (BadParcel::Spoilt(_) | BadParcel::Machine(_))) => return Ok(stays(error.to_string(), SOON)),
    };
    let envelope = match envelope(&unpacked.sbd) {
        Ok(envelope) => envelope,
        Err(why) => return Ok(garbage(None, why, false)),
    };
    tell_of_another_sender(&envelope, &overview);
    let is_late = envelope.deadline().is_some_and(|deadline| deadline.is_past(dpo.doors.clock.now()));
    let (package, judgement) = match unpacked.package {
        // It is not stored, so it need not be opened.
        Some(_) if is_late => (None, None),
        Some(sealed) => match dpo.doors.sealing.open(sealed).await {
            Ok(opened) => (Some(opened.package), Some(opened.judgement)),
            // A key may be missing: it can be put right until the message's time is over.
            Err(error) if error.may_pass() || matches!(error, SealError::WrongRecipient { .. }) => {
                return Ok(stays(Chain(&error).to_string(), LATER));
            }
            Err(error) => {
                let may_be_told = error.may_be_told_to_the_sender();
                return Ok(garbage(Some(envelope), Chain(&error).to_string(), may_be_told));
            }
        },
        None => (None, None),
    };
    let package = package.map(|package| -> Box<dyn BlobReader> { Box::new(Placed { package, place }) });
    Ok(Arrival::Message(Box::new(Arrived { envelope, package, judgement, receipt })))
}

/// A package that has a place until nobody reads it any more.
struct Placed {
    package: Box<dyn BlobReader>,
    place: Option<OwnedSemaphorePermit>,
}

impl BlobReader for Placed {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(async move {
            let next = self.package.next().await;
            if !matches!(next, Ok(Some(_))) {
                self.place = None;
            }
            next
        })
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

//! The outside world: a mailbox that outlives the program, and files that can fail.

use super::Fault;
use integrasjonspunkt::domain::{BlobId, Service};
use integrasjonspunkt::ports::{
    Answer, Arrival, Arrivals, Arrived, BlobError, BlobReader, BlobWriter, Blobs, CannotUse, Channel, Parcel,
    SendError, Sent, TroubleFetching,
};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone)]
struct Letter {
    receipt: String,
    sbd: String,
    package: Option<Vec<u8>>,
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a failure to come")]
struct State {
    mailbox: VecDeque<Letter>,
    taken: Vec<Letter>,
    disk: Option<u8>,
    not_taken: bool,
    taken_unheard: bool,
    fetch: bool,
    confirm: bool,
    /// A fault has come up since it was last asked.
    struck: bool,
}

/// What lies outside the program.
#[derive(Clone, Default)]
pub struct Outside(Arc<Mutex<State>>);

impl Outside {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn arm(&self, fault: Fault) {
        let mut state = self.state();
        match fault {
            Fault::Disk(call) => state.disk = Some(call),
            Fault::NotTaken => state.not_taken = true,
            Fault::TakenUnheard => state.taken_unheard = true,
            Fault::Fetch => state.fetch = true,
            Fault::Confirm => state.confirm = true,
        }
    }

    /// Nothing fails any more.
    pub fn calm(&self) {
        let mut state = self.state();
        *state = State { mailbox: state.mailbox.clone(), taken: state.taken.clone(), ..State::default() };
    }

    /// Whether something failed since the last time.
    pub fn has_struck(&self) -> bool {
        std::mem::take(&mut self.state().struck)
    }

    /// All that was ever taken lies in the mailbox once more.
    pub fn send_again(&self) {
        let mut state = self.state();
        state.mailbox = state.taken.clone().into();
    }

    /// Whether this call fails.
    fn disk_fails(&self) -> bool {
        let mut state = self.state();
        let Some(left) = state.disk else { return false };
        state.disk = left.checked_sub(1).filter(|left| *left > 0);
        let fails = state.disk.is_none();
        state.struck |= fails;
        fails
    }

    fn strikes(&self, which: impl Fn(&mut State) -> &mut bool) -> bool {
        let mut state = self.state();
        let strikes = std::mem::take(which(&mut state));
        state.struck |= strikes;
        strikes
    }
}

/// The channel to the mailbox. A package is each file's name, length and bytes.
pub struct Post {
    pub outside: Outside,
    pub blobs: Arc<dyn Blobs>,
}

impl Post {
    async fn package(&self, parcel: &Parcel) -> Result<Option<Vec<u8>>, BlobError> {
        let mut package = Vec::new();
        for file in &parcel.files {
            let mut reader = self.blobs.open(&file.file.blob).await?;
            let mut bytes = Vec::new();
            while let Some(more) = reader.next().await? {
                bytes.extend_from_slice(&more);
            }
            package.extend_from_slice(format!("{}\n{}\n", file.file.filename, bytes.len()).as_bytes());
            package.extend_from_slice(&bytes);
        }
        Ok((!parcel.files.is_empty()).then_some(package))
    }
}

impl Channel for Post {
    fn service(&self) -> Service {
        Service::Dpo
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> Answer<'a, Sent, SendError> {
        Box::pin(async move {
            let passing = |why: &str| SendError::Passing(why.to_owned());
            if self.outside.strikes(|state| &mut state.not_taken) {
                return Err(passing("not taken"));
            }
            let package = self.package(parcel).await.map_err(|error| passing(&error.to_string()))?;
            let sbd = integrasjonspunkt::sbd::write(&parcel.envelope).unwrap().get().to_owned();
            {
                let mut state = self.outside.state();
                let letter = Letter { receipt: state.taken.len().to_string(), sbd, package };
                state.taken.push(letter.clone());
                state.mailbox.push_back(letter);
            }
            if self.outside.strikes(|state| &mut state.taken_unheard) {
                return Err(passing("the answer was not heard"));
            }
            Ok(Sent::default())
        })
    }

    fn fetch(&self) -> Answer<'_, Box<dyn Arrivals + '_>, TroubleFetching> {
        Box::pin(async move {
            if self.outside.strikes(|state| &mut state.fetch) {
                return Err("no".to_owned().into());
            }
            let round: Box<dyn Arrivals> = Box::new(Round(self.outside.state().mailbox.clone()));
            Ok(round)
        })
    }

    fn confirm<'a>(&'a self, receipt: &'a str) -> Answer<'a, (), TroubleFetching> {
        Box::pin(async move {
            if self.outside.strikes(|state| &mut state.confirm) {
                return Err("no".to_owned().into());
            }
            self.outside.state().mailbox.retain(|letter| letter.receipt != receipt);
            Ok(())
        })
    }

    fn check(&self) -> Answer<'_, (), CannotUse> {
        Box::pin(async { Ok(()) })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// What lay in the mailbox when the round began.
struct Round(VecDeque<Letter>);

impl Arrivals for Round {
    fn next(&mut self) -> Answer<'_, Option<Arrival>, TroubleFetching> {
        let next = self.0.pop_front().map(|letter| Arrival::Message(Box::new(arrived(letter))));
        Box::pin(async move { Ok(next) })
    }
}

fn arrived(letter: Letter) -> Arrived {
    let envelope = integrasjonspunkt::sbd::read_foreign(letter.sbd.as_bytes()).unwrap();
    let package = letter.package.map(|bytes| -> Box<dyn BlobReader> { Box::new(Whole(Some(bytes))) });
    Arrived { envelope, package, judgement: None, receipt: letter.receipt }
}

struct Whole(Option<Vec<u8>>);

impl BlobReader for Whole {
    fn next(&mut self) -> Answer<'_, Option<bytes::Bytes>, BlobError> {
        let bytes = self.0.take().map(Into::into);
        Box::pin(async move { Ok(bytes) })
    }
}

/// Files whose calls fail when it is their turn.
pub struct Failing<T> {
    pub outside: Outside,
    pub inner: T,
}

fn failed() -> BlobError {
    BlobError::Disk { act: "fail", id: BlobId::random([0; 16]), source: io::Error::other("no room") }
}

impl<T: Blobs> Blobs for Failing<T> {
    fn begin<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        Box::pin(async move {
            if self.outside.disk_fails() {
                return Err(failed());
            }
            let inner = self.inner.begin(id).await?;
            let writer: Box<dyn BlobWriter> = Box::new(Failing { outside: self.outside.clone(), inner });
            Ok(writer)
        })
    }

    fn open<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        Box::pin(async move {
            if self.outside.disk_fails() {
                return Err(failed());
            }
            let inner = self.inner.open(id).await?;
            let reader: Box<dyn BlobReader> = Box::new(Failing { outside: self.outside.clone(), inner });
            Ok(reader)
        })
    }

    fn older(&self, part: u8, before: jiff::Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        self.inner.older(part, before)
    }

    fn remove<'a>(&'a self, id: &'a BlobId) -> Answer<'a, (), BlobError> {
        Box::pin(async move { if self.outside.disk_fails() { Err(failed()) } else { self.inner.remove(id).await } })
    }
}

impl BlobWriter for Failing<Box<dyn BlobWriter>> {
    fn write(&mut self, bytes: bytes::Bytes) -> Answer<'_, (), BlobError> {
        Box::pin(async move { if self.outside.disk_fails() { Err(failed()) } else { self.inner.write(bytes).await } })
    }

    fn finish(self: Box<Self>) -> Answer<'static, u64, BlobError> {
        Box::pin(async move { if self.outside.disk_fails() { Err(failed()) } else { self.inner.finish().await } })
    }
}

impl BlobReader for Failing<Box<dyn BlobReader>> {
    fn next(&mut self) -> Answer<'_, Option<bytes::Bytes>, BlobError> {
        Box::pin(async move { if self.outside.disk_fails() { Err(failed()) } else { self.inner.next().await } })
    }
}

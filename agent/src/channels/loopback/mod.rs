//! A channel that leads to a folder: what one integration point sends, another that has the same folder fetches.
//!
//! Below the folder lies one for each receiver, and in it one for each message: `sbd.json`, and `package.zip` where it
//! has files. A message is written elsewhere and renamed into place whole. Its package is an ASiC-E container with no envelope
//! round it, signed where the sender has a key. Who listens has its folder from the start on: who has none is not known.

use crate::domain::{Kind, Participant, Service};
use crate::ports::{
    Answer, Arrival, Arrivals, Arrived, BlobError, BlobReader, CannotUse, Channel, Packing, Parcel, Parties, SealError,
    SendError, Sent, ToSeal, TroubleFetching,
};
use bytes::Bytes;
use efm::atomic;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// What is being written; no receiver is called so.
const BEING_WRITTEN: &str = ".being-written";
/// So many are fetched in a round.
const A_ROUND: usize = 20;
/// The folder is looked into so often.
const PACE: Duration = Duration::from_millis(100);
/// An envelope larger than this is something else.
const SBD_LIMIT_BYTES: u64 = 5 << 20;

/// The channel.
pub struct Loopback {
    folder: PathBuf,
    service: Service,
    own: String,
    packing: Arc<dyn Packing>,
}

impl Loopback {
    /// Over this folder, in place of this service, for this organisation.
    pub fn new(folder: PathBuf, service: Service, own: String, packing: Arc<dyn Packing>) -> Self {
        Self { folder, service, own, packing }
    }

    /// Whether a folder has, or had, somebody who listens.
    pub fn knows(folder: &Path, receiver: &str) -> bool {
        !receiver.is_empty() && folder.join(plain(receiver)).is_dir()
    }

    /// The bytes of the package; none where there are no files.
    async fn package(&self, parcel: &Parcel) -> Result<Option<Box<dyn BlobReader>>, SendError> {
        if parcel.files.is_empty() {
            return Ok(None);
        }
        let text = |who: Option<&Participant>| who.map(Participant::text).unwrap_or_default();
        let (sender, receiver) = (text(parcel.envelope.sender()), text(parcel.envelope.receiver()));
        let package = ToSeal { parties: Some(Parties { sender, receiver }), files: parcel.files.clone() };
        let packed = self.packing.pack(&package).await;
        packed.map(Some).map_err(|error| {
            // No later try packs a file that has no name to be packed under.
            if matches!(error, SealError::File { .. }) {
                return SendError::Final { text: error.to_string(), raw_receipt: None };
            }
            SendError::Passing(efm::chain::Chain(&error).to_string())
        })
    }
}

impl Channel for Loopback {
    fn service(&self) -> Service {
        self.service
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> Answer<'a, Sent, SendError> {
        Box::pin(async move {
            let name = name(parcel).ok_or_else(|| lacks("an id"))?;
            let receiver = parcel.envelope.receiver().ok_or_else(|| lacks("a receiver"))?;
            let target = self.folder.join(plain(receiver.primary())).join(&name);
            let beside = self.folder.join(BEING_WRITTEN).join(&name);
            let sbd = crate::sbd::write(&parcel.envelope).map_err(|error| SendError::Passing(error.to_string()))?;
            if target.exists() {
                return Ok(Sent { external_reference: Some(name) });
            }
            let package = self.package(parcel).await?;
            let runtime = tokio::runtime::Handle::current();
            let written = tokio::task::spawn_blocking(move || {
                // What somebody left who was killed.
                remove_all(&beside)?;
                let written = write(&beside, &target, sbd.get().as_bytes(), package, &runtime);
                if written.is_err() {
                    let _ = remove_all(&beside);
                }
                written
            });
            let written = written.await.map_err(io::Error::other).and_then(|written| written);
            written.map_err(|error| SendError::Passing(format!("write into the folder: {error}")))?;
            Ok(Sent { external_reference: Some(name) })
        })
    }

    // Who listens is known to the others from now on.
    fn check(&self) -> Answer<'_, (), CannotUse> {
        let mailbox = self.folder.join(plain(&self.own));
        Box::pin(async move {
            let made = tokio::fs::create_dir_all(&mailbox).await;
            made.map_err(|error| CannotUse::Unavailable(format!("make the folder {}: {error}", mailbox.display())))
        })
    }

    fn fetch(&self) -> Answer<'_, Box<dyn Arrivals + '_>, TroubleFetching> {
        Box::pin(async move {
            let mailbox = self.folder.join(plain(&self.own));
            let entries = match tokio::fs::read_dir(&mailbox).await {
                Ok(entries) => Some(entries),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(trouble(&error)),
            };
            let round: Box<dyn Arrivals> =
                Box::new(Round { entries, left: A_ROUND, packing: Arc::clone(&self.packing) });
            Ok(round)
        })
    }

    fn confirm<'a>(&'a self, receipt: &'a str) -> Answer<'a, (), TroubleFetching> {
        let path = self.folder.join(plain(&self.own)).join(plain(receipt));
        Box::pin(async move {
            let removed = tokio::task::spawn_blocking(move || remove_all(&path)).await;
            let removed = removed.map_err(io::Error::other).and_then(|removed| removed);
            removed.map_err(|error| format!("remove from the folder: {error}").into())
        })
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

/// What lies in the folder, a bounded number of it.
struct Round {
    entries: Option<tokio::fs::ReadDir>,
    left: usize,
    packing: Arc<dyn Packing>,
}

impl Arrivals for Round {
    fn next(&mut self) -> Answer<'_, Option<Arrival>, TroubleFetching> {
        Box::pin(async move {
            let Some(entries) = self.entries.as_mut().filter(|_| self.left > 0) else { return Ok(None) };
            let Some(entry) = entries.next_entry().await.map_err(|error| trouble(&error))? else { return Ok(None) };
            self.left -= 1;
            Ok(Some(match open(&entry.path(), &*self.packing).await {
                Ok(one) => Arrival::Message(Box::new(one)),
                Err(error) => {
                    let what = entry.file_name().to_string_lossy().into_owned();
                    Arrival::Stays { what, why: format!("it is no message: {error}") }
                }
            }))
        })
    }
}

fn trouble(error: &io::Error) -> TroubleFetching {
    format!("read the folder: {error}").into()
}

fn lacks(what: &str) -> SendError {
    SendError::Final { text: format!("the message has no {what}"), raw_receipt: None }
}

/// A message and each status of it have names of their own.
fn name(parcel: &Parcel) -> Option<String> {
    let id = parcel.envelope.document.message_id.as_ref()?.to_string();
    if parcel.envelope.document.kind != Kind::Status {
        return Some(id);
    }
    Some(format!("{id}-{}", parcel.envelope.body.status.as_deref().map(plain)?))
}

/// A name that leads nowhere else.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_alphanumeric() || matches!(letter, '-' | '_') { letter } else { '_' })
        .collect()
}

fn remove_all(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// All of it elsewhere, and then in its place.
fn write(
    beside: &Path,
    target: &Path,
    sbd: &[u8],
    package: Option<Box<dyn BlobReader>>,
    runtime: &tokio::runtime::Handle,
) -> io::Result<()> {
    std::fs::create_dir_all(beside)?;
    atomic::replace(&beside.join("sbd.json"), sbd)?;
    if let Some(mut package) = package {
        let mut file = std::fs::File::create_new(beside.join("package.zip"))?;
        while let Some(bytes) = runtime.block_on(package.next()).map_err(io::Error::other)? {
            file.write_all(&bytes)?;
        }
        file.sync_all()?;
    }
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    atomic::rename(beside, target)
}

async fn open(path: &Path, packing: &dyn Packing) -> io::Result<Arrived> {
    let receipt = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| io::Error::other("its name"))?;
    let receipt = receipt.to_owned();
    let mut sbd = Vec::new();
    tokio::fs::File::open(path.join("sbd.json")).await?.take(SBD_LIMIT_BYTES).read_to_end(&mut sbd).await?;
    let envelope = crate::sbd::read_foreign(&sbd).map_err(io::Error::other)?;
    let file = match tokio::fs::File::open(path.join("package.zip")).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Arrived { envelope, package: None, judgement: None, receipt });
        }
        Err(error) => return Err(error),
    };
    let looked = packing.look(Box::new(Plain(file))).await.map_err(io::Error::other)?;
    Ok(Arrived { envelope, package: Some(looked.package), judgement: Some(looked.judgement), receipt })
}

/// The bytes of a file as they are.
struct Plain(tokio::fs::File);

impl BlobReader for Plain {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(async move {
            let mut bytes = vec![0; 64 << 10];
            let id = crate::domain::BlobId::random([0; 16]);
            let read = self.0.read(&mut bytes).await;
            let count = read.map_err(|source| BlobError::Disk { act: "read package", id, source })?;
            bytes.truncate(count);
            Ok((count > 0).then(|| bytes.into()))
        })
    }
}

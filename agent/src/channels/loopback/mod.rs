//! A channel that leads to a folder: what one integration point sends, another that has the same folder fetches.
//!
//! Below the folder lies one for each receiver, and in it one for each message: `sbd.json`, and `package.zip` where it
//! has files. A message is written elsewhere and renamed into place whole. Its package is a plain zip of the files; it
//! is neither signed nor encrypted, and no real channel sends it.

mod package;

use crate::domain::{Kind, Service};
use crate::ports::{
    Answer, Arrival, Arrivals, Arrived, BlobError, BlobReader, Blobs, CannotUse, Channel, Parcel, SendError, Sent,
    TroubleFetching,
};
use bytes::Bytes;
use efm::atomic;
use std::io;
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
    blobs: Arc<dyn Blobs>,
}

impl Loopback {
    /// Over this folder, in place of this service, for this organisation.
    pub fn new(folder: PathBuf, service: Service, own: String, blobs: Arc<dyn Blobs>) -> Self {
        Self { folder, service, own, blobs }
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
            let (files, blobs) = (parcel.files.clone(), Arc::clone(&self.blobs));
            let runtime = tokio::runtime::Handle::current();
            let written = tokio::task::spawn_blocking(move || {
                // What an earlier try left.
                remove_all(&beside)?;
                std::fs::create_dir_all(&beside)?;
                atomic::replace(&beside.join("sbd.json"), sbd.get().as_bytes())?;
                if !files.is_empty() {
                    package::write(&beside.join("package.zip"), &files, &*blobs, &runtime)?;
                }
                if let Some(folder) = target.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                atomic::rename(&beside, &target)
            });
            let written = written.await.map_err(io::Error::other).and_then(|written| written);
            written.map_err(|error| SendError::Passing(format!("write into the folder: {error}")))?;
            Ok(Sent { external_reference: Some(name) })
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
            let round: Box<dyn Arrivals> = Box::new(Round { entries, left: A_ROUND });
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

    fn check(&self) -> Answer<'_, (), CannotUse> {
        Box::pin(async { Ok(()) })
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

/// What lies in the folder, a bounded number of it.
struct Round {
    entries: Option<tokio::fs::ReadDir>,
    left: usize,
}

impl Arrivals for Round {
    fn next(&mut self) -> Answer<'_, Option<Arrival>, TroubleFetching> {
        Box::pin(async move {
            let Some(entries) = self.entries.as_mut().filter(|_| self.left > 0) else { return Ok(None) };
            let Some(entry) = entries.next_entry().await.map_err(|error| trouble(&error))? else { return Ok(None) };
            self.left -= 1;
            Ok(Some(match open(&entry.path()).await {
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

async fn open(path: &Path) -> io::Result<Arrived> {
    let receipt = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| io::Error::other("its name"))?;
    let mut sbd = Vec::new();
    tokio::fs::File::open(path.join("sbd.json")).await?.take(SBD_LIMIT_BYTES).read_to_end(&mut sbd).await?;
    let envelope = crate::sbd::read_foreign(&sbd).map_err(io::Error::other)?;
    let package: Option<Box<dyn BlobReader>> = match tokio::fs::File::open(path.join("package.zip")).await {
        Ok(file) => Some(Box::new(Plain(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Arrived { envelope, package, judgement: None, receipt: receipt.to_owned() })
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

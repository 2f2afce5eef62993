//! Download: the signature first, then the archive into a private place, hashed while it comes in.
//!
//! Cancel safe: what is on disk is gone on with by the next look, from where it ended, if the server still has the
//! same bytes. Nothing here has a launchable name.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;

use super::compare::{Refusal, Upgrade};
use super::{Progress, UpdateError, World, verify};
use crate::ports::{Doors, Opened, ReleaseSource, SourceError, Staging, Vault, VaultError};
use crate::release::openpgp::Reading;
use crate::release::{Sha256, digest};

/// Room that stays free whatever is fetched.
const ROOM_TO_BREATHE_BYTES: u64 = 64 << 20;
/// How often those who look on are told.
const TOLD_EACH_BYTES: u64 = 1 << 20;

/// A detached signature as it was published.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Its digest: another signature means other bytes.
    pub sha256: Sha256,
}

/// An archive that is whole on our disk, with all that was hashed on the way. Not trusted yet.
pub struct Downloaded {
    pub(super) upgrade: Upgrade,
    pub(super) staging: Staging,
    pub(super) reading: Reading,
    pub(super) signature: Signature,
}

/// The signature, before anything else. A release that is not published whole yet ends here and changes nothing.
pub async fn signature<D: Doors>(world: &World<D>, upgrade: &Upgrade) -> Result<Signature, UpdateError> {
    let bytes = world.source.signature(upgrade.release()).await?;
    let sha256 = digest::sha256(&bytes);
    let signature = Signature { bytes, sha256 };
    if let Some(reason) = upgrade.given_up(&signature.sha256) {
        let version = upgrade.release().version().clone();
        return Err(Refusal::GivenUp { version, reason: reason.to_owned() }.into());
    }
    Ok(signature)
}

/// The archive. The signature must already be one that could count: a bad one costs no download.
pub async fn archive<D: Doors>(
    world: &World<D>,
    upgrade: Upgrade,
    signature: Signature,
) -> Result<Downloaded, UpdateError> {
    let release = upgrade.release().clone();
    tracing::info!(version = %release.version(), "download");
    let checksums = world.source.checksums(&release).await?;
    let reading = verify::begin(world, &release.tag, &signature, &checksums)?;
    let mut staging = world.vault.stage(&release.tag)?;
    let opened = match world.source.open(&release, staging.resume.as_ref()).await {
        Ok(opened) => opened,
        Err(refused @ SourceError::Refused { .. }) => {
            // Asked for the rest again it would give the same answer for ever.
            world.vault.start_anew(&mut staging, None)?;
            return Err(refused.into());
        }
        Err(error) => return Err(error.into()),
    };
    check_room(world, &opened).await?;
    let reading = go_on_or_start_anew(world, &mut staging, &opened, reading, || {
        verify::begin(world, &release.tag, &signature, &checksums)
    })
    .await?;
    let reading = match take_in(world, &release, &mut staging, opened, reading).await {
        Ok(reading) => reading,
        // What a server lied about is not gone on with; what was only cut off is.
        Err(error @ UpdateError::Source(SourceError::Refused { .. })) => {
            world.vault.discard(staging)?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    world.vault.finish(&mut staging).await?;
    tracing::info!(version = %release.version(), bytes = staging.length, "downloaded");
    Ok(Downloaded { upgrade, staging, reading, signature })
}

/// An archive that lies on this machine already, through the same staging and the same judgement.
pub(super) async fn from_opened<D: Doors>(
    world: &World<D>,
    upgrade: Upgrade,
    signature: Signature,
    opened: Opened,
) -> Result<Downloaded, UpdateError> {
    let release = upgrade.release().clone();
    let reading = verify::begin(world, &release.tag, &signature, &[])?;
    check_room(world, &opened).await?;
    let mut staging = world.vault.stage(&release.tag)?;
    world.vault.start_anew(&mut staging, None)?;
    let reading = take_in(world, &release, &mut staging, opened, reading).await?;
    world.vault.finish(&mut staging).await?;
    Ok(Downloaded { upgrade, staging, reading, signature })
}

/// Before the first byte: the rest of the archive, what is unpacked or mirrored of it, and the copy of the data.
async fn check_room<D: Doors>(world: &World<D>, opened: &Opened) -> Result<(), UpdateError> {
    let limit = world.settings.network.jar_limit_bytes;
    let length = opened.length.unwrap_or(0);
    if length > limit {
        let reason = format!("it is {length} bytes long, and network.jar_limit is {limit}");
        return Err(SourceError::Refused { what: "archive".into(), reason }.into());
    }
    let rest = length.saturating_sub(opened.starts_at);
    let needed = rest
        .saturating_add(length)
        .saturating_add(world.vault.data_size().await?)
        .saturating_add(ROOM_TO_BREATHE_BYTES);
    let free = world.vault.free_bytes()?;
    if free < needed {
        let what = "the archive, its copy and the backup".to_owned();
        return Err(VaultError::NoRoom { what, needed, free, path: world.settings.home.clone() }.into());
    }
    Ok(())
}

/// What an earlier fetch left is hashed from disk when the server goes on from there; otherwise it is thrown away.
async fn go_on_or_start_anew<D: Doors>(
    world: &World<D>,
    staging: &mut Staging,
    opened: &Opened,
    mut reading: Reading,
    begin: impl Fn() -> Result<Reading, UpdateError>,
) -> Result<Reading, UpdateError> {
    if opened.starts_at > 0 && opened.starts_at == staging.length {
        match hash_prefix(staging, &mut reading).await {
            Ok(()) => return Ok(reading),
            // Cannot be: the vault has just told the length. Then nothing of it is believed.
            Err(error) => tracing::warn!(%error, "cannot read what an earlier fetch left"),
        }
        reading = begin()?;
    }
    if opened.starts_at > 0 {
        let reason = format!("it goes on at byte {}, and {} are here", opened.starts_at, staging.length);
        world.vault.start_anew(staging, None)?;
        return Err(SourceError::Refused { what: "archive".into(), reason }.into());
    }
    world.vault.start_anew(staging, opened.validator.as_deref())?;
    Ok(reading)
}

/// Gives way now and then: the prefix may be gigabytes, and the child is cared for by the same thread.
async fn hash_prefix(staging: &Staging, reading: &mut Reading) -> std::io::Result<()> {
    let mut file = std::fs::File::open(&staging.file)?;
    file.seek(SeekFrom::Start(0))?;
    let mut left = staging.length;
    let mut buffer = vec![0; 256 * 1024];
    while left > 0 {
        tokio::task::yield_now().await;
        let read = file.read(&mut buffer)?;
        let part = buffer.get(..read).filter(|part| !part.is_empty()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        left = left.saturating_sub(u64::try_from(part.len()).unwrap_or(u64::MAX));
        reading.update(part);
    }
    Ok(())
}

async fn take_in<D: Doors>(
    world: &World<D>,
    release: &crate::release::Release,
    staging: &mut Staging,
    mut opened: Opened,
    mut reading: Reading,
) -> Result<Reading, UpdateError> {
    let limit = opened.length.unwrap_or(world.settings.network.jar_limit_bytes);
    let mut told = None;
    while let Some(chunk) = next_or_keep(world, staging, &mut opened).await? {
        refuse_more_than(limit, staging, &chunk)?;
        reading.update(&chunk);
        world.vault.append(staging, &chunk)?;
        let step = staging.length / TOLD_EACH_BYTES;
        if told != Some(step) {
            told = Some(step);
            let progress =
                Progress::Fetching { version: release.version().clone(), done: staging.length, total: opened.length };
            world.progress.send_replace(progress);
        }
    }
    match opened.length {
        Some(length) if length != staging.length => {
            let reason = format!("{} bytes came, {length} were promised", staging.length);
            Err(SourceError::Refused { what: "archive".into(), reason }.into())
        }
        Some(_) | None => Ok(reading),
    }
}

/// The next bytes. Where the connection breaks, what came is made sure of: a line that never holds for long would
/// otherwise never bring a whole archive.
async fn next_or_keep<D: Doors>(
    world: &World<D>,
    staging: &mut Staging,
    opened: &mut Opened,
) -> Result<Option<Bytes>, UpdateError> {
    match opened.body.chunk().await {
        Err(broken @ SourceError::Unreachable { .. }) => {
            if let Err(error) = world.vault.finish(staging).await {
                tracing::warn!(error = %efm::chain::Chain(&error), "what was fetched so far is not kept");
            }
            Err(broken.into())
        }
        next => Ok(next?),
    }
}

fn refuse_more_than(limit: u64, staging: &Staging, chunk: &Bytes) -> Result<(), UpdateError> {
    let after = staging.length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    if after > limit {
        let reason = format!("more than {limit} bytes come");
        return Err(SourceError::Refused { what: "archive".into(), reason }.into());
    }
    Ok(())
}

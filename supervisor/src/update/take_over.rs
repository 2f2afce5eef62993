//! Take over: a jar that KOSMOS or a person left in the home folder goes through the same verification as one that
//! was just fetched, and only then may it be started by us.
//!
//! What runs already is not stopped for this. A jar whose signature cannot be had yet stays where it is.

use std::path::{Path, PathBuf};

use super::compare::Upgrade;
use super::download::{self, Signature};
use super::{UpdateError, Verified, World, verify};
use crate::ports::{Body, Doors, Opened, ReleaseSource, SourceError, Vault};
use crate::release::{Release, Tag, digest};

/// Verifies a file and moves a copy of it into the vault.
pub async fn import<D: Doors>(world: &World<D>, tag: &Tag, file: &Path) -> Result<Verified, UpdateError> {
    let release = Release { tag: tag.clone() };
    let signature = signature(world, &release, file).await?;
    let upgrade = Upgrade::of_what_is_here(release, world.vault.all_held()?);
    if let Some(verified) = verify::already_here(world, &upgrade, &signature)? {
        return Ok(verified);
    }
    let opened = open(file).await?;
    let taken = download::from_opened(world, upgrade, signature, opened).await?;
    verify::downloaded(world, taken).await
}

/// Beside the file, or from where the release came from.
async fn signature<D: Doors>(world: &World<D>, release: &Release, file: &Path) -> Result<Signature, UpdateError> {
    let beside = beside(file);
    let bytes = match std::fs::metadata(&beside) {
        Ok(found) if found.len() > world.settings.network.signature_limit_bytes => {
            let reason = format!("{} bytes are too many for a signature", found.len());
            return Err(SourceError::Refused { what: beside.display().to_string(), reason }.into());
        }
        Ok(_) => {
            std::fs::read(&beside).map_err(|source| SourceError::Read { what: beside.display().to_string(), source })?
        }
        Err(_) => world.source.signature(release).await.map_err(|error| nowhere(error, &beside))?,
    };
    let sha256 = digest::sha256(&bytes);
    Ok(Signature { bytes, sha256 })
}

/// A person who imports a file is told of the place that he can fill, too.
fn nowhere(error: SourceError, beside: &Path) -> SourceError {
    if let SourceError::NotPublished { what } = error {
        return SourceError::NotPublished { what: format!("{what} (and {} is not there)", beside.display()) };
    }
    error
}

/// `integrasjonspunkt-4.0.8.jar` → `integrasjonspunkt-4.0.8.jar.asc`
fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".asc");
    file.with_file_name(name)
}

async fn open(file: &Path) -> Result<Opened, UpdateError> {
    let failed = |source| SourceError::Read { what: file.display().to_string(), source };
    let opened = tokio::fs::File::open(file).await.map_err(failed)?;
    let length = opened.metadata().await.map_err(failed)?.len();
    Ok(Opened { starts_at: 0, length: Some(length), validator: None, body: Body::File(opened) })
}

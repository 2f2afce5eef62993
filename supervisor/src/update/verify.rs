//! Verify: the only place that makes a [`Verified`], and so the only way to anything that is started.
//!
//! Three ways in: bytes that were just downloaded, bytes that already lie in the vault with the same signature, and
//! bytes that are started again (the pointer names them; they are hashed before each start).

use std::fs::File;

use efm::chain::Chain;
use jiff::Timestamp;

use super::compare::{self, Refusal, Upgrade, Wish};
use super::download::{Downloaded, Signature};
use super::{Progress, UpdateError, World};
use crate::config::settings::Kind;
use crate::ports::{Doors, Facts, Needs, Staging, Stored, Vault};
use crate::release::jar::{self, Platform};
use crate::release::openpgp::{Keyring, Policy, Reading, Witness};
use crate::release::{Checksum, Release, Tag};

/// Proof that these bytes were signed by a key we trust and say themselves that they are the version asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    stored: Stored,
    below_floor: Option<String>,
}

impl Verified {
    /// Where the bytes lie.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// The reason a person gave for going below a floor.
    pub fn below_floor(&self) -> Option<&str> {
        self.below_floor.as_deref()
    }
}

/// What the pointer or a trial names was verified when it came in, lies where only we write, and is hashed before each
/// start; a key that has expired since does not take a service down.
pub fn lies_here<D: Doors>(world: &World<D>, sha256: &crate::release::Sha256) -> Result<Option<Verified>, UpdateError> {
    Ok(world.vault.stored(sha256)?.map(|stored| Verified { stored, below_floor: None }))
}

/// The version that a person names, if it lies here and the rules let it in.
pub fn named_and_here<D: Doors>(world: &World<D>, wish: &Wish) -> Result<Option<Verified>, UpdateError> {
    let Wish::This { version, .. } = wish else { return Ok(None) };
    let Some(stored) = world.vault.all_stored()?.into_iter().find(|stored| stored.version() == version) else {
        return Ok(None);
    };
    let release = Release { tag: stored.tag.clone() };
    let Some(upgrade) = compare::with_what_is_here(world, release, wish)? else { return Ok(None) };
    if let Some(reason) = upgrade.given_up_bytes(&stored.sha256) {
        return Err(Refusal::GivenUp { version: version.clone(), reason: reason.to_owned() }.into());
    }
    if let Some(too_old) = upgrade.is_too_old(stored.built, stored.signed) {
        return Err(refused_as(&stored.tag, &too_old));
    }
    Ok(Some(Verified { stored, below_floor: upgrade.below_floor().map(str::to_owned) }))
}

/// Starts the judgement: keys, policy, and whether the signature could count at all.
pub fn begin<D: Doors>(
    world: &World<D>,
    tag: &Tag,
    signature: &Signature,
    checksums: &[Checksum],
) -> Result<Reading, UpdateError> {
    let keyring = read_keys(world)?;
    let policy = Policy { accept_expired_key: world.settings.release.accept_expired_key };
    keyring
        .begin(&signature.bytes, checksums, &policy, world.clock.now())
        .map_err(|refusal| UpdateError::Verification { tag: tag.to_string(), reason: Chain(&refusal).to_string() })
}

/// The keys, read anew each time: a refreshed file counts at once.
pub fn read_keys<D: Doors>(world: &World<D>) -> Result<Keyring, UpdateError> {
    let rules = &world.settings.release;
    let mut files = Vec::new();
    for path in &rules.keys {
        let bytes = std::fs::read(path)
            .map_err(|error| UpdateError::Keys { reason: format!("{}: {error}", path.display()) })?;
        files.push((path.display().to_string(), bytes));
    }
    Keyring::read(&files, &rules.fingerprints).map_err(|error| UpdateError::Keys { reason: Chain(&error).to_string() })
}

/// Bytes of this tag that came with this very signature and lie here complete.
pub fn already_here<D: Doors>(
    world: &World<D>,
    upgrade: &Upgrade,
    signature: &Signature,
) -> Result<Option<Verified>, UpdateError> {
    let tag = &upgrade.release().tag;
    let same = world.vault.all_stored()?.into_iter().find(|stored| {
        stored.tag == *tag
            && stored.signature == signature.sha256
            && upgrade.is_too_old(stored.built, stored.signed).is_none()
    });
    let Some(stored) = same else { return Ok(None) };
    // The keys may have changed since it came in: whether this signature can still count is asked again.
    begin(world, tag, signature, &[])?;
    Ok(Some(Verified { stored, below_floor: upgrade.below_floor().map(str::to_owned) }))
}

/// The verdict over downloaded bytes. Refused bytes are thrown away; accepted ones move into the vault.
pub async fn downloaded<D: Doors>(world: &World<D>, downloaded: Downloaded) -> Result<Verified, UpdateError> {
    let Downloaded { upgrade, staging, reading, signature } = downloaded;
    let tag = upgrade.release().tag.clone();
    world.progress.send_replace(Progress::Verifying(tag.version().clone()));
    let facts = match judge(world, &upgrade, &staging, reading, signature) {
        Ok(facts) => facts,
        Err(refused) => {
            world.vault.discard(staging)?;
            return Err(refused);
        }
    };
    let stored = world.vault.admit(staging, &facts).await?;
    tracing::info!(version = %tag.version(), sha256 = %stored.sha256, signer = %stored.signer, "verified");
    Ok(Verified { stored, below_floor: upgrade.below_floor().map(str::to_owned) })
}

fn judge<D: Doors>(
    world: &World<D>,
    upgrade: &Upgrade,
    staging: &Staging,
    reading: Reading,
    signature: Signature,
) -> Result<Facts, UpdateError> {
    let tag = &upgrade.release().tag;
    let refuse = |reason: String| UpdateError::Verification { tag: tag.to_string(), reason };
    let witness = reading.finish().map_err(|refusal| refuse(Chain(&refusal).to_string()))?;
    for warning in &witness.warnings {
        tracing::warn!(%tag, %warning, "signature");
    }
    if let Some(reason) = upgrade.given_up_bytes(&witness.sha256) {
        return Err(Refusal::GivenUp { version: tag.version().clone(), reason: reason.to_owned() }.into());
    }
    let said = what_it_says(staging, tag, world.settings.release.source.artifact())
        .map_err(|e| refuse(Chain(&e).to_string()))?;
    let built = said.built.map(Timestamp::as_second);
    if let Some(too_old) = upgrade.is_too_old(built, witness.signer.signed_at.as_second()) {
        return Err(refused_as(tag, &too_old));
    }
    let program = match world.settings.child.kind {
        Kind::Java => None,
        Kind::Native => {
            let artifact = world.settings.release.source.artifact();
            Some(said.program(artifact, Platform::HERE).map_err(|error| refuse(error.to_string()))?.to_owned())
        }
    };
    Ok(facts(&witness, &said, program, signature))
}

fn what_it_says(staging: &Staging, tag: &Tag, artifact: &str) -> Result<jar::Said, jar::JarError> {
    let mut file = File::open(&staging.file).map_err(jar::JarError::Read)?;
    let said = jar::read(&mut file)?;
    said.must_be(tag, artifact)?;
    Ok(said)
}

fn refused_as(tag: &Tag, too_old: &compare::TooOld) -> UpdateError {
    let version = tag.version();
    let reason = format!("{too_old}; a person can say: kosmos upgrade --to {version} --allow-downgrade");
    UpdateError::Verification { tag: tag.to_string(), reason }
}

fn facts(witness: &Witness, said: &jar::Said, program: Option<String>, signature: Signature) -> Facts {
    Facts {
        sha256: witness.sha256,
        length: witness.length,
        needs: Needs { java: said.java },
        built: said.built.map(Timestamp::as_second),
        signed: witness.signer.signed_at.as_second(),
        signer: witness.signer.primary_fingerprint.clone(),
        signature: signature.bytes,
        program,
    }
}

//! Compare: is this release one that we want? Decided with values; the door is only asked for them.
//!
//! Gives an [`Upgrade`], nothing (we have it), or a [`Refusal`] that says which rule and what a person can do.

use jiff::Timestamp;

use super::{UpdateError, World};
use crate::config::settings;
use crate::ports::{Doors, Floors, Held, Named, Vault};
use crate::release::{Release, Sha256, Tag, Version};

/// What is wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// What the source offers on our channel.
    Newest,
    /// A version that a person named.
    This {
        /// Which.
        version: Version,
        /// The reason a person gave for going below a floor; none: not allowed.
        downgrade: Option<String>,
    },
}

/// Proof that a release is wanted here.
#[derive(Clone, Debug)]
pub struct Upgrade {
    release: Release,
    /// What is held against this version; a change of its signature means that other bytes have come.
    held: Vec<(Sha256, Held)>,
    below_floor: Option<String>,
    floors: Floors,
}

impl Upgrade {
    /// A version that was here before us: no rule of ours is asked, but its bytes are verified like any other's.
    pub(super) fn of_what_is_here(release: Release, held: Vec<(Sha256, Held)>) -> Self {
        Self { release, held, below_floor: None, floors: Floors::default() }
    }

    /// Which release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Whether bytes that came with this signature were given up here, and why.
    pub fn given_up(&self, signature: &Sha256) -> Option<&str> {
        self.held.iter().find(|(_, held)| held.signature == *signature).and_then(|(_, held)| held.given_up.as_deref())
    }

    /// Whether any bytes of this version were given up here, and why; other bytes may have come since.
    pub fn given_up_version(&self) -> Option<&str> {
        self.held.iter().find_map(|(_, held)| held.given_up.as_deref())
    }

    /// Whether these bytes were given up here, and why.
    pub fn given_up_bytes(&self, sha256: &Sha256) -> Option<&str> {
        self.held.iter().find(|(bytes, _)| bytes == sha256).and_then(|(_, held)| held.given_up.as_deref())
    }

    /// The reason a person gave for going below a floor.
    pub fn below_floor(&self) -> Option<&str> {
        self.below_floor.as_deref()
    }

    /// What was built, or signed, before what has run here is not taken, unless a person said so: an old release under
    /// a new name, or an old signature that was kept back. Seconds since 1970.
    pub fn is_too_old(&self, built: Option<i64>, signed: i64) -> Option<TooOld> {
        let below = |floor: Option<i64>, at: i64| floor.filter(|floor| at < *floor && self.below_floor.is_none());
        let by_build = built.and_then(|at| Some(TooOld { what: "built", at, floor: below(self.floors.built, at)? }));
        by_build.or_else(|| Some(TooOld { what: "signed", at: signed, floor: below(self.floors.signed, signed)? }))
    }
}

/// Older than what has run here, though its version is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOld {
    what: &'static str,
    at: i64,
    floor: i64,
}

impl std::fmt::Display for TooOld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at =
            |second| Timestamp::from_second(second).map_or_else(|_| format!("second {second}"), |at| at.to_string());
        let Self { what, .. } = self;
        write!(f, "it was {what} at {}, and what has run here was {what} at {}", at(self.at), at(self.floor))
    }
}

/// Which rule says no, and what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The seat belt.
    #[error(
        "refuse {version}: its major version is above release.supported_major = {supported}; raise that setting when this machine is ready for it"
    )]
    SeatBelt {
        /// Which release.
        version: Version,
        /// The highest major allowed.
        supported: u64,
    },
    /// `[release] allow`.
    #[error("refuse {version}: it is outside release.allow = \"{allow}\"")]
    NotAllowed {
        /// Which release.
        version: Version,
        /// The rule.
        allow: String,
    },
    /// Older than what has run here.
    #[error(
        "refuse {version}: {floor} has run here and nothing older is taken; a person can say: kosmos upgrade --to {version} --allow-downgrade"
    )]
    Older {
        /// Which release.
        version: Version,
        /// The newest that has run here.
        floor: Version,
    },
    /// It failed here before.
    #[error(
        "refuse {version}: it failed here and is not tried again until other bytes come ({reason}); a person can say: kosmos forgive {version}"
    )]
    GivenUp {
        /// Which release.
        version: Version,
        /// Why it was given up.
        reason: String,
    },
    /// KOSMOS' own marker.
    #[error("refuse {version}: KOSMOS' marker integrasjonspunkt-{version}.blocklisted holds it back until {until}")]
    Blocklisted {
        /// Which release.
        version: Version,
        /// Until when.
        until: String,
    },
}

/// What the decision is made from.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// What the pointer names.
    pub pointer: Option<Named>,
    /// What nothing may fall below.
    pub floors: Floors,
    /// All that is held against any bytes.
    pub held: Vec<(Sha256, Held)>,
    /// The markers that KOSMOS left.
    pub blocklisted: Vec<(Tag, Option<Timestamp>)>,
}

/// Reads what is here, and decides.
pub fn with_what_is_here<D: Doors>(
    world: &World<D>,
    release: Release,
    wish: &Wish,
) -> Result<Option<Upgrade>, UpdateError> {
    // A pointer to bytes that are gone is nothing that we have: they are fetched again.
    let pointer = match world.vault.pointer()? {
        Some(pointer) if world.vault.stored(&pointer.sha256)?.is_some() => Some(pointer),
        Some(_) | None => None,
    };
    let here = Here {
        pointer,
        floors: world.vault.floors()?,
        held: world.vault.all_held()?,
        blocklisted: world.vault.blocklisted(world.clock.now())?,
    };
    Ok(decide(release, wish, &here, &world.settings.release)?)
}

/// Whether what was verified some time ago is still wanted: rules, markers and what is held against it may have changed.
/// `false`: it is what we have.
pub fn still<D: Doors>(world: &World<D>, verified: &super::Verified, wish: &Wish) -> Result<bool, UpdateError> {
    let stored = verified.stored();
    let release = Release { tag: stored.tag.clone() };
    let Some(upgrade) = with_what_is_here(world, release, wish)? else { return Ok(false) };
    match upgrade.given_up_bytes(&stored.sha256) {
        None => Ok(true),
        Some(reason) => Err(Refusal::GivenUp { version: stored.version().clone(), reason: reason.to_owned() }.into()),
    }
}

/// The decision. `Ok(None)`: it is what we have.
pub fn decide(
    release: Release,
    wish: &Wish,
    here: &Here,
    rules: &settings::Release,
) -> Result<Option<Upgrade>, Refusal> {
    let version = release.version().clone();
    if here.pointer.as_ref().is_some_and(|pointer| *pointer.tag.version() == version) {
        return Ok(None);
    }
    if let Some(supported) = rules.supported_major
        && version.major() > supported
    {
        return Err(Refusal::SeatBelt { version, supported });
    }
    if let Some(allow) = &rules.allow
        && !fits(allow, &version)
    {
        return Err(Refusal::NotAllowed { version, allow: allow.to_string() });
    }
    let below_floor = match wish {
        Wish::This { downgrade, .. } => downgrade.clone(),
        Wish::Newest => None,
    };
    if let Some(floor) = &here.floors.version
        && version < *floor
        && below_floor.is_none()
    {
        return Err(Refusal::Older { version, floor: floor.clone() });
    }
    if let Some((_, until)) = here.blocklisted.iter().find(|(tag, _)| *tag.version() == version)
        && *wish == Wish::Newest
    {
        let until = until.map_or_else(|| "it is removed".to_owned(), |until| until.to_string());
        return Err(Refusal::Blocklisted { version, until });
    }
    let held = here.held.iter().filter(|(_, held)| held.version == version).cloned().collect();
    Ok(Some(Upgrade { release, held, below_floor, floors: here.floors.clone() }))
}

/// `semver` says that `^4` does not match `4.1.0-beta`; for a site that follows `earlybird` the numbers are what counts.
fn fits(allow: &semver::VersionReq, version: &Version) -> bool {
    let mut bare = version.as_semver().clone();
    let matches_as_it_is = allow.matches(&bare);
    bare.pre = semver::Prerelease::EMPTY;
    matches_as_it_is || allow.matches(&bare)
}

//! What is written down: pointer, trial, floors, what is held against bytes, the remembered child.
//!
//! What each of them means when both copies are broken is decided here. The pointer and the trial stay errors until
//! somebody points or ends the trial. Floors stay an error until a person sets them, and what is held until a person
//! removes the files: read as absent they would let a bad or old version in. The child may be forgotten; it is looked
//! for by its port and its command line anyway.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use super::document::Document;
use super::{Core, versions};
use crate::ports::{BackupId, Floors, Held, Named, Process, Stored, Trial, TrialStage, VaultError};
use crate::release::{Sha256, Tag, Version};

const CURRENT: Document = Document::new("current");
const TRIAL: Document = Document::new("trial");
const FLOORS: Document = Document::new("floors");
const HELD: Document = Document::new("held");
const CHILD: Document = Document::new("child");

#[derive(Serialize, Deserialize)]
struct PointerText {
    current: NamedText,
    /// What was pointed at before; kept on disk, for the day that somebody wants it back.
    previous: Option<NamedText>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NamedText {
    tag: String,
    sha256: Sha256,
}

#[derive(Serialize, Deserialize)]
struct TrialText {
    id: String,
    to: NamedText,
    from: Option<NamedText>,
    stage: StageText,
    backup: Option<String>,
    child: Option<Process>,
    came_up: bool,
    deaths: u32,
    red_before: Vec<String>,
    left: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StageText {
    Stopping,
    Trying,
    RollingBack,
}

#[derive(Serialize, Deserialize)]
struct FloorsText {
    version: Option<String>,
    built: Option<i64>,
    /// Came later than the other two; a file without it has no such floor yet.
    #[serde(default)]
    signed: Option<i64>,
}

#[derive(Default, Serialize, Deserialize)]
struct AllHeldText {
    by_sha256: BTreeMap<Sha256, HeldText>,
}

#[derive(Clone, Serialize, Deserialize)]
struct HeldText {
    version: String,
    deaths: u32,
    given_up: Option<String>,
    signature: Sha256,
}

// ── Pointer ─────────────────────────────────────────────────────────────────────────────────────────────────────────

pub(super) fn pointer(core: &Core) -> Result<Option<Named>, VaultError> {
    let text = CURRENT.read::<PointerText>(core, &core.state)?;
    text.map(|text| text.current.parse(core, CURRENT)).transpose()
}

/// What was pointed at before what is pointed at now.
pub(super) fn previous(core: &Core) -> Result<Option<Named>, VaultError> {
    let text = CURRENT.read::<PointerText>(core, &core.state)?;
    text.and_then(|text| text.previous).map(|previous| previous.parse(core, CURRENT)).transpose()
}

pub(super) fn point_at(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    let current = NamedText { tag: stored.tag.to_string(), sha256: stored.sha256 };
    let before = match CURRENT.read::<PointerText>(core, &core.state) {
        // Pointing is how a broken pointer is mended; what it was before is lost.
        Err(VaultError::Corrupt { .. }) => None,
        read => read?,
    };
    let previous = match before {
        Some(before) if before.current == current => before.previous,
        Some(before) => Some(before.current),
        None => None,
    };
    CURRENT.write(core, &core.state, &PointerText { current, previous })
}

// ── Trial ───────────────────────────────────────────────────────────────────────────────────────────────────────────

pub(super) fn trial(core: &Core) -> Result<Option<Trial>, VaultError> {
    let Some(text) = TRIAL.read::<TrialText>(core, &core.state)? else { return Ok(None) };
    Ok(Some(Trial {
        id: text.id,
        to: text.to.parse(core, TRIAL)?,
        from: text.from.map(|from| from.parse(core, TRIAL)).transpose()?,
        stage: match text.stage {
            StageText::Stopping => TrialStage::Stopping,
            StageText::Trying => TrialStage::Trying,
            StageText::RollingBack => TrialStage::RollingBack,
        },
        backup: text.backup.map(BackupId),
        child: text.child,
        came_up: text.came_up,
        deaths: text.deaths,
        red_before: text.red_before,
        left: text.left,
    }))
}

pub(super) fn write_trial(core: &Core, trial: &Trial) -> Result<(), VaultError> {
    let text = TrialText {
        id: trial.id.clone(),
        to: NamedText::from(&trial.to),
        from: trial.from.as_ref().map(NamedText::from),
        stage: match trial.stage {
            TrialStage::Stopping => StageText::Stopping,
            TrialStage::Trying => StageText::Trying,
            TrialStage::RollingBack => StageText::RollingBack,
        },
        backup: trial.backup.as_ref().map(|backup| backup.0.clone()),
        child: trial.child.clone(),
        came_up: trial.came_up,
        deaths: trial.deaths,
        red_before: trial.red_before.clone(),
        left: trial.left,
    };
    TRIAL.write(core, &core.state, &text)
}

pub(super) fn end_trial(core: &Core) -> Result<(), VaultError> {
    TRIAL.remove(core, &core.state)
}

// ── Floors ──────────────────────────────────────────────────────────────────────────────────────────────────────────

pub(super) fn floors(core: &Core) -> Result<Floors, VaultError> {
    let read = FLOORS
        .read::<FloorsText>(core, &core.state)
        .map_err(|error| with_way_out(error, "to go on with what runs here as the only floor, remove both files"));
    if let Some(text) = read? {
        let version = text.version.map(|version| parse(core, FLOORS, &version)).transpose()?;
        return Ok(Floors { version, built: text.built, signed: text.signed });
    }
    // Never written, or the files are gone. What is pointed at has run here, so nothing older may come in either way.
    let Some(pointer) = pointer(core)? else { return Ok(Floors::default()) };
    Ok(match versions::stored(core, &pointer.sha256)? {
        Some(stored) => Floors::of(&stored),
        None => Floors { version: Some(pointer.tag.version().clone()), ..Floors::default() },
    })
}

pub(super) fn raise_floors(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    write_floors(core, &floors(core)?.raised_by(stored))
}

pub(super) fn write_floors(core: &Core, floors: &Floors) -> Result<(), VaultError> {
    let version = floors.version.as_ref().map(Version::to_string);
    let text = FloorsText { version, built: floors.built, signed: floors.signed };
    FLOORS.write(core, &core.state, &text)
}

// ── What is held against bytes ──────────────────────────────────────────────────────────────────────────────────────

pub(super) fn all_held(core: &Core) -> Result<Vec<(Sha256, Held)>, VaultError> {
    all_held_text(core)?.by_sha256.into_iter().map(|(sha256, text)| Ok((sha256, text.parse(core)?))).collect()
}

pub(super) fn held_against(core: &Core, sha256: &Sha256) -> Result<Option<Held>, VaultError> {
    all_held_text(core)?.by_sha256.remove(sha256).map(|text| text.parse(core)).transpose()
}

pub(super) fn hold_against(core: &Core, sha256: &Sha256, held: &Held) -> Result<(), VaultError> {
    let mut all = all_held_text(core)?;
    let text = HeldText {
        version: held.version.to_string(),
        deaths: held.deaths,
        given_up: held.given_up.clone(),
        signature: held.signature,
    };
    all.by_sha256.insert(*sha256, text);
    HELD.write(core, &core.state, &all)
}

pub(super) fn forgive(core: &Core, sha256: &Sha256) -> Result<(), VaultError> {
    let mut all = all_held_text(core)?;
    if all.by_sha256.remove(sha256).is_none() {
        return Ok(());
    }
    HELD.write(core, &core.state, &all)
}

fn all_held_text(core: &Core) -> Result<AllHeldText, VaultError> {
    let read = HELD.read::<AllHeldText>(core, &core.state);
    Ok(read
        .map_err(|error| with_way_out(error, "to go on with nothing held against any version, remove both files"))?
        .unwrap_or_default())
}

/// What a person can do where we may not decide.
fn with_way_out(error: VaultError, way_out: &str) -> VaultError {
    if let VaultError::Corrupt { path, reason } = error {
        return VaultError::Corrupt { path, reason: format!("{reason}; {way_out}") };
    }
    error
}

// ── The remembered child ────────────────────────────────────────────────────────────────────────────────────────────

pub(super) fn remembered_child(core: &Core) -> Result<Option<Process>, VaultError> {
    match CHILD.read::<Process>(core, &core.state) {
        Err(VaultError::Corrupt { path, reason }) => {
            tracing::warn!(path = %path.display(), reason, "remembered child cannot be read; it is looked for instead");
            if core.lock.is_some() {
                CHILD.set_aside(core, &core.state)?;
            }
            Ok(None)
        }
        read => read,
    }
}

pub(super) fn remember_child(core: &Core, process: Option<&Process>) -> Result<(), VaultError> {
    match process {
        Some(process) => CHILD.write(core, &core.state, process),
        None => CHILD.remove(core, &core.state),
    }
}

// ── Texts become types ──────────────────────────────────────────────────────────────────────────────────────────────

impl NamedText {
    fn parse(self, core: &Core, document: Document) -> Result<Named, VaultError> {
        let tag: Tag = parse(core, document, &self.tag)?;
        Ok(Named { tag, sha256: self.sha256 })
    }
}

impl From<&Named> for NamedText {
    fn from(named: &Named) -> Self {
        Self { tag: named.tag.to_string(), sha256: named.sha256 }
    }
}

impl HeldText {
    fn parse(self, core: &Core) -> Result<Held, VaultError> {
        Ok(Held {
            version: parse(core, HELD, &self.version)?,
            deaths: self.deaths,
            given_up: self.given_up,
            signature: self.signature,
        })
    }
}

/// The checksum fits and still the text is none of ours: a person wrote it, checksum and all.
fn parse<T: FromStr<Err: std::fmt::Display>>(core: &Core, document: Document, text: &str) -> Result<T, VaultError> {
    let [path, _]: [PathBuf; 2] = document.paths(&core.state);
    text.parse().map_err(|error: T::Err| VaultError::Corrupt { path, reason: error.to_string() })
}

//! `kosmos check` and `kosmos import`: what would be done and why, and the way in for sites without internet.

use std::path::Path;

use efm::chain::Chain;
use jiff::Timestamp;
use serde::Serialize;

use super::complain;
use super::exit::Exit;
use super::house::{self, Real};
use crate::config::Settings;
use crate::config::settings::{Kind, Mode};
use crate::duty::hold;
use crate::ports::{Event, Happening, Notice, Vault, VaultError, state_folder};
use crate::schedule::Windows;
use crate::sources;
use crate::update::compare::{self, Wish};
use crate::update::{UpdateError, World, find, take_over};
use crate::vault;

/// What `check --json` prints.
#[derive(Debug, Serialize)]
struct Plan {
    schema: u32,
    installed: Option<String>,
    offered: Option<String>,
    upgrade: bool,
    gates: Vec<Gate>,
}

/// The rule of a person's word.
const HOLD: &str = "hold";

/// A rule, and what it says.
#[derive(Debug, Serialize)]
struct Gate {
    rule: &'static str,
    open: bool,
    says: String,
}

/// `kosmos check`
pub async fn check(settings: Settings, json: bool) -> Exit {
    if let Err(error) = house::may_look(&settings) {
        complain(&error);
        return Exit::Failed;
    }
    let world = house::to_look_at(settings);
    let release = match find::wanted(&world, &Wish::Newest).await {
        Ok(release) => release,
        Err(error) => {
            complain(&error);
            return Exit::SourceUnreachable;
        }
    };
    let offered = release.version().to_string();
    let installed = match world.vault.pointer() {
        Ok(pointer) => pointer.map(|pointer| pointer.tag.version().to_string()),
        Err(error) => {
            complain(&error);
            return Exit::Failed;
        }
    };
    let compared = compare::with_what_is_here(&world, release, &Wish::Newest);
    let (upgrade, exit, policy) = match compared {
        Ok(Some(upgrade)) if upgrade.given_up_version().is_some() => {
            let why = upgrade.given_up_version().unwrap_or_default();
            let says = format!("{offered} failed here and is not tried again until other bytes come ({why})");
            (false, Exit::RefusedByPolicy, Gate { rule: "policy", open: false, says })
        }
        Ok(Some(_)) => (true, Exit::UpgradeAvailable, Gate { rule: "policy", open: true, says: "it is wanted".into() }),
        Ok(None) => (false, Exit::Done, Gate { rule: "policy", open: true, says: "it is what we have".into() }),
        Err(UpdateError::Policy(refusal)) => {
            (false, Exit::RefusedByPolicy, Gate { rule: "policy", open: false, says: refusal.to_string() })
        }
        Err(error) => {
            complain(&error);
            return Exit::Failed;
        }
    };
    let mut gates = vec![policy];
    if upgrade {
        gates.extend(later_gates(&world));
    }
    let is_held = gates.iter().any(|gate| gate.rule == HOLD && !gate.open);
    print(&Plan { schema: 1, installed, offered: Some(offered), upgrade, gates }, json);
    if is_held { Exit::RefusedByPolicy } else { exit }
}

fn later_gates(world: &World<Real>) -> Vec<Gate> {
    let now = world.clock.now();
    let mode = world.settings.schedule.mode;
    let mode_gate = Gate {
        rule: "mode",
        open: mode == Mode::Auto,
        says: match mode {
            Mode::Auto => "it is installed without a person".to_owned(),
            Mode::Stage => "it is fetched and verified; a person says: kosmos upgrade".to_owned(),
            Mode::Notify => "it is only told; a person says: kosmos upgrade".to_owned(),
            Mode::Off => "nothing is looked for; a person says: kosmos upgrade".to_owned(),
        },
    };
    let hold = hold::now_in_force(&state_folder(&world.settings.home), now);
    let hold_gate = Gate {
        rule: HOLD,
        open: hold.is_none(),
        says: hold.map_or_else(
            || "nothing is on hold".to_owned(),
            |hold| format!("on hold{}: {}", hold.until_text(), hold.reason),
        ),
    };
    vec![mode_gate, hold_gate, window_gate(world, now)]
}

fn window_gate(world: &World<Real>, now: Timestamp) -> Gate {
    let zone = world.settings.schedule.timezone.clone();
    let local = |moment: Timestamp| moment.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S").to_string();
    match Windows::of(&world.settings.schedule).open_or_next(now) {
        Some(window) if window.opens <= now => {
            Gate { rule: "window", open: true, says: format!("open until {}", local(window.closes)) }
        }
        Some(window) => Gate { rule: "window", open: false, says: format!("opens {}", local(window.opens)) },
        None => Gate { rule: "window", open: false, says: "no window will open: see schedule.window".to_owned() },
    }
}

fn print(plan: &Plan, json: bool) {
    if json {
        match serde_json::to_string_pretty(plan) {
            Ok(text) => println!("{text}"),
            Err(error) => complain(&error),
        }
        return;
    }
    println!("installed  {}", plan.installed.as_deref().unwrap_or("nothing"));
    println!("offered    {}", plan.offered.as_deref().unwrap_or("nothing"));
    for gate in &plan.gates {
        println!("{:<10} {} {}", gate.rule, if gate.open { "go:  " } else { "wait:" }, gate.says);
    }
}

/// `kosmos import`
pub async fn import(settings: Settings, file: &Path) -> Exit {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (artifact, kind) = (settings.release.source.artifact(), settings.child.kind);
    let Some(tag) = sources::tag_in_name(&name, artifact, kind) else {
        let ending = if kind == Kind::Java { "jar" } else { "zip" };
        eprintln!("kosmos: read {}: its name must be like {artifact}-4.0.8.{ending}", file.display());
        return Exit::Usage;
    };
    if let Err(error) = must_be_a_file(file) {
        eprintln!("kosmos: read {}: {error}", file.display());
        return Exit::Failed;
    }
    let lock = match vault::lock(&settings.home) {
        Ok(lock) => lock,
        Err(error @ VaultError::Locked { .. }) => {
            let way_out = "a running supervisor takes releases from a folder: set release.source to it";
            eprintln!("kosmos: {}; {way_out}", Chain(&error));
            return Exit::Locked;
        }
        Err(error) => {
            complain(&error);
            return Exit::Failed;
        }
    };
    let world = house::to_work_in(settings, lock, tokio::sync::watch::channel(false).1);
    match take_over::import(&world, &tag, file).await {
        Ok(verified) => {
            let stored = verified.stored();
            println!("{} is verified (signed by {}) and in the vault", stored.version(), stored.signer);
            let what = Happening::Staged { version: stored.version().clone(), signer: stored.signer.clone() };
            let reason = Some(format!("imported from {}", file.display()));
            world.notice.tell(Event { reason, ..Event::of(what) });
            Exit::Done
        }
        Err(error) => {
            eprintln!("kosmos: {}", Chain(&error));
            match error {
                UpdateError::Policy(_) => Exit::RefusedByPolicy,
                UpdateError::Verification { .. } | UpdateError::Keys { .. } => Exit::RefusedByVerification,
                UpdateError::Source(_) => Exit::SourceUnreachable,
                UpdateError::Vault(_)
                | UpdateError::Child(_)
                | UpdateError::WillNotStop { .. }
                | UpdateError::PortTaken { .. } => Exit::Failed,
            }
        }
    }
}

/// Before anything is asked or locked for it.
fn must_be_a_file(path: &Path) -> std::io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() { Ok(()) } else { Err(std::io::Error::other("it is no file")) }
}

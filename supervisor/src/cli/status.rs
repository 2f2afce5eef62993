//! `kosmos status`: what is on disk, and what the running supervisor says beside it.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::complain;
use super::exit::Exit;
use super::house;
use super::reach::{NoAnswer, reach};
use crate::config::Settings;
use crate::control::client::AskError;
use crate::control::wire::{Line, Live, Question, SCHEMA};
use crate::duty::{hold, housekeeping};
use crate::ports::{Vault, VaultError, state_folder};
use crate::vault;

/// What `status --json` prints.
#[derive(Debug, Serialize)]
struct Status {
    schema: u32,
    home: String,
    /// None: no supervisor runs here.
    supervisor: Option<Live>,
    /// Who has the home folder, and does not answer.
    does_not_answer: Option<String>,
    /// What the pointer names.
    installed: Option<Installed>,
    /// The newest that ever ran here.
    floor: Option<String>,
    trial: Option<String>,
    given_up: Vec<GivenUp>,
    on_hold: Option<hold::Hold>,
    last_look: Option<housekeeping::Remembered>,
    in_vault: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Installed {
    version: String,
    sha256: String,
    signed_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct GivenUp {
    version: String,
    sha256: String,
    reason: Option<String>,
    deaths: u32,
}

/// `kosmos status`
pub async fn status(settings: &Settings, json: bool) -> Exit {
    if let Err(error) = house::may_look(settings) {
        complain(&error);
        return Exit::Failed;
    }
    let (supervisor, exit, shut_in_by) = match reach(&settings.home, &Question::Status, |_| {}).await {
        Ok(Line::Status(live)) => (Some(*live), Exit::Done, None),
        Ok(_) | Err(NoAnswer::Ask(AskError::NobodyThere { .. })) => (None, Exit::NoSupervisor, None),
        Err(error) => {
            complain(&error);
            let exit = error.exit();
            // Beside one that does not talk to us, what is on disk is all that can be said.
            match error {
                NoAnswer::DoorShut { holder, .. } => (None, exit, Some(holder)),
                NoAnswer::Ask(_) => (None, exit, vault::holder(&settings.home)),
            }
        }
    };
    let status = match on_disk(settings, supervisor, shut_in_by) {
        Ok(status) => status,
        Err(error) => {
            complain(&error);
            return Exit::Failed;
        }
    };
    if json {
        match serde_json::to_string_pretty(&status) {
            Ok(text) => println!("{text}"),
            Err(error) => complain(&error),
        }
    } else {
        print!("{}", in_words(&status, settings));
    }
    exit
}

fn on_disk(
    settings: &Settings,
    supervisor: Option<Live>,
    does_not_answer: Option<String>,
) -> Result<Status, VaultError> {
    let world = house::to_look_at(settings.clone());
    let state = state_folder(&settings.home);
    let installed = match world.vault.pointer()? {
        Some(pointer) => {
            let signed_by = world.vault.stored(&pointer.sha256)?.map(|stored| stored.signer);
            Some(Installed {
                version: pointer.tag.version().to_string(),
                sha256: pointer.sha256.to_string(),
                signed_by,
            })
        }
        None => None,
    };
    let given_up = world.vault.all_held()?.into_iter().map(|(bytes, held)| GivenUp {
        version: held.version.to_string(),
        sha256: bytes.to_string(),
        reason: held.given_up,
        deaths: held.deaths,
    });
    Ok(Status {
        schema: SCHEMA,
        home: settings.home.display().to_string(),
        supervisor,
        does_not_answer,
        installed,
        floor: world.vault.floors()?.version.map(|version| version.to_string()),
        trial: world.vault.trial()?.map(|trial| format!("{} ({:?})", trial.to.tag.version(), trial.stage)),
        given_up: given_up.collect(),
        on_hold: hold::now_in_force(&state, world.clock.now()),
        last_look: housekeeping::remembered_look(&state),
        in_vault: world.vault.all_stored()?.iter().map(|stored| stored.version().to_string()).collect(),
    })
}

fn in_words(status: &Status, settings: &Settings) -> String {
    let zone = settings.schedule.timezone.clone();
    let local = |moment: Timestamp| moment.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S").to_string();
    let mut text = String::new();
    let mut line = |name: &str, says: String| {
        let _ = writeln!(text, "{name:<12} {says}");
    };
    line("home", status.home.clone());
    if let Some(live) = &status.supervisor {
        line("supervisor", format!("kosmos {} (process {})", live.supervisor, live.pid));
        line("runs", what_runs(live));
    } else if let Some(holder) = &status.does_not_answer {
        line("supervisor", format!("process {holder} does not answer; this is what is on disk"));
    } else {
        line("supervisor", "does not run; this is what is on disk".to_owned());
    }
    line(
        "installed",
        match &status.installed {
            Some(installed) => match &installed.signed_by {
                Some(signer) => format!("{} (signed by {signer})", installed.version),
                None => format!("{} (its bytes are not in the vault)", installed.version),
            },
            None => "nothing".to_owned(),
        },
    );
    if let Some(live) = &status.supervisor {
        if let Some(doing) = &live.doing {
            line("doing", doing.text.clone());
        }
        if let Some(staged) = &live.staged {
            line("staged", format!("{}; waits for {}", staged.version, staged.waits_for));
        }
        if let Some((opens, closes)) = live.window_opens.zip(live.window_closes) {
            line("window", format!("{} to {}", local(opens), local(closes)));
        }
        if let Some(next) = live.next_look {
            line("next look", local(next));
        }
    }
    if let Some(look) = &status.last_look {
        line("last look", format!("{}: {}", local(look.at), look.text));
    }
    if let Some(hold) = &status.on_hold {
        line("on hold", format!("{}{}", hold.reason, hold.until_text()));
    }
    if let Some(trial) = &status.trial {
        line("trial", trial.clone());
    }
    for held in &status.given_up {
        let reason = held.reason.clone().unwrap_or_else(|| format!("{} supervisors died with it", held.deaths));
        line("given up", format!("{}: {reason}", held.version));
    }
    text
}

fn what_runs(live: &Live) -> String {
    let Some(runs) = &live.runs else {
        return if live.crashes > 0 {
            format!("nothing; it has ended {} times", live.crashes)
        } else {
            "nothing".to_owned()
        };
    };
    let version = runs.version.as_deref().unwrap_or("a version that is not verified");
    let health = match (&runs.trouble, runs.up) {
        (Some(trouble), _) => trouble.clone(),
        (None, true) => "up".to_owned(),
        (None, false) => "not seen healthy yet".to_owned(),
    };
    format!("{version} (process {}): {health}", runs.pid)
}

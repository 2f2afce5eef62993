//! `kosmos status`: what is on disk, and what the running supervisor says beside it. Of several homes: a line each.

use std::fmt::Write as _;

use efm::chain::Chain;
use jiff::Timestamp;
use serde::Serialize;

use super::complain;
use super::exit::Exit;
use super::house;
use super::reach::{NoAnswer, reach};
use super::settings_folder::SettingsFolder;
use super::settled::{self, ToLook, Wrong};
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
    /// What is wrong with the settings; none: nothing.
    wrong_settings: Option<String>,
    /// Whether there are last good settings beside the wrong ones.
    #[serde(skip)]
    has_last_good: bool,
    /// What the pointer names.
    installed: Option<Installed>,
    /// The newest that ever ran here.
    floor: Option<String>,
    trial: Option<String>,
    given_up: Vec<GivenUp>,
    on_hold: Option<hold::Hold>,
    last_look: Option<housekeeping::Remembered>,
    in_vault: Vec<String>,
    /// State files that cannot be read, and why; what they would say is missing above.
    unreadable: Vec<String>,
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

/// What `status --json` prints of several homes.
#[derive(Debug, Serialize)]
struct Several {
    schema: u32,
    /// In the order in which they are upgraded.
    homes: Vec<OneOfSeveral>,
}

#[derive(Debug, Serialize)]
struct OneOfSeveral {
    /// As it was named.
    folder: String,
    /// None: it cannot be told; the reason is in `error`.
    status: Option<Status>,
    error: Option<String>,
}

/// `kosmos status`: with settings that are wrong by the last good ones, or by what is right of them.
pub(super) async fn status(folder: &SettingsFolder, json: bool) -> Exit {
    let Some(ToLook { settings, wrong }) = settled::to_look_or_complain(folder) else { return Exit::Settings };
    if let Some(wrong) = &wrong {
        eprint!("{}", wrong.text);
    }
    let (status, exit) = match look_at(&settings, wrong).await {
        Ok(looked) => looked,
        Err(error) => {
            complain(&error);
            return Exit::Failed;
        }
    };
    for problem in &status.unreadable {
        eprintln!("kosmos: {problem}");
    }
    if json {
        print_json(&status);
    } else {
        print!("{}", in_words(&status, &settings));
    }
    exit
}

/// `kosmos status` of several homes.
pub(super) async fn of_several(folders: &[SettingsFolder], json: bool) -> Exit {
    let mut homes = Vec::new();
    let mut exits = Vec::new();
    for folder in folders {
        let name = folder.path().display().to_string();
        let Ok(ToLook { settings, wrong }) = settled::to_look(folder) else {
            exits.push(Exit::Settings);
            homes.push(OneOfSeveral { error: Some(settings_are_wrong(&name)), folder: name, status: None });
            continue;
        };
        homes.push(match look_at(&settings, wrong).await {
            Ok((status, exit)) => {
                exits.push(exit);
                OneOfSeveral { folder: name, status: Some(status), error: None }
            }
            Err(error) => {
                exits.push(Exit::Failed);
                OneOfSeveral { folder: name, status: None, error: Some(Chain(&error).to_string()) }
            }
        });
    }
    if json {
        print_json(&Several { schema: SCHEMA, homes });
    } else {
        print!("{}", in_lines(&homes));
    }
    Exit::worst(exits)
}

fn settings_are_wrong(folder: &str) -> String {
    format!("the settings are wrong: kosmos config check --home {folder}")
}

/// What there is to see, and what it is to a script.
async fn look_at(settings: &Settings, wrong: Option<Wrong>) -> Result<(Status, Exit), VaultError> {
    house::may_look(settings)?;
    let (supervisor, asked, shut_in_by) = match reach(&settings.home, &Question::Status, |_| {}).await {
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
    let mut status = on_disk(settings, supervisor);
    status.does_not_answer = shut_in_by;
    status.has_last_good = wrong.as_ref().is_some_and(|wrong| wrong.has_last_good);
    status.wrong_settings = wrong.map(|wrong| wrong.text);
    let exit = exit(&status, asked);
    Ok((status, exit))
}

fn exit(status: &Status, asked: Exit) -> Exit {
    match &status.wrong_settings {
        // Code 1 although all the rest was shown: somebody must look at that disk.
        _ if !status.unreadable.is_empty() => Exit::Failed,
        Some(_) => Exit::Settings,
        None => asked,
    }
}

fn print_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => println!("{text}"),
        Err(error) => complain(&error),
    }
}

fn in_lines(homes: &[OneOfSeveral]) -> String {
    let width = homes.iter().map(|home| home.folder.chars().count()).max().unwrap_or(0);
    homes.iter().fold(String::new(), |mut text, home| {
        let says = match (&home.status, &home.error) {
            (Some(status), _) => {
                let wrong = status.wrong_settings.as_ref().map(|_| settings_are_wrong(&home.folder));
                wrong.into_iter().chain([in_a_line(status)]).collect::<Vec<_>>().join("; ")
            }
            (None, error) => error.clone().unwrap_or_default(),
        };
        let _ = writeln!(text, "{:width$}  {says}", home.folder);
        text
    })
}

fn in_a_line(status: &Status) -> String {
    let Some(live) = &status.supervisor else {
        let installed = status.installed.as_ref().map_or("nothing", |installed| &installed.version);
        let holder = status.does_not_answer.as_ref();
        let who = holder.map_or_else(|| "no supervisor runs".to_owned(), |it| format!("process {it} does not answer"));
        return format!("{who}; installed: {installed}");
    };
    let mut says = vec![what_runs(live)];
    says.extend(live.doing.as_ref().map(|doing| doing.text.clone()));
    says.extend(live.staged.as_ref().map(|staged| format!("{} waits for {}", staged.version, staged.waits_for)));
    says.extend(status.unreadable.first().cloned());
    says.extend(status.on_hold.as_ref().map(|hold| format!("on hold{}: {}", hold.until_text(), hold.reason)));
    says.join("; ")
}

/// What can be read; what cannot is told and hides nothing else.
fn on_disk(settings: &Settings, supervisor: Option<Live>) -> Status {
    let world = house::to_look_at(settings.clone());
    let state = state_folder(&settings.home);
    let mut unreadable = Vec::new();
    let pointer = told(world.vault.pointer().map(Option::into_iter), &mut unreadable).flatten().next();
    let installed = pointer.map(|pointer| {
        let stored = told(world.vault.stored(&pointer.sha256).map(Option::into_iter), &mut unreadable).flatten().next();
        Installed {
            version: pointer.tag.version().to_string(),
            sha256: pointer.sha256.to_string(),
            signed_by: stored.map(|stored| stored.signer),
        }
    });
    let held = told(world.vault.all_held(), &mut unreadable).flatten();
    let given_up = held.map(|(bytes, held)| GivenUp {
        version: held.version.to_string(),
        sha256: bytes.to_string(),
        reason: held.given_up,
        deaths: held.deaths,
    });
    let given_up = given_up.collect();
    let floor = told(world.vault.floors(), &mut unreadable).find_map(|floors| floors.version);
    let trial = told(world.vault.trial().map(Option::into_iter), &mut unreadable).flatten().next();
    let in_vault = told(world.vault.all_stored(), &mut unreadable).flatten();
    Status {
        schema: SCHEMA,
        home: settings.home.display().to_string(),
        supervisor,
        does_not_answer: None,
        wrong_settings: None,
        has_last_good: false,
        installed,
        floor: floor.map(|version| version.to_string()),
        trial: trial.map(|trial| format!("{} ({:?})", trial.to.tag.version(), trial.stage)),
        given_up,
        on_hold: hold::now_in_force(&state, world.clock.now()),
        last_look: housekeeping::remembered_look(&state),
        in_vault: in_vault.map(|stored| stored.version().to_string()).collect(),
        unreadable,
    }
}

/// What was read; an error is put with the others.
fn told<T>(read: Result<T, VaultError>, unreadable: &mut Vec<String>) -> std::option::IntoIter<T> {
    let read = read.map_err(|error| unreadable.push(Chain(&error).to_string()));
    read.ok().into_iter()
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
    if let Some(says) = what_of_settings(status) {
        line("settings", says.to_owned());
    }
    line(
        "installed",
        match &status.installed {
            Some(installed) => match &installed.signed_by {
                Some(signer) => format!("{} (signed by {signer})", installed.version),
                None => format!("{} (its bytes are not in the vault)", installed.version),
            },
            None if status.unreadable.iter().any(|problem| problem.contains("current.json")) => {
                "cannot be read".to_owned()
            }
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
    for problem in &status.unreadable {
        line("unreadable", problem.clone());
    }
    text
}

/// None: they are right, and in force.
fn what_of_settings(status: &Status) -> Option<&'static str> {
    let in_force = status.supervisor.as_ref().map(|live| live.wrong_settings.is_none());
    match (&status.wrong_settings, in_force) {
        (None, None | Some(true)) => None,
        (None, Some(false)) => Some("right again; they are taken in a moment"),
        (Some(_), Some(true)) => Some("wrong (kosmos config check); the supervisor goes on with those that it has"),
        (Some(_), Some(false)) => {
            Some("wrong (kosmos config check); the last good ones are in force, and nothing new is installed")
        }
        (Some(_), None) if status.has_last_good => {
            Some("wrong (kosmos config check); a supervisor would go by the last good ones")
        }
        (Some(_), None) => Some("wrong (kosmos config check); a supervisor would not start with them"),
    }
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

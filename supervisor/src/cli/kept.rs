//! What the service manager that keeps us is told, and the end of what runs where no duty loop sees to it.
//!
//! [`Keeper::hear`] has no clock of its own: it speaks when the duty loop has turned, and at no other time. A loop that
//! hangs is silent, and is restarted; where there are several homes, the loop of each of them must have turned.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::time::Instant;

use super::house::Real;
use crate::config::Settings;
use crate::duty::Snapshot;
use crate::host::manager::{Manager, Word};
use crate::host::system;
use crate::ports::{Child, Vault};
use crate::update::{UpdateError, World, stop};

/// Besides asking and terminating: to kill, to write down, to answer.
const BESIDES: Duration = Duration::from_secs(30);

/// Speaks with the service manager for all homes that are kept.
#[derive(Debug)]
pub struct Keeper {
    manager: Manager,
    goes_down: Cell<bool>,
    turned: RefCell<BTreeMap<PathBuf, Turned>>,
}

/// When the loop of a home turned last, and how it stood.
#[derive(Debug)]
struct Turned {
    at: Instant,
    says: String,
}

impl Default for Keeper {
    fn default() -> Self {
        // Before anything is started, or it would inherit them.
        system::sockets::take_kept();
        Self { manager: Manager::found(), goes_down: Cell::new(false), turned: RefCell::default() }
    }
}

impl Keeper {
    /// How long a loop may take for a turn before we are restarted; none: nobody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.manager.watchdog()
    }

    /// Tells of each turn of the duty loop of this home, for as long as it is polled.
    pub async fn hear(&self, settings: &Settings, mut seen: watch::Receiver<Snapshot>) -> Infallible {
        let zone = settings.schedule.timezone.clone();
        while seen.changed().await.is_ok() {
            let snapshot = seen.borrow_and_update().clone();
            if snapshot.leaving {
                self.leaves(settings);
            } else {
                self.turns(settings, in_words(&snapshot, &zone));
            }
        }
        std::future::pending().await
    }

    fn turns(&self, settings: &Settings, says: String) {
        let now = Instant::now();
        let mut turned = self.turned.borrow_mut();
        turned.insert(settings.home.clone(), Turned { at: now, says });
        let limit = self.watchdog().unwrap_or(Duration::MAX);
        if turned.values().all(|one| now.duration_since(one.at) < limit) {
            self.manager.tell(Word::Turn(&of_all(&turned)));
        }
    }

    /// Settings are read again; the next turn ends it.
    pub fn reloads(&self) {
        self.manager.tell(Word::Reloading);
    }

    /// This home is about to be left, and what runs in it is stopped. We leave where it is the last one.
    pub fn leaves(&self, settings: &Settings) {
        self.lets_go_of(settings);
        if self.turned.borrow().is_empty() || self.machine_goes_down() {
            let needed = settings.child.stop_grace.saturating_mul(2).saturating_add(BESIDES);
            self.manager.tell(Word::Leaving(needed));
        }
    }

    /// This home is not kept any more: nobody waits for its loop.
    pub fn lets_go_of(&self, settings: &Settings) {
        self.turned.borrow_mut().remove(&settings.home);
    }

    /// Whether the machine goes down, as far as was asked.
    pub fn machine_goes_down(&self) -> bool {
        self.goes_down.get()
    }

    /// Asks, once it was not known.
    pub async fn ask_whether_the_machine_goes_down(&self) {
        if !self.goes_down.get() {
            self.goes_down.set(self.manager.machine_goes_down().await);
        }
    }
}

/// One home in full; of several what each runs.
fn of_all(turned: &BTreeMap<PathBuf, Turned>) -> String {
    match turned.len() {
        1 => turned.values().map(|one| one.says.clone()).collect(),
        count => turned.iter().fold(format!("{count} homes"), |mut text, (home, one)| {
            let runs = one.says.split("; ").next().unwrap_or_default();
            let _ = write!(text, "; {}: {runs}", home.file_name().unwrap_or(home.as_os_str()).display());
            text
        }),
    }
}

/// The version that runs, and what is waited for, in a line.
fn in_words(seen: &Snapshot, zone: &TimeZone) -> String {
    let mut text = match &seen.running {
        None => "nothing runs".to_owned(),
        Some(running) => {
            let version = running.stored.as_ref().map(|stored| stored.version().to_string());
            let version = version.unwrap_or_else(|| "a version that is not verified".to_owned());
            let state = if seen.up { "runs" } else { "starts" };
            format!("{state} {version} (process {})", running.process.pid)
        }
    };
    if let Some(trouble) = &seen.trouble {
        let _ = write!(text, "; {trouble}");
    }
    if seen.crashes > 0 {
        let _ = write!(text, "; it has ended {} times", seen.crashes);
    }
    if let Some((version, waits_for)) = &seen.staged {
        let _ = write!(text, "; staged {version}, {waits_for}");
    }
    let moment = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    match (seen.next_look, seen.window) {
        (Some(look), Some(window)) => {
            let _ = write!(text, "; next look {}, window {}", moment(look), moment(window.opens));
        }
        (Some(look), None) => {
            let _ = write!(text, "; next look {}, no window", moment(look));
        }
        (None, _) => text.push_str("; does not look"),
    }
    text
}

/// Ends what runs here, if anything does, where no duty loop is there to do it. Gives its number.
pub async fn end_child(world: &World<Real>) -> Result<Option<u32>, UpdateError> {
    // Who cannot be remembered is looked for by port and folder.
    let remembered = world.vault.remembered_child().ok().flatten();
    let Some(process) = world.child.find(remembered.as_ref()).await? else { return Ok(None) };
    stop::process_has_ended(world, &process).await?;
    Ok(Some(process.pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Process;
    use crate::schedule::Window;
    use crate::update::Running;

    #[test]
    fn of_several_homes_it_says_what_each_runs() {
        let turned = [("/srv/a", "runs 4.0.8 (process 7); next look soon"), ("/srv/b", "nothing runs; does not look")];
        let at = Instant::now();
        let turned = turned.map(|(home, says)| (PathBuf::from(home), Turned { at, says: says.to_owned() }));
        assert_eq!(of_all(&BTreeMap::from(turned)), "2 homes; a: runs 4.0.8 (process 7); b: nothing runs");
    }

    #[test]
    fn a_line_says_what_runs_and_what_is_waited_for() {
        let oslo = TimeZone::get("Europe/Oslo").unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let mut seen = Snapshot { next_look: Some(at("2026-11-21T09:00:00Z")), ..Snapshot::default() };
        assert_eq!(in_words(&seen, &oslo), "nothing runs; next look 2026-11-21 10:00, no window");
        let process = Process { pid: 7, started: 1, boot: String::new(), archive: None };
        seen.running = Some(Running { process, stored: None });
        seen.up = true;
        seen.crashes = 2;
        seen.staged = Some(("4.0.8".parse().unwrap(), "waits for the next window".to_owned()));
        seen.window = Some(Window { opens: at("2026-11-21T18:30:00Z"), closes: at("2026-11-21T19:30:00Z") });
        assert_eq!(
            in_words(&seen, &oslo),
            "runs a version that is not verified (process 7); it has ended 2 times; staged 4.0.8, waits for the next \
             window; next look 2026-11-21 10:00, window 2026-11-21 19:30"
        );
    }
}

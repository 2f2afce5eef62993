//! What a false integration point can be told, as lines of `false/behaviour.properties` in its archive:
//!
//! - `info.version=4.0.7` — what it calls itself; else `build.version` of the archive
//! - `start=up|crash|never|down|slow:<ms>` — `never` lives but never listens, `down` listens and is DOWN
//! - `crash.after=<ms>` — ends with 1 so long after its start
//! - `health=up|down|flap:<ms>` and `component.<name>=UP|DOWN`
//! - `stop=ok|refuse|stays|ignore|slow:<ms>|lingers:<ms>` — `refuse`: the endpoint is not there; `stays`: it answers but
//!   goes on, and only the system can end it; `ignore`: it ignores SIGTERM too; `lingers`: its port is closed at once, and
//!   its database this much later, as Spring Boot does it
//! - `child=yes` — starts a child of its own
//! - `output=<bytes>` — writes so much at its start
//! - `writes=<file>` — appends its version to it, as a migration would

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the behaviour lies in the archive.
pub const ENTRY: &str = "false/behaviour.properties";
/// Where the version lies in the archive.
pub(super) const BUILD_INFO: &str = "META-INF/build-info.properties";
/// Neither entry is longer.
const ENTRY_BYTES: u64 = 64 * 1024;

/// How it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At once.
    Up,
    /// It ends at once.
    Crash,
    /// It never listens.
    Never,
    /// It listens after this time.
    Slow(Duration),
    /// It listens and is DOWN.
    Down,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// UP.
    Up,
    /// DOWN.
    Down,
    /// UP and DOWN in turn, each for so long.
    Flap(Duration),
}

/// How it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At once when asked.
    Ok,
    /// The endpoint refuses.
    Refuse,
    /// The endpoint says yes, and it goes on.
    Stays,
    /// As `Stays`, and it ignores the system too.
    Ignore,
    /// It needs this time.
    Slow(Duration),
    /// Its port is closed at once; it needs this time to let go of its database.
    Lingers(Duration),
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// What it calls itself.
    pub version: Option<String>,
    /// How it starts.
    pub start: Start,
    /// When it ends by itself.
    pub crash_after: Option<Duration>,
    /// How it is.
    pub health: Health,
    /// Its components, each UP or not.
    pub components: Vec<(String, bool)>,
    /// How it stops.
    pub stop: Stop,
    /// Whether it has a child.
    pub has_child: bool,
    /// Bytes written at its start.
    pub output_bytes: u64,
    /// The file that it migrates.
    pub writes: Option<PathBuf>,
}

impl Behaviour {
    /// The behaviour in an archive, and the version that was built.
    ///
    /// # Errors
    /// It is no archive, or what stands there means nothing.
    pub fn of(archive: &Path) -> Result<(Self, String), String> {
        let file = File::open(archive).map_err(|error| error.to_string())?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| error.to_string())?;
        let mut entry = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).ok()?.take(ENTRY_BYTES).read_to_string(&mut text).ok()?;
            Some(text)
        };
        let built = entry(BUILD_INFO).and_then(|text| property(&text, "build.version")).unwrap_or_default();
        Ok((Self::parse(&entry(ENTRY).unwrap_or_default())?, built))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let word = |key: &str| property(text, key);
        let strange = |key: &str, value: &str| format!("{ENTRY}: {key}={value} means nothing");
        let start = match word("start").as_deref() {
            None | Some("up") => Start::Up,
            Some("crash") => Start::Crash,
            Some("never") => Start::Never,
            Some("down") => Start::Down,
            Some(other) => Start::Slow(after(other, "slow:").ok_or_else(|| strange("start", other))?),
        };
        let health = match word("health").as_deref() {
            None | Some("up") => Health::Up,
            Some("down") => Health::Down,
            Some(other) => Health::Flap(after(other, "flap:").ok_or_else(|| strange("health", other))?),
        };
        let stop = match word("stop").as_deref() {
            None | Some("ok") => Stop::Ok,
            Some("refuse") => Stop::Refuse,
            Some("stays") => Stop::Stays,
            Some("ignore") => Stop::Ignore,
            Some(other) => match (after(other, "slow:"), after(other, "lingers:")) {
                (Some(delay), _) => Stop::Slow(delay),
                (None, Some(delay)) => Stop::Lingers(delay),
                (None, None) => return Err(strange("stop", other)),
            },
        };
        let crash_after = match word("crash.after") {
            None => None,
            Some(value) => Some(after(&value, "").ok_or_else(|| strange("crash.after", &value))?),
        };
        let output_bytes = match word("output") {
            None => 0,
            Some(value) => value.parse().map_err(|_| strange("output", &value))?,
        };
        Ok(Self {
            version: word("info.version"),
            start,
            crash_after,
            health,
            components: components(text),
            stop,
            has_child: word("child").as_deref() == Some("yes"),
            output_bytes,
            writes: word("writes").map(PathBuf::from),
        })
    }
}

fn components(text: &str) -> Vec<(String, bool)> {
    let component = |line: &str| {
        let (name, status) = line.trim().strip_prefix("component.")?.split_once('=')?;
        Some((name.trim().to_owned(), status.trim() == "UP"))
    };
    text.lines().filter_map(component).collect()
}

fn after(value: &str, prefix: &str) -> Option<Duration> {
    Some(Duration::from_millis(value.strip_prefix(prefix)?.parse().ok()?))
}

/// The value of a key in simple `key=value` lines.
pub(super) fn property(text: &str, key: &str) -> Option<String> {
    let value = |line: &str| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaviour_is_read_and_nonsense_is_refused() {
        let text =
            "start=slow:20\nhealth=flap:5\nstop=ignore\nchild=yes\ncomponent.db=UP\ncomponent.dpo=DOWN\noutput=9\n";
        let read = Behaviour::parse(text).unwrap();
        assert_eq!(read.start, Start::Slow(Duration::from_millis(20)));
        assert_eq!(read.health, Health::Flap(Duration::from_millis(5)));
        assert_eq!((read.stop, read.has_child, read.output_bytes), (Stop::Ignore, true, 9));
        assert_eq!(read.components, [("db".to_owned(), true), ("dpo".to_owned(), false)]);
        for nonsense in ["start=later", "stop=slow:x", "crash.after=soon", "output=-1"] {
            assert!(Behaviour::parse(nonsense).is_err(), "{nonsense}");
        }
    }
}

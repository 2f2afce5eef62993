//! The history: one JSON object a line in `history.jsonl`, only ever appended to, turned over by size. A line that was
//! torn by a power cut is passed over, and what follows begins on a line of its own.

use efm::{atomic, chain::Chain, masking::mask};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::NoticeError;
use super::letter::{LONGEST_REASON_BYTES, start_of};
use crate::config::settings::Told;
use crate::ports::{Event, Happening};
use crate::release::Version;
use crate::schedule::span;

const FILE: &str = "history.jsonl";
/// Readers pass over what they do not know, so this changes only where a member changes its meaning.
const SCHEMA: u32 = 1;
/// A file that is larger than this is turned over.
const TURN_OVER_BYTES: u64 = 1 << 20;
/// How many turned-over files are kept: `history.1.jsonl` is the newest of them.
const KEPT: u32 = 4;

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What the members mean.
    pub schema: u32,
    /// When.
    pub at: Timestamp,
    /// What happened: `upgraded`, `upgrade-failed`, `rolled-back` …
    pub what: String,
    /// `success` or `failure` where it was something that can fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long nothing ran, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_ms: Option<u64>,
    /// The name of the attempt that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// The steps of the attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// One step of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl Row {
    /// An event as the history knows it.
    pub(super) fn of(event: &Event, at: Timestamp) -> Self {
        let mut row = Self::plain(told(&event.what).name(), at);
        row.reason = event.reason.as_deref().map(|reason| start_of(&mask(reason), LONGEST_REASON_BYTES).to_owned());
        if let Some(attempt) = &event.attempt {
            row.attempt = Some(attempt.id.clone());
            row.steps =
                attempt.steps.iter().map(|(step, took)| Step { step: (*step).into(), ms: millis(*took) }).collect();
        }
        row.add(&event.what);
        row
    }

    /// Nothing but a name.
    pub(super) fn plain(what: &str, at: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            at,
            what: what.into(),
            outcome: None,
            from: None,
            to: None,
            reason: None,
            downtime_ms: None,
            attempt: None,
            steps: Vec::new(),
        }
    }

    fn add(&mut self, what: &Happening) {
        let mut ended = |outcome: &str, from: Option<&Version>, to: &Version| {
            self.outcome = Some(outcome.into());
            self.from = from.map(ToString::to_string);
            self.to = Some(to.to_string());
        };
        match what {
            Happening::Upgraded { from, to, downtime, .. } => {
                ended("success", from.as_ref(), to);
                self.downtime_ms = downtime.map(millis);
            }
            Happening::UpgradeFailed { from, to, .. } => ended("failure", from.as_ref(), to),
            Happening::RolledBack { to, .. } => ended("success", None, to),
            Happening::RollBackFailed { to, .. } => ended("failure", None, to),
            Happening::Available { version }
            | Happening::FailedElsewhere { version, .. }
            | Happening::Refused { version }
            | Happening::Restarted { version }
            | Happening::CrashLoop { version }
            | Happening::Steady { version } => self.to = Some(version.to_string()),
            Happening::Staged { version, signer } => {
                self.to = Some(version.to_string());
                self.say(format!("signed by {signer}"));
            }
            Happening::Adopted { version, pid } => {
                self.to = Some(start_of(version, LONGEST_REASON_BYTES).into());
                self.say(pid.map_or_else(|| "from the home folder".to_owned(), |pid| format!("as process {pid}")));
            }
            Happening::KeyExpires { fingerprint, days } => self.say(format!("key {fingerprint}: {days} days left")),
            Happening::Stale { days } => self.say(format!("{days} days without a release list")),
            Happening::Trouble | Happening::Well | Happening::PersonDecided | Happening::Warning => {}
        }
    }

    fn say(&mut self, words: String) {
        self.reason = Some(match self.reason.take() {
            Some(reason) => format!("{words}; {reason}"),
            None => words,
        });
    }
}

/// What kind of thing happened, under the name that the history, webhooks and metrics have for it.
pub(super) fn told(what: &Happening) -> Told {
    match what {
        Happening::Available { .. } => Told::Available,
        Happening::Staged { .. } => Told::Staged,
        Happening::Refused { .. } => Told::Refused,
        Happening::FailedElsewhere { .. } => Told::FailedElsewhere,
        Happening::Upgraded { .. } => Told::Upgraded,
        Happening::UpgradeFailed { .. } => Told::UpgradeFailed,
        Happening::RolledBack { .. } => Told::RolledBack,
        Happening::RollBackFailed { .. } => Told::RollBackFailed,
        Happening::Restarted { .. } => Told::Restarted,
        Happening::CrashLoop { .. } => Told::CrashLoop,
        Happening::Steady { .. } => Told::Steady,
        Happening::Trouble => Told::Trouble,
        Happening::Well => Told::Well,
        Happening::Adopted { .. } => Told::Adopted,
        Happening::KeyExpires { .. } => Told::KeyExpires,
        Happening::Stale { .. } => Told::Stale,
        Happening::PersonDecided => Told::PersonDecided,
        Happening::Warning => Told::Warning,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What came behind a line.
#[derive(Debug)]
pub(super) struct New {
    /// The rows, oldest first.
    pub(super) rows: Vec<Row>,
    /// The mark of the last line, where there is a new one.
    pub(super) last: Option<String>,
}

/// The history of a home.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
}

impl History {
    /// The history in this state folder. Reading needs no supervisor.
    pub fn of(state: &Path) -> Self {
        Self { path: state.join(FILE) }
    }

    /// One more line, durable when the call returns.
    pub fn append(&self, row: &Row) -> Result<(), NoticeError> {
        let disk = |act| move |source| NoticeError::Disk { act, path: self.path.clone(), source };
        if let Err(error) = self.turn_over() {
            // Better a file that is too large than a line that is lost.
            tracing::warn!(error = %Chain(&error), "turn history over");
        }
        let line =
            serde_json::to_string(row).map_err(|source| NoticeError::Corrupt { path: self.path.clone(), source })?;
        if let Some(folder) = self.path.parent() {
            efm::owner::make_folders(folder).map_err(disk("create folder of"))?;
        }
        append_line(&self.path, &line).map_err(disk("write"))
    }

    /// The last rows, oldest first. What cannot be read as a row is left out.
    pub fn read(&self, last: usize) -> Result<Vec<Row>, NoticeError> {
        let mut newest_first = Vec::new();
        for number in 0..=KEPT {
            if newest_first.len() >= last {
                break;
            }
            let path = self.numbered(number);
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(NoticeError::Disk { act: "read", path, source }),
            };
            let missing = last - newest_first.len();
            let rows = bytes.rsplit(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Row>(line).ok());
            newest_first.extend(rows.take(missing));
        }
        newest_first.reverse();
        Ok(newest_first)
    }

    /// A number that is another one when a line was added.
    pub(super) fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// All rows behind the line of this mark, oldest first; all that there are where no line has it. A line that is being
    /// written by somebody else is not one yet.
    pub(super) fn after(&self, mark: Option<&str>) -> Result<New, NoticeError> {
        let (mut newest_first, mut last) = (Vec::new(), None);
        'files: for number in 0..=KEPT {
            let path = self.numbered(number);
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(NoticeError::Disk { act: "read", path, source }),
            };
            // What follows the last line end is nothing, or half a line.
            for line in bytes.rsplit(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty()) {
                let digest = hex::encode(sha2::Sha256::digest(line));
                if mark == Some(digest.as_str()) {
                    break 'files;
                }
                last.get_or_insert(digest);
                newest_first.extend(serde_json::from_slice::<Row>(line));
            }
        }
        newest_first.reverse();
        Ok(New { rows: newest_first, last })
    }

    fn numbered(&self, number: u32) -> PathBuf {
        match number {
            0 => self.path.clone(),
            _ => self.path.with_file_name(format!("history.{number}.jsonl")),
        }
    }

    /// `history.3` becomes `history.4` and so on; a power cut in between leaves a number out, which nobody minds.
    fn turn_over(&self) -> Result<(), NoticeError> {
        let large = std::fs::metadata(&self.path).is_ok_and(|file| file.len() >= TURN_OVER_BYTES);
        if !large {
            return Ok(());
        }
        for number in (0..KEPT).rev() {
            let from = self.numbered(number);
            if from.exists() {
                atomic::rename(&from, &self.numbered(number + 1)).map_err(|source| NoticeError::Disk {
                    act: "rename",
                    path: from,
                    source,
                })?;
            }
        }
        Ok(())
    }
}

fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut file = efm::owner::open_or_make(path, OpenOptions::new().read(true).append(true))?;
    let mut text = String::with_capacity(line.len() + 2);
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        // The power went while a line was written.
        if last != *b"\n" {
            text.push('\n');
        }
    }
    text.push_str(line);
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// What `kosmos history` prints.
pub fn table(rows: &[Row], zone: &TimeZone) -> String {
    let cells: Vec<[String; 5]> = rows.iter().map(|row| cells(row, zone)).collect();
    let head = ["when", "what", "version", "downtime", "reason"];
    let mut widths = head.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in std::iter::once(head.map(str::to_owned)).chain(cells) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string does not fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cells(row: &Row, zone: &TimeZone) -> [String; 5] {
    let version = match (&row.from, &row.to) {
        (Some(from), Some(to)) => format!("{from} -> {to}"),
        (None, Some(to)) => to.clone(),
        (_, None) => String::new(),
    };
    [
        row.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        row.what.clone(),
        version,
        row.downtime_ms.map(|ms| span(Duration::from_millis(ms))).unwrap_or_default(),
        row.reason.as_deref().unwrap_or_default().replace(char::is_control, " "),
    ]
}

/// What `kosmos history --json` prints: an array of rows.
pub fn json(rows: &[Row]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(rows)
}

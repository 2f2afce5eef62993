//! What is said, and whether it is said again. Pure.
//!
//! The first four subjects are those of KOSMOS, letter by letter: sites have mail rules that read them.

use efm::masking::mask;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

use super::About;
use crate::config::settings::Mode;
use crate::ports::{Event, Happening};
use crate::schedule::span;

/// How the memory of told crash loops begins.
pub(super) const CRASH_LOOP: &str = "crash-loop/";
/// A longer start-up log loses its beginning: the end says why it did not come up.
const LONGEST_LOG_BYTES: usize = 96 * 1024;
/// Of a log that is longer than this only the end is even masked: far more than is sent, so that nothing that should
/// be hidden, a private key say, is recognised by its second half only.
const LONGEST_MASKED_BYTES: usize = 1 << 20;
/// A longer reason loses its end.
pub(super) const LONGEST_REASON_BYTES: usize = 2 * 1024;
/// A longer subject loses its end.
const LONGEST_SUBJECT_BYTES: usize = 200;

/// Whether an event is told each time it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// Each time.
    Always,
    /// Only where it was not told under this name, or not as urgently.
    Memory { key: String, urgency: i64 },
    /// All is well: what was told under this name is news again.
    Nothing { key: String },
}

/// Whether this event is told each time.
pub(super) fn once(event: &Event, now: Timestamp) -> Once {
    let memory = |key: String, urgency| Once::Memory { key, urgency };
    match &event.what {
        Happening::Available { version } => memory(format!("available/{version}"), 0),
        Happening::Staged { version, .. } => memory(format!("staged/{version}"), 0),
        // For another reason it is another matter: half a file on Monday, a forged one on Thursday.
        Happening::Refused { version } => memory(format!("refused/{version}/{}", digest_of_reason(event)), 0),
        Happening::FailedElsewhere { version, home } => memory(format!("failed-elsewhere/{version}/{home}"), 0),
        Happening::CrashLoop { version } => memory(format!("{CRASH_LOOP}{version}"), 0),
        Happening::KeyExpires { fingerprint, days } => {
            let key = format!("key/{fingerprint}");
            match days {
                91.. => Once::Nothing { key },
                31..=90 => memory(key, 1),
                8..=30 => memory(key, 2),
                0..=7 => memory(key, 3),
                // Once a day from then on.
                _ => memory(key, 3_i64.saturating_sub(*days)),
            }
        }
        Happening::Stale { days } => match days {
            14.. => memory("stale".into(), 2),
            7..=13 => memory("stale".into(), 1),
            _ => Once::Nothing { key: "stale".into() },
        },
        Happening::Warning => {
            // The same words once a day.
            memory(format!("warning/{}", digest_of_reason(event)), now.as_second() / 86_400)
        }
        Happening::Upgraded { .. }
        | Happening::UpgradeFailed { .. }
        | Happening::RolledBack { .. }
        | Happening::RollBackFailed { .. }
        | Happening::Restarted { .. }
        | Happening::Steady { .. }
        | Happening::Adopted { .. }
        | Happening::PersonDecided => Once::Always,
    }
}

fn digest_of_reason(event: &Event) -> String {
    hex::encode(Sha256::digest(event.reason.as_deref().unwrap_or_default().as_bytes()))
}

/// Whether this is an end of an attempt, or of its roll-back.
pub(super) fn is_an_end(event: &Event) -> bool {
    match event.what {
        Happening::Upgraded { .. }
        | Happening::UpgradeFailed { .. }
        | Happening::RolledBack { .. }
        | Happening::RollBackFailed { .. } => true,
        Happening::Available { .. }
        | Happening::Staged { .. }
        | Happening::Refused { .. }
        | Happening::FailedElsewhere { .. }
        | Happening::Restarted { .. }
        | Happening::CrashLoop { .. }
        | Happening::Steady { .. }
        | Happening::Adopted { .. }
        | Happening::KeyExpires { .. }
        | Happening::Stale { .. }
        | Happening::PersonDecided
        | Happening::Warning => false,
    }
}

/// Whether a crash loop that was told is over with this.
pub(super) fn ends_crash_loop(event: &Event) -> bool {
    matches!(event.what, Happening::Steady { .. } | Happening::Upgraded { .. } | Happening::RolledBack { .. })
}

/// The subject; none: it is for the history only.
pub(super) fn subject(event: &Event, mode: Mode, crash_loop_told: bool) -> Option<String> {
    Some(match &event.what {
        Happening::Upgraded { archive, .. } => format!("Upgrade SUCCESS {archive}"),
        Happening::UpgradeFailed { archive, .. } => format!("Upgrade FAILED {archive}"),
        Happening::RolledBack { archive, .. } => format!("Rollback SUCCESS {archive}"),
        Happening::RollBackFailed { archive, .. } => format!("Rollback FAILED {archive}"),
        Happening::Available { version } if mode == Mode::Notify => format!("Upgrade AVAILABLE {version}"),
        Happening::Staged { version, .. } if mode == Mode::Stage => format!("Upgrade READY {version}"),
        Happening::Refused { version } => format!("Upgrade REFUSED {version}"),
        Happening::FailedElsewhere { version, .. } => format!("Upgrade STOPPED {version}"),
        Happening::CrashLoop { version } => format!("Crash loop {version}"),
        Happening::Steady { version } if crash_loop_told => format!("Running steadily {version}"),
        Happening::KeyExpires { days, .. } if *days < 0 => "Signing key EXPIRED".into(),
        Happening::KeyExpires { days, .. } => format!("Signing key expires in {days} days"),
        Happening::Stale { days } => format!("No release list for {days} days"),
        Happening::Warning => "Warning".into(),
        Happening::Available { .. }
        | Happening::Staged { .. }
        | Happening::Steady { .. }
        | Happening::Restarted { .. }
        | Happening::Adopted { .. }
        | Happening::PersonDecided => return None,
    })
}

/// With what the site wants at its end, as KOSMOS puts it there; on one line.
pub(super) fn whole_subject(subject: &str, append: Option<&str>) -> String {
    let whole = match append.map(str::trim).filter(|append| !append.is_empty()) {
        Some(append) => format!("{subject} - {append}"),
        None => subject.to_owned(),
    };
    let line: String = whole.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    start_of(&mask(&line), LONGEST_SUBJECT_BYTES).to_owned()
}

/// The whole text of a mail.
pub(super) fn body(event: &Event, subject: &str, about: &About, now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("what", subject);
    for (name, value) in facts(&event.what) {
        line(name, &value);
    }
    if let Some(reason) = &event.reason {
        line("reason", start_of(&mask(reason), LONGEST_REASON_BYTES));
    }
    line("when", &now.to_zoned(about.zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string());
    line("site", &mask(&about.site));
    if let Some(attempt) = &event.attempt {
        line("attempt", &attempt.id);
    }
    text.push_str("\nkosmos history shows what happened before, kosmos status what runs now.\n");
    if let Some(log) = &event.log {
        text.push_str("\nStart-up log:\n\n");
        let masked = mask(whole_lines_at_end(log, LONGEST_MASKED_BYTES));
        let end = whole_lines_at_end(&masked, LONGEST_LOG_BYTES);
        if end.len() < log.len() && (end.len() < masked.len() || log.len() > LONGEST_MASKED_BYTES) {
            text.push_str("[what was before this is left out]\n");
        }
        text.push_str(end);
        if !end.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

fn facts(what: &Happening) -> Vec<(&'static str, String)> {
    match what {
        Happening::Upgraded { from, to, downtime, .. } => {
            let mut facts = changed(from.as_ref(), to);
            facts.extend(downtime.map(|downtime| ("downtime", span(downtime))));
            facts
        }
        Happening::UpgradeFailed { from, to, .. } => changed(from.as_ref(), to),
        Happening::RolledBack { to, .. } => vec![("runs again", to.to_string())],
        Happening::RollBackFailed { to, still_lives, .. } => {
            let runs = if *still_lives { "its process, which does not come up" } else { "nothing" };
            vec![("version", to.to_string()), ("runs now", format!("{runs}: a person is needed"))]
        }
        Happening::Staged { version, signer } => {
            vec![("version", version.to_string()), ("signed by", signer.clone()), ("next", "kosmos upgrade".into())]
        }
        Happening::Available { version }
        | Happening::Refused { version }
        | Happening::Restarted { version }
        | Happening::CrashLoop { version }
        | Happening::Steady { version } => vec![("version", version.to_string())],
        Happening::FailedElsewhere { version, home } => {
            vec![("version", version.to_string()), ("failed in", home.clone())]
        }
        Happening::Adopted { version, pid } => {
            let process = pid.map(|pid| ("process", pid.to_string()));
            [("version", version.clone())].into_iter().chain(process).collect()
        }
        Happening::KeyExpires { fingerprint, days } => {
            vec![("key", fingerprint.clone()), ("days left", days.to_string())]
        }
        Happening::Stale { days } => vec![("days", days.to_string())],
        Happening::PersonDecided | Happening::Warning => Vec::new(),
    }
}

fn changed(from: Option<&crate::release::Version>, to: &crate::release::Version) -> Vec<(&'static str, String)> {
    vec![("from", from.map_or_else(|| "nothing".into(), ToString::to_string)), ("to", to.to_string())]
}

/// The first bytes, whole letters only.
pub(super) fn start_of(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// The last bytes, from the start of a line where there is one.
fn whole_lines_at_end(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = text.get(text.ceil_char_boundary(text.len() - bytes)..).unwrap_or_default();
    end.split_once('\n').map_or(end, |(_, whole)| if whole.is_empty() { end } else { whole })
}

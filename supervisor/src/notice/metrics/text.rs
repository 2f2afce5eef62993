//! What stands in the file. The names are an interface. Pure.

use jiff::Timestamp;
use std::time::Duration;

use super::counts::Counts;
use super::exposition::{Exposition, Kind::Counter, Kind::Gauge};
use super::{OnDuty, Standing, lane_labels};
use crate::config::settings::Told;
use crate::notice::outbox::Waiting;

/// The whole file.
pub(super) fn text(standing: &Standing, counts: &Counts, waiting: &[Waiting], now: Timestamp) -> String {
    let common = [("home", standing.home.as_str())];
    let mut out = Exposition::new(&common);
    let version = env!("CARGO_PKG_VERSION");
    out.family(Gauge, "kosmos_build_info", "The version of kosmos.", [([("version", version)], 1)]);
    let help = "When this file was written. Older than some minutes: kosmos does not run, or cannot write.";
    out.one(Gauge, "kosmos_written_at_seconds", help, Some(now.as_second()));
    let help = "Whether kosmos is on duty; 0 is written when it leaves in good order.";
    out.one(Gauge, "kosmos_running", help, Some(u8::from(standing.on_duty.is_some())));
    if let Some(duty) = &standing.on_duty {
        what_runs(&mut out, duty);
        what_comes(&mut out, duty);
        what_a_person_should_know(&mut out, duty);
    }
    what_happened(&mut out, counts);
    what_waits(&mut out, waiting, now);
    out.end()
}

fn what_runs<'a>(out: &mut Exposition<'a>, duty: &'a OnDuty) {
    let help = "Whether the integrasjonspunkt runs and was seen healthy.";
    let is_up = duty.up && duty.runs.is_some();
    out.one(Gauge, "kosmos_integrasjonspunkt_up", help, Some(u8::from(is_up)));
    let version = duty.runs.iter().map(|runs| ([("version", runs.version.as_deref().unwrap_or("unverified"))], 1));
    out.family(Gauge, "kosmos_integrasjonspunkt_info", "The version that runs.", version);
    let started = duty.runs.as_ref().and_then(|runs| runs.started).map(Timestamp::as_second);
    let help = "When the process of the integrasjonspunkt started.";
    out.one(Gauge, "kosmos_integrasjonspunkt_started_at_seconds", help, started);
    let help = "How often it has ended by itself without a steady time since.";
    out.one(Gauge, "kosmos_integrasjonspunkt_crashes_in_a_row", help, Some(duty.crashes_in_a_row));
}

fn what_comes<'a>(out: &mut Exposition<'a>, duty: &'a OnDuty) {
    let seconds = |at: Option<Timestamp>| at.map(Timestamp::as_second);
    let help = "When kosmos last looked for a release.";
    out.one(Gauge, "kosmos_last_look_at_seconds", help, seconds(duty.last_look.map(|(at, _)| at)));
    let help = "Whether the last look reached the release source.";
    out.one(Gauge, "kosmos_last_look_reached", help, duty.last_look.map(|(_, reached)| u8::from(reached)));
    out.one(Gauge, "kosmos_next_look_at_seconds", "When kosmos looks next.", seconds(duty.next_look));
    let help = "When the window opens that is next, or opened that is open.";
    out.one(Gauge, "kosmos_window_opens_at_seconds", help, seconds(duty.window.map(|(opens, _)| opens)));
    let help = "When that window closes.";
    out.one(Gauge, "kosmos_window_closes_at_seconds", help, seconds(duty.window.map(|(_, closes)| closes)));
    let help = "Whether a verified version waits to be installed.";
    out.one(Gauge, "kosmos_staged", help, Some(u8::from(duty.staged.is_some())));
    let staged = duty.staged.iter().map(|version| ([("version", version.as_str())], 1));
    out.family(Gauge, "kosmos_staged_info", "The version that waits.", staged);
}

fn what_a_person_should_know<'a>(out: &mut Exposition<'a>, duty: &'a OnDuty) {
    let keys = duty.keys.iter().map(|(fingerprint, ends)| ([("fingerprint", fingerprint.as_str())], ends.as_second()));
    let help = "When a key that releases are signed with ends.";
    out.family(Gauge, "kosmos_key_expires_at_seconds", help, keys);
    let help = "Versions that supervisors died with or that failed here.";
    out.one(Gauge, "kosmos_held_versions", help, Some(duty.held.len()));
    let state = |given_up: bool| if given_up { "given-up" } else { "suspected" };
    let versions =
        duty.held.iter().map(|(version, given_up)| ([("version", version.as_str()), ("state", state(*given_up))], 1));
    out.family(Gauge, "kosmos_held_version_info", "What is held against a version.", versions);
    out.one(Gauge, "kosmos_on_hold", "Whether a person holds upgrades.", Some(u8::from(duty.on_hold)));
}

fn what_happened<'a>(out: &mut Exposition<'a>, counts: &'a Counts) {
    let of = |told: Told| counts.of(told.name());
    let help = "Attempts to upgrade, by how they ended.";
    let attempts = [("success", of(Told::Upgraded)), ("failure", of(Told::UpgradeFailed))];
    out.family(
        Counter,
        "kosmos_upgrade_attempts_total",
        help,
        attempts.map(|(outcome, n)| ([("outcome", outcome)], n)),
    );
    let backs = [("success", of(Told::RolledBack)), ("failure", of(Told::RollBackFailed))];
    let help = "Roll-backs, by how they ended.";
    out.family(Counter, "kosmos_roll_backs_total", help, backs.map(|(outcome, n)| ([("outcome", outcome)], n)));
    let help = "How often the integrasjonspunkt ended by itself and was started again.";
    out.one(Counter, "kosmos_integrasjonspunkt_crashes_total", help, Some(of(Told::Restarted)));
    let help = "What stands in the history, by its name there.";
    let events = counts.all().map(|(event, n)| ([("event", event)], n));
    out.family(Counter, "kosmos_events_total", help, events);
    let help = "When an upgrade was last committed.";
    out.one(Gauge, "kosmos_last_upgrade_at_seconds", help, counts.last_upgrade().map(Timestamp::as_second));
    let help = "How long nothing ran in the last upgrade.";
    let downtime = counts.last_downtime_ms().map(|ms| Duration::from_millis(ms).as_secs_f64());
    out.one(Gauge, "kosmos_last_upgrade_downtime_seconds", help, downtime);
    let help = "When a look last reached the release source.";
    out.one(Gauge, "kosmos_last_successful_look_at_seconds", help, counts.last_reached().map(Timestamp::as_second));
}

fn what_waits<'a>(out: &mut Exposition<'a>, waiting: &'a [Waiting], now: Timestamp) {
    let counts = waiting.iter().map(|waiting| (lane_labels(waiting), waiting.count));
    out.family(Gauge, "kosmos_outbox_length", "Mails and calls of webhooks that wait to be sent.", counts);
    let age = |oldest: Option<Timestamp>| oldest.map_or(0, |at| at.duration_until(now).as_secs().max(0));
    let ages = waiting.iter().map(|waiting| (lane_labels(waiting), age(waiting.oldest)));
    out.family(Gauge, "kosmos_outbox_oldest_age_seconds", "For how long the oldest of them waits.", ages);
}

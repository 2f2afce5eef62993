//! `[schedule]`

use super::{DAY, HOUR, MINUTE, SECOND, duration, is_word};
use crate::config::check;
use crate::config::nearest::nearest;
use crate::config::problem::{Wrong, quoted, wrong};
use crate::config::reader::Reader;
use crate::config::settings::{Look, Mode, Release, Schedule, Source};
use crate::config::units;
use crate::config::value::{Scalar, word_of};
use crate::schedule::Cron;
use jiff::tz::TimeZone;
use std::time::Duration;

const MODES: [(&str, Mode); 4] =
    [("auto", Mode::Auto), ("stage", Mode::Stage), ("notify", Mode::Notify), ("off", Mode::Off)];

pub(super) fn read(reader: &mut Reader, release: Option<&Release>) -> Option<Schedule> {
    let look = reader.need("schedule.look", look, show_look);
    let splay = duration(reader, "schedule.splay", Duration::ZERO, DAY);
    let windows = reader.many("schedule.window", check::cron, |cron| cron.text().to_owned());
    let window_length = duration(reader, "schedule.window_length", SECOND, DAY * 7);
    let timezone = reader.need("schedule.timezone", timezone, |zone| zone.iana_name().unwrap_or("UTC").to_owned());
    let mode = reader.need("schedule.mode", |scalar| scalar.choice(&MODES), |mode| word_of(&MODES, mode));
    let show = |longest: &Duration| units::show_duration(*longest);
    let longest_deferral = reader.one("schedule.longest_deferral", |it| it.duration(HOUR, DAY * 365), show);
    let blackout = reader.many("schedule.blackout", check::days, |(first, last)| format!("{first}/{last}"));

    for cron in windows.iter().filter(|cron| cron.every_second()) {
        reader.warn("schedule.window", every_second(cron));
    }
    if longest_deferral.is_some() && (mode == Some(Mode::Off) || windows.is_empty()) {
        let why = if mode == Some(Mode::Off) { "mode is \"off\": nobody looks" } else { "there is no window" };
        let what = wrong(format!("{why}, so it never comes to that"), "another mode and a window, or leave it out");
        reader.warn("schedule.longest_deferral", what);
    }
    // A window that is wrong is told already.
    if windows.is_empty() && reader.scalar("schedule.window").is_none() && mode == Some(Mode::Auto) {
        reader.warn(
            "schedule.window",
            wrong(
                "there is no window, so nothing is installed by itself",
                "a window, or mode = \"stage\", which says so",
            ),
        );
    }
    match &look {
        Some(Look::At(cron)) if cron.every_second() => reader.warn("schedule.look", every_second(cron)),
        Some(Look::Every(every)) if *every < MINUTE && release.is_some_and(|release| asks_others(&release.source)) => {
            let what = format!("{} is often for somebody else's server", units::show_duration(*every));
            reader.warn("schedule.look", wrong(what, "a minute or more, like \"15m\""));
        }
        _ => {}
    }
    Some(Schedule {
        look: look?,
        splay: splay?,
        windows,
        window_length: window_length?,
        timezone: timezone?,
        mode: mode?,
        longest_deferral,
        blackout,
    })
}

fn look(scalar: &Scalar) -> Result<Look, Wrong> {
    if is_word(scalar, "never") {
        return Ok(Look::Never);
    }
    let text = scalar.text.trim();
    if text.starts_with('@') || text.split_whitespace().count() > 4 || text.contains(['*', '?']) {
        return check::cron(scalar).map(Look::At);
    }
    scalar.duration(SECOND, DAY * 30).map(Look::Every).map_err(|mut wrong| {
        wrong.right.push_str("; or a cron expression; or \"never\"");
        wrong
    })
}

fn show_look(look: &Look) -> String {
    match look {
        Look::Every(every) => units::show_duration(*every),
        Look::At(cron) => cron.text().to_owned(),
        Look::Never => "never".into(),
    }
}

fn every_second(cron: &Cron) -> Wrong {
    let rest = cron.text().trim_start().split_once(' ').map_or("", |(_, rest)| rest);
    wrong(format!("{} begins anew every second of its minutes", quoted(cron.text())), format!("perhaps \"0 {rest}\""))
}

fn timezone(scalar: &Scalar) -> Result<TimeZone, Wrong> {
    let text = scalar.text()?;
    TimeZone::get(text).map_err(|_| {
        let all: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let right = match nearest(text, all.iter().map(String::as_str)) {
            Some(near) => format!("perhaps \"{near}\""),
            None => "a name of the time zone database, like \"Europe/Oslo\" or \"UTC\"".into(),
        };
        wrong(format!("{} is no time zone", quoted(text)), right)
    })
}

fn asks_others(source: &Source) -> bool {
    match source {
        Source::Digdir { list, .. } => !check::is_this_machine(list),
        Source::Maven { artifact_folder, .. } => !check::is_this_machine(artifact_folder),
        Source::Directory { .. } => false,
    }
}

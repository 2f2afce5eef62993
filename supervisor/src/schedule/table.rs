//! What `kosmos schedule` prints: the next windows and the next looks, in local time, and what is odd about them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::time::Duration;

use super::looks::{Looks, RATE_FLOOR};
use super::windows::{Window, Windows};
use crate::config::settings::{Look, Mode, Schedule};

/// How many windows and how many looks are shown.
const SHOWN: usize = 10;
const WITH_OFFSET: &str = "%a %Y-%m-%d %H:%M:%S %:z";
const DAY: &str = "%a %Y-%m-%d";
const INDENT: &str = "  ";

/// The next ten windows and the next ten looks of this site, by the clock alone: a failed look is tried again sooner.
pub fn table(schedule: &Schedule, site: &str, now: Timestamp) -> String {
    let mut text = String::new();
    let zone = &schedule.timezone;
    let zone_name = zone.iana_name().unwrap_or("fixed offset");
    push(&mut text, &format!("now       {}  {zone_name}", local(now, zone)));
    push(&mut text, &format!("mode      {}", mode(schedule.mode)));
    if let Some(longest) = schedule.longest_deferral {
        push(&mut text, &format!("deferral  at most {}: then in the next window all the same", span(longest)));
    }
    windows(&mut text, schedule, now);
    looks(&mut text, schedule, site, now);
    warnings(&mut text, schedule);
    text
}

/// A duration as people say it: `1h 30m`, `45s`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if said.is_empty() { format!("{}ms", duration.as_millis()) } else { said.join(" ") }
}

fn windows(text: &mut String, schedule: &Schedule, now: Timestamp) {
    push(text, "");
    let listed: Vec<&str> = schedule.windows.iter().map(super::Cron::text).collect();
    push(text, &format!("windows   {} (each open for {})", listed.join("  |  "), span(schedule.window_length)));
    let windows = Windows::of(schedule);
    let mut blackouts = windows.blackouts_from(now).peekable();
    let (mut from, mut shown) = (now, 0);
    while shown < SHOWN {
        let next = windows.open_or_next(from);
        while let Some(blackout) = blackouts.next_if(|(start, _)| next.is_none_or(|window| *start <= window.opens)) {
            push(text, &blackout_line(blackout, &schedule.timezone));
        }
        let Some(window) = next else { break };
        if shown == 0 && window.opens <= now && !windows.closes(now) {
            push(text, &format!("{INDENT}always open"));
            return;
        }
        push(text, &window_line(&window, &schedule.timezone, now));
        (from, shown) = (window.closes, shown + 1);
    }
    if shown == 0 {
        push(
            text,
            &format!("{INDENT}none: stops and starts happen only where a person says so (kosmos upgrade --now)"),
        );
    }
}

fn window_line(window: &Window, zone: &TimeZone, now: Timestamp) -> String {
    let (opens, closes) = (window.opens.to_zoned(zone.clone()), window.closes.to_zoned(zone.clone()));
    // Where the clock is set in between, the two times alone would not say how long it is.
    let short = opens.date() == closes.date() && opens.offset() == closes.offset();
    let closes = closes.strftime(if short { "%H:%M:%S" } else { WITH_OFFSET }).to_string();
    let open = if window.opens <= now { "  open now" } else { "" };
    format!("{INDENT}{}  to {closes}  {}{open}", local(window.opens, zone), span(window.length()))
}

fn blackout_line((start, end): (Timestamp, Timestamp), zone: &TimeZone) -> String {
    let day = |moment: Timestamp| moment.to_zoned(zone.clone()).strftime(DAY).to_string();
    let (first, last) = (day(start), day(super::occurrence::just_before(end)));
    let days = if first == last { first } else { format!("{first}  to {last}") };
    format!("{INDENT}{days}  blackout: no window opens")
}

fn looks(text: &mut String, schedule: &Schedule, site: &str, now: Timestamp) {
    push(text, "");
    let rule = match &schedule.look {
        Look::Every(distance) => format!("every {}", span(*distance)),
        Look::At(cron) => cron.text().to_owned(),
        Look::Never => "never".into(),
    };
    let looks = Looks::of(schedule, site);
    let share = format!(" (this site {} later, of at most {})", span(looks.share()), span(schedule.splay));
    let share = if looks.due_after(now).is_some() { share.as_str() } else { "" };
    push(text, &format!("looks     {rule}{share}"));
    let (mut from, mut shown) = (now, 0);
    while let Some(next) = looks.due_after(from).filter(|_| shown < SHOWN) {
        push(text, &format!("{INDENT}{}", local(next, &schedule.timezone)));
        // What comes sooner than a minute after a look is not looked at: the next one is the first after that.
        let soonest = next.checked_add(RATE_FLOOR).unwrap_or(Timestamp::MAX);
        (from, shown) = (super::occurrence::just_before(soonest), shown + 1);
    }
    if shown == 0 {
        push(text, &format!("{INDENT}none"));
    }
}

fn warnings(text: &mut String, schedule: &Schedule) {
    let look = match &schedule.look {
        Look::At(cron) => Some(("look", cron)),
        Look::Every(_) | Look::Never => None,
    };
    for (what, cron) in schedule.windows.iter().map(|cron| ("window", cron)).chain(look) {
        let Some(meant) = cron.once_a_minute() else { continue };
        push(text, "");
        push(text, &format!("warning   {what} {:?} fires in each second of the minutes it names", cron.text()));
        push(text, &format!("{INDENT}        probably meant: {meant:?}"));
        if what == "look" {
            push(text, &format!("{INDENT}        it looks once a minute at most"));
        }
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Auto => "auto: fetched and verified at a look, installed in a window",
        Mode::Stage => "stage: fetched and verified at a look, installed where a person says so",
        Mode::Notify => "notify: only told that there is something newer",
        Mode::Off => "off: no looks",
    }
}

fn local(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime(WITH_OFFSET).to_string()
}

fn push(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

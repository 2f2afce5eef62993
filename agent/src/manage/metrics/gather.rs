//! All meters, from what the desk and the program know now. What cannot be measured now is left out.

use super::super::Manage;
use super::{Kind, Meter, Sample, Value};
use crate::domain::Service;
use crate::flow::Fares;
use crate::ports::Lane;
use jiff::Timestamp;

/// Measures everything.
pub(super) async fn all(manage: &Manage) -> Vec<Meter> {
    let mut meters = vec![manage.facts.requests.meter()];
    meters.extend(process(manage));
    meters.extend(kept(manage).await);
    meters.extend(channels(manage));
    meters.extend(certificates(manage));
    meters.retain(|meter| !meter.samples.is_empty());
    meters.sort_by_key(|meter| meter.name);
    meters
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a metric is a float; beyond 2^53 nobody counts")]
fn float(number: u64) -> f64 {
    number as f64
}

/// Of a moment, in seconds since 1970.
fn seconds(moment: Timestamp) -> f64 {
    moment.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

fn gauge(name: &'static str, description: &'static str, unit: Option<&'static str>, samples: Vec<Sample>) -> Meter {
    Meter { name, description, unit, kind: Kind::Gauge, samples }
}

fn plain(value: f64) -> Vec<Sample> {
    vec![Sample { labels: Vec::new(), value: Value::Number(value) }]
}

fn labelled<const N: usize>(labels: [(&'static str, String); N], value: f64) -> Sample {
    Sample { labels: labels.into(), value: Value::Number(value) }
}

fn process(manage: &Manage) -> Vec<Meter> {
    let facts = &manage.facts;
    let build = labelled([("version", facts.version.to_owned())], 1.0);
    let up = facts.since.elapsed().as_secs_f64();
    let mut meters = vec![
        gauge("application.info", "The version that runs", None, vec![build]),
        gauge("process.uptime", "How long it has been running", Some("seconds"), plain(up)),
        gauge("process.start.time", "When it was started", Some("seconds"), plain(seconds(facts.started))),
    ];
    if let Some(bytes) = resident_bytes() {
        let what = "Memory that is in use";
        meters.push(gauge("process.resident.memory", what, Some("bytes"), plain(float(bytes))));
    }
    let path = || [("path", facts.folder.display().to_string())];
    if let Ok(free) = fs4::available_space(&facts.folder) {
        let samples = vec![labelled(path(), float(free))];
        meters.push(gauge("disk.free", "Usable space for path", Some("bytes"), samples));
    }
    if let Ok(total) = fs4::total_space(&facts.folder) {
        let samples = vec![labelled(path(), float(total))];
        meters.push(gauge("disk.total", "Total space for path", Some("bytes"), samples));
    }
    meters
}

/// Only Linux says it in a file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

async fn kept(manage: &Manage) -> Vec<Meter> {
    const UP: (&str, &str) = ("integrasjonspunkt.database.up", "Whether the database answers");
    let store = &manage.desk.store;
    let database = |value| vec![labelled([("database", store.database().to_owned())], value)];
    let Ok(counts) = store.counts().await else { return vec![gauge(UP.0, UP.1, None, database(0.0))] };
    let of = |direction: &str, count| labelled([("direction", direction.to_owned())], float(count));
    let messages = vec![of("outgoing", counts.outgoing), of("incoming", counts.incoming)];
    let mut meters = vec![
        gauge(UP.0, UP.1, None, database(1.0)),
        gauge("integrasjonspunkt.messages", "Messages that are kept until they are handed over", None, messages),
        gauge("integrasjonspunkt.queue.length", "What is to be sent", None, plain(float(counts.queued))),
        gauge(
            "integrasjonspunkt.conversations.polled",
            "Conversations whose channel is asked",
            None,
            plain(float(counts.pollable)),
        ),
    ];
    if let Ok(bytes) = store.size_bytes().await {
        let what = "How large the database is";
        meters.push(gauge("integrasjonspunkt.database.size", what, Some("bytes"), database(float(bytes))));
    }
    if let Ok(due) = store.next_due(&Lane::All).await {
        let late = due.map_or(0.0, |due| seconds(manage.desk.clock.now()) - seconds(due)).max(0.0);
        let what = "For how long the first on the queue could have been tried";
        meters.push(gauge("integrasjonspunkt.queue.overdue", what, Some("seconds"), plain(late)));
    }
    meters
}

fn channels(manage: &Manage) -> Vec<Meter> {
    let fares = manage.desk.tally.all();
    let service = |service: Service| ("service", service.name().to_owned());
    let enabled = Service::ALL.into_iter().map(|it| {
        let is_open = manage.desk.channels.contains_key(&it);
        labelled([service(it)], if is_open { 1.0 } else { 0.0 })
    });
    let outcome =
        |it: Service, outcome: &str, count| labelled([("outcome", outcome.to_owned()), service(it)], float(count));
    let dispatched = fares.iter().flat_map(|(it, fares)| {
        [
            outcome(*it, "sent", fares.sent),
            outcome(*it, "put_off", fares.put_off),
            outcome(*it, "failed", fares.failed),
            outcome(*it, "expired", fares.expired),
        ]
    });
    let each = |count: fn(&Fares) -> u64| -> Vec<Sample> {
        fares.iter().map(|(it, fares)| labelled([service(*it)], float(count(fares)))).collect()
    };
    let counter = |name, description, samples| Meter { name, description, unit: None, kind: Kind::Counter, samples };
    let reached = fares.iter().filter_map(|(it, fares)| Some(labelled([service(*it)], seconds(fares.reached?))));
    let trouble =
        fares.iter().map(|(it, fares)| labelled([service(*it)], f64::from(u8::from(fares.trouble.is_some()))));
    vec![
        gauge(
            "integrasjonspunkt.channel.enabled",
            "Whether there is a channel for the service",
            None,
            enabled.collect(),
        ),
        gauge(
            "integrasjonspunkt.channel.reached",
            "When the channel was last reached",
            Some("seconds"),
            reached.collect(),
        ),
        gauge(
            "integrasjonspunkt.channel.trouble",
            "Whether the channel was not reached the last time",
            None,
            trouble.collect(),
        ),
        counter("integrasjonspunkt.dispatched", "Tries to send, by what came of them", dispatched.collect()),
        counter("integrasjonspunkt.collected", "Messages and statuses that came in", each(|fares| fares.collected)),
        counter(
            "integrasjonspunkt.fetch.failures",
            "Rounds of fetching that failed",
            each(|fares| fares.fetch_failures),
        ),
    ]
}

fn certificates(manage: &Manage) -> Vec<Meter> {
    let samples = manage
        .facts
        .certificates
        .all()
        .into_iter()
        .map(|one| labelled([("alias", one.alias), ("use", one.used.name().to_owned())], seconds(one.until)));
    let what = "When the certificate ends";
    vec![gauge("integrasjonspunkt.certificate.ends", what, Some("seconds"), samples.collect())]
}

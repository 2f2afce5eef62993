//! `/`: what runs, and how it fares.

use super::rows::{CertificateRow, ConversationRow, QueuedRow, SubscriberRow};
use super::words::{Badge, Moment, bytes, count, shown, span};
use super::{Frame, Trouble, Web, drawn};
use crate::domain::Service;
use crate::manage::{self, Component};
use crate::ports::{PageRequest, Search};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::collections::BTreeSet;

const LAST: PageRequest = PageRequest { number: 0, size: 10 };
const QUEUED: u32 = 20;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    health: Badge,
    started: Moment,
    uptime: String,
    database: String,
    components: Vec<ComponentRow>,
    channels: Vec<ChannelRow>,
    certificates: Vec<CertificateRow>,
    kept: Option<Kept>,
    subscribers: Option<Vec<SubscriberRow>>,
}

/// What is known where the database answers.
struct Kept {
    outgoing: String,
    incoming: String,
    queued: String,
    pollable: String,
    queue: Vec<QueuedRow>,
    last: Vec<ConversationRow>,
}

struct ComponentRow {
    name: &'static str,
    state: Badge,
    details: String,
}

struct ChannelRow {
    service: &'static str,
    state: Badge,
    reached: Option<Moment>,
    sent: String,
    collected: String,
    failed: String,
    trouble: Option<String>,
}

/// `GET /`
pub(super) async fn page(State(web): State<Web>) -> Result<Response, Trouble> {
    let (manage, facts) = (&web.manage, &web.manage.facts);
    let now = manage.desk.clock.now();
    let health = manage::look(manage).await;
    let certificates = facts.certificates.all();
    let has_tls = certificates.iter().any(|one| one.used == crate::ports::Use::Tls);
    let is_seen = |name: &str, state| name != "ssl" || has_tls || state != efm::manage::Status::Up;
    let rows = health
        .components
        .iter()
        .filter(|(name, of)| is_seen(name, of.status))
        .filter_map(|(name, component)| row(name, component));
    let subscribers = match &web.subscribers {
        // Without the database the rest of the page is what is needed most.
        Some(_) if is_away(&web) => None,
        Some(subscribers) => subscribers.all().await.ok().map(|all| all.into_iter().map(SubscriberRow::of).collect()),
        None => None,
    };
    drawn(&Home {
        frame: Frame::of(&web),
        health: Badge::health(health.status),
        started: Moment::of(facts.started),
        uptime: span(facts.since.elapsed()),
        database: database(&web).await,
        components: rows.collect(),
        channels: channels(&web),
        certificates: certificates.iter().map(|one| CertificateRow::of(one, now)).collect(),
        kept: kept(&web).await,
        subscribers,
    })
}

/// Whoever looks does not wait for a database that is known to be away.
fn is_away(web: &Web) -> bool {
    web.manage.lacks_database()
}

async fn database(web: &Web) -> String {
    let store = &web.manage.desk.store;
    if is_away(web) {
        return store.database().to_owned();
    }
    match store.size_bytes().await {
        Ok(size) => format!("{}, {}", store.database(), bytes(size)),
        Err(_) => store.database().to_owned(),
    }
}

/// The page is there to say what is wrong: a database that does not answer is shown, and so is all the rest.
async fn kept(web: &Web) -> Option<Kept> {
    if is_away(web) {
        return None;
    }
    let store = &web.manage.desk.store;
    let all = async {
        Ok::<_, crate::ports::StoreError>((
            store.counts().await?,
            store.queue(QUEUED).await?,
            store.search(Search::default(), LAST).await?,
        ))
    };
    let (counts, queue, last) = match all.await {
        Ok(all) => all,
        // Told once, and seen in health.
        Err(crate::ports::StoreError::NotOpen | crate::ports::StoreError::Unreachable { .. }) => return None,
        Err(error) => {
            tracing::error!(error = %efm::chain::Chain(&error), "the page is shown without what is kept");
            return None;
        }
    };
    let now = web.manage.desk.clock.now();
    Some(Kept {
        outgoing: count(counts.outgoing),
        incoming: count(counts.incoming),
        queued: count(counts.queued),
        pollable: count(counts.pollable),
        queue: queue.into_iter().map(|one| QueuedRow::of(one, now)).collect(),
        last: last.rows.iter().map(ConversationRow::of).collect(),
    })
}

/// What a person wants to see of a component; none: it says nothing here.
fn row(name: &str, component: &Component) -> Option<ComponentRow> {
    let name = match name {
        "db" => "Database",
        "diskSpace" => "Diskplass",
        "files" => "Filer",
        "keystore" => "Virksomhetssertifikat",
        "ssl" => "TLS",
        "channels" => "Kanaler",
        "readinessState" => "Tar imot",
        _ => return None,
    };
    let of = |member: &str| component.details.as_ref().and_then(|details| details.get(member));
    let text = |member: &str| of(member).and_then(|value| value.as_str()).map(shown);
    let number = |member: &str| of(member).and_then(serde_json::Value::as_u64);
    let room = number("free").zip(number("total"));
    let room = room.map(|(free, total)| format!("{} ledig av {}", bytes(free), bytes(total)));
    let parts = &component.components;
    let well = parts.values().filter(|part| part.status == efm::manage::Status::Up).count();
    let parts = (!parts.is_empty()).then(|| format!("{well} av {} er i orden", parts.len()));
    let details = text("error").or(room).or(parts).or_else(|| text("database")).unwrap_or_default();
    Some(ComponentRow { name, state: Badge::health(component.status), details })
}

fn channels(web: &Web) -> Vec<ChannelRow> {
    let desk = &web.manage.desk;
    let all: BTreeSet<Service> = web.manage.facts.enabled.iter().chain(desk.channels.keys().copied()).collect();
    let fares = desk.tally.all();
    let rows = all.into_iter().map(|service| {
        let fares = fares.get(&service).cloned().unwrap_or_default();
        let is_there = desk.channels.contains_key(&service);
        let state = match (is_there, &fares.trouble, fares.reached) {
            (false, ..) => Badge { class: "bad", text: "Finnes ikke" },
            (true, Some(_), _) => Badge { class: "bad", text: "Når ikke fram" },
            (true, None, Some(_)) => Badge { class: "good", text: "I orden" },
            (true, None, None) => Badge { class: "quiet", text: "Ikke brukt ennå" },
        };
        let missing = (!is_there).then(|| "Påslått, men denne versjonen har ikke kanalen.".to_owned());
        let trouble = fares.trouble.map(|(since, why)| format!("{}: {}", Moment::of(since).text, shown(&why)));
        ChannelRow {
            service: service.name(),
            state,
            reached: fares.reached.map(Moment::of),
            sent: count(fares.sent),
            collected: count(fares.collected),
            failed: count(fares.failed + fares.expired),
            trouble: missing.or(trouble),
        }
    });
    rows.collect()
}

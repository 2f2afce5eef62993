//! One life of everything: from reading the keys to the end, in order. A second one begins where the organisation's keystore
//! could not be opened and then can: channels, tokens and sealing are made of its keys.

use super::keys::Own;
use super::port::Port;
use super::serve::{self, Front};
use super::tls::{self, Spoken};
use super::{CannotRun, lookups, onboarding, pages};
use crate::api::{self, Door};
use crate::config::Settings;
use crate::flow::{Awaited, Desk, Need};
use crate::manage::{self, Facts, Manage, Part, Stop};
use crate::pollers::{self, Dispatching, Upkeep};
use crate::ports::{NoRandom, Onboarding, Random, Use};
use crate::web::{self, Web};
use axum::Router;
use efm::clock::Clock;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The database and the files have so long to open before anybody is answered; who connects meanwhile waits in the queue.
const TO_OPEN: Duration = Duration::from_secs(1);
/// Requests and messages that are in hand when the stop is asked have so long.
const TO_FINISH: Duration = Duration::from_secs(20);
/// What a dead instance held is taken over after so long; who lives renews it three times as often.
const LEASE: Duration = Duration::from_secs(15);
/// How long one try to send may take.
const LONGEST_TRY: Duration = Duration::from_mins(15);

/// What outlives a round.
pub(super) struct Site<'a> {
    pub(super) settings: &'a Settings,
    pub(super) port: Port,
    pub(super) clock: Clock,
    /// Who asks it asks the whole program.
    pub(super) stop: Stop,
    pub(super) facts: Arc<Facts>,
}

/// Why a round is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Somebody asked.
    Asked,
    /// The organisation's keystore could not be opened, and now it can.
    HasKeys,
}

/// Until somebody asks, or there are keys where there were none.
pub(super) async fn round(site: &Site<'_>, ready: &impl Fn(SocketAddr)) -> Result<Ended, CannotRun> {
    let Site { settings, port, clock, facts, .. } = site;
    let needs = [Need::Database, Need::Files].into_iter();
    let awaited = Arc::new(Awaited::of(needs.chain(settings.keystores.tls.is_some().then_some(Need::Tls))));
    let spoken = match &settings.keystores.tls {
        Some(location) => Some(Arc::new(Spoken::open(location, clock, &awaited).await?)),
        None => None,
    };
    let own = Arc::new(Own::open(&settings.keystores, clock.now()));
    let closed = own.closed(settings);
    let keystore = own.health(!closed.is_empty(), clock.clone());
    let desk = Arc::new(super::desk(settings, &own, closed, clock.clone(), Arc::clone(&awaited)));
    facts.certificates.is_now(Use::Own, own.certificate());
    facts.certificates.is_now(Use::Tls, spoken.as_ref().and_then(|spoken| spoken.certificate()));
    let holder = holder(&*desk.random)?;
    let front = Front { listeners: port.listeners()?, tls: spoken.clone() };
    let parts = lookups::Parts { settings, own: &own, clock, random: &desk.random };
    let onboarding = onboarding::of(parts);
    let routes = routes(site, &desk, onboarding, vec![keystore, tls::part(spoken.as_ref())]);

    let stop = Stop::default();
    let all = async {
        tokio::join!(
            answer(front, routes, &awaited, port.here, &stop),
            until(&stop, async {
                awaited.all_here().await;
                ready(port.here);
            }),
            pollers::open(&desk, stopped(&stop)),
            keep(spoken.as_deref(), &awaited, facts, &stop),
            work(settings, &desk, &holder, &stop),
        );
    };
    let over = async {
        tokio::select! {
            by = site.stop.asked() => {
                port.let_go();
                stop.ask(by);
                Ended::Asked
            }
            () = own.come(&settings.keystores, clock) => {
                stop.ask("the keys are here");
                Ended::HasKeys
            }
        }
    };
    let mut all = std::pin::pin!(all);
    let ended = tokio::select! { () = &mut all => Ended::Asked, ended = over => ended };
    if tokio::time::timeout(TO_FINISH, all).await.is_err() {
        tracing::warn!(after = ?TO_FINISH, "cut off what was still in hand: requests that had no answer have no acknowledgement, and are to be sent again; messages that were on their way out are on the queue");
    }
    Ok(ended)
}

/// What is served.
fn routes(site: &Site<'_>, desk: &Arc<Desk>, onboarding: Arc<dyn Onboarding>, parts: Vec<Part>) -> Router {
    let Site { settings, clock, stop, facts, .. } = site;
    let (facts, stop) = (Arc::clone(facts), stop.clone());
    let manage = Manage { desk: Arc::clone(desk), facts, shutdown: settings.shutdown, parts: parts.into(), stop };
    let subscribers = Some(pages::subscribers(&desk.store));
    let pages = Web { manage: manage.clone(), subscribers, onboarding: Some(Arc::clone(&onboarding)) };
    let auth = settings.auth.clone().map(Arc::new);
    let door = Door { auth, awaited: Arc::clone(&desk.awaited), clock: clock.clone() };
    let routes = api::routes(Arc::clone(desk)).merge(api::onboarding::routes(onboarding));
    let routes = routes.merge(web::routes(pages)).merge(manage::routes(manage.clone()));
    manage::watch(manage, door.around(routes))
}

/// Answers, when what is needed is open or was tried.
async fn answer(front: Front, routes: Router, awaited: &Awaited, here: SocketAddr, stop: &Stop) {
    let tried = tokio::time::timeout(TO_OPEN, awaited.all_tried());
    until(stop, async { drop(tried.await) }).await;
    if let Some((need, _)) = awaited.first() {
        tracing::warn!(address = %here, %need, "answers, and takes no messages yet");
    }
    serve::serve(front, routes, stop.clone()).await;
}

/// Keeps the key and certificate of the API as they are in their keystore.
async fn keep(spoken: Option<&Spoken>, awaited: &Awaited, facts: &Facts, stop: &Stop) {
    if let Some(spoken) = spoken {
        until(stop, spoken.keep(awaited, &facts.certificates)).await;
    }
}

/// What happens by itself, from when there is a database.
async fn work(settings: &Settings, desk: &Desk, holder: &str, stop: &Stop) {
    let how = Dispatching {
        holder: holder.to_owned(),
        concurrency: settings.concurrency,
        lease: LEASE,
        longest_try: LONGEST_TRY,
    };
    let upkeep = Upkeep {
        expiry: settings.expiry,
        keeps_history: settings.keeps_history,
        keeps_deliveries: settings.webhooks.keeps_log,
    };
    until(stop, desk.awaited.here(&[Need::Database, Need::Files])).await;
    if stop.is_asked() {
        return;
    }
    tokio::join!(
        pollers::dispatch(desk, &how, || stopped(stop)),
        pollers::push(desk, holder, stopped(stop)),
        join_all(desk.channels.values().map(|channel| pollers::collect(desk, &**channel, stopped(stop)))),
        pollers::upkeep(desk, &upkeep, stopped(stop)),
    );
}

async fn stopped(stop: &Stop) {
    stop.asked().await;
}

/// Does it, or leaves it where the stop is asked.
async fn until(stop: &Stop, act: impl Future<Output = ()>) {
    tokio::select! {
        () = stopped(stop) => {}
        () = act => {}
    }
}

/// A name on leases that no other instance has.
fn holder(random: &dyn Random) -> Result<String, NoRandom> {
    Ok(hex::encode(random.sixteen()?))
}

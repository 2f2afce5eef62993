//! Webhooks: somebody's server is called when something happens. What is called waits in the outbox like a mail, in a
//! lane of its own for each webhook, and its loop stands beside the others: one that is down is in nobody's way.
//!
//! `body` says what is sent, [`efm::webhook`] that it is ours, `send` how it is sent and what an answer means. The head of a call is
//! that of [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature`.

mod body;
mod send;

use efm::chain::Chain;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Notify;

use super::deliver::{REFUSED_AT_MOST, in_rounds};
use super::history::Row;
use super::outbox::{Call, Lane};
use super::{NoticeError, Notices};
use crate::config::settings::{Network, Webhook};
use crate::ports::Event;
use efm::outside::Routes;

pub(super) use send::Caller;

/// Who is called, and the bell of its lane.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) webhook: Webhook,
    lane: Lane,
    new_call: Notify,
}

/// All webhooks, and the way to them.
#[derive(Debug)]
pub(super) struct Hooks {
    pub(super) all: Vec<Hook>,
    pub(super) network: Network,
    /// This machine, as it calls itself.
    pub(super) host: String,
}

impl Hooks {
    pub(super) fn of(webhooks: Vec<Webhook>, network: Network, host: String) -> Self {
        let hook =
            |webhook: Webhook| Hook { lane: Lane::Webhook(webhook.name.clone()), webhook, new_call: Notify::new() };
        Self { all: webhooks.into_iter().map(hook).collect(), network, host }
    }
}

/// A round that must be made again.
struct Again {
    error: NoticeError,
    /// Who was called wants to be left alone for so long.
    wait: Option<Duration>,
}

impl From<NoticeError> for Again {
    fn from(error: NoticeError) -> Self {
        Self { error, wait: None }
    }
}

impl Notices {
    /// Puts a call of each webhook that wants to know into the outbox. `subject` is that of the mail, where there is one.
    pub(super) fn put_calls(&self, event: &Event, row: &Row, subject: Option<&str>) {
        let Some(hooks) = &self.hooks else { return };
        let kind = super::history::told(&event.what);
        for hook in &hooks.all {
            let wanted = hook.webhook.events.as_ref().map_or(subject.is_some(), |events| events.contains(&kind));
            if !wanted {
                continue;
            }
            let (site, at) = (self.about.site.as_str(), row.at);
            let body = |id: &str| body::text(id, row, subject, &self.about, &hooks.host);
            match self.outbox.put_call(&hook.webhook.name, [site, row.what.as_str()], row.attempt.clone(), at, body) {
                Ok(()) => hook.new_call.notify_one(),
                Err(error) => {
                    tracing::error!(webhook = hook.webhook.name, error = %Chain(&error), "put call into outbox");
                }
            }
        }
    }

    /// Makes the calls of one webhook, for as long as it is polled. As cancel safe as [`Notices::deliver`].
    pub(super) async fn call(&self, hooks: &Hooks, hook: &Hook) {
        in_rounds(&hook.new_call, async || {
            let result = self.call_round(&hooks.network, hook).await;
            self.tell_how_calls_went(hook, result.as_ref().err());
            result.map_err(|again| again.wait)
        })
        .await;
    }

    /// Makes each call that waits, once. One that is refused is in nobody's way; a server that is away ends the round.
    async fn call_round(&self, network: &Network, hook: &Hook) -> Result<(), Again> {
        let waiting = self.outbox.waiting_in(&hook.lane);
        if waiting.is_empty() {
            return Ok(());
        }
        // Made anew for each round, so that no connection is held and a CA file that was put right is read.
        let routes = Routes::new(&network.way).map_err(|error| send::cannot(&hook.webhook, error))?;
        let caller = Caller { webhook: &hook.webhook, routes: &routes, network };
        let (mut failed, mut result) = (0, Ok(()));
        for path in waiting {
            let made = match self.outbox.open::<Call>(&hook.lane, &path, self.clock.now()) {
                Ok(Some(call)) => self.make(&caller, hook, &path, &call).await,
                Ok(None) => continue,
                Err(error) => Err(error.into()),
            };
            match made {
                Ok(()) => failed = 0,
                Err(again) if again.wait.is_some() => return Err(again),
                Err(again @ Again { error: NoticeError::Answer { .. }, .. }) if failed + 1 < REFUSED_AT_MOST => {
                    failed += 1;
                    result = result.and(Err(again));
                }
                Err(again @ Again { error: NoticeError::Disk { .. }, .. }) => result = result.and(Err(again)),
                Err(again) => return Err(again),
            }
        }
        result
    }

    async fn make(&self, caller: &Caller<'_>, hook: &Hook, path: &Path, call: &Call) -> Result<(), Again> {
        let dropped = self.outbox.dropped(&hook.lane);
        let count = dropped.map(|dropped| dropped.count);
        match caller.send(call, self.clock.now(), count).await? {
            send::Answer::Taken => {
                tracing::info!(webhook = hook.webhook.name, event = call.event, id = call.id, "webhook called");
                if let Some(dropped) = dropped {
                    self.outbox.dropped_is_told(&hook.lane, dropped);
                }
                self.told().forget(&refused(&hook.webhook.name));
            }
            send::Answer::No(status) => self.give_up(&hook.webhook.name, call, status),
            send::Answer::Later { status, wait } => {
                let error = NoticeError::Answer { webhook: hook.webhook.name.clone(), status };
                return Err(Again { error, wait });
            }
        }
        Ok(self.outbox.done(path)?)
    }

    /// It says that it will not have this call, so it is not made again: kept in the history each time, told once.
    fn give_up(&self, name: &str, call: &Call, status: u16) {
        let reason = format!("webhook {name} answered {status} to {} of {} ({})", call.event, call.at, call.id);
        tracing::error!(webhook = name, event = call.event, status, id = call.id, "webhook refused a call; given up");
        let now = self.clock.now();
        let row = Row { reason: Some(reason), attempt: call.attempt.clone(), ..Row::plain("webhook-given-up", now) };
        self.write_down(&row);
        let key = refused(name);
        if self.told().is_news(&key, 0) {
            let advice = format!(
                "webhook {name} answered {status}, and what it refuses is not sent again; see url, header and token \
                 under [[notice.webhook]] of kosmos.toml, and webhook-given-up in kosmos history"
            );
            let event = Event { reason: Some(advice), ..Event::of(crate::ports::Happening::Warning) };
            self.put_mail(&event, &format!("Webhook REFUSED {name}"));
            self.told().remember(&key, 0, now);
        }
    }

    /// The log has each failed round, the history the first of a row.
    fn tell_how_calls_went(&self, hook: &Hook, failed: Option<&Again>) {
        let name = &hook.webhook.name;
        let key = format!("webhook-failed/{name}/");
        let Some(Again { error, .. }) = failed else { return self.told().forget(&key) };
        let error = efm::masking::mask(&Chain(error).to_string());
        let waiting = self.outbox.waiting_in(&hook.lane).len();
        tracing::warn!(webhook = name, error, waiting, "webhook not called");
        let now = self.clock.now();
        let mut told = self.told();
        if told.is_news(&key, 0) {
            self.write_down(&Row { reason: Some(error), ..Row::plain("webhook-failed", now) });
            told.remember(&key, 0, now);
        }
    }

    /// The lanes that are emptied.
    pub(super) fn lanes(&self) -> Vec<Lane> {
        self.hooks.iter().flat_map(|hooks| hooks.all.iter().map(|hook| hook.lane.clone())).collect()
    }

    /// One round of each webhook, for tests.
    #[cfg(test)]
    pub(super) async fn call_once(&self) -> Vec<Result<(), NoticeError>> {
        let mut results = Vec::new();
        let all = self.hooks.iter().flat_map(|all| all.all.iter().map(move |hook| (&all.network, hook)));
        for (network, hook) in all {
            let result = self.call_round(network, hook).await;
            self.tell_how_calls_went(hook, result.as_ref().err());
            results.push(result.map_err(|again| again.error));
        }
        results
    }
}

/// The memory of a webhook that was told to refuse.
fn refused(name: &str) -> String {
    format!("webhook-refused/{name}/")
}

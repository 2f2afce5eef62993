//! What a person can tell a running supervisor, and what it answers. The local socket or pipe in `control/` carries
//! these; the duty loop hears them between its other work.

use std::time::Duration;

use efm::chain::Chain;
use tokio::sync::oneshot;

use super::{Duty, Ending};
use crate::ports::{Doors, Event, Happening, Notice, Vault, VaultError};
use crate::release::Version;
use crate::update::compare::Wish;
use crate::update::{UpdateError, World};

/// A word to the running supervisor.
#[derive(Debug)]
pub enum Command {
    /// Look, fetch and verify; then install at once, or in the next window.
    Upgrade {
        /// What is wished for.
        wish: Wish,
        /// Not in the next window but now.
        now: bool,
        /// Told how it ended.
        reply: oneshot::Sender<Answer>,
    },
    /// Let a version that was given up be tried again.
    Forgive {
        /// Which.
        version: Version,
        /// Told how many were forgiven.
        reply: oneshot::Sender<Answer>,
    },
    /// Read the settings again and go on with them; the child goes on running.
    Reload(oneshot::Sender<Answer>),
    /// Stop the child, and then leave.
    StopBoth(oneshot::Sender<Answer>),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is nothing newer.
    UpToDate {
        /// What runs.
        version: Option<Version>,
    },
    /// It runs, is watched, and is pointed at.
    Upgraded {
        /// What runs now.
        version: Version,
        /// How long nothing ran.
        downtime: Duration,
    },
    /// It is staged and waits; why.
    Staged {
        /// What waits.
        version: Version,
        /// For what.
        waits_for: String,
    },
    /// The new version failed; the old one runs again.
    RolledBack {
        /// Why.
        why: String,
    },
    /// The new version failed, and nothing runs.
    NothingRuns {
        /// Why.
        why: String,
    },
    /// Verification said no.
    RefusedByVerification {
        /// Why.
        why: String,
    },
    /// A rule of the site said no.
    RefusedByPolicy {
        /// Why.
        why: String,
    },
    /// The release source gave nothing.
    SourceUnreachable {
        /// Why.
        why: String,
    },
    /// It could not be done, and nothing was touched.
    Failed {
        /// Why.
        why: String,
    },
    /// So many bytes of that version may be tried again.
    Forgiven(usize),
    /// Done.
    Done,
}

/// A person who waits for an answer about an upgrade.
pub(super) struct Asked {
    pub(super) wish: Wish,
    pub(super) now: bool,
    /// A look has found what they want; it is staged.
    pub(super) found: bool,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What an error that touched nothing is to the one who asked.
pub(super) fn answer_to(error: &UpdateError) -> Answer {
    let why = Chain(error).to_string();
    match error {
        UpdateError::Policy(_) => Answer::RefusedByPolicy { why },
        UpdateError::Verification { .. } | UpdateError::Keys { .. } => Answer::RefusedByVerification { why },
        UpdateError::Source(_) => Answer::SourceUnreachable { why },
        UpdateError::Vault(_)
        | UpdateError::Child(_)
        | UpdateError::WillNotStop { .. }
        | UpdateError::PortTaken { .. } => Answer::Failed { why },
    }
}

/// Takes back all that is held against a version; says against how many bytes it was.
pub fn forgive<D: Doors>(world: &World<D>, version: &Version) -> Result<usize, VaultError> {
    let of_it: Vec<_> = world.vault.all_held()?.into_iter().filter(|(_, held)| held.version == *version).collect();
    for (bytes, _) in &of_it {
        world.vault.forgive(bytes)?;
    }
    if !of_it.is_empty() {
        let reason = Some(format!("{version} may be tried again"));
        world.notice.tell(Event { reason, ..Event::of(Happening::PersonDecided) });
    }
    Ok(of_it.len())
}

impl<D: Doors> Duty<'_, D> {
    pub(super) fn answer(&mut self, answer: Answer) {
        if let Some(asked) = self.asked.take() {
            // The one who asked may have gone; then nobody needs to know.
            let _ = asked.reply.send(answer);
        }
    }

    pub(super) async fn hear(&mut self, command: Command) -> Option<Ending> {
        match command {
            Command::Upgrade { wish, now, reply } => {
                tracing::info!(?wish, now, "asked to upgrade");
                if self.wrong_settings.is_some() {
                    let why =
                        "the settings are wrong, and nothing is installed with the last good ones: kosmos config check";
                    let _ = reply.send(Answer::Failed { why: why.to_owned() });
                    return None;
                }
                self.asked = Some(Asked { wish, now, found: false, reply });
                None
            }
            Command::Forgive { version, reply } => {
                let answer = match forgive(self.world, &version) {
                    Ok(count) => Answer::Forgiven(count),
                    Err(error) => Answer::Failed { why: Chain(&error).to_string() },
                };
                let _ = reply.send(answer);
                self.waiting.begin_anew();
                self.looked = None;
                None
            }
            Command::Reload(reply) => {
                // When what is being done is done.
                let _ = reply.send(Answer::Done);
                self.reload = true;
                None
            }
            Command::StopBoth(reply) => self.stop_both(reply).await,
        }
    }

    pub(super) async fn stop_both(&mut self, reply: oneshot::Sender<Answer>) -> Option<Ending> {
        if !self.may_leave() {
            let _ = reply.send(Answer::Failed { why: "an upgrade is under way; stop after it".to_owned() });
            return None;
        }
        self.work = None;
        self.snapshot.send_modify(|seen| seen.leaving = true);
        if let Some(running) = self.running.take()
            && let Err(error) = crate::update::stop::process_has_ended(self.world, &running.process).await
        {
            let _ = reply.send(Answer::Failed { why: Chain(&error).to_string() });
            self.snapshot.send_modify(|seen| seen.leaving = false);
            self.now_runs(running);
            return None;
        }
        let _ = reply.send(Answer::Done);
        Some(Ending::BothStopped)
    }
}

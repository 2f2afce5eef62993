//! Answers questions, several at a time, beside the duty loop. Dropping it drops the conversations: none of them
//! carries any work.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::QUESTION_LIMIT_BYTES;
use super::door::Listener;
use super::wire::{Answer, Line, Live, Question, Runs, SCHEMA, Staged};
use crate::duty::Snapshot;
use crate::duty::command::Command;
use crate::update::Progress;
use crate::update::compare::Wish;

/// So many conversations at a time; more wait.
const CONVERSATIONS: usize = 16;
/// A question that does not come within this was not one.
const QUESTION_PATIENCE: Duration = Duration::from_secs(5);
/// Progress is told no more often.
const TOLD_EACH: Duration = Duration::from_millis(100);

/// What the conversations are about.
#[derive(Clone)]
pub struct Desk {
    /// To the duty loop.
    pub commands: mpsc::Sender<Command>,
    /// How it stands.
    pub snapshot: watch::Receiver<Snapshot>,
    /// What is being done.
    pub progress: watch::Receiver<Progress>,
}

/// Answers until told to leave; then hears nobody new, and ends when everybody who has asked has an answer.
pub async fn serve(mut listener: Listener, desk: Desk, mut leaving: watch::Receiver<bool>) {
    let mut conversations = FuturesUnordered::new();
    let mut open = true;
    while open || !conversations.is_empty() {
        tokio::select! {
            // One who can no longer say it has left.
            _ = leaving.wait_for(|leaving| *leaving), if open => open = false,
            accepted = listener.accept(), if open && conversations.len() < CONVERSATIONS => match accepted {
                Ok(stream) => conversations.push(converse(stream, desk.clone())),
                Err(error) => {
                    tracing::debug!(%error, "a question could not be heard");
                    tokio::time::sleep(TOLD_EACH).await;
                }
            },
            Some(()) = conversations.next(), if !conversations.is_empty() => {}
        }
    }
    while conversations.next().await.is_some() {}
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: S, desk: Desk) {
    let (read, mut write) = tokio::io::split(stream);
    let mut text = String::new();
    let mut read = BufReader::new(read.take(QUESTION_LIMIT_BYTES));
    if !matches!(timeout(QUESTION_PATIENCE, read.read_line(&mut text)).await, Ok(Ok(1..))) {
        return;
    }
    let last = match serde_json::from_str::<Question>(&text) {
        Ok(question) => answer(question, &desk, &mut write).await,
        Err(error) => Line::Error { text: format!("read question: {error}") },
    };
    // The one who asked may have gone.
    let _ = say(&mut write, &last).await;
}

async fn answer<W: AsyncWrite + Unpin>(question: Question, desk: &Desk, write: &mut W) -> Line {
    let (reply, answered) = oneshot::channel();
    let command = match question {
        Question::Status => return Line::Status(Box::new(live(desk))),
        Question::Upgrade { to, now, downgrade } => match wish(to, downgrade) {
            Ok(wish) => Command::Upgrade { wish, now, reply },
            Err(text) => return Line::Error { text },
        },
        Question::Forgive { version } => match version.parse::<crate::release::Tag>() {
            Ok(tag) => Command::Forgive { version: tag.version().clone(), reply },
            Err(error) => return Line::Error { text: error.to_string() },
        },
        Question::Reload => Command::Reload(reply),
        Question::Stop => Command::StopBoth(reply),
    };
    let follow = matches!(command, Command::Upgrade { .. });
    if desk.commands.send(command).await.is_err() {
        return Line::Error { text: "the supervisor is leaving".to_owned() };
    }
    let answer = if follow { following(desk, write, answered).await } else { answered.await.ok() };
    match answer {
        Some(answer) => Line::Answer(Answer::from(answer)),
        None => Line::Error { text: "the supervisor left before it was done; the next one goes on".to_owned() },
    }
}

fn wish(to: Option<String>, downgrade: Option<String>) -> Result<Wish, String> {
    match to {
        None => Ok(Wish::Newest),
        Some(text) => {
            let tag: crate::release::Tag = text.parse().map_err(|error| format!("{error}"))?;
            Ok(Wish::This { version: tag.version().clone(), downgrade })
        }
    }
}

async fn following<W: AsyncWrite + Unpin>(
    desk: &Desk,
    write: &mut W,
    mut answered: oneshot::Receiver<crate::duty::command::Answer>,
) -> Option<crate::duty::command::Answer> {
    let mut progress = desk.progress.clone();
    progress.mark_changed();
    let mut hears = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut answered => return answer.ok(),
            changed = progress.changed(), if hears => {
                let now = Option::from(&*progress.borrow_and_update());
                let told = match now {
                    Some(now) => say(write, &Line::Progress(now)).await.is_ok(),
                    None => true,
                };
                hears = changed.is_ok() && told;
                tokio::select! {
                    biased;
                    // The end is told at once.
                    answer = &mut answered => return answer.ok(),
                    () = tokio::time::sleep(TOLD_EACH) => {}
                }
            }
        }
    }
}

fn live(desk: &Desk) -> Live {
    let seen = desk.snapshot.borrow().clone();
    let runs = seen.running.map(|running| Runs {
        pid: running.process.pid,
        version: running.stored.map(|stored| stored.version().to_string()),
        up: seen.up,
        trouble: seen.trouble,
    });
    Live {
        schema: SCHEMA,
        pid: std::process::id(),
        supervisor: env!("CARGO_PKG_VERSION").to_owned(),
        runs,
        doing: Option::from(&*desk.progress.borrow()),
        staged: seen.staged.map(|(version, waits_for)| Staged { version: version.to_string(), waits_for }),
        wrong_settings: seen.wrong_settings,
        crashes: seen.crashes,
        next_look: seen.next_look,
        window_opens: seen.window.map(|window| window.opens),
        window_closes: seen.window.map(|window| window.closes),
    }
}

async fn say<W: AsyncWrite + Unpin>(write: &mut W, line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    write.flush().await
}

//! A thread with a connection, and work for it. What is asked for is done wholly, also when the asker goes away.

use super::failed;
use crate::ports::{Answer, StoreError};
use crate::store::told;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// So many pieces of work wait before those who ask must wait, too.
const WAITING: usize = 256;
/// So many share one flush to the disk.
const TOGETHER: usize = 64;

/// What a thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Takes the lock of the writer at once, and does what waits together.
    Write,
    /// Sees one state of the database in each piece of work.
    Read,
}

/// Hands work to its thread.
#[derive(Debug)]
pub(super) struct Hand {
    work: Option<mpsc::Sender<Box<dyn Work>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Hand {
    pub(super) fn start(connection: Connection, mode: Mode) -> Result<Self, StoreError> {
        let (work, waiting) = mpsc::channel(WAITING);
        let name = if mode == Mode::Write { "store-write" } else { "store-read" };
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || serve(&connection, mode, waiting));
        let thread =
            thread.map_err(|source| StoreError::Database { act: "start a thread", source: Box::new(source) })?;
        Ok(Self { work: Some(work), thread: Some(thread) })
    }

    /// Cancel safe in this sense: dropped, the work is done wholly or not at all.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let piece = Piece { act, work: Some(work), result: None, reply };
        Box::pin(async move {
            let thread = self.work.as_ref().ok_or(StoreError::Closed)?;
            thread.send(Box::new(piece)).await.map_err(|_| StoreError::Closed)?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        // What was handed over is still done; then the thread finds no more and ends.
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

trait Work: Send {
    /// Does it, and says whether it is to stay.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the asker, once it is known whether it stays.
    fn tell(self: Box<Self>, committed: Result<(), String>);
}

struct Piece<T, F> {
    act: &'static str,
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, StoreError> + Send> Work for Piece<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = work(connection);
        let stays = result.is_ok();
        self.result = Some(result);
        stays
    }

    fn tell(self: Box<Self>, committed: Result<(), String>) {
        let answer = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(why)) => Err(StoreError::Database { act: self.act, source: why.into() }),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        // The asker may have gone; the work stays done.
        let _ = self.reply.send(answer);
    }
}

fn serve(connection: &Connection, mode: Mode, mut waiting: mpsc::Receiver<Box<dyn Work>>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut pieces = vec![first];
        while mode == Mode::Write && pieces.len() < TOGETHER {
            let Ok(next) = waiting.try_recv() else { break };
            pieces.push(next);
        }
        let done = together(connection, mode, &mut pieces).map_err(|error| efm::chain::Chain(&error).to_string());
        if done.is_ok() {
            told::tell_all();
        } else {
            told::back_to(0);
            // The next ones must not find a transaction of these.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for piece in pieces {
            piece.tell(done.clone());
        }
    }
}

fn together(connection: &Connection, mode: Mode, pieces: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
    let tell = |statement: &str| connection.execute_batch(statement).map_err(failed("commit"));
    tell(if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
    for piece in pieces {
        tell("SAVEPOINT piece")?;
        let told = told::kept();
        let stays = piece.run(connection);
        if !stays {
            told::back_to(told);
        }
        tell(if stays { "RELEASE piece" } else { "ROLLBACK TO piece; RELEASE piece" })?;
    }
    tell("COMMIT")
}

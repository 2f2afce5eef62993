//! Asks the supervisor that runs.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::door;
use super::wire::{Line, Question};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("ask the supervisor: none runs in {home}")]
    NobodyThere {
        /// The home folder.
        home: String,
    },
    /// Somebody listens, but not to us.
    #[error("ask the supervisor: only the user that runs it, or root, may")]
    NotAllowed,
    /// It ended without an answer.
    #[error("ask the supervisor: it ended before it answered; when it is started again it goes on: kosmos status")]
    Ended,
    /// It broke off.
    #[error("ask the supervisor")]
    Broken(#[source] io::Error),
    /// It said no.
    #[error("ask the supervisor: {0}")]
    Refused(String),
}

fn not_reached(home: &Path, error: io::Error) -> AskError {
    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
        return AskError::NobodyThere { home: home.display().to_string() };
    }
    if error.kind() == io::ErrorKind::PermissionDenied { AskError::NotAllowed } else { broken(error) }
}

/// Asks, and hears each line until the last one, which is returned.
pub async fn ask(home: &Path, question: &Question, mut heard: impl FnMut(&Line)) -> Result<Line, AskError> {
    let state = crate::ports::state_folder(home);
    let stream = door::connect(&state).await.map_err(|error| not_reached(home, error))?;
    let (read, mut write) = tokio::io::split(stream);
    let mut text = serde_json::to_vec(question).map_err(|error| AskError::Broken(error.into()))?;
    text.push(b'\n');
    write.write_all(&text).await.map_err(broken)?;
    let mut lines = BufReader::new(read).lines();
    while let Some(text) = lines.next_line().await.map_err(broken)? {
        let line: Line = serde_json::from_str(&text).map_err(|error| AskError::Broken(error.into()))?;
        match line {
            Line::Progress(_) => heard(&line),
            Line::Error { text } => return Err(AskError::Refused(text)),
            Line::Status(_) | Line::Answer(_) => return Ok(line),
        }
    }
    Err(AskError::Ended)
}

/// A supervisor that dies in the middle of a conversation breaks it off in one of several ways.
fn broken(error: io::Error) -> AskError {
    let ended = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof];
    if ended.contains(&error.kind()) { AskError::Ended } else { AskError::Broken(error) }
}

//! Asks the supervisor that runs; where nobody opens, the lock of the home folder tells whether there is one.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::exit::Exit;
use crate::control::client::{AskError, ask};
use crate::control::wire::{Line, Question};
use crate::vault;

/// So long a supervisor that starts, or reads its settings again, is waited for until its door is open.
const DOOR_PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// As the door says.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Somebody has the home folder, and the door is shut.
    #[error(
        "ask the supervisor: process {holder} has {home} and does not answer: another word is at work there, \
         or its control door could not be opened, and then logs/kosmos.log says why"
    )]
    DoorShut {
        /// Who has it.
        holder: String,
        /// The home folder.
        home: String,
    },
}

impl NoAnswer {
    /// What it is to a script.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::DoorShut { .. } => Exit::Locked,
            Self::Ask(AskError::NobodyThere { .. }) => Exit::NoSupervisor,
            Self::Ask(AskError::NotAllowed | AskError::Ended | AskError::Broken(_) | AskError::Refused(_)) => {
                Exit::Failed
            }
        }
    }
}

/// Asks, and hears each line until the last one, which is returned.
pub(super) async fn reach(home: &Path, question: &Question, mut heard: impl FnMut(&Line)) -> Result<Line, NoAnswer> {
    let until = Instant::now() + DOOR_PATIENCE;
    loop {
        let nobody = match ask(home, question, &mut heard).await {
            Err(nobody @ AskError::NobodyThere { .. }) => nobody,
            answer => return Ok(answer?),
        };
        let Some(holder) = vault::holder(home) else { return Err(nobody.into()) };
        if Instant::now() >= until {
            return Err(NoAnswer::DoorShut { holder, home: home.display().to_string() });
        }
        // Nothing tells that a door was opened.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

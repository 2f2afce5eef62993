//! Why the broker does not do it: who asked, where, in its own words, and what a person can do about it.

use crate::ports::{SystemUser, TokenError};
use reqwest::StatusCode;
use std::time::Duration;

/// The broker does not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// No token.
    #[error("no token for the Altinn broker as system user '{user}': {source}")]
    Token {
        /// As whom.
        user: String,
        /// Why not.
        source: TokenError,
    },
    /// No answer, or half of one.
    #[error("Broker api error: {at}: {why}")]
    NoAnswer {
        /// Where.
        at: String,
        /// Why not.
        why: String,
    },
    /// It says no.
    #[error("Broker api error: {at}: {status} {body}{advice}")]
    Refused {
        /// Where.
        at: String,
        /// How.
        status: StatusCode,
        /// Its words.
        body: String,
        /// What is to be done.
        advice: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// It was not asked: it wants to be left alone, or it failed again and again.
    #[error("Broker api error: {at}: not asked; the broker is left alone for {} s more, because it said: {why}", wait.as_secs() + 1)]
    LeftAlone {
        /// Where.
        at: String,
        /// How long still.
        wait: Duration,
        /// What it said last.
        why: String,
    },
    /// Its answer is none that we understand.
    #[error("Broker api error: {at}: its answer makes no sense: {why}")]
    Strange {
        /// Where.
        at: String,
        /// Why not.
        why: String,
    },
}

impl ApiError {
    /// Whether a person must act.
    pub(super) fn is_for_a_person(&self) -> bool {
        match self {
            Self::Token { source, .. } => !matches!(source, TokenError::Unavailable(_)),
            Self::Refused { status, .. } => matches!(status.as_u16(), 400 | 401 | 403 | 404),
            Self::NoAnswer { .. } | Self::LeftAlone { .. } | Self::Strange { .. } => false,
        }
    }

    /// Whether it is worth while to ask again at once.
    pub(super) fn may_pass_at_once(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Refused { status, wait, .. } => status.is_server_error() && wait.is_none(),
            Self::Token { .. } | Self::LeftAlone { .. } | Self::Strange { .. } => false,
        }
    }

    /// How long the broker wants to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            Self::LeftAlone { wait, .. } => Some(*wait),
            Self::Token { .. } | Self::NoAnswer { .. } | Self::Strange { .. } => None,
        }
    }

    /// Whether the token is not taken.
    pub(super) fn is_of_the_token(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::UNAUTHORIZED, .. })
    }

    /// Whether it is not there, or no longer.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, .. })
    }
}

/// What a person can do about a refusal.
pub(super) fn advice(status: StatusCode, user: &SystemUser, resource: &str) -> String {
    let SystemUser { org_id, name } = user;
    match status.as_u16() {
        401 => format!(
            "; Altinn does not know the token of system user '{name}' of {org_id}: see that it is there, and that \
                        difi.move.dpo.systemUser (or reportees) names it"
        ),
        403 => format!(
            "; system user '{name}' of {org_id} may not use the resource {resource}: its organisation must give it the \
                        right in Altinn"
        ),
        _ => String::new(),
    }
}

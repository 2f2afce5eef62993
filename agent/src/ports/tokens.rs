//! Tokens for the services outside: Maskinporten's, and Altinn's for them.

use super::Answer;
use efm::secret::Secret;

/// Gives tokens, as one client. What was given is given again while it lasts.
pub trait Tokens: Send + Sync {
    /// One of Maskinporten.
    fn maskinporten<'a>(&'a self, ask: &'a TokenAsk) -> Answer<'a, Secret, TokenError>;
    /// One of Altinn, exchanged for Maskinporten's.
    fn altinn<'a>(&'a self, ask: &'a TokenAsk) -> Answer<'a, Secret, TokenError>;
    /// Whoever was asked with this token does not take it: it is thrown away, and the next who asks for one gets a new one.
    /// Where a newer one has been given by now nothing happens.
    fn refused(&self, ask: &TokenAsk, token: &Secret);
    /// The client's name, for people.
    fn client_id(&self) -> &str;
}

/// What the token is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenAsk {
    /// What its bearer may do.
    pub scopes: Vec<String>,
    /// On behalf of which organisation: its number.
    pub consumer_org: Option<String>,
    /// As which system user of Altinn.
    pub system_user: Option<SystemUser>,
}

impl TokenAsk {
    /// For these scopes and for ourselves.
    pub fn scopes<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// A system user of Altinn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemUser {
    /// Whose: `0192:` and an organisation's number.
    pub org_id: String,
    /// Its name, `externalRef`.
    pub name: String,
}

/// No token. The words name who was asked, for what, as whom, and what to do. None of them is a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Tokens are switched off.
    #[error("difi.move.oidc.enable is false: nobody is asked for tokens")]
    Off,
    /// There is nothing to sign with, or the settings are not enough; a person must act.
    #[error("{0}")]
    Setup(String),
    /// It says no, and would say no again; a person must act.
    #[error("{text}; {advice}")]
    Refused {
        /// Who refuses what to whom, and why.
        text: String,
        /// What a person can do about it.
        advice: String,
        /// Its own word, `invalid_scope`.
        code: Option<String>,
    },
    /// It could not be asked, or gives no sensible answer; it may pass.
    #[error("{0}")]
    Unavailable(String),
}

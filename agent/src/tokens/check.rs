//! Which scopes the client of this site needs, and which of them it gets: for `doctor`, and to say at once what is missing.

use crate::domain::{Service, Services};
use crate::ports::{TokenAsk, TokenError, Tokens};

/// A scope, and what it is needed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Which service.
    pub service: Service,
    /// What is asked with it.
    pub at: &'static str,
    /// The scope.
    pub scope: &'static str,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What was needed.
    pub needed: Needed,
    /// What is wrong; none: it was given.
    pub wrong: Option<TokenError>,
}

/// What these services need. Where a service's channel has a client of its own, its scopes are `at` that channel.
pub fn needed(enabled: &Services) -> Vec<Needed> {
    let mut all = Vec::new();
    for service in enabled.iter() {
        let one = |at| move |scope: &&'static str| Needed { service, at, scope };
        all.extend(service.registry_scopes().iter().map(one("the service registry")));
        all.extend(service.channel_scopes().iter().map(one("the channel")));
    }
    all
}

/// Asks for each by itself. When the client cannot ask at all, or nobody answers, the rest is not tried and gets the
/// same words.
pub async fn check(tokens: &dyn Tokens, needed: Vec<Needed>) -> Vec<Checked> {
    let mut all = Vec::new();
    let mut hopeless = None;
    for needed in needed {
        if hopeless.is_none() {
            let wrong = tokens.maskinporten(&TokenAsk::scopes([needed.scope])).await.err();
            let is_of_scope = matches!(&wrong, None | Some(TokenError::Refused { .. }));
            hopeless = wrong.clone().filter(|_| !is_of_scope);
            all.push(Checked { needed, wrong });
        } else {
            all.push(Checked { needed, wrong: hopeless.clone() });
        }
    }
    all
}

//! Asks for tokens, keeps them while they last, tries again what may pass, and no longer than a request can wait.

use super::assertion::{self, Key, Parties};
use super::refusal;
use crate::asking::{Http, Kept, Reply, Request, Unreached};
use crate::domain::MessageId;
use crate::ports::{Answer, Random, TokenAsk, TokenError, Tokens};
use efm::clock::Clock;
use efm::outside::shown;
use efm::secret::Secret;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Nothing is kept longer.
const LONGEST_LIFE: Duration = Duration::from_secs(90);
/// A token is not used in its last seconds: it must live until the one who gets it has looked.
const SLACK: Duration = Duration::from_secs(10);
/// Altinn's live longer.
const ALTINN_LIFE: Duration = Duration::from_mins(25);
/// What may pass is tried again after these.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
const LIMIT_BYTES: usize = 64 << 10;
/// So many kinds of tokens are kept: for each organisation that we act for a few.
const MOST: usize = 1000;

/// Who asks, and whom.
#[derive(Debug)]
pub struct Client {
    /// `difi.move.oidc.url`
    pub url: Url,
    /// `difi.move.oidc.audience`
    pub audience: String,
    /// `difi.move.oidc.clientId`
    pub id: String,
    /// What it signs with; none: why there is nothing.
    pub key: Result<Key, String>,
    /// Where Altinn exchanges them.
    pub exchange: Option<Url>,
    /// Nobody is asked; this is the token, or there is none at all.
    pub instead: Option<Option<Secret>>,
}

/// Maskinporten, and Altinn behind it.
pub struct Maskinporten {
    client: Client,
    http: Http,
    clock: Clock,
    random: Arc<dyn Random>,
    kept: Kept<TokenAsk, Secret, TokenError>,
    exchanged: Kept<TokenAsk, Secret, TokenError>,
}

impl Maskinporten {
    /// Asks nobody yet.
    pub fn new(client: Client, http: Http, clock: Clock, random: Arc<dyn Random>) -> Self {
        Self { client, http, clock, random, kept: Kept::at_most(MOST), exchanged: Kept::at_most(MOST) }
    }

    async fn fresh(&self, ask: &TokenAsk) -> Result<(Secret, Duration), TokenError> {
        let key = self.client.key.as_ref().map_err(|why| TokenError::Setup(self.no_key(why)))?;
        let at = shown(&self.client.url);
        let reply = again(|| self.post(key, ask)).await?;
        let reply = reply.map_err(|Unreached(why)| self.unavailable("Maskinporten", ask, &why))?;
        if reply.status.is_client_error() {
            return Err(refusal::by_maskinporten(reply.status.as_u16(), &reply.body, &self.client.id, &at, ask));
        }
        let nonsense = |why: &str| self.unavailable("Maskinporten", ask, &format!("{why} ({at})"));
        if !reply.status.is_success() {
            return Err(nonsense(&format!("it answered {}", reply.status)));
        }
        let given: Given = serde_json::from_slice(&reply.body).map_err(|_| nonsense("its answer is no token"))?;
        let token = bearer(&given.access_token).ok_or_else(|| nonsense("its answer holds no token"))?;
        let life = Duration::from_secs(given.expires_in).saturating_sub(SLACK).min(LONGEST_LIFE);
        let scopes = ask.scopes.join(" ");
        tracing::debug!(client = self.client.id, scopes, kept_for = ?life, "token from Maskinporten");
        Ok((token, life))
    }

    /// One try, with a name of its own: a used one is refused.
    async fn post(&self, key: &Key, ask: &TokenAsk) -> Result<Result<Reply, Unreached>, TokenError> {
        let jti = MessageId::random(self.random.sixteen().map_err(|error| TokenError::Setup(error.to_string()))?);
        let parties = Parties { client_id: &self.client.id, audience: &self.client.audience };
        let claims = assertion::claims(parties, ask, self.clock.now(), &jti.to_string());
        let signed = assertion::sign(key, &claims).map_err(|why| TokenError::Setup(self.no_key(&why.to_string())))?;
        let form = vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", signed.as_str())];
        let url = &self.client.url;
        let request = Request { url, bearer: None, headers: Vec::new(), form: Some(form), limit_bytes: LIMIT_BYTES };
        Ok(self.http.ask(request).await)
    }

    async fn exchange(&self, ask: &TokenAsk) -> Result<(Secret, Duration), TokenError> {
        let url = self.client.exchange.as_ref().ok_or_else(|| {
            TokenError::Setup("there is no altinnTokenExchangeUrl to exchange Maskinporten's token at".into())
        })?;
        let token = self.maskinporten(ask).await?;
        let at = shown(url);
        let reply = again(|| async {
            let request =
                Request { url, bearer: Some(&token), headers: Vec::new(), form: None, limit_bytes: LIMIT_BYTES };
            Ok(self.http.ask(request).await)
        });
        let reply = reply.await?.map_err(|Unreached(why)| self.unavailable("Altinn", ask, &why))?;
        if reply.status.is_client_error() {
            // What Altinn does not take it may take when it is new.
            self.kept.forget(ask);
            return Err(refusal::by_altinn(reply.status.as_u16(), &reply.body, &self.client.id, &at, ask));
        }
        let nonsense = |why: &str| self.unavailable("Altinn", ask, &format!("{why} ({at})"));
        if !reply.status.is_success() {
            return Err(nonsense(&format!("it answered {}", reply.status)));
        }
        let text = std::str::from_utf8(&reply.body).map_err(|_| nonsense("its answer is no token"))?;
        let token = bearer(text.trim().trim_matches('"')).ok_or_else(|| nonsense("its answer is no token"))?;
        tracing::debug!(client = self.client.id, scopes = ask.scopes.join(" "), "token from Altinn");
        Ok((token, ALTINN_LIFE))
    }

    fn no_key(&self, why: &str) -> String {
        format!("there is nothing to sign with for client {} of Maskinporten: {why}", self.client.id)
    }

    fn unavailable(&self, whom: &str, ask: &TokenAsk, why: &str) -> TokenError {
        let (scopes, client) = (ask.scopes.join(" "), &self.client.id);
        TokenError::Unavailable(format!("{whom} gives no token for {scopes} to client {client}: {why}"))
    }
}

impl Tokens for Maskinporten {
    fn maskinporten<'a>(&'a self, ask: &'a TokenAsk) -> Answer<'a, Secret, TokenError> {
        Box::pin(async move {
            match &self.client.instead {
                Some(Some(token)) => Ok(token.clone()),
                Some(None) => Err(TokenError::Off),
                None => self.kept.get_or(ask, self.fresh(ask)).await,
            }
        })
    }

    fn altinn<'a>(&'a self, ask: &'a TokenAsk) -> Answer<'a, Secret, TokenError> {
        Box::pin(async move {
            match &self.client.instead {
                Some(Some(token)) => Ok(token.clone()),
                Some(None) => Err(TokenError::Off),
                None => self.exchanged.get_or(ask, self.exchange(ask)).await,
            }
        })
    }

    fn refused(&self, ask: &TokenAsk, token: &Secret) {
        let is_it = |kept: &Secret| kept == token;
        self.kept.forget_if(ask, is_it);
        let mut was_exchanged = false;
        self.exchanged.forget_if(ask, |kept| {
            was_exchanged = is_it(kept);
            was_exchanged
        });
        if was_exchanged {
            // The one that it was exchanged for may be as bad.
            self.kept.forget(ask);
        }
        tracing::info!(
            client = self.client.id,
            scopes = ask.scopes.join(" "),
            "a token was not taken and is thrown away"
        );
    }

    fn client_id(&self) -> &str {
        &self.client.id
    }
}

/// Once more, and once more, where nobody answered, or where an answer says that it may pass.
async fn again<F>(ask: impl Fn() -> F) -> Result<Result<Reply, Unreached>, TokenError>
where
    F: Future<Output = Result<Result<Reply, Unreached>, TokenError>>,
{
    for wait in WAITS {
        match ask().await? {
            Ok(reply) if !reply.status.is_server_error() && reply.status.as_u16() != 429 => return Ok(Ok(reply)),
            Ok(_) | Err(_) => tokio::time::sleep(wait).await,
        }
    }
    ask().await
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

/// What may stand in a header, and is not empty.
fn bearer(text: &str) -> Option<Secret> {
    let is_right = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_right.then(|| Secret::new(text))
}

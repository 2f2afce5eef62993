//! The client of the service registry: asks, checks the signature, keeps the answer for some minutes, and says in the Java
//! one's words what went wrong.

use super::own::{self, Own};
use super::trust::Trust;
use super::{record, select};
use crate::asking::{Http, Kept, Reply, Request};
use crate::domain::{Envelope, Services};
use crate::ports::{
    Answer, Asked, Entry, LookupError, Party, Registry, Route, TokenAsk, TokenError, Tokens, WrongCertificate,
};
use efm::clock::Clock;
use efm::masking::mask;
use efm::secret::Secret;
use reqwest::StatusCode;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What was looked up counts for so long.
const KEPT: Duration = Duration::from_mins(5);
/// The key of the service bus counts for longer.
const BUS_KEY_KEPT: Duration = Duration::from_hours(24);
const MOST: usize = 10_000;
const LIMIT_BYTES: usize = 4 << 20;

/// Where the registry is, and how it is asked.
#[derive(Debug)]
pub struct Place {
    /// `difi.move.serviceregistryEndpoint`
    pub endpoint: Url,
    /// Whom to believe.
    pub trust: Trust,
    /// What is enabled: the scopes of tokens follow from it.
    pub enabled: Services,
    /// `difi.move.feature.enableBetaFeatures`
    pub beta: bool,
    /// `difi.move.feature.enableDsfPrintLookup`
    pub print_lookup: bool,
    /// Our own certificate; none where there is no keystore.
    pub own: Option<Own>,
}

/// The registry.
pub struct Directory {
    place: Place,
    http: Http,
    tokens: Arc<dyn Tokens>,
    clock: Clock,
    found: Kept<Key, Arc<Entry>, LookupError>,
    parties: Kept<String, Party, LookupError>,
    certificates: Kept<String, String, LookupError>,
    bus_key: Kept<(), Secret, LookupError>,
    granted: Kept<(), TokenAsk, TokenError>,
}

/// What an answer is kept under; the conversation is for the registry's log only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    identifier: String,
    process: Option<String>,
    security_level: Option<u32>,
}

/// A token, and what it was asked for.
type Used = (TokenAsk, Secret);

/// Why there is no answer.
enum Failure {
    /// It answered something else than 2xx, perhaps with its own words.
    Status(StatusCode, Option<String>),
    /// Its answer is not to be believed.
    Signature,
    /// It was not asked, or did not answer.
    Other(String),
}

#[derive(Deserialize)]
struct Said {
    error_description: Option<String>,
}

impl Directory {
    /// Asks nobody yet.
    pub fn new(place: Place, http: Http, tokens: Arc<dyn Tokens>, clock: Clock) -> Self {
        Self {
            place,
            http,
            tokens,
            clock,
            found: Kept::at_most(MOST),
            parties: Kept::at_most(MOST),
            certificates: Kept::at_most(MOST),
            bus_key: Kept::at_most(1),
            granted: Kept::at_most(1),
        }
    }

    /// What stands at a path below the endpoint, believed.
    async fn resource(&self, path: &[&str], query: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let mut url = self.place.endpoint.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(Failure::Other("difi.move.serviceregistryEndpoint is no address to ask".into())),
        };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (mut reply, used) = self.reply(&url).await?;
        if let Some(used) = used.filter(|_| reply.status == StatusCode::UNAUTHORIZED) {
            // It may have been withdrawn: a new one is asked with once.
            self.throw_away(&used);
            (reply, _) = self.reply(&url).await?;
        }
        if !reply.status.is_success() {
            // These are never signed.
            let said = serde_json::from_slice::<Said>(&reply.body).ok().and_then(|said| said.error_description);
            return Err(Failure::Status(reply.status, said.map(|words| words.chars().take(1000).collect())));
        }
        self.place.trust.opened(reply.body, &self.http, self.clock.now()).await.map_err(|bad| {
            let endpoint = efm::outside::shown(&self.place.endpoint);
            tracing::error!(endpoint, what = path.first(), error = %bad, "an answer of the service registry is not believed");
            Failure::Signature
        })
    }

    /// What is answered, and the token that it was asked with.
    async fn reply(&self, url: &Url) -> Result<(Reply, Option<Used>), Failure> {
        let used = self.token().await.map_err(|error| Failure::Other(error.to_string()))?;
        let is_signed = self.place.trust.is_any();
        let accept = if is_signed { "application/jose, application/json" } else { "application/json, text/plain, */*" };
        let beta = self.place.beta.then_some(("X-Enable-Beta-Features", "true"));
        let headers = [("Accept", accept)].into_iter().chain(beta).collect();
        let bearer = used.as_ref().map(|(_, token)| token);
        let request = Request { url, bearer, headers, form: None, limit_bytes: LIMIT_BYTES };
        let reply = self.http.ask(request).await.map_err(|error| Failure::Other(error.to_string()))?;
        Ok((reply, used))
    }

    /// What is not taken may have been withdrawn, and so may scopes.
    fn throw_away(&self, (ask, token): &Used) {
        self.granted.forget(&());
        self.tokens.refused(ask, token);
    }

    /// A token with all scopes that this client gets. One that it lacks must not keep it from asking with the others.
    async fn token(&self) -> Result<Option<Used>, TokenError> {
        let ask = match self.granted.get_or(&(), self.grantable()).await {
            Ok(ask) if ask.scopes.is_empty() => return Ok(None),
            Ok(ask) => ask,
            Err(TokenError::Off) => return Ok(None),
            Err(error) => return Err(error),
        };
        let token = self.tokens.maskinporten(&ask).await;
        if matches!(token, Err(TokenError::Refused { .. })) {
            self.granted.forget(&());
        }
        token.map(|token| Some((ask, token)))
    }

    async fn grantable(&self) -> Result<(TokenAsk, Duration), TokenError> {
        let enabled = || self.place.enabled.iter();
        let all: Vec<&str> = enabled().flat_map(|service| service.registry_scopes().iter().copied()).collect();
        let whole = TokenAsk::scopes(all.iter().copied());
        if all.is_empty() {
            return Ok((whole, KEPT));
        }
        let refused = match self.tokens.maskinporten(&whole).await {
            Ok(_) => return Ok((whole, KEPT)),
            // Any other refusal is of the client, whatever it asks for.
            Err(TokenError::Refused { text, advice, code: Some(code) }) if all.len() > 1 && code == "invalid_scope" => {
                TokenError::Refused { text, advice, code: Some(code) }
            }
            Err(error) => return Err(error),
        };
        let mut granted = Vec::new();
        for service in enabled() {
            for scope in service.registry_scopes() {
                match self.tokens.maskinporten(&TokenAsk::scopes([*scope])).await {
                    Ok(_) => granted.push(*scope),
                    Err(error @ TokenError::Refused { .. }) => {
                        let service = service.name();
                        tracing::error!(service, scope, %error, "receivers of this service cannot be looked up");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if granted.is_empty() { Err(refused) } else { Ok((TokenAsk::scopes(granted), KEPT)) }
    }

    async fn entry(&self, asked: &Asked) -> Result<Arc<Entry>, LookupError> {
        let Asked { identifier, process, security_level, .. } = asked.clone();
        let key = Key { identifier, process, security_level };
        self.found.get_or(&key, async { Ok((Arc::new(self.fetched(asked).await?), KEPT)) }).await
    }

    async fn fetched(&self, asked: &Asked) -> Result<Entry, LookupError> {
        let parameters = self.parameters(asked, false);
        let mut path = vec!["identifier", &asked.identifier];
        if let Some(process) = &asked.process {
            path.extend(["process", process]);
        }
        let level = asked.security_level.map(|level| ("securityLevel", level.to_string()));
        let conversation = asked.conversation.clone().map(|id| ("conversationId", id));
        let print = (!self.place.print_lookup).then(|| ("print", "false".to_owned()));
        let query: Vec<_> = level.into_iter().chain(conversation).chain(print).collect();
        let json = self.resource(&path, &query).await.map_err(|failure| told(failure, &parameters))?;
        let entry = record::entry(&json).map_err(|error| unreadable(&error, &parameters))?;
        if !self.place.trust.is_any() {
            return Ok(entry);
        }
        Self::is_of(&asked.identifier, &entry.party.identifier, &parameters)?;
        Ok(select::of_process(entry, asked))
    }

    fn is_of(asked: &str, answered: &str, parameters: &str) -> Result<(), LookupError> {
        if select::belongs(asked, answered) {
            return Ok(());
        }
        tracing::error!("the service registry answered for somebody else than was asked for");
        Err(LookupError::Unavailable(format!(
            "The service registry answered for somebody else than was asked for, with parameters: {parameters}"
        )))
    }

    /// As the Java one writes what was asked for.
    fn parameters(&self, asked: &Asked, is_info: bool) -> String {
        let Asked { identifier, process, security_level, conversation } = asked;
        let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".into());
        let print = if self.place.print_lookup { "null" } else { "false" };
        format!(
            "SRParameter(identifier={identifier}, process={}, securityLevel={}, print={print}, infoOnly={is_info}, \
             conversationId={})",
            or_null(process.clone()),
            or_null(security_level.map(|level| level.to_string())),
            or_null(conversation.clone())
        )
    }

    async fn who(&self, identifier: &str) -> Result<Party, LookupError> {
        let asked = Asked { identifier: identifier.to_owned(), ..Asked::default() };
        let parameters = self.parameters(&asked, true);
        let json = self.resource(&["info", identifier], &[]).await.map_err(|failure| told(failure, &parameters))?;
        let party = record::info(&json).map_err(|error| unreadable(&error, &parameters))?;
        if self.place.trust.is_any() {
            Self::is_of(identifier, &party.identifier, &parameters)?;
        }
        Ok(party)
    }

    async fn registered(&self, organisation: &str) -> Result<String, LookupError> {
        let text = self.resource(&["virksert", organisation], &[]).await.map_err(|failure| match failure {
            Failure::Status(StatusCode::NOT_FOUND, Some(words)) => LookupError::NotFound(words),
            Failure::Status(StatusCode::BAD_REQUEST, Some(words)) => LookupError::Refused(words),
            other @ (Failure::Status(..) | Failure::Signature | Failure::Other(_)) => {
                told(other, &format!("virksert/{organisation}"))
            }
        })?;
        let text =
            String::from_utf8(text).map_err(|_| LookupError::Unavailable("the certificate is no text".into()))?;
        Ok(record::with_lines(&text))
    }

    async fn own(&self) -> Result<(), WrongCertificate> {
        let Some(own) = &self.place.own else { return Ok(()) };
        let now = self.clock.now();
        own::in_time(&own.certificate, "Keystore certificate", now)?;
        if !own.must_be_registered {
            return Ok(());
        }
        match self.certificate(&own.organisation).await {
            Ok(pem) => own::is_registered(&own.certificate, &pem, now),
            Err(LookupError::NotFound(words) | LookupError::Refused(words)) => Err(WrongCertificate(words)),
            // It may well be the right one; nobody can say otherwise now.
            Err(LookupError::Unavailable(why)) => {
                tracing::warn!(error = mask(&why), "whether our certificate is the registered one cannot be asked");
                Ok(())
            }
        }
    }
}

/// In the Java one's words.
fn told(failure: Failure, parameters: &str) -> LookupError {
    let about = format!("Caught exception when looking up service record with parameter {parameters}");
    match failure {
        Failure::Status(StatusCode::NOT_FOUND, _) => {
            LookupError::NotFound(format!("Service record not found for parameters: {parameters}"))
        }
        Failure::Status(status, words) => {
            let reason = status.canonical_reason().unwrap_or_default();
            let name = reason.to_ascii_uppercase().replace([' ', '-'], "_");
            let text = match words {
                Some(words) => format!("{about}, http status {} {name} ({reason}): {words}", status.as_u16()),
                None => format!("{about}, http status: {} {name} ({reason})", status.as_u16()),
            };
            if status.is_client_error() { LookupError::Refused(text) } else { LookupError::Unavailable(text) }
        }
        Failure::Signature => LookupError::Unavailable("Bad signature in response from service registry".into()),
        Failure::Other(why) => LookupError::Unavailable(format!("{about}: {why}")),
    }
}

/// Not serde's own words: they may quote a person.
fn unreadable(error: &serde_json::Error, parameters: &str) -> LookupError {
    let at = format!("line {} column {}", error.line(), error.column());
    LookupError::Unavailable(format!(
        "Parsing response as a IdentifierResource JSON object failed at {at}, with parameters: {parameters}"
    ))
}

impl Registry for Directory {
    fn route<'a>(&'a self, envelope: &'a Envelope) -> Answer<'a, Route, LookupError> {
        Box::pin(async move {
            let receiver = envelope.receiver().map(|receiver| receiver.primary().to_owned());
            let asked = Asked {
                identifier: receiver.ok_or_else(|| LookupError::NotFound("the message has no receiver".into()))?,
                process: envelope.process().map(str::to_owned),
                security_level: envelope.body.security_level.map(u32::from),
                conversation: envelope.conversation_id().map(|id| id.to_string()),
            };
            let entry = self.entry(&asked).await?;
            let standard = &envelope.document.standard;
            let Some(record) = select::by_document_type(&entry.records, standard) else {
                let parameters = self.parameters(&asked, false);
                return Err(LookupError::NotFound(format!(
                    "Error looking up service record with document type '{standard}' and parameters: {parameters}"
                )));
            };
            Ok(Route { service: record.service, record: Some(record.clone()) })
        })
    }

    fn look_up<'a>(&'a self, asked: &'a Asked) -> Answer<'a, Entry, LookupError> {
        Box::pin(async move { self.entry(asked).await.map(|entry| Entry::clone(&entry)) })
    }

    fn who_is<'a>(&'a self, identifier: &'a str) -> Answer<'a, Party, LookupError> {
        let key = identifier.to_owned();
        Box::pin(async move { self.parties.get_or(&key, async { Ok((self.who(identifier).await?, KEPT)) }).await })
    }

    fn certificate<'a>(&'a self, organisation: &'a str) -> Answer<'a, String, LookupError> {
        let key = organisation.to_owned();
        let ask = async { Ok((self.registered(organisation).await?, KEPT)) };
        Box::pin(async move { self.certificates.get_or(&key, ask).await })
    }

    fn service_bus_key(&self) -> Answer<'_, Secret, LookupError> {
        Box::pin(async move {
            let fetch = async {
                let text = self.resource(&["sastoken"], &[]).await.map_err(|failure| told(failure, "sastoken"))?;
                let text = String::from_utf8(text).ok().filter(|text| !text.trim().is_empty());
                let text =
                    text.ok_or_else(|| LookupError::Unavailable("the key of the service bus is no text".into()))?;
                Ok((Secret::new(text.trim()), BUS_KEY_KEPT))
            };
            self.bus_key.get_or(&(), fetch).await
        })
    }

    fn own_certificate(&self) -> Answer<'_, (), WrongCertificate> {
        Box::pin(self.own())
    }
}

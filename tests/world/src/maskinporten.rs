//! Maskinporten (RFC 7523 as Digdir documents it), and Altinn's exchange for its tokens.
//!
//! An assertion is held to everything that the real one holds it to: who signed it, for whom it is, how long it lasts, that
//! it was never used, which scopes the client has, for whom it may act. A token is a name under which the grant is known here;
//! [`Maskinporten::grant`] and [`Maskinporten::altinn_grant`] read it, for the simulators that it opens.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use efm::clock::Clock;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where tokens are asked for.
pub const TOKEN: &str = "/token";
/// Where Altinn exchanges them.
pub const EXCHANGE: &str = "/authentication/api/v1/exchange/maskinporten";
/// Where the other simulators ask what a token stands for (RFC 7662). The real ones have no such door.
pub const INTROSPECT: &str = "/introspect";
/// No assertion may last longer.
const LONGEST_ASSERTION_SECONDS: i64 = 120;
/// Clocks differ.
const LEEWAY_SECONDS: i64 = 10;

/// A client as it is registered.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its name.
    pub id: String,
    /// What it may ask for.
    pub scopes: BTreeSet<String>,
    /// Certificates, DER, that speak for it.
    pub certificates: Vec<Vec<u8>>,
    /// Keys that speak for it: kid, modulus, exponent.
    pub keys: Vec<(String, Vec<u8>, Vec<u8>)>,
    /// Organisations that it may act for.
    pub delegations: BTreeSet<String>,
    /// System users that were approved: of which organisation (`0192:…`), and their names.
    pub system_users: BTreeSet<(String, String)>,
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To whom it was given.
    pub client: String,
    /// What its bearer may do.
    pub scopes: Vec<String>,
    /// On behalf of whom.
    pub consumer_org: Option<String>,
    /// As which system user.
    pub system_user: Option<(String, String)>,
    expires_at: i64,
}

/// Maskinporten. Clones are the same one.
#[derive(Clone)]
pub struct Maskinporten(Arc<Shared>);

struct Shared {
    audience: String,
    clock: Clock,
    state: Mutex<Now>,
}

struct Now {
    life_seconds: i64,
    accounts: BTreeMap<String, Account>,
    used: BTreeSet<String>,
    given: BTreeMap<String, Grant>,
    exchanged: BTreeMap<String, Grant>,
    asked: u64,
    exchanges: u64,
}

/// In the real one's words.
struct No(&'static str, String);

impl Maskinporten {
    /// Calls itself by this name.
    pub fn new(audience: &str, clock: Clock) -> Self {
        let state = Now {
            life_seconds: 119,
            accounts: BTreeMap::new(),
            used: BTreeSet::new(),
            given: BTreeMap::new(),
            exchanged: BTreeMap::new(),
            asked: 0,
            exchanges: 0,
        };
        Self(Arc::new(Shared { audience: audience.to_owned(), clock, state: Mutex::new(state) }))
    }

    /// Registers a client, or changes it.
    pub fn register(&self, account: Account) {
        self.now().accounts.insert(account.id.clone(), account);
    }

    /// Tokens last so long from now on.
    pub fn tokens_last(&self, seconds: i64) {
        self.now().life_seconds = seconds;
    }

    /// Withdraws all tokens that were given.
    pub fn withdraw_all(&self) {
        let mut now = self.now();
        now.given.clear();
        now.exchanged.clear();
    }

    /// How often a token was asked for.
    pub fn asked(&self) -> u64 {
        self.now().asked
    }

    /// What this token of Maskinporten stands for.
    ///
    /// # Errors
    /// It is none, or is over.
    pub fn grant(&self, token: &str) -> Result<Grant, String> {
        self.known(&self.now().given, token)
    }

    /// What this token of Altinn stands for.
    ///
    /// # Errors
    /// It is none, or is over.
    pub fn altinn_grant(&self, token: &str) -> Result<Grant, String> {
        self.known(&self.now().exchanged, token)
    }

    fn known(&self, all: &BTreeMap<String, Grant>, token: &str) -> Result<Grant, String> {
        let grant = all.get(token).ok_or("no such token")?;
        if grant.expires_at < self.0.clock.now().as_second() {
            return Err("the token is over".into());
        }
        Ok(grant.clone())
    }

    /// Its paths.
    pub fn routes(&self) -> Router {
        Router::new()
            .route(TOKEN, post(token))
            .route(EXCHANGE, get(exchange))
            .route(INTROSPECT, post(introspect))
            .with_state(self.clone())
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn given(&self, asked: &Asked) -> Result<Value, No> {
        let grant = |why: &str| No("invalid_grant", format!("Invalid assertion. {why}"));
        if asked.grant_type != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return Err(No("unsupported_grant_type", "Unsupported grant type".into()));
        }
        let mut now = self.now();
        now.asked += 1;
        let claims = verified(&asked.assertion, &now.accounts)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        if text("aud") != Some(&self.0.audience) {
            return Err(grant(&format!("aud must be {}", self.0.audience)));
        }
        let at = self.0.clock.now().as_second();
        let (iat, exp) = (number("iat"), number("exp"));
        let (Some(iat), Some(exp)) = (iat, exp) else { return Err(grant("iat and exp are needed")) };
        if exp + LEEWAY_SECONDS < at || iat > at + LEEWAY_SECONDS || exp - iat > LONGEST_ASSERTION_SECONDS {
            return Err(grant("exp, iat: the assertion is over, is from the future, or lasts too long"));
        }
        let jti = text("jti").filter(|jti| !jti.is_empty()).ok_or_else(|| grant("jti is needed"))?;
        if !now.used.insert(jti.to_owned()) {
            return Err(grant("jti has already been used"));
        }
        let account = text("iss").and_then(|iss| now.accounts.get(iss)).ok_or_else(|| grant("iss is unknown"))?;
        let scopes: Vec<String> = text("scope").unwrap_or_default().split(' ').map(str::to_owned).collect();
        if let Some(scope) = scopes.iter().find(|scope| !account.scopes.contains(*scope)) {
            return Err(No("invalid_scope", format!("The client does not have access to the scope {scope}")));
        }
        let consumer_org = text("consumer_org").map(str::to_owned);
        if let Some(number) = consumer_org.as_ref().filter(|number| !account.delegations.contains(*number)) {
            return Err(grant(&format!("Consumer {number} has not delegated access to the scopes")));
        }
        let system_user = system_user(&claims)?;
        if let Some(user) = system_user.as_ref().filter(|user| !account.system_users.contains(*user)) {
            return Err(No("invalid_request", format!("System user not found: {} of {}", user.1, user.0)));
        }
        let life = now.life_seconds;
        let granted = Grant {
            client: account.id.clone(),
            scopes: scopes.clone(),
            consumer_org,
            system_user,
            expires_at: at + life,
        };
        let token = format!("maskinporten-{}", now.asked);
        now.given.insert(token.clone(), granted);
        Ok(json!({ "access_token": token, "token_type": "Bearer", "expires_in": life, "scope": scopes.join(" ") }))
    }
}

fn system_user(claims: &Value) -> Result<Option<(String, String)>, No> {
    let Some(details) = claims.get("authorization_details") else { return Ok(None) };
    let wrong = || No("invalid_request", "authorization_details is malformed".into());
    let one = details.as_array().and_then(|all| all.first()).ok_or_else(wrong)?;
    let text = |pointer: &str| one.pointer(pointer).and_then(Value::as_str).map(str::to_owned).ok_or_else(wrong);
    if text("/type")? != "urn:altinn:systemuser" || text("/systemuser_org/authority")? != "iso6523-actorid-upis" {
        return Err(wrong());
    }
    Ok(Some((text("/systemuser_org/ID")?, text("/externalRef")?)))
}

/// The claims, when a key of the client that they name signed them.
fn verified(assertion: &str, accounts: &BTreeMap<String, Account>) -> Result<Value, No> {
    let grant = |why: &str| No("invalid_grant", format!("Invalid assertion. {why}"));
    let malformed = || grant("It is no JWT");
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let read = |part: &str| serde_json::from_slice::<Value>(&decoded(part)?).map_err(|_| malformed());
    let (header, claims, signature) = (read(header)?, read(payload)?, decoded(signature)?);
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(grant("alg must be RS256"));
    }
    let account = claims.get("iss").and_then(Value::as_str).and_then(|iss| accounts.get(iss));
    let account = account.ok_or_else(|| No("invalid_client", "Client authentication failed. Unknown client".into()))?;
    let not_its_own = || No("invalid_client", "Client authentication failed. Unknown key for the client".into());
    let is_right = match (header.get("kid").and_then(Value::as_str), header.pointer("/x5c/0").and_then(Value::as_str)) {
        (Some(kid), None) => {
            let (_, n, e) = account.keys.iter().find(|(known, _, _)| known == kid).ok_or_else(not_its_own)?;
            let key = RsaPublicKeyComponents { n, e };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
        }
        (None, Some(certificate)) => {
            let der = STANDARD.decode(certificate).map_err(|_| malformed())?;
            if !account.certificates.contains(&der) {
                return Err(not_its_own());
            }
            let der = CertificateDer::from(der);
            let own = webpki::EndEntityCert::try_from(&der).map_err(|_| grant("x5c is no certificate"))?;
            own.verify_signature(webpki::ring::RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
        }
        _ => return Err(grant("The header must have either kid or x5c")),
    };
    if is_right { Ok(claims) } else { Err(grant("Invalid signature")) }
}

#[derive(Default)]
struct Asked {
    grant_type: String,
    assertion: String,
}

async fn token(State(maskinporten): State<Maskinporten>, form: Bytes) -> Response {
    let mut asked = Asked::default();
    for (name, value) in url::form_urlencoded::parse(&form) {
        match &*name {
            "grant_type" => asked.grant_type = value.into_owned(),
            "assertion" => asked.assertion = value.into_owned(),
            _ => {}
        }
    }
    match maskinporten.given(&asked) {
        Ok(given) => Json(given).into_response(),
        Err(No(error, description)) => {
            let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            let body = json!({ "error": error, "error_description": format!("{description} (trace_id: 4f2a)") });
            (status, Json(body)).into_response()
        }
    }
}

async fn introspect(State(maskinporten): State<Maskinporten>, form: Bytes) -> Json<Value> {
    let token =
        url::form_urlencoded::parse(&form).find(|(name, _)| name == "token").map(|(_, value)| value.into_owned());
    let token = token.unwrap_or_default();
    let (is_altinn, grant) = match maskinporten.altinn_grant(&token) {
        Ok(grant) => (true, Ok(grant)),
        Err(_) => (false, maskinporten.grant(&token)),
    };
    Json(match grant {
        Err(why) => json!({ "active": false, "why": why }),
        Ok(grant) => json!({
            "active": true, "scope": grant.scopes.join(" "), "client_id": grant.client, "altinn": is_altinn,
            "exp": grant.expires_at, "system_user_org": grant.system_user.map(|(organisation, _)| organisation),
        }),
    })
}

/// The bearer's token.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn exchange(State(maskinporten): State<Maskinporten>, headers: HeaderMap) -> Response {
    let grant = bearer(&headers).ok_or("no bearer token".to_owned()).and_then(|token| maskinporten.grant(token));
    let grant = match grant {
        Ok(grant) => grant,
        Err(why) => return (StatusCode::UNAUTHORIZED, why).into_response(),
    };
    if !grant.scopes.iter().any(|scope| scope.starts_with("altinn:")) {
        return (StatusCode::FORBIDDEN, "the token has no scope of Altinn").into_response();
    }
    let mut now = maskinporten.now();
    now.exchanges += 1;
    let token = format!("altinn-{}", now.exchanges);
    let expires_at = maskinporten.0.clock.now().as_second() + 1800;
    now.exchanged.insert(token.clone(), Grant { expires_at, ..grant });
    // In quotes, as a JSON text: some versions do that.
    format!("\"{token}\"").into_response()
}

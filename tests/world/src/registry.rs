//! The service registry ("adressetjenesten"): who can be reached how, signed.
//!
//! Start at [`ServiceRegistry`]. What it knows are the registry's own JSON documents; [`Lie`] is how it answers wrongly on
//! demand. It counts what it was asked.

use crate::maskinporten::bearer;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who signs.
#[derive(Debug)]
pub struct Signer {
    /// Its key.
    pub pair: RsaKeyPair,
    /// What its key is called.
    pub kid: String,
    /// Its certificates, DER, own first.
    pub chain: Vec<Vec<u8>>,
}

impl Signer {
    /// Of a PKCS#8 key.
    ///
    /// # Errors
    /// It is no RSA key.
    pub fn new(pkcs8: &[u8], kid: &str, chain: Vec<Vec<u8>>) -> Result<Self, String> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|error| error.to_string())?;
        Ok(Self { pair, kid: kid.to_owned(), chain })
    }

    /// Its public key as a JWK.
    pub fn jwk(&self) -> Value {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        let number = |of: &[u8]| URL_SAFE_NO_PAD.encode(of);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": number(&n),
            "e": number(&e),
        })
    }

    /// A compact JWS, with the chain in its header.
    pub fn sign(&self, payload: &[u8]) -> String {
        let chain: Vec<String> = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
        let header = json!({ "alg": "RS256", "kid": self.kid, "x5c": chain });
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        // Of a key that could be read, and with the system's noise.
        let _ = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// How an answer is wrong.
#[derive(Clone, Debug, Default)]
pub enum Lie {
    /// It is not.
    #[default]
    Honest,
    /// A status and a body, in place of an answer.
    Status(u16, String),
    /// Not signed.
    Unsigned,
    /// Signed with nothing.
    AlgNone,
    /// Signed by somebody else.
    SignedBy(Arc<Signer>),
    /// Right but for one letter of what it says.
    Tampered,
    /// What it rightly says of somebody else.
    For(String),
    /// Signed, and nothing that makes sense.
    Garbage,
}

/// What a bearer may do; an error where it is nobody.
pub type Check = Arc<dyn Fn(&str) -> Result<Vec<String>, String> + Send + Sync>;

/// The registry. Clones are the same one.
#[derive(Clone)]
pub struct ServiceRegistry(Arc<Shared>);

struct Shared {
    signer: Signer,
    check: Option<Check>,
    state: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    entries: BTreeMap<String, Value>,
    certificates: BTreeMap<String, String>,
    bus_key: String,
    lie: Lie,
    asked: Vec<String>,
}

/// As the server words it.
struct No(StatusCode, &'static str, String);

impl ServiceRegistry {
    /// Nobody is in it. Without a check everybody may ask.
    pub fn new(signer: Signer, check: Option<Check>) -> Self {
        let state = Now { bus_key: "false-bus-key".into(), ..Now::default() };
        Self(Arc::new(Shared { signer, check, state: Mutex::new(state) }))
    }

    /// Puts in what `/identifier` answers for somebody.
    pub fn put(&self, identifier: &str, entry: Value) {
        self.now().entries.insert(identifier.to_owned(), entry);
    }

    /// Puts in an organisation that takes these document types in this process over one service.
    pub fn put_organisation(&self, number: &str, name: &str, service: &str, process: &str, types: &[&str], pem: &str) {
        let record = json!({
            "organisationNumber": number, "pemCertificate": pem, "process": process, "documentTypes": types,
            "service": { "identifier": service, "endpointUrl": "", "securityLevel": 3 },
        });
        let info = json!({
            "identifier": number, "organizationName": name, "organizationNumber": number,
            "entityType": { "name": "ORGL", "acronym": "ORGL" },
        });
        let mut now = self.now();
        let entry =
            now.entries.entry(number.to_owned()).or_insert_with(|| json!({ "infoRecord": info, "serviceRecords": [] }));
        if let Some(records) = entry.get_mut("serviceRecords").and_then(Value::as_array_mut) {
            records.push(record);
        }
    }

    /// Registers the certificate of an organisation.
    pub fn put_certificate(&self, number: &str, pem: &str) {
        self.now().certificates.insert(number.to_owned(), pem.to_owned());
    }

    /// How it answers from now on.
    pub fn lie(&self, lie: Lie) {
        self.now().lie = lie;
    }

    /// What it was asked, path and query, in order.
    pub fn asked(&self) -> Vec<String> {
        self.now().asked.clone()
    }

    /// Its paths, below this one.
    pub fn routes(&self, below: &str) -> Router {
        let at = |path: &str| format!("{below}{path}");
        Router::new()
            .route(&at("/jwk"), get(keys))
            .route(&at("/identifier/{identifier}"), get(identifier))
            .route(&at("/identifier/{identifier}/process/{process}"), get(process))
            .route(&at("/info/{identifier}"), get(info))
            .route(&at("/virksert/{number}"), get(certificate))
            .route(&at("/sastoken"), get(bus_key))
            .with_state(self.clone())
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may(&self, headers: &HeaderMap, any_of: &[&str]) -> Result<(), No> {
        let Some(check) = &self.0.check else { return Ok(()) };
        let no = |why: String| No(StatusCode::UNAUTHORIZED, "access_denied", why);
        let token = bearer(headers).ok_or_else(|| no("Full authentication is required".into()))?;
        let scopes = check(token).map_err(no)?;
        let has = scopes.iter().any(|scope| any_of.iter().any(|wanted| scope.starts_with(wanted)));
        if has { Ok(()) } else { Err(no(format!("Missing one of the scopes {}", any_of.join(", ")))) }
    }

    fn entry(&self, identifier: &str, process: Option<&str>, level: Option<&str>) -> Result<Value, No> {
        if let Some(level) = level.filter(|level| !matches!(*level, "3" | "4")) {
            let why = format!("Security level {level} is not valid");
            return Err(No(StatusCode::BAD_REQUEST, "security_level_not_found", why));
        }
        let now = self.now();
        let whose = if let Lie::For(other) = &now.lie { other } else { identifier };
        let none = |what: &str| No(StatusCode::NOT_FOUND, "not_found", format!("{what} was not found"));
        let mut entry = now.entries.get(whose).cloned().ok_or_else(|| none("The entity"))?;
        if let (Some(process), Some(records)) = (process, entry.get_mut("serviceRecords").and_then(Value::as_array_mut))
        {
            records.retain(|record| record.get("process").and_then(Value::as_str) == Some(process));
            if records.is_empty() {
                return Err(none("The process"));
            }
        }
        Ok(entry)
    }

    fn answer(&self, said: Result<Vec<u8>, No>, is_signed: bool) -> Response {
        let lie = self.now().lie.clone();
        if let Lie::Status(status, body) = lie {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        let payload = match said {
            Ok(payload) => payload,
            Err(No(status, code, description)) => {
                let body = json!({ "error_code": code, "error_description": description }).to_string();
                return (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
            }
        };
        if !is_signed {
            return ([(header::CONTENT_TYPE, "application/json")], payload).into_response();
        }
        let signer = &self.0.signer;
        let body = match lie {
            Lie::Honest | Lie::Status(..) | Lie::For(_) => signer.sign(&payload),
            Lie::Unsigned => String::from_utf8_lossy(&payload).into_owned(),
            Lie::AlgNone => {
                let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
                format!("{header}.{}.", URL_SAFE_NO_PAD.encode(payload))
            }
            Lie::SignedBy(other) => other.sign(&payload),
            Lie::Tampered => {
                let honest = signer.sign(&payload);
                let parts: Vec<&str> = honest.split('.').collect();
                // One that still can be read.
                let other = String::from_utf8_lossy(&payload).replace("DPO", "DPV") + " ";
                let (header, signature) = (parts.first().copied(), parts.last().copied());
                let (header, signature) = (header.unwrap_or_default(), signature.unwrap_or_default());
                format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(other))
            }
            Lie::Garbage => signer.sign(b"<html>502</html>"),
        };
        ([(header::CONTENT_TYPE, "application/jose")], body).into_response()
    }

    /// One answer: who may ask, what is said, how it is signed.
    fn about(
        &self,
        path: &str,
        headers: &HeaderMap,
        scopes: &[&str],
        said: impl FnOnce() -> Result<Vec<u8>, No>,
    ) -> Response {
        self.now().asked.push(path.to_owned());
        let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said = self.may(headers, scopes).and_then(|()| said());
        self.answer(said, accepts.contains("application/jose"))
    }
}

const ANY: &[&str] = &["eformidling:"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    security_level: Option<String>,
    conversation_id: Option<String>,
    print: Option<String>,
}

impl Asked {
    fn shown(&self) -> String {
        let one = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}={value}"));
        let all = [
            one("securityLevel", &self.security_level),
            one("conversationId", &self.conversation_id),
            one("print", &self.print),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
    }
}

async fn keys(State(registry): State<ServiceRegistry>) -> Response {
    registry.now().asked.push("/jwk".into());
    axum::Json(json!({ "keys": [registry.0.signer.jwk()] })).into_response()
}

async fn identifier(
    State(registry): State<ServiceRegistry>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let path = format!("/identifier/{id}{}", asked.shown());
    registry.about(&path, &headers, ANY, || {
        registry.entry(&id, None, asked.security_level.as_deref()).map(|entry| entry.to_string().into_bytes())
    })
}

async fn process(
    State(registry): State<ServiceRegistry>,
    Path((id, process)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let path = format!("/identifier/{id}/process/{process}{}", asked.shown());
    registry.about(&path, &headers, ANY, || {
        let entry = registry.entry(&id, Some(&process), asked.security_level.as_deref())?;
        Ok(entry.to_string().into_bytes())
    })
}

async fn info(State(registry): State<ServiceRegistry>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    registry.about(&format!("/info/{id}"), &headers, ANY, || {
        let entry = registry.entry(&id, None, None)?;
        Ok(entry.get("infoRecord").cloned().unwrap_or_default().to_string().into_bytes())
    })
}

async fn certificate(
    State(registry): State<ServiceRegistry>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    registry.about(&format!("/virksert/{number}"), &headers, &["eformidling:dpo", "eformidling:dpe"], || {
        let pem = registry.now().certificates.get(&number).cloned();
        let none =
            || No(StatusCode::NOT_FOUND, "not_found", format!("No certificate was found for {number} in Virksert"));
        pem.map(String::into_bytes).ok_or_else(none)
    })
}

async fn bus_key(State(registry): State<ServiceRegistry>, headers: HeaderMap) -> Response {
    registry.about("/sastoken", &headers, &["eformidling:dpe"], || Ok(registry.now().bus_key.clone().into_bytes()))
}

//! With which key and certificate the API answers. Nothing is ever served in the clear that was to be served over TLS: while
//! the keystore cannot be used, a certificate of this very moment stands in, which nobody knows and which is told in health;
//! no message is taken or given over it (`api/door.rs`). A keystore that is put right, or renewed, is taken without a restart.

use super::keys::{of_certificate, shown};
use super::watched::{Pace, Watched};
use crate::flow::{Awaited, Need};
use crate::keystore::{Identity, Location, Opened};
use crate::manage::{Health, Part};
use crate::ports::{Certificate, Certificates, Use};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::manage::Status;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::rustls::{self, ServerConfig};

/// Why there is no TLS at all.
#[derive(Debug, thiserror::Error)]
pub enum NoTls {
    /// The certificate that would stand in.
    #[error("make a certificate that stands in")]
    Made(#[from] rcgen::Error),
    /// The same.
    #[error("serve with a certificate that stands in")]
    Tls(#[from] rustls::Error),
}

/// With what is spoken now.
pub(super) struct Voice {
    pub(super) config: Arc<ServerConfig>,
    /// Ours; or why another one stands in.
    own: Result<Identity, String>,
    /// Why the file, as it is now, is not what is spoken with.
    not_taken: Option<String>,
}

impl Voice {
    /// Whether nobody can know who speaks.
    pub(super) fn is_stand_in(&self) -> bool {
        self.own.is_err()
    }
}

/// How the API speaks.
pub(super) struct Spoken {
    location: Location,
    clock: Clock,
    voice: RwLock<Arc<Voice>>,
}

impl Spoken {
    /// Opens the keystore; where that cannot be, something stands in, and `awaited` is told why.
    pub(super) async fn open(location: &Location, clock: &Clock, awaited: &Awaited) -> Result<Self, NoTls> {
        let opened = Watched::of(location.clone()).open(clock.now()).await;
        let voice = match opened.and_then(ours) {
            Ok(voice) => {
                awaited.is_here(Need::Tls);
                voice
            }
            Err(why) => {
                awaited.is_away(Need::Tls, &why);
                Voice { config: stand_in()?, own: Err(why), not_taken: None }
            }
        };
        Ok(Self { location: location.clone(), clock: clock.clone(), voice: RwLock::new(Arc::new(voice)) })
    }

    /// For the next connection.
    pub(super) fn voice(&self) -> Arc<Voice> {
        Arc::clone(&self.voice.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the keystore whenever another one is there; one that cannot be used is told and not taken. Never ends; cancel
    /// safe.
    pub(super) async fn keep(&self, awaited: &Awaited, certificates: &Certificates) {
        let mut watched = Watched::of(self.location.clone());
        loop {
            let before = self.voice();
            let is_bad = before.is_stand_in() || before.not_taken.is_some();
            watched.changed(if is_bad { Pace::Wanted } else { Pace::InUse }).await;
            let next = match watched.open(self.clock.now()).await.and_then(ours) {
                Ok(voice) => {
                    if !before.is_stand_in() {
                        tracing::info!(keystore = %self.location.whence, "the API answers with what is there now");
                    }
                    voice
                }
                Err(why) if before.is_stand_in() => {
                    awaited.is_away(Need::Tls, &why);
                    Voice { config: Arc::clone(&before.config), own: Err(why), not_taken: None }
                }
                Err(why) => {
                    if before.not_taken.as_ref() != Some(&why) {
                        tracing::error!(keystore = %self.location.whence, error = why, "goes on with the key and certificate of before");
                    }
                    let config = Arc::clone(&before.config);
                    Voice { config, own: before.own.clone(), not_taken: Some(why) }
                }
            };
            let is_ours = !next.is_stand_in();
            *self.voice.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            if is_ours {
                certificates.is_now(Use::Tls, self.certificate());
                awaited.is_here(Need::Tls);
            }
        }
    }

    /// What is spoken with, for people.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        self.voice().own.as_ref().ok().and_then(|own| shown(own, Use::Tls))
    }

    fn health(&self) -> Health {
        let voice = self.voice();
        let own = match &voice.own {
            Ok(own) => own,
            Err(why) => {
                let details = json!({ "error": why, "validChains": [], "invalidChains": [] });
                return Health { status: Status::Down, details: Some(details) };
            }
        };
        let Health { status, details } = of_certificate(own, self.clock.now());
        let chain = [json!({ "alias": own.alias, "certificates": [details] })];
        let is_good = status == Status::Up;
        let mut details = if is_good { chains(&chain, &[]) } else { chains(&[], &chain) };
        if let (Some(why), Some(details)) = (&voice.not_taken, details.as_object_mut()) {
            details.insert("error".to_owned(), json!(format!("goes on with the one of before: {why}")));
        }
        // As Spring's: who serves with a bad certificate is not down.
        Health { status: if is_good { status } else { Status::OutOfService }, details: Some(details) }
    }
}

/// What health says of it; where it speaks plain HTTP, that there is nothing to say.
pub(super) fn part(spoken: Option<&Arc<Spoken>>) -> Part {
    let spoken = spoken.map(Arc::clone);
    let plain = || Health { status: Status::Up, details: Some(chains(&[], &[])) };
    Part { name: "ssl", said: Arc::new(move || spoken.as_ref().map_or_else(plain, |spoken| spoken.health())) }
}

fn chains(valid: &[Value], invalid: &[Value]) -> Value {
    json!({ "validChains": valid, "invalidChains": invalid })
}

fn ours(opened: Opened) -> Result<Voice, String> {
    let own = opened.own;
    let config = config(own.chain.clone(), own.key.clone_key().into())
        .map_err(|error| format!("the key or the certificate is not one for TLS: {}", Chain(&error)))?;
    Ok(Voice { config, own: Ok(own), not_taken: None })
}

/// A key and a certificate that are made now and kept nowhere.
fn stand_in() -> Result<Arc<ServerConfig>, NoTls> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    Ok(config(vec![made.cert.der().clone()], key.into())?)
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

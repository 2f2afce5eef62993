//! Opens the keystores. The organisation's own may be missing: then what needs it is closed, and the rest runs. That of
//! the API may not: nothing is ever served in the clear that was to be served over TLS.

use crate::config::{Keystores, Settings};
use crate::domain::Service;
use crate::keystore::{self, CannotOpen, Identity, Location, Opened};
use crate::manage::{Health, Part};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::manage::Status;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_rustls::rustls::{self, ServerConfig};

const NOT_SET: &str = "no keystore is named: difi.move.org.keystore.path is not set";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum NoTls {
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] CannotOpen),
    /// What is in it.
    #[error("the key or the certificate is not one for TLS")]
    Tls(#[from] rustls::Error),
}

/// The organisation's own keys, or why there are none.
pub(super) enum Own {
    /// They are here.
    Open(Arc<Opened>),
    /// None are named in the settings.
    NotSet,
    /// They are named, and cannot be used; with the reason.
    Shut(String),
}

impl Own {
    /// Reads them. What is odd is told, and that they are not here, once.
    pub(super) fn open(keystores: &Keystores, now: Timestamp) -> Self {
        let Some(location) = &keystores.own else { return Self::NotSet };
        match told(location, now) {
            Ok(opened) => Self::Open(Arc::new(opened)),
            Err(error) => {
                let why = Chain(&error).to_string();
                tracing::error!(error = why, "runs without its keys: what needs them is closed");
                Self::Shut(why)
            }
        }
    }

    /// The one that was asked for, or why there is none.
    pub(super) fn identity(&self) -> Result<&Identity, String> {
        match self {
            Self::Open(opened) => Ok(&opened.own),
            Self::NotSet => Err(NOT_SET.to_owned()),
            Self::Shut(why) => Err(why.clone()),
        }
    }

    /// All of them, those of earlier certificates too.
    pub(super) fn identities(&self) -> impl Iterator<Item = &Identity> {
        let opened = match self {
            Self::Open(opened) => Some(opened),
            Self::NotSet | Self::Shut(_) => None,
        };
        opened.into_iter().flat_map(|opened| &opened.keystore.entries)
    }

    /// Services that are enabled and closed for want of keys, and why.
    pub(super) fn closed(&self, settings: &Settings) -> BTreeMap<Service, String> {
        let why = match self {
            Self::Open(_) => return BTreeMap::new(),
            Self::NotSet => NOT_SET,
            Self::Shut(why) => why,
        };
        let is_folder = |service: &Service| settings.loopback.as_ref().is_some_and(|it| it.service == *service);
        let closed = settings.enabled.iter().filter(|service| !is_folder(service));
        closed.map(|service| (service, why.to_owned())).collect()
    }

    /// What health says of them.
    pub(super) fn health(&self, is_needed: bool, clock: Clock) -> Part {
        let said: Box<dyn Fn() -> Health + Send + Sync> = match self {
            Self::Open(opened) => {
                let opened = Arc::clone(opened);
                Box::new(move || of_certificate(&opened.own, clock.now()))
            }
            Self::NotSet => {
                let status = if is_needed { Status::Down } else { Status::Unknown };
                let error = "difi.move.org.keystore.path is not set";
                Box::new(move || Health { status, details: Some(json!({ "error": error })) })
            }
            Self::Shut(why) => {
                let why = why.clone();
                Box::new(move || Health { status: Status::Down, details: Some(json!({ "error": why })) })
            }
        };
        Part { name: "keystore", said: said.into() }
    }
}

fn told(location: &Location, now: Timestamp) -> Result<Opened, CannotOpen> {
    let opened = keystore::open(location, now)?;
    for remark in &opened.remarks {
        tracing::warn!(keystore = %location.whence, alias = opened.own.alias, "{remark}");
    }
    Ok(opened)
}

fn of_certificate(identity: &Identity, now: Timestamp) -> Health {
    let Ok(certificate) = identity.certificate() else { return Health { status: Status::Down, details: None } };
    let is_good = certificate.not_before <= now && now <= certificate.not_after;
    let days = (certificate.not_after.as_second() - now.as_second()).div_euclid(86_400);
    let details = json!({
        "alias": identity.alias,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serialNumber": certificate.serial,
        "validityStarts": certificate.not_before.to_string(),
        "validityEnds": certificate.not_after.to_string(),
        "daysLeft": days,
    });
    Health { status: if is_good { Status::Up } else { Status::Down }, details: Some(details) }
}

/// How the API speaks, and what health says of it; none of the first where it speaks plain HTTP.
pub(super) fn tls(keystores: &Keystores, clock: Clock) -> Result<(Option<Arc<ServerConfig>>, Part), NoTls> {
    let Some(location) = &keystores.tls else {
        let said = || Health { status: Status::Up, details: Some(chains(&[], &[])) };
        return Ok((None, Part { name: "ssl", said: Arc::new(said) }));
    };
    let own = told(location, clock.now())?.own;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(own.chain.clone(), own.key.clone_key().into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let said = move || {
        let Health { status, details } = of_certificate(&own, clock.now());
        let chain = [json!({ "alias": own.alias, "certificates": [details] })];
        if status == Status::Up {
            return Health { status, details: Some(chains(&chain, &[])) };
        }
        // As Spring's: who serves with a bad certificate is not down.
        Health { status: Status::OutOfService, details: Some(chains(&[], &chain)) }
    };
    Ok((Some(Arc::new(config)), Part { name: "ssl", said: Arc::new(said) }))
}

fn chains(valid: &[Value], invalid: &[Value]) -> Value {
    json!({ "validChains": valid, "invalidChains": invalid })
}

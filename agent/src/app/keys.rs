//! Opens the organisation's own keystore. It may be missing: then what needs it is closed, and the rest runs. That of the
//! API is opened in [`super::tls`].

use super::watched::{Pace, Watched};
use crate::config::{Keystores, Settings};
use crate::domain::Service;
use crate::keystore::{self, CannotOpen, Identity, Location, Opened};
use crate::manage::{Health, Part};
use crate::ports::{Certificate, Use};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::manage::Status;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const NOT_SET: &str = "no keystore is named: difi.move.org.keystore.path is not set";

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

    /// Until keys can be had that could not be had at the start; for ever where they are here, or none are named. Cancel safe.
    pub(super) async fn come(&self, keystores: &Keystores, clock: &Clock) {
        let (Self::Shut(_), Some(location)) = (self, &keystores.own) else { return std::future::pending().await };
        let mut watched = Watched::of(location.clone());
        while watched.changed(Pace::Wanted).await && watched.open(clock.now()).await.is_err() {}
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

    /// The certificate, for people.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        match self {
            Self::Open(opened) => shown(&opened.own, Use::Own),
            Self::NotSet | Self::Shut(_) => None,
        }
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

pub(super) fn told(location: &Location, now: Timestamp) -> Result<Opened, CannotOpen> {
    let opened = keystore::open(location, now)?;
    for remark in &opened.remarks {
        tracing::warn!(keystore = %location.whence, alias = opened.own.alias, "{remark}");
    }
    Ok(opened)
}

/// None where it cannot be read, which health tells.
pub(super) fn shown(identity: &Identity, used: Use) -> Option<Certificate> {
    let read = identity.certificate().ok()?;
    Some(Certificate {
        used,
        alias: identity.alias.clone(),
        subject: read.subject,
        issuer: read.issuer,
        serial: read.serial,
        from: read.not_before,
        until: read.not_after,
    })
}

pub(super) fn of_certificate(identity: &Identity, now: Timestamp) -> Health {
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

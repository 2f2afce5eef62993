//! DPO: messages between organisations, left and fetched at Altinn's broker.
//!
//! A message is a parcel, `sbd.zip` ([`parcel`]): the envelope, and the files sealed to the receiver. It is left under the name
//! of the sender's system user and fetched by the receiver's ([`client`]); a round of fetching is in [`round`]. What is decided
//! without asking anybody is in [`convert`]. What is fetched is confirmed when it is stored, so that it comes at least once;
//! whoever takes it in knows it by its id.

mod calm;
mod client;
mod convert;
mod error;
mod known;
mod legacy;
mod parcel;
mod round;
mod wire;

use crate::domain::{Envelope, Service};
use crate::ports::{
    Answer, Arrivals, CannotUse, Channel, Encryption, Parcel, Parties, Random, Registry, SealError, Sealing, SendError,
    Sent, SystemUser, ToSeal, Tokens, TroubleFetching,
};
use client::Client;
use efm::chain::Chain;
use efm::clock::Clock;
use efm::outside::Names;
use error::ApiError;
use known::Known;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// The channel.
pub struct Dpo {
    client: Client,
    users: Vec<SystemUser>,
    channel: Option<String>,
    pace: Duration,
    folder: PathBuf,
    limit_bytes: u64,
    doors: Doors,
    known: Mutex<Known>,
    /// A large parcel has a place of its own, from its download until it is taken in.
    large: Arc<Semaphore>,
}

/// How it is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// With what it asks.
    pub http: reqwest::Client,
    /// What the settings of the way out are called.
    pub names: Names,
    /// Where the broker is.
    pub broker: Url,
    /// Which of its services.
    pub resource: String,
    /// Our own system user, then those of whom we act for.
    pub users: Vec<SystemUser>,
    /// Which of the organisation's integration points this is; none: the only one.
    pub channel: Option<String>,
    /// For an answer, or for the next bytes of one.
    pub patience: Duration,
    /// How often it asks for what has come in.
    pub pace: Duration,
    /// Where parcels lie while they are made and read. They have no name there.
    pub folder: PathBuf,
    /// No parcel is larger.
    pub limit_bytes: u64,
}

/// The doors that it needs.
#[derive(Clone)]
pub struct Doors {
    /// Who may ask.
    pub tokens: Arc<dyn Tokens>,
    /// Whose certificate is sealed to.
    pub registry: Arc<dyn Registry>,
    /// Seals and opens.
    pub sealing: Arc<dyn Sealing>,
    /// New names.
    pub random: Arc<dyn Random>,
    /// What time it is.
    pub clock: Clock,
}

impl Dpo {
    /// Asks nobody yet.
    pub fn new(setup: Setup, doors: Doors) -> Self {
        let Setup { http, names, broker, resource, users, channel, patience, pace, folder, limit_bytes } = setup;
        let tokens = Arc::clone(&doors.tokens);
        let (random, calm) = (Arc::clone(&doors.random), Mutex::default());
        let client = Client { http, names, base: broker, resource, patience, tokens, random, calm };
        let large = Arc::new(Semaphore::new(1));
        Self { client, users, channel, pace, folder, limit_bytes, doors, known: Mutex::default(), large }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn leave(&self, parcel: &Parcel) -> Result<Sent, SendError> {
        let envelope = convert::transmitted(&parcel.envelope);
        let sender = envelope.sender().and_then(convert::organisation).ok_or_else(|| lacks("sender"))?;
        let receiver = envelope.receiver().and_then(convert::organisation).ok_or_else(|| lacks("receiver"))?;
        let user = convert::user_of(&self.users, &sender).ok_or_else(|| {
            SendError::Passing(format!(
                "no system user is set for the sender {sender}: name it in difi.move.dpo.reportees[n].orgId and .name"
            ))
        })?;
        let unique = self.doors.random.sixteen().map_err(|error| SendError::Passing(error.to_string()))?;
        let unique = crate::domain::BlobId::random(unique);
        let reference = convert::reference(&envelope, self.channel.as_deref(), unique.as_str());
        let (file, length) = self.packed(parcel, &envelope, &sender, &receiver).await?;
        let (client, receiver, file) = (&self.client, &receiver, &file);
        let left = client::persist(|| async move {
            let id = client.announce(user, receiver, reference).await?;
            client.upload(user, &id, Arc::clone(file), length).await?;
            Ok(id)
        });
        let id = left.await.map_err(|error| {
            let text = Chain(&error).to_string();
            error.wait().map_or(SendError::Passing(text.clone()), |wait| SendError::Busy { text, wait })
        })?;
        tracing::info!(transfer = id, bytes = length, "left at the broker");
        Ok(Sent { external_reference: None })
    }

    /// `sbd.zip`, and its length.
    async fn packed(
        &self,
        parcel: &Parcel,
        envelope: &Envelope,
        sender: &str,
        receiver: &str,
    ) -> Result<(Arc<std::fs::File>, u64), SendError> {
        let passing = |error: &dyn std::error::Error| SendError::Passing(Chain(error).to_string());
        let sbd = crate::sbd::write(envelope).map_err(|error| passing(&error))?.get().to_owned();
        let about_bytes = parcel.files.iter().map(|file| file.file.length_bytes).fold(0, u64::saturating_add);
        let package = if parcel.files.is_empty() {
            None
        } else {
            let certificate = self.certificate(&parcel.envelope).await?;
            let parties = Some(Parties { sender: sender.to_owned(), receiver: receiver.to_owned() });
            let package = ToSeal { parties, files: parcel.files.clone() };
            let sealed = self.doors.sealing.seal(&package, &certificate, Encryption::over(Service::Dpo)).await;
            Some(sealed.map_err(|error| {
                // No later try packs a file that has no name to be packed under.
                let is_final = matches!(error, SealError::File { .. });
                let text = Chain(&error).to_string();
                if is_final { SendError::Final { text, raw_receipt: None } } else { SendError::Passing(text) }
            })?)
        };
        let packed = parcel::pack(&self.folder, sbd, package, about_bytes).await;
        packed.map_err(|error| SendError::Passing(format!("pack the message: {}", Chain(&error))))
    }

    /// The receiver's certificate, as the registry has it now.
    async fn certificate(&self, envelope: &Envelope) -> Result<CertificateDer<'static>, SendError> {
        let route = self.doors.registry.route(envelope).await.map_err(|error| SendError::Passing(error.to_string()))?;
        let pem = route.record.map(|record| record.certificate).unwrap_or_default();
        CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
            let who = envelope.receiver().map(|who| who.primary().to_owned()).unwrap_or_default();
            SendError::Passing(format!("the registry has no certificate of {who} that can be read: {error}"))
        })
    }
}

impl Channel for Dpo {
    fn service(&self) -> Service {
        Service::Dpo
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> Answer<'a, Sent, SendError> {
        Box::pin(self.leave(parcel))
    }

    fn fetch(&self) -> Answer<'_, Box<dyn Arrivals + '_>, TroubleFetching> {
        Box::pin(async move {
            let round: Box<dyn Arrivals + '_> = Box::new(round::Round::begin(self));
            Ok(round)
        })
    }

    fn confirm<'a>(&'a self, receipt: &'a str) -> Answer<'a, (), TroubleFetching> {
        Box::pin(async move {
            let strange = || TroubleFetching::from(format!("'{receipt}' is no transfer of ours"));
            let (organisation, id) = receipt.split_once('/').ok_or_else(strange)?;
            let user = convert::user_of(&self.users, organisation).ok_or_else(strange)?;
            match self.client.confirm(user, id).await {
                // Somebody has confirmed it before us, or it was purged.
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(trouble(&error)),
                Ok(()) => {}
            }
            self.known().is_over(id);
            Ok(())
        })
    }

    fn check(&self) -> Answer<'_, (), CannotUse> {
        Box::pin(async move {
            for user in &self.users {
                if let Err(error) = self.client.list(user, round::NEW, None).await {
                    let text = Chain(&error).to_string();
                    let is_final = error.is_for_a_person();
                    return Err(if is_final { CannotUse::Refused(text) } else { CannotUse::Unavailable(text) });
                }
            }
            Ok(())
        })
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}

fn lacks(what: &str) -> SendError {
    SendError::Final { text: format!("the message has no {what} that is an organisation"), raw_receipt: None }
}

fn trouble(error: &ApiError) -> TroubleFetching {
    TroubleFetching { text: Chain(error).to_string(), wait: error.wait(), is_partial: false }
}

#[cfg(test)]
mod tests;

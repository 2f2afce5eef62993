//! DPO of these settings: Altinn's broker, with what seals and who may ask.

use super::lookups::{self, Parts};
use crate::channels::{Dpo, DpoDoors, DpoSetup};
use crate::domain::Service;
use crate::keystore::{Identity, Keystore};
use crate::ports::{Blobs, Channel, Registry, Sealing, SystemUser};
use crate::sealing::{Authorities, Sealer};
use efm::chain::Chain;
use efm::outside::{Network, Routes};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// A parcel is larger than its files by the envelope, the container and the encryption.
const AROUND_THE_FILES_BYTES: u64 = 64 << 20;

/// The channel, where DPO is enabled and not a folder; an error says what is missing.
pub(super) fn channel(
    parts: Parts<'_>,
    registry: &Arc<dyn Registry>,
    blobs: &Arc<dyn Blobs>,
) -> Result<Option<Arc<dyn Channel>>, String> {
    let Parts { settings, own, clock, random } = parts;
    let Some(dpo) = &settings.dpo else { return Ok(None) };
    let told = |error: &dyn std::error::Error| Chain(error).to_string();
    let sealing = sealing(parts, own.identity()?, blobs)?;
    let tokens = lookups::tokens_of(parts, &settings.lookups.dpo, Some(dpo.exchange.clone()));
    let tokens = tokens.map_err(|error| told(&error))?;
    let network = Network { connect_timeout: dpo.connect_timeout, ..settings.network.clone() };
    let route = Routes::new(&network).and_then(|routes| routes.to(&dpo.broker)).map_err(|error| told(&error))?;
    let limit = settings.upload_limits.get(&Service::Dpo).copied().unwrap_or(Service::Dpo.upload_limit_bytes());
    let user = |user: &crate::config::SystemUser| SystemUser { org_id: user.org_id.clone(), name: user.name.clone() };
    let setup = DpoSetup {
        http: route.client,
        names: network.names,
        broker: dpo.broker.clone(),
        resource: dpo.resource.clone(),
        users: dpo.users.iter().map(user).collect(),
        channel: settings.message_channel.clone(),
        patience: dpo.request_timeout,
        pace: dpo.pace,
        folder: settings.blobs.clone(),
        // Others may send more than we do.
        limit_bytes: limit.max(Service::Dpo.upload_limit_bytes()).saturating_add(AROUND_THE_FILES_BYTES),
    };
    let (registry, random) = (Arc::clone(registry), Arc::clone(random));
    let doors = DpoDoors { tokens, registry, sealing, random, clock: clock.clone() };
    Ok(Some(Arc::new(Dpo::new(setup, doors))))
}

/// The key that was asked for signs and opens; the others open what came for an older certificate.
fn sealing(parts: Parts<'_>, own: &Identity, blobs: &Arc<dyn Blobs>) -> Result<Arc<dyn Sealing>, String> {
    let trusted = match &parts.settings.sealing.authorities {
        Some(path) => certificates(path)
            .map_err(|why| format!("integrasjonspunkt.sealing.authorities {}: {why}", path.display()))?,
        None => Vec::new(),
    };
    let sealer = |entries: Vec<Identity>| {
        let authorities = Authorities::of(&trusted)?;
        let (blobs, clock, refuse) = (Arc::clone(blobs), parts.clock.clone(), parts.settings.sealing.refuse);
        let made = Sealer::new(&Keystore { entries }, blobs, clock, authorities, refuse);
        made.map_err(|error| Chain(&error).to_string())
    };
    let mut entries = vec![copy(own)];
    for other in parts.own.identities().filter(|other| other.chain != own.chain) {
        match sealer(vec![copy(other)]) {
            Ok(_) => entries.push(copy(other)),
            Err(error) => tracing::warn!(error, "a key of the keystore opens no packages"),
        }
    }
    Ok(Arc::new(sealer(entries)?))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = lookups::read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    all.map_err(|error| error.to_string())
}

fn copy(identity: &Identity) -> Identity {
    Identity { alias: identity.alias.clone(), key: identity.key.clone_key(), chain: identity.chain.clone() }
}

//! DPO of these settings: Altinn's broker, with what seals and who may ask.

use super::lookups::{self, Parts};
use crate::channels::{Dpo, DpoDoors, DpoSetup};
use crate::domain::Service;
use crate::keystore::{Identity, Keystore};
use crate::ports::{Blobs, Channel, Registry, SealError, Sealing, SystemUser};
use crate::sealing::{Authorities, Refuse, Sealer};
use efm::chain::Chain;
use efm::outside::{Network, Routes};
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
    let sealing = sealing(parts, own.identity()?, blobs).map_err(|error| told(&error))?;
    let tokens = lookups::tokens(parts, &settings.lookups.dpo, Some(dpo.exchange.clone()));
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
fn sealing(parts: Parts<'_>, own: &Identity, blobs: &Arc<dyn Blobs>) -> Result<Arc<dyn Sealing>, SealError> {
    let sealer = |entries: Vec<Identity>| {
        let (authorities, refuse) = (Authorities::default(), Refuse::default());
        Sealer::new(&Keystore { entries }, Arc::clone(blobs), parts.clock.clone(), authorities, refuse)
    };
    let mut entries = vec![copy(own)];
    for other in parts.own.all().filter(|other| other.chain != own.chain) {
        match sealer(vec![copy(other)]) {
            Ok(_) => entries.push(copy(other)),
            Err(error) => tracing::warn!(error = %Chain(&error), "a key of the keystore opens no packages"),
        }
    }
    Ok(Arc::new(sealer(entries)?))
}

fn copy(identity: &Identity) -> Identity {
    Identity { alias: identity.alias.clone(), key: identity.key.clone_key(), chain: identity.chain.clone() }
}

//! The service registry and the clients of Maskinporten, of these settings. What cannot be set up is told to each who asks:
//! the rest runs.

use super::keys::Own;
use crate::asking::Http;
use crate::config::{Oidc, OidcKey, Settings, Signed};
use crate::domain::Service;
use crate::ports::{Random, Registry, Tokens};
use crate::registry::{self, Absent, Directory, Place, Trust};
use crate::tokens::{self, Checked, Client, Jwk, Key, Maskinporten};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::outside::CannotSetUp;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// A file of keys or authorities that is larger is something else.
const LIMIT_BYTES: u64 = 1 << 20;

/// What is needed to make them.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) settings: &'a Settings,
    pub(super) own: &'a Own,
    pub(super) clock: &'a Clock,
    pub(super) random: &'a Arc<dyn Random>,
}

/// Which of the scopes that the enabled services need Maskinporten gives; nothing where nobody needs tokens.
pub(super) async fn check_scopes(parts: Parts<'_>) -> Result<Vec<Checked>, String> {
    let lookups = &parts.settings.lookups;
    let (at_registry, at_channels): (Vec<_>, Vec<_>) =
        tokens::needed(&parts.settings.enabled).into_iter().partition(|one| one.at == tokens::AT_REGISTRY);
    let mut all = Vec::new();
    for (oidc, needed) in [(&lookups.oidc, at_registry), (&lookups.dpo, at_channels)] {
        if needed.is_empty() || !oidc.enabled || oidc.mock_token.is_some() {
            continue;
        }
        let client = tokens_of(parts, oidc, None).map_err(|error| Chain(&error).to_string())?;
        all.extend(tokens::check(&*client, needed).await);
    }
    Ok(all)
}

/// The registry.
pub(super) fn registry(parts: Parts<'_>) -> Arc<dyn Registry> {
    directory(parts).unwrap_or_else(|why| {
        tracing::error!(error = why, "runs without the service registry: no receiver can be looked up");
        Arc::new(Absent { why })
    })
}

fn directory(parts: Parts<'_>) -> Result<Arc<dyn Registry>, String> {
    let Parts { settings, own, clock, .. } = parts;
    let lookups = &settings.lookups;
    let trust = match &lookups.signed {
        Signed::No => {
            tracing::warn!("difi.move.sign.enable is false: whoever answers for the service registry is believed");
            Trust::Nobody
        }
        Signed::ByKeysAt(url) => Trust::keys_at(url.clone()),
        Signed::ByAuthorities { file, organisation } => read(file)
            .and_then(|pem| Trust::authorities(&pem, organisation.clone()))
            .map_err(|why| format!("integrasjonspunkt.sign.ca-file {}: {why}", file.display()))?,
    };
    let must_be_registered = [Service::Dpo, Service::Dpe].into_iter().any(|service| settings.enabled.has(service));
    let organisation = settings.organisation.clone();
    let certificate = own.identity().ok().and_then(|identity| identity.certificate().ok());
    let place = Place {
        endpoint: settings.registry.clone(),
        trust,
        enabled: settings.enabled.clone(),
        beta: lookups.beta,
        print_lookup: lookups.print_lookup,
        own: certificate.map(|certificate| registry::Own { organisation, certificate, must_be_registered }),
    };
    let tokens = tokens_of(parts, &lookups.oidc, None).map_err(|error| Chain(&error).to_string())?;
    let http = http(parts, &lookups.oidc).map_err(|error| Chain(&error).to_string())?;
    Ok(Arc::new(Directory::new(place, http, tokens, clock.clone())))
}

/// A client of Maskinporten; with where Altinn exchanges its tokens, where it does.
pub(super) fn tokens_of(parts: Parts<'_>, oidc: &Oidc, exchange: Option<Url>) -> Result<Arc<dyn Tokens>, CannotSetUp> {
    if let (Err(why), true) = (key_of(parts, oidc), oidc.enabled) {
        tracing::error!(client = oidc.client_id, error = why, "no tokens: there is nothing to sign with");
    }
    tokens_untold(parts, oidc, exchange)
}

fn key_of(parts: Parts<'_>, oidc: &Oidc) -> Result<Key, String> {
    match &oidc.key {
        OidcKey::Certificate => {
            parts.own.identity().and_then(|identity| Key::of_certificate(identity).map_err(|unfit| unfit.to_string()))
        }
        OidcKey::Jwk(path) => read(path)
            .and_then(|text| Jwk::read(&text).map_err(|error| error.to_string()))
            .and_then(|jwk| Key::of_jwk(&jwk).map_err(|unfit| unfit.to_string()))
            .map_err(|why| format!("the JWK {}: {why}", path.display())),
    }
}

/// As [`tokens_of`], for one who asks now and then: what is wrong is told to who asks, and not in the log.
pub(super) fn tokens_untold(
    parts: Parts<'_>,
    oidc: &Oidc,
    exchange: Option<Url>,
) -> Result<Arc<dyn Tokens>, CannotSetUp> {
    let client = Client {
        url: oidc.url.clone(),
        audience: oidc.audience.clone(),
        id: oidc.client_id.clone(),
        key: key_of(parts, oidc),
        exchange,
        instead: match (oidc.enabled, &oidc.mock_token) {
            (_, Some(token)) => Some(Some(token.clone())),
            (false, None) => Some(None),
            (true, None) => None,
        },
    };
    let http = http(parts, oidc)?;
    Ok(Arc::new(Maskinporten::new(client, http, parts.clock.clone(), Arc::clone(parts.random))))
}

fn http(parts: Parts<'_>, oidc: &Oidc) -> Result<Http, CannotSetUp> {
    Http::new(&parts.settings.network, oidc.connect_timeout, oidc.read_timeout)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LIMIT_BYTES).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| format!("it cannot be read: {error}"))
}

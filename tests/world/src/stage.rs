//! Everything that two integration points need to send to each other over DPO: Maskinporten with Altinn's exchange, the
//! service registry, the broker. Each is the real protocol; [`Stage::settings`] has what an integration point must be told.

use crate::broker::{self, Bearer, Broker};
use crate::faults::Faults;
use crate::identity::{Identity, REGISTER};
use crate::maskinporten::{Account, EXCHANGE, Maskinporten, TOKEN};
use crate::registry::{ServiceRegistry, Signer};
use crate::server::Server;
use efm::clock::Clock;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Where the registry lies.
const REGISTRY: &str = "/adressetjeneste";
const AUDIENCE: &str = "https://maskinporten.invalid/";

/// The processes of DPO, and the document types in each.
const PROCESSES: &[(&str, &[&str])] = &[
    ("urn:no:difi:profile:arkivmelding:administrasjon:ver1.0", &["urn:no:difi:arkivmelding:xsd::arkivmelding"]),
    ("urn:no:difi:profile:arkivmelding:taushetsbelagt:ver1.0", &["urn:no:difi:arkivmelding:xsd::arkivmelding"]),
    (
        "urn:no:difi:profile:arkivmelding:response:ver1.0",
        &["urn:no:difi:arkivmelding:xsd::arkivmelding_kvittering", "urn:no:difi:eformidling:xsd::status"],
    ),
    ("urn:no:difi:profile:avtalt:avtalt:ver1.0", &["urn:no:difi:avtalt:xsd::avtalt"]),
    ("urn:no:difi:profile:avtalt:response:ver1.0", &["urn:no:difi:eformidling:xsd::status"]),
    ("urn:no:difi:profile:einnsyn:innsynskrav:ver1.0", &["urn:no:difi:einnsyn:xsd::innsynskrav"]),
    ("urn:no:difi:profile:einnsyn:journalpost:ver1.0", &["urn:no:difi:einnsyn:xsd::publisering"]),
    ("urn:no:difi:profile:einnsyn:meeting:ver1.0", &["urn:no:difi:einnsyn:xsd::publisering"]),
    (
        "urn:no:difi:profile:einnsyn:response:ver1.0",
        &["urn:no:difi:einnsyn:xsd::einnsyn_kvittering", "urn:no:difi:eformidling:xsd::status"],
    ),
];

/// The stage. It ends when it is dropped.
pub struct Stage {
    /// Gives tokens.
    pub maskinporten: Maskinporten,
    /// Knows who can be reached.
    pub registry: ServiceRegistry,
    /// Has the messages.
    pub broker: Broker,
    /// How the broker goes wrong.
    pub faults: Faults,
    services: Server,
    brokers: Server,
}

impl Stage {
    /// Set up, with the broker's files in this folder. Nobody is known yet.
    pub fn set(folder: &Path, faults: &Faults) -> io::Result<Self> {
        let spoilt = || io::Error::other("the registry's key is spoilt");
        let maskinporten = Maskinporten::new(AUDIENCE, Clock::machine());
        let (key, chain) = (REGISTER.key().ok_or_else(spoilt)?, REGISTER.certificate().ok_or_else(spoilt)?);
        let signer = Signer::new(&key, "register", vec![chain]).map_err(io::Error::other)?;
        let known = maskinporten.clone();
        let may: crate::registry::Check = Arc::new(move |token| known.grant(token).map(|grant| grant.scopes));
        let registry = ServiceRegistry::new(signer, Some(may));
        let known = maskinporten.clone();
        let check: broker::Check = Arc::new(move |token| {
            let grant = known.altinn_grant(token)?;
            let (organisation, _) = grant.system_user.ok_or("the token is no system user's")?;
            Ok(Bearer { organisation, scopes: grant.scopes })
        });
        let broker = Broker::new(folder.to_owned(), check, Clock::machine());
        let services = Server::start(maskinporten.routes().merge(registry.routes(REGISTRY)), &Faults::default())?;
        let brokers = Server::start(broker.routes(), faults)?;
        Ok(Self { maskinporten, registry, broker, faults: faults.clone(), services, brokers })
    }

    /// Makes an organisation known to all: its client, its certificate, how it can be reached; and those that it acts for.
    pub fn know(&self, who: &Identity, acts_for: &[&str]) -> io::Result<()> {
        let certificate = who.certificate().ok_or_else(|| io::Error::other("the key is spoilt"))?;
        self.maskinporten.register(account(who.number, certificate, acts_for));
        for number in [who.number].iter().chain(acts_for) {
            enter(&self.registry, number, who.name, who.certificate_pem());
        }
        Ok(())
    }

    /// What an integration point of this organisation must be told, as `--key=value`. Its keystore is written to `keystore`.
    pub fn settings(&self, who: &Identity, keystore: &Path) -> io::Result<Vec<String>> {
        efm::atomic::replace(keystore, who.pem.as_bytes())?;
        let settings = [
            ("difi.move.org.number", who.number.to_owned()),
            ("difi.move.org.keystore.path", format!("file:{}", keystore.display())),
            ("difi.move.org.keystore.type", "PEM".to_owned()),
            ("difi.move.org.keystore.alias", "own".to_owned()),
            ("difi.move.serviceregistryEndpoint", self.services.url(REGISTRY)),
            ("difi.move.oidc.url", self.services.url(TOKEN)),
            ("difi.move.oidc.audience", AUDIENCE.to_owned()),
            ("difi.move.oidc.clientId", client(who.number)),
            ("difi.move.feature.enableDPO", "true".to_owned()),
            ("difi.move.dpo.brokerserviceUrl", self.brokers.url(broker::BASE)),
            ("difi.move.dpo.altinnTokenExchangeUrl", self.services.url(EXCHANGE)),
            ("difi.move.dpo.systemUser.name", user(who.number)),
        ];
        Ok(settings.into_iter().map(|(key, value)| format!("--{key}={value}")).collect())
    }
}

/// The client of an organisation that sends over DPO, with the system users of those that it acts for and its own.
pub fn account(number: &str, certificate: Vec<u8>, acts_for: &[&str]) -> Account {
    let scopes = ["eformidling:dpo", broker::READ, broker::WRITE];
    let users = [number].into_iter().chain(acts_for.iter().copied());
    Account {
        id: client(number),
        scopes: scopes.map(str::to_owned).into(),
        certificates: vec![certificate],
        system_users: users.map(|number| (format!("0192:{number}"), user(number))).collect(),
        ..Account::default()
    }
}

/// Enters an organisation into the registry: it takes everything that comes over DPO, for this certificate.
pub fn enter(registry: &ServiceRegistry, number: &str, name: &str, certificate: &str) {
    registry.put_certificate(number, certificate);
    for (process, types) in PROCESSES {
        registry.put_organisation(number, name, "DPO", process, types, certificate);
    }
}

/// The name of an organisation's client.
pub fn client(number: &str) -> String {
    format!("MOVE_IP_{number}")
}

/// The name of a system user.
pub fn user(number: &str) -> String {
    format!("{number}_integrasjonspunkt_systembruker")
}

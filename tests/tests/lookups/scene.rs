//! Both simulators, a business certificate, and a client of the integration point between them.

use efm::clock::Clock;
use efm::outside::Network;
use efm_world::faults::Faults;
use efm_world::maskinporten::{Account, EXCHANGE, Maskinporten as FalseMaskinporten, TOKEN};
use efm_world::registry::{Check, ServiceRegistry, Signer};
use efm_world::server::Server;
use integrasjonspunkt::asking::Http;
use integrasjonspunkt::domain::{Envelope, Service};
use integrasjonspunkt::ports::{NoRandom, Random, Tokens};
use integrasjonspunkt::registry::{Directory, Own, Place, Trust};
use integrasjonspunkt::tokens::{Client, Key, Maskinporten};
use outside_world::identity::{Authority, Holds, Made};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub const OWN: &str = "910077473";
pub const OTHER: &str = "910075918";
pub const CLIENT: &str = "MOVE_IP_910077473";
pub const AUDIENCE: &str = "https://test.maskinporten.no/";
pub const PROCESS: &str = "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0";
pub const STANDARD: &str = "urn:no:difi:arkivmelding:xsd::arkivmelding";
pub const SBD: &str = include_str!("../../../agent/tests/fixtures/arkivmelding.json");

/// Keys take long to make: all tests share these.
pub struct Keys {
    pub authority: Authority,
    pub own: Made,
    pub registry: Made,
    pub expired: Made,
    pub somebody: Made,
    pub strange: Made,
}

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let authority = Authority::new("An authority of tests");
        let stranger = Authority::new("Nobody's authority");
        let over = Holds { until: "2021-01-01T00:00:00Z".parse().unwrap(), ..Holds::long() };
        Keys {
            own: authority.issue(OWN, 4711, Holds::long()),
            registry: authority.issue("991825827", 2, Holds::long()),
            expired: authority.issue("991825827", 3, over),
            somebody: authority.issue("910076787", 4, Holds::long()),
            strange: stranger.issue("991825827", 5, Holds::long()),
            authority,
        }
    })
}

pub fn signer(made: &Made) -> Signer {
    Signer::new(&made.key, "registry", made.chain.clone()).unwrap()
}

/// How the registry's answers are believed.
#[derive(Clone, Copy)]
pub enum Believes {
    Keys,
    Authority,
    Digdir,
}

pub struct Scene {
    pub registry: ServiceRegistry,
    pub registry_faults: Faults,
    pub registry_server: Server,
    pub maskinporten: FalseMaskinporten,
    pub maskinporten_faults: Faults,
    pub maskinporten_server: Server,
}

pub fn account(scopes: &[&str]) -> Account {
    Account {
        id: CLIENT.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        certificates: vec![keys().own.chain[0].clone()],
        ..Account::default()
    }
}

impl Scene {
    pub fn new() -> Self {
        Self::at(Clock::machine())
    }

    /// The other organisation takes letters over DPO; we are registered.
    pub fn at(clock: Clock) -> Self {
        let maskinporten = FalseMaskinporten::new(AUDIENCE, clock);
        maskinporten.register(account(&["eformidling:dpo", "eformidling:dpv"]));
        let asked = maskinporten.clone();
        let check: Check = Arc::new(move |token| asked.grant(token).map(|grant| grant.scopes));
        let registry = ServiceRegistry::new(signer(&keys().registry), Some(check));
        registry.put_organisation(OTHER, "TEST - C4", "DPO", PROCESS, &[STANDARD], &keys().somebody.certificate_pem());
        registry.put_certificate(OWN, &keys().own.certificate_pem());
        let (registry_faults, maskinporten_faults) = (Faults::default(), Faults::default());
        Self {
            registry_server: Server::start(registry.routes("/adressetjeneste"), &registry_faults).unwrap(),
            maskinporten_server: Server::start(maskinporten.routes(), &maskinporten_faults).unwrap(),
            registry,
            registry_faults,
            maskinporten,
            maskinporten_faults,
        }
    }

    pub fn endpoint(&self) -> String {
        self.registry_server.url("/adressetjeneste")
    }

    pub fn tokens(&self, clock: Clock) -> Maskinporten {
        self.tokens_with(Key::of_certificate(&keys().own.identity()).unwrap(), clock)
    }

    pub fn tokens_with(&self, key: Key, clock: Clock) -> Maskinporten {
        let client = Client {
            url: self.maskinporten_server.url(TOKEN).parse().unwrap(),
            audience: AUDIENCE.into(),
            id: CLIENT.into(),
            key: Ok(key),
            exchange: Some(self.maskinporten_server.url(EXCHANGE).parse().unwrap()),
            instead: None,
        };
        Maskinporten::new(client, http(), clock, Arc::new(Numbers))
    }

    pub fn directory(&self, believes: Believes, enabled: &[Service]) -> Directory {
        self.directory_at(believes, enabled, Clock::machine())
    }

    pub fn directory_at(&self, believes: Believes, enabled: &[Service], clock: Clock) -> Directory {
        let endpoint = self.endpoint();
        let authorities = |organisation: Option<&str>| {
            let pem = keys().authority.pem();
            Trust::authorities(pem.as_bytes(), organisation.map(str::to_owned)).unwrap()
        };
        let place = Place {
            endpoint: endpoint.parse().unwrap(),
            trust: match believes {
                Believes::Keys => Trust::keys_at(format!("{endpoint}/jwk").parse().unwrap()),
                Believes::Authority => authorities(None),
                Believes::Digdir => authorities(Some("991825827")),
            },
            enabled: enabled.iter().copied().collect(),
            beta: false,
            print_lookup: true,
            own: Some(Own {
                organisation: OWN.into(),
                certificate: keys().own.identity().certificate().unwrap(),
                must_be_registered: enabled.contains(&Service::Dpo),
            }),
        };
        let tokens: Arc<dyn Tokens> = Arc::new(self.tokens(clock.clone()));
        Directory::new(place, http(), tokens, clock)
    }
}

pub fn http() -> Http {
    let network = Network::straight("integrasjonspunkt/test", Duration::from_secs(5));
    Http::new(&network, Duration::from_secs(5), Duration::from_secs(2)).unwrap()
}

pub fn envelope() -> Envelope {
    integrasjonspunkt::sbd::read_foreign(SBD.as_bytes()).unwrap()
}

/// Names that are never the same, whoever of this process draws them.
pub struct Numbers;

impl Random for Numbers {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(bytes)
    }
}

//! The services over which a message can go.

/// `serviceIdentifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// eFormidling's own, over Altinn's broker.
    Dpo,
    /// Altinn's inbox.
    Dpv,
    /// Digital post to citizens, and print.
    Dpi,
    /// KS `SvarUt` and `SvarInn`.
    Dpf,
    /// eInnsyn.
    Dpe,
    /// Health, over NHN.
    Dph,
    /// A word that this version does not know.
    Unknown,
}

impl Service {
    /// All that a message can go over.
    pub const ALL: [Self; 6] = [Self::Dpo, Self::Dpv, Self::Dpi, Self::Dpf, Self::Dpe, Self::Dph];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dpo => "DPO",
            Self::Dpv => "DPV",
            Self::Dpi => "DPI",
            Self::Dpf => "DPF",
            Self::Dpe => "DPE",
            Self::Dph => "DPH",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The service of this name; none for a strange word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Unknown]).find(|service| service.name() == name)
    }

    /// How many bytes all files of a message may have, where the settings do not say otherwise.
    pub fn upload_limit_bytes(self) -> u64 {
        const MIB: u64 = 1 << 20;
        match self {
            Self::Dpo | Self::Dpf => 1024 * MIB,
            Self::Dpv => 250 * MIB,
            Self::Dpi => 50 * MIB,
            Self::Dpe => 2 * MIB,
            Self::Dph => 18 * MIB,
            Self::Unknown => 0,
        }
    }
}

impl Service {
    /// What a client of Maskinporten must have to look up receivers of this service.
    pub fn registry_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Dpo => &["eformidling:dpo"],
            Self::Dpv => &["eformidling:dpv"],
            Self::Dpi => &[
                "eformidling:dpi",
                "digitalpostinnbygger:send",
                "global/kontaktinformasjon.read",
                "global/sikkerdigitalpost.read",
                "global/varslingsstatus.read",
                "global/sertifikat.read",
                "global/navn.read",
                "global/postadresse.read",
            ],
            Self::Dpf => &["eformidling:dpf"],
            Self::Dpe => &["eformidling:dpe"],
            Self::Dph => &["eformidling:dph"],
            Self::Unknown => &[],
        }
    }

    /// What it must have besides, to send over it.
    pub fn channel_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Dpo => &["altinn:broker.read", "altinn:broker.write"],
            Self::Dpv | Self::Dpi | Self::Dpf | Self::Dpe | Self::Dph | Self::Unknown => &[],
        }
    }
}

/// A set of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(std::collections::BTreeSet<Service>);

impl Services {
    /// Whether it is one of them.
    pub fn has(&self, service: Service) -> bool {
        self.0.contains(&service)
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = Service> {
        self.0.iter().copied()
    }
}

impl FromIterator<Service> for Services {
    fn from_iter<I: IntoIterator<Item = Service>>(services: I) -> Self {
        Self(services.into_iter().collect())
    }
}

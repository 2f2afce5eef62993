//! What a site needs before it may send over DPO, how far it has come, and keys to come further with.

use super::Answer;
use crate::domain::Service;
use efm::secret::Secret;

/// Looks at a site from outside. Nothing here changes anything but by giving a new key.
pub trait Onboarding: Send + Sync {
    /// How far each step has come, in their order. Asks Maskinporten and Altinn.
    fn steps(&self) -> Answer<'_, Vec<Step>, std::convert::Infallible>;
    /// The token with which this service is reached; in words why there is none.
    fn token(&self, service: Service) -> Answer<'_, Secret, String>;
    /// The system users that are set for this organisation.
    fn system_users(&self, organisation: &str) -> Vec<String>;
    /// What the system is called at Altinn.
    fn system(&self) -> String;
    /// A new key, of so many bits.
    fn new_key(&self, bits: KeySize) -> Answer<'_, NewKey, String>;
}

/// A step on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepName {
    /// Maskinporten gives what is needed.
    Scopes,
    /// The system is registered at Altinn.
    System,
    /// Its system user is approved.
    SystemUser,
    /// The settings name it.
    Configure,
    /// Those whom we act for have theirs.
    OnBehalf,
    /// A message came through.
    TestFlow,
}

impl StepName {
    /// All, in their order.
    pub const ALL: [Self; 6] =
        [Self::Scopes, Self::System, Self::SystemUser, Self::Configure, Self::OnBehalf, Self::TestFlow];

    /// As paths have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scopes => "scopes",
            Self::System => "system",
            Self::SystemUser => "systemuser",
            Self::Configure => "konfigurer",
            Self::OnBehalf => "paavegneav",
            Self::TestFlow => "testflow",
        }
    }
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// It is done.
    pub is_complete: bool,
    /// What was found, for people, in bokmål.
    pub found: String,
}

/// How long a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySize {
    /// Too short for Maskinporten; today's page offers it.
    Bits1024,
    /// What most have.
    Bits2048,
    /// Long.
    Bits4096,
}

impl KeySize {
    /// In bits.
    pub fn bits(self) -> usize {
        match self {
            Self::Bits1024 => 1024,
            Self::Bits2048 => 2048,
            Self::Bits4096 => 4096,
        }
    }

    /// Of this number of bits.
    pub fn named(text: &str) -> Option<Self> {
        [Self::Bits1024, Self::Bits2048, Self::Bits4096].into_iter().find(|size| size.bits().to_string() == text)
    }
}

/// A new key, as two JWKs.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name: the thumbprint of RFC 7638.
    pub kid: String,
    /// For Maskinporten.
    pub public: String,
    /// For nobody.
    pub private: Secret,
}

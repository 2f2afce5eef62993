//! How far this site has come on its way to DPO, as its settings, Maskinporten and Altinn say.

use super::lookups::{Parts, tokens_untold};
use crate::config::SystemUser;
use crate::domain::Service;
use crate::ports::{self, Answer, KeySize, NewKey, Onboarding, Step, StepName, TokenAsk, TokenError, Tokens};
use crate::tokens::new_jwk;
use efm::chain::Chain;
use efm::secret::Secret;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const REGISTER: [&str; 3] = [
    "altinn:authentication/systemregister.write",
    "altinn:authentication/systemuser.request.write",
    "altinn:authentication/systemuser.request.read",
];
const BROKER: [&str; 2] = ["altinn:broker.read", "altinn:broker.write"];
const LOOKUPS: [&str; 1] = ["eformidling:dpo"];

/// Who looks at the page waits no longer than this, whatever is out there.
const LONGEST: Duration = Duration::from_secs(5);

struct Here {
    organisation: String,
    /// Of look-ups, and of the broker; why not.
    lookups: Result<Arc<dyn Tokens>, String>,
    broker: Result<Arc<dyn Tokens>, String>,
    /// Our own, then those of whom we act for; none: DPO is not enabled.
    users: Vec<SystemUser>,
    /// A key takes a whole processor: one at a time.
    making: Arc<Semaphore>,
}

/// Asks nobody yet.
pub(super) fn of(parts: Parts<'_>) -> Arc<dyn Onboarding> {
    let settings = parts.settings;
    let told = |error: efm::outside::CannotSetUp| Chain(&error).to_string();
    let exchange = settings.dpo.as_ref().map(|dpo| dpo.exchange.clone());
    Arc::new(Here {
        organisation: settings.organisation.clone(),
        lookups: tokens_untold(parts, &settings.lookups.oidc, None).map_err(told),
        broker: tokens_untold(parts, &settings.lookups.dpo, exchange).map_err(told),
        users: settings.dpo.as_ref().map(|dpo| dpo.users.clone()).unwrap_or_default(),
        making: Arc::new(Semaphore::new(1)),
    })
}

impl Here {
    fn own(&self) -> Option<ports::SystemUser> {
        self.users.first().map(|user| ports::SystemUser { org_id: user.org_id.clone(), name: user.name.clone() })
    }

    async fn scopes(&self) -> (bool, String) {
        let groups = [(&self.broker, &REGISTER[..]), (&self.broker, &BROKER[..]), (&self.lookups, &LOOKUPS[..])];
        // Side by side: one that hangs is no reason to know nothing of the others.
        let asked = groups.map(|(tokens, scopes)| async move {
            let ask = TokenAsk::scopes(scopes.iter().copied());
            let given = match tokens {
                Ok(tokens) => in_time(tokens.maskinporten(&ask)).await,
                Err(why) => Err(TokenError::Setup(why.clone()).to_string()),
            };
            given.err().map(|why| format!("{}: {why}", scopes.join(", ")))
        });
        let missing: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        let is_complete = missing.is_empty();
        (is_complete, if is_complete { "Maskinporten gir alle tokenene.".into() } else { missing.join("\n") })
    }

    /// Whether Altinn gives a token to our system user.
    async fn system_user(&self) -> Result<Secret, String> {
        let user = self.own().ok_or("DPO er ikke skrudd på (difi.move.feature.enableDPO).")?;
        let tokens = self.broker.as_ref().map_err(Clone::clone)?;
        let ask = TokenAsk { system_user: Some(user), ..TokenAsk::scopes(BROKER) };
        in_time(tokens.altinn(&ask)).await
    }

    fn configured(&self) -> (bool, String) {
        let Some(own) = self.users.first() else {
            return (false, "Sett difi.move.feature.enableDPO=true og difi.move.dpo.systemUser.name.".into());
        };
        (true, format!("Systembrukeren er {} for {}.", own.name, own.org_id))
    }
}

/// The token, or in words why there is none within [`LONGEST`].
async fn in_time(asked: impl Future<Output = Result<Secret, TokenError>>) -> Result<Secret, String> {
    match tokio::time::timeout(LONGEST, asked).await {
        Ok(given) => given.map_err(|error| error.to_string()),
        Err(_) => Err(format!("Ikke noe svar innen {} sekunder.", LONGEST.as_secs())),
    }
}

impl Onboarding for Here {
    fn steps(&self) -> Answer<'_, Vec<Step>, std::convert::Infallible> {
        Box::pin(async move {
            let (scopes, user) = tokio::join!(self.scopes(), self.system_user());
            let by_hand =
                "Denne versjonen spør ikke Altinns systemregister; systemet og systembrukeren opprettes i Altinn.";
            let others = self.users.len().saturating_sub(1);
            let found = |name| match name {
                StepName::Scopes => scopes.clone(),
                StepName::System | StepName::SystemUser => match &user {
                    Ok(_) => (true, "Altinn gir systembrukeren et token.".into()),
                    Err(why) => (false, format!("{why}\n{by_hand}")),
                },
                StepName::Configure => self.configured(),
                StepName::OnBehalf => (others > 0, format!("{others} andre i difi.move.dpo.reportees.")),
                StepName::TestFlow => {
                    (false, "Send en melding og følg den under Meldinger: den er framme når den er LEVERT.".into())
                }
            };
            let step = |name| {
                let (is_complete, found) = found(name);
                Step { name, is_complete, found }
            };
            Ok(StepName::ALL.map(step).to_vec())
        })
    }

    fn token(&self, service: Service) -> Answer<'_, Secret, String> {
        Box::pin(async move {
            let is_broker = service == Service::Dpo;
            let tokens = if is_broker { &self.broker } else { &self.lookups };
            let scopes = if is_broker { &BROKER[..] } else { service.registry_scopes() };
            let tokens = tokens.as_ref().map_err(Clone::clone)?;
            tokens.maskinporten(&TokenAsk::scopes(scopes.iter().copied())).await.map_err(|error| error.to_string())
        })
    }

    fn system_users(&self, organisation: &str) -> Vec<String> {
        let of = |user: &&SystemUser| user.org_id.rsplit(':').next() == Some(organisation);
        self.users.iter().filter(of).map(|user| user.name.clone()).collect()
    }

    fn system(&self) -> String {
        format!("{}_integrasjonspunkt", self.organisation)
    }

    fn new_key(&self, size: KeySize) -> Answer<'_, NewKey, String> {
        let making = Arc::clone(&self.making);
        Box::pin(async move {
            let turn = making.acquire_owned().await.map_err(|error| error.to_string())?;
            let made = tokio::task::spawn_blocking(move || {
                let made = new_jwk::generate(size);
                drop(turn);
                made
            });
            made.await.map_err(|error| error.to_string())?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who never answers.
    struct Silent;

    impl Tokens for Silent {
        fn maskinporten<'a>(&'a self, _: &'a TokenAsk) -> Answer<'a, Secret, TokenError> {
            Box::pin(std::future::pending())
        }
        fn altinn<'a>(&'a self, _: &'a TokenAsk) -> Answer<'a, Secret, TokenError> {
            Box::pin(std::future::pending())
        }
        fn refused(&self, _: &TokenAsk, _: &Secret) {}
        fn client_id(&self) -> &'static str {
            "silent"
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_looks_waits_for_all_of_them_together_and_not_for_ever() {
        let here = Here {
            organisation: "910077473".into(),
            lookups: Ok(Arc::new(Silent)),
            broker: Ok(Arc::new(Silent)),
            users: vec![SystemUser { org_id: "0192:910077473".into(), name: "n".into() }],
            making: Arc::new(Semaphore::new(1)),
        };
        let begun = tokio::time::Instant::now();
        let Ok(steps) = here.steps().await;
        assert_eq!(begun.elapsed().as_secs(), LONGEST.as_secs());
        assert_eq!(steps[0].found.matches("Ikke noe svar innen 5 sekunder.").count(), 3, "{}", steps[0].found);
        assert!(steps[2].found.starts_with("Ikke noe svar"), "{}", steps[2].found);
    }
}

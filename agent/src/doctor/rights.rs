//! Which rights the site has outside: each scope that an enabled service needs is asked for at Maskinporten; then whether
//! the organisation's certificate is the one that is registered, and whether Altinn knows the system user. One leads to the next:
//! without tokens nobody else can be asked.

use super::Finding;
use crate::app;
use crate::config::Settings;
use crate::keystore::{self, Certificate};
use crate::ports::{CannotUse, LookupError, TokenError};
use crate::tokens::Checked;
use efm::clock::Clock;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeSet;

const SCOPES: &str = "scopes";
const REGISTERED: &str = "registered";
const SYSTEM_USER: &str = "system user";

/// Lines for all of it. Nothing is asked where nothing needs it.
pub(super) async fn granted(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let checked = match app::check_scopes(settings, clock).await {
        Ok(checked) => checked,
        Err(why) => return vec![Finding::wrong(SCOPES, why, "correct difi.move.oidc.*")],
    };
    let mut findings = of_scopes(&checked);
    let needs_registry = settings.loopback.as_ref().is_none_or(|loopback| loopback.asks_registry);
    let (registered, channels) = tokio::join!(
        async { if needs_registry && !checked.is_empty() { registered(settings, clock).await } else { None } },
        app::check_channels(settings, clock),
    );
    let is_refused = checked.iter().any(|one| one.wrong.is_some());
    let because = "not known: without its scopes it cannot be asked";
    let put_right = "put right what is said of the scopes, and ask again";
    findings.extend(registered.map(|one| match one {
        Err(_) if is_refused => Finding::odd(REGISTERED, because, put_right),
        Ok(finding) | Err(finding) => finding,
    }));
    findings.extend(channels.into_iter().map(|(_, used)| match used {
        Err(_) if is_refused => Finding::odd(SYSTEM_USER, because, put_right),
        used => of_system_user(settings, used),
    }));
    findings
}

fn of_scopes(checked: &[Checked]) -> Vec<Finding> {
    let given: Vec<_> = checked.iter().filter(|one| one.wrong.is_none()).map(|one| one.needed.scope).collect();
    let mut findings = Vec::new();
    if !given.is_empty() {
        findings.push(Finding::ok(SCOPES, format!("Maskinporten gives {}", given.join(", "))));
    }
    // Many scopes, one reason: it is said once.
    let mut said = BTreeSet::new();
    for Checked { needed, wrong } in checked {
        let Some(wrong) = wrong else { continue };
        let (reason, finding) = match wrong {
            TokenError::Refused { text, advice, code } => {
                let is_of_scope = matches!(code.as_deref(), Some("invalid_scope" | "insufficient_scope"));
                if is_of_scope {
                    let seen = format!("{} at {} lacks {}: {text}", needed.service.name(), needed.at, needed.scope);
                    (needed.scope.to_owned(), Finding::wrong(SCOPES, seen, advice))
                } else {
                    (format!("{code:?} {advice}"), Finding::wrong(SCOPES, text, advice))
                }
            }
            TokenError::Off => {
                let to_do = "set difi.move.oidc.enable=true; without tokens nobody can be looked up";
                (String::new(), Finding::wrong(SCOPES, wrong.to_string(), to_do))
            }
            TokenError::Setup(_) => {
                let to_do = "mend what stands there; without tokens nobody can be looked up";
                (String::new(), Finding::wrong(SCOPES, wrong.to_string(), to_do))
            }
            TokenError::Unavailable(_) => {
                let to_do = "let this machine reach Maskinporten, or wait where it answers with an error of its own";
                (String::new(), Finding::wrong(SCOPES, wrong.to_string(), to_do))
            }
        };
        if said.insert(reason) {
            findings.push(finding);
        }
    }
    findings
}

/// Whether the certificate of the keystore is the one that others seal to; none where there is none to compare.
async fn registered(settings: &Settings, clock: &Clock) -> Option<Result<Finding, Finding>> {
    let location = settings.keystores.own.clone()?;
    let now = clock.now();
    let own = super::aside(move || keystore::open(&location, now)).await?.ok()?;
    let own = own.own.chain.first()?.clone();
    let organisation = &settings.organisation;
    let pem = match app::registered(settings, clock).await {
        Ok(pem) => pem,
        Err(LookupError::NotFound(_)) => {
            let seen = format!("the service registry has no certificate of {organisation}");
            let to_do = "order a business certificate that is published (Virksert), and wait until the registry has it";
            return Some(Err(Finding::wrong(REGISTERED, seen, to_do)));
        }
        Err(LookupError::Refused(why)) => {
            return Some(Err(Finding::wrong(
                REGISTERED,
                why,
                "ask Digdir (servicedesk@digdir.no) what the registry lacks",
            )));
        }
        Err(LookupError::Unavailable(why)) => {
            return Some(Err(Finding::odd(REGISTERED, why, "see what is said of the registry, and ask again")));
        }
    };
    let Ok(theirs) = CertificateDer::from_pem_slice(pem.as_bytes()) else {
        let seen = format!("the service registry's certificate of {organisation} cannot be read");
        return Some(Err(Finding::wrong(REGISTERED, seen, "ask Digdir (servicedesk@digdir.no) to publish it anew")));
    };
    if theirs == own {
        let seen = format!("the service registry has the certificate of the keystore for {organisation}");
        return Some(Ok(Finding::ok(REGISTERED, seen)));
    }
    let number = |der: &CertificateDer<'_>| {
        Certificate::read(der)
            .map_or_else(|_| "?".to_owned(), |it| format!("{} until {}", it.serial, it.not_after.strftime("%F")))
    };
    let seen = format!(
        "the service registry has another certificate for {organisation}: number {}; that of the keystore is {}",
        number(&theirs),
        number(&own)
    );
    let to_do = "name the keystore of the registered one, or wait until the new one is published; the old key must stay \
                 in the keystore meanwhile";
    Some(Ok(Finding::wrong(REGISTERED, seen, to_do)))
}

fn of_system_user(settings: &Settings, used: Result<(), CannotUse>) -> Finding {
    let users =
        settings.dpo.iter().flat_map(|dpo| &dpo.users).map(|user| format!("'{}' of {}", user.name, user.org_id));
    let users = users.collect::<Vec<_>>().join(", ");
    match used {
        Ok(()) => Finding::ok(SYSTEM_USER, format!("Altinn's broker takes {users}")),
        Err(CannotUse::Refused(why)) => {
            let to_do = "approve the system user in Altinn, or correct difi.move.dpo.systemUser.* and .reportees[n].*; \
                         until then nothing is sent or fetched";
            Finding::wrong(SYSTEM_USER, why, to_do)
        }
        Err(CannotUse::Unavailable(why)) => {
            Finding::odd(SYSTEM_USER, why, "see what is said of altinn and broker, and ask again")
        }
    }
}

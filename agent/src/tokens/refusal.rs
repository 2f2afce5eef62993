//! From what Maskinporten or Altinn says to words that tell a person what is missing and who can give it. Pure.

use crate::ports::{TokenAsk, TokenError};
use efm::masking::mask;
use serde::Deserialize;

/// What a server says of itself is long sometimes.
const LONGEST_WORDS: usize = 300;

/// `{"error":…,"error_description":…}`
#[derive(Default, Deserialize)]
struct Said {
    error: Option<String>,
    error_description: Option<String>,
}

/// Maskinporten refused.
pub(super) fn by_maskinporten(status: u16, body: &[u8], client: &str, at: &str, ask: &TokenAsk) -> TokenError {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    let code = said.error.filter(|code| !code.is_empty());
    let words = said.error_description.map(|words| clip(&words)).unwrap_or_default();
    let scopes = named(&words, ask);
    let (what, many) = (scopes.join(" "), if scopes.len() == 1 { "scope" } else { "scopes" });
    let reason = match (&code, words.is_empty()) {
        (Some(code), false) => format!("{code} ({words})"),
        (Some(code), true) => code.clone(),
        (None, _) => format!("it answered {status}"),
    };
    let advice = advice(code.as_deref(), &words, ask, &scopes);
    let on_behalf = on_behalf(ask);
    let text = format!("Maskinporten ({at}) refuses {many} {what} for client {client}{on_behalf}: {reason}");
    TokenError::Refused { text, advice, code }
}

/// Altinn refused to exchange.
pub(super) fn by_altinn(status: u16, body: &[u8], client: &str, at: &str, ask: &TokenAsk) -> TokenError {
    let words = clip(&String::from_utf8_lossy(body));
    let said = if words.is_empty() { String::new() } else { format!(" ({words})") };
    let (scopes, on_behalf) = (ask.scopes.join(" "), on_behalf(ask));
    let text = format!(
        "Altinn ({at}) does not exchange the token of client {client} with the scopes {scopes}{on_behalf}: it answered \
         {status}{said}"
    );
    let advice = "check that this Altinn and Maskinporten are of the same world, test or production".to_owned();
    TokenError::Refused { text, advice, code: None }
}

fn on_behalf(ask: &TokenAsk) -> String {
    let organisation = ask.consumer_org.as_ref().map(|number| format!(" on behalf of {number}"));
    let user = ask.system_user.as_ref().map(|user| format!(" as the system user {} of {}", user.name, user.org_id));
    organisation.into_iter().chain(user).collect()
}

/// The scopes that the words name; all where they name none.
fn named<'a>(words: &str, ask: &'a TokenAsk) -> Vec<&'a str> {
    let is_named = |scope: &&String| {
        words
            .split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, ':' | '/' | '.' | '_' | '-')))
            .any(|word| word.trim_end_matches('.') == scope.as_str())
    };
    let named: Vec<&str> = ask.scopes.iter().filter(is_named).map(String::as_str).collect();
    if named.is_empty() { ask.scopes.iter().map(String::as_str).collect() } else { named }
}

fn advice(code: Option<&str>, words: &str, ask: &TokenAsk, scopes: &[&str]) -> String {
    let says = |all: &[&str]| all.iter().any(|one| words.to_lowercase().contains(one));
    match code {
        Some("invalid_scope" | "insufficient_scope") => {
            let owner = owner(scopes);
            return format!(
                "ask {owner} to give it to your organisation, and then add it to the client in Samarbeidsportalen"
            );
        }
        Some("invalid_client") if says(&["key", "certificate"]) => {
            "add this certificate or key to the client in Samarbeidsportalen, where it may have expired, or name the \
             keystore that has the client's own"
        }
        Some("invalid_client") => {
            "check that difi.move.oidc.clientId is a client of yours in Samarbeidsportalen, in the world (test or \
             production) of difi.move.oidc.url, and that it is switched on"
        }
        Some("unauthorized_client" | "unsupported_grant_type") => {
            "check in Samarbeidsportalen that the client is one for Maskinporten, and switched on"
        }
        Some("invalid_grant") if says(&["consumer", "delegat"]) => {
            "check that the organisation has delegated these scopes to you in Altinn"
        }
        Some("invalid_grant") if says(&["exp", "iat", "nbf", "future"]) => {
            "set the clock of this machine, and have it kept by NTP"
        }
        Some("invalid_grant") if says(&["aud"]) => {
            "check difi.move.oidc.audience: it is the address of that Maskinporten itself"
        }
        Some("invalid_grant") => {
            "check the clock of this machine, difi.move.oidc.audience, and that the client knows this certificate or key"
        }
        _ if ask.system_user.is_some() => {
            "check that the system user was approved in Altinn and has the access package of this system"
        }
        _ if ask.consumer_org.is_some() => "check that the organisation has delegated these scopes to you in Altinn",
        None => "check that difi.move.oidc.url leads to Maskinporten, and the client in Samarbeidsportalen",
        Some(_) => "check the client in Samarbeidsportalen",
    }
    .to_owned()
}

fn owner(scopes: &[&str]) -> &'static str {
    let all_of = |prefix: &str| scopes.iter().all(|scope| scope.starts_with(prefix));
    if all_of("altinn:") {
        "Digdir (Altinn)"
    } else if all_of("ks:") {
        "KS"
    } else {
        "Digdir (servicedesk@digdir.no)"
    }
}

fn clip(words: &str) -> String {
    let words: String = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    mask(words.trim()).chars().take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SystemUser;

    const AT: &str = "https://test.maskinporten.no/token";
    const CLIENT: &str = "MOVE_IP_910077473";

    #[test]
    fn what_is_missing_and_who_can_give_it_is_told() {
        let two = TokenAsk::scopes(["eformidling:dpo", "eformidling:dpe"]);
        let broker = TokenAsk {
            system_user: Some(SystemUser { org_id: "0192:910077473".into(), name: "user".into() }),
            ..TokenAsk::scopes(["altinn:broker.read"])
        };
        let delegated = TokenAsk { consumer_org: Some("991825827".into()), ..TokenAsk::scopes(["ks:fiks"]) };
        let all = [
            by_maskinporten(
                400,
                br#"{"error":"invalid_scope","error_description":"Client does not have scope eformidling:dpe."}"#,
                CLIENT,
                AT,
                &two,
            ),
            by_maskinporten(400, br#"{"error":"invalid_scope"}"#, CLIENT, AT, &two),
            by_maskinporten(401, br#"{"error":"invalid_client","error_description":"unknown"}"#, CLIENT, AT, &two),
            by_maskinporten(
                401,
                br#"{"error":"invalid_client","error_description":"Unknown key for the client"}"#,
                CLIENT,
                AT,
                &two,
            ),
            by_maskinporten(400, br#"{"error":"invalid_grant","error_description":"aud must be x"}"#, CLIENT, AT, &two),
            by_maskinporten(400, br#"{"error":"invalid_grant"}"#, CLIENT, AT, &two),
            by_maskinporten(400, br#"{"error":"unauthorized_client"}"#, CLIENT, AT, &two),
            by_maskinporten(404, b"<html>", CLIENT, AT, &two),
            by_maskinporten(
                400,
                br#"{"error":"invalid_grant","error_description":"exp is in the past"}"#,
                CLIENT,
                AT,
                &two,
            ),
            by_maskinporten(400, br#"{"error":"invalid_request"}"#, CLIENT, AT, &broker),
            by_maskinporten(403, b"<html>", CLIENT, AT, &delegated),
            by_altinn(401, b"issuer unknown", CLIENT, "https://platform.tt02.altinn.no/exchange", &broker),
        ];
        insta::assert_snapshot!(all.map(|it| it.to_string()).join("\n"));
    }
}

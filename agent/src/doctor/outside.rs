//! The outside world: whether each endpoint that is needed answers, and what time it is there.

use super::Finding;
use crate::config::Settings;
use efm::chain::Chain;
use efm::clock::Clock;
use efm::outside::{Cause, Names, Routes, headers, may_be_asked, shown};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use url::Url;

/// For one endpoint.
const TO_ANSWER: Duration = Duration::from_secs(12);
/// Tokens are refused at clocks that differ by more; the Java one says the same at the same.
const ODD_SECONDS: i64 = 5;
const WRONG_SECONDS: i64 = 9;

/// What is asked for: its name, its setting, and where it is. Whoever brings a new endpoint adds a line.
fn needed(settings: &Settings) -> Vec<(&'static str, &'static str, String)> {
    let oidc = &settings.lookups.oidc;
    let needs_registry = settings.loopback.as_ref().is_none_or(|loopback| loopback.asks_registry);
    let needs_tokens = needs_registry && oidc.enabled && oidc.mock_token.is_none();
    let registry = ("registry", "difi.move.serviceregistryEndpoint", settings.registry.to_string());
    let tokens = ("maskinporten", "difi.move.oidc.url", oidc.url.to_string());
    let dpo = settings.dpo.as_ref().map(|dpo| {
        let broker = ("broker", "difi.move.dpo.brokerserviceUrl", dpo.broker.to_string());
        let exchange = ("altinn", "difi.move.dpo.altinnTokenExchangeUrl", dpo.exchange.to_string());
        [broker, exchange]
    });
    let needed = needs_registry.then_some(registry).into_iter().chain(needs_tokens.then_some(tokens));
    needed.chain(dpo.into_iter().flatten()).collect()
}

struct Asked {
    finding: Finding,
    /// By how many seconds their clock is ahead of ours.
    ahead: Option<i64>,
}

pub(super) async fn endpoints(settings: &Settings, clock: &Clock, left_out: &BTreeSet<String>) -> Vec<Finding> {
    let (unknown, needed): (Vec<_>, Vec<_>) =
        needed(settings).into_iter().partition(|(_, setting, _)| left_out.contains(*setting));
    let routes = match Routes::new(&settings.network) {
        Ok(routes) => routes,
        Err(error) => return vec![Finding::wrong("network", Chain(&error).to_string(), "correct that setting")],
    };
    let asked = needed.iter().map(|(name, setting, url)| ask(&routes, name, setting, url, clock));
    let asked = join_all(asked).await;
    let mut ahead: Vec<i64> = asked.iter().filter_map(|one| one.ahead).collect();
    let mut findings: Vec<Finding> = asked.into_iter().map(|one| one.finding).collect();
    for (name, setting, _) in unknown {
        let seen = format!("not looked at: {setting} is wrong, see above");
        findings.push(Finding::odd(name, seen, "correct that setting, and ask again"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("outside", "nobody is needed: messages go into a folder"));
    } else {
        findings.push(of_clock(&mut ahead));
    }
    findings
}

async fn ask(routes: &Routes, name: &str, setting: &str, url: &str, clock: &Clock) -> Asked {
    let failed = |finding| Asked { finding, ahead: None };
    let Ok(url) = Url::parse(url) else {
        return failed(Finding::wrong(name, "its address is no URL", format!("correct {setting}")));
    };
    if !may_be_asked(&url) {
        let seen = format!("{} would be asked in the clear", shown(&url));
        return failed(Finding::wrong(name, seen, format!("write https:// in {setting}")));
    }
    let wrong = |why: String| {
        let to_do = "let this machine reach it: firewall, proxy (integrasjonspunkt.proxy), authorities (integrasjonspunkt.ca-file)";
        // Not `…/token: why`: what stands behind that is taken for a secret.
        failed(Finding::wrong(name, format!("{} gives nothing: {why}", shown(&url)), to_do))
    };
    let route = match routes.to(&url) {
        Ok(route) => route,
        Err(error) => return wrong(Chain(&error).to_string()),
    };
    let begun = clock.now();
    let answer = match tokio::time::timeout(TO_ANSWER, route.client.get(url.clone()).send()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return wrong(why(routes.names(), &url, &error)),
        Err(_) => return wrong(Cause::NoAnswer(TO_ANSWER).to_string()),
    };
    let through = route.proxy.map(|proxy| format!(" through {proxy}")).unwrap_or_default();
    let status = answer.status();
    let finding = if status.is_server_error() {
        let seen = format!("{}{through} answers {status}", shown(&url));
        Finding::odd(name, seen, "wait; if it lasts, ask who runs it")
    } else {
        // Which answer it is says nothing: nobody asks for its root.
        Finding::ok(name, format!("{}{through} answers", shown(&url)))
    };
    let date = headers::text(answer.headers(), "date").and_then(headers::date);
    Asked { finding, ahead: date.map(|there| ahead(there, begun, clock.now())) }
}

fn why(names: Names, url: &Url, error: &reqwest::Error) -> String {
    let host = url.host_str().unwrap_or_default();
    Cause::of(format!("connect to {host}"), error, names).to_string()
}

/// Somewhere between the two they said what time it is, to the second.
fn ahead(there: Timestamp, before: Timestamp, after: Timestamp) -> i64 {
    let (there, before, after) = (there.as_second(), before.as_second(), after.as_second());
    if there < before { there - before } else { (there - after).max(0) }
}

fn of_clock(ahead: &mut [i64]) -> Finding {
    const ABOUT: &str = "clock";
    const TO_DO: &str = "set the clock of this machine, and have it kept by NTP";
    ahead.sort_unstable();
    // Of several the middle one: one of them may be wrong.
    let Some(middle) = ahead.get(ahead.len() / 2).copied() else {
        return Finding::odd(ABOUT, "nobody answered whose clock ours could be held against", "look for yourself");
    };
    let seen = match middle {
        0 => return Finding::ok(ABOUT, "as the endpoints'"),
        1.. => format!("{middle} s behind that of the endpoints"),
        _ => format!("{} s ahead of that of the endpoints", -middle),
    };
    match middle.abs() {
        0..=ODD_SECONDS => Finding::ok(ABOUT, seen),
        ..=WRONG_SECONDS => Finding::odd(ABOUT, seen, TO_DO),
        _ => Finding::wrong(ABOUT, seen, TO_DO),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn clocks_are_compared_as_finely_as_http_tells_them() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(ahead(at(100), at(100), at(103)), 0);
        assert_eq!(ahead(at(98), at(100), at(103)), -2);
        assert_eq!(ahead(at(110), at(100), at(103)), 7);
        let verdict = |mut ahead: Vec<i64>| of_clock(&mut ahead).verdict;
        assert_eq!(verdict(vec![]), Verdict::Odd);
        assert_eq!(verdict(vec![-5]), Verdict::Ok);
        assert_eq!(verdict(vec![7]), Verdict::Odd);
        assert_eq!(verdict(vec![-400]), Verdict::Wrong);
        assert_eq!(verdict(vec![9000, 1, 0]), Verdict::Ok, "one of three is wrong");
    }
}

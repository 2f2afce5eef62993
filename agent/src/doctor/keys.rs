//! The two keystores: whether they open, and until when their certificates hold.

use super::{Finding, aside};
use crate::config::Settings;
use crate::keystore::{self, Certificate, Location, Opened};
use efm::chain::Chain;
use efm::clock::Clock;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A certificate that ends sooner is told.
const SOON_DAYS: i64 = 45;
const CORRECT: &str = "correct the keystore or its settings";

pub(super) async fn own(settings: &Settings, clock: &Clock, left_out: &BTreeSet<String>) -> Vec<Finding> {
    const ABOUT: &str = "keystore";
    let Some(location) = &settings.keystores.own else {
        let seen = "difi.move.org.keystore.path is not set: nothing can be signed or opened";
        let to_do = "name the organisation's keystore in difi.move.org.keystore.path, .alias and .password";
        let is_folder = settings.loopback.is_some();
        let finding = if is_folder { Finding::odd(ABOUT, seen, to_do) } else { Finding::wrong(ABOUT, seen, to_do) };
        return vec![finding];
    };
    match opened(location, clock.now()).await {
        Err(finding) => vec![named(ABOUT, finding)],
        Ok(opened) => {
            let mut findings = remarks(ABOUT, &opened);
            findings.extend(of_certificates(ABOUT, &opened, clock.now()));
            if !left_out.contains("difi.move.org.number") {
                findings.extend(whose(ABOUT, &opened, &settings.organisation));
            }
            findings
        }
    }
}

pub(super) async fn tls(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    const ABOUT: &str = "TLS";
    let Some(location) = &settings.keystores.tls else {
        let is_near = settings.address.is_loopback();
        let seen = "off: the API speaks plain HTTP";
        if is_near {
            return vec![Finding::ok(ABOUT, format!("{seen}, on this machine only"))];
        }
        let to_do = "close the port to other machines, or set server.address=127.0.0.1";
        return vec![Finding::odd(ABOUT, seen, to_do)];
    };
    let opened = match opened(location, clock.now()).await {
        Ok(opened) => opened,
        Err(finding) => return vec![named(ABOUT, finding)],
    };
    let mut findings = remarks(ABOUT, &opened);
    let provider = rustls::crypto::ring::default_provider();
    let key = opened.own.key.clone_key().into();
    if let Err(error) = rustls::sign::CertifiedKey::from_der(opened.own.chain.clone(), key, &provider) {
        let seen = format!("the key or the certificate is not one for TLS: {error}");
        findings.push(Finding::wrong(ABOUT, seen, CORRECT));
    }
    findings.extend(of_certificates(ABOUT, &opened, clock.now()));
    findings
}

/// A business certificate has its owner's number in its subject.
fn whose(about: &str, opened: &Opened, organisation: &str) -> Option<Finding> {
    let named = opened.own.certificate().ok()?.organisations();
    if named.iter().any(|number| number == organisation) {
        return None;
    }
    let alias = &opened.own.alias;
    let Some(first) = named.first() else {
        let seen = format!("the subject of '{alias}' names no organisation: it is no business certificate");
        return Some(Finding::odd(
            about,
            seen,
            "get a business certificate (virksomhetssertifikat) of your organisation",
        ));
    };
    let seen = format!("'{alias}' is the certificate of {first}, and difi.move.org.number is {organisation}");
    let to_do = "name the keystore and the alias of your own organisation, or correct difi.move.org.number";
    Some(Finding::wrong(about, seen, to_do))
}

async fn opened(location: &Location, now: Timestamp) -> Result<Opened, Finding> {
    let location = location.clone();
    let opened = aside(move || keystore::open(&location, now)).await;
    let wrong = |seen: String| Finding::wrong("", seen, CORRECT);
    opened.ok_or_else(|| wrong("it could not be read".into()))?.map_err(|error| wrong(Chain(&error).to_string()))
}

fn named(about: &str, finding: Finding) -> Finding {
    Finding { about: about.into(), ..finding }
}

/// What is odd, without what the dates say: they have a line of their own.
fn remarks(about: &str, opened: &Opened) -> Vec<Finding> {
    use keystore::Remark::{Expired, IsAnother, NoNames, NotYet, Unusable};
    let lines = opened.remarks.iter().filter_map(|remark| match remark {
        Expired(_) | NotYet(_) => None,
        IsAnother { .. } => Some(Finding::odd(about, remark.to_string(), "set the type that it is")),
        NoNames(_) => Some(Finding::odd(about, remark.to_string(), "leave the alias out")),
        Unusable(..) => Some(Finding::odd(about, remark.to_string(), "take it out of the keystore, or mend it")),
    });
    lines.collect()
}

fn of_certificates(about: &str, opened: &Opened, now: Timestamp) -> Vec<Finding> {
    let own = opened.own.certificate();
    let Ok(own) = own else { return vec![Finding::wrong(about, "its certificate cannot be read", CORRECT)] };
    let others = opened.keystore.entries.len().saturating_sub(1);
    let others = if others == 0 { String::new() } else { format!(", and {others} more to open with") };
    vec![of_dates(about, &opened.own.alias, &own, &others, now)]
}

fn of_dates(about: &str, alias: &str, own: &Certificate, others: &str, now: Timestamp) -> Finding {
    let day = |moment: Timestamp| moment.strftime("%F").to_string();
    let days = (own.not_after.as_second() - now.as_second()).div_euclid(86_400);
    let whose = format!("'{alias}' of {}, signed by {}, number {}", own.subject, own.issuer, own.serial);
    if own.not_before > now {
        let seen = format!("{whose}, does not hold before {}", day(own.not_before));
        return Finding::wrong(about, seen, "set the clock of this machine, or wait");
    }
    if days < 0 {
        let seen = format!("{whose}, expired on {}", day(own.not_after));
        return Finding::wrong(about, seen, "get a new certificate and name its keystore");
    }
    let seen = format!("{whose}, holds until {} ({days} days){others}", day(own.not_after));
    if days <= SOON_DAYS { Finding::odd(about, seen, "get a new certificate now") } else { Finding::ok(about, seen) }
}

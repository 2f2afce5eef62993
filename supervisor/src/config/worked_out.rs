//! Settings that KOSMOS and Spring say in another way than we do, or that the integration point's own settings tell.

use super::gather::{Gathering, Strength};
use super::keys::Unit;
use super::problem::{Place, wrong};
use super::value::{Kind, Scalar};
use efm::properties::Found;

/// What KOSMOS has when one of two factors is not set.
const RETRIES: u64 = 3;
const POLL_MILLISECONDS: u64 = 5_000;
/// KOSMOS only stopped waiting after this long; we terminate. Less would cut off work that takes Spring 30 seconds.
const LEAST_GRACE_MILLISECONDS: u64 = 30_000;

/// The four environments.
pub(super) const PROFILES: [&str; 4] = ["dev", "itest", "staging", "production"];

pub(super) fn work_out(all: &mut Gathering) {
    // What others may refer to comes first.
    profile(all);
    base_url(all);
    organisation(all);
    look(all);
    channel(all);
    downloads(all);
    stop_grace(all);
    mail_security(all);
}

fn scalar(found: &Found, text: impl Into<String>) -> Scalar {
    Scalar {
        text: text.into(),
        kind: Kind::Loose,
        unit: Unit::AsWritten,
        place: found.place.clone().into(),
        name: found.name.clone(),
    }
}

/// A truth, when it is set; what is neither true nor false is told.
fn truth(all: &mut Gathering, property: &str) -> Option<(bool, Found)> {
    let found = all.text(property)?;
    match scalar(&found, found.text.clone()).boolean() {
        Ok(truth) => Some((truth, found)),
        Err(wrong) => {
            all.problem(wrong.at(found.place.into(), found.name));
            None
        }
    }
}

fn number(all: &mut Gathering, property: &str, most: u64) -> Option<(u64, Found)> {
    let found = all.text(property)?;
    match scalar(&found, found.text.clone()).number(1, most) {
        Ok(number) => Some((number, found)),
        Err(wrong) => {
            all.problem(wrong.at(found.place.into(), found.name));
            None
        }
    }
}

fn organisation(all: &mut Gathering) {
    if let Some(found) = all.text("difi.move.org.number") {
        all.give(Strength::Fallback, "organisation", scalar(&found, found.text.clone()));
    }
}

fn look(all: &mut Gathering) {
    if let Some((false, found)) = truth(all, "kosmos.integrasjonspunkt.autoRefresh") {
        all.give(Strength::Properties, "schedule.look", scalar(&found, "never"));
    }
}

fn channel(all: &mut Gathering) {
    if let Some((early, found)) = truth(all, "kosmos.integrasjonspunkt.earlybird") {
        let channel = if early { "earlybird" } else { "latest" };
        all.give(Strength::Properties, "release.channel", scalar(&found, channel));
    }
}

/// `https://github.com`, `felleslosninger/` and `efm-integrasjonspunkt/` make one address.
fn downloads(all: &mut Gathering) {
    let parts = [
        ("kosmos.java-archive-repository-url", "https://github.com"),
        ("kosmos.groupId", "felleslosninger/"),
        ("kosmos.artifactId", "efm-integrasjonspunkt/"),
    ];
    let found = parts.map(|(property, default)| (all.text(property), default));
    let Some(first) = found.iter().find_map(|(found, _)| found.clone()) else { return };
    let texts = found.map(|(found, default)| found.map_or(default.to_owned(), |found| found.text));
    let address = texts.iter().map(|text| text.trim_matches('/')).collect::<Vec<_>>().join("/");
    all.give(Strength::Properties, "release.downloads", scalar(&first, format!("{address}/releases/download/")));
}

fn stop_grace(all: &mut Gathering) {
    let retries = number(all, "kosmos.shutdownRetries", 1_000_000);
    let poll = number(all, "kosmos.shutdownPollIntervalInMs", 86_400_000);
    let Some(first) = retries.as_ref().or(poll.as_ref()).map(|(_, found)| found.clone()) else { return };
    let product = retries.map_or(RETRIES, |(number, _)| number) * poll.map_or(POLL_MILLISECONDS, |(number, _)| number);
    if product < LEAST_GRACE_MILLISECONDS {
        let what = format!(
            "{product} milliseconds are too short, since what has not ended by then is terminated; 30s is taken"
        );
        let right = "`stop_grace` in [child] of kosmos.toml, where less is possible";
        all.problem(wrong(what, right).warn_at(first.place.clone().into(), &first.name));
    }
    let text = format!("{}ms", product.max(LEAST_GRACE_MILLISECONDS));
    all.give(Strength::Properties, "child.stop_grace", scalar(&first, text));
}

/// KOSMOS took its profile from Spring's, and so may the integration point.
fn profile(all: &mut Gathering) {
    let Some(found) = all.text("spring.profiles.active") else { return };
    let mut known = found.text.split(',').map(str::trim).filter(|name| PROFILES.contains(name));
    if let (Some(only), None) = (known.next(), known.next()) {
        all.sources.set_default("kosmos.integrasjonspunkt.profile", only);
        all.give(Strength::Fallback, "child.profile", scalar(&found, only));
    }
}

/// Where the integration point answers by its own settings. What is odd in them is its business, not ours.
fn base_url(all: &mut Gathering) {
    let port_of = |found: &Found| found.text.trim().parse::<u16>().ok().filter(|&port| port > 0);
    let management = all.text("management.server.port").filter(|found| port_of(found).is_some());
    let own = all.text("server.port").filter(|found| port_of(found).is_some());
    let path = all.text("server.servlet.context-path");
    let prefix = if management.is_some() { "management.server.ssl" } else { "server.ssl" };
    let store = all.text(&format!("{prefix}.key-store"));
    let switch = all.text(&format!("{prefix}.enabled"));
    let is_off = switch.as_ref().is_some_and(|found| found.text.trim().eq_ignore_ascii_case("false"));
    let secure = if is_off { None } else { store };
    let path = if management.is_some() { None } else { path };
    let port = management.or(own);
    let Some(first) = port.clone().or_else(|| secure.clone()).or_else(|| path.clone()) else { return };
    let scheme = if secure.is_some() { "https" } else { "http" };
    let number = port.as_ref().and_then(port_of).unwrap_or(9093);
    let path = path.map_or(String::new(), |found| found.text.trim_matches('/').to_owned());
    let address = format!("{scheme}://localhost:{number}/{path}");
    all.sources.set_default("kosmos.integrasjonspunkt.baseURL", address.trim_end_matches('/'));
    all.give(Strength::Fallback, "child.base_url", scalar(&first, address));
}

/// A server named in Spring's way is spoken to as Spring's keys say; silence means plainly, as KOSMOS does.
fn mail_security(all: &mut Gathering) {
    let Some(host) = all.text("spring.mail.host") else { return };
    let smtp = "spring.mail.properties.mail.smtp";
    let tls = truth(all, &format!("{smtp}.ssl.enable"));
    let tls = tls.filter(|(on, _)| *on).or_else(|| truth(all, "spring.mail.ssl.enabled").filter(|(on, _)| *on));
    let required = truth(all, &format!("{smtp}.starttls.required")).filter(|(on, _)| *on);
    let offered = truth(all, &format!("{smtp}.starttls.enable")).filter(|(on, _)| *on);
    let protocol = all.text("spring.mail.protocol").filter(|found| found.text.trim().eq_ignore_ascii_case("smtps"));
    let (word, found) = match (tls.map(|(_, found)| found).or(protocol), required, offered) {
        (Some(found), _, _) => ("tls", found),
        (None, Some((_, found)), _) => ("starttls", found),
        (None, None, Some((_, found))) => ("starttls-if-offered", found),
        (None, None, None) => ("plain", host.clone()),
    };
    // As strong as the host, wherever the words about it stand.
    let strength = if Place::from(host.place).is_environment() { Strength::Environment } else { Strength::Properties };
    all.give(strength, "mail.security", scalar(&found, word));
}

//! `[child]`

use super::{DAY, HOUR, MINUTE, SECOND, count, duration, is_word, size};
use crate::config::check;
use crate::config::problem::{Place, Wrong, mask, quoted, wrong};
use crate::config::reader::{Bases, Reader};
use crate::config::settings::{Child, Kind};
use crate::config::units;
use crate::config::value::{Scalar, word_of};
use crate::config::worked_out::PROFILES;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

const KINDS: [(&str, Kind); 2] = [("java", Kind::Java), ("native", Kind::Native)];
const LEAST: Duration = Duration::from_millis(100);

pub(super) fn read(reader: &mut Reader) -> Option<Child> {
    let bases = reader.bases();
    let kind = reader.need("child.kind", |scalar| scalar.choice(&KINDS), |kind| word_of(&KINDS, kind));
    let java = reader.one("child.java", |scalar| java(scalar, &bases), |path| path.display().to_string());
    let arguments = reader.many("child.arguments", argument, String::clone);
    let profile = profile(reader);
    let stop_grace = duration(reader, "child.stop_grace", LEAST, HOUR);
    let (start_patience, start_patience_bound) = patience(reader);
    let probation = duration(reader, "child.probation", Duration::ZERO, DAY);
    let (base_url, health_url, info_url, shutdown_url) = urls(reader);
    let connect_timeout = duration(reader, "child.connect_timeout", LEAST, MINUTE * 5);
    let read_timeout = duration(reader, "child.read_timeout", LEAST, MINUTE * 5);
    let include_log = reader.need("child.include_log", Scalar::boolean, bool::to_string);
    let environment_prefixes_removed = reader.many("child.environment_prefixes_removed", check::line, String::clone);
    let log_size_bytes = size(reader, "child.log_size", 1 << 10, 1 << 34);
    let log_files_kept = reader.need("child.log_files_kept", |scalar| count(scalar, 0, 1000), u32::to_string);
    let hang_patience = reader.need("child.hang_patience", hang_patience, |patience| {
        patience.map_or_else(|| "never".into(), units::show_duration)
    });
    let own_components = reader.many("child.own_components", check::line, String::clone);
    let listen = reader
        .need("child.listen", listen, |address| address.map_or_else(|| "none".into(), |address| address.to_string()));
    if listen.flatten().is_some() {
        check_listen(reader, kind, listen.flatten(), base_url.as_ref());
    }
    if kind == Some(Kind::Native) && java.is_some() {
        reader.warn("child.java", wrong("a native program needs no JVM", "leave it out, or kind = \"java\""));
    }
    Some(Child {
        kind: kind?,
        java,
        arguments,
        profile: profile?,
        stop_grace: stop_grace?,
        start_patience: start_patience?,
        start_patience_bound: start_patience_bound?,
        probation: probation?,
        base_url: base_url?,
        health_url: health_url?,
        info_url: info_url?,
        shutdown_url: shutdown_url?,
        connect_timeout: connect_timeout?,
        read_timeout: read_timeout?,
        include_log: include_log?,
        environment_prefixes_removed,
        log_size_bytes: log_size_bytes?,
        log_files_kept: log_files_kept?,
        hang_patience: hang_patience?,
        own_components,
        listen: listen?,
    })
}

fn java(scalar: &Scalar, bases: &Bases) -> Result<PathBuf, Wrong> {
    let path = check::path(scalar.text()?)?;
    if !scalar.text.contains(['/', '\\']) {
        let right = "the whole path; or leave it out, and JAVA_HOME and PATH are searched";
        return Err(wrong(format!("{} is a name without a folder", quoted(&scalar.text)), right));
    }
    Ok(bases.find(scalar, &path))
}

fn argument(scalar: &Scalar) -> Result<String, Wrong> {
    let text = check::line(scalar)?;
    let is_jar =
        text == "-jar" || std::path::Path::new(&text).extension().is_some_and(|end| end.eq_ignore_ascii_case("jar"));
    if is_jar && !text.contains('=') && !text.contains(':') {
        return Err(wrong(format!("{} is put there by the supervisor", quoted(&text)), "arguments of the JVM alone"));
    }
    if text.starts_with('-') && text.contains(" -") {
        // Where a secret begins is known, where it ends is not.
        let right = if mask(&text) == text {
            text.split_whitespace().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ")
        } else {
            "each argument in quotation marks of its own".to_owned()
        };
        return Err(wrong(format!("{} is several arguments", quoted(&text)), right));
    }
    Ok(text)
}

/// Which of the four it is decides what the integration point talks to: silence is told.
fn profile(reader: &mut Reader) -> Option<String> {
    let choices = PROFILES.map(|profile| (profile, profile));
    let profile = reader.need("child.profile", |scalar| scalar.choice(&choices), |profile| (*profile).to_owned())?;
    if !reader.is_set("child.profile") {
        let what = format!("it is not set anywhere, so {profile} is taken");
        let right = "kosmos.integrasjonspunkt.profile, or `profile` in [child] of kosmos.toml";
        reader.warn("child.profile", wrong(what, right));
    }
    Some(profile.to_owned())
}

/// The bound is never below the patience: a default bound gives way, a bound that was set does not.
fn patience(reader: &mut Reader) -> (Option<Duration>, Option<Duration>) {
    const BOUND: &str = "child.start_patience_bound";
    let patience = duration(reader, "child.start_patience", SECOND, HOUR * 6);
    let bound = duration(reader, BOUND, SECOND, DAY);
    match (patience, bound) {
        (Some(patience), Some(bound)) if bound < patience && reader.is_set(BOUND) => {
            let bound = units::show_duration(bound);
            let what = format!("{bound} is less than start_patience, {}", units::show_duration(patience));
            reader.refuse(BOUND, wrong(what, "as long or longer"));
            (Some(patience), None)
        }
        (Some(patience), Some(bound)) if bound < patience => {
            reader.show(BOUND, Some(units::show_duration(patience)), Place::From("child.start_patience"));
            (Some(patience), Some(patience))
        }
        other => other,
    }
}

fn hang_patience(scalar: &Scalar) -> Result<Option<Duration>, Wrong> {
    if is_word(scalar, "never") {
        return Ok(None);
    }
    scalar.duration(SECOND, DAY).map(Some).map_err(|mut wrong| {
        wrong.right.push_str("; or \"never\"");
        wrong
    })
}

fn listen(scalar: &Scalar) -> Result<Option<SocketAddr>, Wrong> {
    if is_word(scalar, "none") {
        return Ok(None);
    }
    let text = scalar.text()?;
    let address = text.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
    let right = "an address and a port, like \"0.0.0.0:9093\" or \"127.0.0.1:9093\"; or \"none\"";
    address.map(Some).ok_or_else(|| wrong(format!("{} is not one", quoted(text)), right))
}

/// It must be the port where it answers, and a program that takes a socket.
fn check_listen(reader: &mut Reader, kind: Option<Kind>, address: Option<SocketAddr>, base_url: Option<&Url>) {
    const KEY: &str = "child.listen";
    if cfg!(windows) {
        reader.refuse(KEY, wrong("Windows hands no listening socket to a service's child", "\"none\""));
    } else if kind == Some(Kind::Java) {
        reader.refuse(KEY, wrong("a Java integration point takes no socket", "\"none\", or kind = \"native\""));
    }
    let (Some(address), Some(port)) = (address, base_url.and_then(Url::port_or_known_default)) else { return };
    if address.port() != port {
        let what = format!("it is asked on port {port}, and {address} would be held");
        reader.refuse(KEY, wrong(what, "the port of base_url"));
    }
}

type Urls = (Option<Url>, Option<Url>, Option<Url>, Option<Url>);

fn urls(reader: &mut Reader) -> Urls {
    let allowed = reader.need("child.allow_remote", Scalar::boolean, bool::to_string).unwrap_or(false);
    let here = |scalar: &Scalar| {
        let url = check::url(scalar)?;
        if allowed || check::is_this_machine(&url) {
            return Ok(url);
        }
        let what =
            format!("{} is not this machine, where alone processes are started and stopped", quoted(&scalar.text));
        let mut local = url.clone();
        let _ = local.set_host(Some("localhost"));
        let right =
            format!("{local}; or allow_remote = true in [child] of kosmos.toml, if it is this machine by another name");
        Err(wrong(what, right))
    };
    let base = reader.need("child.base_url", here, show_url);
    let mut below = |name: &'static str, path: &str| {
        let set = reader.one(name, here, show_url);
        if reader.scalar(name).is_some() {
            return set;
        }
        let mut url = base.clone()?;
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        reader.show(name, Some(show_url(&url)), Place::From("child.base_url"));
        Some(url)
    };
    let health = below("child.health_url", efm::manage::HEALTH);
    let info = below("child.info_url", efm::manage::INFO);
    let shutdown = below("child.shutdown_url", efm::manage::SHUTDOWN);
    (base, health, info, shutdown)
}

fn show_url(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

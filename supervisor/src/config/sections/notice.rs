//! `[notice]`: the file for Prometheus, and webhooks. Off unless they are named.

use crate::config::check;
use crate::config::files;
use crate::config::problem::{Place, Wrong, quoted, wrong};
use crate::config::reader::Reader;
use crate::config::settings::{Notice, Told, Webhook};
use crate::config::value::Scalar;
use efm::secret::Secret;
use efm::webhook::{BadKey, SHORTEST_SECRET};
use reqwest::header::{HeaderName, HeaderValue};
use std::path::PathBuf;
use url::Url;

const LIKE_URL: &str = "an address like \"https://hooks.example.org/kosmos\"";
const LONGEST_NAME: usize = 60;
/// These say what they say already.
const OUR_HEADERS: [&str; 7] =
    ["host", "connection", "content-type", "content-length", "transfer-encoding", "accept-encoding", "user-agent"];

pub(super) fn read(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Notice {
    let home = reader.home.clone();
    let file = |scalar: &Scalar| Ok(home.join(metrics_file(scalar)?));
    let metrics = reader.one("notice.metrics", file, |path| path.display().to_string());
    let mut names = Vec::new();
    let webhooks = reader.tables("notice.webhook", |one| webhook(one, read_files, &mut names));
    Notice { metrics, webhooks }
}

fn metrics_file(scalar: &Scalar) -> Result<PathBuf, Wrong> {
    let path = check::path(scalar.text()?)?;
    if path.extension().is_some_and(|ending| ending == "prom") && path.file_stem().is_some() {
        return Ok(path);
    }
    let what = format!("{} does not end in .prom, and node_exporter reads no other files", quoted(&scalar.text));
    Err(wrong(what, "a file like \"/var/lib/prometheus/node-exporter/kosmos.prom\""))
}

fn webhook(reader: &mut Reader, read_files: &mut Vec<PathBuf>, names: &mut Vec<String>) -> Option<Webhook> {
    let url = address(reader, read_files);
    let name = name(reader, url.as_ref(), names);
    let read = |scalar: &Scalar| scalar.choice(&Told::NAMES);
    let events = reader.many("notice.webhook.events", read, |told| told.name().to_owned());
    let all_are_told = reader.scalar("notice.webhook.events").is_none();
    if reader.is_set("notice.webhook.events") && all_are_told {
        reader.refuse("notice.webhook.events", wrong("it is empty", "names of events, or leave it out"));
    }
    let key = from_one_of(reader, read_files, ["notice.webhook.secret", "notice.webhook.secret_file"], signing_key);
    let header = header(reader, read_files);
    Some(Webhook {
        name: name?,
        url: Secret::new(url?.as_str()),
        events: (!all_are_told).then_some(events),
        secret: key,
        header,
    })
}

/// The address, here or in a file: those of some services are secrets. Only its machine is ever shown.
fn address(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Option<Url> {
    let text = |scalar: &Scalar| parse(scalar.text()?);
    let mut url = reader.one("notice.webhook.url", text, machine_of);
    let is_set = reader.is_set("notice.webhook.url");
    if let Some(path) = super::file(reader, "notice.webhook.url_file") {
        read_files.push(path.clone());
        let read = if is_set { Err(wrong("url is set too", "one of the two")) } else { files::secret(&path) };
        match read.and_then(|text| parse(&text)) {
            Ok(read) => {
                reader.show("notice.webhook.url", Some(machine_of(&read)), Place::From("notice.webhook.url_file"));
                url = Some(read);
            }
            Err(wrong) => reader.refuse("notice.webhook.url_file", wrong),
        }
    } else if !is_set && !reader.is_set("notice.webhook.url_file") {
        reader.refuse("notice.webhook.url", wrong("there is no address", "url or url_file"));
    }
    url
}

/// What is wrong is told without the address: it may be a secret.
fn parse(text: &str) -> Result<Url, Wrong> {
    let url = Url::parse(text.trim()).map_err(|error| wrong(format!("it is no address: {error}"), LIKE_URL))?;
    let machine = machine_of(&url);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("`{}:` is not of HTTP", url.scheme()), LIKE_URL));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(format!("`{machine}` has a user in it"), "`header` and `token_file` beside the address"));
    }
    if url.fragment().is_some() {
        return Err(wrong(format!("`{machine}` has a # in it"), "the address without it"));
    }
    let is_here = check::is_this_machine(&url) && !url.host_str().unwrap_or_default().ends_with(".localhost");
    if url.scheme() == "http" && !is_here {
        let right = machine.replacen("http://", "https://", 1);
        return Err(wrong(format!("`{machine}` is not HTTPS, so anybody on the way may read and change it"), right));
    }
    Ok(url)
}

/// The address as it may be shown: what follows the machine may be a secret.
fn machine_of(url: &Url) -> String {
    let machine = url.origin().ascii_serialization();
    let rest = if matches!(url.path(), "" | "/") && url.query().is_none() { "" } else { "/…" };
    format!("{machine}{rest}")
}

/// Its name, or that of its machine. No two have the same: what waits for one would go to the other.
fn name(reader: &mut Reader, url: Option<&Url>, names: &mut Vec<String>) -> Option<String> {
    let set = reader.one("notice.webhook.name", plain_name, String::clone);
    let name = if reader.is_set("notice.webhook.name") {
        set?
    } else {
        let host = url?.host_str().unwrap_or_default();
        let fits = |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' };
        let name: String = host.chars().map(fits).take(LONGEST_NAME).collect();
        reader.show("notice.webhook.name", Some(name.clone()), Place::From("notice.webhook.url"));
        name
    };
    let flat = name.to_ascii_lowercase();
    if names.contains(&flat) {
        let what = format!("{} is the name of another webhook", quoted(&name));
        reader.refuse("notice.webhook.name", wrong(what, "a `name` of its own for each"));
        return None;
    }
    names.push(flat);
    Some(name)
}

fn plain_name(scalar: &Scalar) -> Result<String, Wrong> {
    let name = check::plain_name(scalar).map_err(|wrong| Wrong { right: "like \"on-call\"".into(), ..wrong })?;
    if name.len() > LONGEST_NAME {
        return Err(wrong(format!("it has {} letters", name.len()), format!("at most {LONGEST_NAME}")));
    }
    Ok(name)
}

fn header(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Option<(String, Secret)> {
    let name = reader.one("notice.webhook.header", header_name, String::clone);
    let token = from_one_of(reader, read_files, ["notice.webhook.token", "notice.webhook.token_file"], header_value);
    let has_token = reader.is_set("notice.webhook.token") || reader.is_set("notice.webhook.token_file");
    if reader.is_set("notice.webhook.header") {
        if !has_token {
            reader.refuse("notice.webhook.header", wrong("there is nothing to put into it", "token or token_file too"));
        }
        return name.zip(token);
    }
    if has_token {
        reader.show("notice.webhook.header", Some("Authorization".into()), Place::From("notice.webhook.token"));
    }
    Some("Authorization".to_owned()).zip(token)
}

fn header_name(scalar: &Scalar) -> Result<String, Wrong> {
    let text = scalar.text()?;
    let right = "the name alone, like \"Authorization\" or \"X-Api-Key\"";
    if HeaderName::from_bytes(text.as_bytes()).is_err() {
        return Err(wrong(format!("{} is no name of a header", quoted(text)), right));
    }
    let lower = text.to_ascii_lowercase();
    if OUR_HEADERS.contains(&lower.as_str()) || lower.starts_with("webhook-") {
        return Err(wrong(format!("{} is a header that we write ourselves", quoted(text)), right));
    }
    Ok(text.to_owned())
}

fn header_value(text: &str) -> Result<(), Wrong> {
    let fits = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && HeaderValue::from_str(text).is_ok();
    if fits {
        Ok(())
    } else {
        Err(wrong("it cannot stand in a header", "letters, digits and signs of ASCII on one line"))
    }
}

fn signing_key(text: &str) -> Result<(), Wrong> {
    efm::webhook::check(text).map_err(|bad| match bad {
        BadKey::NotBase64 => wrong(bad.to_string(), "the whole of it"),
        BadKey::Short => {
            let right = format!("{SHORTEST_SECRET} characters or more, as `openssl rand -base64 32` makes them");
            wrong(bad.to_string(), right)
        }
    })
}

/// A secret that stands here or in a file. It is never shown, nor what is wrong with it.
fn from_one_of(
    reader: &mut Reader,
    read_files: &mut Vec<PathBuf>,
    [here, in_file]: [&'static str; 2],
    check: fn(&str) -> Result<(), Wrong>,
) -> Option<Secret> {
    let read = |scalar: &Scalar| check(scalar.text()?).map(|()| Secret::new(scalar.text.trim()));
    let mut secret = reader.one(here, read, |_| String::new());
    if let Some(path) = super::file(reader, in_file) {
        read_files.push(path.clone());
        let last = here.rsplit('.').next().unwrap_or(here);
        let too = || wrong(format!("{last} is set too"), "one of the two");
        let read = if reader.is_set(here) { Err(too()) } else { files::secret(&path) };
        match read.and_then(|text| check(&text).map(|()| text)) {
            Ok(text) => {
                reader.show(here, Some("********".into()), Place::From(in_file));
                secret = Some(Secret::new(text));
            }
            Err(wrong) => reader.refuse(in_file, wrong),
        }
    }
    secret
}

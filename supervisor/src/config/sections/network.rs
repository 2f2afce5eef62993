//! `[network]`

use super::{DAY, HOUR, MINUTE, duration, file, is_word, size};
use crate::config::files;
use crate::config::problem::{Place, Wrong, mask, quoted, wrong};
use crate::config::reader::Reader;
use crate::config::settings::Network;
use crate::config::units;
use crate::config::value::Scalar;
use efm::outside::{Names, Proxy};
use efm::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

const LEAST: Duration = Duration::from_millis(100);
/// What these settings are called in what is told.
const NAMES: Names = Names { proxy: "[network] proxy", ca_file: "[network] ca_file" };
const LIKE_PROXY: &str = "\"environment\", \"none\" or an address like \"http://proxy.example.org:8080\"";

pub(super) fn read(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Option<Network> {
    let proxy = proxy(reader, read_files);
    let ca_file = file(reader, "network.ca_file");
    let connect_timeout = duration(reader, "network.connect_timeout", LEAST, MINUTE * 10);
    let read_timeout = duration(reader, "network.read_timeout", LEAST, HOUR);
    let total_timeout = duration(reader, "network.total_timeout", LEAST, DAY);
    let slowest = size(reader, "network.slowest_per_second", 0, 1 << 30);
    let fastest = reader.need("network.fastest_per_second", fastest, |fastest| {
        fastest.map_or_else(|| "unlimited".into(), units::show_size)
    });
    let list_limit_bytes = size(reader, "network.list_limit", 1 << 10, 1 << 30);
    let signature_limit_bytes = size(reader, "network.signature_limit", 1 << 10, 1 << 24);
    let jar_limit_bytes = size(reader, "network.jar_limit", 1 << 20, 1 << 40);
    if let (Some(slowest), Some(Some(fastest))) = (slowest, fastest)
        && fastest < slowest.saturating_mul(2)
    {
        let what = format!("{} is hardly more than slowest_per_second", units::show_size(fastest));
        reader.refuse("network.fastest_per_second", wrong(what, "at least twice slowest_per_second"));
    }
    let way = efm::outside::Network {
        user_agent: concat!("kosmos/", env!("CARGO_PKG_VERSION")),
        proxy: proxy?,
        ca_file,
        connect_timeout: connect_timeout?,
        names: NAMES,
    };
    Some(Network {
        way,
        read_timeout: read_timeout?,
        total_timeout: total_timeout?,
        slowest_bytes_per_second: slowest?,
        fastest_bytes_per_second: fastest?,
        list_limit_bytes: list_limit_bytes?,
        signature_limit_bytes: signature_limit_bytes?,
        jar_limit_bytes: jar_limit_bytes?,
    })
}

fn proxy(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Option<Proxy> {
    let no_proxy = reader.one("network.no_proxy", crate::config::check::line, String::clone);
    let mut proxy = reader.need("network.proxy", read_proxy, |_| String::new());
    // The word itself is no secret, and neither is the machine.
    if let Some(scalar) = reader.scalar("network.proxy").cloned().filter(|_| proxy.is_some()) {
        reader.show("network.proxy", Some(mask(&scalar.text)), scalar.place);
    }
    if let Some(path) = file(reader, "network.proxy_file") {
        read_files.push(path.clone());
        let from_file = files::secret(&path).and_then(|text| address(&text));
        match from_file {
            Ok(url) if !reader.is_set("network.proxy") => {
                reader.show("network.proxy", Some(mask(url.reveal())), Place::From("network.proxy_file"));
                proxy = Some(Proxy::Url { url, no_proxy: None });
            }
            Ok(_) => {
                let what = wrong("proxy is set too", "one of the two");
                reader.refuse("network.proxy_file", what);
            }
            Err(wrong) => reader.refuse("network.proxy_file", wrong),
        }
    }
    match proxy? {
        Proxy::Url { url, .. } => Some(Proxy::Url { url, no_proxy }),
        other @ (Proxy::FromEnvironment | Proxy::None) => {
            if no_proxy.is_some() {
                let what =
                    wrong("it is used with a proxy of our own alone", "set NO_PROXY in the environment, or proxy here");
                reader.warn("network.no_proxy", what);
            }
            Some(other)
        }
    }
}

fn read_proxy(scalar: &Scalar) -> Result<Proxy, Wrong> {
    if is_word(scalar, "environment") {
        return Ok(Proxy::FromEnvironment);
    }
    if is_word(scalar, "none") {
        return Ok(Proxy::None);
    }
    address(scalar.text()?).map(|url| Proxy::Url { url, no_proxy: None })
}

fn address(text: &str) -> Result<Secret, Wrong> {
    let refused = |what: &str| wrong(format!("{} {what}", quoted(text)), LIKE_PROXY);
    if !text.contains("://") {
        // Without a scheme the parser takes the name of the machine for one; the likeliest meaning is plain.
        return Err(refused("has no http:// before it"));
    }
    let url = Url::parse(text).map_err(|error| refused(&format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("is not a proxy for HTTP"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("has more than a machine and a port"));
    }
    Ok(Secret::new(text))
}

fn fastest(scalar: &Scalar) -> Result<Option<u64>, Wrong> {
    if is_word(scalar, "unlimited") {
        return Ok(None);
    }
    scalar.size(1 << 10, 1 << 40).map(Some).map_err(|mut wrong| {
        wrong.right.push_str("; or \"unlimited\"");
        wrong
    })
}

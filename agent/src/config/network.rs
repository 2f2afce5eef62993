//! The way to the outside: proxy and trust. The time limits belong to whoever goes.

use super::reader::Reader;
use efm::outside::{Names, Network, Proxy};
use efm::secret::Secret;
use std::path::Path;
use std::time::Duration;
use url::Url;

const PROXY: &str = "integrasjonspunkt.proxy";
const NO_PROXY: &str = "integrasjonspunkt.no-proxy";
const CA_FILE: &str = "integrasjonspunkt.ca-file";

/// Where nobody says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn read(from: &mut Reader, folder: &Path) -> Option<Network> {
    let proxy = from.need(PROXY, proxy);
    let no_proxy = from.maybe(NO_PROXY, |text| Ok(text.to_owned()));
    let ca_file = from.maybe(CA_FILE, |text| Ok(folder.join(text)));
    let proxy = match proxy? {
        Proxy::Url { url, .. } => Proxy::Url { url, no_proxy },
        other @ (Proxy::FromEnvironment | Proxy::None) => other,
    };
    Some(Network {
        user_agent: concat!("integrasjonspunkt/", env!("CARGO_PKG_VERSION")),
        proxy,
        ca_file,
        connect_timeout: CONNECT_TIMEOUT,
        names: Names { proxy: PROXY, ca_file: CA_FILE },
    })
}

fn proxy(text: &str) -> Result<Proxy, &'static str> {
    const RIGHT: &str = "environment, none, or an address like http://proxy.example.org:8080";
    match text {
        "environment" => Ok(Proxy::FromEnvironment),
        "none" => Ok(Proxy::None),
        // Without a scheme the parser takes the name of the machine for one.
        _ if !text.contains("://") => Err(RIGHT),
        _ => {
            let url = Url::parse(text).map_err(|_| RIGHT)?;
            let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_bare {
                return Err(RIGHT);
            }
            Ok(Proxy::Url { url: Secret::new(text), no_proxy: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_word_or_the_address_of_a_machine() {
        assert!(matches!(proxy("environment"), Ok(Proxy::FromEnvironment)));
        assert!(matches!(proxy("none"), Ok(Proxy::None)));
        assert!(matches!(proxy("http://ola:hemmelig@proxy.example.org:8080"), Ok(Proxy::Url { .. })));
        for wrong in ["proxy.example.org:8080", "socks5://proxy.example.org", "http://proxy/path", "http://proxy?a=b"] {
            assert!(proxy(wrong).is_err(), "{wrong}");
        }
    }
}

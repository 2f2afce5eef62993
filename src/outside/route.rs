//! Which way a request goes: straight or through a proxy, and with which client.
//!
//! This machine is always reached straight. Otherwise the settings decide, or the environment: `HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case, as curl reads them; on Windows, where they are not set, the
//! proxy of the account that we run as (one `host:port` for all, and its exceptions; no automatic configuration script).
//! Only `http://` and `https://` proxies are spoken to. A proxy in our settings that makes no sense is an error; one in
//! the environment that cannot be read is taken for none, as other programs do.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::sync::{Mutex, PoisonError};
use url::{Host, Url};

use super::cause::Cause;
use super::{CannotSetUp, Names, Network, Proxy, trust};

/// The ways of one errand, or of all of a program's life; connections are kept between requests and closed when it is
/// dropped.
pub struct Routes {
    network: Network,
    matcher: Option<Matcher>,
    tls: rustls::ClientConfig,
    /// One client a way; there are rarely more than two.
    clients: Mutex<Vec<(Option<String>, reqwest::Client)>>,
}

/// A way to a host.
#[derive(Clone, Debug)]
pub struct Route {
    /// What to send with.
    pub client: reqwest::Client,
    /// The proxy, without user and password.
    pub proxy: Option<String>,
}

impl Routes {
    /// Reads the settings and the environment; connects to nobody.
    pub fn new(network: &Network) -> Result<Self, CannotSetUp> {
        let matcher = match &network.proxy {
            Proxy::None => None,
            Proxy::FromEnvironment => Some(Matcher::from_system()),
            Proxy::Url { url, no_proxy } => {
                let no_proxy = no_proxy.clone().unwrap_or_default();
                let matcher = Matcher::builder().all(url.reveal().to_owned()).no(no_proxy.clone()).build();
                // The matcher takes what it cannot read for no proxy at all; that would go round the one we must use.
                if !readable(url.reveal()) {
                    return Err(bad_proxy(
                        network.names,
                        "it must be http://host:port or http://user:password@host:port",
                    ));
                }
                // The matcher takes `*` for all names, but not for addresses.
                (!no_proxy.split(',').any(|entry| entry.trim() == "*")).then_some(matcher)
            }
        };
        let tls = trust::tls(network.ca_file.as_deref(), network.names)?;
        Ok(Self { network: network.clone(), matcher, tls, clients: Mutex::default() })
    }

    /// What their settings are called.
    pub fn names(&self) -> Names {
        self.network.names
    }

    /// The way to this URL.
    pub fn to(&self, url: &Url) -> Result<Route, CannotSetUp> {
        let through = if is_this_machine(url) { None } else { self.intercept(url)? };
        let proxy = through.as_ref().map(|through| shown_proxy(through.uri()));
        // Nothing is left half done under this lock.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == proxy) {
            return Ok(Route { client: client.clone(), proxy });
        }
        let client = self.client(through.as_ref())?;
        clients.push((proxy.clone(), client.clone()));
        Ok(Route { client, proxy })
    }

    fn intercept(&self, url: &Url) -> Result<Option<Intercept>, CannotSetUp> {
        let Some(matcher) = &self.matcher else { return Ok(None) };
        let bare = shown(url).parse::<hyper::Uri>().map_err(|source| set_up("request", source))?;
        match matcher.intercept(&bare) {
            Some(through) if !matches!(through.uri().scheme_str(), Some("http" | "https")) => {
                Err(bad_proxy(self.network.names, "only http:// and https:// proxies are spoken to"))
            }
            through => Ok(through),
        }
    }

    fn client(&self, through: Option<&Intercept>) -> Result<reqwest::Client, CannotSetUp> {
        let mut builder = reqwest::Client::builder()
            .user_agent(self.network.user_agent)
            .connect_timeout(self.network.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .no_proxy()
            .tls_backend_preconfigured(self.tls.clone());
        if let Some(through) = through {
            let mut proxy = reqwest::Proxy::all(through.uri().to_string())
                .map_err(|source| set_up(self.network.names.proxy, source))?;
            if let Some(login) = through.basic_auth() {
                proxy = proxy.custom_http_auth(login.clone());
            }
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|source| set_up("HTTP client", source))
    }
}

/// Whether the host of the URL is this machine itself.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        // Not its subdomains: some resolvers ask the network for those.
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => match address.to_ipv4_mapped() {
            Some(inside) => inside.is_loopback() || inside.is_unspecified(),
            None => address.is_loopback() || address.is_unspecified(),
        },
        None => false,
    }
}

/// Whether the URL may be asked at all: plain HTTP is spoken only to this machine.
pub fn may_be_asked(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(url))
}

/// An URL as it may be printed: no user, no password, no query (signed links carry their secret there).
pub fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    // Fails only for URLs that cannot have a user.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_query(None);
    bare.set_fragment(None);
    bare.to_string()
}

fn shown_proxy(proxy: &hyper::Uri) -> String {
    proxy.to_string().trim_end_matches('/').to_owned()
}

fn readable(proxy: &str) -> bool {
    let with_scheme = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let spoken = Url::parse(&with_scheme).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    spoken && proxy.parse::<hyper::Uri>().is_ok_and(|uri| uri.authority().is_some())
}

fn bad_proxy(names: Names, reason: &str) -> CannotSetUp {
    set_up(names.proxy, Cause::Setting(reason.into()))
}

fn set_up(what: &str, source: impl std::error::Error + Send + Sync + 'static) -> CannotSetUp {
    CannotSetUp { what: what.into(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_here(url: &str) -> bool {
        is_this_machine(&Url::parse(url).unwrap())
    }

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        for here in [
            "http://localhost/",
            "http://LOCALHOST:9000/",
            "http://localhost./",
            "http://127.0.0.1/",
            "http://127.9.9.9/",
            "http://2130706433/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(is_here(here), "{here}");
        }
        for there in ["http://localhost.example.no/", "http://10.0.0.1/", "http://[fe80::1]/", "http://a.localhost/"] {
            assert!(!is_here(there), "{there}");
        }
    }

    #[test]
    fn a_shown_url_holds_no_secret() {
        let url = Url::parse("https://ola:hemmelig@repo.example.no/a/b?token=hemmelig#hemmelig").unwrap();
        assert_eq!(shown(&url), "https://repo.example.no/a/b");
    }
}

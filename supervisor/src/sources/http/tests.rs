//! Certificates, proxies and redirects, with an authority of our own and servers on this machine.

use super::*;
use efm::chain::Chain;
use efm::outside::{Names, Proxy};
use efm::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An address that nobody has: whoever gets there went through the proxy.
const NOWHERE: &str = "192.0.2.1";

/// A server on a thread of its own, one connection after the other; ends when it is dropped.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start<F>(serve: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let ear = Arc::clone(&heard);
        let thread = std::thread::spawn(move || {
            let serving = async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    serve(stream, Arc::clone(&ear)).await;
                }
            };
            runtime.block_on(async {
                tokio::select! { () = serving => {} _ = stopped => {} }
            });
        });
        Self { address, heard, stop: Some(stop), thread: Some(thread) }
    }

    /// What it was asked, head by head.
    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// An authority that only tests know.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (key, folder) = (KeyPair::generate().unwrap(), tempfile::tempdir().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        efm::atomic::replace(&folder.path().join("ca.pem"), pem.as_bytes()).unwrap();
        Self { params, key, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A TLS server for these names that answers each path with this.
    fn server(&self, names: &[&str], answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
        self.server_with(|_| {}, names, answer)
    }

    fn server_with(
        &self,
        change: impl Fn(&mut CertificateParams),
        names: &[&str],
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Server {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(self.params.clone(), &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let (acceptor, answer) = (tokio_rustls::TlsAcceptor::from(Arc::new(config)), Arc::new(answer));
        Server::start(move |stream, heard| {
            let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Some(head) = head(&mut stream).await else { return };
                let path = head.split(' ').nth(1).unwrap().to_owned();
                heard.lock().unwrap().push(head);
                // A client that is gone has heard enough.
                let _ = stream.write_all(answer(&path).as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
    }
}

/// A proxy that leads every tunnel to one place.
fn proxy(to: SocketAddr, password: Option<&'static str>) -> Server {
    Server::start(move |mut stream, heard| async move {
        let Some(head) = head(&mut stream).await else { return };
        let welcome = password.is_none_or(|password| head.contains(&format!("Basic {password}\r\n")));
        heard.lock().unwrap().push(head);
        if !welcome {
            let refusal = b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(refusal).await;
            return;
        }
        let mut far = TcpStream::connect(to).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 Go on\r\n\r\n").await;
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
    })
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn network(ca_file: Option<PathBuf>, proxy: Proxy) -> Network {
    let names = Names { proxy: "[network] proxy", ca_file: "[network] ca_file" };
    let way = efm::outside::Network {
        proxy,
        ca_file,
        names,
        ..efm::outside::Network::straight("kosmos/test", Duration::from_secs(10))
    };
    Network {
        way,
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(20),
        slowest_bytes_per_second: 1,
        fastest_bytes_per_second: None,
        list_limit_bytes: 1 << 16,
        signature_limit_bytes: 1 << 16,
        jar_limit_bytes: 1 << 20,
    }
}

fn hasty(mut network: Network) -> Network {
    network.way.connect_timeout = Duration::from_millis(50);
    network
}

fn through(url: String, no_proxy: Option<&str>) -> Proxy {
    Proxy::Url { url: Secret::new(url), no_proxy: no_proxy.map(str::to_owned) }
}

async fn get(network: &Network, url: &str) -> Result<Vec<u8>, SourceError> {
    Session::new(network)?.small(&url.parse().unwrap(), 1 << 16).await
}

async fn told(network: &Network, url: &str) -> String {
    Chain(&get(network, url).await.unwrap_err()).to_string()
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_advice_and_the_sites_own_is_believed() {
    let authority = Authority::new();
    let server = authority.server(&["localhost", "127.0.0.1"], |_| ok("hei"));
    let url = format!("https://{}/x", server.address);
    let error = told(&network(None, Proxy::None), &url).await;
    assert!(error.contains("connect to 127.0.0.1: ") && error.contains("[network] ca_file"), "{error}");
    assert!(server.heard().is_empty());

    let trusting = network(Some(authority.file()), Proxy::None);
    assert_eq!(get(&trusting, &url).await.unwrap(), b"hei");
    let stranger = network(Some(Authority::new().file()), Proxy::None);
    assert!(get(&stranger, &url).await.is_err());
}

#[tokio::test]
async fn a_certificate_for_another_name_or_time_is_refused() {
    let authority = Authority::new();
    let trusting = network(Some(authority.file()), Proxy::None);
    let other = authority.server(&["example.no"], |_| ok("hei"));
    let error = told(&trusting, &format!("https://{}/", other.address)).await;
    assert!(error.contains("somebody between here and the server"), "{error}");

    let old = authority.server_with(
        |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1),
        &["127.0.0.1"],
        |_| ok("hei"),
    );
    let error = told(&trusting, &format!("https://{}/", old.address)).await;
    assert!(error.contains("check the clock"), "{error}");
    assert!(other.heard().is_empty() && old.heard().is_empty());
}

#[tokio::test]
async fn a_ca_file_that_makes_no_sense_is_told_before_any_connection() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in
        [("empty", ""), ("text", "hei"), ("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    {
        let file = folder.path().join(name);
        efm::atomic::replace(&file, content.as_bytes()).unwrap();
        let error = get(&network(Some(file), Proxy::None), "https://127.0.0.1:1/").await.unwrap_err();
        assert!(matches!(&error, SourceError::SetUp { what, .. } if what.contains("ca_file")), "{name}: {error}");
    }
    let missing = network(Some(folder.path().join("missing")), Proxy::None);
    assert!(matches!(get(&missing, "https://127.0.0.1:1/").await, Err(SourceError::SetUp { .. })));
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    let authority = Authority::new();
    for to in ["http://127.0.0.1:9/x", "http://example.invalid/x", "//example.invalid:x", "http:///x"] {
        let server = authority.server(&["127.0.0.1"], move |_| redirect(to));
        let url = format!("https://{}/", server.address);
        let error = get(&network(Some(authority.file()), Proxy::None), &url).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused { .. }), "{to}: {error}");
    }
}

#[tokio::test]
async fn a_redirect_from_outside_to_this_machine_is_refused() {
    let authority = Authority::new();
    for to in ["https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://0x7f.1/x"] {
        let server = authority.server(&[NOWHERE], move |_| redirect(to));
        let proxy = proxy(server.address, None);
        let network = network(Some(authority.file()), through(format!("http://{}", proxy.address), None));
        let error = told(&network, &format!("https://{NOWHERE}/")).await;
        assert!(error.contains("which is this machine"), "{to}: {error}");
    }
}

#[tokio::test]
async fn a_login_follows_to_the_same_server_and_no_other() {
    let authority = Authority::new();
    let other = authority.server(&["127.0.0.1"], |_| ok("other"));
    let away = format!("https://{}/there", other.address);
    let server = authority.server(&["127.0.0.1"], move |path| match path {
        "/x" => redirect("/y"),
        _ => redirect(&away),
    });
    let network = network(Some(authority.file()), Proxy::None);
    let url = format!("https://ola:hemmelig@{}/x", server.address);
    assert_eq!(get(&network, &url).await.unwrap(), b"other");
    let with_login = |head: &&String| head.to_ascii_lowercase().contains("authorization:");
    assert_eq!(server.heard().iter().filter(with_login).count(), 2);
    assert_eq!(other.heard().iter().filter(with_login).count(), 0);
}

#[tokio::test]
async fn plain_http_to_the_outside_is_a_setting_to_change() {
    let error = get(&network(None, Proxy::None), "http://example.invalid/x").await.unwrap_err();
    assert!(matches!(error, SourceError::SetUp { .. }), "{error}");
    assert!(Chain(&error).to_string().contains("use https://"), "{error}");
}

#[tokio::test]
async fn k18_a_proxy_is_used_with_user_and_password() {
    let authority = Authority::new();
    let server = authority.server(&[NOWHERE], |_| ok("hei"));
    let proxy = proxy(server.address, Some("b2xhOmhlbTptZWxpZw=="));
    let network = network(Some(authority.file()), through(format!("http://ola:hem%3Amelig@{}", proxy.address), None));
    assert_eq!(get(&network, &format!("https://{NOWHERE}/x")).await.unwrap(), b"hei");
    let [head] = proxy.heard().try_into().unwrap();
    assert!(head.starts_with(&format!("CONNECT {NOWHERE}:443 HTTP/1.1\r\n")), "{head}");
    let [head] = server.heard().try_into().unwrap();
    assert!(!head.to_ascii_lowercase().contains("authorization"), "the password is the proxy's alone: {head}");
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_named_without_it() {
    let authority = Authority::new();
    let server = authority.server(&[NOWHERE], |_| ok("hei"));
    let proxy = proxy(server.address, Some("cmlnaHQ6cmlnaHQ="));
    for login in ["", "ola:hemmelig@"] {
        let network = network(None, through(format!("http://{login}{}", proxy.address), None));
        let error = get(&network, &format!("https://{NOWHERE}/x")).await.unwrap_err();
        let told = format!("{} {error:?}", Chain(&error));
        assert!(matches!(error, SourceError::SetUp { .. }), "{told}");
        assert!(told.contains(&format!("the proxy http://{} wants", proxy.address)), "{told}");
        assert!(!told.contains("hemmelig"), "{told}");
    }
}

#[tokio::test]
async fn hosts_of_no_proxy_and_this_machine_are_reached_straight() {
    let authority = Authority::new();
    let server = authority.server(&["127.0.0.1"], |_| ok("hei"));
    let proxy = proxy(server.address, None);
    let here = network(Some(authority.file()), through(format!("http://{}", proxy.address), None));
    assert_eq!(get(&here, &format!("https://{}/x", server.address)).await.unwrap(), b"hei");

    for no_proxy in [NOWHERE, "example.no, 192.0.2.0/24", "*"] {
        let proxied = through(format!("http://{}", proxy.address), Some(no_proxy));
        let straight = hasty(network(None, proxied));
        let error = told(&straight, &format!("https://{NOWHERE}/x")).await;
        assert!(error.contains(&format!("connect to {NOWHERE}: ")), "{error}");
    }
    assert!(proxy.heard().is_empty());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_never_gone_round() {
    for bad in ["", "socks5://127.0.0.1:1080", "ftp://127.0.0.1", "http://", "http:// x", "::::"] {
        let error = get(&network(None, through(bad.into(), None)), &format!("https://{NOWHERE}/")).await.unwrap_err();
        assert!(matches!(&error, SourceError::SetUp { what, .. } if what == "[network] proxy"), "{bad}: {error}");
    }
    let gone = Server::start(|_, _| async {});
    let url = format!("http://ola:hemmelig@{}", gone.address);
    let address = gone.address;
    drop(gone);
    let error = told(&network(None, through(url, None)), &format!("https://{NOWHERE}/")).await;
    assert!(error.contains(&format!("connect to {NOWHERE} through the proxy http://{address}: ")), "{error}");
    assert!(!error.contains("hemmelig"), "{error}");
}

/// The environment belongs to a process, so each case is a process.
#[test]
fn the_environment_names_the_proxy_in_either_case() {
    let authority = Authority::new();
    let server = authority.server(&[NOWHERE], |_| ok("hei"));
    let proxy = proxy(server.address, Some("b2xhOmhlbW1lbGln"));
    let url = format!("http://ola:hemmelig@{}", proxy.address);
    let all =
        ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];
    let cases = [
        (vec![("HTTPS_PROXY", url.as_str())], true),
        (vec![("https_proxy", url.as_str())], true),
        (vec![("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "192.0.2.0/24")], false),
        (vec![("https_proxy", url.as_str()), ("no_proxy", NOWHERE)], false),
    ];
    for (variables, used) in cases {
        let before = proxy.heard().len();
        #[allow(clippy::disallowed_methods, reason = "the test starts itself again with another environment")]
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "sources::http::tests::fetches_as_the_environment_says"]);
        for name in all {
            child.env_remove(name);
        }
        child.envs(variables.iter().copied()).env("KOSMOS_TEST_CA_FILE", authority.file());
        child.env("KOSMOS_TEST_EXPECTS", if used { "hei" } else { "nothing" });
        let output = child.output().unwrap();
        assert!(output.status.success(), "{variables:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(proxy.heard().len() - before, usize::from(used), "{variables:?}");
    }
}

#[tokio::test]
#[ignore = "started by the_environment_names_the_proxy_in_either_case, in a process with its own environment"]
#[allow(clippy::disallowed_methods, reason = "its environment is its argument")]
async fn fetches_as_the_environment_says() {
    let Ok(ca_file) = std::env::var("KOSMOS_TEST_CA_FILE") else { return };
    let expects = std::env::var("KOSMOS_TEST_EXPECTS").unwrap();
    let network = network(Some(ca_file.into()), Proxy::FromEnvironment);
    let straight = hasty(network.clone());
    let network = if expects == "hei" { network } else { straight };
    match get(&network, &format!("https://{NOWHERE}/x")).await {
        Ok(body) => assert_eq!(body, expects.as_bytes()),
        Err(error) => assert_eq!(expects, "nothing", "{}", Chain(&error)),
    }
}

//! This machine: folders, room, database, port.

use super::{Finding, aside};
use crate::app;
use crate::config::{Database, Settings};
use crate::keystore;
use crate::store::{Postgres, Sqlite};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::manage::{INFO, Info};
use rustls::pki_types::{CertificateDer, ServerName};
use std::fs::OpenOptions;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// With less nothing can be taken; the Java one says DOWN at the same.
const TOO_LITTLE_BYTES: u64 = 10 << 20;
/// With less a person should make room: one message of DPO may have as much.
const LITTLE_BYTES: u64 = 2 << 30;
/// Who has our port and does not answer is somebody else.
const TO_ANSWER: Duration = Duration::from_secs(5);

pub(super) async fn folders(settings: &Settings, folder: &Path) -> Vec<Finding> {
    let (folder, files) = (folder.to_path_buf(), settings.blobs.clone());
    let looked = aside(move || {
        let mut findings = vec![rights("folder", &folder), rights("files", &files)];
        findings.push(room(&files));
        findings
    });
    looked.await.unwrap_or_default()
}

/// The nearest one that is there.
fn there(path: &Path) -> PathBuf {
    let nearest = path.ancestors().find(|path| path.is_dir());
    nearest.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

fn rights(about: &str, path: &Path) -> Finding {
    let there = there(path);
    let probe = there.join(format!(".integrasjonspunkt-doctor-{}", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&probe).map(drop);
    let removed = written.and_then(|()| std::fs::remove_file(&probe));
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match removed {
        Ok(()) if path.is_dir() => Finding::ok(about, format!("{} can be written to", shown.display())),
        Ok(()) => Finding::ok(about, format!("{} is made at the first start", shown.display())),
        Err(error) => {
            let seen = format!("{} cannot be written to: {error}", shown.display());
            Finding::wrong(about, seen, "give the user that runs this the right to write there")
        }
    }
}

fn room(path: &Path) -> Finding {
    const ABOUT: &str = "room";
    const TO_DO: &str = "make room on that disk";
    match fs4::available_space(there(path)) {
        Ok(free) => {
            let seen = format!("{} MiB free for messages", free >> 20);
            match free {
                0..TOO_LITTLE_BYTES => Finding::wrong(ABOUT, seen, TO_DO),
                TOO_LITTLE_BYTES..LITTLE_BYTES => Finding::odd(ABOUT, seen, TO_DO),
                _ => Finding::ok(ABOUT, seen),
            }
        }
        Err(error) => Finding::odd(ABOUT, format!("cannot be measured: {error}"), "look for yourself"),
    }
}

pub(super) async fn database(settings: &Settings) -> Vec<Finding> {
    const ABOUT: &str = "database";
    let finding = match &settings.database {
        Database::Sqlite(path) => {
            let (shown, path) = (path.display().to_string(), path.clone());
            match aside(move || Sqlite::look(&path)).await {
                Some(Ok(None)) => Finding::ok(ABOUT, format!("{shown} is made at the first start")),
                Some(Ok(Some(schema))) => Finding::ok(ABOUT, format!("{shown} can be read, schema {schema}")),
                Some(Err(error)) => {
                    let seen = format!("{shown}: {}", Chain(&error));
                    Finding::wrong(
                        ABOUT,
                        seen,
                        "look at the rights of the file; put a copy of it back if it is damaged",
                    )
                }
                None => Finding::wrong(ABOUT, shown, "try again"),
            }
        }
        Database::Postgres(at) => {
            // What stands before an @ is no host.
            let host = |host: &str| host.rsplit('@').next().unwrap_or_default().to_owned();
            let hosts: Vec<_> = at.hosts.iter().map(|(name, port)| format!("{}:{port}", host(name))).collect();
            let shown = format!("PostgreSQL {} on {}", at.database, hosts.join(", "));
            match Postgres::look(&app::server(at)).await {
                Ok(version) => Finding::ok(ABOUT, format!("{shown} answers, version {version}")),
                Err(error) => {
                    let seen = format!("{shown}: {}", efm::masking::mask(&Chain(&error).to_string()));
                    Finding::wrong(ABOUT, seen, "look at difi.datasource.url, .username, .password, and at the server")
                }
            }
        }
    };
    vec![finding]
}

pub(super) async fn port(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    const ABOUT: &str = "port";
    let address = SocketAddr::new(settings.address, settings.port);
    if address.port() == 0 {
        return vec![Finding::ok(ABOUT, "any that is free (server.port=0)")];
    }
    let finding = match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(ABOUT, format!("{address} is free: nothing runs there now")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match who_answers(settings, clock).await {
            Ok(version) => Finding::ok(ABOUT, format!("{address} is ours: version {version} runs")),
            Err(why) => {
                let seen =
                    format!("{address} is held by something that does not answer as an integrasjonspunkt: {why}");
                Finding::wrong(ABOUT, seen, "end that program, or set another server.port")
            }
        },
        Err(error) => {
            let seen = format!("cannot listen on {address}: {error}");
            Finding::wrong(ABOUT, seen, "set a server.address of this machine, and a port that this user may open")
        }
    };
    vec![finding]
}

async fn who_answers(settings: &Settings, clock: &Clock) -> Result<String, String> {
    let near = match settings.address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    };
    let asked = async {
        let stream = TcpStream::connect((near, settings.port)).await.map_err(|error| error.to_string())?;
        let Some(location) = settings.keystores.tls.clone() else { return version(stream).await };
        let now = clock.now();
        let opened = aside(move || keystore::open(&location, now)).await;
        let own = opened.and_then(Result::ok).and_then(|opened| opened.own.chain.first().cloned());
        let own = own.ok_or("without the keystore of the API it cannot be asked")?;
        let config = only_own(own).map_err(|error| error.to_string())?;
        let name = ServerName::IpAddress(near.into());
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        version(stream.map_err(|error| error.to_string())?).await
    };
    tokio::time::timeout(TO_ANSWER, asked).await.unwrap_or_else(|_| Err("it says nothing".into()))
}

async fn version(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<String, String> {
    const LIMIT_BYTES: u64 = 64 << 10;
    let request = format!("GET {INFO} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let asked = async {
        stream.write_all(request.as_bytes()).await?;
        stream.take(LIMIT_BYTES).read_to_end(&mut answer).await
    };
    // Who ends without a farewell has answered all the same.
    let ended = asked.await;
    let text = String::from_utf8_lossy(&answer);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
    let info = body.and_then(|body| serde_json::from_str::<Info>(body).ok()).and_then(|info| info.build);
    match (info, ended) {
        (Some(build), _) => Ok(build.version),
        (None, Err(error)) => Err(error.to_string()),
        (None, Ok(_)) => Err("its answer is another one".into()),
    }
}

/// TLS with nobody but the one who has this very certificate.
fn only_own(certificate: CertificateDer<'static>) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let only = Only { certificate, provider: Arc::clone(&provider) };
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(only)).with_no_client_auth())
}

#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl rustls::client::danger::ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        if *end == self.certificate {
            return Ok(rustls::client::danger::ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("it has another certificate than our keystore".into()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

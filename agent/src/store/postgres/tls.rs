//! TLS to the server, as `sslmode` says it: rustls under tokio-postgres.
//!
//! There is a crate for this; it is a page of code, of which it has some `unsafe`. The server's name is not bound to the
//! password's proof (`SCRAM-SHA-256-PLUS`): who wants the server proven asks for `verify-full`.

use crate::ports::StoreError;
use futures_util::future::BoxFuture;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};

/// Whether and how far the server must prove itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain.
    Never,
    /// Where the server has it; whoever it is.
    WherePossible,
    /// Always; whoever it is.
    Always,
    /// Always, and somebody trusted must have signed for it.
    VerifyAuthority(Trust),
    /// Always, and somebody trusted must have signed for it under the name that we call it by.
    VerifyName(Trust),
}

/// Who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Whom the operating system trusts.
    System,
    /// The authorities in this file, and nobody else.
    File(PathBuf),
}

impl Tls {
    pub(super) fn mode(&self) -> tokio_postgres::config::SslMode {
        use tokio_postgres::config::SslMode;
        match self {
            Self::Never => SslMode::Disable,
            Self::WherePossible => SslMode::Prefer,
            Self::Always | Self::VerifyAuthority(_) | Self::VerifyName(_) => SslMode::Require,
        }
    }

    /// None: it is never used.
    pub(super) fn connector(&self) -> Result<Option<Connector>, StoreError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let lenient = |authority| Arc::new(Lenient { provider: Arc::clone(&provider), authority });
        let verifier: Arc<dyn ServerCertVerifier> = match self {
            Self::Never => return Ok(None),
            Self::WherePossible | Self::Always => lenient(None),
            Self::VerifyAuthority(trust) => lenient(Some(trust.verifier(&provider)?)),
            Self::VerifyName(trust) => trust.verifier(&provider)?,
        };
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(cannot("set up TLS"))?;
        let config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Some(Connector(Arc::new(config))))
    }
}

impl Trust {
    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, StoreError> {
        match self {
            Self::System => {
                Ok(Arc::new(Verifier::new(provider.clone()).map_err(cannot("read whom the system trusts"))?))
            }
            Self::File(path) => {
                let roots = Arc::new(roots(path)?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
                Ok(verifier.map_err(cannot("trust the authorities of sslrootcert"))?)
            }
        }
    }
}

fn roots(path: &Path) -> Result<RootCertStore, StoreError> {
    let act = "read the authorities of sslrootcert";
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(cannot(act))? {
        roots.add(certificate.map_err(cannot(act))?).map_err(cannot(act))?;
    }
    if roots.is_empty() {
        let why = format!("{} has no CERTIFICATE section", path.display());
        return Err(cannot(act)(io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    Ok(roots)
}

fn cannot<E: std::error::Error + Send + Sync + 'static>(act: &'static str) -> impl Fn(E) -> StoreError {
    move |source| StoreError::Database { act, source: Box::new(source) }
}

/// Less strict than TLS is elsewhere; that whoever answers has the key of what it shows is always asked.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// Who must have signed it, whatever the name in it; none: nobody need have.
    authority: Option<Arc<dyn ServerCertVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        // Of the verifiers that can be here each looks at the name last.
        match authority.verify_server_cert(end, between, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes connections of tokio-postgres into ones over TLS.
#[derive(Clone)]
pub(super) struct Connector(Arc<ClientConfig>);

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Error> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| Error::Other(OtherError(Arc::new(error))))?;
        Ok(Handshake { config: Arc::clone(&self.0), name })
    }
}

/// A handshake to come.
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Stream>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let connected = tokio_rustls::TlsConnector::from(self.config).connect(self.name, socket).await?;
            Ok(Stream(connected))
        })
    }
}

/// A connection over TLS.
pub(super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

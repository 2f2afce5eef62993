//! Whom we believe to be who they say: what the operating system trusts, and the authorities in the site's own file.
//!
//! The two are asked one after the other. (One verifier for both exists, but it refuses own authorities on some
//! Windows systems, and with it one odd certificate in the file makes every connection fail.) The system's store is
//! read when the first certificate is judged, so that a source on this machine never touches it.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::{CannotSetUp, Names};

const CA_FILE_LIMIT: u64 = 4 << 20;

/// TLS for outside connections: HTTP/1.1, and no state that outlives them.
pub(super) fn tls(ca_file: Option<&Path>, names: Names) -> Result<ClientConfig, CannotSetUp> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let own = ca_file.map(|file| own_authorities(file, names, &provider)).transpose()?;
    let trust = Trust { provider: Arc::clone(&provider), own, system: OnceLock::new() };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| CannotSetUp { what: "TLS".into(), source: Box::new(source) })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The site's own file as a verifier. Everything that is wrong with the file is told here, before any connection.
fn own_authorities(
    file: &Path,
    names: Names,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, CannotSetUp> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| CannotSetUp {
        what: format!("{} {}", names.ca_file, file.display()),
        source,
    };
    let mut pem = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(CA_FILE_LIMIT).read_to_end(&mut pem))
        .map_err(|source| wrong(Box::new(source)))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|source| wrong(Box::new(source)))?;
        roots.add(certificate).map_err(|source| wrong(Box::new(source)))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate in it; it must hold lines -----BEGIN CERTIFICATE-----".into()));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|source| wrong(Box::new(source)))
}

#[derive(Debug)]
struct Trust {
    provider: Arc<CryptoProvider>,
    own: Option<Arc<WebPkiServerVerifier>>,
    system: OnceLock<Result<rustls_platform_verifier::Verifier, Error>>,
}

impl Trust {
    fn system(&self) -> Result<&rustls_platform_verifier::Verifier, Error> {
        self.system
            .get_or_init(|| rustls_platform_verifier::Verifier::new(Arc::clone(&self.provider)))
            .as_ref()
            .map_err(Clone::clone)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_system = self.system().and_then(|system| system.verify_server_cert(end, between, name, ocsp, now));
        match (by_system, &self.own) {
            // What the system knows to be revoked stays revoked, whoever signed it.
            (Err(refused), Some(own)) if refused != Error::InvalidCertificate(CertificateError::Revoked) => {
                own.verify_server_cert(end, between, name, ocsp, now)
            }
            (judged, _) => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

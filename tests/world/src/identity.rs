//! Organisations of the demo and of tests, with keys that are no secrets: they stand in this repository, and nobody trusts them.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// An organisation with its key.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Its number.
    pub number: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Key and certificate, PEM.
    pub pem: &'static str,
}

/// One that sends.
pub const NORD: Identity = Identity { number: "910077473", name: "DEMO nord", pem: include_str!("identity/nord.pem") };
/// One that receives.
pub const SOR: Identity = Identity { number: "910075918", name: "DEMO sør", pem: include_str!("identity/sor.pem") };
/// The false service registry.
pub const REGISTER: Identity =
    Identity { number: "991825827", name: "DEMO register", pem: include_str!("identity/register.pem") };

impl Identity {
    /// Its certificate, PEM.
    pub fn certificate_pem(&self) -> &'static str {
        self.pem.find("-----BEGIN CERTIFICATE").and_then(|at| self.pem.get(at..)).unwrap_or_default()
    }

    /// Its certificate, DER; none only where this file was spoilt.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).ok().map(|der| der.to_vec())
    }

    /// Its key, PKCS#8; none only where this file was spoilt.
    pub fn key(&self) -> Option<Vec<u8>> {
        PrivatePkcs8KeyDer::from_pem_slice(self.pem.as_bytes()).ok().map(|der| der.secret_pkcs8_der().to_vec())
    }
}

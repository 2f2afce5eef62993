//! Business certificates of tests: an authority, and identities that it signs for. Keys are made anew each time; none is kept.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a tool of tests: what it cannot do fails the test")]

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rsa::pkcs8::EncodePrivateKey as _;

/// Who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A key with its certificates.
pub struct Made {
    /// PKCS#8, DER.
    pub key: Vec<u8>,
    /// DER, own first.
    pub chain: Vec<Vec<u8>>,
}

/// From when to when a certificate holds.
#[derive(Clone, Copy, Debug)]
pub struct Holds {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Holds {
    /// For the years in which tests are run.
    pub fn long() -> Self {
        Self { from: "2020-01-01T00:00:00Z".parse().unwrap(), until: "2120-01-01T00:00:00Z".parse().unwrap() }
    }
}

impl Authority {
    /// A new one, with a key of its own.
    pub fn new(name: &str) -> Self {
        let key = rsa_key();
        let mut params = params(name, None, Holds::long());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Its certificate.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A new key with a certificate for an organisation.
    pub fn issue(&self, organisation: &str, serial: u64, holds: Holds) -> Made {
        let key = rsa_key();
        let mut params = params("TEST", Some(organisation), holds);
        params.serial_number = Some(SerialNumber::from(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Made { key: key.serialize_der(), chain: vec![certificate.der().to_vec(), self.certificate.der().to_vec()] }
    }
}

impl Made {
    /// As the integration point holds it.
    pub fn identity(&self) -> integrasjonspunkt::keystore::Identity {
        let chain = self.chain.iter().map(|der| der.clone().into()).collect();
        integrasjonspunkt::keystore::Identity { alias: "own".into(), key: self.key.clone().into(), chain }
    }

    /// Its own certificate.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", self.chain.first().unwrap())
    }

    /// Key and certificates in one file.
    pub fn pem(&self) -> String {
        let chain: String = self.chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
        format!("{}{chain}", pem("PRIVATE KEY", &self.key))
    }
}

/// All certificates of a PEM text, DER.
pub fn certificates(text: &str) -> Vec<Vec<u8>> {
    use rustls_pki_types::pem::PemObject as _;
    let all = rustls_pki_types::CertificateDer::pem_slice_iter(text.as_bytes());
    all.map_while(Result::ok).map(|der| der.to_vec()).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn params(name: &str, organisation: Option<&str>, holds: Holds) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(name.to_owned()));
    if let Some(number) = organisation {
        // organizationIdentifier, as the newer business certificates have it.
        let text = DnValue::Utf8String(format!("NTRNO-{number}"));
        params.distinguished_name.push(DnType::from_oid(&[2, 5, 4, 97]), text);
    }
    let date = |at: Timestamp| {
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(day.year().into(), day.month().try_into().unwrap(), day.day().try_into().unwrap())
    };
    (params.not_before, params.not_after) = (date(holds.from), date(holds.until));
    params
}

/// 2048 bits: the least that anybody takes, and the fastest to make.
fn rsa_key() -> KeyPair {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let der = key.to_pkcs8_der().unwrap();
    KeyPair::try_from(der.as_bytes()).unwrap()
}

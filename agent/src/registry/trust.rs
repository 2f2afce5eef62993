//! Whom to believe about the registry's answers: nobody's word (`difi.move.sign.enable=false`), the keys at
//! `difi.move.sign.jwkUrl`, or a certificate that leads to an authority of ours.

use super::jws::{BadSignature, Jws};
use crate::asking::{Http, Kept, Request};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::RsaPublicKeyComponents;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Keys are fetched again after so long, and when a signature is not of any of them.
const KEYS_KEPT: Duration = Duration::from_mins(5);
const LIMIT_BYTES: usize = 256 << 10;
/// More certificates than any chain has.
const LONGEST_CHAIN: usize = 8;

/// Whom to believe.
#[derive(Debug)]
pub enum Trust {
    /// Answers are not signed.
    Nobody,
    /// Whoever has a key of this set.
    Keys(KeySet),
    /// Whoever has a certificate that leads to one of these.
    Authorities(Authorities),
}

/// The keys at an address.
#[derive(Debug)]
pub struct KeySet {
    url: Url,
    kept: Kept<(), Arc<Vec<NamedKey>>, BadSignature>,
}

#[derive(Debug)]
struct NamedKey {
    kid: Option<String>,
    key: RsaPublicKeyComponents<Vec<u8>>,
}

/// Authorities, and whose certificate it must be.
#[derive(Clone, Debug)]
pub struct Authorities {
    anchors: Vec<TrustAnchor<'static>>,
    organisation: Option<String>,
}

impl Trust {
    /// The keys at this address.
    pub fn keys_at(url: Url) -> Self {
        Self::Keys(KeySet { url, kept: Kept::at_most(1) })
    }

    /// The authorities of a PEM file; where an organisation is named, the certificate must be its own.
    ///
    /// # Errors
    /// There is no certificate in it that could be an authority's.
    pub fn authorities(pem: &[u8], organisation: Option<String>) -> Result<Self, String> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("it is no PEM: {error}"))?;
            let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|error| error.to_string())?;
            anchors.push(anchor.to_owned());
        }
        if anchors.is_empty() {
            return Err("there is no CERTIFICATE section in it".into());
        }
        Ok(Self::Authorities(Authorities { anchors, organisation }))
    }

    /// Whether answers are signed.
    pub(super) fn is_any(&self) -> bool {
        !matches!(self, Self::Nobody)
    }

    /// What the answer says, when it is believed.
    pub(super) async fn opened(&self, answer: Vec<u8>, http: &Http, now: Timestamp) -> Result<Vec<u8>, BadSignature> {
        match self {
            Self::Nobody => Ok(answer),
            Self::Authorities(authorities) => authorities.opened(Jws::read(&answer)?, now),
            Self::Keys(keys) => {
                let known = keys.all(http).await?;
                match by_keys(&answer, &known) {
                    Err(BadSignature::Wrong | BadSignature::NoKey(_)) => {
                        // It may have new ones.
                        keys.kept.forget(&());
                        by_keys(&answer, &keys.all(http).await?)
                    }
                    other => other,
                }
            }
        }
    }
}

/// The key of its name; where the set has none of that name, the first, which is the one that the Java one takes.
fn by_keys(answer: &[u8], keys: &[NamedKey]) -> Result<Vec<u8>, BadSignature> {
    let jws = Jws::read(answer)?;
    let named = keys.iter().find(|key| key.kid.is_some() && key.kid == jws.kid);
    let key = named.or(keys.first()).ok_or_else(|| BadSignature::NoKey("the key set has no RSA key".into()))?;
    jws.signed_by(&key.key)
}

#[derive(Deserialize)]
struct WireSet {
    keys: Vec<WireKey>,
}

#[derive(Deserialize)]
struct WireKey {
    kty: Option<String>,
    #[serde(rename = "use")]
    use_: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    async fn all(&self, http: &Http) -> Result<Arc<Vec<NamedKey>>, BadSignature> {
        self.kept.get_or(&(), async { Ok((Arc::new(self.fetched(http).await?), KEYS_KEPT)) }).await
    }

    async fn fetched(&self, http: &Http) -> Result<Vec<NamedKey>, BadSignature> {
        let url = &self.url;
        let no_key = |why: String| BadSignature::NoKey(format!("no key to check it with: {why}"));
        let request = Request { url, bearer: None, headers: Vec::new(), form: None, limit_bytes: LIMIT_BYTES };
        let reply = http.ask(request).await.map_err(|error| no_key(error.to_string()))?;
        let at = efm::outside::shown(url);
        if !reply.status.is_success() {
            return Err(no_key(format!("{at}: it answered {}", reply.status)));
        }
        let set: WireSet =
            serde_json::from_slice(&reply.body).map_err(|_| no_key(format!("{at}: its answer is no JWK set")))?;
        let decoded = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let keys =
            set.keys.into_iter().filter(|key| key.kty.as_deref() == Some("RSA") && key.use_.as_deref() != Some("enc"));
        let keys = keys.filter_map(|key| {
            let (n, e) = (decoded(key.n)?, decoded(key.e)?);
            Some(NamedKey { kid: key.kid, key: RsaPublicKeyComponents { n, e } })
        });
        Ok(keys.collect())
    }
}

impl Authorities {
    fn opened(&self, jws: Jws<'_>, now: Timestamp) -> Result<Vec<u8>, BadSignature> {
        let not_believed = |why: String| BadSignature::Chain(why);
        let chain = jws.x5c.clone().filter(|chain| !chain.is_empty()).ok_or(BadSignature::NoChain)?;
        if chain.len() > LONGEST_CHAIN {
            return Err(not_believed(format!("{} certificates are more than any chain has", chain.len())));
        }
        let decoded: Result<Vec<_>, _> =
            chain.iter().map(|text| STANDARD.decode(text).map(CertificateDer::from)).collect();
        let chain = decoded.map_err(|_| not_believed("x5c is no base64".into()))?;
        let (own, between) = chain.split_first().ok_or(BadSignature::NoChain)?;
        let own = webpki::EndEntityCert::try_from(own).map_err(|error| not_believed(error.to_string()))?;
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        own.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &self.anchors, between, time, AnyUse, None, None)
            .map_err(|error| not_believed(error.to_string()))?;
        if let Some(organisation) = &self.organisation {
            let numbers = crate::keystore::organisation_numbers(own.subject());
            if !numbers.iter().any(|number| number == organisation) {
                let whose = if numbers.is_empty() { "nobody's that is known".to_owned() } else { numbers.join(", ") };
                return Err(not_believed(format!(
                    "it is {whose}, and integrasjonspunkt.sign.organisation says {organisation}"
                )));
            }
        }
        jws.signed_by_certificate(&own)
    }
}

/// Business certificates say many things of what they are for, and each authority others.
struct AnyUse;

impl webpki::ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, mut iter: webpki::KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        iter.try_for_each(|one| one.map(|_| ()))
    }
}

//! What of a certificate is asked for here: whose it is, who signed it, how long it holds, and whether a key is its own.

use super::ber::{self, BITS, INTEGER, Malformed, OCTETS, OID, SEQUENCE, SET, Value, Values, ZERO};
use super::organisation_numbers;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A certificate, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its number, in hexadecimal digits.
    pub serial: String,
    /// Whose it is, as the common name says.
    pub subject: String,
    /// Who signed it, as the common name says.
    pub issuer: String,
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    pub(super) subject_der: Vec<u8>,
    pub(super) issuer_der: Vec<u8>,
    /// `SubjectPublicKeyInfo`
    pub(super) public_key: Vec<u8>,
}

impl Certificate {
    /// Reads it. Signatures are not looked at: whom to believe is not decided here.
    ///
    /// # Errors
    /// It is no X.509 certificate.
    pub fn read(der: &[u8]) -> Result<Self, Malformed> {
        let mut fields = ber::only(der, SEQUENCE)?.inside().take(SEQUENCE)?.inside();
        fields.take_if(ZERO)?;
        let serial = fields.take(INTEGER)?.content;
        fields.take(SEQUENCE)?;
        let issuer = fields.take(SEQUENCE)?;
        let mut validity = fields.take(SEQUENCE)?.inside();
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = fields.take(SEQUENCE)?;
        let public_key = fields.take(SEQUENCE)?;
        Ok(Self {
            serial: hex::encode(ber::without_zeros(serial)),
            subject: common_name(subject)?,
            issuer: common_name(issuer)?,
            not_before,
            not_after,
            subject_der: subject.whole.to_vec(),
            issuer_der: issuer.whole.to_vec(),
            public_key: public_key.whole.to_vec(),
        })
    }

    /// The numbers of organisations that its subject names; a business certificate has its owner's.
    pub fn organisations(&self) -> Vec<String> {
        ber::only(&self.subject_der, SEQUENCE).map(|name| organisation_numbers(name.content)).unwrap_or_default()
    }

    /// Whether its own issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        self.subject_der == self.issuer_der
    }
}

fn time(value: Option<Value<'_>>) -> Result<Timestamp, Malformed> {
    let value = value.ok_or(Malformed)?;
    let text = std::str::from_utf8(value.content).map_err(|_| Malformed)?.strip_suffix('Z').ok_or(Malformed)?;
    let text = match value.tag {
        // Two digits of a year, from 1950 to 2049.
        0x17 => format!("{}{text}", if text.as_bytes().first() >= Some(&b'5') { "19" } else { "20" }),
        0x18 => text.to_owned(),
        _ => return Err(Malformed),
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", &text).map_err(|_| Malformed)?;
    time.to_zoned(TimeZone::UTC).map(|time| time.timestamp()).map_err(|_| Malformed)
}

/// The common name; the last attribute where there is none.
fn common_name(name: Value<'_>) -> Result<String, Malformed> {
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    let mut shown = String::new();
    for set in name.inside().all()? {
        for attribute in if set.tag == SET { set.inside().all()? } else { Vec::new() } {
            let mut parts = attribute.inside();
            let is_common_name = parts.take(OID)?.content == COMMON_NAME;
            if let Some(value) = parts.next()? {
                shown = text(value);
            }
            if is_common_name {
                return Ok(shown);
            }
        }
    }
    Ok(shown)
}

/// A text of a certificate, in whichever of their alphabets.
pub(super) fn text(value: Value<'_>) -> String {
    const WIDE: u8 = 0x1E;
    const LATIN: u8 = 0x14;
    match value.tag {
        WIDE => {
            let units =
                value.content.chunks_exact(2).map(|two| two.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            String::from_utf16_lossy(&units.collect::<Vec<_>>())
        }
        LATIN => value.content.iter().copied().map(char::from).collect(),
        _ => String::from_utf8_lossy(value.content).into_owned(),
    }
}

const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
const ELLIPTIC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];

/// A key as `PrivateKeyInfo`, with what TLS wants to see in it; see [`Fit`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// The key is the certificate's.
    Fits,
    /// It is another's.
    Not,
    /// Of a kind that is not known here.
    CannotTell,
}

/// Whether the key, a `PrivateKeyInfo`, is the one of `public`, a `SubjectPublicKeyInfo`.
pub(super) fn fits(key: &[u8], public: &[u8]) -> Result<Fit, Malformed> {
    let (algorithm, parameters, private) = private_key(key)?;
    let mut public = ber::only(public, SEQUENCE)?.inside();
    let mut of_public = public.take(SEQUENCE)?.inside();
    if of_public.take(OID)?.content != algorithm {
        return Ok(Fit::Not);
    }
    let bits = public.take(BITS)?.content.get(1..).ok_or(Malformed)?;
    match algorithm {
        RSA => {
            let mut known = ber::only(bits, SEQUENCE)?.inside();
            let mut own = ber::only(private, SEQUENCE)?.inside();
            own.take(INTEGER)?;
            let is_same = numbers(&mut known)? == numbers(&mut own)?;
            Ok(if is_same { Fit::Fits } else { Fit::Not })
        }
        ELLIPTIC => {
            let curve = of_public.next()?.map(|curve| curve.content);
            let own_curve = parameters.map(|curve| curve.content);
            if own_curve.is_some() && curve != own_curve {
                return Ok(Fit::Not);
            }
            match point(private)? {
                Some(point) => Ok(if point == bits { Fit::Fits } else { Fit::Not }),
                None => Ok(Fit::CannotTell),
            }
        }
        _ => Ok(Fit::CannotTell),
    }
}

fn numbers<'a>(values: &mut Values<'a>) -> Result<(&'a [u8], &'a [u8]), Malformed> {
    let mut number = || values.take(INTEGER).map(|value| ber::without_zeros(value.content));
    Ok((number()?, number()?))
}

type PrivateKey<'a> = (&'a [u8], Option<Value<'a>>, &'a [u8]);

fn private_key(info: &[u8]) -> Result<PrivateKey<'_>, Malformed> {
    let mut parts = ber::only(info, SEQUENCE)?.inside();
    parts.take(INTEGER)?;
    let mut algorithm = parts.take(SEQUENCE)?.inside();
    let name = algorithm.take(OID)?.content;
    let parameters = algorithm.next()?;
    Ok((name, parameters, parts.take(OCTETS)?.content))
}

/// The public part that a private key on a curve may carry.
fn point(private: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    const ONE: u8 = 0xA1;
    let mut parts = ber::only(private, SEQUENCE)?.inside();
    parts.take(INTEGER)?;
    parts.take(OCTETS)?;
    parts.take_if(ZERO)?;
    let Some(point) = parts.take_if(ONE)? else { return Ok(None) };
    point.inside().take(BITS)?.content.get(1..).map(Some).ok_or(Malformed)
}

/// Java leaves the public part out of keys on a curve, and TLS wants it: the certificate has it. Whether the two belong
/// together is then seen by whoever computes with them.
pub(super) fn with_public_part(key: &[u8], public: &[u8]) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Malformed> {
    let (algorithm, parameters, private) = private_key(key)?;
    if algorithm != ELLIPTIC || point(private)?.is_some() {
        return Ok(None);
    }
    let mut of_public = ber::only(public, SEQUENCE)?.inside();
    of_public.take(SEQUENCE)?;
    let bits = of_public.take(BITS)?;
    let mut parts = ber::only(private, SEQUENCE)?.inside();
    let (version, secret) = (parts.take(INTEGER)?, parts.take(OCTETS)?);
    let curve = parameters.map(|curve| curve.whole).unwrap_or_default();
    let inner =
        zeroize::Zeroizing::new(ber::value(SEQUENCE, &[version.whole, secret.whole, &ber::value(0xA1, &[bits.whole])]));
    let algorithm = ber::value(SEQUENCE, &[&ber::value(OID, &[ELLIPTIC]), curve]);
    let octets = zeroize::Zeroizing::new(ber::value(OCTETS, &[&inner]));
    Ok(Some(zeroize::Zeroizing::new(ber::value(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &octets]))))
}

/// A `PrivateKeyInfo` around the older forms: `RSAPrivateKey`, `ECPrivateKey`.
pub(super) fn around(is_rsa: bool, key: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, Malformed> {
    let parameters = if is_rsa {
        vec![5, 0]
    } else {
        let mut parts = ber::only(key, SEQUENCE)?.inside();
        parts.take(INTEGER)?;
        parts.take(OCTETS)?;
        parts.take(ZERO)?.content.to_vec()
    };
    let name = ber::value(OID, &[if is_rsa { RSA } else { ELLIPTIC }]);
    let algorithm = ber::value(SEQUENCE, &[&name, &parameters]);
    let octets = zeroize::Zeroizing::new(ber::value(OCTETS, &[key]));
    Ok(zeroize::Zeroizing::new(ber::value(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &octets])))
}

//! What sealing has to know of a certificate: whose, whose number, which key. Reads what others have issued, also what is
//! not quite as it should be; whether it leads to an authority is judged by [`super::trust`].

use super::ber::{BIT_STRING, CONTEXT, Element, INTEGER, OCTETS, OID, Reader, SEQUENCE, SET, Unreadable};
use super::oids;
use crate::domain::Signer;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// As it is.
    pub(super) der: Vec<u8>,
    /// The name of its issuer, whole.
    pub(super) issuer: Vec<u8>,
    /// Its number, as it stands there.
    pub(super) serial: Vec<u8>,
    subject: Vec<u8>,
    /// Which kind of key: an algorithm.
    pub(super) key_algorithm: Vec<u8>,
    /// The parameters of that kind; of an elliptic curve, which.
    pub(super) key_parameters: Vec<u8>,
    /// The public key.
    pub(super) key: Vec<u8>,
    /// Its `SubjectKeyIdentifier`.
    pub(super) key_identifier: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads one.
    pub(super) fn read(der: &[u8]) -> Result<Self, Unreadable> {
        let whole = Reader(der).expect(SEQUENCE, "a certificate that is none")?;
        let mut body = whole.inside().expect(SEQUENCE, "a certificate without content")?.inside();
        body.optional(CONTEXT)?;
        let serial = body.expect(INTEGER, "a certificate without a number")?;
        body.expect(SEQUENCE, "a certificate without an algorithm")?;
        let issuer = body.expect(SEQUENCE, "a certificate without an issuer")?;
        body.expect(SEQUENCE, "a certificate without a validity")?;
        let subject = body.expect(SEQUENCE, "a certificate without a subject")?;
        let mut key = body.expect(SEQUENCE, "a certificate without a key")?.inside();
        let mut algorithm = key.expect(SEQUENCE, "a certificate's key without an algorithm")?.inside();
        let key_algorithm = algorithm.expect(OID, "a certificate's key without an algorithm")?;
        let bits = key.expect(BIT_STRING, "a certificate without a key")?;
        let mut key_identifier = None;
        while let Some(more) = body.next()? {
            if more.tag == CONTEXT | 3 {
                key_identifier = find_key_identifier(&more)?;
            }
        }
        Ok(Self {
            der: whole.whole.to_vec(),
            issuer: issuer.whole.to_vec(),
            serial: serial.content.to_vec(),
            subject: subject.whole.to_vec(),
            key_algorithm: key_algorithm.content.to_vec(),
            key_parameters: algorithm.next()?.map(|parameters| parameters.content.to_vec()).unwrap_or_default(),
            // Before the bits stands how many of the last byte are not used.
            key: bits.content.get(1..).unwrap_or_default().to_vec(),
            key_identifier,
        })
    }

    /// Whether this name and number are its.
    pub(super) fn is_of(&self, issuer: &[u8], serial: &[u8]) -> bool {
        without_zeros(serial) == without_zeros(&self.serial) && same_name(issuer, &self.issuer)
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        shown(&self.issuer, &self.serial)
    }

    /// For people, and to be kept.
    pub(super) fn signer(&self) -> Signer {
        Signer {
            subject: shown_name(&self.subject),
            organisation: organisation(&self.subject),
            serial: hex::encode(without_zeros(&self.serial)),
            issuer: shown_name(&self.issuer),
        }
    }
}

/// For people, where a certificate is only named.
pub(super) fn shown(issuer: &[u8], serial: &[u8]) -> String {
    format!("certificate {} of {}", hex::encode(without_zeros(serial)), shown_name(issuer))
}

fn find_key_identifier(extensions: &Element<'_>) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut all = extensions.inside().expect(SEQUENCE, "a certificate's extensions")?.inside();
    while let Some(extension) = all.next()? {
        let mut parts = extension.inside();
        if parts.expect(OID, "an extension without a name")?.content == oids::SUBJECT_KEY_IDENTIFIER {
            while let Some(part) = parts.next()? {
                if part.tag == OCTETS {
                    return Ok(Reader(part.content).next()?.map(|inner| inner.content.to_vec()));
                }
            }
        }
    }
    Ok(None)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros.min(number.len().saturating_sub(1))..).unwrap_or_default()
}

/// The parts of a name: which, and what it says, whichever kind of string it is written in.
fn parts(name: &[u8]) -> Result<Vec<(Vec<u8>, String)>, Unreadable> {
    let mut all = Vec::new();
    let mut sets = Reader(name).expect(SEQUENCE, "a name that is none")?.inside();
    while let Some(set) = sets.next()? {
        if set.tag != SET {
            return Err(Unreadable::Wrong("a name that is none"));
        }
        let mut parts = set.inside();
        while let Some(part) = parts.next()? {
            let mut part = part.inside();
            let kind = part.expect(OID, "a part of a name without a kind")?;
            let value = part.any("a part of a name without a value")?;
            all.push((kind.content.to_vec(), text(&value)));
        }
    }
    Ok(all)
}

fn text(value: &Element<'_>) -> String {
    const BMP_STRING: u8 = 0x1e;
    if value.tag == BMP_STRING {
        let units = value.content.chunks_exact(2).map(|pair| match pair {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        });
        return char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    String::from_utf8_lossy(value.content).into_owned()
}

fn same_name(one: &[u8], other: &[u8]) -> bool {
    let folded = |name| {
        let parts = parts(name).ok()?;
        let fold = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        Some(parts.into_iter().map(|(kind, text)| (kind, fold(text))).collect::<Vec<_>>())
    };
    one == other || folded(one).is_some_and(|one| Some(one) == folded(other))
}

fn shown_name(name: &[u8]) -> String {
    let Ok(parts) = parts(name) else { return "a name that cannot be read".into() };
    let kinds = [
        (oids::COMMON_NAME, "CN"),
        (oids::SERIAL_NUMBER, "SERIALNUMBER"),
        (oids::COUNTRY, "C"),
        (oids::ORGANISATION, "O"),
        (oids::UNIT, "OU"),
        (oids::ORGANISATION_IDENTIFIER, "ORGID"),
    ];
    let mut shown = Vec::new();
    for (kind, text) in parts.iter().rev() {
        let label = kinds.iter().find(|(known, _)| known == kind).map(|(_, label)| (*label).to_owned());
        // One line, whatever somebody has had written into a certificate.
        let text: String = text.chars().filter(|letter| !letter.is_control()).take(200).collect();
        shown.push(format!("{}={text}", label.unwrap_or_else(|| oids::dotted(kind))));
    }
    shown.truncate(12);
    shown.join(", ")
}

/// Norwegian certificates have the number as the subject's `serialNumber`, or as `NTRNO-…`.
fn organisation(subject: &[u8]) -> Option<String> {
    let parts = parts(subject).ok()?;
    let of = |wanted: &[u8]| parts.iter().find(|(kind, _)| kind == wanted).map(|(_, text)| text.as_str());
    let named = of(oids::ORGANISATION_IDENTIFIER).and_then(|text| text.strip_prefix("NTRNO-"));
    let number = named.or_else(|| of(oids::SERIAL_NUMBER))?;
    let is_number = number.len() == 9 && number.bytes().all(|letter| letter.is_ascii_digit());
    is_number.then(|| number.to_owned())
}

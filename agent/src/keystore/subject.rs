//! Whose a business certificate is: the organisation's number in its subject, as Norwegian authorities write it. Pure.

/// `serialNumber`, where older ones have it.
const SERIAL_NUMBER: [u8; 3] = [0x55, 4, 5];
/// `organizationIdentifier`, where newer ones have it, as `NTRNO-991825827`.
const ORGANIZATION_IDENTIFIER: [u8; 3] = [0x55, 4, 97];
const SET: u8 = 0x31;
const SEQUENCE: u8 = 0x30;
const OID: u8 = 6;

/// The numbers that a subject names: what is inside of its outermost sequence.
pub fn organisation_numbers(subject: &[u8]) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut sets = subject;
    while let Some((SET, set, rest)) = value(sets) {
        sets = rest;
        let mut attributes = set;
        while let Some((SEQUENCE, attribute, rest)) = value(attributes) {
            attributes = rest;
            let Some((OID, name, text)) = value(attribute) else { continue };
            if (name == SERIAL_NUMBER || name == ORGANIZATION_IDENTIFIER)
                && let Some((_, text, _)) = value(text)
            {
                numbers.extend(number(text));
            }
        }
    }
    numbers
}

/// The nine digits, whatever stands before them.
fn number(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let number = text.rsplit(['-', ':']).next()?;
    (number.len() == 9 && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.to_owned())
}

/// The next value: its tag, its content, what comes after it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, DnValue};
    use rustls::pki_types::CertificateDer;

    fn numbers(attributes: &[(DnType, &str)]) -> Vec<String> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (name, value) in attributes {
            params.distinguished_name.push(name.clone(), DnValue::Utf8String((*value).to_owned()));
        }
        let der: CertificateDer<'_> = params.self_signed(&key).unwrap().der().clone();
        organisation_numbers(webpki::EndEntityCert::try_from(&der).unwrap().subject())
    }

    #[test]
    fn numbers_are_found_where_either_generation_of_certificates_has_them() {
        let serial = || DnType::CustomDnType(vec![2, 5, 4, 5]);
        let identifier = || DnType::from_oid(&[2, 5, 4, 97]);
        let name = || (DnType::CommonName, "DIGITALISERINGSDIREKTORATET 991825827");
        assert_eq!(numbers(&[name(), (serial(), "991825827")]), ["991825827"]);
        assert_eq!(numbers(&[name(), (identifier(), "NTRNO-991825827")]), ["991825827"]);
        assert_eq!(numbers(&[name(), (serial(), "UN:NO-991825827")]), ["991825827"]);
        assert!(numbers(&[name(), (serial(), "9918258279")]).is_empty());
        assert!(numbers(&[name()]).is_empty());
    }

    #[test]
    fn what_is_no_der_has_no_numbers() {
        for wrong in [&b""[..], &[0x31], &[0x31, 0x85, 1], &[0x31, 5, 0x30, 3, 6, 9], &[0xff; 40]] {
            assert!(organisation_numbers(wrong).is_empty());
        }
    }
}

//! Our own certificate: whether it is in time, and the one that is registered for us. Pure.

use crate::keystore::Certificate;
use crate::ports::WrongCertificate;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Whose, and whether it must be the one that is registered.
#[derive(Clone, Debug)]
pub struct Own {
    /// Our own number.
    pub organisation: String,
    /// The certificate.
    pub certificate: Certificate,
    /// DPO and DPE are sealed to the one that is registered.
    pub must_be_registered: bool,
}

/// Whether it holds now.
pub(super) fn in_time(certificate: &Certificate, whose: &str, now: Timestamp) -> Result<(), WrongCertificate> {
    let Certificate { not_before, not_after, .. } = certificate;
    if now > *not_after {
        return Err(WrongCertificate(format!("{whose} expired at {not_after}")));
    }
    if now < *not_before {
        return Err(WrongCertificate(format!("{whose} is not valid before {not_before}")));
    }
    Ok(())
}

/// Whether it is the one that is registered.
pub(super) fn is_registered(own: &Certificate, pem: &str, now: Timestamp) -> Result<(), WrongCertificate> {
    let unreadable = || WrongCertificate("Failed to parse certificate from Virksert".into());
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())?;
    let registered = Certificate::read(&der).map_err(|_| unreadable())?;
    in_time(&registered, "The certificate in Virksert", now)?;
    if own.serial != registered.serial {
        return Err(WrongCertificate(format!(
            "Keystore certificate serial number ({}) does not match certificate in Virksert ({})",
            decimal(&own.serial),
            decimal(&registered.serial)
        )));
    }
    Ok(())
}

/// Hexadecimal digits in tens, as Java writes a serial number.
fn decimal(hexadecimal: &str) -> String {
    // The least first, nine digits each.
    let mut parts: Vec<u64> = vec![0];
    for digit in hexadecimal.chars().filter_map(|letter| letter.to_digit(16)) {
        let mut carry = u64::from(digit);
        for part in &mut parts {
            let whole = *part * 16 + carry;
            (*part, carry) = (whole % 1_000_000_000, whole / 1_000_000_000);
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    let (first, rest) = parts.split_last().map_or((0, &[][..]), |(first, rest)| (*first, rest));
    rest.iter().rev().fold(first.to_string(), |text, part| format!("{text}{part:09}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_written_as_java_writes_them() {
        for (hexadecimal, tens) in [
            ("", "0"),
            ("0a", "10"),
            ("3b9aca00", "1000000000"),
            ("f0e1d2c3b4a5968778695a4b3c2d1e0f", "320187260592966088227705887823340838415"),
        ] {
            assert_eq!(decimal(hexadecimal), tens);
        }
        assert_eq!(decimal("ffffffffffffffffffffffffffffffff"), u128::MAX.to_string());
    }
}

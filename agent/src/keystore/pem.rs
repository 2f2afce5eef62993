//! PEM: keys and certificates between lines of dashes, in any order.

use super::assemble::{Bag, Parts};
use super::ber::Malformed;
use super::certificate;
use super::pbe::{self, Closed, Password};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).take(64 << 10).any(|window| window == BEGIN.as_bytes())
}

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Parts, Closed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
    let mut parts = Parts::default();
    let mut lines = text.lines().map(str::trim);
    let mut alias = None;
    while let Some(line) = lines.next() {
        // As `openssl pkcs12` writes in front of what it takes out.
        if let Some(name) = line.strip_prefix("friendlyName:") {
            alias = Some(name.trim().to_owned());
        }
        let Some(label) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES)) else { continue };
        let bytes = section(label, &mut lines)?;
        let key = match label {
            "PRIVATE KEY" => Some(bytes),
            "RSA PRIVATE KEY" => Some(certificate::around(true, &bytes)?),
            "EC PRIVATE KEY" => Some(certificate::around(false, &bytes)?),
            "ENCRYPTED PRIVATE KEY" => Some(pbe::open_key(&bytes, &Password::new(password))?),
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                parts.certificates.push(Bag { alias: alias.take(), id: None, bytes });
                None
            }
            // Parameters of a curve, and what else there may be.
            _ => None,
        };
        if let Some(bytes) = key {
            parts.keys.push(Bag { alias: alias.take(), id: None, bytes });
        }
    }
    Ok(parts)
}

fn section<'a>(label: &str, lines: &mut impl Iterator<Item = &'a str>) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let end = format!("-----END {label}{DASHES}");
    let mut text = Zeroizing::new(String::new());
    for line in lines {
        if line == end {
            let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| Malformed)?;
            return Ok(Zeroizing::new(bytes));
        }
        // `Proc-Type: 4,ENCRYPTED`: OpenSSL's own way of the nineties, with MD5.
        if line.contains("ENCRYPTED") {
            return Err(Closed::Scheme);
        }
        text.push_str(line);
    }
    Err(Malformed.into())
}

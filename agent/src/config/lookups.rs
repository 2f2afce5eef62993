//! How receivers are looked up: where the service registry is and whom to believe about it, and how tokens are got.

use super::reader::Reader;
use super::values::{address, flag, organisation, timeout};
use efm::secret::Secret;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The settings of the service registry and of Maskinporten.
#[derive(Clone, Debug)]
pub struct Lookups {
    /// Whom to believe about the registry's answers.
    pub signed: Signed,
    /// `X-Enable-Beta-Features`
    pub beta: bool,
    /// Whether the registry looks up addresses for print.
    pub print_lookup: bool,
    /// The process that counts where nobody says what is to be sent.
    pub default_process: String,
    /// The client of Maskinporten.
    pub oidc: Oidc,
    /// The client that goes to Altinn's broker; the same where the settings say nothing of it.
    pub dpo: Oidc,
}

/// Whom to believe about the registry's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// They are not signed.
    No,
    /// By one of the keys at this address.
    ByKeysAt(Url),
    /// By a certificate that leads to an authority of this file, and is this organisation's where one is named.
    ByAuthorities {
        /// A PEM file.
        file: PathBuf,
        /// Whose certificate.
        organisation: Option<String>,
    },
}

/// A client of Maskinporten.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// Whether tokens are asked for at all.
    pub enabled: bool,
    /// Instead of a real one.
    pub mock_token: Option<Secret>,
    /// Where.
    pub url: Url,
    /// What it calls itself.
    pub audience: String,
    /// Our name there.
    pub client_id: String,
    /// What it signs with.
    pub key: OidcKey,
    /// Until there is a connection.
    pub connect_timeout: Duration,
    /// And then until there is an answer.
    pub read_timeout: Duration,
}

/// What a client of Maskinporten signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OidcKey {
    /// The organisation's own certificate.
    Certificate,
    /// The JWK of this file.
    Jwk(PathBuf),
}

struct Names {
    kind: &'static str,
    jwk: &'static str,
    client_id: &'static str,
}

const COMMON: Names = Names {
    kind: "difi.move.oidc.authenticationType",
    jwk: "difi.move.oidc.jwk.path",
    client_id: "difi.move.oidc.clientId",
};

const DPO: Names = Names {
    kind: "difi.move.dpo.oidc.authenticationType",
    jwk: "difi.move.dpo.oidc.jwk.path",
    client_id: "difi.move.dpo.oidc.clientId",
};

pub(super) fn read(from: &mut Reader, folder: &Path) -> Option<Lookups> {
    let signed = signed(from, folder);
    let beta = from.need("difi.move.feature.enableBetaFeatures", flag);
    let print_lookup = from.need("difi.move.feature.enableDsfPrintLookup", flag);
    let default_process = from.need("difi.move.arkivmelding.default-process", |text| Ok(text.to_owned()));
    let enabled = from.need("difi.move.oidc.enable", flag);
    let mock_token = from.maybe("difi.move.oidc.mock.token", |text| Ok(Secret::new(text)));
    let url = from.need("difi.move.oidc.url", address);
    let audience = from.need("difi.move.oidc.audience", |text| Ok(text.to_owned()));
    let connect_timeout = from.need("difi.move.oidc.connectTimeout", timeout);
    let read_timeout = from.need("difi.move.oidc.readTimeout", timeout);
    let mut client = |names: &Names| {
        let key = key(from, folder, names);
        let client_id = from.need(names.client_id, |text| Ok(text.to_owned()));
        Some((key?, client_id?))
    };
    let (own, dpo) = (client(&COMMON), client(&DPO));
    let (key, client_id) = own?;
    let oidc = Oidc {
        enabled: enabled?,
        mock_token,
        url: url?,
        audience: audience?,
        client_id,
        key,
        connect_timeout: connect_timeout?,
        read_timeout: read_timeout?,
    };
    let (key, client_id) = dpo?;
    let dpo = Oidc { client_id, key, ..oidc.clone() };
    Some(Lookups {
        signed: signed?,
        beta: beta?,
        print_lookup: print_lookup?,
        default_process: default_process?,
        oidc,
        dpo,
    })
}

fn signed(from: &mut Reader, folder: &Path) -> Option<Signed> {
    // The registry's address may have been given with a slash at its end.
    let at = from.need("difi.move.sign.jwkUrl", |text| match text.strip_suffix("//jwk") {
        Some(registry) => address(&format!("{registry}/jwk")),
        None => address(text),
    });
    let file = from.maybe("integrasjonspunkt.sign.ca-file", |text| Ok(folder.join(text)));
    let organisation = from.maybe("integrasjonspunkt.sign.organisation", organisation);
    Some(match (from.need("difi.move.sign.enable", flag)?, file) {
        (false, _) => Signed::No,
        (true, Some(file)) => Signed::ByAuthorities { file, organisation },
        (true, None) => Signed::ByKeysAt(at?),
    })
}

fn key(from: &mut Reader, folder: &Path, names: &Names) -> Option<OidcKey> {
    let is_jwk = from.need(names.kind, |text| match text.to_ascii_uppercase().as_str() {
        "CERTIFICATE" => Ok(false),
        "JWK" => Ok(true),
        _ => Err("CERTIFICATE or JWK"),
    })?;
    if !is_jwk {
        return Some(OidcKey::Certificate);
    }
    from.need(names.jwk, |text| match text.strip_prefix("file:").unwrap_or(text) {
        "" => Err("the file of an RSA key as a JWK"),
        path => Ok(OidcKey::Jwk(folder.join(path))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Arguments, Loaded, load};

    fn loaded(more: &str) -> Loaded {
        let folder = tempfile::tempdir().unwrap();
        let text =
            format!("difi.move.org.number=910077473\ndifi.ssl.enabled=false\ndifi.security.enable=false\n{more}");
        efm::atomic::replace(&folder.path().join("integrasjonspunkt-local.properties"), text.as_bytes()).unwrap();
        load(folder.path(), &[], &Arguments::default())
    }

    fn lookups(more: &str) -> Lookups {
        let loaded = loaded(more);
        loaded.settings.unwrap_or_else(|| panic!("{:?}", loaded.problems)).lookups
    }

    #[test]
    fn the_client_is_named_after_the_organisation_and_the_broker_s_is_the_same() {
        let lookups = lookups("");
        assert_eq!(lookups.oidc.client_id, "MOVE_IP_910077473");
        assert_eq!((lookups.dpo.client_id, lookups.dpo.key), (lookups.oidc.client_id, OidcKey::Certificate));
        let keys = "https://test.eformidling.no/adressetjeneste/jwk".parse().unwrap();
        assert_eq!(lookups.signed, Signed::ByKeysAt(keys));
    }

    #[test]
    fn a_channel_s_own_client_changes_nothing_for_the_others() {
        let lookups = lookups(
            "difi.move.dpo.oidc.clientId=other\ndifi.move.dpo.oidc.authenticationType=jwk\n\
             difi.move.dpo.oidc.jwk.path=file:own.jwk\n",
        );
        assert_eq!((lookups.oidc.client_id.as_str(), lookups.oidc.key), ("MOVE_IP_910077473", OidcKey::Certificate));
        let OidcKey::Jwk(path) = lookups.dpo.key else { panic!("a certificate") };
        assert_eq!((lookups.dpo.client_id.as_str(), path.file_name().unwrap().to_str()), ("other", Some("own.jwk")));
    }

    #[test]
    fn a_world_has_its_own_addresses() {
        let production = lookups("spring.profiles.active=production\n");
        assert_eq!(production.oidc.url.as_str(), "https://maskinporten.no/token");
        assert_eq!(production.oidc.audience, "https://maskinporten.no/");
        assert!(!production.beta && lookups("spring.profiles.active=staging\n").beta);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for wrong in [
            "difi.move.oidc.url=http://maskinporten.no/token",
            "difi.move.serviceregistryEndpoint=ftp://x",
            "difi.move.oidc.authenticationType=PASSWORD",
            "difi.move.oidc.authenticationType=JWK",
            "integrasjonspunkt.sign.organisation=12",
            "difi.move.oidc.readTimeout=0",
        ] {
            assert!(loaded(wrong).settings.is_none(), "{wrong}");
        }
    }
}

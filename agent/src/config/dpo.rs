//! DPO: Altinn's broker, and as whom it is asked.

use super::reader::Reader;
use super::values::{address, millis};
use std::time::Duration;
use url::Url;

/// More system users are more than anybody acts for.
const MOST_REPORTEES: usize = 1000;

/// The settings of DPO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dpo {
    /// `difi.move.dpo.brokerserviceUrl`
    pub broker: Url,
    /// `difi.move.dpo.altinnTokenExchangeUrl`
    pub exchange: Url,
    /// `difi.move.dpo.resource`
    pub resource: String,
    /// Our own system user, then those of whom we act for.
    pub users: Vec<SystemUser>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for an answer, or for the next bytes of one.
    pub request_timeout: Duration,
    /// How often it is asked for what has come in.
    pub pace: Duration,
}

/// A system user of Altinn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUser {
    /// `0192:` and the organisation's number.
    pub org_id: String,
    /// Its name.
    pub name: String,
}

pub(super) fn read(from: &mut Reader) -> Option<Dpo> {
    let broker = from.need("difi.move.dpo.brokerserviceUrl", address);
    let exchange = from.need("difi.move.dpo.altinnTokenExchangeUrl", address);
    let resource = from.need("difi.move.dpo.resource", |text| named(text, "the name of a resource of Altinn"));
    let org_id = from.need("difi.move.dpo.systemUser.orgId", organisation);
    let name = from.need("difi.move.dpo.systemUser.name", user_name);
    let connect_timeout = from.need("difi.move.dpo.connectTimeout", millis);
    let request_timeout = from.need("difi.move.dpo.requestTimeout", millis);
    let pace = from.need("integrasjonspunkt.dpo.pollingrate", millis);
    let mut users = vec![SystemUser { org_id: org_id?, name: name? }];
    users.extend(reportees(from));
    Some(Dpo {
        broker: broker?,
        exchange: exchange?,
        resource: resource?,
        users,
        connect_timeout: connect_timeout?,
        request_timeout: request_timeout?,
        pace: pace?,
    })
}

fn reportees(from: &mut Reader) -> Vec<SystemUser> {
    let (org_id, name) = ("difi.move.dpo.reportees[n].orgId", "difi.move.dpo.reportees[n].name");
    let mut found = Vec::new();
    for number in 0..MOST_REPORTEES {
        if !from.has_numbered(org_id, number) && !from.has_numbered(name, number) {
            break;
        }
        let org_id = from.need_numbered(org_id, number, organisation);
        let name = from.need_numbered(name, number, user_name);
        found.extend(org_id.zip(name).map(|(org_id, name)| SystemUser { org_id, name }));
    }
    found
}

/// Also without its prefix: each of ours is Norwegian.
fn organisation(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix("0192:").unwrap_or(text);
    let is_number = digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(format!("0192:{digits}")) } else { Err("0192: and an organisation number of nine digits") }
}

fn user_name(text: &str) -> Result<String, &'static str> {
    named(text, "the name of a system user of Altinn")
}

fn named(text: &str, right: &'static str) -> Result<String, &'static str> {
    if text.is_empty() { Err(right) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use crate::config::{Loaded, load, split};

    fn loaded(text: &str) -> Loaded {
        let folder = tempfile::tempdir().unwrap();
        let common = "difi.move.org.number=910077473\ndifi.ssl.enabled=false\ndifi.security.enable=false\n\
                      difi.move.feature.enableDPO=true\n";
        let path = folder.path().join("integrasjonspunkt-local.properties");
        efm::atomic::replace(&path, format!("{common}{text}").as_bytes()).unwrap();
        load(folder.path(), &[], &split(std::iter::empty()).1)
    }

    #[test]
    fn it_is_read_with_javas_defaults_and_all_reportees() {
        let loaded = loaded(
            "difi.move.dpo.reportees[0].orgId=0192:991825827\ndifi.move.dpo.reportees[0].name=a\n\
             difi.move.dpo.reportees[1].orgId=987654321\ndifi.move.dpo.reportees[1].name=b\n",
        );
        let told: Vec<_> = loaded.problems.iter().filter(|it| it.key.contains("dpo")).collect();
        assert!(told.is_empty(), "{told:?}");
        let dpo = loaded.settings.unwrap().dpo.unwrap();
        let users: Vec<_> = dpo.users.iter().map(|user| (user.org_id.as_str(), user.name.as_str())).collect();
        let own = "910077473_integrasjonspunkt_systembruker_910077473";
        assert_eq!(users, [("0192:910077473", own), ("0192:991825827", "a"), ("0192:987654321", "b")]);
        assert_eq!(dpo.broker.as_str(), "https://platform.tt02.altinn.no/broker/api/v1");
        assert_eq!(dpo.resource, "eformidling-dpo-meldingsutveksling");
        assert_eq!(dpo.pace.as_secs(), 15);
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let loaded = loaded(
            "difi.move.dpo.brokerserviceUrl=http://example.org/broker\ndifi.move.dpo.reportees[0].orgId=1\n\
             difi.move.dpo.requestTimeout=soon\n",
        );
        assert!(loaded.settings.is_none());
        let told: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
        for part in [
            "brokerserviceUrl: it is 'http://example.org/broker'; right would be: an address like https://host/path",
            "reportees[0].orgId: it is '1'; right would be: 0192: and",
            "reportees[0].name: it is not set; right would be: the name of a system user",
            "requestTimeout: it is 'soon'; right would be: milliseconds",
        ] {
            assert!(told.iter().any(|line| line.contains(part)), "{part} in {told:#?}");
        }
    }
}

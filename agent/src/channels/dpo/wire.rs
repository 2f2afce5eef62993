//! Altinn's forms, as far as we read and write them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is told before the bytes. What we do not set is written as null, as their examples do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Announcement<'a> {
    pub(super) file_name: &'a str,
    pub(super) resource_id: &'a str,
    pub(super) senders_file_transfer_reference: &'a str,
    pub(super) sender: &'a str,
    pub(super) recipients: [&'a str; 1],
    pub(super) property_list: Nothing,
    pub(super) checksum: Option<Nothing>,
    pub(super) disable_virus_scan: Option<Nothing>,
}

/// `{}`
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

/// Where to upload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Announced {
    pub(super) file_transfer_id: String,
}

/// What is said of a transfer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    pub(super) senders_file_transfer_reference: Option<String>,
    pub(super) sender: Option<String>,
    created: Option<String>,
    /// A number, where it is there at all.
    #[serde(default)]
    file_transfer_size: serde_json::Value,
    /// The MD5 of the bytes in hexadecimal digits.
    #[serde(default)]
    checksum: serde_json::Value,
}

impl Overview {
    /// When it was announced; none where that cannot be read.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.created.as_deref()?.parse().ok()
    }

    /// How many bytes it has; none where that is not told.
    pub(super) fn length(&self) -> Option<u64> {
        self.file_transfer_size.as_u64().filter(|length| *length > 0)
    }

    /// In what these bytes are not those that it tells of; none: they are, as far as it tells.
    pub(super) fn differs(&self, length: u64, md5: &str) -> Option<String> {
        if let Some(told) = self.length().filter(|told| *told != length) {
            return Some(format!("{length} bytes came where the broker's overview says {told}"));
        }
        // What is not as long is a sum of another kind.
        let told = self.checksum.as_str().filter(|told| told.len() == md5.len())?;
        let is_it = told.eq_ignore_ascii_case(md5);
        (!is_it).then(|| format!("the MD5 of what came is {md5} where the broker's overview says {told}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_written_as_altinn_shows_it() {
        let announcement = Announcement {
            file_name: "sbd.zip",
            resource_id: "eformidling-dpo-meldingsutveksling",
            senders_file_transfer_reference: "19efbd4c-413d-4e2c-bbc5-257ef4a65b38",
            sender: "0192:910077473",
            recipients: ["0192:910075918"],
            property_list: Nothing {},
            checksum: None,
            disable_virus_scan: None,
        };
        assert_eq!(
            serde_json::to_string(&announcement).unwrap(),
            r#"{"fileName":"sbd.zip","resourceId":"eformidling-dpo-meldingsutveksling","sendersFileTransferReference":"19efbd4c-413d-4e2c-bbc5-257ef4a65b38","sender":"0192:910077473","recipients":["0192:910075918"],"propertyList":{},"checksum":null,"disableVirusScan":null}"#
        );
    }

    #[test]
    fn what_came_is_held_against_what_is_told_of_it() {
        const SUM: &str = "1bc29b36f623ba82aaf6724fd3b16718";
        let overview = |size: &str, sum: &str| -> Overview {
            serde_json::from_str(&format!(r#"{{"fileTransferSize":{size},"checksum":{sum}}}"#)).unwrap()
        };
        for (size, sum, told) in [
            ("5", &*format!("\"{SUM}\""), None),
            ("5", &*format!("\"{}\"", SUM.to_uppercase()), None),
            ("0", "null", None),
            ("null", "\"sha256:…\"", None),
            ("\"5\"", "\"\"", None),
            ("6", "null", Some("5 bytes came where the broker's overview says 6")),
            (
                "null",
                "\"00000000000000000000000000000000\"",
                Some(
                    "the MD5 of what came is 1bc29b36f623ba82aaf6724fd3b16718 where the broker's overview says 00000000000000000000000000000000",
                ),
            ),
        ] {
            assert_eq!(overview(size, sum).differs(5, SUM).as_deref(), told, "{size} {sum}");
        }
        let bare: Overview = serde_json::from_str("{}").unwrap();
        assert_eq!((bare.length(), bare.differs(5, SUM)), (None, None));
    }

    #[test]
    fn an_overview_is_read_with_whatever_else_is_in_it() {
        let text = r#"{"fileTransferId":"x","created":"2026-03-25T11:38:23.123+01:00","sender":null,"more":[1]}"#;
        let overview: Overview = serde_json::from_str(text).unwrap();
        assert_eq!(overview.created(), Some("2026-03-25T10:38:23.123Z".parse().unwrap()));
        assert_eq!(overview.senders_file_transfer_reference, None);
    }
}

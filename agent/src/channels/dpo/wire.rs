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
}

impl Overview {
    /// When it was announced; none where that cannot be read.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.created.as_deref()?.parse().ok()
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
    fn an_overview_is_read_with_whatever_else_is_in_it() {
        let text = r#"{"fileTransferId":"x","created":"2026-03-25T11:38:23.123+01:00","sender":null,"more":[1]}"#;
        let overview: Overview = serde_json::from_str(text).unwrap();
        assert_eq!(overview.created(), Some("2026-03-25T10:38:23.123Z".parse().unwrap()));
        assert_eq!(overview.senders_file_transfer_reference, None);
    }
}

//! A file transfer, and the forms in which the broker shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileStatus {
    /// Told of, and no byte is here.
    Initialized,
    /// Bytes come in.
    UploadStarted,
    /// All are here; they are looked at.
    UploadProcessing,
    /// Its recipients may have it.
    Published,
    /// Taken back.
    Cancelled,
    /// Each recipient has said that it has it.
    AllConfirmedDownloaded,
    /// Thrown away.
    Purged,
    /// It never came.
    Failed,
}

/// How far a recipient has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecipientStatus {
    /// It has not asked for it.
    Initialized,
    /// It has asked for the bytes.
    DownloadStarted,
    /// It says that it has them.
    DownloadConfirmed,
}

/// What a sender tells before it uploads.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Announced {
    /// `sbd.zip`
    pub file_name: String,
    /// Which of the broker's services.
    pub resource_id: String,
    /// The sender's own word for it.
    pub senders_file_transfer_reference: String,
    /// `0192:…`
    pub sender: String,
    /// `0192:…` each.
    pub recipients: Vec<String>,
    /// Passed through.
    #[serde(default)]
    pub property_list: BTreeMap<String, String>,
}

/// A transfer.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// `fileTransferId`
    pub id: String,
    /// What the sender said.
    pub announced: Announced,
    /// When.
    pub created: Timestamp,
    /// What became of the file.
    pub status: FileStatus,
    /// How far each recipient has come.
    pub recipients: BTreeMap<String, RecipientStatus>,
    /// How many bytes there are.
    pub length_bytes: u64,
    /// Their MD5, in hexadecimal digits.
    pub checksum: Option<String>,
    /// While they are looked at: until when.
    pub(super) published_at: Timestamp,
}

impl Transfer {
    /// As the overview shows it.
    pub fn overview(&self) -> Value {
        let recipients = self.recipients.iter().map(|(recipient, status)| {
            json!({
                "recipient": recipient,
                "currentRecipientFileTransferStatusCode": status,
                "currentRecipientFileTransferStatusText": format!("{status:?}"),
                "currentRecipientFileTransferStatusChanged": self.created.to_string(),
            })
        });
        json!({
            "fileTransferId": self.id,
            "resourceId": self.announced.resource_id,
            "fileName": self.announced.file_name,
            "sendersFileTransferReference": self.announced.senders_file_transfer_reference,
            "checksum": self.checksum,
            "useVirusScan": true,
            "fileTransferSize": self.length_bytes,
            "fileTransferStatus": self.status,
            "fileTransferStatusText": format!("{:?}", self.status),
            "fileTransferStatusChanged": self.created.to_string(),
            "created": self.created.to_string(),
            "expirationTime": (self.created + jiff::SignedDuration::from_hours(30 * 24)).to_string(),
            "sender": self.announced.sender,
            "recipients": recipients.collect::<Vec<_>>(),
            "propertyList": self.announced.property_list,
        })
    }
}

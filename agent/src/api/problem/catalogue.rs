//! The catalogue: for each refusal the status, the name of the Java exception, and the words.
//!
//! Texts are those of the original, with its quirks where case systems may know them: numbers are grouped, and an exception
//! without a text of its own shows its name and arguments. The match has no default: a new refusal needs its row.

use super::Row;
use crate::domain::Kind;
use crate::flow::Refusal;
use axum::http::StatusCode;

/// Expands to the row of an exception of the integration point.
macro_rules! row {
    ($status:ident, $name:literal, [$argument:expr]) => {
        row!($status, $name, format!(concat!("--no.difi.meldingsutveksling.exceptions.", $name, "-- [{}]"), $argument))
    };
    ($status:ident, $name:literal, $message:expr) => {
        Row {
            status: StatusCode::$status,
            exception: concat!("no.difi.meldingsutveksling.exceptions.", $name),
            message: $message,
            description: None,
        }
    };
    ($status:ident, $name:literal) => {
        row!($status, $name, concat!("--no.difi.meldingsutveksling.exceptions.", $name, "-- []").to_owned())
    };
}

/// The row of a refusal.
#[allow(clippy::too_many_lines, reason = "a table: one row for each refusal")]
pub(super) fn row(refusal: &Refusal) -> Row {
    match refusal {
        Refusal::ConversationNotFound(id) => row!(
            NOT_FOUND,
            "ConversationNotFoundException",
            format!("Conversation with id = {} was not found", grouped(*id))
        ),
        Refusal::MessageNotFound(id) => {
            row!(NOT_FOUND, "MessageNotFoundException", format!("Message with messageId = {id} was not found"))
        }
        Refusal::FileNotFound(names) => {
            row!(NOT_FOUND, "FileNotFoundException", format!("File(s) named {} was not found", names.join(", ")))
        }
        Refusal::SubscriptionNotFound(id) => row!(
            NOT_FOUND,
            "SubscriptionNotFoundException",
            format!("Subscription with id = {} was not found", grouped(*id))
        ),
        Refusal::MessageStatusNotFound(id) => {
            row!(NOT_FOUND, "MessageStatusNotFoundException", format!("Message status not found for messageId = {id}"))
        }
        Refusal::StatusNotQueued(number) => row!(
            NOT_FOUND,
            "MessageStatusNotFoundException",
            format!("Message status with id = {} is not on the queue of statuses", grouped(*number))
        ),
        Refusal::AlreadySent(id) => Row {
            description: Some("It is sent already: no file can be added to it any more.".into()),
            ..row(&Refusal::MessageNotFound(id.to_string()))
        },
        Refusal::IdentifierNotFound(text) => row!(NOT_FOUND, "IdentifierNotFoundException", [text]),
        Refusal::NoContent => row!(NO_CONTENT, "NoContentException", "No content".into()),
        Refusal::AsicUnreadable(id) => row!(INTERNAL_SERVER_ERROR, "AsicReadException", [id]),
        Refusal::AttachmentNotStored => {
            row!(INTERNAL_SERVER_ERROR, "MessagePersistException", "Could not persist file named {0}".into())
        }
        Refusal::AttachmentNotRead => row!(
            INTERNAL_SERVER_ERROR,
            "InputStreamException",
            "Reading failed while reading the attachment named {0}".into()
        ),
        Refusal::ArkivmeldingProcessing(why) => {
            row!(INTERNAL_SERVER_ERROR, "ArkivmeldingProcessingException", [why])
        }
        Refusal::MessageExists(id) => {
            row!(BAD_REQUEST, "MessageAlreadyExistsException", format!("Message with messageId = {id} already exists"))
        }
        Refusal::NotLocked(id) => {
            row!(BAD_REQUEST, "MessageNotLockedException", format!("Message with messageId = {id} was not locked"))
        }
        Refusal::TypeDoesNotFit { kind, standard } => row!(
            BAD_REQUEST,
            "MessageTypeDoesNotFitDocumentTypeException",
            format!("Message type {kind} does not match the document type {standard}")
        ),
        Refusal::UnknownType(given) => row!(
            BAD_REQUEST,
            "UnknownMessageTypeException",
            format!("Unknown NextMove document type {given}. Expected one of the following values: {}", types())
        ),
        Refusal::MissingType => row!(BAD_REQUEST, "MissingMessageTypeException"),
        Refusal::ServiceNotEnabled(service) => {
            row!(BAD_REQUEST, "ServiceNotEnabledException", format!("Service {} is not enabled", service.name()))
        }
        Refusal::ReceiverDoesNotAccept { process, description } => Row {
            description: Some(description.clone()),
            ..row!(
                BAD_REQUEST,
                "ReceiverDoesNotAcceptProcessException",
                format!("Receiver do not accept the document process {process}")
            )
        },
        Refusal::ReceiverDoesNotAcceptType { standard, process } => row!(
            BAD_REQUEST,
            "ReceiverDoesNotAcceptDocumentType",
            format!("Receiver do not accept the document type {standard} for the process {process}")
        ),
        Refusal::ChannelInvalid { configured, given } => row!(
            BAD_REQUEST,
            "MessageChannelInvalidException",
            format!("Valid channels: {configured}, but found {given} in SBDH")
        ),
        Refusal::MissingAddress(field) => row!(BAD_REQUEST, "MissingAddressInformationException", [field]),
        Refusal::ForsendelseType { given, valid } => row!(
            BAD_REQUEST,
            "ForsendelseTypeNotFoundException",
            format!("Found forsendelseType {given}, but valid types are {}", valid.join(","))
        ),
        Refusal::MissingSvarUtCredentials(organisation) => row!(
            BAD_REQUEST,
            "MissingSvarUtCredentialsException",
            format!("SvarUt credentials not configured for orgnr {organisation}")
        ),
        Refusal::Sender(text) => row!(BAD_REQUEST, "SenderException", [text]),
        Refusal::Receiver(text) => row!(BAD_REQUEST, "ReceiverException", [text]),
        Refusal::InvalidCertificate(text) => row!(BAD_REQUEST, "InvalidCertificateException", text.clone()),
        Refusal::BadFilename { name, why } => Row {
            exception: "java.lang.IllegalArgumentException",
            ..row!(BAD_REQUEST, "", format!("The attachment named '{name}' cannot be packed: {why}."))
        },
        Refusal::SameFilename(name) => {
            row!(BAD_REQUEST, "DuplicateFilenameException", format!("Filename already exists in message: {name}."))
        }
        Refusal::TooLarge { total, service, limit } => row!(
            BAD_REQUEST,
            "MaxFileSizeExceededException",
            format!(
                "The combined file size for all attachments ({}) exceeds the maximum allowed upload size for the \
                 target service ({}, {})",
                size(*total),
                service.name(),
                size(*limit)
            )
        ),
        Refusal::PartTooLarge { filename, limit } => row!(
            BAD_REQUEST,
            "MultipartFileToLargeException",
            format!(
                "The attachment named '{filename}' is too large. The maximum size for multipart requests is {} bytes. \
                 Please use the non-multipart API to avoid such problems.",
                grouped(i64::try_from(*limit).unwrap_or(i64::MAX))
            )
        ),
        Refusal::SecondPrimary => row!(
            BAD_REQUEST,
            "MultiplePrimaryDocumentsNotAllowedException",
            "Messages can only contain one primary document".into()
        ),
        Refusal::MissingTitle(service) => row!(
            BAD_REQUEST,
            "MissingFileTitleException",
            format!("Title is required for the following capabilities: {}", service.name())
        ),
        Refusal::InvalidContentType(text) => row!(BAD_REQUEST, "InvalidContentTypeException", [text]),
        Refusal::InvalidDocument(text) => row!(BAD_REQUEST, "InvalidDocumentException", [text]),
        Refusal::MissingHeader(_) => {
            row!(BAD_REQUEST, "MissingHttpHeaderException", "Expected a HTTP header named {0}".into())
        }
        Refusal::MissingFile => {
            row!(BAD_REQUEST, "MissingFileException", "There must always be at least one attachment".into())
        }
        Refusal::MissingPrimary => row!(
            BAD_REQUEST,
            "MissingPrimaryDocumentException",
            "Missing a primary document. Please specify the hoveddokument property in the business message and verify \
             that is equal to one of the filenames."
                .into()
        ),
        Refusal::MissingArkivmelding => row!(
            BAD_REQUEST,
            "MissingArkivmeldingException",
            "DPO message type requires arkivmelding.xml attachment".into()
        ),
        Refusal::MissingArkivmeldingFiles(names) => row!(
            BAD_REQUEST,
            "MissingArkivmeldingFileException",
            format!("File(s) defined in arkivmelding, but not found in message: {}", names.join(","))
        ),
        Refusal::MissingSaksmappe => row!(
            BAD_REQUEST,
            "MissingSaksmappeException",
            "Arkivmelding does not contain any instances of Saksmappe".into()
        ),
        Refusal::ArkivmeldingUnreadable => {
            row!(BAD_REQUEST, "UnmarshalArkivmeldingException", "Unable to unmarshal arkivmelding".into())
        }
        Refusal::Expired { at } => row!(
            BAD_REQUEST,
            "TimeToLiveException",
            format!("ExpectedResponseDateTime {at} has been exceeded. Please resend the message")
        ),
        Refusal::NotAUuid { field, value } => {
            row!(BAD_REQUEST, "NotUUIDException", format!("{field} (value: {value}) is not a valid UUID"))
        }
        Refusal::BrokenRules(paths) => Row {
            status: StatusCode::BAD_REQUEST,
            exception: "jakarta.validation.ConstraintViolationException",
            message: paths.iter().map(|path| format!("{path}: must not be null")).collect::<Vec<_>>().join(", "),
            description: None,
        },
        Refusal::SubscriptionExists => row!(
            BAD_REQUEST,
            "SubscriptionWithSameNameAndPushEndpointAlreadyExists",
            "Subscription with same name and push endpoint already exists.".into()
        ),
        Refusal::PingFailed(error) => {
            row!(BAD_REQUEST, "WebhookPushEndpointPingFailedException", format!("Ping failed with: {error}."))
        }
        Refusal::UnknownFilter(name) => {
            row!(BAD_REQUEST, "WebhookUnknownFilterException", format!("Unknown filter name: {name}."))
        }
        Refusal::UnknownFilterOperator(operator) => {
            row!(BAD_REQUEST, "WebhookUnknownFilterOperationException", format!("Unknown filter operator: {operator}."))
        }
    }
}

/// All types that are no receipts.
fn types() -> String {
    let names: Vec<&str> = Kind::ALL.into_iter().filter(|kind| !kind.is_receipt()).map(Kind::name).collect();
    names.join(",")
}

/// `5,242,880`, as Java's `MessageFormat` writes numbers.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// Bytes below a mebibyte, whole mebibytes above.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes < MIB { format!("{bytes}b") } else { format!("{}MB", bytes / MIB) }
}

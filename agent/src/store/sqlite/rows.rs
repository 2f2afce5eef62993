//! Between rows and the domain.

use super::failed;
use crate::domain::{BlobId, ConversationId, Envelope, MessageId, NotAUuid, Service};
use crate::ports::StoreError;
use jiff::Timestamp;
use rusqlite::{Connection, Row};

/// A moment as it is kept.
pub(super) fn millis(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// A moment that was kept.
pub(super) fn moment(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|error| strange("a moment", &error))
}

/// A column.
pub(super) fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, name: &str) -> Result<T, StoreError> {
    row.get(name).map_err(failed("read a row"))
}

/// A moment that may not be there.
pub(super) fn maybe_moment(row: &Row<'_>, name: &str) -> Result<Option<Timestamp>, StoreError> {
    column::<Option<i64>>(row, name)?.map(moment).transpose()
}

pub(super) fn message_id(text: &str) -> Result<MessageId, StoreError> {
    MessageId::parse(text).map_err(|error| not_a_uuid(&error))
}

pub(super) fn conversation_id(text: &str) -> Result<ConversationId, StoreError> {
    ConversationId::parse(text).map_err(|error| not_a_uuid(&error))
}

pub(super) fn blob_id(text: &str) -> Result<BlobId, StoreError> {
    BlobId::parse(text).map_err(|error| not_a_uuid(&error))
}

fn not_a_uuid(error: &NotAUuid) -> StoreError {
    strange("an id", error)
}

/// A word that is one of ours.
pub(super) fn word<T>(text: &str, named: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    named(text).ok_or_else(|| StoreError::Strange { what: "a word", why: format!("'{text}' is not known") })
}

pub(super) fn service(row: &Row<'_>) -> Result<Service, StoreError> {
    word(&column::<String>(row, "service")?, Service::named)
}

/// The text of an envelope.
pub(super) fn sbd(envelope: &Envelope) -> Result<String, StoreError> {
    crate::sbd::write(envelope).map(|text| text.get().to_owned()).map_err(|error| strange("a document", &error))
}

/// The envelope of a text.
pub(super) fn envelope(text: &str) -> Result<Envelope, StoreError> {
    crate::sbd::read_foreign(text.as_bytes()).map_err(|error| strange("a document", &error))
}

pub(super) fn strange(what: &'static str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Strange { what, why: efm::chain::Chain(error).to_string() }
}

/// Each row of a query, made into what it is.
pub(super) fn each<T>(
    connection: &Connection,
    query: &str,
    parameters: &[&dyn rusqlite::ToSql],
    make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(query).map_err(failed("ask"))?;
    let mut rows = statement.query(parameters).map_err(failed("ask"))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed("ask"))? {
        all.push(make(row)?);
    }
    Ok(all)
}

/// The first row of a query.
pub(super) fn one<T>(
    connection: &Connection,
    query: &str,
    parameters: &[&dyn rusqlite::ToSql],
    make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(query).map_err(failed("ask"))?;
    let mut rows = statement.query(parameters).map_err(failed("ask"))?;
    rows.next().map_err(failed("ask"))?.map(make).transpose()
}

/// Changes rows, and says how many.
pub(super) fn change(
    connection: &Connection,
    statement: &str,
    parameters: &[&dyn rusqlite::ToSql],
) -> Result<usize, StoreError> {
    connection.prepare_cached(statement).and_then(|mut it| it.execute(parameters)).map_err(failed("change rows"))
}

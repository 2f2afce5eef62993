//! Between rows and the domain.

pub(super) use crate::store::values::{blob_id, conversation_id, envelope, message_id, millis, moment, sbd, word};

use super::failed;
use crate::domain::Service;
use crate::ports::StoreError;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// A column.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, StoreError> {
    row.try_get(name).map_err(failed("read a row"))
}

/// A moment that may not be there.
pub(super) fn maybe_moment(row: &Row, name: &str) -> Result<Option<Timestamp>, StoreError> {
    column::<Option<i64>>(row, name)?.map(moment).transpose()
}

pub(super) fn service(row: &Row) -> Result<Service, StoreError> {
    word(column::<&str>(row, "service")?, Service::named)
}

/// The database keeps no NUL in a text.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A text that may not be there, without NUL.
pub(super) fn maybe_clean(text: Option<&String>) -> Option<String> {
    text.map(|text| clean(text))
}

/// A length or a count.
pub(super) fn natural(row: &Row, name: &str) -> Result<u64, StoreError> {
    column::<i64>(row, name).map(|number| u64::try_from(number).unwrap_or(0))
}

/// A small one.
pub(super) fn small(row: &Row, name: &str) -> Result<u32, StoreError> {
    column::<i64>(row, name).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

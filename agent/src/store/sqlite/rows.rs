//! Between rows and the domain.

use super::failed;
pub(super) use crate::store::values::{blob_id, conversation_id, envelope, message_id, millis, moment, sbd, word};

use crate::domain::Service;
use crate::ports::StoreError;
use jiff::Timestamp;
use rusqlite::{Connection, Row};

/// A column.
pub(super) fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, name: &str) -> Result<T, StoreError> {
    row.get(name).map_err(failed("read a row"))
}

/// A moment that may not be there.
pub(super) fn maybe_moment(row: &Row<'_>, name: &str) -> Result<Option<Timestamp>, StoreError> {
    column::<Option<i64>>(row, name)?.map(moment).transpose()
}

pub(super) fn service(row: &Row<'_>) -> Result<Service, StoreError> {
    word(&column::<String>(row, "service")?, Service::named)
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

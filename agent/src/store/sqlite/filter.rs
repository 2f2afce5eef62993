//! Filters and pages as SQL: names of columns are ours, values are always parameters.

use super::rows::{column, each, one};
use crate::ports::{Page, PageRequest, StoreError};
use rusqlite::{Connection, Row, ToSql, types::Value};

/// What rows must be.
#[derive(Default)]
pub(super) struct Filter {
    terms: Vec<String>,
    values: Vec<Value>,
}

/// A list, as SQL. Names of columns are ours.
pub(super) struct List<'a> {
    /// What is read.
    pub(super) columns: &'a str,
    /// What stands behind FROM.
    pub(super) from: &'a str,
    /// What is counted where that is less.
    pub(super) counted: &'a str,
    /// What stands behind ORDER BY.
    pub(super) order: &'a str,
}

impl Filter {
    /// This column must be this, where there is one.
    pub(super) fn is<T: Into<Value>>(self, column: &'static str, value: Option<T>) -> Self {
        self.compared(column, "=", value)
    }

    /// This column must be so, where there is a value.
    pub(super) fn compared<T: Into<Value>>(mut self, column: &'static str, how: &str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.values.push(value.into());
            self.terms.push(format!("{column} {how} ?{}", self.values.len()));
        }
        self
    }

    /// This column must be set or not; said without a parameter, so that an index of a part of the rows serves.
    pub(super) fn flag(mut self, column: &'static str, value: Option<bool>) -> Self {
        self.terms.extend(value.map(|is| if is { column.to_owned() } else { format!("NOT {column}") }));
        self
    }

    /// ` WHERE a = ?1 AND b = ?2`, or nothing.
    fn clause(&self) -> String {
        if self.terms.is_empty() { String::new() } else { format!(" WHERE {}", self.terms.join(" AND ")) }
    }

    fn parameters(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(|value| -> &dyn ToSql { value }).collect()
    }

    pub(super) fn count(&self, list: &List<'_>) -> String {
        format!("SELECT count(*) AS total FROM {}{}", list.counted, self.clause())
    }

    pub(super) fn query(&self, list: &List<'_>) -> String {
        let (at_limit, at_offset) = (self.values.len() + 1, self.values.len() + 2);
        let List { columns, from, order, .. } = list;
        let clause = self.clause();
        format!("SELECT {columns} FROM {from}{clause} ORDER BY {order} LIMIT ?{at_limit} OFFSET ?{at_offset}")
    }

    /// The rows of a page.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        list: &List<'_>,
        page: PageRequest,
        make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let count = self.count(list);
        let total: Option<i64> = one(connection, &count, &self.parameters(), |row| column(row, "total"))?;
        let rows = self.rows(connection, list, page, make)?;
        Ok(Page { rows, total: total.and_then(|total| u64::try_from(total).ok()).unwrap_or(0) })
    }

    /// The rows of a page, without counting what is beside it.
    pub(super) fn rows<T>(
        &self,
        connection: &Connection,
        list: &List<'_>,
        page: PageRequest,
        make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (limit, offset) = (i64::from(page.size), i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let query = self.query(list);
        let mut parameters = self.parameters();
        parameters.push(&limit);
        parameters.push(&offset);
        each(connection, &query, &parameters, make)
    }
}

//! Filters and pages as SQL: names of columns are ours, values are always parameters.

use super::rows::{column, each, one};
use crate::ports::{Page, PageRequest, StoreError};
use rusqlite::{Connection, Row, ToSql, types::Value};

/// What rows must be.
#[derive(Default)]
pub(super) struct Filter {
    columns: Vec<&'static str>,
    values: Vec<Value>,
}

impl Filter {
    /// This column must be this, where there is one.
    pub(super) fn is<T: Into<Value>>(mut self, column: &'static str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.columns.push(column);
            self.values.push(value.into());
        }
        self
    }

    /// ` WHERE a = ?1 AND b = ?2`, or nothing.
    fn clause(&self) -> String {
        let terms: Vec<String> =
            self.columns.iter().zip(1..).map(|(column, number)| format!("{column} = ?{number}")).collect();
        if terms.is_empty() { String::new() } else { format!(" WHERE {}", terms.join(" AND ")) }
    }

    fn parameters(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(|value| -> &dyn ToSql { value }).collect()
    }

    /// The rows of a page, in this order. `from` is what stands behind FROM.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        columns: &str,
        from: &str,
        order: &str,
        page: PageRequest,
        make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let clause = self.clause();
        let count = format!("SELECT count(*) AS total FROM {from}{clause}");
        let total: Option<i64> = one(connection, &count, &self.parameters(), |row| column(row, "total"))?;
        let (limit, offset) = (i64::from(page.size), i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let (at_limit, at_offset) = (self.values.len() + 1, self.values.len() + 2);
        let query =
            format!("SELECT {columns} FROM {from}{clause} ORDER BY {order} LIMIT ?{at_limit} OFFSET ?{at_offset}");
        let mut parameters = self.parameters();
        parameters.push(&limit);
        parameters.push(&offset);
        let rows = each(connection, &query, &parameters, make)?;
        Ok(Page { rows, total: total.and_then(|total| u64::try_from(total).ok()).unwrap_or(0) })
    }
}

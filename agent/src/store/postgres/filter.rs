//! Filters and pages as SQL: names of columns are ours, values are always parameters.

use super::connect::Act;
use super::rows::{clean, natural};
use crate::ports::{Page, PageRequest, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

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

/// What rows must be.
#[derive(Default)]
pub(super) struct Filter {
    terms: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Filter {
    /// This column must be this text, where there is one.
    pub(super) fn is(self, column: &'static str, value: Option<impl AsRef<str>>) -> Self {
        self.equals(column, value.map(|value| clean(value.as_ref())))
    }

    /// This column must be this, where there is one.
    pub(super) fn equals<T: ToSql + Sync + Send + 'static>(self, column: &'static str, value: Option<T>) -> Self {
        self.compared(column, "=", value)
    }

    /// This column must be so, where there is a value.
    pub(super) fn compared<T: ToSql + Sync + Send + 'static>(
        mut self,
        column: &'static str,
        how: &str,
        value: Option<T>,
    ) -> Self {
        if let Some(value) = value {
            self.values.push(Box::new(value));
            self.terms.push(format!("{column} {how} ${}", self.values.len()));
        }
        self
    }

    /// This column must be set or not; said without a parameter, so that an index of a part of the rows serves.
    pub(super) fn flag(mut self, column: &'static str, value: Option<bool>) -> Self {
        self.terms.extend(value.map(|is| if is { column.to_owned() } else { format!("NOT {column}") }));
        self
    }

    /// `a = $1 AND b = $2`, or what is always so.
    pub(super) fn condition(&self) -> String {
        if self.terms.is_empty() { "true".to_owned() } else { self.terms.join(" AND ") }
    }

    /// The place of the next parameter.
    pub(super) fn next(&self) -> usize {
        self.values.len() + 1
    }

    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
    }

    /// The rows of a page.
    pub(super) async fn page(
        &self,
        act: &Act<'_>,
        list: &List<'_>,
        page: PageRequest,
    ) -> Result<Page<Row>, StoreError> {
        let condition = self.condition();
        let count = format!("SELECT count(*) AS total FROM {} WHERE {condition}", list.counted);
        let total = act.one(&count, &self.parameters()).await?.map_or(Ok(0), |row| natural(&row, "total"))?;
        let (limit, offset) = (i64::from(page.size), i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let (at, then) = (self.next(), self.next() + 1);
        let List { columns, from, order, .. } = list;
        let query =
            format!("SELECT {columns} FROM {from} WHERE {condition} ORDER BY {order} LIMIT ${at} OFFSET ${then}");
        let mut parameters = self.parameters();
        parameters.push(&limit);
        parameters.push(&offset);
        Ok(Page { rows: act.each(&query, &parameters).await?, total })
    }
}

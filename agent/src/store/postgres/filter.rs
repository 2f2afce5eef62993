//! Filters and pages as SQL: names of columns are ours, values are always parameters.

use super::connect::Act;
use super::rows::{clean, natural};
use crate::ports::{Page, PageRequest, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// What rows must be.
#[derive(Default)]
pub(super) struct Filter {
    columns: Vec<&'static str>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Filter {
    /// This column must be this text, where there is one.
    pub(super) fn is(self, column: &'static str, value: Option<impl AsRef<str>>) -> Self {
        self.equals(column, value.map(|value| clean(value.as_ref())))
    }

    /// This column must be this, where there is one.
    pub(super) fn equals<T: ToSql + Sync + Send + 'static>(mut self, column: &'static str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.columns.push(column);
            self.values.push(Box::new(value));
        }
        self
    }

    /// `a = $1 AND b = $2`, or what is always so.
    pub(super) fn condition(&self) -> String {
        let terms = self.columns.iter().zip(1..).map(|(column, number)| format!("{column} = ${number}"));
        std::iter::once("true".to_owned()).chain(terms).collect::<Vec<_>>().join(" AND ")
    }

    /// The place of the next parameter.
    pub(super) fn next(&self) -> usize {
        self.values.len() + 1
    }

    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
    }

    /// The rows of a page, in this order. `from` is what stands behind FROM.
    pub(super) async fn page(
        &self,
        act: &Act<'_>,
        columns: &str,
        from: &str,
        order: &str,
        page: PageRequest,
    ) -> Result<Page<Row>, StoreError> {
        let condition = self.condition();
        let count = format!("SELECT count(*) AS total FROM {from} WHERE {condition}");
        let total = act.one(&count, &self.parameters()).await?.map_or(Ok(0), |row| natural(&row, "total"))?;
        let (limit, offset) = (i64::from(page.size), i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let (at, then) = (self.next(), self.next() + 1);
        let query =
            format!("SELECT {columns} FROM {from} WHERE {condition} ORDER BY {order} LIMIT ${at} OFFSET ${then}");
        let mut parameters = self.parameters();
        parameters.push(&limit);
        parameters.push(&offset);
        Ok(Page { rows: act.each(&query, &parameters).await?, total })
    }
}

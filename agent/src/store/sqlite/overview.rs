//! What a person looks for.

use super::Sqlite;
use super::conversations::stored;
use super::rows::{column, each, maybe_moment, message_id, moment, one, service};
use crate::ports::{Answer, Overview, Page, PageRequest, Queued, Search, StoreError, StoredConversation};
use crate::store::search::{Condition, Dialect, Value};
use rusqlite::ToSql;

const DIALECT: Dialect = Dialect { parameter: '?', like: "LIKE" };

impl Overview for Sqlite {
    fn search(&self, search: Search, page: PageRequest) -> Answer<'_, Page<StoredConversation>, StoreError> {
        self.read("look for conversations", move |connection| {
            let mut condition = Condition::of(&search, DIALECT);
            let (clause, most) = (condition.text(), Search::COUNTED);
            let count = format!(
                "SELECT count(*) AS total FROM (SELECT 1 FROM conversations WHERE {clause} LIMIT {most})"
            );
            let total = one(connection, &count, &parameters(&condition.values), |row| column::<i64>(row, "total"))?;
            let limit = condition.add(Value::Number(i64::from(page.size)));
            let offset = condition.add(Value::Number(i64::try_from(page.offset()).unwrap_or(i64::MAX)));
            let query = format!(
                "SELECT * FROM conversations WHERE {clause} ORDER BY updated DESC, id DESC LIMIT {limit} OFFSET {offset}"
            );
            let rows = each(connection, &query, &parameters(&condition.values), |row| stored(connection, row))?;
            Ok(Page { rows, total: total.and_then(|total| u64::try_from(total).ok()).unwrap_or(0) })
        })
    }

    fn queue(&self, most: u32) -> Answer<'_, Vec<Queued>, StoreError> {
        self.read("look at the queue", move |connection| {
            let query =
                "SELECT queue.id AS number, message_id, receiver_identifier, queue.service AS service, due, tried,
                                leased_until, last_error
                         FROM queue LEFT JOIN messages_out m ON m.id = queue.message ORDER BY due, queue.id LIMIT ?1";
            each(connection, query, &[&most], |row| {
                Ok(Queued {
                    number: column(row, "number")?,
                    message: column::<Option<String>>(row, "message_id")?.map(|id| message_id(&id)).transpose()?,
                    receiver: column(row, "receiver_identifier")?,
                    service: service(row)?,
                    due: moment(column(row, "due")?)?,
                    tried: column(row, "tried")?,
                    leased_until: maybe_moment(row, "leased_until")?,
                    last_error: column(row, "last_error")?,
                })
            })
        })
    }

    fn size_bytes(&self) -> Answer<'_, u64, StoreError> {
        self.read("measure", |connection| {
            let query = "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
            let bytes = one(connection, query, &[], |row| column::<i64>(row, "bytes"))?;
            Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
        })
    }
}

fn parameters(values: &[Value]) -> Vec<&dyn ToSql> {
    let plain = values.iter().map(|value| -> &dyn ToSql {
        match value {
            Value::Text(text) => text,
            Value::Number(number) => number,
        }
    });
    plain.collect()
}

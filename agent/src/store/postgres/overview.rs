//! What a person looks for.

use super::connect::Act;
use super::conversations::with_statuses;
use super::rows::{clean, column, maybe_moment, message_id, moment, natural, service, small};
use super::{Postgres, act};
use crate::ports::{Answer, Overview, Page, PageRequest, Queued, Search, StoreError, StoredConversation};
use crate::store::search::{Condition, Dialect, Value};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const DIALECT: Dialect = Dialect { parameter: '$', like: "ILIKE" };

impl Overview for Postgres {
    fn search(&self, search: Search, page: PageRequest) -> Answer<'_, Page<StoredConversation>, StoreError> {
        act!(self, "look for conversations", |act| async {
            let mut condition = Condition::of(&search, DIALECT);
            let (clause, most) = (condition.text(), Search::COUNTED);
            let count = format!(
                "SELECT count(*) AS total FROM (SELECT 1 FROM conversations WHERE {clause} LIMIT {most}) found"
            );
            let counted = ask(&act, &count, &condition.values).await?;
            let total = counted.first().map_or(Ok(0), |row| natural(row, "total"))?;
            let limit = condition.add(Value::Number(i64::from(page.size)));
            let offset = condition.add(Value::Number(i64::try_from(page.offset()).unwrap_or(i64::MAX)));
            let query = format!(
                "SELECT * FROM conversations WHERE {clause} ORDER BY updated DESC, id DESC LIMIT {limit} OFFSET {offset}"
            );
            let rows = ask(&act, &query, &condition.values).await?;
            Ok(Page { rows: with_statuses(&act, &rows).await?, total })
        })
    }

    fn queue(&self, most: u32) -> Answer<'_, Vec<Queued>, StoreError> {
        act!(self, "look at the queue", |act| async {
            let query =
                "SELECT queue.id AS number, message_id, receiver_identifier, queue.service AS service, due, tried,
                                leased_until, last_error
                         FROM queue LEFT JOIN messages_out m ON m.id = queue.message ORDER BY due, queue.id LIMIT $1";
            act.each(query, &[&i64::from(most)]).await?.iter().map(queued).collect::<Result<_, _>>()
        })
    }

    fn size_bytes(&self) -> Answer<'_, u64, StoreError> {
        act!(self, "measure", |act| async {
            let row = act.one("SELECT pg_database_size(current_database()) AS bytes", &[]).await?;
            row.map_or(Ok(0), |row| natural(&row, "bytes"))
        })
    }
}

fn queued(row: &Row) -> Result<Queued, StoreError> {
    Ok(Queued {
        number: column(row, "number")?,
        message: column::<Option<&str>>(row, "message_id")?.map(message_id).transpose()?,
        receiver: column(row, "receiver_identifier")?,
        service: service(row)?,
        due: moment(column(row, "due")?)?,
        tried: small(row, "tried")?,
        leased_until: maybe_moment(row, "leased_until")?,
        last_error: column(row, "last_error")?,
    })
}

async fn ask(act: &Act<'_>, query: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
    let values: Vec<Box<dyn ToSql + Sync + Send>> = values
        .iter()
        .map(|value| -> Box<dyn ToSql + Sync + Send> {
            match value {
                Value::Text(text) => Box::new(clean(text)),
                Value::Number(number) => Box::new(*number),
            }
        })
        .collect();
    let values: Vec<_> = values.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect();
    act.each_once(query, &values).await
}

//! The statuses that a case system takes one by one.

use super::conversations::{STATUS, STATUSES, status};
use super::rows::{change, one};
use super::{Sqlite, failed};
use crate::domain::{Service, Services};
use crate::ports::{Answer, StatusQueue, StatusRow, StoreError};
use rusqlite::{Connection, params};

impl StatusQueue for Sqlite {
    fn first_status(&self) -> Answer<'_, Option<StatusRow>, StoreError> {
        self.read("look at the status queue", |connection| {
            let query =
                format!("SELECT {STATUS} FROM {STATUSES} WHERE statuses.id = (SELECT min(status) FROM status_queue)");
            one(connection, &query, &[], status)
        })
    }

    fn take_status(&self, number: i64) -> Answer<'_, bool, StoreError> {
        self.write("take a status off its queue", move |connection| {
            Ok(change(connection, "DELETE FROM status_queue WHERE status = ?1", &[&number])? > 0)
        })
    }
}

/// Says on this connection which services' statuses are queued; it lasts as long as the connection.
pub(super) fn name_services(connection: &Connection, services: &Services) -> Result<(), StoreError> {
    let act = "name the services of the status queue";
    connection.execute_batch("CREATE TEMP TABLE queued_services (service TEXT PRIMARY KEY)").map_err(failed(act))?;
    for service in services.iter() {
        change(connection, "INSERT INTO temp.queued_services VALUES (?1)", &[&service.name()])?;
    }
    Ok(())
}

/// Puts the status that was noted last on the queue, where its service is one of those.
pub(super) fn add_last(connection: &Connection, service: Service) -> Result<(), StoreError> {
    let number = connection.last_insert_rowid();
    let insert = "INSERT INTO status_queue SELECT ?1 WHERE ?2 IN (SELECT service FROM temp.queued_services)";
    change(connection, insert, params![number, service.name()]).map(|_| ())
}

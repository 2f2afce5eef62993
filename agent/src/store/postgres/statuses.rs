//! The statuses that a case system takes one by one.

use super::connect::Act;
use super::conversations::{STATUS, STATUSES, status};
use super::{Postgres, act, view};
use crate::ports::{Answer, StatusQueue, StatusRow, StoreError};

impl StatusQueue for Postgres {
    fn first_status(&self) -> Answer<'_, Option<StatusRow>, StoreError> {
        view!(self, |act| async {
            let query =
                format!("SELECT {STATUS} FROM {STATUSES} WHERE statuses.id = (SELECT min(status) FROM status_queue)");
            act.one(&query, &[]).await?.as_ref().map(status).transpose()
        })
    }

    fn take_status(&self, number: i64) -> Answer<'_, bool, StoreError> {
        act!(self, "take a status off its queue", |act| async {
            Ok(act.change("DELETE FROM status_queue WHERE status = $1", &[&number]).await? > 0)
        })
    }
}

/// Puts a status on the queue.
pub(super) async fn add(act: &Act<'_>, number: i64) -> Result<(), StoreError> {
    act.change("INSERT INTO status_queue (status) VALUES ($1)", &[&number]).await.map(|_| ())
}

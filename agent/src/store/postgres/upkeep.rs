//! What time does to what is kept.

use super::connect::Act;
use super::rows::{self, blob_id, column, millis, word};
use super::{Postgres, act, conversations, outbox};
use crate::domain::{BlobId, Direction, MessageId, NewStatus, Services, Status};
use crate::ports::{Answer, Expired, StoreError, Upkeep};
use jiff::Timestamp;

impl Upkeep for Postgres {
    fn database(&self) -> &'static str {
        "PostgreSQL"
    }

    fn expire(&self, now: Timestamp, most: u32) -> Answer<'_, Vec<Expired>, StoreError> {
        act!(self, "expire messages", |act| async {
            // Who has it in hand says what becomes of it; what another instance is expiring is passed over.
            let query = "SELECT message_id, direction FROM conversations c
                WHERE expires < $1 AND NOT is_finished
                AND NOT EXISTS (SELECT 1 FROM messages_in m WHERE c.direction = 'INCOMING'
                                AND m.message_id = c.message_id AND m.locked_until >= $1)
                AND NOT EXISTS (SELECT 1 FROM queue JOIN messages_out m ON m.id = queue.message
                                WHERE c.direction = 'OUTGOING' AND m.message_id = c.message_id AND leased_until > $1)
                ORDER BY expires LIMIT $2 FOR UPDATE OF c SKIP LOCKED";
            let mut expired = Vec::new();
            for row in act.each(query, &[&millis(now), &i64::from(most)]).await? {
                let id = rows::message_id(column(&row, "message_id")?)?;
                let direction = word(column::<&str>(&row, "direction")?, Direction::named)?;
                expired.extend(expire(&act, id, direction, now, &self.status_queue).await?);
            }
            Ok(expired)
        })
    }

    fn unlock(&self, now: Timestamp) -> Answer<'_, u64, StoreError> {
        act!(self, "unlock messages", |act| async {
            let update = "UPDATE messages_in SET locked_until = NULL WHERE locked_until < $1";
            act.change(update, &[&millis(now)]).await
        })
    }

    fn forget_finished(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError> {
        act!(self, "forget conversations", |act| async {
            let delete = "DELETE FROM conversations WHERE id IN (
                SELECT id FROM conversations c WHERE is_finished AND updated < $1
                AND NOT EXISTS (SELECT 1 FROM messages_in m WHERE m.message_id = c.message_id)
                AND NOT EXISTS (SELECT 1 FROM messages_out m WHERE m.message_id = c.message_id)
                ORDER BY updated, id LIMIT $2 FOR UPDATE OF c SKIP LOCKED)";
            act.change(delete, &[&millis(before), &i64::from(most)]).await
        })
    }

    fn unnamed<'a>(&'a self, blobs: &'a [BlobId]) -> Answer<'a, Vec<BlobId>, StoreError> {
        act!(self, "look for names of blobs", |act| async {
            let asked: Vec<&str> = blobs.iter().map(BlobId::as_str).collect();
            let query = "SELECT blob FROM files WHERE blob = ANY($1)
                         UNION ALL SELECT package FROM messages_in WHERE package = ANY($1)";
            let found = act.each(query, &[&asked]).await?;
            let named = found.iter().map(|row| column::<&str>(row, "blob")).collect::<Result<Vec<_>, _>>()?;
            Ok(blobs.iter().filter(|blob| !named.contains(&blob.as_str())).cloned().collect())
        })
    }

    fn names_blobs(&self) -> Answer<'_, bool, StoreError> {
        act!(self, "look for any name of a blob", |act| async {
            let query = "SELECT 1 FROM (SELECT blob FROM files
                         UNION ALL SELECT package FROM messages_in WHERE package IS NOT NULL) named LIMIT 1";
            Ok(act.one(query, &[]).await?.is_some())
        })
    }
}

/// Somebody may have taken it in hand between the look and the lock; then nothing happens to it this time.
async fn expire(
    act: &Act<'_>,
    message: MessageId,
    direction: Direction,
    now: Timestamp,
    queued: &Services,
) -> Result<Option<Expired>, StoreError> {
    let mut blobs = Vec::new();
    let mut last_error = None;
    match direction {
        Direction::Incoming => {
            let lock = "SELECT package, locked_until FROM messages_in WHERE message_id = $1 FOR UPDATE";
            if let Some(row) = act.one(lock, &[&message.as_str()]).await? {
                if column::<Option<i64>>(&row, "locked_until")?.is_some_and(|until| until >= millis(now)) {
                    return Ok(None);
                }
                blobs.extend(column::<Option<&str>>(&row, "package")?.map(blob_id).transpose()?);
                act.change("DELETE FROM messages_in WHERE message_id = $1", &[&message.as_str()]).await?;
            }
        }
        Direction::Outgoing => {
            let lock = "SELECT last_error, leased_until FROM queue JOIN messages_out m ON m.id = queue.message
                        WHERE message_id = $1 FOR UPDATE OF queue";
            if let Some(row) = act.one(lock, &[&message.as_str()]).await? {
                if column::<Option<i64>>(&row, "leased_until")?.is_some_and(|until| until > millis(now)) {
                    return Ok(None);
                }
                last_error = column::<Option<String>>(&row, "last_error")?;
                blobs = outbox::remove(act, &message).await?;
            }
        }
    }
    let description = last_error.map(|error| format!("Last error: {error}"));
    let status = NewStatus { description, ..NewStatus::plain(Status::LevetidUtlopt, now) };
    conversations::register(act, &message, direction, &status, queued).await?;
    Ok(Some(Expired { message, direction, blobs }))
}

//! What time does to what is kept.

use super::rows::{self, blob_id, change, column, each, millis, one, word};
use super::{Sqlite, conversations, outbox};
use crate::domain::{BlobId, Direction, MessageId, NewStatus, Status};
use crate::ports::{Answer, Expired, StoreError, Upkeep};
use jiff::Timestamp;
use rusqlite::{Connection, params};

impl Upkeep for Sqlite {
    fn database(&self) -> &'static str {
        "SQLite"
    }

    fn expire(&self, now: Timestamp, most: u32) -> Answer<'_, Vec<Expired>, StoreError> {
        self.write("expire messages", move |connection| {
            // Who has it in hand says what becomes of it.
            let query = "SELECT message_id, direction FROM conversations c
                WHERE expires < ?1 AND NOT is_finished
                AND NOT EXISTS (SELECT 1 FROM messages_in m WHERE c.direction = 'INCOMING'
                                AND m.message_id = c.message_id AND m.locked_until >= ?1)
                AND NOT EXISTS (SELECT 1 FROM queue JOIN messages_out m ON m.id = queue.message
                                WHERE c.direction = 'OUTGOING' AND m.message_id = c.message_id AND leased_until > ?1)
                ORDER BY expires LIMIT ?2";
            let found = each(connection, query, params![millis(now), most], |row| {
                let id = rows::message_id(&column::<String>(row, "message_id")?)?;
                Ok((id, word(&column::<String>(row, "direction")?, Direction::named)?))
            })?;
            found.into_iter().map(|(id, direction)| expire(connection, id, direction, now)).collect()
        })
    }

    fn unlock(&self, now: Timestamp) -> Answer<'_, u64, StoreError> {
        self.write("unlock messages", move |connection| {
            let update = "UPDATE messages_in SET locked_until = NULL WHERE locked_until < ?1";
            Ok(count(change(connection, update, &[&millis(now)])?))
        })
    }

    fn forget_finished(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError> {
        self.write("forget conversations", move |connection| {
            let delete = "DELETE FROM conversations WHERE id IN (
                SELECT id FROM conversations c WHERE is_finished AND updated < ?1
                AND NOT EXISTS (SELECT 1 FROM messages_in m WHERE m.message_id = c.message_id)
                AND NOT EXISTS (SELECT 1 FROM messages_out m WHERE m.message_id = c.message_id)
                ORDER BY updated, id LIMIT ?2)";
            Ok(count(change(connection, delete, params![millis(before), most])?))
        })
    }

    fn unnamed<'a>(&'a self, blobs: &'a [BlobId]) -> Answer<'a, Vec<BlobId>, StoreError> {
        let blobs = blobs.to_vec();
        self.read("look for names of blobs", move |connection| {
            let mut unnamed = Vec::new();
            for blob in blobs {
                let query =
                    "SELECT 1 FROM files WHERE blob = ?1 UNION ALL SELECT 1 FROM messages_in WHERE package = ?1";
                if one(connection, query, &[&blob.as_str()], |_| Ok(()))?.is_none() {
                    unnamed.push(blob);
                }
            }
            Ok(unnamed)
        })
    }

    fn names_blobs(&self) -> Answer<'_, bool, StoreError> {
        self.read("look for any name of a blob", move |connection| {
            let query = "SELECT 1 FROM files UNION ALL SELECT 1 FROM messages_in WHERE package IS NOT NULL LIMIT 1";
            Ok(one(connection, query, &[], |_| Ok(()))?.is_some())
        })
    }
}

fn count(changed: usize) -> u64 {
    u64::try_from(changed).unwrap_or(u64::MAX)
}

fn expire(
    connection: &Connection,
    message: MessageId,
    direction: Direction,
    now: Timestamp,
) -> Result<Expired, StoreError> {
    let (blobs, last_error) = match direction {
        Direction::Incoming => {
            let delete = "DELETE FROM messages_in WHERE message_id = ?1 RETURNING package";
            let package =
                one(connection, delete, &[&message.as_str()], |row| column::<Option<String>>(row, "package"))?;
            (package.flatten().map(|blob| blob_id(&blob)).transpose()?.into_iter().collect(), None)
        }
        Direction::Outgoing => {
            let query =
                "SELECT last_error FROM queue JOIN messages_out m ON m.id = queue.message WHERE message_id = ?1";
            let queued =
                one(connection, query, &[&message.as_str()], |row| column::<Option<String>>(row, "last_error"))?;
            let blobs = if queued.is_some() { outbox::remove(connection, &message)? } else { Vec::new() };
            (blobs, queued.flatten())
        }
    };
    let description = last_error.map(|error| format!("Last error: {error}"));
    let status = NewStatus { description, ..NewStatus::plain(Status::LevetidUtlopt, now) };
    conversations::register(connection, &message, direction, &status)?;
    Ok(Expired { message, direction, blobs })
}

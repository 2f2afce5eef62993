//! Looks at the file without making or changing it.

use super::{PATIENCE, Sqlite, failed};
use crate::ports::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

impl Sqlite {
    /// The number of the schema in this file; none where there is no file. Changes nothing.
    ///
    /// # Errors
    /// It cannot be read, or is no database.
    pub fn look(path: &Path) -> Result<Option<u32>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let act = "look into the database";
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed(act))?;
        connection.busy_timeout(PATIENCE).map_err(failed(act))?;
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0));
        tables.map_err(failed(act))?;
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map(Some).map_err(failed(act))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Services;

    #[test]
    fn a_look_makes_nothing_and_knows_a_database_from_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        assert_eq!(Sqlite::look(&path).unwrap(), None);
        assert!(!path.exists());
        efm::atomic::replace(&path, &b"no database at all ".repeat(300)).unwrap();
        assert!(Sqlite::look(&path).is_err());
        std::fs::remove_file(&path).unwrap();
        let store = Sqlite::open(&path, &Services::default()).unwrap();
        assert!(Sqlite::look(&path).unwrap().is_some_and(|schema| schema > 0));
        drop(store);
    }
}

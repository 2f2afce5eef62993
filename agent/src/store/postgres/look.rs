//! Looks whether the server answers, without changing anything there.

use super::connect::{Pool, Server};
use super::{Postgres, failed};
use crate::ports::StoreError;

impl Postgres {
    /// The version of the server, which has let us in. Changes nothing.
    ///
    /// # Errors
    /// It cannot be reached, or refuses.
    pub async fn look(server: &Server) -> Result<String, StoreError> {
        let pool = Pool::start(server)?;
        let mut lent = pool.take().await?;
        let act = lent.begin().await?;
        let row = act.one("SELECT current_setting('server_version')", &[]).await?.ok_or(StoreError::Closed)?;
        row.try_get(0).map_err(failed("look into the database"))
    }
}

//! The database may come later than we do.

use super::StoreError;
use crate::ports::Answer;

/// Opens it.
pub trait Opening: Send + Sync {
    /// Opens it where it is not open, and brings it to this version's schema. Until this has answered `Ok` every other call
    /// answers [`StoreError::NotOpen`]; it may be called again and again, by one at a time;
    /// once it is open, it says whether it is still to be reached. Where there was a database that
    /// could not be opened, none is ever made in its place.
    fn bring_up(&self) -> Answer<'_, (), StoreError>;
}

//! The statuses that a case system takes one by one.

use super::{StatusRow, StoreError};
use crate::ports::Answer;

/// Statuses of the services that the store was opened for, in the order in which they were noted, each until it is taken.
pub trait StatusQueue: Send + Sync {
    /// The first one; it stays.
    fn first_status(&self) -> Answer<'_, Option<StatusRow>, StoreError>;
    /// Takes this one off the queue, wherever it stands; false: it is not there. The status itself stays.
    fn take_status(&self, number: i64) -> Answer<'_, bool, StoreError>;
}

//! How a room asks the outside: over HTTP within bounds ([`Http`]), and once for all who ask the same at a time
//! ([`Kept`]). What is asked for, and what an answer means, is the room's own.

mod http;
mod kept;

pub use http::{Http, Reply, Request, Unreached};
pub use kept::Kept;

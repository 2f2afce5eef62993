//! Ways to other integration points and mailboxes, each a folder of its own that implements [`crate::ports::Channel`].
//! [`Loopback`] leads to a folder: for tests, and for trying a case system on one machine.

mod dpo;
mod loopback;

pub use dpo::{Doors as DpoDoors, Dpo, Setup as DpoSetup};
pub use loopback::Loopback;

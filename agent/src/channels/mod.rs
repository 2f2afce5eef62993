//! Ways to other integration points and mailboxes, each a folder of its own that implements [`crate::ports::Channel`].
//! So far there is one, which leads to a folder: for tests, and for trying a case system on one machine.

mod loopback;

pub use loopback::Loopback;

//! Calls the servers of those who subscribed. `body` says what is told, in the Java one's words; `call` how it is told and
//! what an answer means; `address` who is not called.
//!
//! The head is that of [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id`, the same at each try,
//! `webhook-timestamp`, the moment of the try, and `webhook-signature`, where the settings have a secret. When something is
//! told again, and when it is given up, `flow::push` decides.

mod address;
mod body;
mod call;

pub use call::{Http, Limits};

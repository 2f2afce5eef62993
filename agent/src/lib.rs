//! The integration point: takes, seals, sends, fetches, opens messages. Start at `app`, which knows every room;
//! then `flow`, the use cases. The walls between the rooms are in ARCHITECTURE.md.

pub mod domain;
pub mod ports;
pub mod sbd;
pub mod store;
pub mod blobs;
pub mod flow;

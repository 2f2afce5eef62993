//! The false outside world that tests of both rooms stand in.

pub mod child;
pub mod forge;
pub mod liar;
pub mod postbox;
pub mod site;

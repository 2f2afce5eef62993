//! Two real programs send to each other over a false Altinn broker, with a false Maskinporten and service registry: letters and
//! receipts with every status (`letters`), who is asked for what and refused (`trouble`), and all of it while they are killed at
//! random instants and the broker goes wrong in every way that it can (`kill`). What they share is in `site`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "what the tests of the program share")]

#[path = "../program"]
mod program {
    pub mod http;
    pub mod postgres;
    pub mod process;
}

mod kill;
mod letters;
mod site;
mod trouble;

//! The integration point's look-ups and tokens, over real HTTP against a registry and a Maskinporten that hold it to the
//! protocol: what it believes, what it keeps, what it asks again, and in which words it says what is missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

#[path = "../../../agent/tests/program/http.rs"]
#[allow(dead_code, reason = "others use the rest")]
mod http;
mod program;
mod registry;
mod scene;
mod tokens;

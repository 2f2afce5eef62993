//! The guard: keeps an integration point on its newest verified release.
//!
//! Start at [`update`], the process; then [`duty`], the loop that calls it; then [`ports`], the doors to the world.
//! This crate never imports the agent; what both share is in `efm`.

pub mod child;
pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod duty;
pub mod host;
pub mod notice;
pub mod ports;
pub mod release;
pub mod schedule;
pub mod siblings;
pub mod sources;
pub mod update;
pub mod vault;

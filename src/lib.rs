//! The floor: what both rooms of the house stand on. A library only.
//!
//! Start at [`manage`], the contract between the supervisor and the integration point; [`outside`] is the way to the
//! world over HTTP.
//! It never knows who calls it: nothing here says "supervisor" or "agent" in its logic.

pub mod atomic;
pub mod chain;
pub mod clock;
pub mod console;
pub mod manage;
pub mod masking;
pub mod outside;
pub mod owner;
pub mod properties;
pub mod secret;
pub mod service;
pub mod telemetry;
pub mod webhook;

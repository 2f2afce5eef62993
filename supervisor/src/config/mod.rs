//! Settings: raw text from files, environment and flags becomes [`Settings`], checked once; everything after is valid.
//!
//! Start at [`settings`], the typed result. Loading never stops at the first error: all are told at once.

pub mod settings;

pub use settings::Settings;

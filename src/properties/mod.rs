//! Java properties files as Spring reads them: for settings that a Java program of today shares with ours.
//!
//! Start at [`Properties::read`], one file; then [`Sources`], several files and the environment, in which a key is found
//! however it is spelt and `${…}` is expanded. This module never touches the disk and never reads the environment itself.

mod file;
mod relaxed;
mod sources;

pub use file::{Encoding, Entry, Flaw, Malformed, Properties, write};
pub use relaxed::{canonical, environment_name, without_index};
pub use sources::{CannotExpand, Found, Given, Place, Sources, Why};

//! Texts and results as Windows' calls have them.

#![deny(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};

pub(super) fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

pub(super) fn narrow(text: &[u16]) -> OsString {
    OsString::from_wide(text.split(|unit| *unit == 0).next().unwrap_or_default())
}

pub(super) fn checked(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Some calls say themselves what went wrong.
pub(super) fn failed(code: u32) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(i32::from_ne_bytes(code.to_ne_bytes()))) }
}

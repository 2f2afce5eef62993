//! Tokens of Maskinporten (a signed JWT for a token, RFC 7523), and Altinn's for those. Start at [`Maskinporten`].
//!
//! A client has a name, a key and the address that it asks; where a channel has a client of its own, the app makes a second one.
//! [`check`] asks for scope after scope and says what is missing. No token is ever logged.

mod assertion;
mod check;
mod client;
mod jwk;
pub mod new_jwk;
mod refusal;

pub use assertion::{Key, Unfit};
pub use check::{AT_REGISTRY, Checked, Needed, check, needed};
pub use client::{Client, Maskinporten};
pub use jwk::{Jwk, NoJwk};

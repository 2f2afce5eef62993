//! The Standard Business Document as JSON: the form that the API takes, the store keeps and some channels send.
//!
//! [`read`] takes what a client or another integration point wrote; [`write`] is the way back. Between them stand the
//! types of the wire in `wire`, the shapes of all messages in `shapes`, and the rules for what a client may send in `rules`. Nothing is stored or routed here.

mod depth;
mod read;
mod rules;
mod shape;
mod shapes;
mod wire;
mod write;

pub use depth::{DEEPEST, beyond as too_deep};
pub use read::{Refused, read, read_foreign};
pub use rules::{Constraint, Violation};
pub use shape::Misshapen;
pub use write::write;

#[cfg(test)]
mod tests;

//! Servers of the outside world that the integrasjonspunkt speaks to.

pub mod sink;

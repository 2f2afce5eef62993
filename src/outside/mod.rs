//! The way to the outside over HTTP: which proxy, whom we believe, and why it did not work. Whatever a program asks for
//! goes this way, so that one set of settings holds for all.
//!
//! Start at [`Routes`]. Its clients never print a user, a password or a query ([`shown`]) and follow no redirect by
//! themselves; who may not speak plain HTTP but to this machine asks [`may_be_asked`] first.

pub mod cause;
pub mod headers;
pub mod route;
mod trust;

use crate::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

pub use cause::Cause;
pub use route::{Route, Routes, is_this_machine, may_be_asked, shown};

/// How to go out.
#[derive(Clone, Debug)]
pub struct Network {
    /// What we call ourselves, as `kosmos/1.2.3`.
    pub user_agent: &'static str,
    /// Through which proxy.
    pub proxy: Proxy,
    /// PEM file with authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one connection.
    pub connect_timeout: Duration,
    /// What these settings are called where a person sets them.
    pub names: Names,
}

impl Network {
    /// Past every proxy, and with nobody trusted but whom the system trusts.
    pub fn straight(user_agent: &'static str, connect_timeout: Duration) -> Self {
        let names = Names { proxy: "the proxy", ca_file: "the file of authorities" };
        Self { user_agent, proxy: Proxy::None, ca_file: None, connect_timeout, names }
    }
}

/// What the settings are called, for what is told of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// [`Network::proxy`]
    pub proxy: &'static str,
    /// [`Network::ca_file`]
    pub ca_file: &'static str,
}

/// Which proxy is used for the outside.
#[derive(Clone, Debug)]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` (or Windows) say.
    FromEnvironment,
    /// None, whatever the environment says.
    None,
    /// This one; `no_proxy` as the environment variable is written.
    Url {
        /// Host and port, and perhaps user and password.
        url: Secret,
        /// Hosts that are reached directly.
        no_proxy: Option<String>,
    },
}

/// Settings that only show to be wrong here: a CA file that cannot be read, a proxy that is no URL.
#[derive(Debug, thiserror::Error)]
#[error("set up {what}")]
pub struct CannotSetUp {
    /// The setting.
    pub what: String,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

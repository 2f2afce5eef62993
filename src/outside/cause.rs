//! Why a server gave nothing, in words that say what to do. Never with an URL in it: URLs may hold passwords.

use super::Names;
use std::error::Error;
use std::time::Duration;

/// Why a server gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection, or it broke.
    #[error("{act}: {reason}")]
    Broken {
        /// What we were doing.
        act: String,
        /// The innermost reason.
        reason: String,
    },
    /// The certificate is not good.
    #[error("{act}: {reason}; {advice}")]
    Untrusted {
        /// What we were doing.
        act: String,
        /// What is wrong with it.
        reason: String,
        /// What would be right.
        advice: String,
    },
    /// No answer.
    #[error("no answer within {} s", .0.as_secs_f32())]
    NoAnswer(Duration),
    /// An answer that says no.
    #[error("it answered {0}")]
    Status(reqwest::StatusCode),
    /// An answer that says no, and when to come back.
    #[error("it answered {status} and wants to be left alone for {} s", wait.as_secs())]
    Busy {
        /// What it answered.
        status: reqwest::StatusCode,
        /// For how long.
        wait: Duration,
    },
    /// The body ended early.
    #[error("the connection ended after {got} of {of} bytes")]
    Cut {
        /// What came.
        got: u64,
        /// What was said.
        of: u64,
    },
    /// Too slow.
    #[error("give up waiting: {0}")]
    GivenUp(String),
    /// The proxy wants to know who we are.
    #[error(
        "the proxy {proxy} wants a user and a password (407); set them in {setting}, as http://user:password@host:port"
    )]
    ProxyWantsPassword {
        /// Which.
        proxy: String,
        /// What its setting is called.
        setting: &'static str,
    },
    /// Settings that make no sense.
    #[error("{0}")]
    Setting(String),
}

const ADVICE_TIME: &str = "check the clock of this machine";
const ADVICE_OTHER: &str = "somebody between here and the server may be answering in its place";

impl Cause {
    /// From what the HTTP library says. `act` names the host, and the proxy where there is one.
    pub fn of(act: String, error: &(dyn Error + 'static), names: Names) -> Self {
        if let Some(error) = find::<rustls::Error>(error) {
            return Self::untrusted(act, error, names);
        }
        Self::Broken { act, reason: innermost(error) }
    }

    fn untrusted(act: String, error: &rustls::Error, names: Names) -> Self {
        use rustls::CertificateError as Bad;
        let rustls::Error::InvalidCertificate(bad) = error else {
            return Self::Broken { act, reason: error.to_string() };
        };
        let issuer = format!(
            "if your network inspects TLS, put the authority that signs for it into a PEM file and name it in {}",
            names.ca_file
        );
        #[allow(clippy::wildcard_enum_match_arm, reason = "the enum is open; whatever comes is told as it is")]
        let (reason, advice) = match bad {
            Bad::UnknownIssuer => ("its certificate is signed by an authority unknown here".to_owned(), issuer),
            // The words of an operating system; a chain that ends nowhere is the most common of them.
            Bad::Other(other) => (format!("the system does not accept its certificate ({})", other.0), issuer),
            Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                (bad.to_string(), ADVICE_TIME.to_owned())
            }
            _ => (bad.to_string(), ADVICE_OTHER.to_owned()),
        };
        Self::Untrusted { act, reason, advice }
    }
}

/// Whether the proxy refused the tunnel for want of a password; the library says so only in words.
pub fn proxy_wants_password(error: &(dyn Error + 'static)) -> bool {
    innermost(error).contains("proxy authorization required")
}

/// The first cause of this type, also where it hides inside an `io::Error`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

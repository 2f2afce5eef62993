//! Where it listens. The port stays ours from one round to the next, so that nobody is refused between them.

use super::CannotRun;
use crate::config::Settings;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpListener;

/// The sockets: ours, or those that were handed in.
pub(super) struct Port {
    sockets: Mutex<Vec<std::net::TcpListener>>,
    wanted: SocketAddr,
    /// The address of the first of them.
    pub(super) here: SocketAddr,
}

impl Port {
    /// Listens on the sockets that were handed in, else on the port of the settings.
    pub(super) async fn open(settings: &Settings, mut sockets: Vec<std::net::TcpListener>) -> Result<Self, CannotRun> {
        let wanted = SocketAddr::new(settings.address, settings.port);
        let cannot = |source| CannotRun::Listen { address: wanted, source };
        for socket in &sockets {
            socket.set_nonblocking(true).map_err(cannot)?;
        }
        if sockets.is_empty() {
            let bound = TcpListener::bind(wanted).await.and_then(TcpListener::into_std);
            sockets.push(bound.map_err(cannot)?);
        } else {
            tracing::info!(
                sockets = sockets.len(),
                "listens on what was handed in; server.port and server.address do not count"
            );
        }
        let here = sockets.first().map_or(Ok(wanted), std::net::TcpListener::local_addr).map_err(cannot)?;
        Ok(Self { sockets: Mutex::new(sockets), wanted, here })
    }

    /// To accept on.
    pub(super) fn listeners(&self) -> Result<Vec<TcpListener>, CannotRun> {
        let cannot = |source| CannotRun::Listen { address: self.wanted, source };
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let again = sockets.iter().map(|socket| TcpListener::from_std(socket.try_clone()?));
        again.collect::<std::io::Result<_>>().map_err(cannot)
    }

    /// No round comes after this one: when its listeners are gone, whoever connects is refused at once. Of a socket that was
    /// handed in, this closes our end only.
    pub(super) fn let_go(&self) {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

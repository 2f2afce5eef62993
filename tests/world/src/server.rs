//! Serves a simulator on 127.0.0.1, on a thread of its own, until it is dropped.

use super::faults::{Faults, Flags};
use axum::Router;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A simulator that is being served.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// On a free port.
    ///
    /// # Errors
    /// There is no port or no thread.
    pub fn start(routes: Router, faults: &Faults) -> io::Result<Self> {
        Self::start_on(0, routes, faults)
    }

    /// On this port; zero: a free one.
    ///
    /// # Errors
    /// The port is taken, or there is no thread.
    pub fn start_on(port: u16, routes: Router, faults: &Faults) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let routes = faults.around(routes);
        let thread = std::thread::Builder::new().name("simulator".into()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                // Its connections end with the runtime.
                tokio::select! {
                    _ = axum::serve(listener, routes) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:<port>` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The main function of a simulator's program: serves until it is ended, and says where on the first line of stdout.
///
/// # Errors
/// The port is taken.
pub fn serve_for_ever(flags: &Flags, routes: Router) -> io::Result<()> {
    let server = Server::start_on(flags.port, routes, &flags.faults)?;
    #[allow(clippy::print_stdout, reason = "this line is what the one who started it waits for")]
    {
        println!("{}", server.url(""));
    }
    loop {
        std::thread::park();
    }
}

//! Serves a simulator on 127.0.0.1, on a thread of its own, until it is dropped.

use super::faults::{Faults, Flags, NoAnswer};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::ServiceExt;

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
                // Its connections end with the set.
                tokio::select! {
                    () = accept(listener, routes) => {}
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

/// For ever. An answer that is marked as [`NoAnswer`] is not given: its connection ends.
async fn accept(listener: TcpListener, routes: Router) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else { continue };
        let routes = routes.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let routes = routes.clone();
            async move {
                let Ok(response) = routes.oneshot(request.map(Body::new)).await;
                let is_given = response.extensions().get::<NoAnswer>().is_none();
                is_given.then_some(response).ok_or_else(|| io::Error::other("not answered"))
            }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
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

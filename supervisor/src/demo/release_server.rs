//! A small honest release server on this machine: for the demo, and for tests that count its requests.
//!
//! Start at [`ReleaseServer::bind`]. What it serves is on a [`Shelf`] that can be changed while it runs. It answers
//! `GET` and `HEAD`, with strong validators, 304, and single ranges. It never reads a path that was not put on the
//! shelf. Bytes on the shelf are held in memory; files are read a piece at a time.

mod shelf;
mod thing;

pub use shelf::{Access, Shelf};

use futures_util::stream::{FuturesUnordered, StreamExt};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use url::Url;

/// A client that sends no request for this long is let go.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);
/// Nobody in a demo needs more; the next one waits.
const CONNECTIONS: usize = 256;

/// The server, listening already.
pub struct ReleaseServer {
    listener: TcpListener,
    address: SocketAddr,
    shelf: Shelf,
}

impl ReleaseServer {
    /// Listens on a free port of this machine.
    pub async fn bind() -> io::Result<Self> {
        Self::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?)
    }

    fn on(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, shelf: Shelf::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port/<path>`; `path` without a leading slash.
    pub fn url(&self, path: &str) -> Result<Url, url::ParseError> {
        url_at(self.address, path)
    }

    /// What it serves.
    pub fn shelf(&self) -> Shelf {
        self.shelf.clone()
    }

    /// Serves for as long as it is polled; all connections end when it is dropped.
    pub async fn serve(self) {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => connections.push(connection(stream, self.shelf.clone())),
                    // Out of file handles, or a client gone before it was let in: the next one may do better.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(()) = connections.next(), if !connections.is_empty() => {}
            }
        }
    }
}

/// The server on a thread of its own; ends when this is dropped.
pub struct Background {
    address: SocketAddr,
    shelf: Shelf,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Background {
    /// Starts it; also from within a runtime.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let server = {
            let _inside = runtime.enter();
            ReleaseServer::on(TcpListener::from_std(listener)?)?
        };
        let (address, shelf) = (server.address(), server.shelf());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("release-server".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! { () = server.serve() => {} _ = stopped => {} }
            });
        })?;
        Ok(Self { address, shelf, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:port/<path>`; `path` without a leading slash.
    pub fn url(&self, path: &str) -> Result<Url, url::ParseError> {
        url_at(self.address, path)
    }

    /// What it serves.
    pub fn shelf(&self) -> Shelf {
        self.shelf.clone()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The sender dropped is the word to stop; a thread that panicked has ended too.
        drop(self.stop.take());
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn url_at(address: SocketAddr, path: &str) -> Result<Url, url::ParseError> {
    Url::parse(&format!("http://{address}/{path}"))
}

async fn connection(stream: tokio::net::TcpStream, shelf: Shelf) {
    let service = hyper::service::service_fn(|request| answer(request, shelf.clone()));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "release server lost a client");
    }
}

async fn answer(request: Request<Incoming>, shelf: Shelf) -> Result<Response<thing::Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let thing = shelf.look_up(&path);
    let response = match (thing, request.method()) {
        (_, method) if method != Method::GET && method != Method::HEAD => thing::empty(StatusCode::METHOD_NOT_ALLOWED),
        (None, _) => thing::empty(StatusCode::NOT_FOUND),
        (Some(thing), method) => thing::answer(thing, method, request.headers(), &shelf)
            .await
            .unwrap_or_else(|_| thing::empty(StatusCode::NOT_FOUND)),
    };
    let length = hyper::body::Body::size_hint(response.body()).exact().or_else(|| thing::said_length(&response));
    shelf.told(&Access {
        method: request.method().to_string(),
        path,
        status: response.status().as_u16(),
        length: length.unwrap_or_default(),
    });
    Ok(response)
}

#[cfg(test)]
mod tests;

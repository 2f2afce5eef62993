//! Serves the API and `/manage` over HTTP/1, plain or over TLS, on our own port or on sockets that were handed in.
//!
//! Each connection is a task of its own, so that one that dawdles holds up nobody; all of them end with the set that they
//! are in. A stop begins with a farewell: whoever asks meanwhile is answered, and told that the connection ends, because
//! one that is closed while the next request is on its way is a failure for him who sent it. Then no more are taken, what
//! has begun is answered, and what waits in a handed-in socket is left to the next one.

use super::tls::{Spoken, Voice};
use crate::api;
use crate::manage::Stop;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use futures_util::FutureExt;
use futures_util::future::select_all;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// So many at once; the next ones wait in the system's queue.
const MOST_CONNECTIONS: usize = 2000;
/// For the whole of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For the head of a request, and for the next one on the same connection, as Java's server waits.
const HEAD: Duration = Duration::from_mins(5);
/// When we stop, who keeps a connection has so long to ask once more and be told that it ends.
const FAREWELL: Duration = Duration::from_millis(500);
/// Who has connected and said nothing has so long to begin after that.
const LAST_WORD: Duration = Duration::from_millis(500);
/// After an error that is ours, such as too many open files.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// As Spring's.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000 ; includeSubDomains");

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Where it listens, and how it speaks.
pub(super) struct Front {
    pub(super) listeners: Vec<TcpListener>,
    /// None: plain HTTP.
    pub(super) tls: Option<Arc<Spoken>>,
}

#[derive(Clone)]
struct Inside {
    tls: Option<Arc<Spoken>>,
    routes: Router,
    /// From then on each answer is the last one of its connection.
    stop: Stop,
    /// From then on a connection that waits for a request ends.
    last: Stop,
}

/// Until the stop is asked and the last connection has ended. Dropping it ends them all.
pub(super) async fn serve(front: Front, routes: Router, stop: Stop) {
    let Front { listeners, tls } = front;
    let inside = Inside { tls, routes, stop: stop.clone(), last: Stop::default() };
    let mut connections = JoinSet::new();
    take(&listeners, &mut connections, &inside, async { _ = stop.asked().await }).await;
    if !connections.is_empty() {
        let farewell = Instant::now() + FAREWELL;
        take(&listeners, &mut connections, &inside, sleep_until(farewell)).await;
    }
    // Who waits at a socket of our own would be cut off; at one that was handed in he could as well be left to the next one.
    while connections.len() < MOST_CONNECTIONS
        && let Some(Ok((stream, from))) = accept(&listeners).now_or_never()
    {
        connections.spawn(connection(stream, from, inside.clone()));
    }
    // Of a socket that was handed in, this closes our end only.
    drop(listeners);
    inside.last.ask("the farewell is over");
    while connections.join_next().await.is_some() {}
}

/// Takes connections until that.
async fn take(
    listeners: &[TcpListener],
    connections: &mut JoinSet<()>,
    inside: &Inside,
    until: impl Future<Output = ()>,
) {
    let mut until = pin!(until);
    loop {
        tokio::select! {
            biased;
            () = &mut until => return,
            Some(_) = connections.join_next() => {}
            accepted = accept(listeners), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, from)) => drop(connections.spawn(connection(stream, from, inside.clone()))),
                Err(error) if is_theirs(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot take a connection; tries again");
                    tokio::select! { () = &mut until => return, () = sleep(AFTER_ERROR) => {} }
                }
            },
        }
    }
}

/// Cancel safe: who was not accepted waits in the queue.
async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    match listeners {
        [] => std::future::pending().await,
        [one] => one.accept().await,
        several => select_all(several.iter().map(|one| Box::pin(one.accept()))).await.0,
    }
}

fn is_theirs(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

async fn connection(stream: TcpStream, from: SocketAddr, inside: Inside) {
    // An answer goes at once; that it cannot is no reason not to answer.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        biased;
        readable = stream.readable() => if readable.is_err() { return },
        () = last_word(&inside.last) => return,
        () = sleep(HEAD) => return,
    }
    let Some(tls) = &inside.tls else { return speak(stream, from, None, inside).await };
    let voice = tls.voice();
    let handshake = timeout(HANDSHAKE, TlsAcceptor::from(Arc::clone(&voice.config)).accept(stream));
    let shaken = tokio::select! {
        biased;
        shaken = handshake => shaken,
        () = last_word(&inside.last) => return,
    };
    match shaken {
        Ok(Ok(stream)) => speak(stream, from, Some(voice), inside).await,
        Ok(Err(error)) => tracing::debug!(%from, %error, "no TLS came about"),
        Err(_) => tracing::debug!(%from, after = ?HANDSHAKE, "no TLS came about in time"),
    }
}

/// Resolves a moment after the farewell is over.
async fn last_word(last: &Stop) {
    last.asked().await;
    sleep(LAST_WORD).await;
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    from: SocketAddr,
    voice: Option<Arc<Voice>>,
    inside: Inside,
) {
    let Inside { routes, stop, last, .. } = inside;
    let is_stand_in = voice.as_ref().is_some_and(|voice| voice.is_stand_in());
    let is_tls = voice.is_some() && !is_stand_in;
    let asked = Arc::new(Notify::new());
    let was_asked = Arc::clone(&asked);
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let (routes, stop) = (routes.clone(), stop.clone());
        asked.notify_one();
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(from));
            if is_stand_in {
                request.extensions_mut().insert(api::StandIn);
            }
            let mut response = routes.oneshot(api::without_trailing_slash(request)).await?;
            if is_tls {
                response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
            }
            if stop.is_asked() {
                response.headers_mut().insert(header::CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut server = http1::Builder::new();
    // Whoever took what stands in for a certificate takes nothing more over that connection.
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(!is_stand_in);
    let mut spoken = pin!(server.serve_connection(TokioIo::new(stream), answer));
    let stopping = async {
        last.asked().await;
        // Who never asked yet is about to; the library would close on him.
        tokio::select! { () = was_asked.notified() => {}, () = sleep(LAST_WORD) => {} }
    };
    let ended = tokio::select! {
        biased;
        ended = spoken.as_mut() => ended,
        () = stopping => {
            // What has begun is answered; a connection that waits for its next request ends.
            spoken.as_mut().graceful_shutdown();
            spoken.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%from, %error, "a connection ended in the middle");
    }
}

//! As much HTTP/1.1 as a supervisor's client speaks: requests without bodies worth reading, connections that are kept.

use super::{Life, Stop};
use efm::manage::{Build, Component, HEALTH, Health, INFO, Info, SHUTDOWN, Status};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The head of a request is not longer.
const HEAD_BYTES: usize = 16 * 1024;
/// So many connections are served at once.
const CONNECTIONS: usize = 64;
/// How long an answer may still be on its way after it decided to stop.
const LAST_ANSWER: Duration = Duration::from_millis(5);

/// Serves until it is asked to stop, and as long after it as its behaviour says.
pub(super) async fn serve(listener: &TcpListener, life: &Life) {
    let stop = async {
        life.asked_to_stop.notified().await;
        if let Stop::Slow(delay) = life.behaviour.stop {
            tokio::time::sleep(delay).await;
        }
        tokio::time::sleep(LAST_ANSWER).await;
    };
    tokio::select! {
        () = stop => {}
        () = accept(listener, life) => {}
    }
}

async fn accept(listener: &TcpListener, life: &Life) {
    let mut open: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + '_>>> = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < CONNECTIONS => {
                if let Ok((stream, _)) = accepted {
                    open.push(Box::pin(converse(stream, life)));
                }
            }
            Some(()) = open.next(), if !open.is_empty() => {}
        }
    }
}

async fn converse(mut stream: TcpStream, life: &Life) {
    let mut buffer = Vec::new();
    while let Some((method, path)) = request(&mut stream, &mut buffer).await {
        let (status, kind, body) = answer(&method, &path, life);
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
        if life.stops_anyway.get() {
            life.asked_to_stop.notify_one();
        }
    }
}

/// Method and path of the next request; none when the other side is done, or speaks something else.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        let end = buffer.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head: Vec<u8> = buffer.drain(..end + 4).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            let mut words = head.split_ascii_whitespace();
            return Some((words.next()?.to_owned(), words.next()?.to_owned()));
        }
        if buffer.len() > HEAD_BYTES || stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer(method: &str, path: &str, life: &Life) -> (&'static str, &'static str, String) {
    const JSON: &str = "application/vnd.spring-boot.actuator.v3+json";
    match (method, path) {
        ("GET", HEALTH) => {
            let up = life.is_up();
            (if up { "200 OK" } else { "503 Service Unavailable" }, JSON, health(life, up))
        }
        ("GET", INFO) => {
            let build = Build {
                version: life.version.clone(),
                time: None,
                artifact: Some("integrasjonspunkt".into()),
                name: None,
                group: None,
            };
            ("200 OK", JSON, serde_json::to_string(&Info { git: None, build: Some(build) }).unwrap_or_default())
        }
        ("POST", SHUTDOWN) if life.shutdown_enabled && life.behaviour.stop != Stop::Refuse => {
            life.stops_anyway.set(matches!(life.behaviour.stop, Stop::Ok | Stop::Slow(_) | Stop::Lingers(_)));
            ("200 OK", JSON, r#"{"message":"Shutting down, bye..."}"#.into())
        }
        ("GET", "/") => {
            let text = format!("<html><body>the false integration point {}</body></html>\n", life.version);
            ("200 OK", "text/html", text)
        }
        _ => ("404 Not Found", "application/json", format!(r#"{{"status":404,"error":"Not Found","path":{path:?}}}"#)),
    }
}

fn health(life: &Life, up: bool) -> String {
    let status = |up| if up { Status::Up } else { Status::Down };
    let component = |(name, up): &(String, bool)| (name.clone(), Component { status: status(*up) });
    let components = life.behaviour.components.iter().map(component).collect();
    serde_json::to_string(&Health { status: status(up), components }).unwrap_or_default()
}

//! The real supervisor tells others: a file for Prometheus, and a webhook that is down and comes back.
//!
//! On Unix only: its supervisor is asked to leave by a signal.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use outside_world::site::Site;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The value of a sample that begins so.
fn sample(text: &str, begin: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(begin))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

/// One call, answered with 200.
fn take(listener: &TcpListener) -> Option<Value> {
    listener.set_nonblocking(true).unwrap();
    let (mut stream, _): (TcpStream, _) = listener.accept().ok()?;
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(said) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = said.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    Some(serde_json::from_slice(&body).unwrap())
}

/// Waits until the file has this sample.
fn until_says(site: &Site, begin: &str, expected: f64) {
    let text = || std::fs::read_to_string(site.home().join("kosmos.prom")).unwrap_or_default();
    site.wait_for(&format!("{begin} is {expected}"), || (sample(&text(), begin) == Some(expected)).then_some(()));
}

#[test]
fn metrics_follow_what_runs_and_say_when_the_supervisor_has_left() {
    let mut site = Site::with("[schedule]\nmode = \"stage\"\n[notice]\nmetrics = \"kosmos.prom\"\n");
    site.publish("4.0.7", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    until_says(&site, "kosmos_running", 1.0);
    until_says(&site, "kosmos_integrasjonspunkt_up", 0.0);
    site.upgrade_now(0);
    until_says(&site, "kosmos_integrasjonspunkt_up", 1.0);
    until_says(&site, "kosmos_upgrade_attempts_total{home=", 1.0);
    until_says(&site, "kosmos_last_look_reached", 1.0);
    let text = site.read("kosmos.prom");
    assert!(text.contains("kosmos_integrasjonspunkt_info{") && text.contains("version=\"4.0.7\""), "{text}");
    let now = outside_world::site::now().as_second();
    let started = sample(&text, "kosmos_integrasjonspunkt_started_at_seconds").unwrap();
    let ago = now - format!("{started:.0}").parse::<i64>().unwrap();
    assert!((-2..120).contains(&ago), "it started {ago} seconds ago");
    assert!(site.terminate().success());
    assert_eq!(sample(&site.read("kosmos.prom"), "kosmos_running"), Some(0.0));
    // Sums go on with the next one.
    site.start();
    until_says(&site, "kosmos_running", 1.0);
    assert_eq!(sample(&site.read("kosmos.prom"), "kosmos_upgrade_attempts_total{home="), Some(1.0));
    let stays = site.home().join("kosmos.prom");
    // Another file, and the old one says that nobody writes it any more.
    site.write("kosmos.toml", &site.settings("[schedule]\nmode = \"stage\"\n[notice]\nmetrics = \"other.prom\"\n"));
    assert_eq!(site.kosmos(&["reload"]).code, Some(0));
    until_says(&site, "kosmos_running", 0.0);
    site.wait_for("the other file", || site.home().join("other.prom").exists().then_some(()));
    assert!(stays.exists());
}

#[test]
fn a_webhook_that_is_down_delays_no_upgrade_and_hears_of_it_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut site = Site::with(&format!(
        "[schedule]\nmode = \"stage\"\n[[notice.webhook]]\nurl = \"http://127.0.0.1:{port}/hook\"\n\
         events = [\"upgraded\", \"adopted\"]\n"
    ));
    site.publish("4.0.7", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.until_runs("4.0.7");
    site.wait_for("the history has it", || (site.happened("webhook-failed") == 1).then_some(()));
    site.kill();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    site.start();
    let said = site.wait_for("the call", || take(&listener));
    assert_eq!((said["event"].as_str(), said["to"].as_str()), (Some("upgraded"), Some("4.0.7")), "{said:#}");
    assert!(!said["host"].as_str().unwrap().is_empty());
    let waits = || std::fs::read_dir(site.home().join("kosmos").join("outbox")).unwrap().count();
    site.wait_for("nothing waits", || (waits() == 0).then_some(()));
}

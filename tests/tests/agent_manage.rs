//! The supervisor's own client speaks with our integration point's `/manage`: what the one serves the other accepts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use efm::clock::Clock;
use efm::manage::Status;
use integrasjonspunkt::config::{Arguments, split};
use integrasjonspunkt::manage::Stop;
use kosmos::child::manage::Manage;
use kosmos::host::system;
use kosmos::ports::Process;
use std::path::Path;

/// As the supervisor starts it, on a port that is free.
fn arguments() -> Arguments {
    let given = [
        "--spring.profiles.active=staging",
        "--management.endpoint.shutdown.enabled=true",
        "--app.logger.enableSSL=false",
        "--server.address=127.0.0.1",
        "--server.port=0",
        "--difi.ssl.enabled=false",
        "--difi.security.enable=true",
        "--difi.security.user.name=u",
        "--difi.security.user.password=p",
        "--difi.move.org.number=910077473",
    ];
    split(given.map(str::to_owned)).1
}

/// This process: the integration point runs in it.
fn ourselves() -> Process {
    let pid = std::process::id();
    let started = system::identify(pid).unwrap().expect("we are alive");
    Process { pid, started, boot: system::boot(), archive: None }
}

/// The supervisor's client, with its default settings but for the port.
fn client(home: &Path, port: u16) -> Manage {
    client_of(home, &format!("http://127.0.0.1:{port}")).0
}

/// And what it takes for the integration point's own.
fn client_of(home: &Path, base: &str) -> (Manage, Vec<String>) {
    let toml = format!("[child]\nbase_url = \"{base}\"\n");
    efm::atomic::replace(&home.join("kosmos.toml"), toml.as_bytes()).unwrap();
    let loaded = kosmos::config::load(home, &[], &[]).unwrap_or_else(|problems| panic!("{problems:?}"));
    (Manage::new(&loaded.settings.child), loaded.settings.child.own_components)
}

#[tokio::test]
async fn the_supervisor_finds_it_healthy_knows_its_version_and_shuts_it_down() {
    let home = tempfile::tempdir().unwrap();
    let settings = integrasjonspunkt::config::load(home.path(), &[], &arguments()).settings.unwrap();
    let (ready, port) = tokio::sync::oneshot::channel();
    let ready = |address: std::net::SocketAddr| ready.send(address.port()).unwrap();
    let agent = integrasjonspunkt::app::run(
        settings,
        Vec::new(),
        Clock::machine(),
        Stop::default(),
        efm::telemetry::Levels::default(),
        ready,
    );
    let supervisor = async {
        let manage = client(home.path(), port.await.unwrap());
        let examined = manage.examine(&ourselves(), true).await.unwrap();
        assert_eq!(examined.health.status, Status::Up);
        assert_eq!(examined.health.components["db"].status, Status::Up);
        assert_eq!(examined.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        manage.ask_to_stop(&ourselves(), true).await.unwrap();
    };
    // Both, so that the end of the one after the other's request is what is seen.
    let (ended, ()) = tokio::join!(agent, supervisor);
    ended.unwrap();
}

/// Started without something that it needs; what the supervisor finds, and then it is shut down.
async fn found(more: &[&str], scheme: &str, kept: &str) -> Result<(), String> {
    let home = tempfile::tempdir().unwrap();
    // Nobody else takes it: it is given to the one that is started.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    efm::atomic::replace(&home.path().join(kept), &b"neither database nor keystore ".repeat(300)).unwrap();
    let mut arguments = arguments();
    let more = split(more.iter().map(|it| it.replace("HOME", &home.path().display().to_string()))).1;
    arguments.settings.extend(more.settings);
    let settings = integrasjonspunkt::config::load(home.path(), &[], &arguments).settings.unwrap();
    let levels = efm::telemetry::Levels::default();
    let stop = Stop::default();
    let agent = integrasjonspunkt::app::run(settings, vec![socket], Clock::machine(), stop, levels, |_| {
        panic!("it is not ready");
    });
    let supervisor = async {
        let (manage, own) = client_of(home.path(), &format!("{scheme}://127.0.0.1:{port}"));
        let examined = manage.examine(&ourselves(), true).await.unwrap();
        let version = env!("CARGO_PKG_VERSION").parse().unwrap();
        let judged = kosmos::update::watch::judge::is_up(&examined, &version, &[], &own);
        let red = kosmos::update::watch::red(&examined.health);
        let before = kosmos::update::watch::judge::is_up(&examined, &version, &red, &own);
        assert_eq!(before, Ok(()), "what was so before an upgrade is no evidence against the new one");
        manage.ask_to_stop(&ourselves(), true).await.unwrap();
        judged
    };
    let (ended, judged) = tokio::join!(agent, supervisor);
    ended.unwrap();
    judged
}

#[tokio::test]
async fn without_its_database_or_its_keystore_it_answers_the_supervisor_and_is_not_healthy() {
    let database = Box::pin(found(&[], "http", "integrasjonspunkt.sqlite")).await;
    assert_eq!(database, Err("db is down".to_owned()));
    let tls = ["--difi.ssl.enabled=true", "--difi.ssl.key-store=file:HOME/api.p12", "--difi.ssl.key-store-password=x"];
    assert_eq!(Box::pin(found(&tls, "https", "api.p12")).await, Err("readinessState is down".to_owned()));
}

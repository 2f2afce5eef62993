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
    let toml = format!("[child]\nbase_url = \"http://127.0.0.1:{port}\"\n");
    efm::atomic::replace(&home.join("kosmos.toml"), toml.as_bytes()).unwrap();
    let loaded = kosmos::config::load(home, &[], &[]).unwrap_or_else(|problems| panic!("{problems:?}"));
    Manage::new(&loaded.settings.child)
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

//! `integrasjonspunkt demo`: a letter and its receipt between two organisations on one machine, with no outside world.
//! Maskinporten, the service registry and Altinn's broker are false; both integration points are this program as it is.
//!
//! Start at [`show`], then [`story`]. Everything lies in a temporary folder that is removed at the end.

mod case_system;
mod story;

use crate::app;
use crate::config;

use crate::manage::Stop;
use efm::chain::Chain;
use efm::clock::Clock;
use efm::telemetry::Levels;
use efm_world::faults::Faults;
use efm_world::identity::{Identity, NORD, SOR};
use efm_world::stage::Stage;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// What goes wrong with a demo.
type Mishap = Box<dyn std::error::Error + Send + Sync>;

/// What the demo does otherwise than a site: it is quicker, and everybody on this machine may look.
const QUICK: [&str; 6] = [
    "--server.address=127.0.0.1",
    "--server.port=0",
    "--difi.ssl.enabled=false",
    "--difi.security.enable=false",
    "--integrasjonspunkt.dpo.pollingrate=300",
    "--integrasjonspunkt.queue.first-retry=1000",
];
/// So long the two have to end in order.
const TO_END: Duration = Duration::from_secs(10);

/// Shows it on the terminal, once, or until Ctrl-C. An error is told; false: it failed.
pub async fn show(once: bool) -> bool {
    match Box::pin(play(once)).await {
        Ok(()) => true,
        Err(error) => {
            eprintln!("integrasjonspunkt: {}", Chain(&*error));
            false
        }
    }
}

async fn play(once: bool) -> Result<(), Mishap> {
    let mut signals = efm::console::Stop::listen()?;
    let home = tempfile::tempdir()?;
    let broker = home.path().join("broker");
    std::fs::create_dir(&broker)?;
    let stage = Stage::set(&broker, &Faults::default())?;
    let stop = Stop::default();
    let (nord_at, nord) = watch::channel(None);
    let (sor_at, sor) = watch::channel(None);
    let both = async {
        tokio::try_join!(run(&stage, &NORD, home.path(), &stop, nord_at), run(&stage, &SOR, home.path(), &stop, sor_at),)
    };
    let told = async {
        let told = tokio::select! {
            told = story::tell(home.path(), nord.clone(), sor.clone()) => told,
            by = signals.asked() => { say(&format!("stopped by {by}")); return Ok(()) }
        };
        if told.is_ok() && !once {
            story::invite(&nord, &sor);
            signals.asked().await;
        }
        told
    };
    let both = std::pin::pin!(both);
    let mut both = both;
    tokio::select! {
        ended = &mut both => return ended.map(drop).and_then(|()| Err("they ended before the story".into())),
        told = told => {
            stop.ask("the end of the demo");
            let ended = tokio::time::timeout(TO_END, both).await;
            told?;
            ended.map_err(|_| "they do not end in order")??;
        }
    }
    say("Both have ended; the folder is removed.");
    Ok(())
}

/// An integration point of this organisation, to its end.
async fn run(
    stage: &Stage,
    who: &Identity,
    home: &Path,
    stop: &Stop,
    at: watch::Sender<Option<SocketAddr>>,
) -> Result<(), Mishap> {
    stage.know(who, &[])?;
    let folder = home.join(who.number);
    std::fs::create_dir(&folder)?;
    let mut settings = stage.settings(who, &folder.join("keystore.pem"))?;
    settings.extend(QUICK.map(str::to_owned));
    settings.push(format!("--difi.datasource.url=jdbc:sqlite:{}", folder.join("integrasjonspunkt.sqlite").display()));
    let (_, arguments) = config::split(settings);
    let loaded = config::load(&folder, &[], &arguments);
    let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    let settings = loaded.settings.ok_or_else(|| told.join("\n"))?;
    // The story may be over before it is ready.
    let ready = |address| {
        let _ = at.send(Some(address));
    };
    app::run(settings, Vec::new(), Clock::machine(), stop.clone(), Levels::default(), ready).await.map_err(Into::into)
}

fn say(text: &str) {
    // A reader who has gone is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{text}");
}

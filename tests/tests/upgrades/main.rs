//! The real supervisor upgrades the real integration point, from releases that are published and signed, while case
//! systems send and receive without a pause. Nothing that was acknowledged is lost or delivered twice; and where the
//! supervisor holds the port nobody is refused, and no strict client of HTTP sees a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

mod roll_back;

use outside_world::load::{Ledger, Load};
use outside_world::native::{Port, publish, running};
use outside_world::site::Site;

/// On Windows each is a hundred MB to unpack and to hash.
const UPGRADES: u32 = if cfg!(windows) { 2 } else { 5 };
const CLIENTS: usize = 8;
/// One more seldom asks. In the hands of one that dies each may have one request.
const IN_HAND: usize = CLIENTS + 1;
/// Before, between and after.
const REQUESTS: u64 = 100;

/// Nothing lost, nothing twice; tells what it was.
fn nothing_is_lost(ledger: &Ledger, site: &Site) {
    let Ledger { sent, refused, failures, answered, longest, unsure, .. } = ledger;
    eprintln!(
        "{answered} answers, {} messages, {refused} refused, {} failures, {} unsure, longest wait {longest:?}",
        sent.len(),
        failures.len(),
        unsure.len()
    );
    if !failures.is_empty() {
        eprintln!("{failures:#?}");
    }
    let (lost, twice) = (ledger.lost(), ledger.twice());
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}\n{failures:#?}\n{}", lost.len(), sent.len(), site.log());
    assert!(twice.is_empty(), "{twice:?}");
    assert!(ledger.waiting.len() <= failures.len(), "only whose peek was lost waits: {:?}", ledger.waiting);
    assert!(sent.len() > 20, "{} messages are no load", sent.len());
}

fn upgraded_under_load(port: Port) -> (Ledger, Site) {
    let mut site = running(port, "5.0.0", "");
    let load = Load::begin(site.port, CLIENTS);
    for number in 1..=UPGRADES {
        load.wait_for(REQUESTS);
        let version = format!("5.0.{number}");
        publish(&mut site, &version, "");
        site.upgrade_now(0);
        site.until_runs(&version);
    }
    load.wait_for(REQUESTS);
    let ledger = load.end();
    nothing_is_lost(&ledger, &site);
    (ledger, site)
}

#[cfg(unix)]
#[test]
fn where_the_supervisor_holds_the_port_nobody_is_refused_and_nothing_is_lost() {
    let (ledger, _site) = upgraded_under_load(Port::Held);
    assert_eq!(ledger.refused, 0);
    assert_eq!(ledger.failures, [""; 0]);
    // A stop that slept once over nothing took five seconds.
    assert!(ledger.longest < std::time::Duration::from_secs(4), "{:?}", ledger.longest);
}

/// The supervisor is killed; the next one is given the port back, adopts what runs, and upgrades it.
#[cfg(unix)]
#[test]
fn a_port_that_systemd_has_kept_is_handed_over_by_a_supervisor_that_adopted() {
    let mut site = outside_world::native::site(Port::Held, "");
    let kept = std::net::TcpListener::bind(("127.0.0.1", site.port)).unwrap();
    publish(&mut site, "5.0.0", "");
    site.start_with(&kept);
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    let load = Load::begin(site.port, CLIENTS);
    for number in 1..=2 {
        site.kill();
        site.start_with(&kept);
        let version = format!("5.0.{number}");
        site.until("it adopts", |status| status["supervisor"]["runs"]["up"] == true);
        publish(&mut site, &version, "");
        site.upgrade_now(0);
        site.until_runs(&version);
        load.wait_for(REQUESTS);
    }
    let ledger = load.end();
    nothing_is_lost(&ledger, &site);
    assert_eq!((ledger.refused, ledger.failures), (0, Vec::new()));
}

#[test]
fn where_each_opens_its_own_port_callers_are_refused_for_a_moment_and_nothing_is_lost() {
    let (ledger, site) = upgraded_under_load(Port::Own);
    assert!(ledger.refused > 0, "there is a moment when nobody listens");
    // Who connects at the instant at which the socket is closed is cut off before he was heard.
    assert!(ledger.failures.len() <= IN_HAND, "{:#?}", ledger.failures);
    let upgrades = site.history().into_iter().filter(|row| row["what"] == "upgraded");
    let down: Vec<u64> = upgrades.filter_map(|row| row["downtime_ms"].as_u64()).collect();
    println!("down for {down:?} ms");
}

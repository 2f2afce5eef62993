//! A new version that fails, while it is sent to without a pause: the old one runs again, and what was acknowledged before,
//! by the one that failed, and after is there.

use crate::{CLIENTS, IN_HAND, REQUESTS, nothing_is_lost};
use outside_world::load::{Ledger, Load};
use outside_world::native::{DATABASE, Port, publish, running};
use outside_world::site::Site;

/// What the site's settings say besides.
const PROBATION: &str = "probation = \"2500ms\"\n";
const PORT: Port = if cfg!(unix) { Port::Held } else { Port::Own };

/// What is left.
struct Scene {
    ledger: Ledger,
    site: Site,
    why: String,
    schema_before: u32,
}

/// A version that behaves so is tried and given up; what the clients say of it, and why it was given up.
fn rolled_back(behaviour: &str, more: &str) -> Scene {
    let mut site = running(PORT, "5.0.0", &format!("{PROBATION}{more}"));
    let schema_before = schema(&site);
    let load = Load::begin(site.port, CLIENTS);
    load.wait_for(REQUESTS);
    publish(&mut site, "5.0.1", behaviour);
    let said = site.upgrade_now(20);
    site.until_runs("5.0.0");
    load.wait_for(REQUESTS);
    let ledger = load.end();
    nothing_is_lost(&ledger, &site);
    assert_eq!(ledger.refused > 0, PORT == Port::Own, "{} refused", ledger.refused);
    Scene { ledger, why: format!("{}{}", said.out, said.err), site, schema_before }
}

fn schema(site: &Site) -> u32 {
    let database = rusqlite::Connection::open(site.home().join(DATABASE)).unwrap();
    database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn one_that_ends_at_once_is_rolled_back_and_no_client_sees_more_than_a_wait() {
    let Scene { ledger, .. } = rolled_back("start=crash", "");
    if PORT == Port::Held {
        assert_eq!(ledger.failures, [""; 0]);
    }
}

/// It says that it is another version: the supervisor never sees it well, but it takes messages for as long as it is waited for.
#[test]
fn what_one_took_that_was_never_seen_well_is_kept() {
    let Scene { ledger, site, why, .. } =
        rolled_back("info.version=4.0.0", "start_patience = \"2s\"\nstart_patience_bound = \"2s\"\n");
    assert!(why.contains("it says that it is version 4.0.0"), "{why}");
    if PORT == Port::Held {
        assert_eq!(ledger.failures, [""; 0]);
    }
    assert!(site.home().join("messages").is_dir(), "its files are where the settings' default has them");
}

/// The same where somebody named the data as data to be copied: the copy is not put back.
#[test]
fn what_one_took_is_kept_though_there_is_a_copy_of_the_data() {
    let copied = "start_patience = \"2s\"\nstart_patience_bound = \"2s\"\n[backup]\npaths = [\"integrasjonspunkt.sqlite\", \"integrasjonspunkt.sqlite-wal\", \"integrasjonspunkt.sqlite-shm\", \"messages\"]\n";
    let Scene { site, why, .. } = rolled_back("info.version=4.0.0", copied);
    assert!(why.contains("its data was kept") && why.contains("the copy from before is backup/"), "{why}");
    assert_eq!(site.happened("rolled-back"), 1);
}

#[test]
fn one_that_dies_in_its_probation_is_rolled_back_with_what_it_took() {
    let Scene { ledger, .. } = rolled_back("crash.after=1000", "");
    // What was in its hands when it died got no answer. Nobody else saw anything.
    assert!(ledger.failures.len() <= IN_HAND, "{:#?}", ledger.failures);
}

/// Expand, then contract: the old version runs on what the new one made of the database.
#[test]
fn one_that_has_moved_the_database_forward_and_dies_leaves_it_to_the_old_one() {
    let Scene { ledger, site, schema_before, .. } = rolled_back(&format!("writes={DATABASE}\ncrash.after=1000"), "");
    assert!(ledger.failures.len() <= IN_HAND, "{:#?}", ledger.failures);
    assert_eq!(schema(&site), schema_before + 1, "it was moved, and is not moved back");
}

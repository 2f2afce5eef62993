//! The supervisor upgrades the integration point while clients send and receive without a pause: who is refused, what fails,
//! what is lost, and how long somebody waits.

use crate::Wish;
use outside_world::load::{Ledger, Load};
use outside_world::measure::numbers::{Numbers, short};
use outside_world::measure::table::{Row, Table};
use outside_world::native::{Port, publish, running};
use std::io;
use std::time::Duration;

const CLIENTS: usize = 8;
/// Answers between two upgrades.
const BETWEEN: u64 = 500;

#[allow(clippy::unnecessary_wraps, reason = "as every section is measured")]
pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    if cfg!(unix) {
        under_load(wish, Port::Held, table);
    } else {
        table.add(Row::told("upgrades with the port held by kosmos", "left out: on Linux alone"));
    }
    under_load(wish, Port::Own, table);
    Ok(())
}

fn under_load(wish: &Wish, port: Port, table: &mut Table) {
    let mut site = running(port, "5.0.0", "");
    let load = Load::begin(site.port, CLIENTS);
    load.wait_for(BETWEEN);
    load.longest_since();
    // As long as all the upgrades need, about.
    let (mut calm, mut waits) = (Numbers::default(), Numbers::default());
    for _ in 0..wish.upgrades {
        load.wait_for(BETWEEN);
        calm.add(load.longest_since());
    }
    for number in 1..=wish.upgrades {
        let version = format!("5.0.{number}");
        publish(&mut site, &version, "");
        load.wait_for(BETWEEN);
        load.longest_since();
        site.upgrade_now(0);
        site.until_runs(&version);
        waits.add(load.longest_since());
    }
    let ledger = load.end();
    let whose = if port == Port::Held { "the port held by kosmos" } else { "each opens its own port" };
    table.add(counted(wish, whose, port, &ledger));
    table.add(waited(&calm, &waits, &down(&site)));
}

fn counted(wish: &Wish, whose: &str, port: Port, ledger: &Ledger) -> Row {
    let figure = format!("{} upgrades under {CLIENTS} clients, {whose}", wish.upgrades);
    let (lost, twice) = (ledger.lost().len(), ledger.twice().len());
    let (refused, failed) = (ledger.refused, ledger.failures.len());
    let asked = ledger.answered;
    let measured = format!("{asked} requests, {refused} refused, {failed} failed otherwise");
    let beside = format!("{} messages, {lost} lost, {twice} delivered twice", ledger.sent.len());
    let row = if port == Port::Held {
        Row::aimed(&figure, measured, "none refused, none lost", refused == 0 && failed == 0 && lost + twice == 0)
    } else {
        Row::aimed(&figure, measured, "none lost", lost + twice == 0)
    };
    row.held_against(beside)
}

fn waited(calm: &Numbers, waits: &Numbers, down: &Numbers) -> Row {
    let measured = waits.to_string();
    let ratio = short(waits.median() / calm.median());
    let beside = format!(
        "{ratio} × the longest of {BETWEEN} requests without an upgrade ({} ms); nothing runs for {} ms",
        short(calm.median()),
        short(down.median())
    );
    Row::told("… the longest that a client waited for an answer", measured).held_against(beside)
}

/// From the end of one to the first good answer of the next, as the supervisor saw it.
fn down(site: &outside_world::site::Site) -> Numbers {
    let mut down = Numbers::default();
    for row in site.history() {
        if row["what"] == "upgraded"
            && let Some(milliseconds) = row["downtime_ms"].as_u64()
        {
            down.add(Duration::from_millis(milliseconds));
        }
    }
    down
}

//! What an upgrade adds to the integration point's own stop and start.
//!
//! Two stretches are ours and not the integration point's: from the end of the old process to the start of the new one,
//! and from its first good answer to anybody until we have seen it. The supervisor's log and history tell the first; for
//! the second somebody else asks each millisecond. How long the new one takes to come up is left out by that, not
//! subtracted: on a busy machine it differs more from start to start than all that we add. The copy of the data is told
//! apart: how long it takes is a matter of the data.

use jiff::Timestamp;
use std::io;
use std::time::Duration;

use crate::jvm::Jvm;
use crate::release::{LARGE, SMALL, noise};
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::{Numbers, short};
use outside_world::measure::table::{Row, Table};

/// A database as a site has it.
const DATABASE_BYTES: usize = 50_000_000;

struct Case {
    name: &'static str,
    jar: usize,
    database: bool,
    behaviour: &'static str,
}

pub fn measure(wish: &Wish, programs: &Programs, _: Option<&Jvm>, table: &mut Table) -> io::Result<()> {
    let cases = [
        Case { name: "100 kB jar, no data", jar: SMALL, database: false, behaviour: "" },
        Case { name: "200 MB jar, no data", jar: LARGE, database: false, behaviour: "" },
        Case { name: "200 MB jar, 50 MB database", jar: LARGE, database: true, behaviour: "" },
        Case {
            name: "200 MB jar, 50 MB database, as slow as a JVM (stop 1 s, start 2 s)",
            jar: LARGE,
            database: true,
            behaviour: "stop=slow:1000\nstart=slow:2000\n",
        },
    ];
    for case in cases {
        one(wish, programs, &case, table)?;
    }
    Ok(())
}

fn one(wish: &Wish, programs: &Programs, case: &Case, table: &mut Table) -> io::Result<()> {
    let mut site = Site::new(programs, Way::Plain, "12h")?;
    if case.database {
        let database = site.home().join(kosmos::demo::integration_point::DATABASE);
        efm::atomic::replace(&database, &noise(DATABASE_BYTES, 7))?;
    }
    site.shop.publish("4.0.1", SMALL, case.behaviour)?;
    site.start()?;
    site.until(|runs| runs.up)?;
    let (mut adds, mut copies, mut downs) = <(Numbers, Numbers, Numbers)>::default();
    let mut steps = String::new();
    for round in 0..wish.rounds {
        let version = format!("4.1.{round}");
        let file = site.shop.publish(&version, case.jar, case.behaviour)?;
        let watcher = site.watch();
        let answer = site.upgrade(true)?;
        let up = watcher.first_good().ok_or_else(|| io::Error::other("it was never seen to go down and come up"))?;
        if !answer.text.starts_with(&version) {
            return Err(io::Error::other(answer.text));
        }
        site.shop.withdraw(&file)?;
        let row = site.last_in_history("upgraded")?.ok_or_else(|| io::Error::other("the history is empty"))?;
        let took = |name: &str| {
            let of: u64 = row.steps.iter().filter(|step| step.step == name).map(|step| step.ms).sum();
            Duration::from_millis(of)
        };
        let (copy, down) = (took("back up"), Duration::from_millis(row.downtime_ms.unwrap_or(0)));
        let log = std::fs::read_to_string(site.home().join("logs").join("kosmos.log"))?;
        let (stopped, started, seen) =
            (at(&log, "stopped pid=")?, at(&log, "start version=")?, at(&log, "up version=")?);
        let between = started.duration_since(stopped).as_secs_f64() - copy.as_secs_f64();
        let unseen = seen.duration_since(up).as_secs_f64();
        adds.add_number((between + unseen) * 1000.0);
        copies.add(copy);
        downs.add(down);
        let ours = format!("until the start {} ms, unseen {} ms", short(between * 1000.0), short(unseen * 1000.0));
        let each: Vec<String> = row.steps.iter().map(|step| format!("{} {}", step.step, step.ms)).collect();
        steps = format!("{ours}; {}", each.join(", "));
    }
    println!("   the last one: {steps}");
    let figure = format!("an upgrade adds: {}", case.name);
    table.add(Row::aimed(&figure, adds.to_string(), "under 100 ms", adds.median() < 100.0));
    let measured = format!("copy {copies}; down in all {} ms", short(downs.median()));
    table.add(Row::told("… the copy of the data beside that", measured));
    Ok(())
}

/// When the supervisor last wrote a line with these words.
fn at(log: &str, words: &str) -> io::Result<Timestamp> {
    let line = log.lines().rev().find(|line| line.contains(&format!(" {words}")));
    let time = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
    time.ok_or_else(|| io::Error::other(format!("there is no line \"{words}\" in the log")))
}

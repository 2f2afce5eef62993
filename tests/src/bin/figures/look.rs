//! A look that finds nothing new: requests, bytes and processor time.

use std::io;
use std::time::Instant;

use crate::jvm::Jvm;
use crate::release::SMALL;
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::{Numbers, short};
use outside_world::measure::system;
use outside_world::measure::table::{Row, Table};

/// The processor's clock is coarse, so many are measured as one.
const LOOKS: u64 = 20;

pub fn measure(_: &Wish, programs: &Programs, _: Option<&Jvm>, table: &mut Table) -> io::Result<()> {
    for (way, name) in [(Way::Tls, "TLS"), (Way::Plain, "plain")] {
        let mut site = Site::new(programs, way, "12h")?;
        site.shop.publish("4.0.1", SMALL, "")?;
        let pid = site.start()?;
        site.until(|runs| runs.up)?;
        site.upgrade(false)?;
        site.shelf().forget_counts();
        let (connections, bytes) = site.front.counts.so_far();
        let before = system::read(pid);
        let mut took = Numbers::default();
        for _ in 0..LOOKS {
            let began = Instant::now();
            site.upgrade(false)?;
            took.add(began.elapsed());
        }
        let after = system::read(pid);
        let requests = site.shelf().all_requests() as f64 / LOOKS as f64;
        if way == Way::Tls {
            let now = site.front.counts.so_far();
            let each = |now: u64, before: u64| short((now - before) as f64 / LOOKS as f64);
            let figure = "a look that finds nothing new: requests";
            let body = site.shelf().bytes_sent();
            let measured = format!("{requests} (bodies: {body} bytes in all)");
            table.add(Row::aimed(figure, measured, "1", (requests - 1.0).abs() < 1e-9));
            let wire = format!("{} bytes, {} connections", each(now.1, bytes), each(now.0, connections));
            table.add(Row::told("… over the wire, with the TLS handshake", wire));
        }
        match before.zip(after) {
            Some((before, after)) => {
                let used = after.cpu_since(&before).as_secs_f64() * 1000.0 / LOOKS as f64;
                let figure = format!("… processor time ({name})");
                table.add(Row::aimed(&figure, format!("{} ms", short(used)), "under 10 ms", used < 10.0));
            }
            None => table.add(Row::told("… processor time", "left out: read from /proc only")),
        }
        table.add(Row::told(&format!("… from the question to the answer ({name})"), took.to_string()));
    }
    Ok(())
}

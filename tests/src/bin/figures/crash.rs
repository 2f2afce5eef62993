//! From the kill of an integration point until another one answers that it is up, without its own start.

use std::io;
use std::time::Instant;

use crate::jvm::Jvm;
use crate::release::{LARGE, SMALL};
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::{Numbers, short};
use outside_world::measure::table::{Row, Table};

pub fn measure(wish: &Wish, programs: &Programs, _: Option<&Jvm>, table: &mut Table) -> io::Result<()> {
    for (bytes, size) in [(SMALL, "100 kB"), (LARGE, "200 MB")] {
        let mut site = Site::new(programs, Way::Plain, "12h")?;
        let archive = site.shop.publish("4.0.1", bytes, "")?;
        let mut adds = Numbers::default();
        let mut own = Numbers::default();
        for _ in 0..wish.rounds {
            // A supervisor of its own for each: the second crash of one is answered with a pause.
            site.kill_supervisor();
            site.start()?;
            site.until(|runs| runs.up)?;
            let start = site.alone(&archive)?;
            let began = Instant::now();
            site.kill_integration_point()?;
            site.until_some(|| site.is_up().then_some(()));
            adds.add_number((began.elapsed().as_secs_f64() - start.as_secs_f64()) * 1000.0);
            own.add(start);
        }
        let figure = format!("restart after a crash adds ({size} jar; by itself it needs {} ms)", short(own.median()));
        table.add(Row::aimed(&figure, adds.to_string(), "under 1000 ms", adds.median() < 1000.0));
    }
    Ok(())
}

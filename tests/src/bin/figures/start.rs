//! The program itself, and how long it takes until it is on duty.

use std::io;
use std::time::Instant;

use crate::jvm::Jvm;
use crate::release::{LARGE, SMALL};
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::{Numbers, short};
use outside_world::measure::table::{Row, Table};

/// How large the program is.
pub fn size(programs: &Programs, jvm: Option<&Jvm>) -> Row {
    let bytes = std::fs::metadata(&programs.kosmos).map_or(0, |found| found.len());
    let measured = format!("{} MiB", short(bytes as f64 / f64::from(1 << 20)));
    let beside = jvm.map(|_| "a JRE: some 200 MiB, and the jar".to_owned());
    Row::aimed("size of the program, stripped", measured, "under 15 MiB", bytes < 15 << 20).beside(beside)
}

pub fn measure(wish: &Wish, programs: &Programs, jvm: Option<&Jvm>, table: &mut Table) -> io::Result<()> {
    for (bytes, size) in [(SMALL, "100 kB"), (LARGE, "200 MB")] {
        let mut site = Site::new(programs, Way::Tls, "15m")?;
        let archive = site.shop.publish("4.0.1", bytes, "")?;
        site.start()?;
        site.until(|runs| runs.up)?;
        let (mut adopted, mut started, mut up, mut own) = <(Numbers, Numbers, Numbers, Numbers)>::default();
        for _ in 0..wish.rounds {
            site.kill_supervisor();
            let began = Instant::now();
            site.start()?;
            site.until(|_| true)?;
            adopted.add(began.elapsed());

            site.kill_supervisor();
            site.kill_integration_point()?;
            let began = Instant::now();
            site.start()?;
            site.until(|_| true)?;
            started.add(began.elapsed());
            site.until_some(|| site.is_up().then_some(()));
            up.add(began.elapsed());
            own.add(site.alone(&archive)?);
        }
        if bytes == SMALL {
            let beside = jvm.map(|jvm| jvm.start(wish.rounds));
            let met = adopted.median() < 50.0;
            let figure = "start to ready: a running integration point is adopted";
            table.add(Row::aimed(figure, adopted.to_string(), "under 50 ms", met).beside(beside));
            let figure = "start to ready: nothing ran, it is started (100 kB jar)";
            table.add(Row::aimed(figure, started.to_string(), "under 50 ms", started.median() < 50.0));
        } else {
            let figure = format!("… of a jar of {size}, all of which is hashed before");
            table.add(Row::told(&figure, started.to_string()));
        }
        let figure = format!("… until it is up ({size} jar; by itself it needs {} ms)", short(own.median()));
        table.add(Row::told(&figure, up.to_string()));
    }
    Ok(())
}

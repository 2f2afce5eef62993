//! What an idle supervisor costs, with a healthy integration point that it watches.

use std::io;
use std::time::Duration;

use crate::jvm::Jvm;
use crate::release::{LARGE, SMALL};
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::{mib, short};
use outside_world::measure::system::{self, Reading};
use outside_world::measure::table::{Row, Table};

/// So many looks come before the last reading.
const LOOKS: usize = 20;

pub fn measure(wish: &Wish, programs: &Programs, jvm: Option<&Jvm>, table: &mut Table) -> io::Result<()> {
    let mut site = Site::new(programs, Way::Tls, "15m")?;
    site.shop.publish("4.0.1", SMALL, "")?;
    site.start()?;
    site.until(|runs| runs.up)?;
    site.kill_supervisor();
    let pid = site.start()?;
    site.until(|runs| runs.up)?;
    // The look that follows a start, and the tidying after it.
    site.rest(Duration::from_secs(2));
    let Some(adopted) = system::read(pid) else {
        table.add(Row::told("resident memory, processor and wake-ups while idle", "left out: read from /proc only"));
        return Ok(());
    };
    let url = format!("https://localhost:{}/latest-versions.yml", site.front.port);
    let beside = jvm.map(|jvm| jvm.idle(&url));
    table.add(memory("resident memory idle, integration point adopted, after one look", &adopted).beside(beside));
    for _ in 0..LOOKS {
        site.upgrade(false)?;
    }
    table.add(memory(&format!("… after {LOOKS} looks more over TLS"), &read(pid)?));

    let file = site.shop.publish("4.0.2", LARGE, "")?;
    site.upgrade(true)?;
    site.shop.withdraw(&file)?;
    site.until(|runs| runs.up)?;
    // What follows an upgrade is done at once; threads that worked for it go after ten seconds.
    site.rest(Duration::from_secs(12));
    let before = read(pid)?;
    table.add(memory("… after an upgrade to a jar of 200 MB", &before));
    site.rest(wish.idle);
    let after = read(pid)?;

    let minutes = wish.idle.as_secs_f64() / 60.0;
    let share = after.cpu_since(&before).as_secs_f64() / wish.idle.as_secs_f64() * 100.0;
    let used = format!("{share:.4} % of a core, over {} s", wish.idle.as_secs());
    table.add(Row::aimed("processor idle", used, "under 0.1 %", share < 0.1));
    let wakings = after.switches.saturating_sub(before.switches) as f64 / minutes;
    let measured = format!("{} a minute (its health is asked each 30 s)", short(wakings));
    table.add(Row::told("wake-ups idle", measured));
    let grown = after.resident_kib.cast_signed() - before.resident_kib.cast_signed();
    table.add(Row::told("growth of resident memory while idle", format!("{grown} KiB in {} s", wish.idle.as_secs())));
    table.add(Row::told("threads and file handles idle", format!("{} and {}", after.threads, after.handles)));
    Ok(())
}

fn read(pid: u32) -> io::Result<Reading> {
    system::read(pid).ok_or_else(|| io::Error::other("the supervisor has ended"))
}

fn memory(figure: &str, reading: &Reading) -> Row {
    let measured = format!(
        "{} (heap and stacks {}, private {})",
        mib(reading.resident_kib),
        mib(reading.anonymous_kib),
        mib(reading.private_kib)
    );
    Row::aimed(figure, measured, "under 10 MiB", reading.resident_kib < 10 << 10)
}

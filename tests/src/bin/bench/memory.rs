//! What it holds while nobody asks anything.

use crate::client::run;
use crate::point::Point;
use crate::{Wish, messages};
use outside_world::measure::numbers::{mib, short};
use outside_world::measure::system::{self, Reading};
use outside_world::measure::table::{Row, Table};
use std::io;
use std::time::Duration;

const TARGET_KIB: u64 = 30 << 10;

pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    let point = Point::start(&wish.program, &[])?;
    rest(wish.idle)?;
    let Some(before) = system::read(point.pid()) else {
        table.add(Row::told("resident memory and processor while idle", "left out: read from /proc only"));
        return Ok(());
    };
    table.add(row("resident memory idle, after the start", &before));
    rest(wish.idle)?;
    let after = system::read(point.pid()).ok_or(io::ErrorKind::NotFound)?;
    let share = after.cpu_since(&before).as_secs_f64() / wish.idle.as_secs_f64() * 100.0;
    table.add(Row::told("processor idle", format!("{share:.3} % of a core, over {} s", wish.idle.as_secs())));
    let wakings = after.switches.saturating_sub(before.switches) as f64 / wish.idle.as_secs_f64();
    table.add(Row::told("wake-ups idle", format!("{} a second (the folder is looked at ten times)", short(wakings))));
    table.add(Row::told("threads and file handles idle", format!("{} and {}", after.threads, after.handles)));
    let load = messages::load(point.port, 8, messages::How::WithFile, wish.load)?;
    rest(wish.idle)?;
    let after = system::read(point.pid()).ok_or(io::ErrorKind::NotFound)?;
    table.add(row(&format!("… after {} messages of 8 clients", load.each.count()), &after));
    Ok(())
}

fn rest(time: Duration) -> io::Result<()> {
    run(async {
        tokio::time::sleep(time).await;
        Ok(())
    })
}

fn row(figure: &str, reading: &Reading) -> Row {
    let (resident, share) = (mib(reading.resident_kib), mib(reading.share_kib));
    let measured = format!("{resident} (PSS {share}, heap and stacks {})", mib(reading.anonymous_kib));
    Row::aimed(figure, measured, "30 MiB", reading.resident_kib < TARGET_KIB)
        .held_against(format!("peak {}", mib(reading.peak_kib)))
}

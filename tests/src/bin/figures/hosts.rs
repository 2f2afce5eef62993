//! What one supervisor of many homes costs, idle, with healthy integration points: memory, processor, handles.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::release::SMALL;
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::mib;
use outside_world::measure::system::{self, Reading};
use outside_world::measure::table::{Row, Table};

/// So many homes each time.
const HOMES: [usize; 3] = [1, 10, 40];

pub fn measure(wish: &Wish, programs: &Programs, table: &mut Table) -> io::Result<()> {
    for homes in HOMES {
        let (before, after) = idle(homes, wish.idle, programs)?;
        let (Some(before), Some(after)) = (before, after) else {
            table.add(Row::told("one supervisor for many homes", "left out: read from /proc only"));
            return Ok(());
        };
        let what = if homes == 1 { "one home".to_owned() } else { format!("{homes} homes") };
        let measured = format!(
            "{} (heap and stacks {}, private {})",
            mib(after.resident_kib),
            mib(after.anonymous_kib),
            mib(after.private_kib)
        );
        table.add(Row::told(&format!("one supervisor, {what}: resident memory idle, all adopted"), measured));
        let share = after.cpu_since(&before).as_secs_f64() / wish.idle.as_secs_f64() * 100.0;
        let used = format!(
            "{share:.4} % of a core over {} s; {} threads, {} file handles",
            wish.idle.as_secs(),
            after.threads,
            after.handles
        );
        table.add(Row::told("… processor", used));
    }
    Ok(())
}

/// A supervisor that adopts so many, and then is left alone.
fn idle(homes: usize, time: Duration, programs: &Programs) -> io::Result<(Option<Reading>, Option<Reading>)> {
    let mut sites = Vec::new();
    for _ in 0..homes {
        let site = Site::new(programs, Way::Plain, "15m")?;
        site.shop.publish("4.0.1", SMALL, "")?;
        sites.push(site);
    }
    let all_up = || sites.iter().try_for_each(|site| site.until(|runs| runs.up).map(drop));
    let first = Supervisor::of(&sites, programs)?;
    all_up()?;
    drop(first);
    let second = Supervisor::of(&sites, programs)?;
    all_up()?;
    // The looks that follow a start, and the tidying after them.
    sites.first().into_iter().for_each(|site| site.rest(Duration::from_secs(12)));
    let before = system::read(second.0.id());
    sites.first().into_iter().for_each(|site| site.rest(time));
    Ok((before, system::read(second.0.id())))
}

/// Killed when it is no longer needed; what it kept goes on.
struct Supervisor(Child);

impl Supervisor {
    fn of(sites: &[Site], programs: &Programs) -> io::Result<Self> {
        let mut command = Command::new(&programs.kosmos);
        for site in sites {
            command.arg("--home").arg(site.home());
        }
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! This machine: what it calls itself, and its dates.

use jiff::Timestamp;

/// What it calls itself; nothing where it has no name.
pub fn name() -> String {
    hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The date of a moment in the system's own unit, as `Process::started` has it: clock ticks since boot on Linux.
#[cfg(target_os = "linux")]
pub fn date_of(started: u64) -> Option<Timestamp> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok())?;
    let seconds = boot.checked_add(started.checked_div(rustix::param::clock_ticks_per_second())?)?;
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// The date of a moment in the system's own unit, as `Process::started` has it: tenths of microseconds since 1601.
#[cfg(windows)]
pub fn date_of(started: u64) -> Option<Timestamp> {
    const IN_A_SECOND: u64 = 10_000_000;
    const FROM_1601_TO_1970: i64 = 11_644_473_600;
    let seconds = i64::try_from(started / IN_A_SECOND).ok()?;
    Timestamp::from_second(seconds.checked_sub(FROM_1601_TO_1970)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::system;
    use efm::clock::Clock;

    #[test]
    fn this_process_started_within_the_last_day_and_not_in_the_future() {
        let started = date_of(system::identify(std::process::id()).unwrap().unwrap()).unwrap();
        let age = started.duration_until(Clock::machine().now()).as_secs();
        // The date of the boot is a whole second.
        assert!((-2..24 * 60 * 60).contains(&age), "{age}");
    }

    #[test]
    fn this_machine_has_a_name() {
        assert!(!name().is_empty());
    }
}

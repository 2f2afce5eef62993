//! What the system says of a process and of itself: Linux reads `/proc`. On other systems nothing is said, and the
//! figures that need it are left out.

use std::path::Path;
use std::time::Duration;

/// What a process holds and has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// All that is resident.
    pub resident_kib: u64,
    /// The most that was ever resident, or since [`forget_peak`].
    pub peak_kib: u64,
    /// Resident, and what others have mapped too counted in equal parts.
    pub share_kib: u64,
    /// Of what is resident: anonymous, that is the heap and the stacks.
    pub anonymous_kib: u64,
    /// Of it: nobody else's.
    pub private_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open file handles.
    pub handles: u64,
    /// Processor time since its start, to 10 ms.
    pub ticks: Duration,
    /// Processor time of the threads that live now, to the nanosecond.
    pub fine: Duration,
    /// How often it was woken, or had to give way.
    pub switches: u64,
}

/// What it says of this process; none where it says nothing.
#[cfg(target_os = "linux")]
pub fn read(pid: u32) -> Option<Reading> {
    let text = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    let status = text("status")?;
    let rollup = text("smaps_rollup").unwrap_or_default();
    let stat = text("stat")?;
    let tail = stat.rsplit_once(')')?.1;
    let ticks: u64 = tail.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let mut fine = 0;
    let mut switches = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let of = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        fine += of("schedstat").split_ascii_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
        let of_task = of("status");
        switches += value(&of_task, "voluntary_ctxt_switches:") + value(&of_task, "nonvoluntary_ctxt_switches:");
    }
    Some(Reading {
        resident_kib: value(&status, "VmRSS:"),
        peak_kib: value(&status, "VmHWM:"),
        share_kib: value(&rollup, "Pss:"),
        anonymous_kib: value(&status, "RssAnon:"),
        private_kib: value(&rollup, "Private_Clean:") + value(&rollup, "Private_Dirty:"),
        threads: value(&status, "Threads:"),
        handles: u64::try_from(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count()).ok()?,
        // USER_HZ is 100 on every Linux that we run on.
        ticks: Duration::from_millis(ticks * 10),
        fine: Duration::from_nanos(fine),
        switches,
    })
}

/// What it says of this process; none where it says nothing.
#[cfg(not(target_os = "linux"))]
pub fn read(_pid: u32) -> Option<Reading> {
    None
}

/// From now on the peak counts anew. Where the system does not let us, it is that of the whole life.
pub fn forget_peak(pid: u32) {
    #[allow(clippy::disallowed_methods, reason = "this is no file: it tells the system to begin counting anew")]
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

#[cfg(target_os = "linux")]
fn value(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl Reading {
    /// Processor time between an earlier reading and this one. The fine clock forgets threads that have ended, and the
    /// coarse one knows them.
    pub fn cpu_since(&self, before: &Self) -> Duration {
        let fine = self.fine.saturating_sub(before.fine);
        let ticks = self.ticks.saturating_sub(before.ticks);
        // The coarse clock counts whole ticks: less than one apart says nothing against the fine one.
        if ticks > fine + Duration::from_millis(10) { ticks } else { fine }
    }
}

/// This machine in a line, with what else it is doing.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpuinfo = read("/proc/cpuinfo");
    let processor = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let processor = processor.trim_start_matches([' ', '\t', ':']);
    let sha = if cpuinfo.contains("sha_ni") { ", SHA instructions" } else { "" };
    let load = read("/proc/loadavg");
    let load = load.split_ascii_whitespace().next().unwrap_or("unknown");
    format!(
        "{} {}, {cores} cores {processor}{sha}; load {load} at the beginning",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn we_can_be_read_and_our_work_is_counted() {
        let before = read(std::process::id()).unwrap();
        assert!(before.peak_kib >= before.resident_kib && before.share_kib > 0);
        assert!(before.resident_kib > before.anonymous_kib && before.anonymous_kib > 0 && before.threads > 0);
        let mut sum = 0_u64;
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(50) {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        assert_ne!(sum, 1);
        assert!(read(std::process::id()).unwrap().cpu_since(&before) > Duration::from_millis(1));
    }
}

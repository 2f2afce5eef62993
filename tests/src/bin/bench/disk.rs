//! What the disk itself does: the other side of the ratios.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use outside_world::measure::numbers::Numbers;

const FLUSHES: usize = 100;
const PIECE: usize = 1 << 20;

/// How long it takes to append 4 KiB and flush them.
pub fn flush() -> io::Result<Numbers> {
    let folder = tempfile::tempdir()?;
    let mut file = OpenOptions::new().create_new(true).append(true).open(folder.path().join("log"))?;
    let mut took = Numbers::default();
    for _ in 0..FLUSHES {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.add(begun.elapsed());
    }
    Ok(took)
}

/// How long it takes to write so much and flush it once.
pub fn write(bytes: u64) -> io::Result<Duration> {
    let folder = tempfile::tempdir()?;
    let piece = crate::client::noise(PIECE);
    let begun = Instant::now();
    let mut file = File::create(folder.path().join("large"))?;
    let mut rest = bytes;
    while rest > 0 {
        let now = usize::try_from(rest).unwrap_or(usize::MAX).min(piece.len());
        file.write_all(&piece[..now])?;
        rest -= now as u64;
    }
    file.sync_all()?;
    Ok(begun.elapsed())
}

//! Figures of the integration point: what it costs and what it does in a second, measured on this machine with the real
//! program, over HTTP as a case system speaks, with a folder as its channel.
//!
//! `cargo build --release && cargo run --release --bin bench`. Start at [`SECTIONS`], the list of what is measured; what
//! each figure means stands in `docs/figures.md`. It asserts nothing: a machine may be slow. What another machine would
//! have, too, are the ratios of the last column: each is between two measurements of one run. It starts nothing that it
//! does not end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a bench: what cannot be measured ends it"
)]

mod client;
mod disk;
mod exchange;
mod files;
mod letter;
mod memory;
mod messages;
mod point;
#[path = "../../../../agent/tests/program/postgres.rs"]
mod postgres;
mod sealing;
mod start;
mod upgrades;

use outside_world::measure::{system, table::Table};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Starts that are measured.
    starts: usize,
    /// How long clients create and send.
    load: Duration,
    /// How long it is left alone before its memory is read.
    idle: Duration,
    /// Upgrades that are measured.
    upgrades: usize,
    /// The size of the large file.
    large_bytes: u64,
    /// Only sections whose name begins with this.
    only: Option<String>,
    /// The program.
    program: PathBuf,
}

/// One part of the bench.
struct Section {
    name: &'static str,
    measure: fn(&Wish, &mut Table) -> io::Result<()>,
}

/// All parts, in the order of the table.
const SECTIONS: [Section; 8] = [
    Section { name: "start", measure: start::measure },
    Section { name: "memory", measure: memory::measure },
    Section { name: "messages", measure: messages::measure },
    Section { name: "upload", measure: files::measure },
    Section { name: "postgres", measure: messages::measure_postgres },
    Section { name: "sealing", measure: sealing::measure },
    Section { name: "exchange", measure: exchange::measure },
    Section { name: "upgrades", measure: upgrades::measure },
];

const HELP: &str = "\
bench [--quick] [--only SECTION] [--program PATH]

  --quick           a tenth of the time and of the bytes: to see whether it runs, not for figures
  --only SECTION    start, memory, messages, upload, postgres, sealing, exchange or upgrades
  --program PATH    the integrasjonspunkt to measure (the one beside this program)";

fn main() {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(sealing::PART) {
        let done = sealing::one_part(words);
        return done.unwrap_or_else(|error| panic!("{error}"));
    }
    let wish = match wish(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            std::process::exit(2);
        }
    };
    match all(&wish) {
        Ok(table) => println!("\n{table}"),
        Err(error) => {
            eprintln!("bench: {error}");
            std::process::exit(1);
        }
    }
}

fn wish(mut words: impl Iterator<Item = String>) -> Result<Wish, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("integrasjonspunkt").with_extension(std::env::consts::EXE_EXTENSION);
    let (load, idle) = (Duration::from_secs(10), Duration::from_secs(10));
    let mut wish = Wish { starts: 25, load, idle, upgrades: 20, large_bytes: 1_000_000_000, only: None, program };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--quick" => {
                let (load, idle) = (wish.load / 10, wish.idle / 10);
                wish = Wish { starts: 5, load, idle, upgrades: 3, large_bytes: wish.large_bytes / 10, ..wish };
            }
            "--only" => {
                let only = value()?;
                if !SECTIONS.iter().any(|section| section.name.starts_with(&only)) {
                    return Err(format!("{only} is no section"));
                }
                wish.only = Some(only);
            }
            "--program" => wish.program = PathBuf::from(value()?),
            _ => return Err(format!("{word} is no flag")),
        }
    }
    Ok(wish)
}

fn all(wish: &Wish) -> io::Result<Table> {
    if !wish.program.is_file() {
        let how = if cfg!(debug_assertions) { "cargo build" } else { "cargo build --release" };
        return Err(io::Error::other(format!("{} is not there; build it first: {how}", wish.program.display())));
    }
    println!("{}", system::machine());
    if cfg!(debug_assertions) {
        println!("This is a debug build: these are not the figures. `cargo run --release --bin bench`");
    }
    let mut table = Table::beside("Beside");
    for section in SECTIONS {
        if !wish.only.as_deref().is_none_or(|only| section.name.starts_with(only)) {
            continue;
        }
        println!("── {}", section.name);
        (section.measure)(wish, &mut table)?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_nonsense_is_refused() {
        let read = |words: &[&str]| wish(words.iter().map(|word| (*word).to_owned()));
        let quick = read(&["--quick", "--only", "upload", "--program", "/x"]).unwrap();
        assert_eq!((quick.starts, quick.large_bytes, quick.only.as_deref()), (5, 100_000_000, Some("upload")));
        assert_eq!(quick.program, PathBuf::from("/x"));
        for nonsense in [&["--only"][..], &["--only", "nothing"], &["--fast"]] {
            assert!(read(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn the_help_names_each_section() {
        for section in SECTIONS {
            assert!(HELP.contains(section.name), "{}", section.name);
        }
    }
}

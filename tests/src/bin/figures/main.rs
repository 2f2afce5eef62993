//! Figures: what the supervisor costs, measured on this machine with the real program, real files and real processes,
//! and printed with the JVM's beside it where a JVM is there.
//!
//! `cargo build --release && cargo run --release --bin figures`. Start at [`all`]; what each figure means stands in
//! `docs/figures.md`. It asserts nothing: a machine may be slow. It starts nothing that it does not end.

#![allow(
    clippy::unused_self,
    clippy::items_after_statements,
    clippy::duration_suboptimal_units,
    clippy::semicolon_if_nothing_returned,
    reason = "a program that prints figures, read by nobody but its reader"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a bench: what cannot be measured ends it"
)]

mod crash;
mod fetch;
mod front;
mod hosts;
mod idle;
mod jvm;
mod look;
mod release;
mod site;
mod start;
mod upgrade;

use std::path::PathBuf;
use std::time::Duration;

use outside_world::measure::{system, table::Table};

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub struct Wish {
    /// How long an idle supervisor is watched.
    idle: Duration,
    /// How often each figure is measured.
    rounds: usize,
    /// Only figures whose group begins with this.
    only: Option<String>,
}

/// The programs that are measured, or play along.
#[derive(Clone, Debug)]
pub struct Programs {
    kosmos: PathBuf,
    java: PathBuf,
}

const HELP: &str = "\
figures [--idle SECONDS] [--rounds N] [--only GROUP]

  --idle SECONDS   how long an idle supervisor is watched (60)
  --rounds N       how often each figure is measured (5)
  --only GROUP     program, start, idle, look, fetch, upgrade, crash or hosts";

fn main() {
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
            eprintln!("figures: {error}");
            std::process::exit(1);
        }
    }
}

fn wish(mut words: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut wish = Wish { idle: Duration::from_mins(1), rounds: 5, only: None };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--idle" => wish.idle = Duration::from_secs(value.parse().map_err(|_| "--idle needs a number")?),
            "--rounds" => {
                wish.rounds = value.parse().ok().filter(|rounds| *rounds > 0).ok_or("--rounds needs a number")?
            }
            "--only" => wish.only = Some(value),
            _ => return Err(format!("{word} is no flag")),
        }
    }
    Ok(wish)
}

/// All figures, in the order of the table.
fn all(wish: &Wish) -> std::io::Result<Table> {
    let programs = programs()?;
    println!("{}", system::machine());
    if cfg!(debug_assertions) {
        println!("This is a debug build: these are not the figures. `cargo run --release --bin figures`");
    }
    let mut table = Table::default();
    let jvm = jvm::Jvm::look();
    println!("{}", jvm.as_ref().map_or_else(|why| format!("no JVM here: {why}"), |jvm| jvm.version.clone()));
    let asked = |group: &str| wish.only.as_deref().is_none_or(|only| group.starts_with(only));
    if asked("program") {
        table.add(start::size(&programs, jvm.as_ref().ok()));
    }
    type Measure = fn(&Wish, &Programs, Option<&jvm::Jvm>, &mut Table) -> std::io::Result<()>;
    let groups: [(&str, Measure); 7] = [
        ("start", start::measure),
        ("idle", idle::measure),
        ("look", look::measure),
        ("fetch", fetch::measure),
        ("upgrade", upgrade::measure),
        ("crash", crash::measure),
        ("hosts", |wish, programs, _, table| hosts::measure(wish, programs, table)),
    ];
    for (group, measure) in groups {
        if asked(group) {
            println!("── {group}");
            measure(wish, &programs, jvm.as_ref().ok(), &mut table)?;
        }
    }
    Ok(table)
}

/// The programs lie beside this one.
fn programs() -> std::io::Result<Programs> {
    let own = std::env::current_exe()?;
    let folder = own.parent().unwrap_or(std::path::Path::new("")).to_owned();
    let beside = |name: &str| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let programs = Programs { kosmos: beside("kosmos"), java: beside("false-java") };
    for program in [&programs.kosmos, &programs.java] {
        if !program.is_file() {
            let how = if cfg!(debug_assertions) { "cargo build" } else { "cargo build --release" };
            return Err(std::io::Error::other(format!("{} is not there; build it first: {how}", program.display())));
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_nonsense_is_refused() {
        let read = |words: &[&str]| wish(words.iter().map(|word| (*word).to_owned()));
        let long = read(&["--idle", "300", "--rounds", "3", "--only", "idle"]).unwrap();
        assert_eq!((long.idle, long.rounds, long.only.as_deref()), (Duration::from_mins(5), 3, Some("idle")));
        for nonsense in [&["--idle"][..], &["--idle", "x"], &["--rounds", "0"], &["--fast", "1"]] {
            assert!(read(nonsense).is_err(), "{nonsense:?}");
        }
    }
}

//! How long it takes from the start of the program until it answers.

use crate::client::{Client, run};
use crate::point::{OTHER, Point};
use crate::{Wish, letter};
use outside_world::measure::numbers::Numbers;
use outside_world::measure::table::{Row, Table};
use std::io;
use std::time::Instant;

/// So many messages wait in the folder of the second figure.
const WAITING: usize = 200;

pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    let bytes = std::fs::metadata(&wish.program)?.len();
    let size = outside_world::measure::numbers::mib(bytes >> 10);
    table.add(Row::told("size of the program, stripped", size));
    let mut bare = Numbers::default();
    for _ in 0..wish.starts {
        bare.add(help(wish)?);
    }
    let beside = format!("`--help` {bare}");

    let mut empty = Numbers::default();
    for _ in 0..wish.starts {
        empty.add(Point::start(&wish.program, &[])?.to_ready);
    }
    let figure = "start to ready in an empty folder (database and key are made)";
    table.add(Row::told(figure, empty.to_string()));

    let mut point = Point::start(&wish.program, &[])?;
    run(fill(point.port))?;
    let (mut ready, mut answers) = (Numbers::default(), Numbers::default());
    for _ in 0..wish.starts {
        point.again(&wish.program)?;
        ready.add(point.to_ready);
        let begun = Instant::now();
        run(async { Client::connect(point.port).await?.ask("GET", efm::manage::HEALTH, "", b"").await?.well() })?;
        answers.add(point.to_ready + begun.elapsed());
    }
    let figure = format!("start to ready again, after a kill, with {WAITING} messages");
    table.add(Row::aimed(&figure, ready.to_string(), "50 ms", ready.median() < 50.0).held_against(beside));
    table.add(Row::told("… until its health is answered", answers.to_string()));
    Ok(())
}

fn help(wish: &Wish) -> io::Result<std::time::Duration> {
    let begun = Instant::now();
    std::process::Command::new(&wish.program).arg("--help").output()?;
    Ok(begun.elapsed())
}

async fn fill(port: u16) -> io::Result<()> {
    let mut client = Client::connect(port).await?;
    for _ in 0..WAITING {
        let document = letter::document(&letter::id(), OTHER);
        client.ask("POST", "/api/messages/out", letter::JSON, document.as_bytes()).await?.well()?;
    }
    Ok(())
}

//! Clients that create and send, as fast as they are answered. Each answer says that the act is on the disk.

use crate::client::{Client, run};
use crate::point::{OTHER, Point};
use crate::postgres::{Cluster, Flush};
use crate::{Wish, disk, letter};
use futures_util::future::try_join_all;
use outside_world::measure::numbers::{Numbers, mib, short};
use outside_world::measure::system;
use outside_world::measure::table::{Row, Table};
use std::io;
use std::time::{Duration, Instant};

const CLIENTS: [usize; 3] = [1, 8, 64];

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A document of 1 kB: create, send.
    Document,
    /// A document, and a file of 1 kB: create, upload, send.
    WithFile,
}

/// What came of it.
pub struct Load {
    /// How long each message took, from the first request to the last answer.
    pub each: Numbers,
    /// All of them.
    pub took: Duration,
}

impl Load {
    fn a_second(&self) -> f64 {
        self.each.count() as f64 / self.took.as_secs_f64()
    }
}

pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    on(wish, table, "SQLite", &[])
}

/// The same over a cluster of our own.
pub fn measure_postgres(wish: &Wish, table: &mut Table) -> io::Result<()> {
    let cluster = match Cluster::try_start(Flush::Always, None) {
        Ok(cluster) => cluster,
        Err(why) => {
            table.add(Row::told("create + send over PostgreSQL", format!("left out: {why}")));
            return Ok(());
        }
    };
    let at = format!("--difi.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres?user=test", cluster.port);
    let more = [at];
    let mut ready = Numbers::default();
    let mut point = Point::start(&wish.program, &more)?;
    for _ in 0..wish.starts {
        point.again(&wish.program)?;
        ready.add(point.to_ready);
    }
    table.add(Row::aimed("start to ready, PostgreSQL", ready.to_string(), "50 ms", ready.median() < 50.0));
    drop(point);
    on(wish, table, "PostgreSQL", &more)
}

fn on(wish: &Wish, table: &mut Table, store: &str, more: &[String]) -> io::Result<()> {
    for how in [How::Document, How::WithFile] {
        let point = Point::start(&wish.program, more)?;
        let mut one = None;
        for clients in CLIENTS {
            let flush = disk::flush()?;
            let before = system::read(point.pid());
            let load = load(point.port, clients, how, wish.load)?;
            let cpu = before.zip(system::read(point.pid())).map(|(before, after)| after.cpu_since(&before));
            let first = *one.get_or_insert(load.a_second());
            let what = match how {
                How::Document => "create + send of 1 kB",
                How::WithFile => "create + upload of 1 kB + send",
            };
            let clients = if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") };
            let measured = format!(
                "{} a second, p50 {} ms, p99 {} ms",
                short(load.a_second()),
                short(load.each.percentile(50)),
                short(load.each.percentile(99))
            );
            let ratio = short(load.a_second() / first);
            let flushes = short(load.each.percentile(50) / flush.median());
            let cpu = cpu.map(|it| short(it.as_secs_f64() * 1e3 / load.each.count() as f64)).unwrap_or_default();
            let beside = format!(
                "{ratio} × 1 client; p50 is {flushes} flushes of {} ms; {cpu} ms of a core each",
                short(flush.median())
            );
            table.add(Row::told(&format!("{store}, {clients}: {what}"), measured).held_against(beside));
        }
        let drained = run(drained(point.port))?;
        let beside = system::read(point.pid()).map(|it| format!("peak memory {}", mib(it.peak_kib)));
        let row = Row::told("… then until the queue is empty", format!("{} s", short(drained.as_secs_f64())));
        table.add(row.held_against(beside.unwrap_or_default()));
    }
    Ok(())
}

/// Sends for so long from so many clients.
pub fn load(port: u16, clients: usize, how: How, time: Duration) -> io::Result<Load> {
    run(async {
        let begun = Instant::now();
        let each = try_join_all((0..clients).map(|_| one(port, how, begun + time))).await?;
        let mut load = Load { each: Numbers::default(), took: begun.elapsed() };
        each.into_iter().flatten().for_each(|took| load.each.add(took));
        Ok(load)
    })
}

async fn one(port: u16, how: How, until: Instant) -> io::Result<Vec<Duration>> {
    let mut client = Client::connect(port).await?;
    let file = vec![b'x'; letter::BYTES];
    let mut each = Vec::new();
    while Instant::now() < until {
        let id = letter::id();
        let (document, path) = (letter::document(&id, OTHER), format!("/api/messages/out/{id}"));
        let begun = Instant::now();
        client.ask("POST", "/api/messages/out", letter::JSON, document.as_bytes()).await?.well()?;
        if how == How::WithFile {
            client.ask("PUT", &path, letter::FILE, &file).await?.well()?;
        }
        client.ask("POST", &path, "", b"").await?.well()?;
        each.push(begun.elapsed());
    }
    Ok(each)
}

/// Until everything has left over the channel.
async fn drained(port: u16) -> io::Result<Duration> {
    let mut client = Client::connect(port).await?;
    let begun = Instant::now();
    loop {
        let left = client.ask("GET", "/api/messages/out?size=1", "", b"").await?.well()?.json()?;
        if left["totalElements"] == 0 {
            return Ok(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! One large file on its way: uploaded, sent, fetched, popped. It is never whole in memory.

use crate::client::{Answer, Client, run};
use crate::point::{OWN, Point};
use crate::{Wish, disk, letter};
use outside_world::measure::numbers::{mib, short};
use outside_world::measure::system::{self, Reading};
use outside_world::measure::table::{Row, Table};
use std::io;
use std::time::{Duration, Instant};

pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    // It sends to itself: the file goes the whole way through one program.
    let point = Point::start(&wish.program, &["--difi.move.dpo.upload-size-limit=10GB".to_owned()])?;
    let bare = disk::write(wish.large_bytes)?;
    let size = format!("{} MB", wish.large_bytes / 1_000_000);
    let id = letter::id();
    let path = format!("/api/messages/out/{id}");
    run(async {
        let mut client = Client::connect(point.port).await?;
        let document = letter::document(&id, OWN);
        client.ask("POST", "/api/messages/out", letter::JSON, document.as_bytes()).await?.well()
    })?;
    let mut step = |figure: &str, act: &mut dyn FnMut() -> io::Result<(Answer, Duration)>| {
        let before = begin(&point);
        let (_, took) = act()?;
        let speed = short(wish.large_bytes as f64 / 1e6 / took.as_secs_f64());
        let ratio = short(took.as_secs_f64() / bare.as_secs_f64());
        let measured = format!("{speed} MB/s, {}", held(&point, before));
        let beside = format!("{ratio} × the time to write and flush the bytes alone ({} s)", short(bare.as_secs_f64()));
        table.add(Row::told(figure, measured).held_against(beside));
        io::Result::Ok(())
    };
    step(&format!("upload of {size}, until it is acknowledged"), &mut || {
        run(async {
            let mut client = Client::connect(point.port).await?;
            let begun = Instant::now();
            let answer = client.pour("PUT", &path, letter::FILE, wish.large_bytes).await?.well()?;
            Ok((answer, begun.elapsed()))
        })
    })?;
    step("… sent into the folder and fetched from it", &mut || {
        run(async {
            let mut client = Client::connect(point.port).await?;
            let begun = Instant::now();
            client.ask("POST", &path, "", b"").await?.well()?;
            let (answer, _) = client.until_well("/api/messages/in/peek").await?;
            Ok((answer, begun.elapsed()))
        })
    })?;
    step("… popped", &mut || {
        run(async {
            let mut client = Client::connect(point.port).await?;
            let begun = Instant::now();
            let answer = client.ask("GET", &format!("/api/messages/in/pop/{id}"), "", b"").await?.well()?;
            let took = begun.elapsed();
            if answer.length < wish.large_bytes {
                return Err(io::Error::other(format!("the package has {} bytes", answer.length)));
            }
            Ok((answer, took))
        })
    })
}

fn begin(point: &Point) -> Option<Reading> {
    system::forget_peak(point.pid());
    system::read(point.pid())
}

fn held(point: &Point, before: Option<Reading>) -> String {
    let Some((before, after)) = before.zip(system::read(point.pid())) else { return "no /proc here".into() };
    let used = short(after.cpu_since(&before).as_secs_f64());
    format!("peak memory {} (before {}), {used} s of a core", mib(after.peak_kib), mib(before.resident_kib))
}

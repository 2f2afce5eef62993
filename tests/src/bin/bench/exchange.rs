//! From one integration point to another, through the false broker, with a false Maskinporten and service registry, all on this
//! machine: sealed, left, fetched, opened, taken by a case system, and the statuses back.

use crate::client::{Client, run};
use crate::point::{OTHER, Point};
use crate::{Wish, letter};
use efm::clock::Clock;
use efm_world::faults::Faults;
use efm_world::identity::{Identity, NORD, SOR};
use efm_world::stage::Stage;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use outside_world::measure::numbers::{Numbers, mib, short};
use outside_world::measure::system::{self, Reading};
use outside_world::measure::table::{Row, Table};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often each asks the broker; 15 s where nothing is set.
const PACE_MS: u32 = 100;
const SENDERS: usize = 8;
const TAKERS: usize = 4;
const LOOK: Duration = Duration::from_millis(2);

pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    let folder = tempfile::Builder::new().prefix("integrasjonspunkt-bench-").tempdir()?;
    let stage = Stage::set(folder.path(), &Faults::default())?;
    stage.know(&NORD, &[])?;
    stage.know(&SOR, &[])?;
    let pair =
        Pair { nord: start(wish, &stage, &NORD, folder.path())?, sor: start(wish, &stage, &SOR, folder.path())? };
    one_at_a_time(wish, &pair, table)?;
    many(wish, &pair, table)?;
    large(wish, &pair, table)
}

struct Pair {
    nord: Point,
    sor: Point,
}

impl Pair {
    fn read(&self) -> [Option<Reading>; 2] {
        [&self.nord, &self.sor].map(|point| system::read(point.pid()))
    }

    /// Peaks are counted from here on.
    fn begin(&self) -> [Option<Reading>; 2] {
        for point in [&self.nord, &self.sor] {
            system::forget_peak(point.pid());
        }
        self.read()
    }

    /// Of the sender and of the receiver.
    fn peaks(&self, before: &[Option<Reading>; 2]) -> String {
        let told = before.iter().zip(self.read()).filter_map(|(before, after)| {
            Some(format!("{} (before {})", mib(after?.peak_kib), mib(before.as_ref()?.resident_kib)))
        });
        format!("peak memory {}", told.collect::<Vec<_>>().join(" and "))
    }
}

fn start(wish: &Wish, stage: &Stage, who: &Identity, folder: &Path) -> io::Result<Point> {
    let mut settings = stage.settings(who, &folder.join(format!("{}.pem", who.number)))?;
    settings.push(format!("--integrasjonspunkt.dpo.pollingrate={PACE_MS}"));
    settings.push("--difi.move.dpo.upload-size-limit=10GB".to_owned());
    Point::start_bare(&wish.program, &settings)
}

/// Created and uploaded; the rest is one request, whose path this is.
async fn prepare(client: &mut Client) -> io::Result<(String, String)> {
    let id = letter::id();
    let path = format!("/api/messages/out/{id}");
    client.ask("POST", "/api/messages/out", letter::JSON, letter::document(&id, OTHER).as_bytes()).await?.well()?;
    client.ask("PUT", &path, letter::FILE, &vec![b'x'; letter::BYTES]).await?.well()?;
    Ok((id, path))
}

/// A case system that takes whatever comes. It does not end by itself.
async fn take(port: u16) -> io::Result<()> {
    let mut client = Client::connect(port).await?;
    loop {
        let peeked = client.ask("GET", "/api/messages/in/peek", "", b"").await?;
        if peeked.status != 200 {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        let sbd = peeked.json()?;
        let id = &sbd["standardBusinessDocumentHeader"]["documentIdentification"]["instanceIdentifier"];
        let id = id.as_str().ok_or(io::ErrorKind::InvalidData)?.to_owned();
        client.ask("GET", &format!("/api/messages/in/pop/{id}"), "", b"").await?.well()?;
        client.ask("DELETE", &format!("/api/messages/in/{id}"), "", b"").await?.well()?;
    }
}

async fn takers(port: u16) -> io::Result<()> {
    try_join_all((0..TAKERS).map(|_| take(port))).await.map(drop)
}

/// When a status of this message was noted.
async fn noted(client: &mut Client, id: &str, status: &str) -> io::Result<Option<Timestamp>> {
    let page = client.ask("GET", &format!("/api/statuses/{id}?size=50"), "", b"").await?.well()?.json()?;
    let rows = page["content"].as_array().cloned().unwrap_or_default();
    let row = rows.iter().find(|row| row["status"] == status);
    Ok(row.and_then(|row| row["lastUpdate"].as_str()).and_then(|text| text.parse().ok()))
}

fn one_at_a_time(wish: &Wish, pair: &Pair, table: &mut Table) -> io::Result<()> {
    let mut each = Numbers::default();
    run(async {
        let send = async {
            let mut client = Client::connect(pair.nord.port).await?;
            let until = Instant::now() + wish.load;
            while Instant::now() < until {
                let (id, path) = prepare(&mut client).await?;
                let begun = Instant::now();
                client.ask("POST", &path, "", b"").await?.well()?;
                while noted(&mut client, &id, "LEVERT").await?.is_none() {
                    tokio::time::sleep(LOOK).await;
                }
                each.add(begun.elapsed());
            }
            Ok(())
        };
        tokio::select! {
            done = send => done,
            failed = takers(pair.sor.port) => failed,
        }
    })?;
    let told = format!("p50 {} ms, p99 {} ms", short(each.percentile(50)), short(each.percentile(99)));
    let beside = format!(
        "p50 is {} × the {PACE_MS} ms after which each asks the broker",
        short(each.median() / f64::from(PACE_MS))
    );
    let figure = format!("from send to LEVERT, one message after the other ({})", each.count());
    table.add(Row::told(&figure, told).held_against(beside));
    Ok(())
}

fn many(wish: &Wish, pair: &Pair, table: &mut Table) -> io::Result<()> {
    let before = pair.begin();
    let (mut each, begun) = (Numbers::default(), Instant::now());
    let (mut sending, mut all) = (Duration::ZERO, Duration::ZERO);
    run(async {
        let send = async {
            let until = begun + wish.load;
            let sent = try_join_all((0..SENDERS).map(|_| pour(pair.nord.port, until))).await?;
            sending = begun.elapsed();
            let mut client = Client::connect(pair.nord.port).await?;
            let open = "/api/conversations?direction=OUTGOING&finished=false&size=1";
            while client.ask("GET", open, "", b"").await?.well()?.json()?["totalElements"] != 0 {
                tokio::time::sleep(LOOK * 10).await;
            }
            all = begun.elapsed();
            for (id, at) in sent.into_iter().flatten() {
                let delivered = noted(&mut client, &id, "LEVERT").await?.ok_or(io::ErrorKind::NotFound)?;
                each.add(Duration::try_from(delivered.duration_since(at)).unwrap_or_default());
            }
            Ok(())
        };
        tokio::select! {
            done = send => done,
            failed = takers(pair.sor.port) => failed,
        }
    })?;
    let count = each.count() as f64;
    let cpu: Vec<String> = pair
        .read()
        .into_iter()
        .zip(&before)
        .filter_map(|(after, before)| Some(after?.cpu_since(before.as_ref()?)))
        .map(|used| format!("{} ms", short(used.as_secs_f64() * 1e3 / count)))
        .collect();
    let told = format!(
        "{} a second end to end; from send to LEVERT p50 {} ms, p99 {} ms; {}",
        short(count / all.as_secs_f64()),
        short(each.percentile(50)),
        short(each.percentile(99)),
        pair.peaks(&before)
    );
    let beside = format!(
        "{} × as many were accepted in a second as delivered; {} of a core each, at the sender and at the receiver",
        short(all.as_secs_f64() / sending.as_secs_f64()),
        cpu.join(" and ")
    );
    let figure = format!("{SENDERS} clients send for {} s, {TAKERS} take", wish.load.as_secs());
    table.add(Row::told(&figure, told).held_against(beside));
    Ok(())
}

/// Sends until then; each with the moment when it was sent.
async fn pour(port: u16, until: Instant) -> io::Result<Vec<(String, Timestamp)>> {
    let (mut client, mut sent, clock) = (Client::connect(port).await?, Vec::new(), Clock::machine());
    while Instant::now() < until {
        let (id, path) = prepare(&mut client).await?;
        let at = clock.now();
        client.ask("POST", &path, "", b"").await?.well()?;
        sent.push((id, at));
    }
    Ok(sent)
}

fn large(wish: &Wish, pair: &Pair, table: &mut Table) -> io::Result<()> {
    let id = letter::id();
    let path = format!("/api/messages/out/{id}");
    let size = format!("{} MB", wish.large_bytes / 1_000_000);
    run(async {
        let mut client = Client::connect(pair.nord.port).await?;
        client.ask("POST", "/api/messages/out", letter::JSON, letter::document(&id, OTHER).as_bytes()).await?.well()?;
        client.pour("PUT", &path, letter::FILE, wish.large_bytes).await?.well()
    })?;
    let speed = |took: Duration| format!("{} MB/s", short(wish.large_bytes as f64 / 1e6 / took.as_secs_f64()));
    let before = pair.begin();
    let took = run(async {
        let mut client = Client::connect(pair.nord.port).await?;
        let mut other = Client::connect(pair.sor.port).await?;
        let begun = Instant::now();
        client.ask("POST", &path, "", b"").await?.well()?;
        other.until_well("/api/messages/in/peek").await?;
        Ok(begun.elapsed())
    })?;
    let told = format!("{}, {}", speed(took), pair.peaks(&before));
    table.add(Row::told(&format!("{size} from the send call until it can be peeked at the other end"), told));
    let before = pair.begin();
    let took = run(async {
        let mut client = Client::connect(pair.sor.port).await?;
        let begun = Instant::now();
        let popped = client.ask("GET", &format!("/api/messages/in/pop/{id}"), "", b"").await?.well()?;
        if popped.length < wish.large_bytes {
            return Err(io::Error::other(format!("the package has {} bytes", popped.length)));
        }
        Ok(begun.elapsed())
    })?;
    table.add(Row::told("… popped", format!("{}, {}", speed(took), pair.peaks(&before))));
    Ok(())
}

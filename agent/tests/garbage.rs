//! Each reader of bytes from outside is given garbage: the seeds of `fuzz/`, spoilt in many ways, the same ones in each run.
//! It may refuse in words; it may not panic, hang, or take memory that its input is not worth. `fuzz/run` looks further,
//! where its tools are; what that finds becomes a seed here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "what the tests of the program share")]

mod program {
    pub mod http;
    pub mod process;
    pub mod spoil;
}

use integrasjonspunkt::entries::{ALL, Entry};
use program::http::try_call;
use program::process::Program;
use program::spoil::{self, Spoiler};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Each reader is given so many.
const ROUNDS: u32 = 4000;
/// On a slow machine fewer; how many is told.
const ENOUGH: Duration = Duration::from_secs(4);
/// But never fewer than these.
const FEWEST: u32 = 40;
/// For one piece of garbage, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);
/// All of them together, in a process that has read the largest of the seeds.
const MEMORY_KIB: u64 = 512 << 10;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

/// What is in a folder, in order.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn seeds(entry: &Entry) -> Vec<Vec<u8>> {
    let own = fuzz().join("seeds").join(entry.name);
    let own = if own.is_dir() { files(&own) } else { Vec::new() };
    let also = entry.also.into_iter().flat_map(|(folder, ending)| {
        let all = files(&fuzz().parent().unwrap().join(folder));
        all.into_iter().filter(move |(name, _)| name.rsplit('.').next() == Some(ending))
    });
    own.into_iter().chain(also).map(|(_, bytes)| bytes).collect()
}

#[test]
fn each_reader_is_a_target_of_the_fuzzer_and_has_a_seed_that_it_takes() {
    let stem = |name: &str| name.strip_suffix(".rs").unwrap().to_owned();
    let targets: BTreeSet<_> = files(&fuzz().join("fuzz_targets")).iter().map(|(name, _)| stem(name)).collect();
    assert_eq!(targets, ALL.iter().map(|entry| entry.name.to_owned()).collect());
    let cargo = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (name, text) in files(&fuzz().join("fuzz_targets")) {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(&format!("read(\"{}\", bytes)", stem(&name))), "{name} reads with another entry");
        assert!(cargo.contains(&format!("path = \"fuzz_targets/{name}\"")), "fuzz/Cargo.toml lacks {name}");
    }
    let run = std::fs::read_to_string(fuzz().join("run")).unwrap();
    for entry in ALL {
        if let Some((folder, ending)) = entry.also {
            let line = format!("{}) also=../{folder}/*.{ending}", entry.name);
            assert!(run.contains(&line), "fuzz/run lacks {line}");
        }
        assert!(seeds(&entry).iter().any(|bytes| (entry.read)(bytes)), "{} takes none of its seeds", entry.name);
    }
}

#[test]
fn no_reader_panics_or_hangs_or_swells_whatever_it_is_given() {
    for (entry, number) in ALL.iter().zip(1..) {
        let seeds = seeds(entry);
        let mut spoiler = Spoiler::new(number);
        let (begun, mut taken, mut rounds, mut slowest) = (Instant::now(), 0, 0, (Duration::ZERO, 0));
        let all = seeds.iter().cloned().chain(spoil::extremes());
        let mut all = all.collect::<Vec<_>>().into_iter();
        while rounds < FEWEST || rounds < ROUNDS && begun.elapsed() < ENOUGH {
            let garbage = all.next().unwrap_or_else(|| spoiler.spoil(&seeds));
            let one = Instant::now();
            let read = std::panic::catch_unwind(|| (entry.read)(&garbage));
            let told = || format!("{}, round {rounds}: {}", entry.name, keep(&garbage));
            slowest = slowest.max((one.elapsed(), rounds));
            assert!(one.elapsed() < PATIENCE, "hangs: {}", told());
            taken += u32::from(read.unwrap_or_else(|_| panic!("panics: {}", told())));
            rounds += 1;
        }
        eprintln!("{}: {rounds} rounds in {:?}, {taken} taken; slowest {slowest:?}", entry.name, begun.elapsed());
    }
    if let Some(peak) = peak_kib() {
        eprintln!("peak memory {} MiB", peak >> 10);
        assert!(peak < MEMORY_KIB, "{peak} KiB");
    }
}

/// The garbage lies in a file then, to become a seed.
fn keep(garbage: &[u8]) -> String {
    let (mut file, path) = tempfile::Builder::new().prefix("garbage-").tempfile().unwrap().keep().unwrap();
    file.write_all(garbage).unwrap();
    format!("{} bytes, in {}", garbage.len(), path.display())
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

const MULTIPART: &str = "--limit\r\nContent-Disposition: form-data; name=\"Brev\"; filename=\"a.pdf\"\r\n\
    Content-Type: application/pdf\r\n\r\nletter\r\n--limit\r\nContent-Disposition: form-data; name=\"sbd\"\r\n\r\n{}\r\n--limit--\r\n";

fn request(head: &str, body: &str) -> Vec<u8> {
    format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Requests as case systems send them, before they are spoilt.
fn requests() -> Vec<Vec<u8>> {
    let sbd = include_str!("fixtures/arkivmelding.json");
    let one = "/api/messages/out/e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
    let file = "Content-Type: application/pdf\r\nContent-Disposition: attachment; name=\"a\"; filename=\"b.pdf\"";
    vec![
        request("POST /api/messages/out HTTP/1.1\r\nContent-Type: application/json", sbd),
        request(&format!("PUT {one}?title=a%20b HTTP/1.1\r\n{file}"), "bytes"),
        request(
            "POST /api/messages/out/multipart HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=limit",
            MULTIPART,
        ),
        request(
            "GET /api/conversations?direction=OUTGOING&finished=true&size=10&page=0&sort=lastUpdate,asc HTTP/1.1",
            "",
        ),
        request("GET /api/statuses?fromDateTime=2026-01-01T00:00:00&id=1&messageId=x HTTP/1.1", ""),
        request("GET /api/messages/in/peek?serviceIdentifier=DPO&process=x HTTP/1.1", ""),
        request("POST /manage/loggers/x HTTP/1.1\r\nContent-Type: application/json", "{}"),
    ]
}

#[test]
fn the_program_answers_on_whatever_requests_it_is_sent() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start("910077473", between.path());
    let requests = requests();
    let mut spoiler = Spoiler::new(42);
    let (begun, mut rounds, mut failed) = (Instant::now(), 0, 0);
    while rounds < 1500 && begun.elapsed() < ENOUGH {
        let garbage = requests.get(rounds).cloned().unwrap_or_else(|| spoiler.spoil(&requests));
        // It may close in the middle of what is no request: then there is no answer.
        let answer = send(program.port, &garbage);
        if answer.starts_with(b"HTTP/1.1 500") {
            failed += 1;
            eprintln!("{}\n→ {}", String::from_utf8_lossy(&garbage), String::from_utf8_lossy(&answer));
        }
        rounds += 1;
    }
    eprintln!("{rounds} requests in {:?}", begun.elapsed());
    assert_eq!(failed, 0, "what a client sends is never our own fault");
    let health = try_call(program.port, "GET", efm::manage::HEALTH, &[], b"").unwrap();
    assert_eq!(health.status, 200, "{}", health.text());
}

fn send(port: u16, garbage: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    // One that waits for more than we send gets no more.
    if stream.write_all(garbage).and_then(|()| stream.shutdown(std::net::Shutdown::Write)).is_ok() {
        let read = stream.read_to_end(&mut answer);
        let hangs = read
            .is_err_and(|error| matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
        assert!(!hangs, "no answer and no end: {}", keep(garbage));
    }
    answer
}

//! Download and verification of a jar of 200 MB over loopback, beside `sha256sum` of the same file and the transfer.

use sha2::Digest;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::jvm::Jvm;
use crate::release::{LARGE, SMALL};
use crate::site::{Site, Way};
use crate::{Programs, Wish};
use outside_world::measure::numbers::{Numbers, short};
use outside_world::measure::table::{Row, Table};

pub fn measure(wish: &Wish, programs: &Programs, _: Option<&Jvm>, table: &mut Table) -> io::Result<()> {
    let mut site = Site::new(programs, Way::Plain, "12h")?;
    site.shop.publish("4.0.1", SMALL, "")?;
    site.start()?;
    site.until(|runs| runs.up)?;
    let (mut ours, mut sums, mut transfers, mut ratios) = <(Numbers, Numbers, Numbers, Numbers)>::default();
    let mut name = "";
    for round in 0..wish.rounds {
        let version = format!("4.1.{round}");
        let file = site.shop.publish(&version, LARGE, "")?;
        let (sum, by) = sum(&file)?;
        name = by;
        let transfer = transfer(&site, &version)?;
        let began = Instant::now();
        let answer = site.upgrade(false)?;
        let took = began.elapsed();
        if !answer.text.starts_with(&version) {
            return Err(io::Error::other(answer.text));
        }
        site.shop.withdraw(&file)?;
        for (numbers, took) in [(&mut ours, took), (&mut sums, sum), (&mut transfers, transfer)] {
            numbers.add(took);
        }
        ratios.add_number(took.as_secs_f64() / (sum + transfer).as_secs_f64());
    }
    let measured = format!(
        "{} ×: {ours}, beside {name} {} ms and the transfer {} ms",
        short(ratios.median()),
        short(sums.median()),
        short(transfers.median())
    );
    let figure = "download and verify 200 MB over loopback";
    table.add(Row::aimed(figure, measured, "within 1.5 × of both", ratios.median() < 1.5));
    Ok(())
}

/// How long the sum of the file takes, and by whom.
fn sum(file: &Path) -> io::Result<(Duration, &'static str)> {
    let began = Instant::now();
    if let Ok(status) = Command::new("sha256sum").arg(file).stdout(Stdio::null()).status()
        && status.success()
    {
        return Ok((began.elapsed(), "`sha256sum`"));
    }
    let began = Instant::now();
    let mut hash = sha2::Sha256::new();
    let mut source = std::fs::File::open(file)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    std::hint::black_box(hash.finalize());
    Ok((began.elapsed(), "SHA-256 (no `sha256sum` here)"))
}

/// The same bytes from the same server into a file that is flushed to the disk, with nothing done to them.
fn transfer(site: &Site, version: &str) -> io::Result<Duration> {
    let path = format!("download/v{version}/integrasjonspunkt-v{version}.jar");
    let url = site.url(&path)?;
    let target = site.home().join("transfer");
    let began = Instant::now();
    let mut stream = std::net::TcpStream::connect((url.host_str().unwrap_or(""), url.port().unwrap_or(0)))?;
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut file = std::fs::File::create(&target)?;
    io::copy(&mut stream, &mut file)?;
    file.sync_all()?;
    let took = began.elapsed();
    let length = file.metadata()?.len();
    std::fs::remove_file(&target)?;
    if length < LARGE as u64 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(took) }
}

//! Sealing and opening of a large package, each in a process of its own, since memory is counted for all of a process; and
//! beside it `openssl cms`, which encrypts and decrypts the same bytes and neither packs nor signs.

use crate::client::{noise, run};
use crate::{Wish, disk};
use bytes::Bytes;
use efm::clock::Clock;
use efm_world::identity::{NORD, SOR};
use integrasjonspunkt::domain::{BlobId, File, NewFile, Refuse, Service};
use integrasjonspunkt::keystore::Keystore;
use integrasjonspunkt::ports::{
    Answer, BlobError, BlobReader, BlobWriter, Blobs, Encryption, Parties, SealError, Sealing, ToSeal,
};
use integrasjonspunkt::sealing::{Authorities, Sealer};
use jiff::Timestamp;
use outside_world::measure::numbers::{mib, short};
use outside_world::measure::system::{self, Reading};
use outside_world::measure::table::{Row, Table};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first word of the command line of a process that does one part: `--part seal BYTES FILE` or `--part open FILE`.
pub const PART: &str = "--part";
const PIECE: usize = 64 << 10;

pub fn measure(wish: &Wish, table: &mut Table) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (sealed, plain) = (folder.path().join("sealed.cms"), folder.path().join("plain"));
    let size = format!("{} MB", wish.large_bytes / 1_000_000);
    let bare = disk::write(wish.large_bytes)?;
    let seal = part(&["seal", &wish.large_bytes.to_string()], &sealed)?;
    let open = part(&["open"], &sealed)?;
    pour(&plain, wish.large_bytes)?;
    efm::atomic::replace(&folder.path().join("key.pem"), SOR.pem.as_bytes())?;
    let encrypt = openssl(
        folder.path(),
        "-encrypt -stream -aes-256-cbc -outform DER -in plain -out other.cms -recip key.pem \
         -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256",
    )?;
    let decrypt =
        openssl(folder.path(), "-decrypt -inform DER -in other.cms -out opened -inkey key.pem -recip key.pem")?;
    for (figure, ours, theirs) in [
        (format!("sealing of {size}: packed, signed, encrypted, written"), seal, encrypt),
        (format!("opening of {size}: decrypted, looked through, verified"), open, decrypt),
    ] {
        let told = format!("{}, peak memory {}, {}", speed(wish, ours.took), peak(&ours), core(&ours));
        let beside = match theirs {
            Some(theirs) => format!(
                "{} × the time of `openssl cms` ({}, peak memory {}, {}); {} × that to write and flush the bytes",
                short(ours.took.as_secs_f64() / theirs.took.as_secs_f64()),
                speed(wish, theirs.took),
                peak(&theirs),
                core(&theirs),
                short(ours.took.as_secs_f64() / bare.as_secs_f64())
            ),
            None => "openssl is not here".to_owned(),
        };
        table.add(Row::told(&figure, told).held_against(beside));
    }
    Ok(())
}

fn speed(wish: &Wish, took: Duration) -> String {
    format!("{} MB/s", short(wish.large_bytes as f64 / 1e6 / took.as_secs_f64()))
}

fn peak(run: &Run) -> String {
    match (run.peak_kib, run.before_kib) {
        (0, _) => "not told here".to_owned(),
        (peak, 0) => mib(peak),
        (peak, before) => format!("{} (before {})", mib(peak), mib(before)),
    }
}

fn core(run: &Run) -> String {
    format!("{} s of a core", short(run.cpu.as_secs_f64()))
}

/// What a process did.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    took: Duration,
    cpu: Duration,
    /// Before its first byte; 0 where that is not known.
    before_kib: u64,
    peak_kib: u64,
}

/// This program again, for one part.
fn part(words: &[&str], file: &Path) -> io::Result<Run> {
    let output = Command::new(std::env::current_exe()?).arg(PART).args(words).arg(file).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let numbers: Vec<u64> =
        String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [took, cpu, before_kib, peak_kib] = numbers[..] else { return Err(io::ErrorKind::InvalidData.into()) };
    Ok(Run { took: Duration::from_micros(took), cpu: Duration::from_micros(cpu), before_kib, peak_kib })
}

/// None: it is not here.
fn openssl(folder: &Path, arguments: &str) -> io::Result<Option<Run>> {
    let begun = Instant::now();
    let mut command = Command::new("openssl");
    command.args(["cms", "-binary"]).args(arguments.split_whitespace()).current_dir(folder);
    let mut child = match command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (mut run, first) = (Run::default(), system::read(child.id()));
    let status = loop {
        // What has ended is told no more: the last reading is some milliseconds old.
        if let Some((first, now)) = first.as_ref().zip(system::read(child.id())).filter(|(_, now)| now.peak_kib > 0) {
            run.peak_kib = now.peak_kib;
            run.cpu = now.cpu_since(first);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        #[allow(clippy::disallowed_methods, reason = "how much it holds is only told while it runs")]
        std::thread::sleep(Duration::from_millis(2));
    };
    run.took = begun.elapsed();
    if status.success() {
        return Ok(Some(run));
    }
    let mut said = String::new();
    child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said)).transpose()?;
    Err(io::Error::other(said))
}

/// Noise, in a file.
fn pour(path: &Path, bytes: u64) -> io::Result<()> {
    let (mut file, piece, mut rest) = (std::fs::File::create(path)?, noise(1 << 20), bytes);
    while rest > 0 {
        let now = usize::try_from(rest).unwrap_or(usize::MAX).min(piece.len());
        file.write_all(&piece[..now])?;
        rest -= now as u64;
    }
    Ok(())
}

// ── In a process of its own ─────────────────────────────────────────────────────────────────────────────────────────

/// Does a part; says how many microseconds it took, and of a core, and how many KiB it held before and at most.
pub fn one_part(mut words: impl Iterator<Item = String>) -> io::Result<()> {
    let mut word = || words.next().ok_or(io::ErrorKind::InvalidInput);
    let here = || system::read(std::process::id());
    let (took, before) = match word()?.as_str() {
        "seal" => {
            let (bytes, to) = (word()?.parse().map_err(io::Error::other)?, word()?);
            seal(bytes, Path::new(&to), here)?
        }
        _ => open(Path::new(&word()?), here)?,
    };
    let (cpu, before, peak) = match before.zip(here()) {
        Some((before, after)) => (after.cpu_since(&before), before.peak_kib, after.peak_kib),
        None => (Duration::ZERO, 0, 0),
    };
    println!("{} {} {before} {peak}", took.as_micros(), cpu.as_micros());
    Ok(())
}

type Here = fn() -> Option<Reading>;

fn seal(bytes: u64, to: &Path, here: Here) -> io::Result<(Duration, Option<Reading>)> {
    let nord = sealer(&NORD, Arc::new(Noise(bytes))).map_err(io::Error::other)?;
    let file = NewFile {
        blob: BlobId::random([1; 16]),
        filename: "large.bin".into(),
        title: None,
        mime_type: "application/octet-stream".into(),
        is_primary: true,
        length_bytes: bytes,
    };
    let parties = Parties { sender: "0192:910077473".into(), receiver: "0192:910075918".into() };
    let package = ToSeal { parties: Some(parties), files: vec![File { number: 1, file }] };
    let (mut out, receiver) = (std::fs::File::create(to)?, SOR.certificate().unwrap_or_default());
    let (begun, before) = (Instant::now(), here());
    run(async {
        let sealed = nord.seal(&package, &receiver, Encryption::over(Service::Dpo)).await;
        let mut sealed = sealed.map_err(io::Error::other)?;
        while let Some(piece) = sealed.next().await.map_err(io::Error::other)? {
            out.write_all(&piece)?;
        }
        Ok(())
    })?;
    Ok((begun.elapsed(), before))
}

fn open(from: &Path, here: Here) -> io::Result<(Duration, Option<Reading>)> {
    let sor = sealer(&SOR, Arc::new(Noise(0))).map_err(io::Error::other)?;
    let source = Source(std::fs::File::open(from)?);
    let (begun, before) = (Instant::now(), here());
    run(async {
        let mut opened = sor.open(Box::new(source)).await.map_err(io::Error::other)?;
        while opened.package.next().await.map_err(io::Error::other)?.is_some() {}
        let verdict = opened.judgement.verdict().map(ToString::to_string).unwrap_or_default();
        if verdict.starts_with("signed by") { Ok(()) } else { Err(io::Error::other(verdict)) }
    })?;
    Ok((begun.elapsed(), before))
}

fn sealer(who: &efm_world::identity::Identity, blobs: Arc<dyn Blobs>) -> Result<Sealer, SealError> {
    let keystore = Keystore::from_pem("own", who.pem.as_bytes()).unwrap_or_default();
    Sealer::new(&keystore, blobs, Clock::machine(), Authorities::default(), Refuse::default())
}

/// One blob, of so many bytes that do not pack.
struct Noise(u64);

/// The rest of it.
struct Pieces(u64, Bytes);

impl BlobReader for Pieces {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        let length = usize::try_from(self.0).unwrap_or(usize::MAX).min(self.1.len());
        self.0 -= length as u64;
        let piece = (length > 0).then(|| self.1.slice(..length));
        Box::pin(async move { Ok(piece) })
    }
}

/// A file that is read as it is asked for.
struct Source(std::fs::File);

impl BlobReader for Source {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        let mut piece = vec![0; PIECE];
        let read = self.0.read(&mut piece);
        Box::pin(async move {
            let count = read.expect("the file was written just now");
            piece.truncate(count);
            Ok((count > 0).then(|| piece.into()))
        })
    }
}

impl Blobs for Noise {
    fn begin<'a>(&'a self, _: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        unreachable!("nobody writes here")
    }

    fn open<'a>(&'a self, _: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        let reader: Box<dyn BlobReader> = Box::new(Pieces(self.0, noise(PIECE).into()));
        Box::pin(async move { Ok(reader) })
    }

    fn older(&self, _: u8, _: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        unreachable!("nobody asks here")
    }

    fn remove<'a>(&'a self, _: &'a BlobId) -> Answer<'a, (), BlobError> {
        unreachable!("nobody removes here")
    }
}

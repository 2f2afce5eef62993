//! Much goes through little memory, both ways.

use super::*;
use crate::domain::Service;
use ring::digest::{Context, SHA256};

const PIECE: usize = 64 << 10;

/// As many bytes as are asked for, which do not pack, and are never all there.
struct Endless {
    left: u64,
    state: u64,
}

impl BlobReader for Endless {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        let length = usize::try_from(self.left).unwrap().min(PIECE);
        self.left -= u64::try_from(length).unwrap();
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            bytes.extend(self.state.to_le_bytes());
        }
        bytes.truncate(length);
        Box::pin(async move { Ok((length > 0).then(|| bytes.into())) })
    }
}

struct Generated(u64);

impl Blobs for Generated {
    fn begin<'a>(&'a self, _: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        unimplemented!("nobody writes here")
    }

    fn open<'a>(&'a self, _: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        let left = self.0;
        Box::pin(async move {
            let reader: Box<dyn BlobReader> = Box::new(Endless { left, state: 88_172_645_463_325_252 });
            Ok(reader)
        })
    }

    fn older(&self, _: u8, _: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        unimplemented!("nobody asks here")
    }

    fn remove<'a>(&'a self, _: &'a BlobId) -> Answer<'a, (), BlobError> {
        unimplemented!("nobody removes here")
    }
}

/// The most that this process has had in memory so far, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn peak_kib() -> Option<u64> {
    None
}

/// Ciphers are slow where they are not optimised. `cargo test --release` moves a gigabyte.
const LENGTH: u64 = if cfg!(debug_assertions) { 32 << 20 } else { 1 << 30 };
/// With what the ciphers, the packers and the threads need.
const MOST_KIB: u64 = 16 << 10;

/// In a process of its own: memory is counted for all of it.
#[test]
fn a_large_file_goes_through_both_ways_in_a_few_mebibytes() {
    let name = "sealing::tests::large::moves_a_large_file";
    let this = std::env::current_exe().unwrap();
    let output = std::process::Command::new(this).args(["--exact", name, "--ignored", "--nocapture"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", told.lines().filter(|line| line.contains("iB")).collect::<Vec<_>>().join("\n"));
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn moves_a_large_file() {
    let length = LENGTH;
    let (mut package, _) = to_seal(&[("large.bin", b"")], PIECE);
    package.files[0].file.length_bytes = length;
    let sealer = sealer_over(&[NEW], Arc::new(Generated(length)));
    let before = peak_kib();
    let began = std::time::Instant::now();
    let (largest, total, opened) = run(async {
        let how = Encryption::over(Service::Dpo);
        let package = sealer.seal(&package, &certificate(NEW), how).await.unwrap();
        let mut opened = sealer.open(package).await.unwrap();
        let (mut largest, mut total, mut digest) = (0, 0_u64, Context::new(&SHA256));
        while let Some(bytes) = opened.package.next().await.unwrap() {
            largest = largest.max(bytes.len());
            total += u64::try_from(bytes.len()).unwrap();
            digest.update(&bytes);
        }
        (largest, total, opened.judgement.verdict().unwrap().clone())
    });
    let (took, after) = (began.elapsed(), peak_kib());
    println!("{} MiB sealed and opened in {took:?}, largest piece {largest}", length >> 20);
    assert_eq!(opened.finding, crate::domain::Finding::Signed, "every byte is as it was signed");
    // Noise does not shrink; by how much it grows is up to the packer that the whole workspace was built with.
    assert!(total > length && total < length + length / 10, "{total}");
    assert!(largest <= 2 << 20, "a piece of {largest} bytes");
    if let (Some(before), Some(after)) = (before, after) {
        println!("memory at its highest: {before} KiB before, {after} KiB after");
        assert!(after - before < MOST_KIB, "{before} KiB before, {after} KiB after");
    }
}

//! Releases to measure with: archives of any size that a false integration point can be started from, and a publisher
//! who signs them as Digdir does, with a SHA-1 beside.

use efm::clock::Clock;
use kosmos::demo::integration_point::ENTRY;
use kosmos::demo::publisher::Publisher;
use kosmos::demo::release_server::Shelf;
use sha1::Digest;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

/// 200 MB, as the true jar is.
pub const LARGE: usize = 200_000_000;
/// Next to nothing.
pub const SMALL: usize = 100_000;

/// What is published, and where.
pub struct Shop {
    folder: tempfile::TempDir,
    publisher: Publisher,
    shelf: Shelf,
}

impl Shop {
    /// Publishes on this shelf.
    pub fn on(shelf: Shelf) -> io::Result<Self> {
        let publisher = Publisher::new("the bench's publisher", Clock::machine().now()).map_err(io::Error::other)?;
        Ok(Self { folder: tempfile::tempdir()?, publisher, shelf })
    }

    /// What a site puts into `eformidling-key.asc`.
    pub fn certificate(&self) -> io::Result<String> {
        self.publisher.certificate().map_err(io::Error::other)
    }

    /// Publishes a version of this size that behaves so, at the head of the list. Gives the file, for comparisons.
    pub fn publish(&self, version: &str, bytes: usize, behaviour: &str) -> io::Result<PathBuf> {
        let file = self.folder.path().join(format!("integrasjonspunkt-{version}.jar"));
        make(&file, version, bytes, behaviour)?;
        let whole = std::fs::read(&file)?;
        let signature = self.publisher.sign(&whole, Clock::machine().now()).map_err(io::Error::other)?;
        let path = format!("/download/v{version}/integrasjonspunkt-v{version}.jar");
        self.shelf.put(&format!("{path}.asc"), signature);
        self.shelf.put(&format!("{path}.sha1"), hex::encode(sha1::Sha1::digest(&whole)));
        self.shelf.put_file(&path, &file);
        let list = format!(
            "integrasjonspunkt:\n  environments:\n    production: {{ latest: v{version}, earlybird: v{version} }}\n"
        );
        self.shelf.put("/latest-versions.yml", list);
        Ok(file)
    }

    /// Takes the bytes away again; they are in the vault.
    pub fn withdraw(&self, file: &Path) -> io::Result<()> {
        std::fs::remove_file(file)
    }
}

/// A jar of about this size, filled with what no packer would make smaller, as libraries in a jar are.
fn make(path: &Path, version: &str, bytes: usize, behaviour: &str) -> io::Result<()> {
    const LIBRARY: usize = 8 << 20;
    let built = Clock::machine().now();
    let manifest = format!("Manifest-Version: 1.0\r\nImplementation-Version: {version}\r\nBuild-Jdk-Spec: 17\r\n\r\n");
    let info = format!("build.artifact=integrasjonspunkt\nbuild.time={built}\nbuild.version={version}\n");
    let mut zip = zip::ZipWriter::new(io::BufWriter::new(std::fs::File::create(path)?));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let own = [("META-INF/MANIFEST.MF", &manifest), ("META-INF/build-info.properties", &info)];
    for (name, text) in own.into_iter().chain([(ENTRY, &behaviour.to_owned())]) {
        zip.start_file(name, options)?;
        zip.write_all(text.as_bytes())?;
    }
    let mut left = bytes;
    let mut number = 0;
    while left > 0 {
        let library = noise(left.min(LIBRARY), number);
        zip.start_file(format!("BOOT-INF/lib/library-{number}.jar"), options)?;
        zip.write_all(&library)?;
        left -= library.len();
        number += 1;
    }
    let mut file = zip.finish()?;
    file.flush()?;
    file.get_ref().sync_all()
}

/// Bytes that look like nothing; the same for the same seed.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_any_size_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jar");
        make(&path, "4.0.8", SMALL, "stop=ok").unwrap();
        let said = kosmos::release::jar::read(&mut std::fs::File::open(&path).unwrap()).unwrap();
        said.must_be(&"v4.0.8".parse().unwrap(), "integrasjonspunkt").unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > SMALL as u64);
    }
}

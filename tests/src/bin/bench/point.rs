//! The integration point as a process, in a folder of its own. It is ended with this value, however that comes.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What it sends goes to another.
pub const OWN: &str = "910077473";
/// The other.
pub const OTHER: &str = "910075918";

/// A running integration point.
pub struct Point {
    child: Child,
    home: tempfile::TempDir,
    /// Only kept.
    #[allow(dead_code, reason = "it is removed with this value")]
    between: Option<tempfile::TempDir>,
    more: Vec<String>,
    /// Where it listens.
    pub port: u16,
    /// From its start until it said that it is ready.
    pub to_ready: Duration,
}

impl Point {
    /// In an empty folder, with these arguments more.
    pub fn start(program: &Path, more: &[String]) -> io::Result<Self> {
        let temporary = || tempfile::Builder::new().prefix("integrasjonspunkt-bench-").tempdir();
        let between = temporary()?;
        let own = [
            format!("--difi.move.org.number={OWN}"),
            format!("--integrasjonspunkt.loopback.folder={}", between.path().display()),
        ];
        let more: Vec<String> = own.into_iter().chain(more.iter().cloned()).collect();
        let mut point = Self::start_bare(program, &more)?;
        point.between = Some(between);
        Ok(point)
    }

    /// With these arguments and no folder between it and itself.
    pub fn start_bare(program: &Path, more: &[String]) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("integrasjonspunkt-bench-").tempdir()?;
        let (child, port, to_ready) = begin(program, home.path(), more)?;
        Ok(Self { child, home, between: None, more: more.to_vec(), port, to_ready })
    }

    /// Ends it and starts it in the same folder again.
    pub fn again(&mut self, program: &Path) -> io::Result<()> {
        self.end();
        let (child, port, to_ready) = begin(program, self.home.path(), &self.more)?;
        (self.child, self.port, self.to_ready) = (child, port, to_ready);
        Ok(())
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        self.end();
    }
}

fn begin(program: &Path, home: &Path, more: &[String]) -> io::Result<(Child, u16, Duration)> {
    let begun = Instant::now();
    let mut child = Command::new(program)
        .current_dir(home)
        .args(["--spring.profiles.active=staging", "--server.address=127.0.0.1", "--server.port=0"])
        .args(["--difi.ssl.enabled=false", "--difi.security.enable=false"])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
    let mut said = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        if let Some(port) = ready(&line) {
            let to_ready = begun.elapsed();
            // Its log is read on, so that it never waits for us; the thread ends with the process.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok((child, port, to_ready));
        }
    }
    let _ = child.kill();
    let ended = child.wait()?;
    Err(io::Error::other(format!("it did not get ready, {ended}:\n{said}")))
}

/// The port, where the line says that it is ready.
fn ready(line: &str) -> Option<u16> {
    let address = line.split_once(" ready ")?.1.split("address=").nth(1)?;
    address.split(' ').next()?.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_port_is_found_in_the_line_that_says_ready() {
        let line = "2026-11-21T10:00:00Z  INFO integrasjonspunkt::cli: ready address=127.0.0.1:40123 after=9ms";
        assert_eq!(super::ready(line), Some(40123));
        assert_eq!(super::ready("INFO messages go into a folder folder=/x:1"), None);
    }
}

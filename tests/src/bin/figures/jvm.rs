//! The JVM beside: what a supervisor in Java costs at the very least, before it has read its first setting.

use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use outside_world::measure::numbers::{Numbers, mib};
use outside_world::measure::system::{self, Reading};

/// Sleeps, and before that asks once over HTTPS if it is told where.
const SOURCE: &str = r#"
import java.net.URI;
import java.net.http.*;

public class Idle {
    public static void main(String[] words) throws Exception {
        if (words.length > 0) {
            HttpClient client = HttpClient.newHttpClient();
            HttpRequest request = HttpRequest.newBuilder(URI.create(words[0])).build();
            try {
                client.send(request, HttpResponse.BodyHandlers.ofString());
            } catch (java.io.IOException error) {
                // An authority that it does not know; by then it has loaded all that it needs.
            }
        }
        System.out.println("ready");
        Thread.sleep(600_000);
    }
}
"#;

/// A JVM of this machine, and a program for it.
pub struct Jvm {
    /// What it calls itself.
    pub version: String,
    folder: Option<tempfile::TempDir>,
    why_no_program: String,
}

impl Jvm {
    /// The one in `PATH`; otherwise why there is none.
    pub fn look() -> Result<Self, String> {
        let said = Command::new("java").arg("-version").output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        let version = text.lines().next().filter(|_| said.status.success()).ok_or("`java -version` fails")?.to_owned();
        let (folder, why_no_program) = match compile() {
            Ok(folder) => (Some(folder), String::new()),
            Err(error) => (None, format!("not compiled: {error}")),
        };
        Ok(Self { version, folder, why_no_program })
    }

    /// How long `java -version` takes: a JVM that starts, says a line, and ends.
    pub fn start(&self, rounds: usize) -> String {
        let mut took = Numbers::default();
        for _ in 0..rounds {
            let began = Instant::now();
            let said = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if said.is_ok() {
                took.add(began.elapsed());
            }
        }
        format!("`java -version`: {took}")
    }

    /// What an idle one holds: doing nothing, and after one HTTPS request.
    pub fn idle(&self, url: &str) -> String {
        let of = |words: &[&str]| match self.reading(words) {
            Ok(Some(reading)) => format!("{}, {} threads", mib(reading.resident_kib), reading.threads),
            Ok(None) => "not told by this system".into(),
            Err(error) => error.to_string(),
        };
        format!("{}; after one HTTPS request {}", of(&[]), of(&[url]))
    }

    fn reading(&self, words: &[&str]) -> io::Result<Option<Reading>> {
        let folder = self.folder.as_ref().ok_or_else(|| io::Error::other(self.why_no_program.clone()))?;
        let mut command = Command::new("java");
        command.arg("-cp").arg(folder.path()).arg("Idle").args(words);
        let mut child = Ended(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        let mut line = String::new();
        BufReader::new(child.0.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).read_line(&mut line)?;
        // What follows a start is given a moment to settle.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(async { tokio::time::sleep(Duration::from_secs(2)).await });
        Ok(system::read(child.0.id()))
    }
}

/// Ended when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compile() -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let source: PathBuf = folder.path().join("Idle.java");
    efm::atomic::replace(&source, SOURCE.as_bytes())?;
    let done = Command::new("javac").arg("-d").arg(folder.path()).arg(&source).output()?;
    if done.status.success() {
        Ok(folder)
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()))
    }
}

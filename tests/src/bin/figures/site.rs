//! A site to measure: a home folder, a release server, and the real `kosmos` on duty in it.

use efm::clock::Clock;
use kosmos::child::IntegrationPoint;
use kosmos::control::client::ask;
use kosmos::control::wire::{Answer, Line, Live, Question, Runs};
use kosmos::demo::release_server::{Background, Shelf};
use kosmos::notice::{History, Row};
use kosmos::ports::{Child as _, state_folder};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Programs;
use crate::front::Front;
use crate::release::Shop;

/// No wait of the bench is longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two questions while something is waited for that tells of itself only when it is asked.
const POLL: Duration = Duration::from_micros(500);

/// How the release server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Plainly, on this machine.
    Plain,
    /// With TLS, as a site does.
    Tls,
}

/// The site.
pub struct Site {
    home: tempfile::TempDir,
    kosmos: PathBuf,
    java: PathBuf,
    port: u16,
    server: Background,
    runtime: tokio::runtime::Runtime,
    supervisor: Option<Child>,
    /// The way to the release server.
    pub front: Front,
    /// What is published there.
    pub shop: Shop,
}

impl Site {
    /// A home folder as a person would have made it. Nothing runs yet.
    pub fn new(programs: &Programs, way: Way, look: &str) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("kosmos-figures-").tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Background::start()?;
        let address = server.url("").map_err(io::Error::other)?;
        let address = address.socket_addrs(|| None)?.first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let front = Front::of(address)?;
        let shop = Shop::on(server.shelf())?;
        let base = match way {
            Way::Plain => format!("http://{address}"),
            Way::Tls => format!("https://localhost:{}", front.port),
        };
        let write = |name: &str, text: &str| efm::atomic::replace(&home.path().join(name), text.as_bytes());
        write("integrasjonspunkt-local.properties", &format!("server.port={port}\n"))?;
        write("eformidling-key.asc", &shop.certificate()?)?;
        write("authority.pem", &front.authority)?;
        write("kosmos.toml", &settings(&base, look, &programs.java))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (kosmos, java) = (programs.kosmos.clone(), programs.java.clone());
        Ok(Self { home, kosmos, java, port, server, runtime, supervisor: None, front, shop })
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// What the release server serves, and what it was asked.
    pub fn shelf(&self) -> Shelf {
        self.server.shelf()
    }

    /// Where a path is served, without TLS; `path` without a leading slash.
    pub fn url(&self, path: &str) -> io::Result<url::Url> {
        self.server.url(path).map_err(io::Error::other)
    }

    /// Starts the supervisor, and gives its number.
    pub fn start(&mut self) -> io::Result<u32> {
        let mut command = Command::new(&self.kosmos);
        command.arg("--home").arg(self.home()).arg("run");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let pid = child.id();
        self.supervisor = Some(child);
        Ok(pid)
    }

    /// Kills the supervisor; the integration point goes on.
    pub fn kill_supervisor(&mut self) {
        if let Some(mut child) = self.supervisor.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What it says of itself.
    pub fn status(&self) -> Option<Live> {
        match self.runtime.block_on(ask(self.home(), &Question::Status, |_| {})) {
            Ok(Line::Status(live)) => Some(*live),
            Ok(_) | Err(_) => None,
        }
    }

    /// Waits until it says that an integration point runs, and so does what is asked of that.
    pub fn until(&self, good: impl Fn(&Runs) -> bool) -> io::Result<Runs> {
        let runs = self.until_some(|| self.status()?.runs.filter(&good));
        runs.ok_or_else(|| io::Error::other(format!("nothing came up in {}", self.home().display())))
    }

    /// Waits until this gives something.
    pub fn until_some<T>(&self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            match ask() {
                None if Instant::now() < until => self.rest(POLL),
                answer => return answer,
            }
        }
    }

    /// Lets time pass.
    pub fn rest(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Asks for an upgrade, now or in the next window, and waits for the answer.
    pub fn upgrade(&self, now: bool) -> io::Result<Answer> {
        let question = Question::Upgrade { to: None, now, downgrade: None };
        match self.runtime.block_on(ask(self.home(), &question, |_| {})) {
            Ok(Line::Answer(answer)) => Ok(answer),
            Ok(other) => Err(io::Error::other(format!("it said {other:?}"))),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// What its history says last under this name.
    pub fn last_in_history(&self, what: &str) -> io::Result<Option<Row>> {
        let mut rows = History::of(&state_folder(self.home())).read(50).map_err(io::Error::other)?;
        rows.retain(|row| row.what == what);
        rows.sort_by_key(|row| row.at);
        Ok(rows.pop())
    }

    /// Kills the integration point, and waits until it is gone.
    pub fn kill_integration_point(&self) -> io::Result<()> {
        let known = self.runtime.block_on(self.integration_point()?.find(None)).map_err(io::Error::other)?;
        let Some(process) = known else { return Ok(()) };
        let point = self.integration_point()?;
        self.runtime.block_on(async {
            point.kill(&process).await.map_err(io::Error::other)?;
            point.ended(&process).await;
            Ok(())
        })
    }

    fn integration_point(&self) -> io::Result<IntegrationPoint> {
        let settings = outside_world::child::settings(self.port, Some(self.java.clone()))?;
        Ok(IntegrationPoint::of(self.home().to_owned(), settings))
    }

    /// Whether an integration point answers that it is up.
    pub fn is_up(&self) -> bool {
        self.runtime
            .block_on(request(self.port, "GET", efm::manage::HEALTH))
            .is_ok_and(|answer| answer.contains(" 200 "))
    }

    /// Somebody else who asks it each millisecond how it is.
    pub fn watch(&self) -> Watcher {
        let port = self.port;
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let (mut was_down, mut up) = (false, None);
                while up.is_none() && stopped.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
                    let good = request(port, "GET", efm::manage::HEALTH).await.is_ok_and(|text| text.contains(" 200 "));
                    up = (good && was_down).then(|| Clock::machine().now());
                    was_down |= !good;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                up
            })
        });
        Watcher { stop, thread }
    }

    /// Starts and stops an integration point of this archive by itself, in a folder of its own, and gives how long its
    /// start takes.
    pub fn alone(&self, archive: &Path) -> io::Result<Duration> {
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(&self.java);
        command.current_dir(folder.path()).arg("-jar").arg(archive).arg("--management.endpoint.shutdown.enabled=true");
        command.arg(format!("--server.port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn()?;
        let health = || self.runtime.block_on(request(port, "GET", efm::manage::HEALTH)).ok();
        let up = self.until_some(|| health().filter(|answer| answer.contains(" 200 ")));
        let started = began.elapsed();
        let stopped = self.runtime.block_on(request(port, "POST", efm::manage::SHUTDOWN));
        if up.is_none() || stopped.is_err() {
            let _ = child.kill();
        }
        child.wait()?;
        Ok(started)
    }
}

/// Asks, until it was down and is up again.
pub struct Watcher {
    stop: tokio::sync::oneshot::Sender<()>,
    thread: std::thread::JoinHandle<Option<jiff::Timestamp>>,
}

impl Watcher {
    /// When it was first up again; none: it was never down, or never up again.
    pub fn first_good(self) -> Option<jiff::Timestamp> {
        drop(self.stop);
        self.thread.join().ok().flatten()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Whatever was measured, and wherever it ended: nothing is left running.
        self.kill_supervisor();
        if let Err(error) = self.kill_integration_point() {
            eprintln!("figures: the integration point in {} was not ended: {error}", self.home().display());
        }
    }
}

/// Status line, head and body of an answer, over a connection of its own.
async fn request(port: u16, method: &str, path: &str) -> io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

fn settings(base: &str, look: &str, java: &Path) -> String {
    // Single quotes: a Windows path is full of backslashes.
    format!(
        "[schedule]\nlook = \"{look}\"\n\
         [release]\nlist = \"{base}/latest-versions.yml\"\ndownloads = \"{base}/download/\"\n\
         [network]\nca_file = \"authority.pem\"\n\
         [child]\njava = '{}'\nprobation = \"1s\"\nstop_grace = \"10s\"\nstart_patience = \"20s\"\n",
        java.display()
    )
}

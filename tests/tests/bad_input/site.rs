//! A home folder as a site without internet has it, and the program run in it as a person would.

use kosmos::demo::publisher::{Archive, Publisher};
use kosmos::ports::{Floors, Held, Process, Stored, Trial, TrialStage, Vault, state_folder};
use kosmos::vault::{self, Folder, Plan};
use outside_world::child::{self, program};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No word takes longer; `run` is ended by its test.
const PATIENCE: Duration = Duration::from_secs(40);
const NOW: &str = "2025-06-01T00:00:00Z";

/// The site. What it started is ended with it.
pub struct Site {
    _folder: tempfile::TempDir,
    pub home: PathBuf,
    key: String,
}

/// What the program said.
#[derive(Clone, Debug)]
pub struct Said {
    pub words: String,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Site {
    /// A site whose folder is called so.
    pub fn named(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap().join(name);
        fs::create_dir_all(&home).unwrap();
        let publisher = Publisher::new("publisher", NOW.parse().unwrap()).unwrap();
        let site = Self { _folder: folder, home, key: publisher.fingerprint() };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        site.put("integrasjonspunkt-local.properties", format!("server.port={port}\n"));
        site.put("eformidling-key.asc", publisher.certificate().unwrap());
        let jar = Archive::new("integrasjonspunkt", "4.0.8", NOW.parse().unwrap()).bytes().unwrap();
        site.put("releases/integrasjonspunkt-v4.0.8.jar.asc", publisher.sign(&jar, NOW.parse().unwrap()).unwrap());
        site.put("releases/integrasjonspunkt-v4.0.8.jar", jar);
        let settings = format!(
            "[schedule]\nlook = '1h'\nsplay = '0s'\n[release]\nsource = 'directory:releases'\n[child]\nprofile = 'itest'\n\
             java = '{}'\nprobation = '50ms'\nstop_grace = '5s'\n",
            program("false-java").unwrap().display()
        );
        site.put("kosmos.toml", settings);
        site
    }

    pub fn new() -> Self {
        Self::named("home")
    }

    /// With a version in the vault, a pointer to it, and every state file there is.
    pub fn installed() -> Self {
        let site = Self::new();
        let said = site.kosmos(&["import", "releases/integrasjonspunkt-v4.0.8.jar"]);
        assert_eq!(said.code, 0, "{said:?}");
        let loaded = kosmos::config::load(&site.home, &[], &[]).unwrap();
        let lock = vault::lock(&site.home).unwrap();
        let unpack: vault::Unpack = |_, _, _, _| Err("nothing is unpacked here".into());
        let folder = Folder::new(Plan::of(&loaded.settings), efm::clock::Clock::machine(), unpack, lock);
        let stored = folder.all_stored().unwrap().remove(0);
        folder.point_at(&stored).unwrap();
        folder.raise_floors(&stored).unwrap();
        assert_eq!(folder.floors().unwrap(), Floors::of(&stored));
        let held = Held {
            version: "4.0.7".parse().unwrap(),
            deaths: 0,
            given_up: Some("it did not come up".into()),
            signature: stored.signature,
        };
        folder.hold_against(&stored.signature, &held).unwrap();
        folder.remember_child(Some(&nobody())).unwrap();
        folder.write_trial(&trial(&stored)).unwrap();
        site.put(
            "kosmos/last-look.json",
            format!("{{\"at\":\"{NOW}\",\"text\":\"nothing newer\",\"reached\":\"{NOW}\"}}"),
        );
        let _ = fs::remove_file(site.home.join("kosmos/lock.holder"));
        site
    }

    /// Writes a file below the home folder.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        efm::atomic::replace(&path, bytes.as_ref()).unwrap();
        path
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = child::kosmos(words).unwrap();
        command.current_dir(&self.home).env("RUST_BACKTRACE", "1");
        command
    }

    /// Runs the program in the home folder to its end.
    pub fn kosmos(&self, words: &[&str]) -> Said {
        self.finish(words, self.command(words))
    }

    /// The same as a user who may not do everything. Nothing where we are root and cannot become another.
    #[cfg(unix)]
    pub fn kosmos_as_nobody(&self, words: &[&str]) -> Said {
        const NOBODY: u32 = 65534;
        use std::os::unix::process::CommandExt;
        let mut command = self.command(words);
        if am_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        self.finish(words, command)
    }

    fn finish(&self, words: &[&str], mut command: Command) -> Said {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (code, out, err) = to_the_end(child, words);
        Said { words: words.join(" "), code, out: self.plain(&out), err: self.plain(&err) }
    }

    /// Starts `kosmos run`.
    pub fn run(&self) -> Running<'_> {
        let log = self.home.parent().unwrap().join("run.log");
        let file = fs::File::create(&log).unwrap();
        let child = self.command(&["run"]).stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Running { site: self, child, log }
    }

    /// What a person reads, with what is another each time taken out.
    pub fn plain(&self, text: &str) -> String {
        let program = format!("kosmos-under-test{}", std::env::consts::EXE_SUFFIX);
        let mut plain = text.replace(&self.home.display().to_string(), "<home>").replace(&program, "kosmos");
        plain = plain.replace(&self.key, "<publisher's key>");
        if let Some(parent) = self.home.parent() {
            plain = plain.replace(&parent.display().to_string(), "<above>");
        }
        plain
    }

    /// Every file and folder with its bytes; sparse ones by their length.
    pub fn listing(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        list(&self.home, &self.home, &mut found);
        found
    }

    pub fn state(&self) -> PathBuf {
        state_folder(&self.home)
    }
}

/// A supervisor on duty. It and its integration point are ended with this value.
pub struct Running<'s> {
    site: &'s Site,
    child: Child,
    log: PathBuf,
}

impl Running<'_> {
    /// Waits until the status says so; what it says then.
    pub fn status_with(&mut self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.site.kosmos(&["status"]);
            if said.out.contains(wanted) {
                return said.out;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{ended:?} {said:?}\n{}", self.log());
            wait_a_moment();
        }
    }

    /// Waits until it has logged this.
    pub fn wait_for_log(&mut self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.log().contains(wanted) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{ended:?}\n{}", self.log());
            wait_a_moment();
        }
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.site.plain(&fs::read_to_string(&self.log).unwrap_or_default())
    }

    /// Stops both.
    pub fn stop(mut self) {
        let said = self.site.kosmos(&["stop"]);
        assert_eq!(said.code, 0, "{said:?}\n{}", self.log());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.site.kosmos(&["stop"]);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Until it ends by itself; one that does not is killed, and the test fails.
fn to_the_end(mut child: Child, words: &[&str]) -> (i32, String, String) {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read_out = std::thread::spawn(move || text(&mut out));
    let read_err = std::thread::spawn(move || text(&mut err));
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            panic!("kosmos {} does not end", words.join(" "));
        }
        wait_a_moment();
    };
    (status.code().unwrap_or(-1), read_out.join().unwrap(), read_err.join().unwrap())
}

#[allow(clippy::disallowed_methods, reason = "a bounded poll on another process")]
fn wait_a_moment() {
    std::thread::sleep(Duration::from_millis(10));
}

fn text(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).expect("what is said is UTF-8")
}

impl Said {
    /// As a person sees it.
    pub fn transcript(&self) -> String {
        let mut text = format!("$ kosmos {}\n", self.words);
        for (mark, said) in [("", &self.out), ("! ", &self.err)] {
            for line in said.lines() {
                let _ = writeln!(text, "{mark}{line}");
            }
        }
        let _ = writeln!(text, "→ {}", self.code);
        text
    }

    /// One clear error: this code, one complaint, and nothing that only a programmer reads.
    pub fn must_refuse(&self, code: i32) {
        let whole = self.transcript();
        assert_eq!(self.code, code, "{whole}");
        let complaints = self.err.lines().filter(|line| line.starts_with("kosmos: ") || line.starts_with("error: "));
        assert_eq!(complaints.count(), 1, "one complaint is right:\n{whole}");
        must_be_for_people(&whole);
    }
}

/// No text of Rust, no backtrace.
pub fn must_be_for_people(text: &str) {
    for debug in ["Err(", "Some(", "None)", "panicked", "backtrace", "src/", "Os {", "kind:", "Error {", "unwrap"] {
        assert!(!text.contains(debug), "{debug} is for programmers:\n{text}");
    }
}

fn list(home: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        found.insert(folder.to_owned(), "unreadable".into());
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(home).unwrap().to_owned();
        if metadata.is_dir() {
            found.insert(name, "folder".into());
            list(home, &path, found);
        } else if metadata.len() > 1 << 20 || !metadata.is_file() {
            found.insert(name, format!("{} bytes", metadata.len()));
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

fn nobody() -> Process {
    Process { pid: 1 << 30, started: 1, boot: "another".into(), archive: None }
}

fn trial(stored: &Stored) -> Trial {
    let named = kosmos::ports::Named { tag: stored.tag.clone(), sha256: stored.sha256 };
    Trial {
        id: "2025-06-01T00-00-00Z-4.0.8".into(),
        to: named,
        from: None,
        stage: TrialStage::Stopping,
        backup: None,
        child: None,
        came_up: false,
        deaths: 0,
        red_before: Vec::new(),
        left: false,
    }
}

/// Whether the system lets us do everything.
#[cfg(unix)]
pub fn am_root() -> bool {
    // A folder that nobody may look into: only root may.
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    fs::read_dir(&closed).is_ok()
}

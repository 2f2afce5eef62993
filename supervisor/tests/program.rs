//! The program as it is run by people: words in, text and exit codes out, with a false integration point below it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use efm::clock::Clock;
use kosmos::demo::integration_point::ENTRY;
use kosmos::demo::publisher::{Archive, Publisher};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kosmos");
/// Nothing here takes longer, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// A home folder as KOSMOS leaves it, with a jar that was signed well.
struct Home {
    folder: tempfile::TempDir,
    port: u16,
    publisher: Publisher,
    supervisor: Option<Child>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Clock::machine().now();
        let publisher = Publisher::new("publisher", now).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let java = folder.path().join(format!("false-java{}", std::env::consts::EXE_SUFFIX));
        #[cfg(unix)]
        std::os::unix::fs::symlink(PROGRAM, &java).unwrap();
        #[cfg(not(unix))]
        std::fs::copy(PROGRAM, &java).unwrap();
        let write = |name: &str, bytes: &[u8]| efm::atomic::replace(&folder.path().join(name), bytes).unwrap();
        write("eformidling-key.asc", publisher.certificate().unwrap().as_bytes());
        write("integrasjonspunkt-local.properties", format!("server.port={port}\n").as_bytes());
        // It never looks: what lies here is started all the same.
        let toml = format!(
            "[schedule]\nmode = \"off\"\n[child]\njava = '{}'\nprofile = \"production\"\nstop_grace = \"5s\"\n[release]\nsource = 'directory:{}'\n",
            java.display(),
            folder.path().display()
        );
        write("kosmos.toml", toml.as_bytes());
        let home = Self { folder, port, publisher, supervisor: None };
        home.publish("4.0.8", "");
        home
    }

    /// A jar that was signed well lies in the home folder.
    fn publish(&self, version: &str, behaviour: &str) -> PathBuf {
        let now = Clock::machine().now();
        let archive = Archive::new("integrasjonspunkt", version, now).with(ENTRY, behaviour.as_bytes());
        let bytes = archive.bytes().unwrap();
        let jar = self.path().join(format!("integrasjonspunkt-v{version}.jar"));
        efm::atomic::replace(&jar, &bytes).unwrap();
        let signature = self.publisher.sign(&bytes, now).unwrap();
        efm::atomic::replace(&jar.with_extension("jar.asc"), signature.as_bytes()).unwrap();
        jar
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn word(&self, words: &[&str]) -> Output {
        run(self.path(), words)
    }

    fn run(&mut self) {
        let quiet = || Stdio::null();
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--home"]).arg(self.path());
        self.supervisor = Some(command.stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().unwrap());
    }

    /// Until somebody answers at the port of the integration point.
    fn wait_until_it_answers(&self) {
        self.wait("an integration point", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    fn wait_until_supervised(&self) {
        self.wait("a supervisor", || code(&self.word(&["status"])) == 0);
    }

    fn wait(&self, what: &str, is_there: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(10);
        while !is_there() {
            let log = || std::fs::read_to_string(self.path().join("logs/kosmos.log")).unwrap_or_default();
            assert!(Instant::now() < until, "no {what} within {PATIENCE:?}:\n{}", log());
            // A bounded poll: another process tells us nothing by itself.
            #[allow(clippy::disallowed_methods, reason = "no runtime, and no clock that could be paused")]
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    fn supervisor_ends_with(&mut self) -> Option<i32> {
        self.supervisor.take().unwrap().wait().unwrap().code()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            self.word(&["stop"]);
            let _ = supervisor.kill();
            let _ = supervisor.wait();
        }
    }
}

fn run(home: &Path, words: &[&str]) -> Output {
    Command::new(PROGRAM).args(words).arg("--home").arg(home).stdin(Stdio::null()).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn config_check_tells_files_that_are_not_there() {
    let home = tempfile::tempdir().unwrap();
    let checked = run(home.path(), &["config", "check"]);
    assert_eq!(code(&checked), 3, "{}", said(&checked));
    assert!(said(&checked).contains("eformidling-key.asc is not there"), "{}", said(&checked));
    let good = Home::new();
    let checked = good.word(&["config", "check"]);
    assert_eq!((code(&checked), said(&checked).trim()), (0, "the settings are good"));
}

#[test]
fn who_says_reload_or_stop_gets_an_answer() {
    let mut home = Home::new();
    home.run();
    home.wait_until_it_answers();
    for word in ["reload", "stop"] {
        // While it reads its settings again nobody is at the door for a moment.
        home.wait_until_supervised();
        let answered = home.word(&[word]);
        assert_eq!((code(&answered), said(&answered).trim()), (0, "done"), "{word}");
    }
    assert_eq!(home.supervisor_ends_with(), Some(0));
    assert!(TcpStream::connect(("127.0.0.1", home.port)).is_err(), "the integration point goes on");
}

#[test]
fn a_pointer_that_cannot_be_read_does_not_keep_the_service_down() {
    let mut home = Home::new();
    home.run();
    home.wait_until_it_answers();
    home.wait_until_supervised();
    let stopped = home.word(&["stop"]);
    assert_eq!(code(&stopped), 0, "{}", said(&stopped));
    home.supervisor_ends_with();
    // A newer one that has never run here, and that would not come up.
    let newer = home.publish("4.0.9", "start=crash");
    let imported = home.word(&["import", newer.to_str().unwrap()]);
    assert_eq!(code(&imported), 0, "{}", said(&imported));
    for name in ["current.json", "current.second.json"] {
        let path = home.path().join("kosmos").join(name);
        assert!(path.exists(), "{name}");
        efm::atomic::replace(&path, b"garbage").unwrap();
    }
    home.run();
    home.wait_until_it_answers();
    home.wait("a warning", || said(&home.word(&["history"])).contains("the pointer cannot be read"));
    home.wait("what is pointed at", || said(&home.word(&["status"])).contains("installed    4.0.8"));
    assert_eq!(std::fs::read_dir(home.path().join("kosmos/versions")).unwrap().count(), 2);
}

#[test]
fn what_says_that_no_supervisor_runs_has_looked_at_the_lock() {
    let home = tempfile::tempdir().unwrap();
    for word in [&["status"][..], &["upgrade"], &["stop"], &["forgive", "4.0.8"]] {
        let code_without = if word[0] == "forgive" { 0 } else { 30 };
        assert_eq!(code(&run(home.path(), word)), code_without, "{word:?}");
    }
    // This process has it, and opens no door.
    let lock = kosmos::vault::lock(home.path()).unwrap();
    let holder = format!("process {} (since ", std::process::id());
    for word in [&["status"][..], &["upgrade"], &["reload"], &["stop"], &["forgive", "4.0.8"]] {
        let asked = run(home.path(), word);
        assert_eq!(code(&asked), 31, "{word:?}: {}", said(&asked));
        assert!(said(&asked).contains(&holder) && said(&asked).contains("does not answer"), "{}", said(&asked));
        assert!(!said(&asked).contains("none runs") && !said(&asked).contains("does not run"), "{}", said(&asked));
    }
    let json = run(home.path(), &["status", "--json"]);
    assert!(String::from_utf8_lossy(&json.stdout).contains("\"does_not_answer\": \""), "{}", said(&json));
    drop(lock);
    assert_eq!(code(&run(home.path(), &["stop"])), 30);
}

#[test]
fn a_typing_error_in_the_settings_keeps_nobody_from_status_history_and_hold() {
    let home = tempfile::tempdir().unwrap();
    let ip = home.path().join("ip");
    std::fs::create_dir(&ip).unwrap();
    let toml = "home = \"ip\"\n[schedule]\nlokk = \"15m\"\n";
    efm::atomic::replace(&home.path().join("kosmos.toml"), toml.as_bytes()).unwrap();
    assert_eq!(code(&run(home.path(), &["schedule"])), 3);
    let words = [
        (&["hold", "--until", "48h", "--reason", "year end"][..], 0, "year end"),
        // What it shows is all there, and the code says that somebody must mend them: decision 19.
        (&["status"], 3, "year end"),
        (&["history"], 0, ""),
        (&["hold", "--end"], 0, "over"),
        (&["forgive", "4.0.8"], 0, "nothing was held"),
    ];
    for (word, wanted, text) in words {
        let done = run(home.path(), word);
        assert_eq!(code(&done), wanted, "{word:?}: {}", said(&done));
        assert!(said(&done).contains(text) && said(&done).contains("the settings are wrong"), "{}", said(&done));
    }
    assert!(ip.join("kosmos").is_dir() && !home.path().join("kosmos").exists(), "what is right of them counts");
}

#[test]
fn the_home_of_the_command_line_is_stronger_than_that_of_the_environment() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let show = |words: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(words).env("KOSMOS_HOME", other.path()).current_dir(home.path()).stdin(Stdio::null());
        said(&command.output().unwrap())
    };
    let is_home = |shown: &str, folder: &Path| {
        let line = shown.lines().find(|line| line.starts_with("home ")).unwrap().to_owned();
        line.contains(&folder.canonicalize().unwrap().display().to_string())
    };
    let named = home.path().display().to_string();
    assert!(is_home(&show(&["config", "show", "--home", &named]), home.path()));
    assert!(is_home(&show(&["--home", ".", "config", "show"]), home.path()));
    assert!(!is_home(&show(&["config", "show"]), home.path()), "else the environment counts");
}

#[test]
fn no_environment_variable_moves_several_homes_to_one_place() {
    let (host, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["a", "b"] {
        std::fs::create_dir(host.path().join(name)).unwrap();
    }
    for named in [&["--home", "a", "--home", "b"][..], &[]] {
        if named.is_empty() {
            efm::atomic::replace(&host.path().join("kosmos.toml"), b"[host]\nhomes = [\"a\", \"b\"]\n").unwrap();
        }
        let mut command = Command::new(PROGRAM);
        command.args(["status", "--json"]).args(named).env("KOSMOS_HOME", other.path()).current_dir(host.path());
        let status: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        for (number, name) in ["a", "b"].into_iter().enumerate() {
            let home = Path::new(status["homes"][number]["status"]["home"].as_str().unwrap());
            assert_eq!(home.canonicalize().unwrap(), host.path().join(name).canonicalize().unwrap(), "{status:#}");
        }
    }
}

#[test]
fn of_several_homes_one_with_wrong_settings_and_one_that_does_not_answer_are_shown_as_alone() {
    let host = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        std::fs::create_dir(host.path().join(name)).unwrap();
    }
    efm::atomic::replace(&host.path().join("a/kosmos.toml"), b"[schedule]\nlokk = \"15m\"\n").unwrap();
    // This process has it, and opens no door.
    let _lock = kosmos::vault::lock(&host.path().join("b")).unwrap();
    let shown = run(&host.path().join("b"), &["status", "--home", host.path().join("a").to_str().unwrap()]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("the settings are wrong: kosmos config check --home"), "{text}");
    assert!(lines[0].contains("; no supervisor runs; installed: nothing"), "{text}");
    assert!(lines[1].contains("does not answer; installed: nothing"), "{text}");
    assert_eq!(code(&shown), 3, "{}", said(&shown));
}

#[test]
fn the_folder_of_the_state_is_no_data_to_copy() {
    let home = tempfile::tempdir().unwrap();
    let ours = kosmos::ports::state_folder(Path::new("")).display().to_string();
    let toml = format!("[backup]\npaths = ['{ours}']\n");
    efm::atomic::replace(&home.path().join("kosmos.toml"), toml.as_bytes()).unwrap();
    let checked = run(home.path(), &["config", "check"]);
    assert!(said(&checked).contains("is the supervisor's own folder"), "{}", said(&checked));
}

#[cfg(unix)]
#[test]
fn what_root_makes_in_a_home_of_somebody_else_is_theirs() {
    use std::os::unix::fs::{MetadataExt, lchown};
    const SOMEBODY: u32 = 54_321;
    let mut home = Home::new();
    let jar = home.publish("4.0.9", "");
    let own = |path: &Path| lchown(path, Some(SOMEBODY), Some(SOMEBODY));
    if own(home.path()).is_err() {
        println!("left out: only root makes something in a home of somebody else");
        return;
    }
    for entry in std::fs::read_dir(home.path()).unwrap() {
        own(&entry.unwrap().path()).unwrap();
    }
    for word in [&["hold", "--until", "48h"][..], &["hold", "--end"], &["import", jar.to_str().unwrap()]] {
        let done = home.word(word);
        assert_eq!(code(&done), 0, "{word:?}: {}", said(&done));
    }
    home.run();
    home.wait_until_it_answers();
    home.wait_until_supervised();
    home.wait("what is pointed at", || said(&home.word(&["status"])).contains("installed    4.0."));
    assert_eq!(code(&home.word(&["stop"])), 0);
    home.supervisor_ends_with();
    let mut folders = vec![home.path().join("kosmos"), home.path().join("logs")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let inside = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        for path in inside.chain([folder.clone()]) {
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (SOMEBODY, SOMEBODY), "{}", path.display());
            seen += 1;
            if metadata.is_dir() && path != folder {
                folders.push(path);
            }
        }
    }
    assert!(seen > 15, "{seen} files and folders");
}

//! The service through its life under Windows' service control, with a native integration point: installed, started,
//! asked, killed, restarted, stopped, taken away; and a service of KOSMOS that it takes over.
//!
//! These tests change the services of the machine, so they run only when they are asked for: `.ci/windows` does, under
//! Wine. What Wine cannot show is in docs/windows.md.
#![cfg(windows)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test"
)]

use kosmos::demo::integration_point::ENTRY;
use kosmos::demo::publisher::Archive;
use outside_world::child::program;
use outside_world::site::{Said, Site, now, within};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Longer than any step takes on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A site with a service; the service goes with it.
struct Kept {
    site: Site,
    name: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── {:?}", self.said(&["service", "status"]));
        }
        let _ = self.said(&["service", "uninstall"]);
    }
}

impl Kept {
    /// Nothing is installed yet.
    fn new(name: &str) -> Self {
        let site = Site::new();
        let toml = site.settings("[schedule]\nmode = \"stage\"\n[child]\nkind = \"native\"\nstop_grace = \"5s\"\n");
        let toml =
            toml.lines().filter(|line| !line.starts_with("java = ")).fold(String::new(), |all, it| all + it + "\n");
        site.write("kosmos.toml", &toml);
        Self { site, name: name.to_owned() }
    }

    fn said(&self, words: &[&str]) -> Said {
        self.site.kosmos(&[words, &["--name", &self.name]].concat())
    }

    fn service(&self, words: &[&str], code: i32) -> Said {
        let said = self.said(&[&["service"], words].concat());
        assert_eq!(said.code, Some(code), "service {words:?}: {said:#?}\n{}", self.site.log());
        said
    }

    fn publish(&mut self, version: &str, behaviour: &str) {
        let native = std::fs::read(program("false-native").unwrap()).unwrap();
        let archive = Archive::new("integrasjonspunkt", version, now());
        let archive = archive.with(ENTRY, behaviour.as_bytes()).with("bin/integrasjonspunkt.exe", native);
        let ending = format!("-{}-{}.zip", std::env::consts::OS, std::env::consts::ARCH);
        self.site.publish_bytes(version, &ending, archive.bytes().unwrap(), behaviour);
    }

    /// A native program is large, and Wine is no faster than Windows.
    fn upgrade_now(&self, code: i32) {
        let mut word = self.site.begin(&["upgrade", "--now"]);
        let ended = within(Duration::from_secs(150), || word.has_ended().then_some(()));
        assert!(ended.is_some(), "{}", self.site.log());
        let said = word.end();
        assert_eq!(said.code, Some(code), "{said:#?}\n{}", self.site.log());
    }

    /// The supervisor's process and the integration point's.
    fn pids(&self, version: &str) -> (u64, u64) {
        let mut last = Value::Null;
        let found = within(PATIENCE, || {
            last = self.site.status();
            let live = &last["supervisor"];
            let is_so = live["runs"]["up"] == true && live["runs"]["version"] == version && live["doing"].is_null();
            is_so.then(|| (live["pid"].as_u64().unwrap(), live["runs"]["pid"].as_u64().unwrap()))
        });
        found.unwrap_or_else(|| panic!("{version} does not run\n{last:#}\n{}", self.site.log()))
    }

    fn versions(&self) -> Vec<String> {
        self.site.ran().into_iter().map(|start| start.version).collect()
    }
}

/// What the service control of the system says, by its own program.
fn sc(words: &[&str]) -> String {
    // Wine now and then has an internal error of its own when a program is started.
    let output = within(Duration::from_secs(10), || Command::new("sc").args(words).output().ok()).unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn kill(pid: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pid = u32::try_from(pid).unwrap();
    let started = kosmos::host::system::identify(pid).unwrap().unwrap();
    runtime.block_on(kosmos::host::system::kill(pid, started, true)).unwrap();
}

fn is_wine() -> bool {
    Path::new("C:\\windows\\system32\\winecfg.exe").exists()
}

#[test]
#[ignore = "changes the services of this machine: .ci/windows"]
fn a_service_installs_upgrades_rolls_back_and_its_restarts_leave_the_integration_point_alone() {
    let mut kept = Kept::new("life");
    kept.publish("4.0.7", "");
    let dry = kept.service(&["install", "--dry-run"], 0).out;
    assert!(dry.contains("NT SERVICE\\kosmos-life"), "{dry}");
    assert!(!sc(&["query", "kosmos-life"]).contains("STATE"), "dry");

    // First install, in the service: nothing waits for a window that has nothing to disturb.
    kept.service(&["install"], 0);
    assert!(sc(&["query", "kosmos-life"]).contains("RUNNING"));
    let status = kept.service(&["status"], 0).out;
    assert!(status.contains("running") && status.contains("NT SERVICE\\kosmos-life"), "{status}");
    kept.upgrade_now(0);
    let (_, first) = kept.pids("4.0.7");

    kept.publish("4.0.8", "");
    kept.upgrade_now(0);
    let (supervisor, point) = kept.pids("4.0.8");
    assert_ne!(first, point);

    kept.publish("4.0.9", "start=crash");
    kept.upgrade_now(20);
    let (same, point_after) = kept.pids("4.0.8");
    assert_eq!(same, supervisor);
    assert_eq!(kept.versions(), ["4.0.7", "4.0.8", "4.0.9", "4.0.8"]);

    // The integration point is killed: it is back. The supervisor leaves and begins anew: it is adopted.
    kill(point_after);
    let (_, again) = {
        kept.site.wait_for("it is started again", || (kept.site.ran().len() == 5).then_some(()));
        kept.pids("4.0.8")
    };
    assert_ne!(again, point_after);
    kept.service(&["restart"], 0);
    let (anew, adopted) = kept.pids("4.0.8");
    assert_ne!(anew, supervisor);
    assert_eq!(adopted, again, "adopted, not restarted");

    // The control's own stop is that of a restart, too: it cannot tell which.
    let stopped = sc(&["stop", "kosmos-life"]);
    kept.site.wait_for("the service has left", || sc(&["query", "kosmos-life"]).contains("STOPPED").then_some(()));
    println!("{stopped}");
    assert_eq!(kept.site.kosmos(&["status"]).code, Some(30));
    kept.service(&["start"], 0);
    assert_eq!(kept.pids("4.0.8").1, again);

    // As the msi does it at an upgrade.
    kept.service(&["leave"], 0);
    assert!(sc(&["query", "kosmos-life"]).contains("STOPPED"));
    kept.service(&["install"], 0);
    assert_eq!(kept.pids("4.0.8").1, again, "adopted");

    // `service stop` ends both, in order.
    kept.service(&["stop"], 0);
    assert!(sc(&["query", "kosmos-life"]).contains("STOPPED"));
    let ran = kept.site.ran();
    assert_eq!(ran.last().unwrap().ended.as_deref(), Some("0"), "it was asked, not killed: {ran:?}");
    assert_eq!(kept.service(&["stop"], 0).err.trim(), "nothing to do");

    kept.service(&["uninstall"], 0);
    kept.service(&["status"], 30);
    kept.service(&["uninstall"], 0);
    assert!(kept.site.home().join("kosmos/current.json").exists(), "the home folder is as it was");
}

#[test]
#[ignore = "changes the services of this machine: .ci/windows"]
fn a_supervisor_that_is_killed_is_followed_by_one_that_adopts() {
    let mut kept = Kept::new("killed");
    kept.publish("4.0.7", "");
    kept.service(&["install", "--start", "manual"], 0);
    kept.service(&["start"], 0);
    kept.upgrade_now(0);
    let (supervisor, point) = kept.pids("4.0.7");
    kill_alone(supervisor);
    kept.site.wait_for("nobody answers", || (kept.site.kosmos(&["status"]).code == Some(30)).then_some(()));
    if is_wine() {
        // Wine neither sees that it is gone nor recovers it: a person starts it.
        let _ = sc(&["stop", "kosmos-killed"]);
        within(Duration::from_secs(20), || {
            let _ = sc(&["start", "kosmos-killed"]);
            (kept.site.kosmos(&["status"]).code == Some(0)).then_some(())
        })
        .expect("it can be started again");
    }
    let (anew, adopted) = kept.pids("4.0.7");
    assert_ne!(anew, supervisor);
    assert_eq!(adopted, point, "untouched, and adopted");
    assert_eq!(kept.versions(), ["4.0.7"]);
}

/// Only this process, not what it has started.
fn kill_alone(pid: u64) {
    let done = Command::new("taskkill").args(["/f", "/pid", &pid.to_string()]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
#[ignore = "changes the services of this machine: .ci/windows"]
fn settings_that_are_wrong_are_said_before_anything_is_changed_and_a_folder_without_any_is_only_prepared() {
    let kept = Kept::new("wrong");
    let good = kept.site.read("kosmos.toml");
    kept.site.write("kosmos.toml", &format!("{good}probbation = \"1m\"\n"));
    let said = kept.service(&["install"], 3);
    assert!(said.err.contains("probbation"), "{said:?}");
    kept.service(&["status"], 30);

    for name in ["kosmos.toml", "integrasjonspunkt-local.properties"] {
        std::fs::remove_file(kept.site.home().join(name)).unwrap();
    }
    let said = kept.service(&["install"], 0);
    assert!(said.err.contains("integrasjonspunkt-local.properties"), "{said:?}");
    let status = kept.service(&["status"], 30).out;
    assert!(status.contains("stopped"), "{status}");
    // A service that is started with wrong settings ends, and says with what.
    kept.site.write("kosmos.toml", &format!("{good}probbation = \"1m\"\n"));
    let said = kept.service(&["start"], 1);
    assert!(said.err.contains("exit code 3"), "{said:?}");
}

#[test]
#[ignore = "changes the services of this machine: .ci/windows"]
fn the_service_of_kosmos_is_stopped_and_disabled_and_not_deleted() {
    let kept = Kept::new("heir");
    // Wrapped as WinSW does it: a program that is a service, with its description beside it. Ours plays the wrapper, for
    // a folder of its own.
    let other = Site::new();
    let wrapper = other.home().join("kosmos-service.exe");
    std::fs::copy(program("kosmos-under-test").unwrap(), &wrapper).unwrap();
    let jar = kept.site.home().join("kosmos-1.4.2.jar");
    let folder = kept.site.home().display().to_string();
    other.write(
        "kosmos-service.xml",
        &format!(
            "<service><id>old</id><executable>java</executable><workingdirectory>{folder}</workingdirectory>\
                  <arguments>-jar {}</arguments></service>",
            jar.display()
        ),
    );
    // One word more than ours has, so that it is not taken for one of ours.
    let line = format!("\"{}\" --log info --service --home \"{}\" run", wrapper.display(), other.home().display());
    let made = sc(&["create", "winsw-kosmos", "binPath=", &line, "start=", "auto"]);
    let gone = Gone("winsw-kosmos");
    assert!(sc(&["query", "winsw-kosmos"]).contains("STATE"), "{made}");
    let _ = sc(&["start", "winsw-kosmos"]);
    kept.site.wait_for("KOSMOS runs", || sc(&["query", "winsw-kosmos"]).contains("RUNNING").then_some(()));

    let dry = kept.service(&["install", "--dry-run"], 0).out;
    assert!(dry.contains("disable the service winsw-kosmos; it is not deleted"), "{dry}");
    kept.service(&["install"], 0);
    assert!(sc(&["query", "winsw-kosmos"]).contains("STOPPED"), "{}", sc(&["query", "winsw-kosmos"]));
    let status = kept.service(&["status"], 0).out;
    assert!(status.contains("winsw-kosmos") && status.contains("stopped, disabled"), "{status}");
    assert!(!kept.service(&["install", "--dry-run"], 0).out.contains("winsw-kosmos"), "nothing is left to take over");
    drop(gone);
}

/// A service that is taken away whatever happens.
struct Gone(&'static str);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = sc(&["stop", self.0]);
        let _ = sc(&["delete", self.0]);
    }
}

//! The door to the child, with real processes: a false `java` that runs a false integration point.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use kosmos::child::IntegrationPoint;
use kosmos::child::java::{Javas, Place};
use kosmos::demo::integration_point::BESIDE;
use kosmos::host::system;
use kosmos::ports::{Child, ChildError, Examination, Exit, Process};
use outside_world::child::{Home, program, settings};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

fn false_java() -> PathBuf {
    program("false-java").unwrap()
}

fn home_and_child() -> (Home, IntegrationPoint) {
    let home = Home::new().unwrap();
    let child = home.integration_point(&false_java()).unwrap();
    (home, child)
}

/// Wine does not say who listens; Windows and Linux do.
fn owners_are_told() -> bool {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let found = system::listening(socket.local_addr().unwrap().port()).unwrap();
    let told = found.first().and_then(system::holder) == Some(std::process::id());
    if !told {
        outside_world::left_out("in part: this system does not say who listens");
    }
    told
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + BOUND;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "not within {BOUND:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}

async fn answer(child: &IntegrationPoint, process: &Process) -> Examination {
    let deadline = tokio::time::Instant::now() + BOUND;
    loop {
        let error = match child.examine(process).await {
            Ok(said) => return said,
            Err(error) => error,
        };
        let last = efm::chain::Chain(&error);
        assert!(tokio::time::Instant::now() < deadline, "{last}\n{}", child.start_up_log(process));
        tokio::time::sleep(POLL).await;
    }
}

async fn ended(child: &IntegrationPoint, process: &Process) -> Exit {
    tokio::time::timeout(BOUND, child.ended(process)).await.expect("it ends in time")
}

/// The child's own child, once it has said that it lives: number and start time.
async fn grandchild(home: &Home) -> (u32, u64) {
    let said = async || home.ran().into_iter().find(|line| line[0] == "grandchild");
    let pid = until("the grandchild lives", said).await[1].parse().unwrap();
    (pid, system::identify(pid).unwrap().expect("it lives"))
}

/// Ends a process that a test is about to leave.
async fn clear(child: &IntegrationPoint, process: &Process) {
    child.kill(process).await.unwrap();
}

#[tokio::test]
async fn it_is_started_says_its_version_and_stops_when_asked() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "component.db=UP\ncomponent.dpo=DOWN").unwrap()).await.unwrap();
    let said = answer(&child, &process).await;
    assert_eq!(said.version.as_deref(), Some("4.0.8"));
    assert_eq!(said.health.status, efm::manage::Status::Up);
    assert_eq!(said.health.components.get("dpo").unwrap().status, efm::manage::Status::Down);
    assert!(child.lives(&process));
    let holder = child.port_holder().await.unwrap().expect("somebody has it");
    assert!(!owners_are_told() || holder.starts_with(&process.pid.to_string()), "{holder}");
    child.ask_to_stop(&process).await.unwrap();
    assert_eq!(ended(&child, &process).await, Exit::Code(0));
    assert_eq!(ended(&child, &process).await, Exit::Code(0), "asked again it says the same");
    assert!(!child.lives(&process));
    assert_eq!(child.port_holder().await.unwrap(), None);
    let words: Vec<String> = home.ran().into_iter().map(|line| line[0].clone()).collect();
    assert_eq!(words, ["start", "stop"]);
    assert!(child.start_up_log(&process).contains("Started on port"), "{}", child.start_up_log(&process));
    assert!(child.signs_of_progress() > 0);
}

#[tokio::test]
async fn k07_an_answer_from_another_process_than_the_one_we_started_is_no_answer() {
    if !owners_are_told() {
        return;
    }
    let (old_home, old) = home_and_child();
    let old_process = old.spawn(&old_home.archive("4.0.7", "").unwrap()).await.unwrap();
    answer(&old, &old_process).await;

    let home = Home::at(old_home.port).unwrap();
    let child = home.integration_point(&false_java()).unwrap();
    let process = child.spawn(&home.archive("4.0.8", "start=never").unwrap()).await.unwrap();
    let error = child.examine(&process).await.unwrap_err();
    let ChildError::Impostor { holder, expected, .. } = &error else { panic!("{error}") };
    assert!(holder.starts_with(&old_process.pid.to_string()), "{holder}");
    assert_eq!(*expected, process.pid);

    // Nor is it asked to stop in the name of another.
    assert!(matches!(child.ask_to_stop(&process).await, Err(ChildError::Impostor { .. })));
    assert_eq!(answer(&old, &old_process).await.version.as_deref(), Some("4.0.7"));
    clear(&child, &process).await;
    clear(&old, &old_process).await;
}

#[tokio::test]
async fn two_at_once_on_one_database_is_seen_by_the_second() {
    let (home, child) = home_and_child();
    let launch = home.archive("4.0.8", "").unwrap();
    let first = child.spawn(&launch).await.unwrap();
    answer(&child, &first).await;
    let second = child.spawn(&launch).await.unwrap();
    assert_eq!(ended(&child, &second).await, Exit::Code(1));
    assert!(child.start_up_log(&second).contains("two at once"), "{}", child.start_up_log(&second));
    let beside: Vec<bool> =
        home.ran().iter().filter(|line| line[0] == "start").map(|line| line.last().unwrap() == BESIDE).collect();
    assert_eq!(beside, [false, true], "and it says so in its line");
    clear(&child, &first).await;
}

#[tokio::test]
async fn an_exit_code_and_a_signal_are_told_apart() {
    let (home, child) = home_and_child();
    let crashed = child.spawn(&home.archive("4.0.8", "start=crash").unwrap()).await.unwrap();
    assert_eq!(ended(&child, &crashed).await, Exit::Code(1));
    let later = child.spawn(&home.archive("4.0.9", "crash.after=50").unwrap()).await.unwrap();
    assert_eq!(ended(&child, &later).await, Exit::Code(1));
    let killed = child.spawn(&home.archive("4.1.0", "start=never").unwrap()).await.unwrap();
    child.kill(&killed).await.unwrap();
    let exit = ended(&child, &killed).await;
    assert!(if cfg!(unix) { exit == Exit::Signal(9) } else { matches!(exit, Exit::Code(_)) }, "{exit:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn it_is_terminated_by_the_system_when_it_refuses_to_stop() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "stop=refuse").unwrap()).await.unwrap();
    answer(&child, &process).await;
    let refused = child.ask_to_stop(&process).await.unwrap_err();
    assert!(efm::chain::Chain(&refused).to_string().ends_with("the status is 404"), "{}", efm::chain::Chain(&refused));
    child.terminate(&process).await.unwrap();
    assert_eq!(ended(&child, &process).await, Exit::Code(143));
}

#[cfg(unix)]
#[tokio::test]
async fn k09_one_that_ignores_everything_is_killed_with_all_that_it_started() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "stop=ignore\nchild=yes").unwrap()).await.unwrap();
    answer(&child, &process).await;
    let (grandchild, grandchild_started) = grandchild(&home).await;
    child.ask_to_stop(&process).await.unwrap();
    system::terminate(process.pid, process.started, false).await.unwrap();
    until("it was asked twice", async || child.start_up_log(&process).contains("Asked by the system").then_some(()))
        .await;
    assert!(child.lives(&process));
    child.kill(&process).await.unwrap();
    assert!(!child.lives(&process));
    assert_ne!(system::identify(grandchild).unwrap(), Some(grandchild_started));
    assert_eq!(ended(&child, &process).await, Exit::Signal(9));
}

#[tokio::test]
async fn a_later_supervisor_kills_the_whole_tree_of_one_that_it_did_not_start() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "child=yes").unwrap()).await.unwrap();
    answer(&child, &process).await;
    let (grandchild, started) = grandchild(&home).await;
    let later = home.integration_point(&false_java()).unwrap();
    later.kill(&process).await.unwrap();
    assert!(!child.lives(&process));
    assert_ne!(system::identify(grandchild).unwrap(), Some(started));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_crashed_one_leaves_behind_is_killed_too() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "child=yes\ncrash.after=500").unwrap()).await.unwrap();
    let (grandchild, started) = grandchild(&home).await;
    assert_eq!(ended(&child, &process).await, Exit::Code(1));
    assert_eq!(system::identify(grandchild).unwrap(), Some(started), "it outlives its parent");
    child.kill(&process).await.unwrap();
    assert_eq!(system::identify(grandchild).unwrap(), None);
}

#[tokio::test]
async fn a_process_that_got_the_number_of_another_is_never_touched() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "").unwrap()).await.unwrap();
    answer(&child, &process).await;
    let earlier = Process { started: process.started - 1, ..process.clone() };
    let other_boot = Process { boot: "another".into(), ..process.clone() };
    for gone in [earlier, other_boot] {
        assert!(!child.lives(&gone));
        child.terminate(&gone).await.unwrap();
        child.kill(&gone).await.unwrap();
        assert_eq!(ended(&child, &gone).await, Exit::Gone);
        assert_ne!(child.find(Some(&gone)).await.unwrap(), Some(gone));
    }
    assert_eq!(answer(&child, &process).await.version.as_deref(), Some("4.0.8"), "it still runs");
    clear(&child, &process).await;
}

#[tokio::test]
async fn one_that_nobody_remembers_is_found_by_its_port_and_by_its_folder() {
    if !owners_are_told() {
        return;
    }
    for behaviour in ["", "start=never"] {
        let (home, first) = home_and_child();
        let launch = home.archive("4.0.8", behaviour).unwrap();
        let process = first.spawn(&launch).await.unwrap();
        until("it runs", async || (!home.ran().is_empty()).then_some(())).await;
        if behaviour.is_empty() {
            answer(&first, &process).await;
        }
        let second = home.integration_point(&false_java()).unwrap();
        let found = second.find(None).await.unwrap().expect("it is found");
        assert_eq!((found.pid, found.started, &found.boot), (process.pid, process.started, &process.boot));
        assert_eq!(found.archive.unwrap().canonicalize().unwrap(), launch.file.canonicalize().unwrap());
        assert_eq!(second.find(Some(&process)).await.unwrap(), Some(process.clone()));
        // It is not the second one's child, so the second one is not told how it ended.
        second.kill(&process).await.unwrap();
        assert_eq!(ended(&second, &process).await, Exit::Gone);
        assert_eq!(second.find(Some(&process)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_integration_point_of_another_home_is_never_taken_for_ours() {
    let (other_home, other) = home_and_child();
    let stranger = other.spawn(&other_home.archive("4.0.8", "").unwrap()).await.unwrap();
    answer(&other, &stranger).await;
    // Even when it has our port.
    let home = Home::at(other_home.port).unwrap();
    let child = home.integration_point(&false_java()).unwrap();
    assert_eq!(child.find(None).await.unwrap(), None);
    let holder = child.port_holder().await.unwrap().expect("somebody has it");
    assert!(!owners_are_told() || holder.starts_with(&stranger.pid.to_string()), "{holder}");
    clear(&other, &stranger).await;
}

#[tokio::test]
async fn k39_it_lives_on_when_its_supervisor_is_killed_and_is_found_again() {
    use std::io::BufRead;
    let (home, child) = home_and_child();
    let launch = home.archive("4.0.8", "").unwrap();
    let mut supervisor = Command::new(program("lone-supervisor").unwrap())
        .args([home.path(), Path::new(&home.port.to_string()), &false_java(), &launch.file, Path::new("4.0.8")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let process: Process = serde_json::from_str(&line).unwrap();
    answer(&child, &process).await;
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();

    assert!(child.lives(&process));
    let found = child.find(Some(&process)).await.unwrap().unwrap();
    assert_eq!(answer(&child, &found).await.version.as_deref(), Some("4.0.8"));
    child.ask_to_stop(&found).await.unwrap();
    // Only its parent is told how it ended, but on Windows everybody who waited.
    let exit = ended(&child, &found).await;
    assert_eq!(exit, if cfg!(windows) { Exit::Code(0) } else { Exit::Gone });
    assert_eq!(home.ran().last().unwrap()[0], "stop");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_has_a_session_of_its_own_and_no_handle_of_ours() {
    let (home, child) = home_and_child();
    let open_here = tempfile::tempfile_in(home.path()).unwrap();
    let process = child.spawn(&home.archive("4.0.8", "start=never").unwrap()).await.unwrap();
    until("it runs", async || (!home.ran().is_empty()).then_some(())).await;
    let seen = system::processes().unwrap().into_iter().find(|seen| seen.pid == process.pid).unwrap();
    assert_eq!((seen.session, seen.group), (process.pid, process.pid));
    let target = |fd: &str| std::fs::read_link(format!("/proc/{}/fd/{fd}", process.pid)).unwrap();
    assert_eq!(target("0"), Path::new("/dev/null"));
    assert_eq!(target("1"), child.log_file().canonicalize().unwrap());
    assert_eq!(target("2"), target("1"));
    let ours = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open_here))).unwrap();
    let inherited = std::fs::read_dir(format!("/proc/{}/fd", process.pid)).unwrap().flatten();
    let inherited: Vec<PathBuf> = inherited.filter_map(|fd| std::fs::read_link(fd.path()).ok()).collect();
    assert!(!inherited.contains(&ours), "{inherited:?}");
    clear(&child, &process).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_zombie_is_left_by_one_that_crashes_again_and_again() {
    let (home, child) = home_and_child();
    let launch = home.archive("4.0.8", "start=crash").unwrap();
    let mut pids = Vec::new();
    for _ in 0..20 {
        let process = child.spawn(&launch).await.unwrap();
        assert_eq!(ended(&child, &process).await, Exit::Code(1));
        pids.push(process.pid);
    }
    // One that nobody waits for is reaped on the round of the duty loop.
    let unwatched = child.spawn(&launch).await.unwrap();
    system::ended(unwatched.pid, unwatched.started).await;
    child.turn_logs_over().await.unwrap();
    pids.push(unwatched.pid);
    let us = std::process::id();
    let left = system::processes().unwrap().into_iter().filter(|seen| seen.parent == us && pids.contains(&seen.pid));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_flood_of_output_neither_stops_it_nor_fills_the_disk() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "output=50000000").unwrap()).await.unwrap();
    answer(&child, &process).await;
    let before = child.signs_of_progress();
    assert!(before >= 50_000_000, "{before}");
    child.turn_logs_over().await.unwrap();
    let sizes =
        std::fs::read_dir(home.path().join("logs")).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    let on_disk: u64 = sizes.sum();
    assert!(on_disk < 4 << 20, "{on_disk}");
    assert!(child.signs_of_progress() >= before, "a log that is turned over is no step back");
    assert!(child.start_up_log(&process).len() <= 64 * 1024);
    child.ask_to_stop(&process).await.unwrap();
    assert_eq!(ended(&child, &process).await, Exit::Code(0));
    assert!(child.start_up_log(&process).contains("Stopped with code 0"), "it writes on after the turn");
}

#[tokio::test]
async fn down_is_an_answer_and_a_page_of_html_and_a_closed_port_are_not() {
    let (home, child) = home_and_child();
    let process = child.spawn(&home.archive("4.0.8", "start=down").unwrap()).await.unwrap();
    assert_eq!(answer(&child, &process).await.health.status, efm::manage::Status::Down);

    let mut html = settings(home.port, Some(false_java())).unwrap();
    html.health_url = html.base_url.clone();
    let html = IntegrationPoint::of(home.path().into(), html);
    let error = html.examine(&process).await.unwrap_err();
    assert!(efm::chain::Chain(&error).to_string().contains("not in the language of /manage"), "{error}");

    clear(&child, &process).await;
    assert!(matches!(child.examine(&process).await, Err(ChildError::Ask { .. })));
}

#[tokio::test]
async fn a_listener_that_never_answers_costs_no_more_than_the_limits() {
    let (home, _) = home_and_child();
    let mut short = settings(home.port, Some(false_java())).unwrap();
    short.connect_timeout = Duration::from_millis(100);
    short.read_timeout = Duration::from_millis(100);
    let child = IntegrationPoint::of(home.path().into(), short);
    let _mute = std::net::TcpListener::bind(("127.0.0.1", home.port)).unwrap();
    let process = child.spawn(&home.archive("4.0.8", "start=never").unwrap()).await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(5), child.examine(&process)).await;
    assert!(matches!(asked.expect("it gives up in time"), Err(ChildError::Ask { .. })));
    clear(&child, &process).await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_with_its_path() {
    let home = Home::new().unwrap();
    let missing = home.path().join("no-such-java");
    let child = home.integration_point(&missing).unwrap();
    let error = child.spawn(&home.archive("4.0.8", "").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("no-such-java"), "{error}");
    assert!(matches!(error, ChildError::Start { .. }));
}

/// A folder that looks like a JVM of this version.
fn jvm(folder: &Path, version: &str) -> PathBuf {
    let bin = folder.join(format!("jdk-{version}")).join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let program = bin.join(if cfg!(windows) { "java.exe" } else { "java" });
    std::fs::hard_link(false_java(), &program).or_else(|_| std::fs::copy(false_java(), &program).map(drop)).unwrap();
    efm::atomic::replace(&bin.join("version"), version.as_bytes()).unwrap();
    program
}

#[tokio::test]
async fn k27_a_jvm_that_is_too_old_is_refused_before_anything_is_stopped_and_a_newer_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (jvm(folder.path(), "17.0.15"), jvm(folder.path(), "21.0.2"));
    // Set by a person: no other is used, but the one that would do is named.
    let set = Javas::among(vec![(old.clone(), Place::Settings), (new.clone(), Place::Path)]);
    assert_eq!(set.choose(Some(17)).await.unwrap().program, old);
    let refusal = set.choose(Some(21)).await.unwrap_err().to_string();
    for part in ["Java 21 or newer", "17.0.15", &old.display().to_string(), &new.display().to_string(), "child.java"] {
        assert!(refusal.contains(part), "{part} is missing in: {refusal}");
    }
    // Not set: the newer one is used.
    let found = Javas::among(vec![(old.clone(), Place::JavaHome), (new.clone(), Place::UsualFolder)]);
    let chosen = found.choose(Some(21)).await.unwrap();
    assert_eq!((&chosen.program, chosen.major, chosen.version.as_str()), (&new, 21, "21.0.2"));
    assert_eq!(found.choose(Some(11)).await.unwrap().program, old, "the first that would do");
    assert!(found.choose(Some(99)).await.unwrap_err().to_string().contains("install Java 99"));
}

// Windows keeps a program from being replaced for a while after it has run.
#[cfg(unix)]
#[tokio::test]
async fn an_upgraded_jvm_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let java = jvm(folder.path(), "17.0.1");
    let javas = Javas::among(vec![(java.clone(), Place::Path)]);
    assert_eq!(javas.choose(None).await.unwrap().major, 17);
    // The answer is remembered …
    efm::atomic::replace(&java.with_file_name("version"), b"21.0.1").unwrap();
    assert_eq!(javas.choose(None).await.unwrap().major, 17);
    // … for as long as the program is the same.
    std::fs::remove_file(&java).unwrap();
    std::fs::copy(false_java(), &java).unwrap();
    assert_eq!(until("it is asked again", async || javas.choose(None).await.ok()).await.major, 21);
}

#[tokio::test]
async fn an_archive_that_needs_a_newer_jvm_than_the_one_set_cannot_run() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new().unwrap();
    let child = home.integration_point(&jvm(folder.path(), "17.0.15")).unwrap();
    child.can_run(&kosmos::ports::Needs { java: Some(17) }).await.unwrap();
    let refused = child.can_run(&kosmos::ports::Needs { java: Some(21) }).await;
    assert!(matches!(refused, Err(ChildError::CannotRun { .. })));
}

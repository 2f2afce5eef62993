//! The real program, and what it needs outside of itself: it starts without, says what is missing, loses nothing, and becomes whole by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod program {
    #[allow(dead_code, reason = "others use more of it")]
    pub mod http;
    #[allow(dead_code, reason = "others use more of it")]
    pub mod postgres;
    #[allow(dead_code, reason = "others use more of it")]
    pub mod process;
    #[allow(dead_code, reason = "others use more of it")]
    pub mod tls;
}

use program::http::{Answer, call};
use program::postgres::Cluster;
use program::process::{Program, arguments};
use program::tls::{over_tls, over_tls_of_anybody, vector};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const OWN: &str = "910077473";
const SBD: &str = include_str!("fixtures/arkivmelding.json");
const PASSWORD: &str = "hunter2-of-the-database";

fn create(port: u16) -> Answer {
    call(port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], SBD.as_bytes())
}

fn get(port: u16, path: &str) -> Answer {
    call(port, "GET", path, &[], b"")
}

/// Asks until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(45), "not within 45 s: {what}");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn waiting(home: tempfile::TempDir, between: &Path, more: &[String]) -> Program {
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    Program::start_waiting(home, arguments(OWN, between, &more))
}

fn database(port: u16, password: &str) -> [String; 3] {
    [
        format!("--difi.datasource.url=jdbc:postgresql://127.0.0.1:{port}/postgres"),
        "--difi.datasource.username=clerk".into(),
        format!("--difi.datasource.password={password}"),
    ]
}

fn why(port: u16, component: &str) -> String {
    let health = get(port, "/manage/health");
    assert_eq!((health.status, &health.json()["status"]), (503, &"DOWN".into()), "{}", health.text());
    let of = &health.json()["components"][component];
    assert_eq!(of["status"], "DOWN", "{}", health.text());
    assert!(!health.text().contains(PASSWORD));
    of["details"]["error"].as_str().unwrap().to_owned()
}

/// What everybody is told while it is not whole.
fn refuses(port: u16, words: &str) {
    assert_eq!(get(port, "/manage/health/liveness").status, 200);
    let ready = get(port, "/manage/health/readiness");
    assert_eq!((ready.status, &ready.json()["status"]), (503, &"OUT_OF_SERVICE".into()), "{}", ready.text());
    assert_eq!(get(port, "/manage/info").status, 200);
    for path in
        ["/api/messages/in/peek", "/api/conversations", "/api/capabilities/910077473", "/servicerecord/910077473"]
    {
        let refused = get(port, path);
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")), "{path}: {}", refused.text());
        let body = refused.json();
        assert_eq!(
            (&body["status"], &body["error"], &body["path"]),
            (&503.into(), &"Service Unavailable".into(), &path.into())
        );
        assert!(body["exception"].as_str().unwrap().contains('.') && body["timestamp"].is_string(), "{body}");
        assert!(body["message"].as_str().unwrap().contains(words), "{body}");
        assert!(!refused.text().contains(PASSWORD));
    }
    assert_eq!(create(port).status, 503);
    let home = get(port, "/");
    assert!(home.status == 200 && home.text().contains(words), "{}", home.text());
    assert_eq!(get(port, "/manage/prometheus").status, 200);
}

/// A server of the database that may be away: what comes to its port is handed on, from when it is opened.
struct Door {
    port: u16,
    is_shut: Arc<AtomicBool>,
    through: Arc<Mutex<Vec<TcpStream>>>,
}

impl Door {
    fn shut() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, is_shut: Arc::default(), through: Arc::default() }
    }

    /// Whoever is in is thrown out, and whoever comes is sent away.
    fn shut_again(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
        for stream in self.through.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn open_again(&self) {
        self.is_shut.store(false, Ordering::SeqCst);
    }

    /// For as long as the test lasts.
    fn open(&self, to: u16) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let (is_shut, through) = (Arc::clone(&self.is_shut), Arc::clone(&self.through));
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                if is_shut.load(Ordering::SeqCst) {
                    continue;
                }
                through.lock().unwrap().push(here.try_clone().unwrap());
                let Ok(there) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                for (mut from, mut into) in [(here.try_clone().unwrap(), there.try_clone().unwrap()), (there, here)] {
                    std::thread::spawn(move || {
                        let mut bytes = [0; 8192];
                        while let Ok(count @ 1..) = from.read(&mut bytes) {
                            if into.write_all(&bytes[..count]).is_err() {
                                break;
                            }
                        }
                        let _ = into.shutdown(Shutdown::Both);
                    });
                }
            }
        });
    }
}

/// As the owner of the database.
fn on_the_server(cluster: &Cluster, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let at = format!("host=127.0.0.1 port={} user=test dbname=postgres", cluster.port);
        let (client, connection) = tokio_postgres::connect(&at, tokio_postgres::NoTls).await.unwrap();
        tokio::select! {
            done = client.batch_execute(statements) => done.unwrap(),
            ended = connection => panic!("{ended:?}"),
        }
    });
}

#[test]
fn a_database_that_comes_later_is_waited_for_in_the_open() {
    let door = Door::shut();
    let between = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let program = waiting(tempfile::tempdir().unwrap(), between.path(), &database(door.port, PASSWORD));
    assert!(begun.elapsed() < Duration::from_secs(10), "it listens at once: {:?}", begun.elapsed());
    assert!(why(program.port, "db").contains("connect to the database"), "{}", why(program.port, "db"));
    refuses(program.port, "connect to the database");

    let Some(cluster) = Cluster::start("a database that comes later") else { return };
    on_the_server(
        &cluster,
        &format!("CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO clerk"),
    );
    door.open(cluster.port);
    until("it is whole", || get(program.port, "/manage/health").status == 200);
    assert_eq!(get(program.port, "/manage/health/readiness").status, 200);
    assert_eq!(create(program.port).status, 200, "with its schema");
    assert_eq!(get(program.port, "/api/messages/out").json()["totalElements"], 1);
}

#[test]
fn a_database_that_goes_later_is_told_as_one_that_was_never_there() {
    let Some(cluster) = Cluster::start("a database that goes later") else { return };
    on_the_server(
        &cluster,
        &format!("CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO clerk"),
    );
    let (door, between) = (Door::shut(), tempfile::tempdir().unwrap());
    door.open(cluster.port);
    let settings = database(door.port, PASSWORD);
    let program = Program::start_with(OWN, between.path(), &settings.each_ref().map(String::as_str));
    assert_eq!(create(program.port).status, 200);

    door.shut_again();
    let mut is_known = false;
    until("it is known", || {
        // From the first request on, whether it is known already or not.
        let refused = get(program.port, "/api/conversations");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")), "{}", refused.text());
        let body = refused.json();
        assert_eq!(body["exception"], "org.springframework.transaction.CannotCreateTransactionException", "{body}");
        assert!(body["message"].as_str().unwrap().contains("the database is missing"), "{body}");
        let page = get(program.port, "/conversations");
        assert_eq!((page.status, page.header("retry-after")), (503, Some("10")), "{}", page.text());
        assert!(page.text().contains("Databasen svarer ikke"), "{}", page.text());
        // Seen first, and judged with the health of after it.
        std::mem::replace(&mut is_known, get(program.port, "/manage/health/readiness").status == 503)
    });
    refuses(program.port, "in the store");
    let health = get(program.port, "/manage/health").json();
    assert_eq!(health["components"]["readinessState"]["status"], "OUT_OF_SERVICE", "{health}");
    let home = get(program.port, "/").text();
    let takes = home.split("Tar imot</th>").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(takes.contains("Tar ikke imot") && !takes.contains("I orden"), "{takes}");

    door.open_again();
    until("it is whole", || get(program.port, "/manage/health").status == 200);
    assert_eq!(get(program.port, "/manage/health/readiness").status, 200);
    assert_eq!(get(program.port, "/api/messages/out").json()["totalElements"], 1);
    assert_eq!(get(program.port, "/conversations").status, 200);
}

#[test]
fn a_wrong_password_and_a_schema_of_the_future_are_told_and_waited_for() {
    let Some(cluster) = Cluster::start("a wrong password of the database") else { return };
    on_the_server(
        &cluster,
        "CREATE ROLE clerk LOGIN PASSWORD 'another'; GRANT ALL ON SCHEMA public TO clerk;
                             CREATE TABLE schema_floor (lowest BIGINT NOT NULL); INSERT INTO schema_floor VALUES (99);
                             ALTER TABLE schema_floor OWNER TO clerk",
    );
    // While everybody comes in.
    let between = tempfile::tempdir().unwrap();
    let program = waiting(tempfile::tempdir().unwrap(), between.path(), &database(cluster.port, PASSWORD));
    let told = why(program.port, "db");
    assert!(told.contains("for programs that know at least 99"), "{told}");
    refuses(program.port, "for programs that know at least 99");

    on_the_server(&cluster, "TRUNCATE schema_floor");
    until("it is whole", || get(program.port, "/manage/health").status == 200);
    drop(program);

    cluster.ask_for_passwords();
    let program = waiting(tempfile::tempdir().unwrap(), between.path(), &database(cluster.port, PASSWORD));
    let told = why(program.port, "db");
    assert!(told.contains("password authentication failed for user \"clerk\""), "{told}");
    assert_eq!(call(program.port, "POST", "/manage/shutdown", &[], b"").status, 200);
    assert_eq!(program.exit_code(), Some(0));
}

#[cfg(unix)]
#[test]
fn it_ends_in_order_at_a_signal_also_while_a_database_says_nothing() {
    // Takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let between = tempfile::tempdir().unwrap();
    let port = silent.local_addr().unwrap().port();
    let program = waiting(tempfile::tempdir().unwrap(), between.path(), &database(port, PASSWORD));
    assert!(why(program.port, "db").contains("is being opened"));
    refuses(program.port, "is being opened");
    let begun = Instant::now();
    program.terminate();
    assert_eq!(program.exit_code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn a_damaged_file_is_left_as_it_is_and_a_copy_that_is_put_back_is_taken() {
    let between = tempfile::tempdir().unwrap();
    let good = {
        let program = Program::start(OWN, between.path());
        assert_eq!(create(program.port).status, 200);
        assert_eq!(call(program.port, "POST", "/manage/shutdown", &[], b"").status, 200);
        let copy = tempfile::tempdir().unwrap();
        let file = program.home().join("integrasjonspunkt.sqlite");
        let messages = program.home().join("messages");
        until("its log is written back", || !file.with_extension("sqlite-wal").exists());
        std::fs::copy(&file, copy.path().join("copy.sqlite")).unwrap();
        assert!(messages.exists());
        assert_eq!(program.exit_code(), Some(0));
        copy
    };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("integrasjonspunkt.sqlite");
    let garbage = b"no database at all ".repeat(300);
    efm::atomic::replace(&file, &garbage).unwrap();
    let program = waiting(home, between.path(), &[]);
    assert!(why(program.port, "db").contains("not a database"), "{}", why(program.port, "db"));
    refuses(program.port, "not a database");
    assert_eq!(std::fs::read(&file).unwrap(), garbage);

    std::fs::remove_file(&file).unwrap();
    until("it sees that", || why(program.port, "db").contains("no longer there"));
    assert!(!file.exists());
    efm::atomic::replace(&file, &std::fs::read(good.path().join("copy.sqlite")).unwrap()).unwrap();
    until("it is whole", || get(program.port, "/manage/health").status == 200);
    assert_eq!(get(program.port, "/api/messages/out").json()["totalElements"], 1, "what was in the copy");
}

#[test]
fn a_folder_of_files_that_cannot_be_used_is_waited_for() {
    let (home, between) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_the_way = home.path().join("messages");
    efm::atomic::replace(&in_the_way, b"a file").unwrap();
    let program = waiting(home, between.path(), &["--difi.move.nextmove.filedir=messages".to_owned()]);
    assert!(why(program.port, "files").contains("messages"), "{}", why(program.port, "files"));
    refuses(program.port, "open the folder of files");
    std::fs::remove_file(&in_the_way).unwrap();
    until("it is whole", || get(program.port, "/manage/health").status == 200);
    assert_eq!(create(program.port).status, 200);
}

const RECEIVER: &str = "910075918";
const MESSAGE: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");

fn upload(port: u16, name: &str) -> Answer {
    let disposition = format!("attachment; filename={name}");
    let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", disposition.as_str())];
    call(port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &headers, ARKIVMELDING.as_bytes())
}

/// A sender that has a message begun, and a receiver that has one to give.
fn with_letter(between: &Path) -> Program {
    let sender = Program::start(OWN, between);
    assert_eq!(create(sender.port).status, 200);
    for name in ["brev.pdf", "vedlegg.pdf", "arkivmelding.xml"] {
        assert_eq!(upload(sender.port, name).status, 200);
    }
    assert_eq!(call(sender.port, "POST", &format!("/api/messages/out/{MESSAGE}"), &[], b"").status, 200);
    let receiver = Program::start(RECEIVER, between);
    until("the message to arrive", || get(receiver.port, "/api/messages/in").json()["totalElements"] == 1);
    receiver
}

fn pop(port: u16) -> Answer {
    get(port, &format!("/api/messages/in/pop/{MESSAGE}"))
}

#[test]
fn a_database_that_knows_files_gets_no_new_folder_and_no_new_key() {
    let between = tempfile::tempdir().unwrap();
    let mut home = with_letter(between.path()).killed();
    let is_whole = |program: &Program| get(program.port, "/manage/health").status == 200;
    for (gone, told) in [("messages", "is not there: mount it"), ("messages/key", "has no key: mount it, or restore")] {
        let (there, away) = (home.path().join(gone), home.path().join("away"));
        std::fs::rename(&there, &away).unwrap();
        let program = Program::start_waiting(home, arguments(RECEIVER, between.path(), &[]));
        let why = why(program.port, "files");
        assert!(why.contains("the database knows files") && why.contains(told), "{why}");
        refuses(program.port, "the database knows files");
        assert!(!there.exists(), "{gone} is made anew");
        std::fs::rename(&away, &there).unwrap();
        until("it is whole", || is_whole(&program));
        if gone != "messages" {
            assert_eq!(get(program.port, "/api/messages/in/peek").status, 200, "it is still there");
            assert_eq!(pop(program.port).status, 200, "with its package");
        }
        home = program.killed();
    }
}

#[test]
fn a_folder_that_goes_away_takes_no_file_and_loses_no_message() {
    let between = tempfile::tempdir().unwrap();
    let receiver = with_letter(between.path());
    let port = receiver.port;
    assert_eq!(get(port, "/api/messages/in/peek").status, 200);
    let sender = Program::start(OWN, between.path());
    assert_eq!(create(sender.port).status, 200);
    for (gone, told) in [("messages", "mount it"), ("messages/key", "has lost its key: restore")] {
        for program in [&receiver, &sender] {
            std::fs::rename(program.home().join(gone), program.home().join("away")).unwrap();
            assert!(why(program.port, "files").contains(told), "{}", why(program.port, "files"));
        }
        let popped = pop(port);
        if gone == "messages" {
            assert_eq!((popped.status, popped.header("retry-after")), (503, Some("10")), "{}", popped.text());
            assert!(popped.json()["message"].as_str().unwrap().contains(told), "{}", popped.text());
        } else {
            assert_eq!(popped.status, 200, "what is there is read with the key that was");
        }
        let refused = upload(sender.port, "brev.pdf");
        let exception = refused.json()["exception"].as_str().unwrap().to_owned();
        assert!(refused.status == 500 && exception.ends_with(".MessagePersistException"), "{}", refused.text());
        for program in [&receiver, &sender] {
            assert!(!program.home().join(gone).exists(), "{gone} is made anew");
            std::fs::rename(program.home().join("away"), program.home().join(gone)).unwrap();
            assert_eq!(get(program.port, "/manage/health").status, 200);
        }
    }
    assert_eq!(upload(sender.port, "brev.pdf").status, 200);
    assert_eq!(pop(port).status, 200, "with its package");
    assert_eq!(call(port, "DELETE", &format!("/api/messages/in/{MESSAGE}"), &[], b"").status, 200);
}

fn with_tls(file: &Path) -> Vec<String> {
    vec![
        "--difi.ssl.enabled=true".into(),
        format!("--difi.ssl.key-store=file:{}", file.display()),
        "--difi.ssl.key-store-type=JKS".into(),
        "--difi.ssl.key-store-password=changeit".into(),
        "--difi.ssl.key-alias=virksomhet".into(),
        "--difi.security.enable=true".into(),
        "--difi.security.user.name=ola".into(),
        "--difi.security.user.password=kari".into(),
    ]
}

fn request(path: &str) -> String {
    // ola:kari
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic b2xhOmthcmk=\r\n\r\n")
}

#[test]
fn without_its_own_keystore_it_says_so_over_tls_and_takes_it_when_it_is_right() {
    let (home, between) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = home.path().join("api.jks");
    efm::atomic::replace(&file, b"no keystore").unwrap();
    let program = waiting(home, between.path(), &with_tls(&file));
    let port = program.port;

    assert!(over_tls(port, &request("/manage/health")).is_err(), "nobody vouches for what stands in");
    let health = over_tls_of_anybody(port, &request("/manage/health")).unwrap().1;
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("is neither PKCS12 nor JKS nor PEM"), "{health}");
    assert!(!health.to_lowercase().contains("strict-transport-security"), "{health}");
    assert!(over_tls_of_anybody(port, &request("/manage/health/liveness")).unwrap().1.starts_with("HTTP/1.1 200"));
    assert!(over_tls_of_anybody(port, &request("/manage/info")).unwrap().1.starts_with("HTTP/1.1 200"));
    for path in ["/api/messages/in/peek", "/", "/api/openapi.json", "/manage/logfile"] {
        let without_a_user = request(path).replace("Authorization", "X-Nothing");
        for request in [request(path), without_a_user] {
            let refused = over_tls_of_anybody(port, &request).unwrap().1;
            assert!(refused.starts_with("HTTP/1.1 503"), "nobody is asked for a password: {refused}");
            assert!(
                refused.contains("the keystore of the API is missing") && refused.contains("retry-after: 10"),
                "{refused}"
            );
        }
    }
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(request("/manage/health").as_bytes()).unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told);
    assert!(!String::from_utf8_lossy(&told).contains("HTTP"), "never in the clear");

    std::fs::copy(vector("java.jks"), &file).unwrap();
    until("it is taken", || {
        over_tls(port, &request("/manage/health")).is_ok_and(|health| health.starts_with("HTTP/1.1 200"))
    });
    let (certificate, answer) = over_tls_of_anybody(port, &request("/api/messages/out")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // A renewed one, and what is none.
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.signing_key.serialize_pem() + &made.cert.pem();
    efm::atomic::replace(&file, pem.as_bytes()).unwrap();
    until("it is renewed", || over_tls_of_anybody(port, &request("/manage/info")).unwrap().0 != certificate);
    let renewed = over_tls_of_anybody(port, &request("/manage/info")).unwrap().0;
    efm::atomic::replace(&file, b"no keystore").unwrap();
    until("it is told", || {
        over_tls_of_anybody(port, &request("/manage/health")).unwrap().1.contains("goes on with the one of before")
    });
    let (certificate, answer) = over_tls_of_anybody(port, &request("/api/messages/out")).unwrap();
    assert!(certificate == renewed && answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn what_stands_in_for_the_keystore_gives_nothing_also_where_nobody_needs_a_password() {
    let (home, between) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = home.path().join("api.jks");
    efm::atomic::replace(&file, b"no keystore").unwrap();
    let more = with_tls(&file).into_iter().filter(|setting| !setting.contains("difi.security"));
    let program = waiting(home, between.path(), &more.collect::<Vec<_>>());
    let asked = |method: &str, path: &str, body: &str| {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
        let request = format!(
            "{head}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        over_tls_of_anybody(program.port, &request).unwrap().1
    };
    for (method, path, body) in [
        ("POST", "/jwk", "keySize=2048"),
        ("GET", "/jwk", ""),
        ("GET", "/", ""),
        ("GET", "/conversations", ""),
        ("GET", "/conversations/1", ""),
        ("GET", "/onboarding", ""),
        ("GET", "/onboarding/token/DPO", ""),
        ("POST", "/manage/loggers/ROOT", r#"{"configuredLevel":"DEBUG"}"#),
        ("GET", "/manage/loggers", ""),
        ("GET", "/manage/logfile", ""),
        ("GET", "/manage/prometheus", ""),
        ("GET", "/manage/shutdown", ""),
        ("GET", "/manage/healthy", ""),
        ("GET", "/api/openapi.json", ""),
        ("GET", "/api/conversations", ""),
        ("POST", "/api/messages/out", SBD),
        ("GET", "/error", ""),
        ("GET", "/nothing/of/the/kind", ""),
    ] {
        let answer = asked(method, path, body);
        let is_refused = answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 10");
        assert!(is_refused && answer.contains("the keystore of the API is missing"), "{method} {path}: {answer}");
        assert!(!answer.contains("PRIVATE") && !answer.contains("<html"), "{method} {path}: {answer}");
    }
    assert!(asked("GET", "/manage/health/ssl", "").contains("is neither PKCS12 nor JKS nor PEM"));
    assert!(asked("GET", "/manage/info", "").starts_with("HTTP/1.1 200"));
    assert!(asked("POST", "/manage/shutdown", "").starts_with("HTTP/1.1 200"));
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn the_organisations_keystore_is_taken_when_it_is_right_and_nobody_is_refused_meanwhile() {
    let (home, between) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = home.path().join("own.p12");
    let more = [
        format!("--difi.move.org.keystore.path=file:{}", file.display()),
        "--difi.move.org.keystore.password=changeit".into(),
        "--difi.move.org.keystore.alias=virksomhet".into(),
        "--difi.move.feature.enableDPE=true".into(),
        "--integrasjonspunkt.blobs.key-wrapping=keystore".into(),
    ];
    let program = waiting(home, between.path(), &more);
    assert!(why(program.port, "keystore").contains("own.p12 cannot be read"));
    assert!(why(program.port, "files").contains("is to be wrapped with the organisation's keystore"));
    refuses(program.port, "is to be wrapped with the organisation");
    std::fs::copy(vector("java.p12"), &file).unwrap();
    until("it is whole", || get(program.port, "/manage/health").status == 200);
    assert_eq!(create(program.port).status, 200);
    let health = get(program.port, "/manage/health").json();
    assert_eq!(health["components"]["keystore"]["details"]["alias"], "virksomhet");
    assert_eq!(call(program.port, "POST", "/manage/shutdown", &[], b"").status, 200);
    assert_eq!(program.exit_code(), Some(0));
}

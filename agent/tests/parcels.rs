//! What others leave at the broker: parcels of the Java integrasjonspunkt's own classes, and bad ones of every kind between
//! good ones. What can be read is taken in, whoever wrote it; what cannot is told, once, and keeps nobody else waiting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "what the tests of the program share")]

mod program {
    pub mod envelope;
    pub mod http;
    pub mod process;
}

use efm_world::broker::{FileStatus, RecipientStatus};
use efm_world::faults::Faults;
use efm_world::identity::{Identity, NORD, SOR};
use efm_world::stage::Stage;
use program::envelope::{sealed_to, swelling_to};
use program::http::call;
use program::process::Program;
use serde_json::Value;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;

/// Nothing that is waited for takes longer, on however slow a machine.
const PATIENCE: Duration = Duration::from_mins(3);
/// Sealed by the Java integrasjonspunkt from north to south; `agent/tests/java` made it.
const OF_JAVA: &[u8] = include_bytes!("fixtures/java/dpo.cms");
const NORTH: &str = "0192:910077473";
const SOUTH: &str = "0192:910075918";

fn waited<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn stage(folder: &Path) -> Stage {
    let stage = Stage::set(folder, &Faults::default()).unwrap();
    for who in [&NORD, &SOR] {
        stage.know(who, &[]).unwrap();
    }
    stage
}

fn start(stage: &Stage, who: &Identity, folder: &Path, more: &[&str]) -> Program {
    let mut settings = stage.settings(who, &folder.join(format!("{}.pem", who.number))).unwrap();
    let usual = [
        "--server.address=127.0.0.1",
        "--server.port=0",
        "--difi.ssl.enabled=false",
        "--difi.security.enable=false",
        "--integrasjonspunkt.dpo.pollingrate=200",
    ];
    settings.extend(usual.iter().chain(more).map(|setting| (*setting).to_owned()));
    Program::start_bare(&settings)
}

/// A document of the Java integrasjonspunkt, as it goes over the wire: the organisation that it is sent for is its sender.
fn document(kind: &str, id: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/java/sbd/{kind}.json"));
    let mut sbd: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let header = &mut sbd["standardBusinessDocumentHeader"];
    header["sender"][0]["identifier"]["value"] = NORTH.into();
    header["documentIdentification"]["instanceIdentifier"] = id.into();
    sbd.to_string()
}

/// `sbd.zip` of these entries.
fn parcel(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The package of Java, in a letter with this number.
fn letter(number: u32, package: &[u8]) -> Vec<u8> {
    parcel(&[("sbd.json", document("arkivmelding", &id(number)).as_bytes()), ("asic.zip", package)])
}

fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

/// Each status with what is said of it.
fn statuses(port: u16, id: &str) -> Vec<(String, String)> {
    let page = call(port, "GET", &format!("/api/statuses/{id}?size=50"), &[], b"");
    let rows = page.json()["content"].as_array().cloned().unwrap_or_default();
    let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<_> =
        rows.iter().map(|row| (row["id"].as_i64(), word(row, "status"), word(row, "description"))).collect();
    rows.sort();
    rows.into_iter().map(|(_, status, description)| (status, description)).collect()
}

/// What is said of a status, when it is there.
fn said(port: u16, id: &str, status: &str) -> String {
    waited(&format!("{status} of {id}: {:?}", statuses(port, id)), || {
        statuses(port, id).into_iter().find(|(found, _)| found == status).map(|(_, said)| said)
    })
}

fn entry(zip: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut bytes = Vec::new();
    zip.by_name(name).ok()?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

const VERDICT: &str = "signed by ORGID=NTRNO-910077473, SERIALNUMBER=910077473, CN=DEMO nord, O=DEMO nord, C=NO";

#[test]
fn what_the_java_integrasjonspunkt_leaves_is_taken_in_shown_with_its_verdict_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    let kinds =
        ["arkivmelding", "arkivmelding_kvittering", "avtalt", "innsynskrav", "publisering", "einnsyn_kvittering"];
    for (number, kind) in (1..).zip(kinds) {
        let sbd = document(kind, &id(number));
        let has_package = !kind.ends_with("kvittering");
        let package = has_package.then_some(("asic.zip", OF_JAVA));
        let entries: Vec<_> = [("sbd.json", sbd.as_bytes())].into_iter().chain(package).collect();
        stage.broker.leave(NORTH, SOUTH, &parcel(&entries)).unwrap();
    }
    let sor = start(&stage, &SOR, folder.path(), &[]);
    for (number, kind) in (1..).zip(kinds) {
        let id = id(number);
        let verdict = said(sor.port, &id, "INNKOMMENDE_MOTTATT");
        let peeked = call(sor.port, "GET", &format!("/api/messages/in/peek?messageId={id}"), &[], b"");
        let wrote: Value = serde_json::from_str(&document(kind, &id)).unwrap();
        assert_eq!(peeked.json()[kind], wrote[kind]);
        let popped = call(sor.port, "GET", &format!("/api/messages/in/pop/{id}"), &[], b"");
        if kind.ends_with("kvittering") {
            assert_eq!((popped.status, verdict.as_str()), (204, ""), "{kind}");
            continue;
        }
        assert!(verdict.starts_with(VERDICT), "{verdict}");
        assert!(verdict.ends_with(", not checked against an authority; weak: SHA-1"), "{verdict}");
        assert_eq!(entry(&popped.body, "arkivmelding.xml").unwrap(), b"<arkivmelding/>", "{kind}");
        let text = entry(&popped.body, "bl\u{e5}b\u{e6}r og r\u{f8}mme.txt").unwrap();
        assert_eq!(text, "bl\u{e5}b\u{e6}r og r\u{f8}mme\n".repeat(200).as_bytes(), "{kind}");
        // A person sees it, too.
        let path = format!("/api/conversations?direction=INCOMING&messageId={id}");
        let listed = call(sor.port, "GET", &path, &[], b"").json();
        let page = call(sor.port, "GET", &format!("/conversations/{}", listed["content"][0]["id"]), &[], b"").text();
        assert!(page.contains(VERDICT) && page.contains("weak: SHA-1"), "{page}");
    }
    // To each a status goes back.
    let mut answers = waited("the answers", || {
        let transfers = stage.broker.transfers();
        let answers = transfers.iter().filter(|it| it.announced.sender == SOUTH && it.status == FileStatus::Published);
        let answers: Vec<_> = answers.map(|it| std::fs::read(stage.broker.file(&it.id)).unwrap()).collect();
        (answers.len() == kinds.len()).then_some(answers)
    });
    let answers: Vec<Vec<u8>> = answers.drain(..).map(|answer| entry(&answer, "sbd.json").unwrap()).collect();
    for answer in &answers {
        let sbd: Value = serde_json::from_slice(answer).unwrap();
        assert_eq!(sbd["status"]["status"], "MOTTATT");
    }
    java_reads(&answers);
}

/// What a client sends is what the receiver's Java integrasjonspunkt takes out of the parcel.
#[test]
fn what_we_leave_is_a_parcel_that_the_java_integrasjonspunkt_opens() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    let nord = start(&stage, &NORD, folder.path(), &[]);
    let sbd = document("avtalt", &id(1)).replace("2030-11-22", "2090-11-22");
    let named = ("Content-Disposition", "attachment; filename=\"bl\u{e5}b\u{e6}r.xml\"");
    let json = ("Content-Type", "application/json");
    let one = format!("/api/messages/out/{}", id(1));
    for (method, path, headers, body) in [
        ("POST", "/api/messages/out", &[json][..], sbd.as_bytes()),
        ("PUT", one.as_str(), &[("Content-Type", "application/xml"), named][..], b"<bl\xc3\xa5b\xc3\xa6r/>"),
        ("POST", one.as_str(), &[][..], b""),
    ] {
        let answer = call(nord.port, method, path, headers, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    said(nord.port, &id(1), "SENDT");
    let transfers = stage.broker.transfers();
    let left = std::fs::read(stage.broker.file(&transfers[0].id)).unwrap();
    let written = entry(&left, "sbd.json").unwrap();
    let read: Value = serde_json::from_slice(&written).unwrap();
    let wrote: Value = serde_json::from_str(&sbd).unwrap();
    assert_eq!(read["avtalt"]["content"], wrote["avtalt"]["content"]);
    java_reads(&[written]);
    let Some(jars) = twin() else { return };
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    efm::atomic::replace(Path::new(&file("asic.cms")), &entry(&left, "asic.zip").unwrap()).unwrap();
    efm::atomic::replace(Path::new(&file("sor.pem")), SOR.pem.as_bytes()).unwrap();
    std::fs::create_dir(file("opened")).unwrap();
    let told = java(&jars, &["open", &file("sor.pem"), &file("asic.cms"), &file("opened")]);
    assert!(told.contains("signed application/xml bl\u{e5}b\u{e6}r.xml true"), "{told}");
    assert!(told.contains("from iso6523-actorid-upis 0192:910077473"), "{told}");
    assert_eq!(std::fs::read(folder.path().join("opened/bl\u{e5}b\u{e6}r.xml")).unwrap(), b"<bl\xc3\xa5b\xc3\xa6r/>");
}

/// As in `agent/tests/java/run`: the class path of the Java integrasjonspunkt's own classes.
fn twin() -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "where the jars are is known to who runs the tests")]
    let jars = std::env::var("TWIN").ok();
    if jars.is_none() {
        println!("left out: TWIN does not name the Java integrasjonspunkt's classes; see agent/tests/java");
    }
    jars
}

fn java(jars: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new("java").args(["-cp", jars, "Twin"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Where they are, its own classes take these documents.
fn java_reads(documents: &[Vec<u8>]) {
    let Some(jars) = twin() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
    for path in [&ours, &theirs] {
        std::fs::create_dir(path).unwrap();
    }
    for (number, document) in documents.iter().enumerate() {
        efm::atomic::replace(&ours.join(format!("{number}.json")), document).unwrap();
    }
    let told = java(&jars, &["read", ours.to_str().unwrap(), theirs.to_str().unwrap()]);
    assert_eq!(told.lines().filter(|line| line.starts_with("read ")).count(), documents.len(), "{told}");
}

/// A container with one entry more than the usual first.
fn container(name: &str, content: &[u8]) -> Vec<u8> {
    parcel(&[("mimetype", b"application/vnd.etsi.asic-e+zip"), (name, content)])
}

/// A name of the same length in the place of another, which no writer would write.
fn renamed(container: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut all = container.to_vec();
    for at in 0..all.len() - from.len() {
        if &all[at..at + from.len()] == from.as_bytes() {
            all[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    all
}

/// A package that is a good one for as long as it is read, and a thousand times as long as the parcel.
fn swelling() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("mimetype", &b"application/vnd.etsi.asic-e+zip"[..]), ("a", &vec![b'a'; 48 << 20])] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let mut container = zip.finish().unwrap().into_inner();
    container.truncate(1600);
    swelling_to(&SOR, &container, 32 << 20)
}

#[test]
fn bad_parcels_are_told_with_a_reason_and_never_keep_the_others_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    let to_sor = |content: &[u8]| sealed_to(&SOR, content);
    let no_package =
        "open a package: what our key 1 makes of it is no package: sealed otherwise, or damaged on its way";
    // What comes, and what its sender's message is told here.
    let bad: Vec<(Vec<u8>, &str)> = vec![
        (
            to_sor(&container("bomb", &vec![0; 257 << 20])),
            "open a package: it unpacks to more than 200 times its size, as a zip bomb does",
        ),
        (
            to_sor(&renamed(&container("aa/passwd", b"x"), "aa/passwd", "../passwd")),
            "open a package: its entry '../passwd' may not be unpacked: its name leads out of its folder",
        ),
        (
            to_sor(&renamed(&container("/etc", b"x"), "aetc", "/etc")),
            "open a package: its entry '/etc' may not be unpacked: its name is an absolute path",
        ),
        (OF_JAVA[..OF_JAVA.len() - 100].to_vec(), "open a package: it was cut off after 3854 bytes"),
        (OF_JAVA[..200].to_vec(), "open a package: it was cut off after 200 bytes"),
        (
            container("a.txt", b"not sealed"),
            "open a package: it is no encrypted CMS message: it begins with no sequence",
        ),
        (to_sor(b"not a container"), no_package),
        (
            to_sor(&parcel(&[("a.txt", b"no mimetype")])),
            "open a package: its first entry is 'a.txt', and that of an ASiC container is 'mimetype'",
        ),
        (Vec::new(), "open a package: it was cut off after 0 bytes"),
        (swelling(), "open a package: asic.zip swells to more than 16777216 bytes"),
    ];
    // These stay: a key may come, or the whole of it.
    let staying = [letter(900, &sealed_to(&NORD, &container("a.txt", b"for another"))), b"no zip".to_vec()];
    // These say nothing that could be told to anybody but a person.
    let unknown = document("arkivmelding", &id(901)).replace("\"arkivmelding\":", "\"postkort\":");
    let garbage = [
        parcel(&[("another.txt", b"x")]),
        parcel(&[("sbd.json", b"no json")]),
        parcel(&[("sbd.json", unknown.as_bytes())]),
        parcel(&[("sbd.json", document("fiksio", &id(902)).as_bytes())]),
    ];
    let leave = |bytes: &[u8]| stage.broker.leave(NORTH, SOUTH, bytes).unwrap();
    leave(&letter(1, OF_JAVA));
    let staying = staying.map(|bytes| leave(&bytes));
    for bytes in &garbage {
        leave(bytes);
    }
    for (number, (package, _)) in (100..).zip(&bad) {
        leave(&letter(number, package));
    }
    leave(&letter(2, OF_JAVA));

    let sor = start(&stage, &SOR, folder.path(), &[]);
    for number in [1, 2] {
        assert!(said(sor.port, &id(number), "INNKOMMENDE_MOTTATT").starts_with(VERDICT));
        let popped = call(sor.port, "GET", &format!("/api/messages/in/pop/{}", id(number)), &[], b"");
        // The first must be peeked first: it is locked only then.
        assert!([200, 400].contains(&popped.status), "{}", popped.text());
    }
    for (number, (_, why)) in (100..).zip(&bad) {
        assert_eq!(said(sor.port, &id(number), "FEIL"), *why, "{number}");
        let all: Vec<String> = statuses(sor.port, &id(number)).into_iter().map(|(status, _)| status).collect();
        assert_eq!(all, ["OPPRETTET", "FEIL"], "{number}");
    }
    let listed = call(sor.port, "GET", "/api/messages/in?size=50", &[], b"").json();
    assert_eq!(listed["totalElements"], 2, "only the good ones wait for the case system: {listed}");
    // The broker has let go of what can never be read, and holds what may be read later.
    waited("the confirmations", || {
        let transfers = stage.broker.transfers();
        let of_nord = transfers.iter().filter(|it| it.announced.sender == NORTH);
        let left: Vec<&str> = of_nord
            .filter(|it| it.recipients[SOUTH] != RecipientStatus::DownloadConfirmed)
            .map(|it| it.id.as_str())
            .collect();
        (left == staying.each_ref().map(String::as_str)).then_some(())
    });
    // What comes after them comes at once.
    leave(&letter(3, OF_JAVA));
    said(sor.port, &id(3), "INNKOMMENDE_MOTTATT");
    assert_eq!(call(sor.port, "GET", "/manage/health", &[], b"").status, 200);
    // What anybody can see is told to the sender, who has sealed nothing; what decrypting brought to light is told nobody outside.
    let told = waited("the answer to what was not sealed", || {
        let transfers = stage.broker.transfers();
        let answers = transfers.iter().filter(|it| it.announced.sender == SOUTH && it.status == FileStatus::Published);
        let answers = answers.map(|it| entry(&std::fs::read(stage.broker.file(&it.id)).unwrap(), "sbd.json").unwrap());
        let told: Vec<String> =
            answers.map(|sbd| String::from_utf8(sbd).unwrap()).filter(|sbd| sbd.contains("FEIL")).collect();
        (!told.is_empty()).then_some(told)
    });
    assert!(told.len() == 1 && told[0].contains(&id(105)), "{told:?}");
}

#[test]
fn weak_signatures_are_taken_unless_the_settings_refuse_them() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    stage.broker.leave(NORTH, SOUTH, &letter(1, OF_JAVA)).unwrap();
    let sor = start(&stage, &SOR, folder.path(), &["--integrasjonspunkt.sealing.refuse=weak"]);
    let why = said(sor.port, &id(1), "FEIL");
    let begin = format!("open a package: the settings refuse it (integrasjonspunkt.sealing.refuse): {VERDICT}");
    assert!(why.starts_with(&begin) && why.ends_with("weak: SHA-1"), "{why}");
    // Unsigned is another word.
    let unsigned = sealed_to(&SOR, &container("a.txt", b"unsigned"));
    stage.broker.leave(NORTH, SOUTH, &letter(2, &unsigned)).unwrap();
    assert_eq!(said(sor.port, &id(2), "INNKOMMENDE_MOTTATT"), "not signed");
}

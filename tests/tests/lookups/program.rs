//! The real program between both simulators: what a case system reads.

use crate::http::{Answer, call};
use crate::scene::{OTHER, OWN, PROCESS, SBD, Scene, account, keys};
use efm_world::registry::Lie;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running program, and all that it says.
struct Program {
    child: Child,
    port: u16,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    _home: tempfile::TempDir,
}

impl Program {
    fn start(scene: &Scene, more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            efm::atomic::replace(&home.path().join(name), text.as_bytes()).unwrap();
        };
        file("own.pem", &keys().own.pem());
        file("authority.pem", &keys().authority.pem());
        file(
            "integrasjonspunkt-local.properties",
            &format!(
                "server.address=127.0.0.1\nserver.port=0\ndifi.ssl.enabled=false\ndifi.security.enable=false\n\
                 difi.move.org.number={OWN}\ndifi.move.org.keystore.path=file:own.pem\ndifi.move.org.keystore.type=PEM\n\
                 difi.move.feature.enableDPO=true\ndifi.move.serviceregistryEndpoint={}/\n\
                 difi.move.oidc.url={}\nintegrasjonspunkt.loopback.folder=letters\n\
                 integrasjonspunkt.loopback.asks-registry=true\nintegrasjonspunkt.proxy=none\n",
                scene.endpoint(),
                scene.maskinporten_server.url("/token"),
            ),
        );
        let mut child = Command::new(outside_world::child::program("integrasjonspunkt-under-test").unwrap())
            .current_dir(home.path())
            .args(more)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let mut port = None;
        for line in lines.by_ref().map_while(Result::ok) {
            writeln!(said.lock().unwrap(), "{line}").unwrap();
            if let (true, Some(address)) = (line.contains(" ready "), line.split("address=").nth(1)) {
                port = address.split(' ').next().unwrap().rsplit(':').next().unwrap().parse().ok();
                break;
            }
        }
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| writeln!(heard.lock().unwrap(), "{line}").unwrap());
        });
        let Some(port) = port else {
            let _ = child.kill();
            panic!("it did not get ready: {}", said.lock().unwrap());
        };
        Self { child, port, said, reader: Some(reader), _home: home }
    }

    fn create(&self, sbd: &str) -> Answer {
        call(self.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], sbd.as_bytes())
    }

    fn get(&self, path: &str) -> Answer {
        call(self.port, "GET", path, &[], b"")
    }

    /// Ends it, and gives all that it said.
    fn ended(mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reader.take().unwrap().join().unwrap();
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn citizen(scene: &Scene) {
    let address = json!({
        "name": "KARI NORDMANN", "street": "UTSIKTEN 1;H0101", "postalCode": "2900", "postalArea": "FJELL", "country": "Norway"
    });
    let record = |kind: &str, process: &str, types: &[&str]| {
        json!({
            "organisationNumber": "984661185", "pemCertificate": "", "process": process, "documentTypes": types,
            "service": { "identifier": kind }, "orgnrPostkasse": "984661185", "postkasseAdresse": "kari.nordmann#ABCD",
            "postAddress": address, "returnAddress": address, "fysiskPost": true, "kanVarsles": null,
        })
    };
    let info = json!({ "identifier": "01010750160", "entityType": { "name": "citizen", "acronym": "citizen" } });
    let print = "urn:no:difi:digitalpost:xsd:fysisk::print";
    let unknown = "urn:no:difi:digitalpost:xsd:digital::hologram";
    let process = "urn:no:difi:profile:digitalpost:info:ver1.0";
    let records = [record("DPI", process, &[print, unknown]), record("DPX", "urn:new", &[unknown])];
    scene.registry.put("01010750160", json!({ "infoRecord": info, "serviceRecords": records }));
}

#[test]
fn create_and_capabilities_are_what_the_registry_says_and_each_trouble_has_its_row() {
    let scene = Scene::new();
    citizen(&scene);
    let avtalt = "urn:no:difi:profile:avtalt:avtalt:ver1.0";
    scene.registry.put_organisation(OTHER, "", "DPV", avtalt, &["urn:no:difi:avtalt:xsd::avtalt"], "");
    let program = Program::start(&scene, &[]);
    let mut seen = String::new();
    let mut note = |what: &str, answer: &Answer| {
        let text = if answer.body.is_empty() { String::new() } else { answer.text_without_times() };
        writeln!(seen, "{what}\n{} {text}\n", answer.status).unwrap();
    };

    note("capabilities of an organisation", &program.get(&format!("/api/capabilities/{OTHER}")));
    note("with the code of its list", &program.get(&format!("/api/capabilities/0192:{OTHER}?process={PROCESS}")));
    note("capabilities of a citizen", &program.get("/api/capabilities/01010750160?securityLevel=3"));
    note("capabilities of nobody", &program.get("/api/capabilities/910076787"));
    note("a level that is none", &program.get(&format!("/api/capabilities/{OTHER}?securityLevel=high")));
    note(
        "a level that the registry does not know",
        &program.get(&format!("/api/capabilities/{OTHER}?securityLevel=7")),
    );
    note("the record of an organisation", &program.get(&format!("/servicerecord/{OTHER}")));
    note("the record of nobody", &program.get("/servicerecord/910076787"));

    note("create", &program.create(SBD));
    let fresh = |number: u32| SBD.replace("e99e5cd1-74de", &format!("e99e5cd1-{number:04x}"));
    note("create to nobody", &program.create(&fresh(1).replace("0192:910075918", "0192:910076787")));
    let other_process = fresh(2).replace("administrasjon", "planByggOgGeodata");
    note("create in a process that it is not in", &program.create(&other_process));
    let other_type = fresh(3).replace("xsd::arkivmelding", "xsd::other");
    note("create of a type that it does not take", &program.create(&other_type));
    let over_dpv = fresh(4).replace("urn:no:difi:profile:arkivmelding:administrasjon:ver1.0", avtalt);
    let over_dpv = over_dpv.replace("urn:no:difi:arkivmelding:xsd::arkivmelding", "urn:no:difi:avtalt:xsd::avtalt");
    let over_dpv = over_dpv.replace("\"arkivmelding\"", "\"avtalt\"");
    note("create over a service that is not enabled", &program.create(&over_dpv));

    scene.registry.put_certificate(OWN, &keys().somebody.certificate_pem());
    let program = Program::start(&scene, &[]);
    note("create with a certificate that is not registered", &program.create(SBD));
    scene.registry.lie(Lie::AlgNone);
    let program = Program::start(&scene, &[]);
    note("create with an answer that nobody signed", &program.create(SBD));
    note("capabilities with an answer that nobody signed", &program.get(&format!("/api/capabilities/{OTHER}")));
    scene.registry.lie(Lie::Status(500, "<html>".into()));
    note("create while the registry fails", &program.create(SBD));
    note("a record while the registry fails", &program.get(&format!("/servicerecord/{OTHER}")));
    scene.registry.lie(Lie::Honest);
    scene.maskinporten.register(account(&["eformidling:dpv"]));
    let program = Program::start(&scene, &[]);
    note("create without the scope", &program.create(SBD));
    let seen = seen.replace(&scene.registry_server.url(""), "http://registry");
    let seen = seen.replace(&scene.maskinporten_server.url(""), "http://maskinporten").replace("\\n", "\n");
    let own = keys().somebody.certificate_pem().trim().to_owned();
    insta::assert_snapshot!(seen.replace(&own, "<certificate>"));
}

#[test]
fn a_certificate_that_is_replaced_in_the_registry_stops_what_was_created_before_it_is_sent() {
    let scene = Scene::new();
    let program = Program::start(&scene, &[]);
    assert_eq!(program.create(SBD).status, 200);
    scene.registry.put_certificate(OWN, &keys().somebody.certificate_pem());
    // What was asked for is still remembered.
    let one = "/api/messages/out/e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
    let sent = call(program.port, "POST", one, &[], b"");
    assert!(!sent.text().contains("InvalidCertificateException"), "{}", sent.text());
}

#[test]
fn a_certificate_that_is_not_the_registered_one_is_told_at_the_start() {
    let scene = Scene::new();
    scene.registry.put_certificate(OWN, &keys().somebody.certificate_pem());
    let program = Program::start(&scene, &[]);
    assert_eq!(program.create(SBD).status, 400);
    let said = program.ended();
    assert!(said.contains("nothing is sent with our own certificate until this is put right"), "{said}");
}

#[test]
fn nothing_secret_and_nobody_s_number_is_said() {
    let scene = Scene::new();
    citizen(&scene);
    let program = Program::start(&scene, &["--integrasjonspunkt.sign.ca-file=authority.pem"]);
    assert_eq!(program.create(SBD).status, 200);
    program.get("/api/capabilities/01010750160");
    scene.registry.lie(Lie::Status(400, r#"{"error_description":"01010750160 is reserved"}"#.into()));
    program.get("/api/capabilities/01010750160?securityLevel=4");
    scene.registry_faults.set(Duration::ZERO, 1.0);
    program.get("/api/capabilities/01010750160?securityLevel=3");
    let said = program.ended();
    assert!(said.contains("ready"), "{said}");
    for secret in ["maskinporten-1", "01010750160", "eyJ", "PRIVATE", "kari.nordmann", "KARI"] {
        assert!(!said.contains(secret), "{secret} in:\n{said}");
    }
}

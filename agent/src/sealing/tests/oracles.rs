//! Programs that know nothing of us open what we seal, and look at the container. Where one is not there, a line says so.

use super::vectors::what_java_has_sealed_is_opened;
use super::*;
use crate::domain::Service;
use efm_world::identity::{NORD, SOR};
use std::path::Path;
use std::process::{Command, Output};

/// None: the program is not there.
fn ask(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("left out: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[track_caller]
fn succeeds(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    efm::atomic::replace(&folder.path().join("new.pem"), NEW).unwrap();
    efm::atomic::replace(&folder.path().join("authority.crt"), AUTHORITY).unwrap();
    folder
}

const FILES: [(&str, &[u8]); 3] =
    [("arkivmelding.xml", b"<arkivmelding/>"), ("bl\u{e5}b\u{e6}r.txt", b"syltet\xc3\xb8y"), ("tom.txt", b"")];

#[test]
fn openssl_opens_what_we_seal_and_gets_the_container_that_we_get() {
    let folder = folder();
    for service in [Service::Dpo, Service::Dpe] {
        let sealed = run(seal(OLD, &FILES, NEW, Encryption::over(service)));
        efm::atomic::replace(&folder.path().join("sealed.cms"), &sealed).unwrap();
        let arguments = [
            "cms",
            "-decrypt",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "sealed.cms",
            "-inkey",
            "new.pem",
            "-recip",
            "new.pem",
        ];
        let Some(output) = ask("openssl", &[&arguments[..], &["-out", "opened.zip"]].concat(), folder.path()) else {
            return;
        };
        succeeds(&output);
        let opened = std::fs::read(folder.path().join("opened.zip")).unwrap();
        assert!(opened == run(open(&sealer(&[NEW]), &sealed, 4096)).unwrap().0);
    }
}

#[test]
fn openssl_says_that_our_signature_holds() {
    let folder = folder();
    let sealed = run(seal(NEW, &FILES, NEW, Encryption::over(Service::Dpo)));
    let (asic, _) = run(open(&sealer(&[NEW]), &sealed, 4096)).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(asic)).unwrap();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        let to = if name.contains("/signature-") { "signature.p7s" } else { name.rsplit('/').next().unwrap() };
        if name.starts_with("META-INF/") {
            efm::atomic::replace(&folder.path().join(to), &bytes).unwrap();
        }
    }
    let arguments =
        ["cms", "-verify", "-binary", "-inform", "DER", "-in", "signature.p7s", "-content", "ASiCManifest.xml"];
    let more = ["-CAfile", "authority.crt", "-purpose", "any", "-cades", "-out", "content"];
    if let Some(output) = ask("openssl", &[&arguments[..], &more[..]].concat(), folder.path()) {
        succeeds(&output);
    }
}

#[test]
fn unzip_and_python_find_nothing_wrong_with_our_container() {
    let folder = folder();
    let sealed = run(seal(NEW, &FILES, NEW, Encryption::over(Service::Dpo)));
    let (asic, _) = run(open(&sealer(&[NEW]), &sealed, 4096)).unwrap();
    efm::atomic::replace(&folder.path().join("asic.zip"), &asic).unwrap();
    if let Some(output) = ask("unzip", &["-t", "asic.zip"], folder.path()) {
        succeeds(&output);
        assert!(String::from_utf8_lossy(&output.stdout).contains("No errors detected"));
    }
    let script = "import sys, zipfile\nz = zipfile.ZipFile('asic.zip')\nassert z.testzip() is None\n\
                  assert z.comment == b'mimetype=application/vnd.etsi.asic-e+zip'\n\
                  assert z.infolist()[0].comment == z.comment\nassert z.read('bl\\u00e5b\\u00e6r.txt') == b'syltet\\xc3\\xb8y'\n";
    if let Some(output) = ask("python3", &["-c", script], folder.path()) {
        succeeds(&output);
    }
}

/// With `BC` as in the script of the vectors: what the Java integrasjonspunkt would do with what we seal.
#[test]
fn bouncy_castle_opens_what_we_seal_and_says_that_the_signature_holds() {
    #[allow(clippy::disallowed_methods, reason = "where the jars are is known to who runs the tests")]
    let Ok(jars) = std::env::var("BC") else {
        println!("left out: BC does not name the jars of BouncyCastle");
        return;
    };
    let folder = folder();
    let java = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sealing/Vectors.java");
    for service in [Service::Dpo, Service::Dpe, Service::Dph] {
        let sealed = run(seal(OLD, &FILES, NEW, Encryption::over(service)));
        efm::atomic::replace(&folder.path().join("sealed.cms"), &sealed).unwrap();
        let arguments = ["-cp", &jars, java, "open", "new.pem", "sealed.cms", "opened.zip"];
        let Some(output) = ask("java", &arguments, folder.path()) else { return };
        succeeds(&output);
        let opened = std::fs::read(folder.path().join("opened.zip")).unwrap();
        assert!(opened == run(open(&sealer(&[NEW]), &sealed, 4096)).unwrap().0);
    }
}

/// With `TWIN` as in `agent/tests/java/run`: the class path of the Java integrasjonspunkt's own classes.
#[test]
fn the_java_integrasjonspunkt_opens_what_we_seal_and_we_open_what_it_seals() {
    #[allow(clippy::disallowed_methods, reason = "where the jars are is known to who runs the tests")]
    let Ok(jars) = std::env::var("TWIN") else {
        println!("left out: TWIN does not name the Java integrasjonspunkt's classes; see agent/tests/java");
        return;
    };
    let folder = folder();
    let twin = |arguments: &[&str]| {
        let output = ask("java", &[&["-cp", &jars, "Twin"][..], arguments].concat(), folder.path()).expect("java");
        succeeds(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    for (name, who) in [("nord.pem", &NORD), ("sor.pem", &SOR)] {
        efm::atomic::replace(&folder.path().join(name), who.pem.as_bytes()).unwrap();
    }
    twin(&["seal", "nord.pem", "sor.pem", "."]);
    for name in ["dpo", "dpe", "gcm"] {
        what_java_has_sealed_is_opened(name, &std::fs::read(folder.path().join(format!("{name}.cms"))).unwrap());
    }
    std::fs::create_dir(folder.path().join("opened")).unwrap();
    for service in [Service::Dpo, Service::Dpe, Service::Dph] {
        let sealed = run(seal(NORD.pem.as_bytes(), &FILES, SOR.pem.as_bytes(), Encryption::over(service)));
        efm::atomic::replace(&folder.path().join("ours.cms"), &sealed).unwrap();
        insta::assert_snapshot!("what_java_says_of_what_we_seal", twin(&["open", "sor.pem", "ours.cms", "opened"]));
        let opened = |name: &str| std::fs::read(folder.path().join("opened").join(name)).unwrap();
        for (name, bytes) in FILES {
            assert!(opened(name) == bytes, "{name}");
        }
        let sor = sealer(&[SOR.pem.as_bytes()]);
        assert!(opened("asic.zip") == run(open(&sor, &sealed, 4096)).unwrap().0);
    }
}

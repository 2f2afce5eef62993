//! A publisher and a release server for a machine of its own: what `.ci/systemd` puts into its container.
//! `false-publisher FOLDER [CLASS | --native PROGRAM]`
//!
//! Into the folder it writes its certificate, `4.0.7` and `4.0.8`, and `4.0.9`, which does not start; then it serves the
//! folder until it is killed, and says where in the file `url`. What `latest-versions.yml` says is for others to write.
//! With a compiled class the releases are for a true JVM; with `integrasjonspunkt-under-test` they are native, and that.

use kosmos::demo::integration_point::ENTRY;
use kosmos::demo::publisher::{Archive, Publisher};
use kosmos::demo::release_server::Background;
use outside_world::native::{self, script};
use std::error::Error;
use std::io::{Cursor, Write as _};
use std::path::Path;

/// What is published.
enum What {
    /// What only `false-java` runs.
    Pretended,
    /// This class, compiled.
    Java(Vec<u8>),
    /// This program.
    Native(String),
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (folder, what) = match words.as_slice() {
        [folder] => (Path::new(folder), What::Pretended),
        [folder, native, program] if native == "--native" => (Path::new(folder), What::Native(program.clone())),
        [folder, class] => (Path::new(folder), What::Java(std::fs::read(class)?)),
        _ => return Err("false-publisher FOLDER [CLASS | --native PROGRAM]".into()),
    };
    let now = efm::clock::Clock::machine().now();
    let publisher = Publisher::new("a publisher of tests", now)?;
    let write = |name: &str, bytes: &[u8]| efm::atomic::replace(&folder.join(name), bytes);
    let server = Background::start()?;
    for (version, starts) in [("4.0.7", true), ("4.0.8", true), ("4.0.9", false)] {
        let behaviour = if starts { "" } else { "start=crash\n" };
        let false_one = Archive::new("integrasjonspunkt", version, now).with(ENTRY, behaviour.as_bytes());
        let (bytes, ending) = match &what {
            What::Pretended => (false_one.bytes()?, ".jar".to_owned()),
            What::Java(class) => (jar(version, starts.then_some(class))?, ".jar".to_owned()),
            What::Native(program) => {
                let script = script(Path::new(program));
                (false_one.with("bin/integrasjonspunkt", script).bytes()?, native::ending())
            }
        };
        let name = format!("integrasjonspunkt-v{version}{ending}");
        let signature = publisher.sign(&bytes, now)?;
        for (name, bytes) in [(name.clone(), bytes), (format!("{name}.asc"), signature.into_bytes())] {
            write(&name, &bytes)?;
            server.shelf().put_file(&format!("/download/v{version}/{name}"), folder.join(&name));
        }
    }
    server.shelf().put_file("/latest-versions.yml", folder.join("latest-versions.yml"));
    write("eformidling-key.asc", publisher.certificate()?.as_bytes())?;
    // Written last: who sees it can begin.
    write("url", server.url("")?.as_str().as_bytes())?;
    loop {
        std::thread::park();
    }
}

/// For a true JVM; without the class it does not start.
fn jar(version: &str, class: Option<&Vec<u8>>) -> Result<Vec<u8>, Box<dyn Error>> {
    let manifest = format!(
        "Manifest-Version: 1.0\r\nMain-Class: Integrasjonspunkt\r\nBuild-Jdk-Spec: 11\r\n\
         Implementation-Title: integrasjonspunkt\r\nImplementation-Version: {version}\r\n\r\n"
    );
    let build = format!("build.artifact=integrasjonspunkt\nbuild.version={version}\nbuild.time=2026-11-21T05:30:00Z\n");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let texts = [("META-INF/MANIFEST.MF", manifest.as_bytes()), ("META-INF/build-info.properties", build.as_bytes())];
    for (name, bytes) in texts.into_iter().chain(class.map(|class| ("Integrasjonspunkt.class", class.as_slice()))) {
        archive.start_file(name, options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

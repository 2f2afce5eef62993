//! The door to the child with a true JVM. Left out, and said so, where there is none or no compiler.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use kosmos::child::IntegrationPoint;
use kosmos::child::java::Javas;
use kosmos::ports::{Child, Exit, Launch, Needs};
use outside_world::child::{Home, settings};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const BOUND: Duration = Duration::from_mins(1);

/// Compiles it into an archive in its home; none where that cannot be done here.
fn compile(home: &Home) -> Option<Launch> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/Integrasjonspunkt.java");
    let compiled = Command::new("javac").arg("--release").arg("11").arg("-d").arg(home.path()).arg(source).status();
    if !compiled.is_ok_and(|status| status.success()) {
        return None;
    }
    let class = std::fs::read(home.path().join("Integrasjonspunkt.class")).unwrap();
    let file = home.path().join("integrasjonspunkt-4.0.8.jar");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("META-INF/MANIFEST.MF", options).unwrap();
    archive.write_all(b"Manifest-Version: 1.0\r\nMain-Class: Integrasjonspunkt\r\nBuild-Jdk-Spec: 11\r\n\r\n").unwrap();
    archive.start_file("Integrasjonspunkt.class", options).unwrap();
    archive.write_all(&class).unwrap();
    archive.finish().unwrap();
    Some(Launch { file, version: "4.0.8".parse().unwrap() })
}

#[tokio::test]
async fn a_true_jvm_is_started_adopted_asked_to_stop_terminated_and_killed() {
    let home = Home::new().unwrap();
    let found = Javas::new(None).choose(Some(11)).await;
    let (Ok(java), Some(launch)) = (found, compile(&home)) else {
        outside_world::left_out("no JVM of at least Java 11 with a compiler on this machine");
        return;
    };
    println!("with {java}");
    let child = IntegrationPoint::of(home.path().into(), settings(home.port, None).unwrap());
    child.can_run(&Needs { java: Some(11) }).await.unwrap();
    let refused = child.can_run(&Needs { java: Some(java.major + 1000) }).await.unwrap_err().to_string();
    assert!(refused.contains(&java.version), "{refused}");

    for way in ["ask", "terminate", "kill"] {
        let process = child.spawn(&launch).await.unwrap();
        let deadline = tokio::time::Instant::now() + BOUND;
        let said = loop {
            match child.examine(&process).await {
                Ok(said) => break said,
                Err(error) => {
                    assert!(tokio::time::Instant::now() < deadline, "{error}\n{}", child.start_up_log(&process));
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(said.version.as_deref(), Some("4.0.8"));
        let log = child.start_up_log(&process);
        assert!(log.contains("--management.endpoint.shutdown.enabled=true"), "{log}");
        assert!(log.contains("--spring.profiles.active=itest"), "{log}");

        // Another supervisor finds it without being told.
        let other = home.integration_point(&java.program).unwrap();
        let adopted = other.find(None).await.unwrap().expect("it is found");
        assert_eq!((adopted.pid, adopted.started), (process.pid, process.started));
        let wanted = match way {
            "ask" => {
                other.ask_to_stop(&adopted).await.unwrap();
                Exit::Code(0)
            }
            "terminate" => {
                other.terminate(&adopted).await.unwrap();
                Exit::Code(143)
            }
            _ => {
                other.kill(&adopted).await.unwrap();
                Exit::Signal(9)
            }
        };
        let exit = tokio::time::timeout(BOUND, child.ended(&process)).await.unwrap();
        assert!(cfg!(windows) || exit == wanted, "{way}: {exit:?}");
        assert_eq!(child.port_holder().await.unwrap(), None);
        assert_eq!(other.find(Some(&adopted)).await.unwrap(), None);
    }
}

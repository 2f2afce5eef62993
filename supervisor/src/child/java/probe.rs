//! Asks a JVM who it is, within bounds of time and output, and an archive what it needs.

use crate::child::environment;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// A JVM on a cold and loaded disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// More output than this is not a version.
const OUTPUT_BYTES: u64 = 64 * 1024;
/// A manifest is smaller.
const MANIFEST_BYTES: u64 = 256 * 1024;
/// Options that a JVM takes from its surroundings; an agent in them would bind the port of the one that runs.
const JVM_OPTIONS: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// What a JVM says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `17`; `8` for what calls itself 1.8.
    pub major: u32,
    /// `17.0.15`
    pub version: String,
}

/// Starts it to ask. Cancel safe: it is killed when nobody waits.
///
/// # Errors
/// In words: it does not start, does not end in time, or says nothing that we understand.
pub async fn ask(program: &Path) -> Result<Answer, String> {
    let removed: Vec<String> = JVM_OPTIONS.map(String::from).into();
    let mut command = Command::new(program);
    command
        .args(["-XshowSettings:properties", "-version"])
        .env_clear()
        .envs(environment::for_child(&removed))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(windows)]
    command.creation_flags(crate::host::windows::NO_WINDOW);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let talk = async { tokio::join!(text_of(out), text_of(err), child.wait()) };
    let (out, err, exit) = tokio::time::timeout(PATIENCE, talk)
        .await
        .map_err(|_| format!("it did not say its version within {} seconds", PATIENCE.as_secs()))?;
    let exit = exit.map_err(|error| error.to_string())?;
    parse(&(err + "\n" + &out)).ok_or_else(|| format!("it did not say its version ({exit})"))
}

async fn text_of(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error is judged as it is. The end of a flood is not read: the writer then gets an error.
        let _ = stream.take(OUTPUT_BYTES).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `java.specification.version = 17`, and for its full name `java.version = 17.0.15`.
fn parse(text: &str) -> Option<Answer> {
    let property = |name: &str| {
        let value =
            |line: &str| Some(line.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim().to_owned());
        text.lines().find_map(value)
    };
    // Without properties: `openjdk version "17.0.15" 2025-04-15`.
    let quoted = || Some(text.lines().find(|line| line.contains(" version \""))?.split('"').nth(1)?.to_owned());
    let version = property("java.version").or_else(quoted)?;
    let major = property("java.specification.version").as_deref().and_then(major).or_else(|| major(&version))?;
    Some(Answer { major, version: version.chars().filter(char::is_ascii_graphic).take(64).collect() })
}

/// `17`, `17.0.15`, `21-ea`, and `1.8.0_402`, which is 8.
fn major(version: &str) -> Option<u32> {
    let version = version.strip_prefix("1.").unwrap_or(version);
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The Java that an archive was built for: `Build-Jdk-Spec` of its manifest. None where it does not say, or is no
/// archive: then it is for the JVM to say what it cannot run.
pub fn needed_by(archive: &Path) -> Option<u32> {
    let mut archive = zip::ZipArchive::new(File::open(archive).ok()?).ok()?;
    let mut manifest = String::new();
    archive.by_name("META-INF/MANIFEST.MF").ok()?.take(MANIFEST_BYTES).read_to_string(&mut manifest).ok()?;
    manifest.lines().find_map(|line| major(line.strip_prefix("Build-Jdk-Spec:")?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_ages_are_read() {
        let properties = "Property settings:\n    java.specification.version = 17\n    java.version = 17.0.15\n";
        assert_eq!(parse(properties).unwrap(), Answer { major: 17, version: "17.0.15".into() });
        let old = "    java.specification.version = 1.8\n    java.version = 1.8.0_402\n";
        assert_eq!(parse(old).unwrap().major, 8);
        let short = "openjdk version \"21-ea\" 2023-09-19\nOpenJDK Runtime Environment";
        assert_eq!(parse(short).unwrap(), Answer { major: 21, version: "21-ea".into() });
        let noisy = format!("Picked up JAVA_TOOL_OPTIONS: -Dx=y\n{properties}");
        assert_eq!(parse(&noisy).unwrap().major, 17);
        for strange in ["", "hello", "java version \"\"", "java.version = x"] {
            assert_eq!(parse(strange), None, "{strange:?}");
        }
    }

    #[test]
    fn what_an_archive_needs_is_in_its_manifest() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jar");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        archive.start_file("META-INF/MANIFEST.MF", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"Manifest-Version: 1.0\r\nBuild-Jdk-Spec: 21\r\n").unwrap();
        archive.finish().unwrap();
        assert_eq!(needed_by(&path), Some(21));
        std::fs::File::create(&path).unwrap();
        assert_eq!(needed_by(&path), None);
    }
}

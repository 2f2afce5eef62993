//! `GnuPG` as it is on this machine, and we: each reads what the other made.

use jiff::Timestamp;
use kosmos::demo::publisher::Publisher;
use kosmos::release::openpgp::{Keyring, Policy};
use std::path::Path;
use std::process::{Command, Output};

fn gpg(home: &Path, arguments: &[&str]) -> Output {
    let plain = ["--batch", "--quiet", "--yes", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"];
    Command::new("gpg").arg("--homedir").arg(home).args(plain).args(arguments).current_dir(home).output().unwrap()
}

/// Ends the agent that `gpg` left running for this folder.
struct Agent<'a>(&'a Path);

impl Drop for Agent<'_> {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.0).args(["--kill", "all"]).output();
    }
}

#[test]
fn gpg_and_we_read_each_other() {
    if Command::new("gpg").arg("--version").output().is_err() {
        outside_world::left_out("there is no gpg on this machine");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let _agent = Agent(home);
    #[allow(clippy::disallowed_methods, reason = "gpg cannot be told what time it is in every version")]
    let now = Timestamp::now();
    std::fs::File::create(home.join("data")).and_then(|mut to| std::io::Write::write_all(&mut to, b"data")).unwrap();

    for kind in ["rsa3072", "ed25519"] {
        assert!(gpg(home, &["--quick-generate-key", kind, kind, "sign", "1y"]).status.success());
        assert!(
            gpg(home, &["--local-user", kind, "--output", "data.asc", "--armor", "--detach-sign", "data"])
                .status
                .success()
        );
        let key = gpg(home, &["--armor", "--export", kind]).stdout;
        let keyring = Keyring::read(&[(kind.to_owned(), key)], &[]).unwrap();
        let signature = std::fs::read(home.join("data.asc")).unwrap();
        let mut reading = keyring.begin(&signature, &[], &Policy::default(), now).unwrap();
        reading.update(b"data");
        assert_eq!(reading.finish().unwrap().signer.user_id.as_deref(), Some(kind));
    }

    let publisher = Publisher::new("Demo", now).unwrap();
    let write = |name: &str, text: String| {
        std::fs::File::create(home.join(name))
            .and_then(|mut to| std::io::Write::write_all(&mut to, text.as_bytes()))
            .unwrap();
    };
    write("key.asc", publisher.certificate().unwrap());
    write("ours.asc", publisher.sign(b"data", now).unwrap());
    assert!(gpg(home, &["--import", "key.asc"]).status.success());
    let said = gpg(home, &["--status-fd", "1", "--verify", "ours.asc", "data"]);
    let status = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(status.contains(&format!("VALIDSIG {}", publisher.fingerprint())), "{said:?}");
}

//! A [`Site`] whose integration point is ours: the real program, as a native child of the real supervisor, in as many
//! versions as are published. What it sends goes to itself, over a folder.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a tool of tests: what it cannot do fails the test")]

use crate::child::program;
use crate::load::OWN;
use crate::site::{Site, now};
use kosmos::demo::integration_point::ENTRY;
use kosmos::demo::publisher::Archive;
use std::path::Path;

/// Its database, in its home folder.
pub const DATABASE: &str = "integrasjonspunkt.sqlite";

/// Whose port it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The supervisor holds it open, and hands it over.
    Held,
    /// Each opens its own.
    Own,
}

/// A site with `more` in its `kosmos.toml`. Nothing is published, and nothing runs.
pub fn site(port: Port, more: &str) -> Site {
    let site = Site::new();
    let between = site.home().join("between");
    let properties = format!(
        "server.port={}\nserver.address=127.0.0.1\ndifi.ssl.enabled=false\ndifi.security.enable=false\n\
         difi.move.org.number={OWN}\nintegrasjonspunkt.loopback.folder={}\n",
        site.port,
        between.display().to_string().replace('\\', "/"),
    );
    site.write("integrasjonspunkt-local.properties", &properties);
    let listen = if port == Port::Held { format!("listen = \"127.0.0.1:{}\"\n", site.port) } else { String::new() };
    let ours = format!(
        "[schedule]\nmode = \"stage\"\n[child]\nkind = \"native\"\nprofile = \"staging\"\nbase_url = \"http://127.0.0.1:{}\"\nstop_grace = \"15s\"\n\
         start_patience = \"10s\"\nstart_patience_bound = \"10s\"\n{listen}{more}",
        site.port,
    );
    let settings = site.settings(&ours);
    let without_java = settings.lines().filter(|line| !line.starts_with("java = "));
    site.write("kosmos.toml", &without_java.fold(String::new(), |all, line| all + line + "\n"));
    site
}

/// Publishes it as this version, signed well; it behaves so. See `integrasjonspunkt-under-test` for what it can be told.
pub fn publish(site: &mut Site, version: &str, behaviour: &str) -> String {
    let real = program("integrasjonspunkt-under-test").unwrap();
    let name = if cfg!(windows) { "bin/integrasjonspunkt.exe" } else { "bin/integrasjonspunkt" };
    let bytes = if cfg!(all(unix, debug_assertions)) {
        // The whole of it is a hundred MB in a build for tests.
        script(&real)
    } else {
        std::fs::read(real).unwrap()
    };
    let archive = Archive::new("integrasjonspunkt", version, now()).with(ENTRY, behaviour).with(name, bytes);
    site.publish_bytes(version, &ending(), archive.bytes().unwrap(), behaviour)
}

/// A program that becomes the real one, and tells it where the archive lies that says which version it is.
pub fn script(real: &Path) -> Vec<u8> {
    format!("#!/bin/sh\nexec '{}' --beside=\"${{0%/*}}\" \"$@\"\n", real.display()).into_bytes()
}

/// How the name of an archive ends.
pub fn ending() -> String {
    format!("-{}-{}.zip", std::env::consts::OS, std::env::consts::ARCH)
}

/// The same, on duty with this version.
pub fn running(port: Port, version: &str, more: &str) -> Site {
    let mut site = site(port, more);
    publish(&mut site, version, "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.until_runs(version);
    site
}

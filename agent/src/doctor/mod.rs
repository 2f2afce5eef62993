//! Looks at everything that a site needs before it can send, and says of each, in a line, whether it is well, what is
//! wrong, and what to do. It changes nothing. Start at [`examine`].
//!
//! Every look has an end, and they go side by side: the slowest decides how long it takes. No line has a secret in it.

mod here;
mod keys;
mod outside;
mod rights;

use crate::config::{Problem, Settings, Severity};
use efm::clock::Clock;
use futures_util::future::{BoxFuture, join_all};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Nothing is looked at for longer.
const LONGEST: Duration = Duration::from_secs(20);

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Well.
    Ok,
    /// A person should look at it; it runs all the same.
    Odd,
    /// It does not work.
    Wrong,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// Of what.
    pub about: String,
    /// What was seen.
    pub seen: String,
    /// What a person should do; empty where nothing is.
    pub to_do: String,
}

impl Finding {
    /// It is well.
    pub fn ok(about: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, about: about.into(), seen: seen.into(), to_do: String::new() }
    }

    /// Somebody should look at it.
    pub fn odd(about: impl Into<String>, seen: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { verdict: Verdict::Odd, to_do: to_do.into(), ..Self::ok(about, seen) }
    }

    /// It does not work.
    pub fn wrong(about: impl Into<String>, seen: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wrong, to_do: to_do.into(), ..Self::ok(about, seen) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdict, about, seen, to_do } = self;
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Odd => "look",
            Verdict::Wrong => "WRONG",
        };
        // One line, whatever somebody's error has in it.
        let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{verdict:<6}{about:<14}{seen}")?;
        if to_do.is_empty() { Ok(()) } else { write!(f, "; do: {to_do}") }
    }
}

/// Of the settings themselves; what is told of them has no secret in it.
pub fn of_settings(problems: &[Problem]) -> Vec<Finding> {
    const ABOUT: &str = "settings";
    let told = problems.iter().map(|problem| {
        let key = if problem.key.is_empty() { String::new() } else { format!(" {}:", problem.key) };
        let seen = format!("{}:{key} {}", problem.place, problem.wrong);
        match problem.severity {
            Severity::Error => Finding::wrong(ABOUT, seen, &problem.right),
            Severity::Warning => Finding::odd(ABOUT, seen, &problem.right),
        }
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { vec![Finding::ok(ABOUT, "all of them can be used")] } else { told }
}

type Look<'a> = BoxFuture<'a, Vec<Finding>>;

const OWN: &str = "difi.move.org.keystore.";
const TLS: &str = "difi.ssl.";
const WAY_OUT: [&str; 3] = ["integrasjonspunkt.proxy", "integrasjonspunkt.no-proxy", "integrasjonspunkt.ca-file"];

/// What each look depends on: keys, or how they begin.
const NEEDS: &[(&str, &[&str])] = &[
    ("keystore", &[OWN]),
    ("TLS", &[TLS]),
    ("folders", &["difi.move.nextmove.filedir", "integrasjonspunkt.blobs."]),
    ("database", &["difi.datasource."]),
    ("port", &["server.", TLS]),
    ("outside", &WAY_OUT),
    (
        "rights",
        &[
            WAY_OUT[0],
            WAY_OUT[1],
            WAY_OUT[2],
            OWN,
            "difi.move.org.number",
            "difi.move.oidc.",
            "difi.move.serviceregistryEndpoint",
            "difi.move.sign.",
            "integrasjonspunkt.sign.",
            "difi.move.dpo.",
            "difi.move.feature.enable",
        ],
    ),
];

/// Everything but the settings. `folder` is the working folder; what depends on a setting that was `left_out` is not looked at.
pub async fn examine(settings: &Settings, folder: &Path, clock: &Clock, left_out: &BTreeSet<String>) -> Vec<Finding> {
    let looks: Vec<(&str, Look<'_>)> = vec![
        ("keystore", Box::pin(keys::own(settings, clock, left_out))),
        ("TLS", Box::pin(keys::tls(settings, clock))),
        ("folders", Box::pin(here::folders(settings, folder))),
        ("database", Box::pin(here::database(settings))),
        ("port", Box::pin(here::port(settings, clock))),
        ("outside", Box::pin(outside::endpoints(settings, clock, left_out))),
        ("rights", Box::pin(rights::granted(settings, clock))),
    ];
    let looks = looks.into_iter().map(|(about, look)| async move {
        if let Some(key) = wrong_for(about, left_out) {
            let seen = format!("not looked at: {key} is wrong, see above");
            return vec![Finding::odd(about, seen, "correct that setting, and ask again")];
        }
        let late = |_| {
            let seen = format!("no end of it within {} s", LONGEST.as_secs());
            vec![Finding::wrong(about, seen, "look at the disk, the share or the network that it is on")]
        };
        tokio::time::timeout(LONGEST, look).await.unwrap_or_else(late)
    });
    let findings = join_all(looks).await.into_iter().flatten();
    // The words of systems and servers are in there.
    findings.map(|finding| Finding { seen: efm::masking::mask(&finding.seen), ..finding }).collect()
}

/// The first of the settings that were left out on which this look depends.
fn wrong_for<'a>(about: &str, left_out: &'a BTreeSet<String>) -> Option<&'a String> {
    let needs = NEEDS.iter().find(|(look, _)| *look == about).map_or(&[][..], |(_, needs)| *needs);
    left_out.iter().find(|key| needs.iter().any(|need| key.starts_with(need)))
}

/// Work that may wait for a disk, on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

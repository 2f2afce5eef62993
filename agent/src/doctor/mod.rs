//! Looks at everything that a site needs before it can send, and says of each, in a line, whether it is well, what is
//! wrong, and what to do. It changes nothing. Start at [`examine`].
//!
//! Every look has an end, and they go side by side: the slowest decides how long it takes. No line has a secret in it.

mod here;
mod keys;
mod outside;

use crate::config::{Problem, Settings, Severity};
use efm::clock::Clock;
use futures_util::future::{BoxFuture, join_all};
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

/// Looks that other rooms bring: which scopes Maskinporten grants, for one. Each ends by itself, or is ended.
pub type Look<'a> = BoxFuture<'a, Vec<Finding>>;

/// Everything but the settings. `folder` is the working folder.
pub async fn examine(settings: &Settings, folder: &Path, clock: &Clock, more: Vec<Look<'_>>) -> Vec<Finding> {
    let mut looks: Vec<(&str, Look<'_>)> = vec![
        ("keystore", Box::pin(keys::own(settings, clock))),
        ("TLS", Box::pin(keys::tls(settings, clock))),
        ("folders", Box::pin(here::folders(settings, folder))),
        ("database", Box::pin(here::database(settings))),
        ("port", Box::pin(here::port(settings, clock))),
        ("outside", Box::pin(outside::endpoints(settings, clock))),
    ];
    looks.extend(more.into_iter().map(|look| ("outside", look)));
    let looks = looks.into_iter().map(|(about, look)| async move {
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

/// Work that may wait for a disk, on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

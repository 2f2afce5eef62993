//! Of what this program was built, and when: as whoever built it said so in the environment of the compiler. Nothing is asked
//! of git here, so that a build from an archive without it is the same, and a commit compiles nothing anew. `packaging/build`
//! says all of it; who says nothing gets a program that claims nothing.

use efm::manage::{Build, Commit, CommitId, Git, GitBuild, Info};
use jiff::Timestamp;

/// What was said.
struct Said {
    /// Seconds since 1970.
    time: Option<&'static str>,
    commit: Option<&'static str>,
    commit_time: Option<&'static str>,
    branch: Option<&'static str>,
    dirty: Option<&'static str>,
}

const SAID: Said = Said {
    time: option_env!("SOURCE_DATE_EPOCH"),
    commit: option_env!("BUILT_COMMIT"),
    commit_time: option_env!("BUILT_COMMIT_TIME"),
    branch: option_env!("BUILT_BRANCH"),
    dirty: option_env!("BUILT_DIRTY"),
};

/// `/manage/info`.
pub(super) fn info(version: &str) -> Info {
    of(version, &SAID)
}

/// The commit, short; none where it was not said.
pub fn commit() -> Option<&'static str> {
    whole(SAID.commit).and_then(|commit| commit.get(..7))
}

fn of(version: &str, said: &Said) -> Info {
    let version = version.to_owned();
    let name = Some("integrasjonspunkt".to_owned());
    let time = moment(said.time);
    let build = Build {
        version: version.clone(),
        artifact: name.clone(),
        name,
        time: time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()),
        group: Some("no.difi.meldingsutveksling".to_owned()),
    };
    let git = whole(said.commit).map(|commit| Git {
        branch: said.branch.filter(|branch| !branch.is_empty()).map(str::to_owned),
        commit: Commit {
            time: moment(said.commit_time).map(|time| time.to_string()),
            id: CommitId { full: commit.to_owned(), abbrev: commit.get(..7).unwrap_or(commit).to_owned() },
        },
        build: GitBuild { version, time: time.map(|time| time.to_string()) },
        dirty: said.dirty.map(|dirty| (dirty == "true").to_string()),
    });
    Info { git, build: Some(build) }
}

/// Forty digits, or it is no commit.
fn whole(commit: Option<&'static str>) -> Option<&'static str> {
    commit.filter(|commit| commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn moment(seconds: Option<&str>) -> Option<Timestamp> {
    seconds.and_then(|seconds| seconds.parse().ok()).and_then(|seconds| Timestamp::from_second(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_shaped_as_the_java_ones() {
        let said = Said {
            time: Some("1785578400"),
            commit: Some("fd348ae2f0123456789abcdef0123456789abcde"),
            commit_time: Some("1785578400"),
            branch: Some("main"),
            dirty: Some("false"),
        };
        let version = "4.0.8";
        let right = serde_json::json!({
            "git": {
                "branch": "main",
                "commit": {
                    "time": "2026-08-01T10:00:00Z",
                    "id": { "full": "fd348ae2f0123456789abcdef0123456789abcde", "abbrev": "fd348ae" },
                },
                "build": { "version": version, "time": "2026-08-01T10:00:00Z" },
                "dirty": "false",
            },
            "build": {
                "artifact": "integrasjonspunkt",
                "name": "integrasjonspunkt",
                "time": "2026-08-01T10:00:00.000Z",
                "version": version,
                "group": "no.difi.meldingsutveksling",
            },
        });
        assert_eq!(serde_json::to_value(of(version, &said)).unwrap(), right);
    }

    #[test]
    fn who_says_nothing_or_nonsense_claims_nothing() {
        let nothing = Said { time: None, commit: None, commit_time: None, branch: None, dirty: None };
        let nonsense = Said { time: Some("today"), commit: Some("HEAD"), branch: Some("main"), ..nothing };
        for said in [nonsense, nothing] {
            let info = of("4.0.8", &said);
            assert_eq!(info.git, None);
            assert_eq!(info.build.unwrap().time, None);
        }
    }
}

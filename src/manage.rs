//! The contract of `/manage/health`, `/manage/info` and `/manage/shutdown`, shaped as Spring Boot's actuator shapes it.
//! Served by the integration point (the Java one of today, and ours), called by the supervisor.
//!
//! Reading is tolerant: members that are not named here are ignored, because the Java one has many.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Path of the health endpoint below the base URL.
pub const HEALTH: &str = "/manage/health";
/// Path of the info endpoint below the base URL.
pub const INFO: &str = "/manage/info";
/// Path of the shutdown endpoint below the base URL; `POST` only.
pub const SHUTDOWN: &str = "/manage/shutdown";
/// A body larger than this is not an answer of an integration point.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// What a component says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It works.
    Up,
    /// It does not work.
    Down,
    /// Taken out of service on purpose.
    OutOfService,
    /// It cannot tell, or said a word that we do not know.
    #[serde(other)]
    Unknown,
}

/// The answer of `/manage/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The worst of the components.
    pub status: Status,
    /// Each component with its own status.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, Component>,
}

/// One component of the health answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it says of itself.
    pub status: Status,
}

/// The answer of `/manage/info`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Of what it was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// What was built, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
}

/// `build` of the info answer, from `META-INF/build-info.properties`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The version that runs, as its archive says it.
    pub version: String,
    /// `integrasjonspunkt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// When it was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The same, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// `git` of the info answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Git {
    /// The branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit.
    pub commit: Commit,
    /// What was built of it.
    pub build: GitBuild,
    /// `true` where something was built that is in no commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<String>,
}

/// `git.commit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Which.
    pub id: CommitId,
}

/// `git.commit.id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommitId {
    /// Forty digits.
    pub full: String,
    /// The first seven of them.
    pub abbrev: String,
}

/// `git.build`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitBuild {
    /// The version.
    pub version: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_java_one_is_read() {
        let text = r#"{"status":"DOWN","components":{"db":{"status":"UP","details":{"database":"H2"}},
            "dpo":{"status":"STRANGE"},"diskSpace":{"status":"OUT_OF_SERVICE"}},"groups":["liveness"]}"#;
        let health: Health = serde_json::from_str(text).unwrap();
        assert_eq!(health.status, Status::Down);
        let of = |name: &str| health.components.get(name).unwrap().status;
        assert_eq!((of("db"), of("dpo"), of("diskSpace")), (Status::Up, Status::Unknown, Status::OutOfService));

        let info: Info =
            serde_json::from_str(r#"{"git":{},"build":{"artifact":"integrasjonspunkt","version":"4.0.8"}}"#).unwrap();
        assert_eq!(info.build.unwrap().version, "4.0.8");
        assert_eq!(serde_json::from_str::<Info>("{}").unwrap().build, None);
        let full = r#"{"git":{"branch":"main","commit":{"time":"2026-08-01T10:00:00Z","id":{"full":"fd","abbrev":"f"},
            "user":{"name":"x"}},"total":{}},"build":{"version":"4.0.8","time":"2026-08-01T10:00:00.000Z"}}"#;
        assert_eq!(serde_json::from_str::<Info>(full).unwrap().git.unwrap().commit.id.full, "fd");
    }
}

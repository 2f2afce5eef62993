//! Settings: the Java integration point's own keys, from `integrasjonspunkt-local.properties` (or `.yml`, `.yaml`), the
//! environment and `--key=value`, on top of the defaults of the profile. Start at [`load`].
//!
//! After [`Settings`] everything is valid. A key that is not known here is told and ignored: hundreds of them belong to
//! the Java one. The environment is read here and nowhere else.

mod arguments;
mod at_rest;
mod dpo;
mod gather;
mod jdbc;
mod keys;
mod keystores;
mod logging;
mod looking;
mod lookups;
mod network;
mod problem;
mod reader;
mod sealing;
mod settings;
mod values;
mod webhooks;
mod yaml;

pub use arguments::{Arguments, split};
pub use at_rest::AtRest;
pub use dpo::{Dpo, SystemUser};
pub use gather::has_settings;
pub use keystores::Keystores;
pub use logging::Logging;
pub use looking::without_wrong;
pub use lookups::{Lookups, Oidc, OidcKey, Signed};
pub use problem::{Place, Problem, Severity};
pub use reader::Shown;
pub use sealing::Sealing;
pub use settings::{Auth, Database, Loopback, PostgresAt, PostgresTls, Profile, Settings, ShutdownFrom};
pub use webhooks::Webhooks;

use std::path::Path;

/// What was read.
#[derive(Debug)]
pub struct Loaded {
    /// The settings; none where there are errors among the problems.
    pub settings: Option<Settings>,
    /// All that is wrong or odd.
    pub problems: Vec<Problem>,
    /// Each known setting and where it came from, for people.
    pub shown: Vec<Shown>,
}

/// Reads all layers: defaults, profile, files of the folder, environment, arguments; the later counts.
pub fn load(folder: &Path, environment: &[(String, String)], arguments: &Arguments) -> Loaded {
    let (settings, problems, shown) = attempt(folder, environment, arguments);
    let is_wrong = problems.iter().any(|problem| problem.severity == Severity::Error);
    Loaded { settings: settings.filter(|_| !is_wrong), problems, shown }
}

/// What comes of it, also where something is wrong.
fn attempt(
    folder: &Path,
    environment: &[(String, String)],
    arguments: &Arguments,
) -> (Option<Settings>, Vec<Problem>, Vec<Shown>) {
    let gathered = gather::gather(folder, environment, arguments);
    let mut reader = reader::Reader::new(gathered.sources, gathered.problems);
    let settings = settings::read(&mut reader, folder);
    let (problems, shown) = reader.end();
    (settings, problems, shown)
}

/// Whether the bytes are settings as YAML; for `entries`.
pub fn reads_yaml(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| yaml::read(text).is_ok())
}

/// Whether the lines of these bytes are settings with which it could run; for `entries`.
pub fn reads_settings(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let arguments = split(text.lines().map(|line| format!("--{line}"))).1;
    let folder = Path::new("a folder that is not there");
    let loaded = load(folder, &[], &arguments);
    // What is wrong is told to a person.
    loaded.problems.iter().for_each(|problem| drop(problem.to_string()));
    loaded.settings.is_some()
}

/// The variables of this process.
pub fn environment() -> Vec<(String, String)> {
    #[allow(clippy::disallowed_methods, reason = "this is the module that owns the environment")]
    let all = std::env::vars_os();
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests;

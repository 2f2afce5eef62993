//! The last good settings: what was set when the settings were last right, so that a supervisor that starts with wrong
//! ones can still keep the integration point running. Text in, text out; `cli` keeps the file.
//!
//! Kept is what a person set of our own settings, after all layers and `${…}`; not the files themselves, since
//! `integrasjonspunkt-local.properties` is full of passwords that we have no use for. No secret of ours is kept either:
//! a mail waits in the outbox until the settings are right. See `docs/decisions/0019`.

use super::document;
use super::gather::{HOME, home_elsewhere_of};
use super::keys::{KEYS, Key, Shape, Unit, key};
use super::problem::{Place, Severity, mask};
use super::sections;
use super::settings::{Mode, Settings};
use super::value::{Kind, Scalar, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Of the text.
const SCHEMA: u32 = 1;
/// Where a value of these says that it came from.
const PLACE: &str = "the last good settings";
/// Without these an integration point cannot be run as it was; the others only serve what is left alone meanwhile.
const NEEDED: [&str; 4] = ["child.", "schedule.", "backup.", "blocklist."];

/// What was set when the settings were last right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGood {
    schema: u32,
    settings: BTreeMap<String, Vec<Given>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Given {
    text: String,
    #[serde(default)]
    kind: KindText,
    #[serde(default)]
    unit: UnitText,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindText {
    #[default]
    Loose,
    Text,
    Integer,
    Float,
    Boolean,
    Moment,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnitText {
    #[default]
    AsWritten,
    Milliseconds,
    Hours,
}

impl LastGood {
    /// Of all that was gathered, what a person set and what is no secret.
    pub(super) fn of(values: &BTreeMap<&'static str, Value>) -> Self {
        // The folder that the command line names is where these lie, also when it is moved.
        let is_named = |name: &str, value: &Value| name == HOME && *value.place() == Place::CommandLine;
        let is_set = |name: &str| {
            values.get(name).is_some_and(|value| *value.place() != Place::Default && !is_named(name, value))
        };
        // A user without a password is no login.
        let has_login = is_set("mail.password_file");
        let settings = KEYS
            .iter()
            .filter(|key| is_set(key.name) && !key.is_secret && (key.name != "mail.username" || has_login))
            .filter_map(|key| {
                let scalars = match values.get(key.name)? {
                    Value::One(scalar) => std::slice::from_ref(scalar),
                    Value::Many(scalars, _) => scalars.as_slice(),
                    // Webhooks: their addresses and tokens are secrets; calls wait in the outbox, as mails do.
                    Value::Tables(..) => return None,
                };
                // An address with a password in it; what the integration point is run with stands in the process list.
                let is_open = |scalar: &Scalar| key.name.starts_with("child.") || mask(&scalar.text) == scalar.text;
                let given = scalars.iter().all(is_open).then(|| scalars.iter().map(Given::of).collect())?;
                Some((key.name.to_owned(), given))
            })
            .collect();
        Self { schema: SCHEMA, settings }
    }

    /// As it is kept.
    ///
    /// # Errors
    /// None that can be thought of.
    pub fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self)
    }

    /// What was kept; why not, where it makes no sense.
    ///
    /// # Errors
    /// It is no JSON of ours, or a newer kosmos wrote it.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if read.schema > SCHEMA {
            return Err(format!("it was written by a newer kosmos (schema {}; this one knows {SCHEMA})", read.schema));
        }
        Ok(read)
    }

    /// Settings to keep the integration point running with until the true ones are right: nobody looks for releases.
    /// None: they are not good any more, for example because the JVM that they name is no path here.
    pub fn settings(&self, folder: &Path) -> Option<Settings> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let all = self.values(|_| true);
        let needed = || self.values(|name| !name.contains('.') || NEEDED.iter().any(|begin| name.starts_with(begin)));
        let mut settings = checked(all, &folder).or_else(|| checked(needed(), &folder))?;
        settings.schedule.mode = Mode::Off;
        Some(settings)
    }

    /// Over the defaults of this program, which may be another than the one that wrote it.
    fn values(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<&'static str, Value> {
        let mut values: BTreeMap<_, _> =
            document::defaults().values.into_iter().map(|(key, value)| (key.name, value)).collect();
        for (name, given) in self.settings.iter().filter(|(name, _)| is_wanted(name)) {
            // What is not known any more was a setting of another program.
            if let Some(key) = key(name)
                && let Some(value) = value(key, given)
            {
                values.insert(key.name, value);
            }
        }
        values
    }
}

/// The folders in which the state may lie when the settings are wrong: the folder of the settings, and the home that
/// they still name. All three as [`load`](super::load) takes them.
pub fn perhaps_home(folder: &Path, environment: &[(String, String)], flags: &[(String, String)]) -> Vec<PathBuf> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let elsewhere = home_elsewhere_of(&folder, environment, flags).map(|home| folder.join(home));
    elsewhere.into_iter().chain([folder]).collect()
}

fn checked(values: BTreeMap<&'static str, Value>, folder: &Path) -> Option<Settings> {
    let read = sections::settings(values, folder, &mut Vec::new());
    read.settings.filter(|_| read.problems.iter().all(|problem| problem.severity == Severity::Warning))
}

fn value(key: &'static Key, given: &[Given]) -> Option<Value> {
    let mut scalars: Vec<_> = given.iter().map(|given| given.scalar(key.name)).collect();
    match key.shape {
        Shape::One => scalars.pop().map(Value::One),
        Shape::Tables(_) => None,
        Shape::Many | Shape::ManyByComma => Some(Value::Many(scalars, Place::From(PLACE))),
    }
}

impl Given {
    fn of(scalar: &Scalar) -> Self {
        let kind = match scalar.kind {
            Kind::Loose => KindText::Loose,
            Kind::Text => KindText::Text,
            Kind::Integer => KindText::Integer,
            Kind::Float => KindText::Float,
            Kind::Boolean => KindText::Boolean,
            Kind::Moment => KindText::Moment,
        };
        let unit = match scalar.unit {
            Unit::AsWritten => UnitText::AsWritten,
            Unit::Milliseconds => UnitText::Milliseconds,
            Unit::Hours => UnitText::Hours,
        };
        Self { text: scalar.text.clone(), kind, unit }
    }

    fn scalar(&self, name: &str) -> Scalar {
        let kind = match self.kind {
            KindText::Loose => Kind::Loose,
            KindText::Text => Kind::Text,
            KindText::Integer => Kind::Integer,
            KindText::Float => Kind::Float,
            KindText::Boolean => Kind::Boolean,
            KindText::Moment => Kind::Moment,
        };
        let unit = match self.unit {
            UnitText::AsWritten => Unit::AsWritten,
            UnitText::Milliseconds => Unit::Milliseconds,
            UnitText::Hours => Unit::Hours,
        };
        Scalar { text: self.text.clone(), kind, unit, place: Place::From(PLACE), name: name.to_owned() }
    }
}

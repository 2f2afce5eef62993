//! Takes settings one by one, notes for each its value and where it came from, and collects all that is wrong.

use super::Effective;
use super::keys::{Shape, key};
use super::problem::{Place, Problem, Severity, Wrong, mask, wrong};
use super::value::{Scalar, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Reads from what was gathered.
pub(super) struct Reader {
    values: BTreeMap<&'static str, Value>,
    /// The folder of the settings.
    folder: PathBuf,
    /// The folder of the integration point.
    pub(super) home: PathBuf,
    problems: Vec<Problem>,
    shown: BTreeMap<&'static str, Vec<Effective>>,
    refused: BTreeSet<&'static str>,
    /// Where something stands that should be there and is not.
    absent: Place,
}

/// What a reader has in the end.
pub(super) struct End {
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// What each setting is.
    pub(super) shown: BTreeMap<&'static str, Vec<Effective>>,
    /// Which settings are wrong.
    pub(super) refused: BTreeSet<&'static str>,
}

impl Reader {
    pub(super) fn new(values: BTreeMap<&'static str, Value>, folder: &Path) -> Self {
        Self {
            values,
            folder: folder.to_owned(),
            home: folder.to_owned(),
            problems: Vec::new(),
            shown: BTreeMap::new(),
            refused: BTreeSet::new(),
            absent: Place::Default,
        }
    }

    /// How a file is found that a setting names.
    pub(super) fn bases(&self) -> Bases {
        Bases { folder: self.folder.clone(), home: self.home.clone() }
    }

    pub(super) fn end(self) -> End {
        End { problems: self.problems, shown: self.shown, refused: self.refused }
    }

    /// A setting that may be left out. None too when it is wrong, which is told.
    pub(super) fn one<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Scalar) -> Result<T, Wrong>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let Some(scalar) = self.scalar(name).cloned() else {
            self.show(name, None, Place::Default);
            return None;
        };
        match read(&scalar) {
            Ok(value) => {
                let shown = if is_secret(name) { "********".into() } else { mask(&show(&value)) };
                self.show(name, Some(shown), scalar.place);
                Some(value)
            }
            Err(wrong) => {
                self.refused.insert(name);
                self.problems.push(wrong.at(scalar.place, spoken(&scalar.name, name)));
                None
            }
        }
    }

    /// A setting that always has a value, since it has a default.
    pub(super) fn need<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Scalar) -> Result<T, Wrong>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        if self.scalar(name).is_none() {
            self.problems.push(wrong("it has no value", "a value").at(self.absent.clone(), name));
            return None;
        }
        self.one(name, read, show)
    }

    /// A list; each wrong value of it is told.
    pub(super) fn many<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&Scalar) -> Result<T, Wrong>,
        show: impl Fn(&T) -> String,
    ) -> Vec<T> {
        let (scalars, place) = match self.values.get(name) {
            Some(Value::Many(scalars, place)) => (scalars.clone(), place.clone()),
            Some(Value::One(scalar)) => (vec![scalar.clone()], scalar.place.clone()),
            Some(Value::Tables(..)) | None => (Vec::new(), Place::Default),
        };
        let mut read_ones = Vec::with_capacity(scalars.len());
        for scalar in scalars {
            match read(&scalar) {
                Ok(value) => read_ones.push(value),
                Err(wrong) => {
                    self.refused.insert(name);
                    self.problems.push(wrong.at(scalar.place, spoken(&scalar.name, name)));
                }
            }
        }
        let shown: Vec<_> = read_ones.iter().map(|value| mask(&show(value))).collect();
        self.show(name, (!shown.is_empty()).then(|| shown.join(", ")), place);
        read_ones
    }

    /// Several sections of the same name, each read by itself.
    pub(super) fn tables<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Self) -> Option<T>) -> Vec<T> {
        let Some(Value::Tables(tables, _)) = self.values.get(name) else {
            self.show(name, None, Place::Default);
            return Vec::new();
        };
        let (mut all, mut rows) = (Vec::new(), Vec::new());
        for (number, table) in tables.clone().into_iter().enumerate().filter(|(_, table)| !table.is_broken) {
            let home = self.home.clone();
            let mut one = Self { absent: table.place, home, ..Self::new(table.values, &self.folder) };
            all.extend(read(&mut one));
            let End { problems, shown, refused } = one.end();
            self.problems.extend(problems);
            if !refused.is_empty() {
                self.refused.insert(name);
            }
            let Some(Shape::Tables(keys)) = key(name).map(|key| key.shape) else { continue };
            let mut shown = shown;
            for mut row in keys.iter().filter_map(|key| shown.remove(key.name)).flatten() {
                let last = row.name.strip_prefix(name).unwrap_or(&row.name);
                row.name = format!("{name}[{number}]{last}");
                rows.push(row);
            }
        }
        self.shown.insert(name, rows);
        all
    }

    /// Where a setting was given; the default place when it was not.
    pub(super) fn place(&self, name: &str) -> Place {
        self.values.get(name).map_or(Place::Default, |value| value.place().clone())
    }

    /// The settings that stand in a file.
    pub(super) fn in_files(&self) -> Vec<&'static str> {
        let in_file = |value: &Value| matches!(value.place(), Place::File { .. });
        self.values.iter().filter(|(_, value)| in_file(value)).map(|(name, _)| *name).collect()
    }

    /// Whether a person set it, rather than the defaults.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.place(name) != Place::Default
    }

    /// The value as it was given.
    pub(super) fn scalar(&self, name: &str) -> Option<&Scalar> {
        match self.values.get(name) {
            Some(Value::One(scalar)) => Some(scalar),
            Some(Value::Many(scalars, _)) => scalars.first(),
            Some(Value::Tables(..)) | None => None,
        }
    }

    /// Notes what a setting is in the end.
    pub(super) fn show(&mut self, name: &'static str, value: Option<String>, place: Place) {
        self.shown.insert(name, vec![Effective { name: name.to_owned(), value, place }]);
    }

    /// Tells an error about a setting that was read.
    pub(super) fn refuse(&mut self, name: &'static str, wrong: Wrong) {
        self.refused.insert(name);
        self.tell(name, wrong, Severity::Error);
    }

    /// Tells something odd about a setting that was read.
    pub(super) fn warn(&mut self, name: &'static str, wrong: Wrong) {
        self.tell(name, wrong, Severity::Warning);
    }

    fn tell(&mut self, name: &'static str, wrong: Wrong, severity: Severity) {
        let setting = self.scalar(name).map_or_else(|| name.to_owned(), |scalar| spoken(&scalar.name, name));
        let place = self.values.get(name).map_or_else(|| self.absent.clone(), |value| value.place().clone());
        self.problems.push(Problem { severity, ..wrong.at(place, setting) });
    }
}

/// Where relative paths begin.
#[derive(Clone, Debug)]
pub(super) struct Bases {
    folder: PathBuf,
    home: PathBuf,
}

impl Bases {
    /// A path of `kosmos.toml` or the command line begins at the home folder. KOSMOS begins at its working folder, where
    /// its settings lie: so does all that it knows too, if the file is there, and else at the home folder.
    pub(super) fn find(&self, scalar: &Scalar, path: &Path) -> PathBuf {
        let is_toml = |path: &Path| path.extension().is_some_and(|end| end == "toml");
        let beside_the_settings = match &scalar.place {
            Place::File { path, .. } => !is_toml(path),
            Place::Default | Place::From(_) | Place::Environment(_) => true,
            Place::CommandLine => false,
        };
        let beside = self.folder.join(path);
        if beside_the_settings && beside.exists() { beside } else { self.home.join(path) }
    }
}

fn is_secret(name: &str) -> bool {
    key(name).is_some_and(|key| key.is_secret)
}

/// A setting as it is written where it was given; with its own name where that is another.
fn spoken(written: &str, name: &str) -> String {
    if written == name { name.to_owned() } else { written.to_owned() }
}

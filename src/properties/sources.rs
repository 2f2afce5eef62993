//! Several files and the environment in layers: finds a key however it is spelt, expands `${…}`, reads lists.

use super::file::Properties;
use super::relaxed::{canonical, squeezed, without_environment_index, without_index};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// How deep `${…}` may lead.
const DEPTH: usize = 32;
/// How many `${…}` one value may cost, and how long it may become: a few lines can ask for more than a machine has.
const EXPANSIONS: u32 = 1_000;
const LONGEST: usize = 64 * 1024;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// Which.
        path: PathBuf,
        /// From one.
        line: u32,
    },
    /// In an environment variable.
    Environment(String),
    /// Nowhere: what the program that is named has by itself.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// An entry as it was given, not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The key as it was written.
    pub name: String,
    /// The value as it was written.
    pub value: String,
    /// Where.
    pub place: Place,
    /// White space at its end was dropped.
    pub trimmed: bool,
    /// See [`super::Entry::needless_escape`].
    pub needless_escape: Option<char>,
}

/// A value, expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub text: String,
    /// Where.
    pub place: Place,
    /// The key as it was written there.
    pub name: String,
}

/// A value that cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expand {name}: {why}")]
pub struct CannotExpand {
    /// The key whose value it is, as it was written.
    pub name: String,
    /// Where.
    pub place: Place,
    /// Why.
    pub why: Why,
}

/// Why a value cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nobody set it, and there is no default behind a colon.
    #[error("${{{0}}} is not set anywhere")]
    Unresolved(String),
    /// It leads back to itself.
    #[error("${{…}} leads in a circle: {}", .0.join(" → "))]
    Circle(Vec<String>),
    /// Too deep, too many or too long.
    #[error("${{…}} leads too far")]
    TooFar,
    /// `key[0]` and `key[2]` are set, `key[1]` is not.
    #[error("[{0}] is missing")]
    Gap(usize),
}

/// Layers of settings, the later the stronger.
#[derive(Clone, Default)]
pub struct Sources {
    layers: Vec<Layer>,
    /// Below all layers, and only for what `${…}` refers to.
    defaults: Layer,
}

// Without the values: some are passwords.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.given().map(|given| &given.name)).finish()
    }
}

#[derive(Clone, Default)]
struct Layer {
    given: Vec<Given>,
    /// By canonical key for a file, by squeezed name for the environment; the last of a key counts.
    singles: BTreeMap<String, usize>,
    lists: BTreeMap<String, BTreeMap<usize, usize>>,
    is_environment: bool,
}

impl Layer {
    fn name_of(&self, key: &str) -> String {
        if self.is_environment { squeezed(key) } else { canonical(key) }
    }

    fn single(&self, key: &str) -> Option<&Given> {
        let (list, index) = without_index(key);
        let at = match index {
            Some(index) => self.lists.get(&self.name_of(list))?.get(&index),
            None => self.singles.get(&self.name_of(key)),
        };
        self.given.get(*at?)
    }
}

impl Sources {
    /// Lays a file over what is there.
    pub fn push_file(&mut self, path: &Path, properties: Properties) {
        let mut layer = Layer::default();
        for (at, entry) in properties.entries.into_iter().enumerate() {
            let key = canonical(&entry.key);
            if let (list, Some(index)) = without_index(&key) {
                layer.lists.entry(list.to_owned()).or_default().insert(index, at);
            }
            layer.singles.insert(key, at);
            layer.given.push(Given {
                name: entry.key,
                value: entry.value,
                place: Place::File { path: path.to_owned(), line: entry.line },
                trimmed: entry.trimmed,
                needless_escape: entry.needless_escape,
            });
        }
        self.layers.push(layer);
    }

    /// Lays environment variables over what is there.
    pub fn push_environment(&mut self, variables: &[(String, String)]) {
        let mut layer = Layer { is_environment: true, ..Layer::default() };
        for (at, (name, value)) in variables.iter().enumerate() {
            if let Some((list, index)) = without_environment_index(name) {
                layer.lists.entry(squeezed(list)).or_default().insert(index, at);
            }
            layer.singles.insert(squeezed(name), at);
            layer.given.push(Given {
                name: name.clone(),
                value: value.clone(),
                place: Place::Environment(name.clone()),
                trimmed: false,
                needless_escape: None,
            });
        }
        self.layers.push(layer);
    }

    /// What `${key}` stands for where nobody set it. Nobody gave it: [`Sources::text`] and [`Sources::given`] do not
    /// know it. A key that is there already is replaced.
    pub fn set_default(&mut self, key: &str, value: &str) {
        let at = self.defaults.given.len();
        self.defaults.singles.insert(canonical(key), at);
        if let (list, Some(index)) = without_index(&canonical(key)) {
            self.defaults.lists.entry(list.to_owned()).or_default().insert(index, at);
        }
        self.defaults.given.push(Given {
            name: key.to_owned(),
            value: value.to_owned(),
            place: Place::Default,
            trimmed: false,
            needless_escape: None,
        });
    }

    /// Everything that was given, weakest layer first, each in its own order.
    pub fn given(&self) -> impl Iterator<Item = &Given> {
        self.layers.iter().flat_map(|layer| &layer.given)
    }

    /// The value of a key from the strongest layer that has it.
    ///
    /// # Errors
    /// A `${…}` in it cannot be expanded.
    pub fn text(&self, key: &str) -> Result<Option<Found>, CannotExpand> {
        self.layers.iter().rev().find_map(|layer| layer.single(key)).map(|given| self.expand(given)).transpose()
    }

    /// Like [`Sources::text`], as if no environment variable gave this key.
    ///
    /// # Errors
    /// A `${…}` in it cannot be expanded.
    pub fn text_in_files(&self, key: &str) -> Result<Option<Found>, CannotExpand> {
        let mut files = self.layers.iter().rev().filter(|layer| !layer.is_environment);
        files.find_map(|layer| layer.single(key)).map(|given| self.expand(given)).transpose()
    }

    /// The values of a list, `key[0]`, `key[1]` … or `key=a,b`, all from the strongest layer that has any of it.
    /// `comma` says whether the second form is split; where a value may hold commas it is not.
    ///
    /// # Errors
    /// A `${…}` cannot be expanded, or an index is left out.
    pub fn list(&self, key: &str, comma: bool) -> Result<Option<Vec<Found>>, CannotExpand> {
        for layer in self.layers.iter().rev() {
            if let Some(given) = layer.single(key) {
                let found = self.expand(given)?;
                return Ok(Some(if comma { split_at_commas(&found) } else { vec![found] }));
            }
            if let Some(indices) = layer.lists.get(&layer.name_of(key)) {
                return self.indexed(layer, indices).map(Some);
            }
        }
        Ok(None)
    }

    fn indexed(&self, layer: &Layer, indices: &BTreeMap<usize, usize>) -> Result<Vec<Found>, CannotExpand> {
        let mut all = Vec::with_capacity(indices.len());
        for (expected, (index, at)) in indices.iter().enumerate() {
            let Some(given) = layer.given.get(*at) else { continue };
            if expected != *index {
                let (name, place) = (given.name.clone(), given.place.clone());
                return Err(CannotExpand { name, place, why: Why::Gap(expected) });
            }
            all.push(self.expand(given)?);
        }
        Ok(all)
    }

    fn expand(&self, given: &Given) -> Result<Found, CannotExpand> {
        let mut expansion = Expansion { sources: self, trail: Vec::new(), left: EXPANSIONS };
        let text = expansion.value_of(given).map_err(|error| match error.place {
            // A person can only mend what led there.
            Place::Default => CannotExpand { name: given.name.clone(), place: given.place.clone(), ..error },
            Place::File { .. } | Place::Environment(_) => error,
        })?;
        Ok(Found { text, place: given.place.clone(), name: given.name.clone() })
    }
}

fn split_at_commas(found: &Found) -> Vec<Found> {
    let parts = found.text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Found { text: part.to_owned(), ..found.clone() }).collect()
}

struct Expansion<'a> {
    sources: &'a Sources,
    trail: Vec<&'a Given>,
    left: u32,
}

impl<'a> Expansion<'a> {
    fn value_of(&mut self, given: &'a Given) -> Result<String, CannotExpand> {
        if self.trail.iter().any(|earlier| std::ptr::eq(*earlier, given)) {
            let circle = self.trail.iter().map(|one| one.name.clone()).chain([given.name.clone()]).collect();
            return Err(stuck(given, Why::Circle(circle)));
        }
        self.trail.push(given);
        let text = self.text(&given.value, given, 0);
        self.trail.pop();
        text
    }

    fn text(&mut self, text: &str, of: &'a Given, depth: usize) -> Result<String, CannotExpand> {
        if depth + self.trail.len() > DEPTH {
            return Err(stuck(of, Why::TooFar));
        }
        let mut whole = String::new();
        let mut rest = text;
        // A `${` that is never closed stays as it is, as Spring leaves it.
        while let Some((before, inner, after)) = placeholder(rest) {
            self.left = self.left.checked_sub(1).ok_or_else(|| stuck(of, Why::TooFar))?;
            whole.push_str(before);
            whole.push_str(&self.resolve(inner, of, depth)?);
            if whole.len() > LONGEST {
                return Err(stuck(of, Why::TooFar));
            }
            rest = after;
        }
        whole.push_str(rest);
        Ok(whole)
    }

    fn resolve(&mut self, inner: &str, of: &'a Given, depth: usize) -> Result<String, CannotExpand> {
        let (name, default) = at_outer_colon(inner);
        let name = self.text(name, of, depth + 1)?;
        let sources = self.sources;
        let mut layers = sources.layers.iter().rev().chain([&sources.defaults]);
        let referred = layers.find_map(|layer| layer.single(name.trim()));
        match (referred, default) {
            (Some(given), _) => self.value_of(given),
            (None, Some(default)) => self.text(default, of, depth + 1),
            (None, None) => Err(stuck(of, Why::Unresolved(name))),
        }
    }
}

fn stuck(of: &Given, why: Why) -> CannotExpand {
    CannotExpand { name: of.name.clone(), place: of.place.clone(), why }
}

/// Splits at the first `${…}`, counting the ones inside it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let mut open = 1_u32;
    let mut previous = ' ';
    for (at, character) in rest.char_indices() {
        match character {
            '{' if previous == '$' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((before, rest.get(..at)?, rest.get(at + 1..)?));
        }
        previous = character;
    }
    None
}

/// Splits `name:default` at the first colon that is not inside another `${…}`.
fn at_outer_colon(inner: &str) -> (&str, Option<&str>) {
    let mut open = 0_u32;
    let mut previous = ' ';
    for (at, character) in inner.char_indices() {
        match character {
            '{' if previous == '$' => open += 1,
            '}' => open = open.saturating_sub(1),
            ':' if open == 0 => return (inner.get(..at).unwrap_or(inner), inner.get(at + 1..)),
            _ => {}
        }
        previous = character;
    }
    (inner, None)
}

#[cfg(test)]
mod tests;

//! From layers to one value a setting: defaults, properties files, `kosmos.toml`, environment, command line.

use super::document::{self, Document};
use super::files::{self, FileRead};
use super::keys::{KEYS, Key, Shape, Unit, key};
use super::nearest::nearest;
use super::problem::{Place, Problem, Wrong, quoted, wrong};
use super::value::{Kind, Scalar, Value};
use super::{kosmos_defaults, remarks, worked_out};
use efm::properties::{CannotExpand, Flaw, Found, Properties, Sources, Why};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings of the integration point itself; KOSMOS' keys may stand in it too, and KOSMOS' own file refers to it.
pub(super) const INTEGRASJONSPUNKT: &str = "integrasjonspunkt-local.properties";
/// The settings of Digdir's KOSMOS.
pub(super) const KOSMOS: &str = "kosmos-local.properties";
/// Our own.
pub(super) const TOML: &str = "kosmos.toml";

/// The setting that says where the integration point lives, if not in the folder of the settings.
pub(super) const HOME: &str = "home";

/// Who wins when several give the same setting: the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    Default,
    /// Worked out from what was set for another program.
    Fallback,
    Properties,
    Toml,
    Environment,
    CommandLine,
}

/// All that was given.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The strongest of each.
    pub(super) values: BTreeMap<&'static str, Value>,
    pub(super) problems: Vec<Problem>,
    /// The settings files that are there.
    pub(super) files: Vec<PathBuf>,
}

/// While it is being gathered.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    folder: PathBuf,
    pub(super) sources: Sources,
    given: Vec<(Strength, &'static str, Value)>,
    problems: Vec<Problem>,
    files: Vec<PathBuf>,
    /// The command line names the folder, so no environment variable does.
    folder_is_named: bool,
}

/// Reads all layers.
pub(super) fn gather(folder: &Path, environment: &[(String, String)], flags: &[(String, String)]) -> Gathered {
    let folder_is_named = is_named(flags);
    let mut all = Gathering { folder: folder.to_owned(), folder_is_named, ..Gathering::default() };
    let toml = all.document(folder);
    if folder.join(INTEGRASJONSPUNKT).exists() {
        all.properties(folder, INTEGRASJONSPUNKT);
    } else if let Some(home) = home_elsewhere(folder, &toml, environment, folder_is_named) {
        all.properties(&folder.join(home), INTEGRASJONSPUNKT);
    }
    all.properties(folder, KOSMOS);
    all.sources.push_environment(environment);
    kosmos_defaults::lay_below(&mut all.sources, folder, environment);

    all.take(Strength::Default, document::defaults());
    worked_out::work_out(&mut all);
    for key in KEYS {
        all.bind(key);
    }
    all.take(Strength::Toml, toml);
    all.flags(flags);
    all.problems.extend(remarks::about(&all.sources));

    let mut given = all.given;
    given.sort_by_key(|(strength, _, _)| *strength);
    forget_silence_about_another_host(&mut given);
    let values = given.into_iter().map(|(_, name, value)| (name, value)).collect();
    Gathered { values, problems: all.problems, files: all.files }
}

/// The home that the settings name, as far as they can be read.
pub(super) fn home_elsewhere_of(
    folder: &Path,
    environment: &[(String, String)],
    flags: &[(String, String)],
) -> Option<PathBuf> {
    home_elsewhere(folder, &Gathering::default().document(folder), environment, is_named(flags))
}

/// Whether the command line names the folder.
fn is_named(flags: &[(String, String)]) -> bool {
    flags.iter().any(|(name, _)| name == HOME)
}

/// The integration point's own settings may lie in its home, when that is not the folder of ours.
fn home_elsewhere(
    folder: &Path,
    toml: &Document,
    environment: &[(String, String)],
    folder_is_named: bool,
) -> Option<PathBuf> {
    let mut sources = Sources::default();
    if let FileRead::Bytes(bytes) = files::read(&folder.join(KOSMOS)) {
        sources.push_file(Path::new(KOSMOS), Properties::read(&bytes));
    }
    sources.push_environment(environment);
    kosmos_defaults::lay_below(&mut sources, folder, environment);
    let in_toml = toml.values.iter().find(|(key, _)| key.name == HOME).and_then(|(_, value)| match value {
        Value::One(scalar) => Some(scalar.text.clone()),
        Value::Many(..) | Value::Tables(..) => None,
    });
    // What is wrong with these is told when they are read in earnest.
    let text = |key| if folder_is_named { sources.text_in_files(key) } else { sources.text(key) };
    let named = |key| text(key).ok().flatten().map(|found| found.text);
    let text = in_toml.or_else(|| named("kosmos.home")).or_else(|| named("kosmos.integrasjonspunkt.home"))?;
    super::check::path(&text).ok()
}

/// That `spring.mail.host` comes without a word about encryption says nothing about a host that is named elsewhere.
fn forget_silence_about_another_host(given: &mut Vec<(Strength, &'static str, Value)>) {
    const SPRING: &str = "spring.mail.host";
    let is_springs = |value: &Value| match value {
        Value::One(scalar) => remarks::flat_name(&scalar.name) == remarks::flat_name(SPRING),
        Value::Many(..) | Value::Tables(..) => false,
    };
    let host = given.iter().rev().find(|(_, name, _)| *name == "mail.host");
    if host.is_some_and(|(_, _, value)| !is_springs(value)) {
        given.retain(|(_, name, value)| *name != "mail.security" || !is_springs(value));
    }
}

impl Gathering {
    /// The value of a properties key; blank is not set. What cannot be expanded is told, and not set.
    pub(super) fn text(&mut self, property: &str) -> Option<Found> {
        let found = self.sources.text(property);
        self.told(found).filter(|found| !found.text.trim().is_empty())
    }

    /// Notes a setting; a value from the environment is stronger than was said.
    pub(super) fn give(&mut self, strength: Strength, name: &'static str, scalar: Scalar) {
        let is_from_environment = strength == Strength::Properties && scalar.place.is_environment();
        let strength = if is_from_environment { Strength::Environment } else { strength };
        let value = match key(name).map(|key| key.shape) {
            Some(Shape::Many | Shape::ManyByComma) => {
                let place = scalar.place.clone();
                Value::Many(vec![scalar], place)
            }
            Some(Shape::One | Shape::Tables(_)) | None => Value::One(scalar),
        };
        self.given.push((strength, name, value));
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn told<T>(&mut self, found: Result<Option<T>, CannotExpand>) -> Option<T> {
        match found {
            Ok(found) => found,
            Err(error) => {
                let problem = cannot_expand(&error.why).at(error.place.into(), error.name);
                // Several settings may lead to the same broken line.
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
                None
            }
        }
    }

    fn document(&mut self, folder: &Path) -> Document {
        match files::read(&folder.join(TOML)) {
            FileRead::Absent => Document::default(),
            FileRead::Unreadable(wrong) => {
                let place = Place::File { path: TOML.into(), line: None };
                self.files.push(folder.join(TOML));
                Document { problems: vec![wrong.at(place, "")], ..Document::default() }
            }
            FileRead::Bytes(bytes) => {
                self.files.push(folder.join(TOML));
                match files::utf8(&bytes) {
                    Ok(text) => document::read(text, Path::new(TOML)),
                    Err(wrong) => {
                        let place = Place::File { path: TOML.into(), line: None };
                        Document { problems: vec![wrong.at(place, "")], ..Document::default() }
                    }
                }
            }
        }
    }

    fn properties(&mut self, folder: &Path, name: &str) {
        let path = folder.join(name);
        let shown = if folder == self.folder { PathBuf::from(name) } else { path.clone() };
        let place = |line| Place::File { path: shown.clone(), line };
        match files::read(&path) {
            FileRead::Absent => {}
            FileRead::Unreadable(wrong) => {
                self.files.push(path);
                self.problems.push(wrong.at(place(None), ""));
            }
            FileRead::Bytes(bytes) => {
                self.files.push(path);
                let properties = Properties::read(&bytes);
                for malformed in &properties.malformed {
                    self.problems.push(flawed(malformed.flaw).at(place(Some(malformed.line)), ""));
                }
                self.sources.push_file(&shown, properties);
            }
        }
    }

    fn take(&mut self, strength: Strength, document: Document) {
        self.problems.extend(document.problems);
        self.given.extend(document.values.into_iter().map(|(key, value)| (strength, key.name, value)));
    }

    /// Looks for a setting under each of its properties keys; the one named after `kosmos.toml` counts most.
    fn bind(&mut self, key: &'static Key) {
        let own = format!("kosmos.{}", key.name);
        let names = key.properties.iter().rev().copied().chain([(own.as_str(), Unit::AsWritten)]);
        for (property, unit) in names {
            let found = match key.shape {
                Shape::One if key.name == HOME && self.folder_is_named => {
                    let found = self.sources.text_in_files(property);
                    self.told(found).map(|found| vec![found])
                }
                Shape::One => self.text(property).map(|found| vec![found]),
                Shape::ManyByComma => self.list(property, true),
                Shape::Many => self.list(property, false),
                Shape::Tables(_) => None,
            };
            let Some(found) = found else { continue };
            let mut scalars: Vec<_> = found.into_iter().map(|found| loose(found, unit)).collect();
            scalars.retain(|scalar| !scalar.text.trim().is_empty());
            let Some(place) = scalars.first().map(|scalar| scalar.place.clone()) else { continue };
            let strength = if place.is_environment() { Strength::Environment } else { Strength::Properties };
            let value = match (key.shape, scalars.pop()) {
                (Shape::One, Some(scalar)) => Value::One(scalar),
                (_, last) => Value::Many(scalars.into_iter().chain(last).collect(), place),
            };
            self.given.push((strength, key.name, value));
        }
    }

    fn list(&mut self, property: &str, comma: bool) -> Option<Vec<Found>> {
        let found = self.sources.list(property, comma);
        self.told(found)
    }

    fn flags(&mut self, flags: &[(String, String)]) {
        for (name, text) in flags {
            let place = Place::CommandLine;
            let Some(key) = KEYS.iter().find(|key| key.name == name && !matches!(key.shape, Shape::Tables(_))) else {
                let known = nearest(name, KEYS.iter().map(|key| key.name));
                let right = known.map_or_else(|| "see `kosmos config show`".into(), |known| format!("perhaps {known}"));
                self.problems.push(wrong("it is not known", right).at(place, name));
                continue;
            };
            let scalar = |text: &str| Scalar {
                text: text.trim().to_owned(),
                kind: Kind::Loose,
                unit: Unit::AsWritten,
                place: Place::CommandLine,
                name: name.clone(),
            };
            let value = match key.shape {
                Shape::One | Shape::Tables(_) => Value::One(scalar(text)),
                Shape::Many => Value::Many(vec![scalar(text)], place),
                Shape::ManyByComma => {
                    Value::Many(text.split(',').map(scalar).filter(|scalar| !scalar.text.is_empty()).collect(), place)
                }
            };
            // The folder was named, and what its files say of the home counts below it.
            let strength = if key.name == HOME { Strength::Fallback } else { Strength::CommandLine };
            self.given.push((strength, key.name, value));
        }
    }
}

fn loose(found: Found, unit: Unit) -> Scalar {
    Scalar { text: found.text, kind: Kind::Loose, unit, place: found.place.into(), name: found.name }
}

fn cannot_expand(why: &Why) -> Wrong {
    match why {
        Why::Unresolved(name) => wrong(
            format!("{} is not set anywhere", quoted(&format!("${{{name}}}"))),
            format!("set {name} in {KOSMOS} or {INTEGRASJONSPUNKT}, or write ${{{name}:default}}"),
        ),
        Why::Circle(names) => wrong(format!("it leads in a circle: {}", names.join(" → ")), "a value at one of them"),
        Why::TooFar => wrong("its ${…} lead too far", "a value, or fewer references"),
        Why::Gap(index) => wrong(format!("[{index}] is missing"), "[0], [1], [2] … without a gap"),
    }
}

fn flawed(flaw: Flaw) -> Wrong {
    let right = match flaw {
        Flaw::UnicodeEscape => "two backslashes for one, or a slash, as in C:/users; or four digits, as in \\u00e5",
        Flaw::HalfACharacter => "the character itself; the file may be UTF-8",
        Flaw::Utf16 => "save it as UTF-8",
    };
    wrong(flaw.to_string(), right)
}

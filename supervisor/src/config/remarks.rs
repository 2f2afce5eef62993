//! What is odd about entries of properties files and the environment that are ours, or that somebody meant to be ours:
//! warnings, since KOSMOS passes over all of these, and a folder that works today must go on.

use super::gather::INTEGRASJONSPUNKT;
use super::keys::{KEYS, Key, Shape, WITHOUT_USE, WORKED_OUT};
use super::nearest::nearest;
use super::problem::{Problem, Wrong, wrong};
use efm::properties::{Given, Sources, canonical, without_index};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is odd about entries that are ours, or that somebody meant to be.
pub(super) fn about(sources: &Sources) -> Vec<Problem> {
    let known = known();
    let mut seen: BTreeMap<(PathBuf, String), u32> = BTreeMap::new();
    let mut remarks = Vec::new();
    for given in sources.given() {
        let Some(name) = ours(given) else { continue };
        let base = without_index(&name).0;
        if !known.contains(&flat(&given.place, base)) {
            remarks.push(strange(&name).warn_at(given.place.clone().into(), &given.name));
            continue;
        }
        if let efm::properties::Place::File { path, line } = &given.place
            && let Some(earlier) = seen.insert((path.clone(), name.clone()), *line)
        {
            let what = wrong(format!("it is set on line {earlier} too"), "once; the last one counts");
            remarks.push(what.warn_at(given.place.clone().into(), &given.name));
        }
        if base != name && takes_one(base) {
            let what = wrong("it takes one value, so this does nothing", "the key without [ ]");
            remarks.push(what.warn_at(given.place.clone().into(), &given.name));
        }
        remarks.extend(odd(given));
        if let Some((_, instead)) =
            WITHOUT_USE.iter().find(|(key, _)| flat(&given.place, key) == flat(&given.place, base))
        {
            remarks.push(wrong("it does nothing here", *instead).warn_at(given.place.clone().into(), &given.name));
        }
    }
    remarks
}

/// The canonical name of an entry that is meant for us; none for all the others, which are not our business.
fn ours(given: &Given) -> Option<String> {
    match &given.place {
        efm::properties::Place::Environment(name) => {
            let upper = name.to_ascii_uppercase();
            let begins = upper.starts_with("KOSMOS_") || upper.starts_with("SPRING_MAIL_");
            begins.then(|| without_trailing_index(&upper).to_owned())
        }
        efm::properties::Place::File { path, .. } => {
            let name = canonical(&given.name);
            let is_mail = name.starts_with("spring.mail.") && !path.ends_with(INTEGRASJONSPUNKT);
            (name.starts_with("kosmos.") || is_mail).then_some(name)
        }
        efm::properties::Place::Default => None,
    }
}

fn without_trailing_index(name: &str) -> &str {
    let bare = name.strip_suffix('_').unwrap_or(name);
    match bare.rsplit_once('_') {
        Some((rest, index)) if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => name,
    }
}

/// Whether a key of a properties file is no list.
fn takes_one(name: &str) -> bool {
    let is_named = |key: &Key| {
        let own = format!("kosmos.{}", key.name);
        key.properties.iter().map(|(name, _)| *name).chain([own.as_str()]).any(|each| canonical(each) == name)
    };
    !KEYS.iter().any(|key| key.shape != Shape::One && is_named(key))
}

/// The form in which names of a kind of place are compared.
fn flat(place: &efm::properties::Place, name: &str) -> String {
    match place {
        efm::properties::Place::File { .. } | efm::properties::Place::Default => canonical(name),
        efm::properties::Place::Environment(_) => flat_name(name),
    }
}

/// Nothing but letters and digits: what a key and an environment variable have in common.
pub(super) fn flat_name(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn all_names() -> impl Iterator<Item = String> {
    let bound = KEYS.iter().filter(|key| !matches!(key.shape, Shape::Tables(_))).flat_map(|key| {
        key.properties.iter().map(|(name, _)| (*name).to_owned()).chain([format!("kosmos.{}", key.name)])
    });
    let others = WORKED_OUT.iter().copied().chain(WITHOUT_USE.iter().map(|(name, _)| *name));
    bound.chain(others.map(str::to_owned))
}

/// All names, as files and as the environment have them.
fn known() -> BTreeSet<String> {
    all_names().flat_map(|name| [canonical(&name), flat_name(&name)]).collect()
}

fn strange(name: &str) -> Wrong {
    let names: Vec<String> = all_names().collect();
    let dotted = name.replace('_', ".");
    let near = nearest(&dotted, names.iter().map(String::as_str));
    let right = match near {
        Some(near) if dotted == name => format!("perhaps {near}"),
        Some(near) => format!("perhaps {}", efm::properties::environment_name(near)),
        None => "`kosmos config show` names all settings".into(),
    };
    wrong("it is not known and does nothing", right)
}

fn odd(given: &Given) -> Vec<Problem> {
    let mut all = Vec::new();
    if given.trimmed {
        let what =
            wrong("there was white space at the end, which is left out", "no white space at the end of the line");
        all.push(what.warn_at(given.place.clone().into(), &given.name));
    }
    if let Some(letter) = given.needless_escape {
        let what = wrong(
            format!("the backslash before `{letter}` is lost"),
            "two backslashes for one, or a slash, as in C:/kosmos",
        );
        all.push(what.warn_at(given.place.clone().into(), &given.name));
    }
    all
}

//! The crates that are in a program, as `cargo metadata` says: all that is reached without tests and build scripts.

#![allow(clippy::indexing_slicing, reason = "what a JSON value does not have is null, and no panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A crate that is in the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    pub name: String,
    pub version: String,
    /// As its author wrote it.
    pub licence: Option<String>,
    pub description: Option<String>,
    /// Not one of the workspace.
    pub is_foreign: bool,
    pub folder: PathBuf,
    /// Name and version of what it needs.
    pub needs: BTreeSet<(String, String)>,
}

/// All of them, in order of name and version; the program's own crate among them.
pub fn read(file: &Path, program: &str) -> Result<Vec<Crate>, Box<dyn Error>> {
    of(&serde_json::from_str(&crate::read(file)?)?, program)
}

fn of(metadata: &Value, program: &str) -> Result<Vec<Crate>, Box<dyn Error>> {
    let all = |name: &str, list: &Value| -> Result<Vec<Value>, Box<dyn Error>> {
        Ok(list.as_array().ok_or_else(|| format!("cargo metadata has no {name}"))?.clone())
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> =
        all("packages", &metadata["packages"])?.into_iter().map(|it| (text(&it["id"]), it)).collect();
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in all("nodes", &metadata["resolve"]["nodes"])? {
        let in_program = |need: &Value| {
            need["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|it| it["kind"].is_null()))
        };
        let of_node =
            all("deps", &node["deps"])?.iter().filter(|it| in_program(it)).map(|it| text(&it["pkg"])).collect();
        needs.insert(text(&node["id"]), of_node);
    }
    let has_program = |package: &Value| {
        package["targets"].as_array().is_some_and(|targets| {
            targets.iter().any(|it| {
                it["name"] == program && it["kind"].as_array().is_some_and(|kind| kind.iter().any(|k| k == "bin"))
            })
        })
    };
    let members: BTreeSet<String> =
        all("workspace_members", &metadata["workspace_members"])?.iter().map(text).collect();
    let root = packages.iter().find(|(id, package)| members.contains(*id) && has_program(package));
    let root = root.ok_or_else(|| format!("no crate here has the program {program}"))?.0;
    let mut reached = BTreeSet::from([root.clone()]);
    let mut next = vec![root.clone()];
    while let Some(id) = next.pop() {
        next.extend(needs.get(&id).into_iter().flatten().filter(|need| reached.insert((*need).clone())).cloned());
    }
    let name_of = |id: &String| packages.get(id).map(|it| (text(&it["name"]), text(&it["version"])));
    let mut crates = Vec::new();
    for id in &reached {
        let package = packages.get(id).ok_or_else(|| format!("cargo metadata does not describe {id}"))?;
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        crates.push(Crate {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: package["license"].as_str().map(|it| it.replace('/', " OR ")),
            description: package["description"].as_str().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")),
            is_foreign: !members.contains(id),
            folder: manifest.parent().map(Path::to_owned).unwrap_or_default(),
            needs: needs.get(id).into_iter().flatten().filter_map(name_of).collect(),
        });
    }
    crates.sort();
    Ok(crates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_in_the_program_is_listed() {
        let package = |id: &str, targets: Value| {
            json!({
                "id": id, "name": id, "version": "1.0.0", "license": "MIT/Apache-2.0", "description": "a\n b",
                "manifest_path": format!("/x/{id}/Cargo.toml"), "targets": targets,
            })
        };
        let needs = |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "workspace_members": ["guard"],
            "packages": [
                package("guard", json!([{ "name": "kosmos", "kind": ["bin"] }])), package("tls", json!([])),
                package("only-tests", json!([])), package("only-build", json!([])), package("deep", json!([])),
            ],
            "resolve": { "nodes": [
                { "id": "guard", "deps": [needs("tls", Value::Null), needs("only-tests", json!("dev")), needs("only-build", json!("build"))] },
                { "id": "tls", "deps": [needs("deep", Value::Null)] }, { "id": "deep", "deps": [] },
                { "id": "only-tests", "deps": [] }, { "id": "only-build", "deps": [] },
            ] },
        });
        let crates = of(&metadata, "kosmos").unwrap();
        assert_eq!(crates.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["deep", "guard", "tls"]);
        assert_eq!(crates[1].licence.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(crates[1].description.as_deref(), Some("a b"));
        assert_eq!(crates.iter().map(|it| it.is_foreign).collect::<Vec<_>>(), [true, false, true]);
        assert!(of(&metadata, "integrasjonspunkt").is_err());
    }
}

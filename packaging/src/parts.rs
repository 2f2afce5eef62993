//! The list of what a program is made of, as `CycloneDX` 1.5: who must know whether a flaw in a crate is his reads this.

#![allow(clippy::indexing_slicing, reason = "what a JSON value does not have is null, and no panic")]

use std::collections::BTreeMap;
use std::error::Error;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::metadata::Crate;

/// The document. Its number is made of what it says, so that the same parts have the same number.
pub fn list(program: &str, crates: &[Crate], lock: &str, epoch: i64) -> Result<Vec<u8>, Box<dyn Error>> {
    let sums = checksums(lock);
    let ours = crates.iter().find(|it| it.name == program).or_else(|| crates.iter().find(|it| !it.is_foreign));
    let ours = ours.ok_or("there is no crate")?;
    let others = crates.iter().filter(|it| *it != ours);
    let components: Vec<Value> = others.map(|it| component(it, "library", &sums)).collect();
    let dependencies: Vec<Value> = crates
        .iter()
        .map(|it| json!({ "ref": name(&it.name, &it.version), "dependsOn": it.needs.iter().map(|(n, v)| name(n, v)).collect::<Vec<_>>() }))
        .collect();
    let mut own = component(ours, "application", &sums);
    own["name"] = json!(program);
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "timestamp": moment(epoch), "component": own },
        "components": components,
        "dependencies": dependencies,
    });
    let digest = hex::encode(Sha256::digest(serde_json::to_vec(&document)?));
    document["serialNumber"] = json!(number(&digest));
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The name by which the whole world knows the crate.
fn name(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

fn component(it: &Crate, kind: &str, sums: &BTreeMap<(String, String), String>) -> Value {
    let purl = name(&it.name, &it.version);
    let mut component = json!({ "type": kind, "bom-ref": purl, "name": it.name, "version": it.version, "purl": purl });
    if let Some(description) = &it.description {
        component["description"] = json!(description);
    }
    if let Some(licence) = &it.licence {
        component["licenses"] = json!([{ "expression": licence }]);
    }
    if let Some(sum) = sums.get(&(it.name.clone(), it.version.clone())) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

/// The SHA-256 of each crate's archive, from `Cargo.lock`.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let word = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'));
        line.map(str::to_owned)
    };
    lock.split("[[package]]")
        .filter_map(|block| Some(((word(block, "name")?, word(block, "version")?), word(block, "checksum")?)))
        .collect()
}

/// A number of the kind that is made from other bytes (UUID version 8).
fn number(digest: &str) -> String {
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Seconds since 1970 as RFC 3339, without a zone table: days from the civil calendar's rules.
pub fn moment(epoch: i64) -> String {
    let (days, seconds) = (epoch.div_euclid(86_400), epoch.rem_euclid(86_400));
    // Counted from the first of March of the year 0, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_world_writes_it() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(moment(1_795_247_805), "2026-11-21T07:56:45Z");
    }

    #[test]
    fn a_part_has_its_name_licence_and_checksum_and_the_list_its_own_number() {
        let crates = [
            Crate {
                name: "kosmos".into(),
                version: "0.1.0".into(),
                licence: None,
                description: None,
                is_foreign: false,
                folder: "".into(),
                needs: [("tls".to_owned(), "1.2.3".to_owned())].into(),
            },
            Crate {
                name: "tls".into(),
                version: "1.2.3".into(),
                licence: Some("MIT".into()),
                description: None,
                is_foreign: true,
                folder: "".into(),
                needs: [].into(),
            },
        ];
        let lock = "version = 4\n\n[[package]]\nname = \"tls\"\nversion = \"1.2.3\"\nchecksum = \"abcd\"\n";
        let bytes = list("kosmos", &crates, lock, 0).unwrap();
        assert_eq!(list("kosmos", &crates, lock, 0).unwrap(), bytes);
        insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
    }
}

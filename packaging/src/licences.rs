//! The licences of what is in a program, in full: most of them ask for nothing else than to be handed on.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;

use crate::metadata::Crate;

/// How the names of such files begin.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];

/// Each text once, under the names of all crates that have it.
pub fn text(crates: &[Crate]) -> Result<String, Box<dyn Error>> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for it in crates.iter().filter(|it| it.is_foreign) {
        let name = format!("{} {}", it.name, it.version);
        writeln!(list, "{name}: {}", it.licence.as_deref().unwrap_or("see its text"))?;
        for path in files(it)? {
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).replace("\r\n", "\n");
            texts.entry(text.trim().to_owned()).or_default().push(name.clone());
        }
    }
    let mut all = format!("The crates that are in this program, each with its licence.\n\n{list}");
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (text, mut names) in texts {
        names.dedup();
        write!(all, "\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", "))?;
    }
    Ok(all)
}

fn files(it: &Crate) -> Result<Vec<std::path::PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    let folder = std::fs::read_dir(&it.folder).map_err(|error| format!("read {}: {error}", it.folder.display()))?;
    for entry in folder {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|begin| name.starts_with(begin)) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

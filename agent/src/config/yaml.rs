//! YAML as Spring reads it: nested keys joined with dots, lists with their index.

use efm::properties::{Entry, Properties};
use serde_json::Value;

/// How deep a file may be nested.
const DEPTH: usize = 32;

/// The entries of a file. Their lines are not known.
pub(super) fn read(text: &str) -> Result<Properties, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    flatten("", &value, DEPTH, &mut entries)?;
    Ok(Properties { entries, ..Properties::default() })
}

fn flatten(key: &str, value: &Value, depth: usize, entries: &mut Vec<Entry>) -> Result<(), String> {
    let Some(depth) = depth.checked_sub(1) else { return Err(format!("{key} is nested too deep")) };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, depth, entries)?;
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                flatten(&format!("{key}[{index}]"), value, depth, entries)?;
            }
        }
        Value::Null => {}
        Value::String(text) => entries.push(entry(key, text.trim_end())),
        Value::Bool(_) | Value::Number(_) => entries.push(entry(key, &value.to_string())),
    }
    Ok(())
}

pub(super) fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.to_owned(), value: value.to_owned(), line: 0, trimmed: false, needless_escape: None }
}

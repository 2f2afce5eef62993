//! The settings as `kosmos config show` prints them.

use super::Loaded;
use std::fmt::Write as _;

/// A value longer than this does not push the last column out for all others.
const WIDEST: usize = 48;

/// Each setting with its value and where it came from, in columns.
pub fn show(loaded: &Loaded) -> String {
    let value_of = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let names = loaded.origins.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let widths = loaded.origins.iter().map(|one| value_of(&one.value).chars().count());
    let values = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut text = String::new();
    for one in &loaded.origins {
        let _ = writeln!(text, "{:names$}  {:values$}  {}", one.name, value_of(&one.value), one.place);
    }
    text
}

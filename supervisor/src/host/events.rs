//! What goes into the event log of Windows: for each thing that happens a number that never changes, so that watchers of
//! that log can be told what to wait for. Pure; `system::manager::record` writes.
//!
//! The numbers are an API, listed in docs/windows.md: a new thing gets a new number, none is ever used again. They stay
//! below 1000, which is as far as the table of messages goes that shows them.

/// How grave it is, in the log's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person must act.
    Error,
    /// A person should look.
    Warning,
    /// For the record.
    Information,
}

impl Kind {
    /// As the log numbers it.
    pub fn number(self) -> u16 {
        match self {
            Self::Error => 1,
            Self::Warning => 2,
            Self::Information => 4,
        }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How grave.
    pub kind: Kind,
    /// What, for machines.
    pub number: u32,
    /// What, for people.
    pub text: String,
}

/// A name of the history, its number, and how grave it is.
const HAPPENINGS: [(&str, u32, Kind); 20] = [
    ("available", 100, Kind::Information),
    ("staged", 101, Kind::Information),
    ("refused", 102, Kind::Warning),
    ("failed-elsewhere", 103, Kind::Warning),
    ("upgraded", 110, Kind::Information),
    ("upgrade-failed", 111, Kind::Error),
    ("rolled-back", 112, Kind::Warning),
    ("roll-back-failed", 113, Kind::Error),
    ("restarted", 120, Kind::Warning),
    ("crash-loop", 121, Kind::Error),
    ("steady", 122, Kind::Information),
    ("adopted", 123, Kind::Information),
    ("trouble", 124, Kind::Warning),
    ("well", 125, Kind::Information),
    ("key-expires", 130, Kind::Warning),
    ("stale", 131, Kind::Warning),
    ("person-decided", 140, Kind::Information),
    ("webhook-given-up", 150, Kind::Warning),
    ("metrics-failed", 151, Kind::Warning),
    ("warning", 190, Kind::Warning),
];
/// Something of a later history that has no number yet.
const OTHER: u32 = 199;

/// The service has begun.
pub fn started() -> Entry {
    let text = format!("kosmos {} was started by the service control", env!("CARGO_PKG_VERSION"));
    Entry { kind: Kind::Information, number: 1, text }
}

/// The service has ended in order.
pub fn left() -> Entry {
    Entry { kind: Kind::Information, number: 2, text: "kosmos has ended as it was asked to".to_owned() }
}

/// The service has ended with an error.
pub fn failed(why: &str) -> Entry {
    Entry { kind: Kind::Error, number: 3, text: format!("kosmos has ended with an error: {why}") }
}

/// The loop has hung, and the service was ended for it.
pub fn hung() -> Entry {
    let text = "kosmos has hung and was ended; the service control starts it again".to_owned();
    Entry { kind: Kind::Error, number: 4, text }
}

/// Something that the history knows by this name; `version` is what it is about.
pub fn happened(name: &str, version: Option<&str>, reason: Option<&str>) -> Entry {
    let known = HAPPENINGS.iter().find(|(known, ..)| *known == name);
    let (number, kind) = known.map_or((OTHER, Kind::Information), |(_, number, kind)| (*number, *kind));
    let mut text = name.replace('-', " ");
    for part in [version, reason].into_iter().flatten() {
        text.push_str(if text.len() == name.len() { ": " } else { ", " });
        text.push_str(part);
    }
    Entry { kind, number, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_number_means_two_things_and_all_can_be_shown() {
        let own = [started(), left(), failed("x"), hung()].map(|entry| entry.number);
        let numbers: Vec<u32> = HAPPENINGS.iter().map(|(_, number, _)| *number).chain(own).chain([OTHER]).collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        assert!(numbers.iter().all(|number| (1..=1000).contains(number)));
    }

    #[test]
    fn every_number_is_in_the_guide_with_its_meaning() {
        let guide = include_str!("../../../docs/windows.md");
        let mut rows: Vec<(&str, u32)> = HAPPENINGS.iter().map(|(name, number, _)| (*name, *number)).collect();
        rows.extend([("started", 1), ("ended", 2), ("ended with an error", 3), ("hung", 4), ("other", OTHER)]);
        for (name, number) in rows {
            assert!(guide.contains(&format!("| {number} | {name}")), "docs/windows.md has no row of {number} {name}");
        }
    }

    #[test]
    fn a_line_says_what_which_version_and_why() {
        let entry = happened("upgrade-failed", Some("4.0.8"), Some("its port stayed closed"));
        assert_eq!((entry.kind, entry.number), (Kind::Error, 111));
        assert_eq!(entry.text, "upgrade failed: 4.0.8, its port stayed closed");
        assert_eq!(happened("stale", None, Some("8 days")).text, "stale: 8 days");
        assert_eq!(happened("steady", None, None).text, "steady");
        assert_eq!(happened("what-comes-later", None, None).number, OTHER);
    }
}

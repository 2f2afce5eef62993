//! The environment: read here, and handed to the child without what is ours and without what belongs to the system's
//! bargain with us (a child that answers our watchdog, or that thinks it was given our sockets, would break it).

use std::ffi::{OsStr, OsString};

/// What systemd tells its service and nobody else.
const OURS_ALONE: [&str; 6] =
    ["NOTIFY_SOCKET", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID"];
const OURS_ALONE_PREFIXES: [&str; 2] = ["WATCHDOG_", "LISTEN_"];

/// What the child gets: everything we have but names that begin with one of the prefixes, case ignored.
pub fn for_child(prefixes_removed: &[String]) -> Vec<(OsString, OsString)> {
    filter(std::env::vars_os(), prefixes_removed)
}

/// All of it that is text, for the settings.
pub fn all() -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// One variable; none where it is unset or empty.
#[allow(clippy::disallowed_methods, reason = "this is the module that owns the environment")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn filter(all: impl Iterator<Item = (OsString, OsString)>, prefixes_removed: &[String]) -> Vec<(OsString, OsString)> {
    all.filter(|(name, _)| !is_removed(name, prefixes_removed)).collect()
}

fn is_removed(name: &OsStr, prefixes_removed: &[String]) -> bool {
    let name = name.to_string_lossy().to_uppercase();
    let begins = |prefix: &str| !prefix.is_empty() && name.starts_with(&prefix.to_uppercase());
    OURS_ALONE.contains(&name.as_str())
        || OURS_ALONE_PREFIXES.into_iter().any(begins)
        || prefixes_removed.iter().any(|prefix| begins(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_left(names: &[&str], prefixes: &[&str]) -> Vec<String> {
        let prefixes: Vec<String> = prefixes.iter().map(|&text| text.to_owned()).collect();
        let all = names.iter().map(|name| (OsString::from(name), OsString::from("x")));
        filter(all, &prefixes).into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    #[test]
    fn k28_a_prefix_is_removed_however_it_is_written() {
        let names = ["SPRING_MAIL_PASSWORD", "spring.mail.host", "Kosmos_Orgnumber", "KOSMOS_X", "PATH", "JAVA_HOME"];
        assert_eq!(names_left(&names, &["spring", "kosmos"]), ["PATH", "JAVA_HOME"]);
    }

    #[test]
    fn what_systemd_gave_us_stays_with_us() {
        let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "JOURNAL_STREAM", "LANG"];
        assert_eq!(names_left(&names, &[]), ["LANG"]);
    }

    #[test]
    fn an_empty_prefix_removes_nothing() {
        assert_eq!(names_left(&["PATH"], &[""]), ["PATH"]);
    }
}

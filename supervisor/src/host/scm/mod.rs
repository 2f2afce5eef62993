//! The service as Windows' service control is to know it: its definition, who it is, what it may touch, and which
//! service of old it takes the place of. Pure, and the same on every system, so that it can be read and tested anywhere;
//! `system::services` on Windows does what is said here.
//!
//! Start at [`Definition`].

pub mod plan;
pub mod sddl;
pub mod sid;
pub mod winsw;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Its name, and the one of its virtual account.
pub const NAME: &str = "kosmos";
/// Its name where a service of another program has the first one already.
pub const OTHER_NAME: &str = "kosmos-supervisor";
/// What the list of services shows.
pub const DISPLAY_NAME: &str = "kosmos (eFormidling integrasjonspunkt)";
/// What is said of it there.
pub const DESCRIPTION: &str = "Keeps the eFormidling integrasjonspunkt running and on its newest verified release.";
/// The folder that KOSMOS' guide names.
pub const HOME_OF_OLD: &str = r"C:\integrasjonspunkt";

/// Failing is followed by a restart after these pauses; the last one is repeated.
pub const RECOVERY: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_mins(1)];
/// So long without a failure, and the first pause is the next one again.
pub const FAILURES_FORGOTTEN: Duration = Duration::from_hours(24);
/// The longest that a machine that goes down is asked to wait for us. Its own updates wait with it.
pub const LONGEST_PRESHUTDOWN: Duration = Duration::from_mins(15);

/// When it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the machine, after what starts at once.
    #[default]
    Delayed,
    /// With the machine.
    Automatic,
    /// When a person says so.
    Manual,
    /// Never.
    Disabled,
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delayed => "automatic, delayed",
            Self::Automatic => "automatic",
            Self::Manual => "manual",
            Self::Disabled => "disabled",
        })
    }
}

/// As whom it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// An account without a password that exists only with the service.
    Virtual,
    /// Another one that needs none: a managed service account, or one of the system's.
    Named(String),
}

impl Account {
    /// As the service control writes it, for the service of this name.
    pub fn of(&self, service: &str) -> String {
        match self {
            Self::Virtual => format!(r"NT SERVICE\{service}"),
            Self::Named(name) => name.clone(),
        }
    }
}

/// What the service control is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Our program.
    pub program: PathBuf,
    /// The home folder that it keeps.
    pub home: PathBuf,
    /// As whom.
    pub account: Account,
    /// When.
    pub start: Start,
    /// How long a machine that goes down waits for it.
    pub preshutdown: Duration,
}

impl Definition {
    /// The words after the program.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut words = ["--service", "--home"].map(OsString::from).to_vec();
        words.extend([self.home.clone().into_os_string(), "run".into()]);
        words
    }

    /// The whole command line, for people and for finding ourselves again.
    pub fn command_line(&self) -> String {
        format!(r#""{}" --service --home "{}" run"#, self.program.display(), self.home.display())
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pauses = RECOVERY.map(|pause| format!("{} s", pause.as_secs())).join(", ");
        writeln!(f, "service      {}", self.name)?;
        writeln!(f, "shown as     {DISPLAY_NAME}")?;
        writeln!(f, "description  {DESCRIPTION}")?;
        writeln!(f, "command      {}", self.command_line())?;
        writeln!(f, "account      {}", self.account.of(&self.name))?;
        writeln!(f, "identity     {} (unrestricted)", sid::of_service(&self.name))?;
        writeln!(f, "start        {}", self.start)?;
        writeln!(f, "recovery     restart after {pauses}, then each {} s;", RECOVERY[2].as_secs())?;
        writeln!(
            f,
            "             forgotten after {} h; also after an end with an error",
            FAILURES_FORGOTTEN.as_secs() / 3600
        )?;
        write!(f, "preshutdown  {} s", self.preshutdown.as_secs())
    }
}

/// The program and the home folder in a command line of ours; none: it is not ours.
pub fn ours(command_line: &str) -> Option<(PathBuf, PathBuf)> {
    let words = words(command_line);
    let (program, rest) = words.split_first()?;
    match rest {
        [service, flag, home, run] if service == "--service" && flag == "--home" && run == "run" => {
            Some((program.into(), home.into()))
        }
        _ => None,
    }
}

/// The words of a command line as Windows' C library takes it apart, but for backslashes before quotation marks, which
/// no path that exists has. Without quotation marks a program's path may have blanks: then all up to `.exe` is it.
pub fn words(command_line: &str) -> Vec<String> {
    let line = command_line.trim();
    if !line.starts_with('"')
        && let Some(end) = line.to_ascii_lowercase().find(".exe").map(|at| at + ".exe".len())
        && let (Some(program), Some(rest)) = (line.get(..end), line.get(end..))
        && (rest.is_empty() || rest.starts_with(' '))
    {
        let mut all = vec![program.to_owned()];
        all.extend(quoted_words(rest));
        return all;
    }
    quoted_words(line)
}

fn quoted_words(line: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => all.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    all.extend(word);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Definition {
        Definition {
            name: NAME.to_owned(),
            program: r"C:\Program Files\kosmos\kosmos.exe".into(),
            home: r"D:\eFormidling æøå\integrasjonspunkt".into(),
            account: Account::Virtual,
            start: Start::Delayed,
            preshutdown: Duration::from_secs(150),
        }
    }

    #[test]
    fn the_definition_reads_as_it_is_told() {
        insta::assert_snapshot!(definition());
    }

    #[test]
    fn our_own_command_line_is_known_again_and_no_other() {
        let whole = definition();
        assert_eq!(ours(&whole.command_line()), Some((whole.program, whole.home)));
        assert_eq!(
            ours(r"C:\k\kosmos.exe --service --home C:\i run"),
            Some((r"C:\k\kosmos.exe".into(), r"C:\i".into()))
        );
        for other in
            [r"C:\integrasjonspunkt\kosmos.exe", r#""C:\k\kosmos.exe" --home "C:\i" run"#, "", "\"", r"C:\x y\svc.exe"]
        {
            assert_eq!(ours(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_with_blanks_and_without_quotation_marks_is_one_word() {
        assert_eq!(words(r"C:\Program Files\x\y.exe -k net"), [r"C:\Program Files\x\y.exe", "-k", "net"]);
        assert_eq!(words(r#""C:\a b\c.exe" "d e" f"#), [r"C:\a b\c.exe", "d e", "f"]);
        assert_eq!(words(r#"system32\svchost "" x"#), [r"system32\svchost", "", "x"]);
    }
}

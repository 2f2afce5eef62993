//! A service as Windows' service control is to know it. Pure.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::sid;

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

/// What of a service is the same on every machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name, and the one of its virtual account.
    pub name: &'static str,
    /// What the list of services shows.
    pub display_name: &'static str,
    /// What is said of it there.
    pub description: &'static str,
    /// The words between the program and its home folder. No other product has the same before and after.
    pub before_home: &'static [&'static str],
    /// The words after the home folder.
    pub after_home: &'static [&'static str],
}

impl Product {
    /// Its full name, where a machine has several.
    pub fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// The program and the home folder in a command line of this product; none: it is another's.
    pub fn of(&self, command_line: &str) -> Option<(PathBuf, PathBuf)> {
        let words = words_of(command_line);
        let (program, rest) = words.split_first()?;
        let at = self.before_home.len();
        let (before, home, after) = (rest.get(..at)?, rest.get(at)?, rest.get(at + 1..)?);
        (before == self.before_home && after == self.after_home).then(|| (program.into(), home.into()))
    }
}

/// The name of one of several, as it is said on the command line.
///
/// # Errors
/// What it must be of.
pub fn checked_name(text: &str) -> Result<String, &'static str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return Err("it must be of letters, digits, and _ - . like west");
    }
    Ok(text.to_owned())
}

/// What the service control is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Of what.
    pub product: &'static Product,
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
        let mut words: Vec<OsString> = self.product.before_home.iter().map(OsString::from).collect();
        words.push(self.home.clone().into_os_string());
        words.extend(self.product.after_home.iter().map(OsString::from));
        words
    }

    /// The whole command line, for people and for finding ourselves again.
    pub fn command_line(&self) -> String {
        let words = |all: &[&str]| all.iter().fold(String::new(), |text, word| text + " " + word);
        let (before, after) = (words(self.product.before_home), words(self.product.after_home));
        format!(r#""{}"{before} "{}"{after}"#, self.program.display(), self.home.display())
    }

    /// What the list of services shows.
    pub fn display_name(&self) -> String {
        let shown = self.product.display_name;
        if self.name == self.product.name { shown.to_owned() } else { format!("{shown} [{}]", self.name) }
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pauses = RECOVERY.map(|pause| format!("{} s", pause.as_secs())).join(", ");
        writeln!(f, "service      {}", self.name)?;
        writeln!(f, "shown as     {}", self.product.display_name)?;
        writeln!(f, "description  {}", self.product.description)?;
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

/// The words of a command line as Windows' C library takes it apart, but for backslashes before quotation marks, which
/// no path that exists has. Without quotation marks a program's path may have blanks: then all up to `.exe` is it.
pub fn words_of(command_line: &str) -> Vec<String> {
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

    const ONE: Product = Product {
        name: "one",
        display_name: "One",
        description: "The first.",
        before_home: &["--service", "--home"],
        after_home: &["run"],
    };
    const OTHER: Product =
        Product { name: "other", before_home: &["run", "--service", "--home"], after_home: &[], ..ONE };

    fn definition(product: &'static Product) -> Definition {
        Definition {
            product,
            name: product.name.to_owned(),
            program: r"C:\Program Files\one\one.exe".into(),
            home: r"D:\eFormidling æøå".into(),
            account: Account::Virtual,
            start: Start::Delayed,
            preshutdown: Duration::from_mins(1),
        }
    }

    #[test]
    fn a_product_knows_its_own_command_line_and_no_other() {
        let (one, other) = (definition(&ONE), definition(&OTHER));
        assert_eq!(ONE.of(&one.command_line()), Some((one.program.clone(), one.home.clone())));
        assert_eq!(OTHER.of(&other.command_line()), Some((other.program.clone(), other.home.clone())));
        assert_eq!(ONE.of(&other.command_line()), None);
        assert_eq!(OTHER.of(&one.command_line()), None);
        for strange in ["", "one.exe", "one.exe --service --home", "one.exe --service --home C:\\i run more"] {
            assert_eq!(ONE.of(strange), None, "{strange}");
        }
    }

    #[test]
    fn one_of_several_is_shown_with_its_name() {
        let mut several = definition(&ONE);
        assert_eq!(several.display_name(), "One");
        several.name = ONE.named("skole");
        assert_eq!(several.display_name(), "One [one-skole]");
    }

    #[test]
    fn a_path_with_blanks_and_without_quotation_marks_is_one_word() {
        assert_eq!(words_of(r"C:\Program Files\x\y.exe -k net"), [r"C:\Program Files\x\y.exe", "-k", "net"]);
        assert_eq!(words_of(r#""C:\a b\c.exe" "d e" f"#), [r"C:\a b\c.exe", "d e", "f"]);
        assert_eq!(words_of(r#"system32\svchost "" x"#), [r"system32\svchost", "", "x"]);
    }
}

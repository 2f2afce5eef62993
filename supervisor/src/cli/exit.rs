//! The exit codes: an API. What is here is what `kosmos help exit-codes` prints.

use std::process::ExitCode;

/// How a word ended. The numbers never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Something went wrong that has no code of its own.
    Failed,
    /// The words or flags are wrong.
    Usage,
    /// The settings are wrong.
    Settings,
    /// `check`: there is something newer.
    UpgradeAvailable,
    /// The upgrade failed and was rolled back.
    RolledBack,
    /// The upgrade failed and nothing runs.
    NothingRuns,
    /// Verification said no.
    RefusedByVerification,
    /// A rule of the site said no.
    RefusedByPolicy,
    /// No supervisor runs in this home folder.
    NoSupervisor,
    /// Another process has this home folder: a second supervisor, or one that does not answer.
    Locked,
    /// The release source could not be reached; nothing was changed.
    SourceUnreachable,
}

impl Exit {
    /// As the system wants it.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Settings => 3,
            Self::UpgradeAvailable => 10,
            Self::RolledBack => 20,
            Self::NothingRuns => 21,
            Self::RefusedByVerification => 22,
            Self::RefusedByPolicy => 23,
            Self::NoSupervisor => 30,
            Self::Locked => 31,
            Self::SourceUnreachable => 32,
        }
    }

    /// Of several homes: the one that a person should look at first.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        let rank = |exit: &Self| match exit {
            Self::Done => 0,
            Self::UpgradeAvailable => 1,
            Self::NoSupervisor => 2,
            Self::SourceUnreachable => 3,
            Self::RefusedByPolicy => 4,
            Self::RefusedByVerification => 5,
            Self::RolledBack => 6,
            Self::Locked => 7,
            Self::Usage => 8,
            Self::Settings => 9,
            Self::Failed => 10,
            Self::NothingRuns => 11,
        };
        all.into_iter().max_by_key(rank).unwrap_or(Self::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// `kosmos help exit-codes`
pub const HELP: &str = "\
The exit codes are an API: their meaning does not change.

   0  done, or nothing to do
   1  failed for a reason without a code of its own; it is said on stderr
   2  wrong words or flags
   3  wrong settings; `kosmos config check` lists all errors
  10  check: an upgrade is available, and nothing holds it back (on hold it is 23)
  20  the upgrade failed and was rolled back: the old version runs
  21  the upgrade failed and nothing runs
  22  refused by verification: signature, key, or what the archive says of itself; unreadable is 1
  23  refused by policy: seat belt, allow, floor, given up, blocklisted, on hold
  30  no supervisor runs in this home folder
  31  another process has this home folder: a second supervisor, or one that does not answer
  32  the release source could not be reached, or what it offers makes no sense; nothing was changed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_and_has_one_meaning() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Settings,
            Exit::UpgradeAvailable,
            Exit::RolledBack,
            Exit::NothingRuns,
            Exit::RefusedByVerification,
            Exit::RefusedByPolicy,
            Exit::NoSupervisor,
            Exit::Locked,
            Exit::SourceUnreachable,
        ];
        let documented: Vec<u8> = HELP.lines().filter_map(|line| line.get(..4)?.trim().parse::<u8>().ok()).collect();
        assert_eq!(documented, all.map(Exit::number));
    }

    #[test]
    fn of_several_the_worst_is_told() {
        assert_eq!(Exit::worst([]), Exit::Done);
        assert_eq!(Exit::worst([Exit::Done, Exit::NoSupervisor, Exit::Done]), Exit::NoSupervisor);
        assert_eq!(Exit::worst([Exit::Locked, Exit::Settings, Exit::Done]), Exit::Settings);
    }
}

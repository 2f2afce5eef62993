//! What makes the list of services right. Pure.

use std::fmt;

use super::{Account, Definition, Start, words_of};

/// A service as the control knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its command line.
    pub command_line: String,
    /// As whom.
    pub account: String,
    /// When; a delayed start is not told from one with the machine.
    pub start: Start,
    /// It runs, or is about to.
    pub is_up: bool,
    /// Recovery and identity are as they should be, so far as that can be told.
    pub is_whole: bool,
}

/// The service is put into the list, or what is there is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// As what.
    pub definition: Definition,
    /// Also start and account, which an administrator may have set.
    pub anew: bool,
}

impl Put {
    /// What makes the list right, if it is not, and whether what runs must be started anew for it.
    pub fn needed(definition: Definition, known: Option<&Known>) -> (Option<Self>, bool) {
        let Some(known) = known else { return (Some(Self { definition, anew: true }), false) };
        let is_other_line = words_of(&known.command_line) != words_of(&definition.command_line());
        // Without a wish of a person's the account that is there is right.
        let is_wished = matches!(definition.account, Account::Named(_));
        let is_other_account =
            is_wished && !known.account.eq_ignore_ascii_case(&definition.account.of(&definition.name));
        let with_machine = |start| matches!(start, Start::Automatic | Start::Delayed);
        let anew = is_other_account || with_machine(known.start) != with_machine(definition.start);
        let is_needed = anew || is_other_line || !known.is_whole;
        (is_needed.then_some(Self { definition, anew }), is_other_line || is_other_account)
    }
}

impl fmt::Display for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.anew {
            return write!(
                f,
                "change the service {} to: {}; recovery, identity and preshutdown are set anew, start and account stay",
                self.definition.name,
                self.definition.command_line()
            );
        }
        write!(f, "put the service into the list:")?;
        for line in self.definition.to_string().lines() {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

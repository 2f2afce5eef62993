//! Which JVM runs the integration point.
//!
//! A JVM that is set is used, and no other: a person chose it. Otherwise the first one that is new enough is used, in the
//! order of [`candidates`]: an old JVM in `PATH` does not keep a site on an old release when a newer JVM lies beside it.
//! What a JVM is it says itself; it is asked once for each program file that has not changed.

mod candidates;
mod probe;

pub use candidates::Place;
pub use probe::needed_by;

use crate::ports::ChildError;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// More JVMs than this are not looked at.
const MOST_CANDIDATES: usize = 32;

/// A JVM that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Java {
    /// What is started.
    pub program: PathBuf,
    /// `17`
    pub major: u32,
    /// `17.0.15`
    pub version: String,
    /// Where it was found.
    pub place: Place,
}

impl fmt::Display for Java {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Java {} at {} (from {})", self.version, self.program.display(), self.place)
    }
}

/// What a file was when it was asked: another file is asked again.
type Stamp = (u64, Option<SystemTime>);

/// The JVMs of this machine.
#[derive(Debug)]
pub struct Javas {
    candidates: Candidates,
    asked: RefCell<HashMap<PathBuf, (Stamp, probe::Answer)>>,
}

#[derive(Debug)]
enum Candidates {
    Machine { set: Option<PathBuf> },
    These(Vec<(PathBuf, Place)>),
}

impl Javas {
    /// Those of the machine; `set` is the one that the settings name, a program or the folder above `bin`.
    pub fn new(set: Option<PathBuf>) -> Self {
        Self { candidates: Candidates::Machine { set }, asked: RefCell::default() }
    }

    /// These and no others, in this order.
    pub fn among(candidates: Vec<(PathBuf, Place)>) -> Self {
        Self { candidates: Candidates::These(candidates), asked: RefCell::default() }
    }

    /// The JVM to start an archive with. One that is set is started without being asked who it is: that was asked before
    /// the archive was taken in, and what runs today must come up today.
    pub async fn for_start(&self, archive: &Path) -> Result<PathBuf, ChildError> {
        if let Some((program, Place::Settings)) = self.all().into_iter().next() {
            return Ok(program);
        }
        let java = self.choose(probe::needed_by(archive)).await?;
        tracing::debug!(java = %java, "jvm chosen");
        Ok(java.program)
    }

    /// The JVM for archives that need this version of Java.
    pub async fn choose(&self, needed: Option<u32>) -> Result<Java, ChildError> {
        let mut too_old = Vec::new();
        let mut broken = Vec::new();
        let mut fallen_back = Vec::new();
        let mut set_fails = false;
        for (program, place) in self.all().into_iter().take(MOST_CANDIDATES) {
            let is_set = place == Place::Settings;
            match self.ask(&program).await {
                Ok(answer) => {
                    let java = Java { program, major: answer.major, version: answer.version, place };
                    match (needed.is_none_or(|needed| java.major >= needed), set_fails) {
                        (true, false) => return Ok(java),
                        (true, true) => fallen_back.push(java),
                        (false, _) => too_old.push(java),
                    }
                }
                Err(reason) => broken.push(format!("{} (from {place}): {reason}", program.display())),
            }
            set_fails |= is_set;
        }
        Err(ChildError::CannotRun { reason: refusal(needed, set_fails, &too_old, &broken, &fallen_back) })
    }

    fn all(&self) -> Vec<(PathBuf, Place)> {
        match &self.candidates {
            Candidates::Machine { set } => candidates::of_machine(set.as_deref()),
            Candidates::These(these) => these.clone(),
        }
    }

    async fn ask(&self, program: &Path) -> Result<probe::Answer, String> {
        let found = fs::metadata(program).map_err(|error| error.to_string())?;
        let stamp = (found.len(), found.modified().ok());
        // One JVM has many names; it is asked under one.
        let file = program.canonicalize().unwrap_or_else(|_| program.to_owned());
        let known = self.asked.borrow().get(&file).filter(|(when, _)| *when == stamp).map(|(_, answer)| answer.clone());
        if let Some(answer) = known {
            return Ok(answer);
        }
        // What fails may fail for want of memory or time: it is asked again.
        let answer = probe::ask(program).await?;
        let mut asked = self.asked.borrow_mut();
        if asked.len() >= MOST_CANDIDATES * 2 {
            asked.clear();
        }
        asked.insert(file, (stamp, answer.clone()));
        Ok(answer)
    }
}

/// Says what is missing, what there is, and what would be right.
fn refusal(needed: Option<u32>, is_set: bool, too_old: &[Java], broken: &[String], others: &[Java]) -> String {
    let wanted = needed.map_or_else(|| "Java".to_owned(), |needed| format!("Java {needed} or newer"));
    let mut found: Vec<String> = too_old.iter().map(ToString::to_string).collect();
    found.extend_from_slice(broken);
    let found = if found.is_empty() { "none was found".to_owned() } else { format!("found {}", found.join("; ")) };
    let advice = match (others.first(), is_set) {
        (Some(_), _) => {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            format!("set child.java to one that would do: {}", others.join("; "))
        }
        (None, true) => format!("install {wanted} and set child.java to it"),
        (None, false) => format!("install {wanted}, or set child.java to one"),
    };
    format!("find a JVM: the integration point needs {wanted}, {found}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(major: u32, place: Place) -> Java {
        Java { program: format!("/jvm/{major}/bin/java").into(), major, version: format!("{major}.0.1"), place }
    }

    #[test]
    fn a_refusal_says_what_is_needed_what_there_is_and_what_to_do() {
        let text = refusal(Some(21), true, &[java(17, Place::Settings)], &[], &[java(25, Place::Path)]);
        assert_eq!(
            text,
            "find a JVM: the integration point needs Java 21 or newer, found Java 17.0.1 at /jvm/17/bin/java (from \
             child.java); set child.java to one that would do: Java 25.0.1 at /jvm/25/bin/java (from PATH)"
        );
        let text = refusal(Some(21), false, &[], &[], &[]);
        assert!(text.ends_with("none was found; install Java 21 or newer, or set child.java to one"), "{text}");
    }

    #[tokio::test]
    async fn a_jvm_that_is_not_there_is_told_with_its_path() {
        let missing = std::env::temp_dir().join("no-such-folder/bin/java");
        let javas = Javas::among(vec![(missing.clone(), Place::JavaHome)]);
        let error = javas.choose(None).await.unwrap_err().to_string();
        assert!(error.contains(&missing.display().to_string()) && error.contains("JAVA_HOME"), "{error}");
    }

    #[tokio::test]
    async fn a_jvm_that_is_set_is_started_without_being_asked() {
        let javas = Javas::new(Some("/jvm/set/bin/java".into()));
        assert_eq!(javas.for_start(Path::new("x.jar")).await.unwrap(), PathBuf::from("/jvm/set/bin/java"));
    }

    #[tokio::test]
    async fn a_jvm_of_this_machine_is_found_and_knows_its_version() {
        match Javas::new(None).choose(None).await {
            Ok(java) => assert!(java.major >= 8, "{java}"),
            Err(error) => println!("left out: no JVM on this machine ({error})"),
        }
    }
}

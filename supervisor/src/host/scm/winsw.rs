//! Which service of this machine is Digdir's KOSMOS: wrapped by `WinSW`, whose description lies beside it, or started by
//! a command line that names its jar.

use std::path::{Path, PathBuf};

/// No description is larger.
pub const LIMIT_BYTES: u64 = 1 << 20;

/// A service as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name.
    pub name: String,
    /// Its command line.
    pub command_line: String,
}

/// A service of KOSMOS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kosmos {
    /// Its name.
    pub service: String,
    /// The jar that it runs, as its command line or its description has it.
    pub jar: String,
    /// The folder that it works in, if it can be told.
    pub folder: Option<PathBuf>,
}

/// Whether this service runs KOSMOS. `read` gives the text of a file; none: it is not there or no text.
pub fn kosmos(service: &Registered, read: impl Fn(&Path) -> Option<String>) -> Option<Kosmos> {
    if super::ours(&service.command_line).is_some() {
        return None;
    }
    let words = super::words_of(&service.command_line);
    let found = |jar: String, folder: Option<PathBuf>| Kosmos { service: service.name.clone(), jar, folder };
    if let Some(jar) = jar_in(&service.command_line) {
        let folder = folder_of(&jar);
        return Some(found(jar, folder));
    }
    let program = PathBuf::from(words.first()?);
    let text = read(&beside(&program))?;
    let base = folder_of(words.first()?);
    described(&text, base.as_deref()).map(|(jar, folder)| found(jar, folder))
}

/// `WinSW`'s description: beside the program, with the same name.
fn beside(program: &Path) -> PathBuf {
    // Not `with_extension`: this is a path of Windows, also where the tests run.
    let text = program.to_string_lossy();
    let stem = text
        .len()
        .checked_sub(4)
        .and_then(|end| text.get(..end))
        .filter(|_| text.to_ascii_lowercase().ends_with(".exe"));
    PathBuf::from(format!("{}.xml", stem.unwrap_or(&text)))
}

/// Jar and folder that a description of `WinSW` names. `base` stands for its own folder.
fn described(xml: &str, base: Option<&Path>) -> Option<(String, Option<PathBuf>)> {
    let document = roxmltree::Document::parse(xml.trim_start_matches('\u{feff}')).ok()?;
    let root = document.root_element();
    let whole = |text: &str| match base {
        Some(base) => text.trim().replace("%BASE%", &base.to_string_lossy()),
        None => text.trim().to_owned(),
    };
    let all = ["executable", "arguments", "startarguments", "argument", "startargument"];
    let texts = root.children().filter(|node| all.contains(&node.tag_name().name().to_ascii_lowercase().as_str()));
    let jar = texts.filter_map(|node| node.text()).find_map(|text| jar_in(&whole(text)))?;
    let said =
        root.children().find(|node| node.has_tag_name("workingdirectory")).and_then(|node| node.text()).map(whole);
    let folder = said.filter(|said| !said.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| folder_of(&jar)).or_else(|| base.map(Path::to_owned));
    Some((jar, folder))
}

/// The first word that is KOSMOS' jar: `kosmos.jar`, `kosmos-1.2.3.jar`, with or without a folder.
pub fn jar_in(command_line: &str) -> Option<String> {
    super::words_of(command_line).into_iter().find(|word| is_jar(word))
}

/// Whether this word names it.
pub fn is_jar(word: &str) -> bool {
    let name = word.rsplit(['\\', '/']).next().unwrap_or_default().to_ascii_lowercase();
    let middle = name.strip_prefix("kosmos").and_then(|rest| rest.strip_suffix(".jar"));
    middle.is_some_and(|middle| middle.is_empty() || middle.starts_with(['-', '_', '.']))
}

/// The folder in a path of Windows, on any system.
fn folder_of(path: &str) -> Option<PathBuf> {
    path.rsplit_once(['\\', '/'])
        .map(|(folder, _)| PathBuf::from(folder))
        .filter(|folder| !folder.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<service>
  <id>kosmos</id>
  <name>KOSMOS</name>
  <executable>java</executable>
  <arguments>-Xmx256m -jar "%BASE%\kosmos-1.4.2.jar" --spring.profiles.active=production</arguments>
  <onfailure action="restart" delay="10 sec"/>
</service>"#;

    fn service(command_line: &str) -> Registered {
        Registered { name: "kosmos".into(), command_line: command_line.into() }
    }

    #[test]
    fn a_wrapped_kosmos_is_known_by_the_description_beside_the_wrapper() {
        let read = |path: &Path| (path == Path::new(r"C:\integrasjonspunkt\KOSMOS-svc.xml")).then(|| XML.to_owned());
        let found = kosmos(&service(r#""C:\integrasjonspunkt\KOSMOS-svc.exe""#), read).unwrap();
        assert_eq!(found.jar, r"C:\integrasjonspunkt\kosmos-1.4.2.jar");
        assert_eq!(found.folder.as_deref(), Some(Path::new(r"C:\integrasjonspunkt")));
        assert_eq!(found.service, "kosmos");
    }

    #[test]
    fn the_folder_that_the_description_names_comes_first_and_a_bare_jar_lies_beside_it() {
        let named = XML.replace("<name>", r"<workingdirectory>D:\data æ</workingdirectory><name>");
        let (_, folder) = described(&named, None).unwrap();
        assert_eq!(folder.as_deref(), Some(Path::new(r"D:\data æ")));
        let bare = r"<service><arguments>-jar kosmos.jar</arguments></service>";
        assert_eq!(described(bare, Some(Path::new(r"C:\k"))), Some(("kosmos.jar".into(), Some(r"C:\k".into()))));
    }

    #[test]
    fn a_command_line_that_names_the_jar_needs_no_description() {
        let found = kosmos(&service(r"C:\nssm\java.exe -jar C:\ip\kosmos-1.0.0.jar"), |_| None).unwrap();
        assert_eq!(found.folder.as_deref(), Some(Path::new(r"C:\ip")));
    }

    #[test]
    fn other_services_and_our_own_are_left_alone() {
        let other = "<service><arguments>-jar integrasjonspunkt-4.0.8.jar</arguments></service>";
        for (line, text) in [
            (r"C:\integrasjonspunkt\svc.exe", Some(other)),
            (r"C:\integrasjonspunkt\svc.exe", Some("<service><arguments>-jar kosmosis.jar</arguments></service>")),
            (r"C:\integrasjonspunkt\svc.exe", Some("no xml <")),
            (r"C:\integrasjonspunkt\svc.exe", None),
            (r#""C:\k\kosmos.exe" --service --home "C:\kosmos.jar" run"#, None),
            ("", None),
        ] {
            assert_eq!(kosmos(&service(line), |_| text.map(str::to_owned)), None, "{line} {text:?}");
        }
    }
}

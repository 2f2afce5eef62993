//! What the packages are made of: the unit, the users, the scripts, and the list of files in each package. People read
//! them, machines are changed by them: a change must be seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(workspace().join("packaging").join(name)).unwrap()
}

/// The test runner swallows what a test that passes prints with `eprintln!`; it does not swallow this.
#[cfg(target_os = "linux")]
fn left_out(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "left out: {why}");
}

#[test]
fn the_unit_reads_well() {
    insta::assert_snapshot!(read("systemd/kosmos.service"));
}

#[test]
fn users_and_folders_read_well() {
    insta::assert_snapshot!(format!("{}\n{}", read("systemd/kosmos.sysusers"), read("systemd/kosmos.tmpfiles")));
}

#[test]
fn the_scripts_of_the_packages_read_well() {
    let scripts = ["deb/preinst", "deb/postinst", "deb/prerm", "deb/postrm", "rpm/kosmos.scripts"];
    let texts: Vec<String> = scripts.iter().map(|name| format!("== {name}\n{}", read(name))).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn every_page_and_completion_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_packaging")).arg("pages").arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let page = std::fs::read_to_string(folder.path().join("man/kosmos.1")).unwrap();
    for part in [".SH NAME", ".SH SYNOPSIS", ".SH FILES", ".SH \"EXIT STATUS\"", "kosmos\\-service(1)"] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let install = std::fs::read_to_string(folder.path().join("man/kosmos-service-install.1")).unwrap();
    assert!(install.contains("\\-\\-dry\\-run"), "{install}");
    for (shell, word) in [("bash/kosmos", "uninstall"), ("zsh/_kosmos", "uninstall"), ("fish/kosmos.fish", "uninstall")]
    {
        let text = std::fs::read_to_string(folder.path().join("completions").join(shell)).unwrap();
        assert!(text.contains(word), "{shell} does not know {word}");
    }
}

#[test]
fn nonsense_is_answered_with_the_usage() {
    let said = Command::new(env!("CARGO_BIN_EXE_packaging")).arg("nonsense").output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stderr).contains("packaging pages FOLDER"));
}

#[cfg(target_os = "linux")]
const PROGRAMS: [&str; 2] = ["kosmos", "integrasjonspunkt"];

/// Packs a program that is none: what is in a package does not depend on it.
#[cfg(target_os = "linux")]
#[test]
fn each_package_has_its_files_and_the_same_bytes_twice() {
    let there = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    let kinds: Vec<&str> = [("deb", "dpkg-shlibdeps"), ("rpm", "rpmbuild"), ("tar", "tar"), ("zip", "strip")]
        .into_iter()
        .filter(|(kind, tool)| {
            there(tool) || {
                left_out(&format!("no {tool} here, so no {kind}"));
                false
            }
        })
        .map(|(kind, _)| kind)
        .collect();
    if !there("strip") || kinds.is_empty() {
        left_out("no binutils here, so no packages");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    // Small, and linked against what every program is.
    std::fs::copy(env!("CARGO_BIN_EXE_packaging"), programs.join("packaging")).unwrap();
    for program in PROGRAMS {
        std::fs::copy(programs.join("packaging"), programs.join(program)).unwrap();
    }
    let pack = |into: &str| {
        let packed = Command::new(workspace().join("packaging/build"))
            .args(["--profile", "dev", "--only", &kinds.join(","), "--built"])
            .arg(&programs)
            .arg("--into")
            .arg(folder.path().join(into))
            .env("SOURCE_DATE_EPOCH", "1795247805")
            .env("TMPDIR", folder.path())
            .output()
            .unwrap();
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        std::fs::read_to_string(folder.path().join(into).join("SHA256SUMS")).unwrap()
    };
    assert_eq!(pack("one"), pack("again"), "the same commit gives the same bytes");
    let version = env!("CARGO_PKG_VERSION");
    for kind in &kinds {
        for program in PROGRAMS {
            let list = contents(
                kind,
                &folder.path().join("one"),
                &format!("{program}{}{version}", if *kind == "deb" { '_' } else { '-' }),
            );
            let list = list.replace(version, "VERSION").replace(std::env::consts::ARCH, "MACHINE");
            insta::assert_snapshot!(format!("files-{program}-{kind}"), list);
        }
    }
    if kinds.contains(&"zip") {
        // The supervisor's own reader takes it.
        let name = format!("integrasjonspunkt-v{version}-linux-{}.zip", std::env::consts::ARCH);
        let mut archive = std::fs::File::open(folder.path().join("one").join(name)).unwrap();
        let said = kosmos::release::jar::read(&mut archive).unwrap();
        said.must_be(&format!("v{version}").parse().unwrap(), "integrasjonspunkt").unwrap();
        assert_eq!(
            said.program("integrasjonspunkt", kosmos::release::jar::Platform::HERE).unwrap(),
            "bin/integrasjonspunkt"
        );
    }
}

#[cfg(target_os = "linux")]
fn contents(kind: &str, folder: &Path, begins: &str) -> String {
    let find = |ending: &str| {
        let file = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        file.into_iter()
            .find(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.starts_with(begins) && name.ends_with(ending)
            })
            .unwrap_or_else(|| panic!("no {begins}…{ending}"))
    };
    let output = match kind {
        "deb" => Command::new("dpkg-deb").arg("--contents").arg(find(".deb")).output(),
        "rpm" => Command::new("rpm")
            .args(["-qp", "--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\n]"])
            .arg(find(".rpm"))
            .output(),
        "tar" => Command::new("tar").arg("-tzf").arg(find(".tar.gz")).output(),
        _ => {
            let archive = zip::ZipArchive::new(std::fs::File::open(find(".zip")).unwrap()).unwrap();
            return archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>().join("\n");
        }
    };
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    // Sizes and days are no part of a list of files.
    let line = |line: &str| match line.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
        [mode, owner, _, _, _, name] => format!("{mode} {owner} {name}"),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

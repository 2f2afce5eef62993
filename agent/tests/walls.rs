//! The walls of the agent: fails on an import against its arrow table in ARCHITECTURE.md, and on an arrow that nothing uses.
//! That the reading finds what is wrong is tested by the supervisor's walls test, which shares it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "../../tests/house/walls.rs"]
mod house;

use house::{architecture, sources_below, tokens, workspace, wrongs};

#[test]
fn every_import_is_an_arrow_of_architecture_md_and_every_arrow_is_used() {
    let table = architecture("## The agent's rooms, and who knows whom");
    let wrongs = wrongs("integrasjonspunkt", &table, &sources_below(&workspace().join("agent/src")));
    assert!(wrongs.is_empty(), "against ARCHITECTURE.md:\n{}", wrongs.join("\n"));
}

#[test]
fn the_two_rooms_of_the_house_do_not_know_each_other() {
    for (folder, other) in [("agent", "kosmos"), ("supervisor", "integrasjonspunkt")] {
        for (path, text) in sources_below(&workspace().join(folder).join("src")) {
            let tokens = tokens(&text);
            let is_named = tokens.windows(2).any(|pair| pair[0] == other && pair[1] == "::");
            assert!(!is_named, "{folder}/src/{}: names {other}", path.display());
        }
        let manifest = std::fs::read_to_string(workspace().join(folder).join("Cargo.toml")).unwrap();
        let depends = manifest.lines().any(|line| line.starts_with(&format!("{other} ")));
        assert!(!depends, "{folder}/Cargo.toml depends on {other}");
    }
}

#[test]
fn the_domain_knows_no_library_but_time_and_errors() {
    const KNOWN: [&str; 7] = ["std", "crate", "super", "self", "jiff", "thiserror", "tests"];
    for (path, text) in sources_below(&workspace().join("agent/src/domain")) {
        let tokens = tokens(&text);
        for three in tokens.windows(3) {
            if three[0] == "use" && three[2] == "::" {
                let is_a_module = three[1].chars().next().is_some_and(char::is_lowercase);
                let is_known = KNOWN.contains(&three[1].as_str());
                let is_own = workspace().join(format!("agent/src/domain/{}.rs", three[1])).exists();
                assert!(!is_a_module || is_known || is_own, "domain/{}: uses {}", path.display(), three[1]);
            }
        }
    }
}

#[test]
fn the_list_of_rooms_hides_nothing() {
    let text = std::fs::read_to_string(workspace().join("agent/src/lib.rs")).unwrap();
    assert!(!tokens(&text).iter().any(|token| token == "use"), "agent/src/lib.rs hands something on");
}

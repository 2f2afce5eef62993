//! Layers, spellings, `${…}` and lists.

use super::*;

fn sources(files: &[&str], environment: &[(&str, &str)]) -> Sources {
    let mut all = Sources::default();
    for (number, text) in files.iter().enumerate() {
        all.push_file(Path::new(&format!("{number}.properties")), Properties::read(text.as_bytes()));
    }
    let variables: Vec<_> = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    all.push_environment(&variables);
    all
}

fn text(sources: &Sources, key: &str) -> String {
    match sources.text(key) {
        Ok(Some(found)) => format!("{} ({})", found.text, found.place),
        Ok(None) => "none".into(),
        Err(error) => format!("{error} ({})", error.place),
    }
}

fn list(sources: &Sources, key: &str) -> String {
    match sources.list(key, true) {
        Ok(Some(all)) => all.into_iter().map(|found| found.text).collect::<Vec<_>>().join("|"),
        Ok(None) => "none".into(),
        Err(error) => format!("{error} ({})", error.place),
    }
}

#[test]
fn the_strongest_layer_wins_however_the_key_is_spelt() {
    let all = sources(&["a.baseURL=1\na.other=1", "\na.base-url=2"], &[("A_OTHER", "3")]);
    assert_eq!(text(&all, "a.base_url"), "2 (1.properties:2)");
    assert_eq!(text(&all, "a.other"), "3 (environment A_OTHER)");
    assert_eq!(text(&all, "a.none"), "none");
}

#[test]
fn a_key_that_comes_twice_counts_once_the_last() {
    assert_eq!(text(&sources(&["a=1\nA=2"], &[]), "a"), "2 (0.properties:2)");
}

#[test]
fn references_are_expanded_across_layers_with_defaults_and_nested() {
    let file = "org=${difi.move.org.number}\na=${none:x${org}y}\nb=${none:}\nc=${m${d}:z}\nd=one\n\
                none=\ne=${absent:${also.absent:http://h:1}}\nf=${HOME_OF}/x\ng=${open\nh=$a {b}\ni=${d}${d}";
    let all = sources(&["difi.Move.ORG.number=987", file], &[("HOME_OF", "/srv")]);
    let got: Vec<_> =
        ["org", "a", "b", "c", "e", "f", "g", "h", "i"].map(|key| all.text(key).unwrap().unwrap().text).into();
    assert_eq!(got, ["987", "", "", "z", "http://h:1", "/srv/x", "${open", "$a {b}", "oneone"]);
}

#[test]
fn what_cannot_be_expanded_is_told_with_its_line() {
    let all = sources(&["a=${b}\nb=x${c}\nc=${a}\n\nd=${nothing}\ne=${d}"], &[]);
    assert_eq!(text(&all, "a"), "expand a: ${…} leads in a circle: a → b → c → a (0.properties:1)");
    assert_eq!(text(&all, "e"), "expand d: ${nothing} is not set anywhere (0.properties:5)");
}

#[test]
fn what_nobody_set_is_what_the_program_has_by_itself_and_only_in_references() {
    let mut all = sources(&["a=${base-url}/x\nb=${set}\nc=${deep}\nd=${keys[0]}\nset=here", "e=${lost}"], &[]);
    let defaults = [("baseURL", "http://h:1"), ("set", "not this"), ("deep", "${base_url}"), ("keys[0]", "file:k")];
    for (key, value) in defaults.into_iter().chain([("lost", "${nowhere}")]) {
        all.set_default(key, value);
    }
    assert_eq!(text(&all, "a"), "http://h:1/x (0.properties:1)");
    assert_eq!(text(&all, "b"), "here (0.properties:2)");
    assert_eq!(text(&all, "c"), "http://h:1 (0.properties:3)");
    assert_eq!(text(&all, "d"), "file:k (0.properties:4)");
    assert_eq!(text(&all, "base-url"), "none", "nobody gave it");
    assert_eq!(text(&all, "e"), "expand e: ${nowhere} is not set anywhere (1.properties:1)");
    all.set_default("base.url", "http://other");
    all.set_default("baseUrl", "http://h:2");
    assert_eq!(text(&all, "a"), "http://h:2/x (0.properties:1)");
    assert_eq!(all.given().count(), 6);
}

#[test]
fn a_few_lines_cannot_ask_for_more_than_the_machine_has() {
    let bomb = (0..30).map(|n| format!("k{n}=${{k{0}}}${{k{0}}}\n", n + 1)).collect::<Vec<_>>().concat();
    assert!(text(&sources(&[&format!("{bomb}k30=")], &[]), "k0").contains("leads too far"));
    let long = format!("k0={}\n", "x".repeat(LONGEST)) + "a=${k0}${k0}";
    assert!(text(&sources(&[&long], &[]), "a").contains("leads too far"));
    let deep = format!("a={}x{}", "${".repeat(5_000), ":}".repeat(5_000));
    assert!(text(&sources(&[&deep], &[]), "a").contains("leads too far"));
    let chain = (0..100).map(|n| format!("k{n}=${{k{}}}\n", n + 1)).collect::<Vec<_>>().concat();
    assert!(text(&sources(&[&chain], &[]), "k0").contains("leads too far"));
}

#[test]
fn a_list_comes_whole_from_one_layer() {
    let all = sources(&["l=a, b ,,c\nm[0]=a,b\nm[1]=c\ng[0]=a\ng[2]=b\nn[1]=x\nn[0]=y", "n[0]=z"], &[]);
    assert_eq!(list(&all, "l"), "a|b|c");
    assert_eq!(list(&all, "m"), "a,b|c");
    assert_eq!(list(&all, "n"), "z");
    assert_eq!(list(&all, "g"), "expand g[2]: [1] is missing (0.properties:5)");
    assert_eq!(all.list("l", false).unwrap().unwrap()[0].text, "a, b ,,c");
}

#[test]
fn lists_in_the_environment_are_numbered_with_or_without_a_last_underscore() {
    let all = sources(&["a.keyPaths[0]=file"], &[("A_KEYPATHS_0_", "one"), ("A_KEYPATHS_1", "two"), ("B", "x,y")]);
    assert_eq!(list(&all, "a.key-paths"), "one|two");
    assert_eq!(list(&all, "b"), "x|y");
    assert_eq!(text(&all, "a.keyPaths[1]"), "two (environment A_KEYPATHS_1)");
}

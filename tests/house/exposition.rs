//! A reader of Prometheus' text exposition 0.0.4, as strict as it is written down. Shared by the tests of both programs.

use std::collections::{BTreeMap, BTreeSet};

pub type Labels = Vec<(String, String)>;

/// A family: its type, and each sample by its labels. Samples of a histogram have their ending (`_bucket`, `_sum`, `_count`)
/// as a label without a name.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub samples: BTreeMap<Labels, f64>,
}

/// Reads HELP, then TYPE, then all samples of the family in one piece; names, labels and escapes as they must be; no sample
/// twice; histograms whose buckets grow to the count.
pub fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut now: Option<(String, bool)> = None;
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("help has words");
            assert!(is_name(name, true) && !families.contains_key(name), "{line}");
            unescape(help, false);
            families.insert(name.into(), Family::default());
            now = Some((name.into(), false));
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            let is_kind = ["gauge", "counter", "histogram"].contains(&kind);
            assert!(now == Some((name.into(), false)) && is_kind, "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            families.get_mut(name).unwrap().kind = kind.into();
            now = Some((name.into(), true));
        } else {
            let (name, mut labels, value) = sample(line);
            let (family, is_typed) = now.clone().unwrap_or_else(|| panic!("{line}"));
            assert!(is_typed, "{line}");
            if families[&family].kind == "histogram" {
                let ending = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line}"));
                assert!(["_bucket", "_sum", "_count"].contains(&ending), "{line}");
                assert_eq!(ending == "_bucket", labels.iter().any(|(label, _)| label == "le"), "{line}");
                labels.push((String::new(), ending.to_owned()));
            } else {
                assert_eq!(name, family, "{line}");
            }
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            let family = families.get_mut(&family).unwrap();
            assert!(family.samples.insert(labels, value).is_none(), "twice: {line}");
        }
    }
    assert!(families.values().all(|family| !family.samples.is_empty()));
    families.values().filter(|family| family.kind == "histogram").for_each(grows);
    families
}

/// Each series has buckets that never shrink, the last one `+Inf` and as many as are counted.
fn grows(family: &Family) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (labels, value) in &family.samples {
        let without: Vec<_> = labels.iter().filter(|(name, _)| name != "le" && !name.is_empty()).cloned().collect();
        let all = series.entry(without).or_default();
        let of = |wanted: &str| labels.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        match (of(""), of("le")) {
            (Some("_bucket"), Some("+Inf")) | (Some("_count"), _) => all.push((f64::INFINITY, *value)),
            (Some("_bucket"), Some(bound)) => all.push((bound.parse().unwrap(), *value)),
            _ => {}
        }
    }
    for (labels, mut all) in series {
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(all.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{labels:?}: {all:?}");
        let last = &all[all.len() - 2..];
        assert!(
            last.iter().all(|(bound, value)| bound.is_infinite() && value.total_cmp(&last[0].1).is_eq()),
            "{labels:?}: {all:?}"
        );
    }
}

fn is_name(name: &str, colons: bool) -> bool {
    let fits = |(index, letter): (usize, char)| {
        letter.is_ascii_alphabetic()
            || letter == '_'
            || (colons && letter == ':')
            || (index > 0 && letter.is_ascii_digit())
    };
    !name.is_empty() && name.chars().enumerate().all(fits)
}

fn unescape(text: &str, in_label: bool) -> String {
    let (mut plain, mut letters) = (String::new(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('\\') => plain.push('\\'),
                Some('n') => plain.push('\n'),
                Some('"') if in_label => plain.push('"'),
                other => panic!("\\{other:?} in {text}"),
            },
            letter => plain.push(letter),
        }
    }
    plain
}

fn sample(line: &str) -> (String, Vec<(String, String)>, String) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    let (name, rest) = line.split_at(end);
    assert!(is_name(name, true), "{line}");
    if let Some(value) = rest.strip_prefix(' ') {
        return (name.to_owned(), Vec::new(), value.to_owned());
    }
    let mut rest = &rest[1..];
    let mut labels = Vec::new();
    loop {
        let (label, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(label, false), "{line}");
        let mut escaped = false;
        let end = value.char_indices().find(|(_, letter)| {
            let ends = *letter == '"' && !escaped;
            escaped = *letter == '\\' && !escaped;
            ends
        });
        let end = end.unwrap_or_else(|| panic!("{line}")).0;
        labels.push((label.to_owned(), unescape(&value[..end], true)));
        rest = &value[end + 1..];
        if let Some(value) = rest.strip_prefix("} ") {
            let once: BTreeSet<_> = labels.iter().map(|(label, _)| label).collect();
            assert_eq!(once.len(), labels.len(), "{line}");
            return (name.to_owned(), labels, value.to_owned());
        }
        rest = rest.strip_prefix(',').unwrap_or_else(|| panic!("{line}"));
    }
}

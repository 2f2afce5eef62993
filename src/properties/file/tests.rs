//! Lines, separators, escapes, and what is told about them.

use super::*;
use proptest::prelude::*;

fn pairs(text: &str) -> Vec<(String, String)> {
    let read = Properties::read(text.as_bytes());
    assert_eq!(read.malformed, []);
    read.entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

fn one(text: &str) -> (String, String) {
    let mut all = pairs(text);
    assert_eq!(all.len(), 1, "{text:?} gave {all:?}");
    all.remove(0)
}

#[test]
fn every_separator_of_java_ends_the_key() {
    for text in ["k=v", "k:v", "k v", "k\tv", "k\u{c}v", "k = v", "k : v", "  k   v", "\tk=\u{c} v", "k =v", "k\t:\tv"]
    {
        assert_eq!(one(text), ("k".into(), "v".into()), "{text:?}");
    }
    assert_eq!(one("k==v"), ("k".into(), "=v".into()));
    assert_eq!(one("k = : v"), ("k".into(), ": v".into()));
    assert_eq!(one("k"), ("k".into(), String::new()));
    assert_eq!(one("=v"), (String::new(), "v".into()));
    assert_eq!(one(r"a\=b\:c\ d=v"), ("a=b:c d".into(), "v".into()));
    assert_eq!(one(r"a\\=v"), (r"a\".into(), "v".into()));
}

#[test]
fn comments_and_blank_lines_are_no_entries() {
    assert_eq!(pairs("# a\n  ! b\n\n \t \n#c=d\\\nk=v # no comment\n"), [("k".into(), "v # no comment".into())]);
}

#[test]
fn a_line_is_continued_by_an_odd_number_of_backslashes() {
    assert_eq!(one("k=a,\\\n    b,\\\r\n  #c"), ("k".into(), "a,b,#c".into()));
    assert_eq!(pairs("k=a\\\\\nb=c"), [("k".into(), "a\\".into()), ("b".into(), "c".into())]);
    assert_eq!(one("k=a\\"), ("k".into(), "a".into()));
    assert_eq!(one("\\\n# a comment, since nothing was collected\nk=v"), ("k".into(), "v".into()));
    assert_eq!(pairs("k=a\\\n\nb=c"), [("k".into(), "a".into()), ("b".into(), "c".into())]);
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let read = Properties::read(b"a=1\r\n\r\n# x\rb=2\\\n  3\nc=4");
    let lines: Vec<_> = read.entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect();
    assert_eq!(lines, [("a", 1), ("b", 4), ("c", 6)]);
}

#[test]
fn escapes_are_read_as_java_reads_them() {
    assert_eq!(one(r"k=\t\n\r\f\\\q\u00e5\ud83d\ude00").1, "\t\n\r\u{c}\\qå😀");
    assert_eq!(Properties::read(br"k=C:\kosmos\temp").entries[0].needless_escape, Some('k'));
    assert_eq!(Properties::read(br"k=C\:\\kosmos\ x").entries[0].needless_escape, None);
}

#[test]
fn a_broken_escape_spoils_its_own_entry_only() {
    let read = Properties::read(b"a=1\nb=C:\\users\nc=\\ud83d\nd=\\u12\ne=\\u+123\nf=2");
    assert_eq!(read.entries.len(), 2);
    let flaws: Vec<_> = read.malformed.iter().map(|malformed| (malformed.line, malformed.flaw)).collect();
    let expected = [(2, Flaw::UnicodeEscape), (3, Flaw::HalfACharacter), (4, Flaw::UnicodeEscape)];
    assert_eq!(flaws, [expected.as_slice(), &[(5, Flaw::UnicodeEscape)]].concat());
}

#[test]
fn white_space_at_the_end_is_dropped_and_told_unless_it_is_escaped() {
    let read = Properties::read("a=x \t\nb=x\\ \nc=x\\  \nd=x\ne=x\u{a0}\n".as_bytes());
    let values: Vec<_> = read.entries.iter().map(|entry| (entry.value.as_str(), entry.trimmed)).collect();
    assert_eq!(values, [("x", true), ("x ", false), ("x ", true), ("x", false), ("x", true)]);
}

#[test]
fn utf8_with_a_mark_and_latin1_are_both_read() {
    let utf8 = Properties::read("\u{feff}k=blåbær".as_bytes());
    assert_eq!((utf8.entries[0].key.as_str(), utf8.entries[0].value.as_str()), ("k", "blåbær"));
    let latin1 = Properties::read(b"k=bl\xe5b\xe6r");
    assert_eq!((latin1.entries[0].value.as_str(), latin1.encoding), ("blåbær", Encoding::Latin1));
    let utf16 = Properties::read(b"\xff\xfek\0=\0v\0");
    assert_eq!((utf16.entries.len(), utf16.malformed[0].flaw), (0, Flaw::Utf16));
}

fn text() -> impl Strategy<Value = String> {
    let odd =
        prop::sample::select(vec![' ', '\t', '\n', '\r', '\u{c}', '\\', '=', ':', '#', '!', '\u{feff}', 'u', '\u{85}']);
    prop::collection::vec(prop_oneof![odd, any::<char>()], 0..12).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(entries in prop::collection::vec((text(), text()), 0..6)) {
        let written = write(entries.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        prop_assert_eq!(pairs(&written), entries);
    }

    #[test]
    fn no_bytes_make_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Properties::read(&bytes);
    }
}

//! Archives as they should be, and each lie that an archive can tell.

use super::*;
use crate::demo::publisher::Archive;
use crate::release::Sha256;
use proptest::prelude::*;
use std::io::{Cursor, Write};
use std::process::Command;
use zip::CompressionMethod::{Deflated, Stored};
use zip::write::SimpleFileOptions;

const BUILT: &str = "2026-03-01T12:00:00Z";

fn archive() -> Archive {
    Archive { java: Some(21), ..Archive::new("integrasjonspunkt", "4.0.8", BUILT.parse().unwrap()) }
}

fn said(bytes: &[u8]) -> Result<Said, JarError> {
    read(&mut Cursor::new(bytes))
}

fn refusal(bytes: &[u8]) -> String {
    said(bytes).unwrap_err().to_string()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

// ── What is read ────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_archive_says_what_it_is() {
    let said = said(&archive().bytes().unwrap()).unwrap();
    assert_eq!(said.version.as_deref(), Some("4.0.8"));
    assert_eq!(said.artifact.as_deref(), Some("integrasjonspunkt"));
    assert_eq!(said.group.as_deref(), Some("no.difi.meldingsutveksling"));
    assert_eq!(said.built, Some(BUILT.parse().unwrap()));
    assert_eq!((said.java, said.needs().java, said.entries), (Some(21), Some(21), 2));
}

/// A jar as Spring Boot packs it: the information among the classes, the libraries stored, a mark in the first entry.
fn spring_boot(fill: usize) -> Vec<u8> {
    let mut jar = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let with = |method| SimpleFileOptions::default().compression_method(method);
    jar.add_directory("META-INF/", with(Stored)).unwrap();
    let mut put = |name: &str, method, bytes: &[u8]| {
        jar.start_file(name, with(method)).unwrap();
        jar.write_all(bytes).unwrap();
    };
    put(
        "META-INF/MANIFEST.MF",
        Deflated,
        b"Manifest-Version: 1.0\r\nBuild-Jdk-Spec: 17\r\nImplementation-Title: other\r\n\r\n",
    );
    put(BUILD_INFO_IN_CLASSES, Deflated, b"build.artifact=integrasjonspunkt\nbuild.version=v4.0.8\n");
    put("BOOT-INF/lib/some-1.0.jar", Stored, &archive().bytes().unwrap());
    put("BOOT-INF/classes/empty", Stored, b"");
    for number in 0..fill {
        put(&format!("BOOT-INF/classes/no/{number}.class"), Stored, b"");
    }
    jar.finish().unwrap().into_inner()
}

#[test]
fn a_spring_boot_jar_is_read() {
    let said = said(&spring_boot(0)).unwrap();
    assert_eq!((said.version.as_deref(), said.java), (Some("v4.0.8"), Some(17)));
    assert_eq!(said.artifact.as_deref(), Some("integrasjonspunkt"));
    said.must_be(&tag("v4.0.8"), "integrasjonspunkt").unwrap();
}

#[test]
fn many_entries_are_counted_by_the_larger_end_record() {
    for fill in [12_000, 65_530, 65_531] {
        let said = said(&spring_boot(fill)).unwrap();
        assert_eq!(said.entries, fill + 5, "{fill}");
    }
}

#[test]
fn a_jar_that_the_jdk_packed_is_read() {
    if Command::new("jar").arg("--version").output().is_err() {
        println!("left out: there is no JDK on this machine");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    put("in/META-INF/build-info.properties", "build.version=4.0.8\nbuild.artifact=integrasjonspunkt\n");
    put("in/blåbær.txt", &"text ".repeat(1000));
    put("words", "Build-Jdk-Spec: 21\n");
    let run = |arguments: &[&str]| {
        let done = Command::new("jar").args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        said(&std::fs::read(folder.path().join("out.jar")).unwrap()).unwrap()
    };
    for pack in ["cfm", "cfm0"] {
        let said = run(&[pack, "out.jar", "words", "-C", "in", "."]);
        assert_eq!((said.version.as_deref(), said.java), (Some("4.0.8"), Some(21)));
    }
    put("more/other.txt", "more");
    assert!(run(&["uf", "out.jar", "-C", "more", "."]).entries > 3);
}

#[test]
fn the_manifest_is_asked_where_there_is_no_build_information() {
    let mut jar = zip::ZipWriter::new(Cursor::new(Vec::new()));
    jar.start_file(MANIFEST, SimpleFileOptions::default()).unwrap();
    let text = "Implementation-Version: 2.28.0\nImplementation-Title: Integrasjonspunkt\nBuild-Jdk-Spec: 1.8\n";
    jar.write_all(text.as_bytes()).unwrap();
    let said = said(&jar.finish().unwrap().into_inner()).unwrap();
    assert_eq!(said.java, Some(8));
    said.must_be(&tag("2.28.0"), "integrasjonspunkt").unwrap();
}

#[test]
fn old_bytes_under_a_new_name_are_refused() {
    let said = said(&archive().bytes().unwrap()).unwrap();
    said.must_be(&tag("v4.0.8"), "integrasjonspunkt").unwrap();
    said.must_be(&tag("4.0.8"), "integrasjonspunkt").unwrap();
    let another = said.must_be(&tag("v4.0.9"), "integrasjonspunkt").unwrap_err().to_string();
    assert!(another.contains("\"4.0.8\"") && another.contains("\"4.0.9\""), "{another}");
    let another = said.must_be(&tag("v4.0.8"), "kosmos").unwrap_err().to_string();
    assert!(another.contains("artifact"), "{another}");
    for beta in ["4.0.8-beta", "4.0.80", "4.0"] {
        let said = Said { version: Some(beta.into()), ..said.clone() };
        assert!(said.must_be(&tag("4.0.8"), "integrasjonspunkt").is_err(), "{beta}");
    }
    let snapshot = Said { version: Some("V4.1.0-snapshot".into()), ..said.clone() };
    snapshot.must_be(&tag("v4.1.0-SNAPSHOT"), "integrasjonspunkt").unwrap();
    for silent in [Said { version: None, ..said.clone() }, Said { artifact: None, ..said }] {
        assert!(matches!(silent.must_be(&tag("4.0.8"), "integrasjonspunkt"), Err(JarError::Silent { .. })));
    }
}

// ── The program ─────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_program_of_a_native_release_is_unpacked() {
    let program: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let bytes = archive().with("bin/integrasjonspunkt", program.clone()).with("bin/integrasjonspunkt.exe", "x").bytes();
    let mut file = Cursor::new(bytes.unwrap());
    let said = read(&mut file).unwrap();
    assert_eq!(said.program("integrasjonspunkt", Platform::Windows).unwrap(), "bin/integrasjonspunkt.exe");
    let entry = said.program("integrasjonspunkt", Platform::Unix).unwrap();
    assert!(said.program("other", Platform::Unix).unwrap_err().to_string().contains("bin/other"));

    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("program");
    let sha256 = unpack(&mut file, entry, &to, 1 << 20).unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), program);
    assert_eq!(sha256, Sha256::from(ring::digest::digest(&ring::digest::SHA256, &program)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o700, 0o700);
    }
    assert!(matches!(unpack(&mut file, entry, &to, 1 << 20), Err(JarError::Unpack { .. })));
    assert_eq!(std::fs::read(&to).unwrap(), program, "what lay there is untouched");
}

#[test]
fn nothing_is_left_of_a_program_that_is_too_large_or_damaged() {
    let mut bytes = archive().with("bin/integrasjonspunkt", vec![7; 5000]).bytes().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("program");
    let large = unpack(&mut Cursor::new(&bytes), "bin/integrasjonspunkt", &to, 4999).unwrap_err();
    assert!(large.to_string().contains("larger"), "{large}");
    let data = bytes.windows(21).rposition(|it| it == b"bin/integrasjonspunkt").unwrap();
    let data = bytes[..data].windows(21).rposition(|it| it == b"bin/integrasjonspunkt").unwrap() + 21;
    bytes[data + 3] ^= 0x10;
    let damaged = unpack(&mut Cursor::new(&bytes), "bin/integrasjonspunkt", &to, 1 << 20).unwrap_err();
    assert!(damaged.to_string().contains("damaged") || damaged.to_string().contains("more than"), "{damaged}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

// ── Lies ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// An entry as a liar writes it: the same in both places but for what is changed.
#[derive(Clone)]
struct Lie {
    name: Vec<u8>,
    local_name: Option<Vec<u8>>,
    data: Vec<u8>,
    flags: u16,
    local_flags: Option<u16>,
    method: u16,
    packed: Option<u32>,
    length: Option<u32>,
    local_length: Option<u32>,
    crc: Option<u32>,
    extra: Vec<u8>,
    local_extra: Vec<u8>,
    comment: u16,
    made_by: u16,
    external: u32,
    offset: Option<u32>,
    behind: Vec<u8>,
}

fn entry(name: &str, data: &[u8]) -> Lie {
    Lie {
        name: name.into(),
        local_name: None,
        data: data.into(),
        flags: 0,
        local_flags: None,
        method: 0,
        packed: None,
        length: None,
        local_length: None,
        crc: None,
        extra: vec![],
        local_extra: vec![],
        comment: 0,
        made_by: 20,
        external: 0,
        offset: None,
        behind: vec![],
    }
}

fn crc_of(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

fn packed(entries: &[Lie]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for it in entries {
        let offset = it.offset.map_or_else(|| long(bytes.len()), u32::to_le_bytes);
        let size = u32::from_le_bytes(long(it.data.len()));
        let (crc, packed) = (it.crc.unwrap_or_else(|| crc_of(&it.data)), it.packed.unwrap_or(size));
        let length = it.length.unwrap_or(size);
        let fixed = |flags: u16, length: u32, name: &[u8], extra: &[u8]| {
            let times = [0x21, 0, 0x21, 0];
            let (crc, packed, length) = (crc.to_le_bytes(), packed.to_le_bytes(), length.to_le_bytes());
            let names = [short(name.len()), short(extra.len())].concat();
            [&[20, 0], &flags.to_le_bytes()[..], &it.method.to_le_bytes(), &times, &crc, &packed, &length, &names]
                .concat()
        };
        let name = it.local_name.as_ref().unwrap_or(&it.name);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(fixed(
            it.local_flags.unwrap_or(it.flags),
            it.local_length.unwrap_or(length),
            name,
            &it.local_extra,
        ));
        bytes.extend([name, &it.local_extra[..], &it.data, &it.behind].concat());
        directory.extend(b"PK\x01\x02");
        directory.extend(it.made_by.to_le_bytes());
        directory.extend(fixed(it.flags, length, &it.name, &it.extra));
        directory.extend([&it.comment.to_le_bytes()[..], &[0; 4], &it.external.to_le_bytes(), &offset].concat());
        directory.extend([&it.name[..], &it.extra, &vec![b'c'; it.comment.into()]].concat());
    }
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &short(entries.len()),
        &short(entries.len()),
        &long(directory.len()),
        &long(bytes.len()),
        &[0, 0],
    ]
    .concat();
    [bytes, directory, end].concat()
}

fn info() -> Lie {
    entry(BUILD_INFO, b"build.version=4.0.8\nbuild.artifact=integrasjonspunkt\n")
}

#[test]
fn the_liar_can_tell_the_truth() {
    let descriptor = |signature: &[u8]| {
        let data = info().data;
        let size = long(data.len());
        [signature, &crc_of(&data).to_le_bytes(), &size, &size].concat()
    };
    let deflated = {
        let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        to.write_all(&info().data).unwrap();
        to.finish().unwrap()
    };
    let streamed = |signature: &[u8]| Lie {
        method: 8,
        flags: 8,
        crc: Some(crc_of(&info().data)),
        length: Some(u32::from_le_bytes(long(info().data.len()))),
        data: deflated.clone(),
        behind: {
            let mut behind = descriptor(signature);
            let at = behind.len() - 8;
            behind[at..at + 4].copy_from_slice(&long(deflated.len()));
            behind
        },
        ..info()
    };
    for entries in [
        vec![info()],
        vec![entry("first", b""), info(), entry("last/", b"")],
        vec![
            Lie { local_extra: vec![0xFE, 0xCA, 0, 0], extra: vec![0xFE, 0xCA, 0, 0], ..entry("META-INF/", b"") },
            info(),
        ],
        vec![streamed(b""), entry("behind", b"b")],
        vec![streamed(b"PK\x07\x08")],
    ] {
        assert_eq!(said(&packed(&entries)).unwrap().version.as_deref(), Some("4.0.8"));
    }
}

#[test]
fn each_lie_about_an_entry_is_refused() {
    let zip64 = |length: u8| [&[1, 0, length, 0][..], &vec![0; length.into()]].concat();
    let one = |lie: Lie| vec![info(), lie];
    let x = || entry("x", b"some data");
    for (what, entries, reason) in [
        ("twice", one(info()), "is there twice"),
        ("twice but for case", one(entry("meta-inf/Build-Info.properties", b"")), "upper and lower case"),
        ("wrong case", vec![entry("META-INF/BUILD-INFO.properties", b"")], "upper and lower case"),
        ("another name in the file", one(Lie { local_name: Some(b"y".into()), ..x() }), "another name"),
        ("another length in the file", one(Lie { local_length: Some(3), ..x() }), "not in the file what"),
        ("other flags in the file", one(Lie { local_flags: Some(2), ..x() }), "not in the file what"),
        ("encrypted", one(Lie { flags: 1, ..x() }), "encrypted"),
        ("strongly encrypted", one(Lie { flags: 1 << 6, ..x() }), "encrypted"),
        ("masked", one(Lie { flags: 1 << 13, ..x() }), "encrypted"),
        ("unknown method", one(Lie { method: 12, ..x() }), "in a way that we do not know"),
        ("other length stored", one(Lie { length: Some(3), ..x() }), "does not say its length"),
        ("stored without length", one(Lie { flags: 8, ..x() }), "does not say its length"),
        ("too large to be true", one(Lie { method: 8, length: Some(1 << 30), ..x() }), "as large as it says"),
        ("sizes elsewhere", one(Lie { packed: Some(u32::MAX), length: Some(u32::MAX), ..x() }), "4 GiB"),
        ("second sizes", one(Lie { extra: zip64(16), ..x() }), "second set of sizes"),
        ("second sizes in the file", one(Lie { local_extra: zip64(16), ..x() }), "second set of sizes"),
        ("second name", one(Lie { extra: vec![0x75, 0x70, 0, 0], ..x() }), "second name"),
        ("additions without end", one(Lie { extra: vec![2, 0, 9, 0], ..x() }), "do not end"),
        ("comment", one(Lie { comment: 3, ..x() }), "comment"),
        ("link", one(Lie { made_by: 0x0314, external: 0xA1FF_0000, ..x() }), "link"),
        ("folder with content", one(entry("folder/", b"content")), "folder"),
        ("up and out", one(entry("../x", b"")), "no plain path"),
        ("up and out on the way", one(entry("a/../../x", b"")), "no plain path"),
        ("absolute", one(entry("/etc/x", b"")), "no plain path"),
        ("drive", one(entry("C:/x", b"")), "no plain path"),
        ("stream of a file", one(entry("a.jar:b", b"")), "no plain path"),
        ("backslash", one(entry("..\\x", b"")), "no plain path"),
        ("zero", one(entry("a\0b", b"")), "no plain path"),
        ("no name", one(entry("", b"")), "no plain path"),
        ("overlapping", one(Lie { offset: Some(0), ..x() }), ""),
        ("gap", one(Lie { behind: b"hidden".into(), ..x() }), "does not end where"),
        ("crossing", one(Lie { packed: Some(500), length: Some(500), ..x() }), "reaches into"),
        ("damaged", vec![Lie { crc: Some(1), ..info() }], "damaged"),
    ] {
        let said = refusal(&packed(&entries));
        assert!(said.contains(reason), "{what}: {said}");
    }
}

#[test]
fn each_lie_about_the_archive_is_refused() {
    let good = packed(&[info()]);
    let at_end = |place: usize, bytes: &[u8]| {
        let mut archive = good.clone();
        let start = archive.len() - 22 + place;
        archive[start..start + bytes.len()].copy_from_slice(bytes);
        archive
    };
    let both = |first: &[u8], second: &[u8]| [first, second].concat();
    for (what, bytes, reason) in [
        ("nothing", vec![], "too short"),
        ("text", vec![b'x'; 100], "does not end as"),
        ("cut off", good[..good.len() - 1].to_vec(), "does not end as"),
        ("something behind", both(&good, b"x"), "does not end as"),
        ("comment", both(&at_end(20, &[1, 0]), b"c"), "does not end as"),
        ("an archive behind an archive", both(&packed(&[entry("x", b"")]), &good), "where its end record says"),
        ("start script before", both(b"#!/bin/sh\nexec java -jar $0\n", &good), "start script"),
        ("several parts", at_end(4, &[1, 0]), "part of several"),
        ("other count", at_end(8, &[2, 0]), "part of several"),
        ("count too low", at_end(8, &[0, 0, 0, 0]), "more than it counts"),
        ("count too high", at_end(8, &[9, 0, 9, 0]), "cut off"),
        ("directory elsewhere", at_end(16, &[1, 0, 0, 0]), "where its end record says"),
        ("as many as can be counted", at_end(8, &[0xFF; 4]), "cut off"),
        ("more than can be counted", at_end(8, &[0xFF; 12]), "do not agree"),
        ("larger than 4 GiB", at_end(12, &[0xFF; 8]), "more entries than any"),
    ] {
        let said = refusal(&bytes);
        assert!(said.contains(reason), "{what}: {said}");
    }
}

/// A start script whose maker has also moved all offsets: what Spring Boot calls an executable jar.
#[test]
fn an_executable_jar_with_moved_offsets_is_refused() {
    let script = b"#!/bin/sh\nexec java -jar $0\n";
    let moved = u32::from_le_bytes(long(script.len()));
    let mut bytes = [&script[..], &packed(&[Lie { offset: Some(moved), ..info() }])].concat();
    let at = bytes.len() - 6;
    let old = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    bytes[at..at + 4].copy_from_slice(&(old + moved).to_le_bytes());
    let said = refusal(&bytes);
    assert!(said.contains("before its first entry, such as a start script"), "{said}");
}

#[test]
fn a_larger_end_record_that_nobody_needs_is_refused() {
    let good = packed(&[info()]);
    let (body, end) = good.split_at(good.len() - 22);
    let directory = u64::from(u32::from_le_bytes(end[12..16].try_into().unwrap()));
    let offset = u64::from(u32::from_le_bytes(end[16..20].try_into().unwrap()));
    let count = 1_u64.to_le_bytes();
    let larger = [
        &b"PK\x06\x06"[..],
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &count,
        &count,
        &directory.to_le_bytes(),
        &offset.to_le_bytes(),
        b"PK\x06\x07\0\0\0\0",
        &(offset + directory).to_le_bytes(),
        &[1, 0, 0, 0],
    ]
    .concat();
    let unneeded = [body, &larger, end].concat();
    assert!(refusal(&unneeded).contains("where its end record says"), "{}", refusal(&unneeded));
    let mut pointed_at = unneeded;
    let at = pointed_at.len() - 22 + 8;
    pointed_at[at..at + 4].copy_from_slice(&[0xFF; 4]);
    assert!(refusal(&pointed_at).contains("do not agree"), "{}", refusal(&pointed_at));
}

#[test]
fn bombs_are_refused() {
    let zeros = archive().with(BUILD_INFO_IN_CLASSES, vec![b'\n'; 2 << 20]).bytes().unwrap();
    assert!(refusal(&zeros).contains("larger than anything of its kind"), "{}", refusal(&zeros));

    let huge = |number| Lie {
        method: 8,
        length: Some(4 << 20 << 9),
        ..entry(&format!("bomb{number}"), &b"\0".repeat(3 << 20))
    };
    let many: Vec<_> = (0..5).map(huge).collect();
    assert!(refusal(&packed(&many)).contains("8 GiB"), "{}", refusal(&packed(&many)));

    let mut small = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    small.write_all(&vec![b'\n'; 900_000]).unwrap();
    let lying = Lie { method: 8, length: Some(20), data: small.finish().unwrap(), ..info() };
    assert!(refusal(&packed(&[lying])).contains("more than its data"));
}

#[test]
fn words_that_contradict_each_other_are_refused() {
    let other = archive().with(BUILD_INFO_IN_CLASSES, "build.version=9.9.9\n").bytes().unwrap();
    assert!(refusal(&other).contains("4.0.8"), "{}", refusal(&other));
    let same = archive().with(BUILD_INFO_IN_CLASSES, "build.version=4.0.8\n").bytes().unwrap();
    assert!(said(&same).is_ok());
    for (text, reason) in
        [("build.version=1.0.0\nbuild.version=2.0.0\n", "twice"), ("build.time=yesterday\n", "2026-11-21T05:30:00Z")]
    {
        let said = refusal(&packed(&[entry(BUILD_INFO, text.as_bytes())]));
        assert!(said.contains(reason), "{said}");
    }
    let java = refusal(&packed(&[entry(MANIFEST, b"Build-Jdk-Spec: new\n")]));
    assert!(java.contains("Java version like 21"), "{java}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// No bytes make the reader panic, and what it accepts after damage another reader reads in the same way: the same
    /// names, and the same content of the entry that says the version.
    #[test]
    fn what_is_accepted_is_read_by_others_in_the_same_way(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
        behind in proptest::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = archive().with("bin/integrasjonspunkt", "program").bytes().unwrap();
        for (place, byte, kind) in damage {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, byte),
            }
        }
        bytes.extend(behind);
        let Ok(ours) = said(&bytes) else { return Ok(()) };
        let mut theirs = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        prop_assert_eq!(ours.entries, theirs.len());
        if let Ok(mut entry) = theirs.by_name(BUILD_INFO) {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            prop_assert!(text.contains("build.version=4.0.8\n"), "the checksum holds: {}", text);
            prop_assert_eq!(ours.version.as_deref(), Some("4.0.8"));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let end = [&bytes[..], b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0", &bytes[..bytes.len().min(6)]].concat();
        prop_assert!(said(&bytes).is_err() || bytes.len() == 22);
        let _ = said(&end);
    }
}

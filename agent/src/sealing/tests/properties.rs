//! Whatever is sealed comes out again.

use super::*;
use crate::domain::Finding;
use crate::ports::{ContentEncryption, KeyEncryption};
use proptest::prelude::*;
use std::io::Read;

fn files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3000),
        (any::<u8>(), 0..200_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    proptest::collection::btree_map("[a-zæøå0-9 &<>\"'%-]{1,20}\\.(pdf|xml|txt)", bytes, 0..5)
}

fn ways() -> impl Strategy<Value = Encryption> {
    let key = prop_oneof![Just(KeyEncryption::Oaep), Just(KeyEncryption::Pkcs1)];
    let content = prop_oneof![Just(ContentEncryption::Cbc), Just(ContentEncryption::Gcm)];
    (key, content).prop_map(|(key, content)| Encryption { key, content })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_files_are_sealed_and_opened_byte_for_byte(
        files in files(), how in ways(), in_pieces in 1..5000_usize, out_pieces in 1..5000_usize,
    ) {
        let listed: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let (package, memory) = to_seal(&listed, in_pieces);
        let from = sealer_over(&[OLD], Arc::new(memory));
        let sealed = run(async { all(from.seal(&package, &certificate(NEW), how).await.unwrap()).await.unwrap() });
        let (asic, verdict) = run(open(&sealer(&[STRANGER, NEW]), &sealed, out_pieces)).unwrap();
        prop_assert_eq!(&verdict.finding, &Finding::Signed);
        prop_assert!(verdict.weak.is_empty());
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(asic)).unwrap();
        prop_assert_eq!(zip.len(), files.len() + 5);
        for (name, bytes) in &files {
            let mut read = Vec::new();
            zip.by_name(name).unwrap().read_to_end(&mut read).unwrap();
            prop_assert_eq!(&read, bytes);
        }
    }
}

#[test]
fn the_entries_stand_in_the_order_that_is_asked_for_and_say_what_they_should() {
    let files: [(&str, &[u8]); 3] = [("b.pdf", b"B"), ("arkivmelding.xml", b"<a/>"), ("a.pdf", b"A")];
    let sealed = run(seal(OLD, &files, NEW, Encryption::over(crate::domain::Service::Dpo)));
    let (asic, _) = run(open(&sealer(&[NEW]), &sealed, 4096)).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(asic)).unwrap();
    assert_eq!(zip.comment(), b"mimetype=application/vnd.etsi.asic-e+zip");
    let names: Vec<String> = (0..zip.len()).map(|at| zip.by_index(at).unwrap().name().unwrap().into_owned()).collect();
    let signature = names[6].clone();
    assert!(signature.starts_with("META-INF/signature-"), "{signature}");
    let expected = ["mimetype", "manifest.xml", "arkivmelding.xml", "b.pdf", "a.pdf", "META-INF/ASiCManifest.xml"];
    assert_eq!(names[..6], expected);
    assert_eq!(names[7..], ["META-INF/manifest.xml"]);
    let mimetype = zip.by_index(0).unwrap();
    assert_eq!(mimetype.compression(), zip::CompressionMethod::Stored);
    assert_eq!(mimetype.comment(), "mimetype=application/vnd.etsi.asic-e+zip");
    drop(mimetype);
    let mut text = |name: &str| std::io::read_to_string(zip.by_name(name).unwrap()).unwrap();
    assert_eq!(text("mimetype"), "application/vnd.etsi.asic-e+zip");
    let shown = [text("manifest.xml"), text("META-INF/ASiCManifest.xml"), text("META-INF/manifest.xml")].join("\n");
    insta::assert_snapshot!(shown.replace(&signature, "META-INF/signature-….p7s"));
}

#[test]
fn what_cannot_be_packed_is_named() {
    let told = |files: &[(&str, &[u8])]| {
        let (package, memory) = to_seal(files, 1000);
        let from = sealer_over(&[OLD], Arc::new(memory));
        let how = Encryption::over(crate::domain::Service::Dpo);
        run(async { all(from.seal(&package, &certificate(NEW), how).await.unwrap()).await }).unwrap_err().to_string()
    };
    assert_eq!(
        told(&[("META-INF/x.xml", b"")]),
        "pack file 'META-INF/x.xml': names below META-INF/ belong to the package itself"
    );
    assert_eq!(told(&[("manifest.xml", b"")]), "pack file 'manifest.xml': the package has a file of this name");
    assert_eq!(told(&[("../x", b"")]), "pack file '../x': its name leads out of its folder");
    assert_eq!(told(&[("a\\b", b"")]), "pack file 'a\\b': its name has a backslash");
}

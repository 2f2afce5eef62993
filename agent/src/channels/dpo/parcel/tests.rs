//! Parcels as they come, good and bad.

use super::*;
use futures_util::StreamExt;

struct Given(Vec<Bytes>);

impl BlobReader for Given {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(async move { Ok((!self.0.is_empty()).then(|| self.0.remove(0))) })
    }
}

async fn all(mut reader: Box<dyn BlobReader>) -> Result<Vec<u8>, BlobError> {
    let mut all = Vec::new();
    while let Some(bytes) = reader.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn zip_of(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn why(bytes: &[u8]) -> String {
    unpack(file_of(bytes)).await.err().unwrap().to_string()
}

#[tokio::test]
async fn what_is_packed_is_read_as_often_as_one_likes_and_unpacked_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let package: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let given = Box::new(Given(package.chunks(70_001).map(Bytes::copy_from_slice).collect()));
    let (file, length) = pack(folder.path(), "{}".into(), Some(given), 1).await.unwrap();
    for _ in 0..2 {
        let chunks: Vec<_> = chunks(Arc::clone(&file)).collect().await;
        let sum: usize = chunks.into_iter().map(|chunk| chunk.unwrap().len()).sum();
        assert_eq!(u64::try_from(sum).unwrap(), length);
    }
    let unpacked = unpack(Arc::into_inner(file).unwrap()).await.unwrap();
    assert!(matches!(unpacked.sbd, Sbd::Json(text) if text == b"{}"));
    assert_eq!(all(unpacked.package.unwrap()).await.unwrap(), package);
    // Nothing with a name was left there.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_java_packs_and_what_old_ones_packed_is_read() {
    let entries: &[(&str, &[u8])] = &[("note.txt", b"x"), ("asic.zip", b"sealed"), ("content.xml", b"<x/>")];
    let unpacked = unpack(file_of(&zip_of(entries, CompressionMethod::Deflated))).await.unwrap();
    assert!(matches!(unpacked.sbd, Sbd::Xml(text) if text == b"<x/>"));
    assert_eq!(all(unpacked.package.unwrap()).await.unwrap(), b"sealed");
    let unpacked = unpack(file_of(&zip_of(&[("sbd.json", b"{}")], CompressionMethod::Stored))).await.unwrap();
    assert!(unpacked.package.is_none());
}

#[tokio::test]
async fn what_is_no_parcel_is_told() {
    assert!(why(b"not a zip").await.starts_with("it is no zip: "));
    let whole = zip_of(&[("sbd.json", b"{}")], CompressionMethod::Deflated);
    assert!(why(&whole[..whole.len() / 2]).await.starts_with("it is no zip: "));
    assert_eq!(why(&zip_of(&[("other", b"")], CompressionMethod::Deflated)).await, "it has no sbd.json");
    let long = vec![b' '; 6 << 20];
    let told = why(&zip_of(&[("sbd.json", &long)], CompressionMethod::Deflated)).await;
    assert_eq!(told, "its sbd.json has more than 5242880 bytes");
}

#[tokio::test]
async fn a_package_that_swells_is_not_believed() {
    let bomb = vec![0; 40 << 20];
    let zip = zip_of(&[("sbd.json", b"{}"), ("asic.zip", &bomb)], CompressionMethod::Deflated);
    let unpacked = unpack(file_of(&zip)).await.unwrap();
    let told = all(unpacked.package.unwrap()).await.unwrap_err().to_string();
    assert!(told.contains("swells to more than"), "{told}");
}

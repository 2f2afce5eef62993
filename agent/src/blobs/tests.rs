//! What goes in comes out, cannot be read on the disk, and cannot be cut off or moved.

use super::*;
use bytes::Bytes;

fn id(number: u8) -> BlobId {
    BlobId::random([number; 16])
}

async fn put(blobs: &Folder, id: &BlobId, pieces: &[&[u8]]) -> u64 {
    let mut writer = blobs.begin(id).await.unwrap();
    for piece in pieces {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn take(blobs: &Folder, id: &BlobId) -> Result<Vec<u8>, BlobError> {
    let mut reader = blobs.open(id).await?;
    let mut all = Vec::new();
    while let Some(bytes) = reader.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

#[tokio::test]
async fn what_goes_in_comes_out_at_every_length_around_a_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    let chunk = cipher::CHUNK_LENGTH;
    let lengths = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1, 3 * chunk, 4 * chunk, 5 * chunk + 17];
    for (number, length) in (0..).zip(lengths) {
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let pieces: Vec<&[u8]> = bytes.chunks(10_007).collect();
        assert_eq!(put(&blobs, &id(number), &pieces).await, u64::try_from(length).unwrap());
        // Another start reads it with the same key.
        let again = Folder::open(folder.path()).unwrap();
        assert_eq!(take(&again, &id(number)).await.unwrap(), bytes, "{length}");
    }
}

#[tokio::test]
async fn nothing_can_be_read_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    let secret = b"a citizen's letter ".repeat(10_000);
    put(&blobs, &id(1), &[&secret]).await;
    let lies = std::fs::read(blobs.path(&id(1))).unwrap();
    assert!(lies.len() > secret.len());
    assert!(!lies.windows(9).any(|window| window == b"citizen's"));
}

#[tokio::test]
async fn a_blob_that_was_cut_changed_or_renamed_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    let sealed = cipher::CHUNK_LENGTH + cipher::TAG_LENGTH;
    put(&blobs, &id(1), &[&vec![7; 2 * cipher::CHUNK_LENGTH + 5]]).await;
    let whole = std::fs::read(blobs.path(&id(1))).unwrap();
    let lies = |bytes: &[u8]| atomic::replace(&blobs.path(&id(1)), bytes).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let swapped =
        [&whole[..20], &whole[20 + sealed..20 + 2 * sealed], &whole[20..20 + sealed], &whole[20 + 2 * sealed..]];
    for spoilt in [
        whole[..whole.len() - 1].to_vec(),
        whole[..20 + sealed].to_vec(),
        whole[..20].to_vec(),
        changed,
        swapped.concat(),
    ] {
        lies(&spoilt);
        assert!(matches!(take(&blobs, &id(1)).await, Err(BlobError::Spoilt(_))), "{}", spoilt.len());
    }
    lies(&whole);
    assert!(take(&blobs, &id(1)).await.is_ok());
    put(&blobs, &id(2), &[b"x"]).await;
    std::fs::copy(blobs.path(&id(1)), blobs.path(&id(2))).unwrap();
    assert!(matches!(take(&blobs, &id(2)).await, Err(BlobError::Spoilt(_))));
}

#[tokio::test]
async fn one_that_was_not_finished_is_not_there_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    for length in [4, 20 * cipher::CHUNK_LENGTH] {
        let mut writer = blobs.begin(&id(1)).await.unwrap();
        writer.write(vec![7; length].into()).await.unwrap();
        drop(writer);
        assert!(matches!(blobs.open(&id(1)).await, Err(BlobError::Missing(_))));
    }
    // A blocking thread that still writes removes what it has written when it finds that nobody waits for it.
    let begun = std::time::Instant::now();
    while blobs.path(&id(1)).parent().unwrap().read_dir().unwrap().count() > 0 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "it leaves something");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    blobs.remove(&id(1)).await.unwrap();
    blobs.remove(&id(9)).await.unwrap();
}

#[tokio::test]
async fn only_what_is_older_is_listed_and_unfinished_ones_of_that_age_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000);
    for number in [1, 2] {
        put(&blobs, &id(number), &[b"x"]).await;
    }
    let part = u8::from_str_radix(&id(1).as_str()[..2], 16).unwrap();
    let unfinished = blobs.path(&id(1)).with_extension(format!("ab{}", atomic::UNFINISHED));
    for path in [blobs.path(&id(1)), unfinished.clone()] {
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    let older = async |part, seconds| blobs.older(part, Timestamp::from_second(seconds).unwrap()).await.unwrap();
    assert_eq!(older(part, 1000).await, []);
    assert!(unfinished.exists());
    assert_eq!(older(part, 1001).await, [id(1)]);
    assert!(!unfinished.exists());
    assert_eq!(older(part.wrapping_add(1), 1001).await, []);
}

#[test]
fn programs_that_begin_at_once_in_one_folder_have_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Folder::open(folder.path()).unwrap().key.bytes().to_vec();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing but the key and the mark is left");
}

fn identity(alias: &str) -> crate::keystore::Identity {
    let made = rcgen::generate_simple_self_signed([alias.to_owned()]).unwrap();
    let pem = format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem());
    crate::keystore::Keystore::from_pem(alias, pem.as_bytes()).unwrap().entries.pop().unwrap()
}

#[tokio::test]
async fn a_wrapped_key_opens_with_the_keystore_only_and_follows_a_change_of_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, other) = (identity("old"), identity("new"), identity("other"));
    let open = |identities: &[&crate::keystore::Identity], is_wrapped| {
        Folder::open_with(folder.path(), None, Guard { identities, is_wrapped }, May::Make)
    };
    let lies = || std::fs::read_to_string(folder.path().join("key")).unwrap();
    put(&open(&[], false).unwrap(), &id(1), &[b"letter"]).await;
    let plain = lies();
    let refused = open(&[], true).unwrap_err().to_string();
    assert!(refused.contains("is to be wrapped with the organisation's keystore"), "{refused}");
    for (identities, is_wrapped, lines) in [
        (&[&old][..], true, 1),
        (&[&old], true, 1),
        (&[&new, &old], true, 2),
        (&[&new], true, 1),
        (&[&new], false, 0),
        (&[&new], true, 1),
    ] {
        let before = lies();
        let blobs = open(identities, is_wrapped).unwrap();
        assert_eq!(take(&blobs, &id(1)).await.unwrap(), b"letter");
        let after = lies();
        assert_eq!(after.matches("efm-key-1 ").count(), lines);
        assert_eq!(after == plain, lines == 0);
        // What is as it should be is not written again.
        drop(open(identities, is_wrapped).unwrap());
        assert_eq!(lies(), after);
        assert_ne!(before, String::new());
    }
    for (identities, is_wrapped) in [(&[&other][..], true), (&[&old], true), (&[], false)] {
        let refused = open(identities, is_wrapped).unwrap_err().to_string();
        assert!(refused.contains("start once with the keystore that has it beside the new one"), "{refused}");
    }
    let spoilt = lies().replace(' ', " 0");
    atomic::replace(&folder.path().join("key"), spoilt.as_bytes()).unwrap();
    assert!(open(&[&new], true).unwrap_err().to_string().contains("does not hold a key"));
}

/// Everything that is not there, and is not made.
#[tokio::test]
async fn what_may_hold_files_is_found_or_missed_and_never_made_anew() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, away) = (home.path().join("messages"), home.path().join("away"));
    let key_file = elsewhere.path().join("blobs.key");
    for key in [None, Some(key_file.as_path())] {
        let open = |may| Folder::open_with(&folder, key, Guard::NONE, may);
        let missed = |what: &str| {
            let error = open(May::Find).unwrap_err();
            assert!(error.kind() == io::ErrorKind::NotFound && error.to_string().contains(what), "{what}: {error}");
        };
        missed("is not there: mount it");
        assert!(!folder.exists());
        let blobs = open(May::Make).unwrap();
        put(&blobs, &id(1), &[b"letter"]).await;
        assert_eq!(take(&open(May::Find).unwrap(), &id(1)).await.unwrap(), b"letter");
        // From before there were marks.
        std::fs::remove_file(folder.join("mark")).unwrap();
        assert_eq!(take(&open(May::Find).unwrap(), &id(1)).await.unwrap(), b"letter");
        std::fs::rename(&folder, &away).unwrap();
        missed("is not there: mount it");
        std::fs::create_dir(&folder).unwrap();
        missed(if key.is_none() { "has no key: mount it, or restore" } else { "holds no files" });
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
        std::fs::rename(&away, &folder).unwrap();
        let file = key.map_or_else(|| folder.join("key"), std::path::Path::to_owned);
        std::fs::rename(&file, &away).unwrap();
        missed("has no key: mount it, or restore");
        assert!(!file.exists());
        atomic::replace(&file, "ab".repeat(32).as_bytes()).unwrap();
        let refused = open(May::Make).unwrap_err().to_string();
        assert!(refused.contains("holds another key than the one of the files in"), "{refused}");
        std::fs::rename(&away, &file).unwrap();
        assert_eq!(take(&open(May::Find).unwrap(), &id(1)).await.unwrap(), b"letter");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_goes_away_is_not_made_again_and_says_nothing_of_its_blobs() {
    let home = tempfile::tempdir().unwrap();
    let (folder, away) = (home.path().join("messages"), home.path().join("away"));
    let blobs = Folder::open(&folder).unwrap();
    put(&blobs, &id(1), &[b"letter"]).await;
    let mut begun = blobs.begin(&id(2)).await.unwrap();
    begun.write(vec![7; 20 * cipher::CHUNK_LENGTH].into()).await.unwrap();
    std::fs::rename(&folder, &away).unwrap();
    assert!(begun.finish().await.is_err());
    for is_empty_there in [false, true] {
        if is_empty_there {
            std::fs::create_dir(&folder).unwrap();
        }
        assert!(matches!(take(&blobs, &id(1)).await, Err(BlobError::Open { .. })));
        assert!(matches!(blobs.look().await, Err(BlobError::Open { .. })));
        assert!(blobs.older(0, Timestamp::MAX).await.is_err());
        let mut writer = blobs.begin(&id(3)).await.unwrap();
        writer.write(Bytes::from_static(b"x")).await.unwrap();
        assert!(writer.finish().await.is_err());
        assert!(is_empty_there || !folder.exists());
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    blobs.look().await.unwrap();
    assert_eq!(take(&blobs, &id(1)).await.unwrap(), b"letter");
    assert!(matches!(take(&blobs, &id(3)).await, Err(BlobError::Missing(_))), "in a whole folder it is gone");
    std::fs::rename(folder.join("key"), &away).unwrap();
    assert!(blobs.look().await.unwrap_err().to_string().contains("open the folder of files"));
    assert!(matches!(take(&blobs, &id(3)).await, Err(BlobError::Open { .. })));
}

#[tokio::test]
async fn a_key_may_lie_elsewhere_and_is_never_made_a_second_time() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = elsewhere.path().join("keys/blobs.key");
    put(&Folder::open(folder.path()).unwrap(), &id(1), &[b"letter"]).await;
    let open = || Folder::open_with(folder.path(), Some(&file), Guard::NONE, May::Make);
    let refused = open().unwrap_err().to_string();
    assert!(refused.contains("; move it to "), "{refused}");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::rename(folder.path().join("key"), &file).unwrap();
    assert_eq!(take(&open().unwrap(), &id(1)).await.unwrap(), b"letter");
    let fresh = tempfile::tempdir().unwrap();
    let new = elsewhere.path().join("new/key");
    let blobs = Folder::open_with(fresh.path(), Some(&new), Guard::NONE, May::Make).unwrap();
    put(&blobs, &id(1), &[b"x"]).await;
    assert!(new.exists() && !fresh.path().join("key").exists());
}

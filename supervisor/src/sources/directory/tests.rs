//! A folder source, on real folders.

use super::*;
use crate::config::settings::Kind;

struct Share(tempfile::TempDir);

impl Share {
    fn with(names: &[&str]) -> Self {
        let share = Self(tempfile::tempdir().unwrap());
        for name in names {
            share.put(name, name.as_bytes());
        }
        share
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        efm::atomic::replace(&self.0.path().join(name), bytes).unwrap();
    }

    fn source(&self, channel: Channel) -> Directory {
        let wish = Wish { profile: "production".into(), channel, kind: Kind::Java };
        Directory::new(self.0.path().to_owned(), "integrasjonspunkt".into(), wish, network())
    }

    async fn found(&self, channel: Channel) -> String {
        match self.source(channel).find().await {
            Ok(release) => release.tag.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

fn network() -> Network {
    Network {
        way: efm::outside::Network::straight("kosmos/test", Duration::from_secs(5)),
        read_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(5),
        slowest_bytes_per_second: 1,
        fastest_bytes_per_second: None,
        list_limit_bytes: 1 << 10,
        signature_limit_bytes: 1 << 10,
        jar_limit_bytes: 1 << 20,
    }
}

fn release(tag: &str) -> Release {
    Release { tag: tag.parse().unwrap() }
}

async fn all(mut opened: Opened) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = opened.body.chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

#[tokio::test]
async fn the_newest_version_is_found_and_prereleases_only_with_earlybird() {
    let share = Share::with(&[
        "integrasjonspunkt-v4.0.9.jar",
        "integrasjonspunkt-v4.0.10.jar",
        "integrasjonspunkt-4.1.0-beta.jar",
        "integrasjonspunkt-v9.9.9.jar.asc",
        "integrasjonspunkt-v9.9.9.zip",
        "integrasjonspunkt-local.properties",
        "integrasjonspunkt-.jar",
        "other-v9.9.9.jar",
        "æ",
    ]);
    assert_eq!(share.found(Channel::Latest).await, "v4.0.10");
    assert_eq!(share.found(Channel::Earlybird).await, "4.1.0-beta");
}

#[tokio::test]
async fn a_list_in_the_folder_decides() {
    let share = Share::with(&["integrasjonspunkt-v4.0.9.jar", "integrasjonspunkt-v4.0.8.jar"]);
    share.put("Latest-Versions.yml", b"integrasjonspunkt: {environments: {production: {latest: v4.0.8}}}");
    assert_eq!(share.found(Channel::Latest).await, "v4.0.8");
    share.put("Latest-Versions.yml", b"integrasjonspunkt: {environments: {production: {latest: ../v4.0.8}}}");
    assert!(share.found(Channel::Latest).await.starts_with("read release list "));
    share.put("Latest-Versions.yml", &[b'#'; 2000]);
    assert!(share.found(Channel::Latest).await.contains("limit of 1024 bytes"));
}

#[tokio::test]
async fn names_are_found_whatever_their_case() {
    let share = Share::with(&["Integrasjonspunkt-V4.0.8.JAR", "INTEGRASJONSPUNKT-v4.0.8.jar.ASC"]);
    let source = share.source(Channel::Latest);
    let found = source.find().await.unwrap();
    assert_eq!(found.tag.as_str(), "v4.0.8");
    assert_eq!(source.signature(&found).await.unwrap(), b"INTEGRASJONSPUNKT-v4.0.8.jar.ASC");
    assert_eq!(all(source.open(&found, None).await.unwrap()).await, b"Integrasjonspunkt-V4.0.8.JAR");
}

#[tokio::test]
async fn what_is_not_complete_is_not_published_yet() {
    let share = Share::with(&["integrasjonspunkt-v4.0.8.jar"]);
    share.put("integrasjonspunkt-v4.0.9.jar", b"");
    let source = share.source(Channel::Latest);
    let missing = source.signature(&release("v4.0.8")).await.unwrap_err();
    assert!(matches!(&missing, SourceError::NotPublished { what } if what.ends_with("v4.0.8.jar.asc")), "{missing}");
    assert!(matches!(source.open(&release("v4.0.9"), None).await, Err(SourceError::NotPublished { .. })));
    assert!(matches!(source.open(&release("v4.0.7"), None).await, Err(SourceError::NotPublished { .. })));
    let empty = Share::with(&[]);
    assert!(matches!(empty.source(Channel::Latest).find().await, Err(SourceError::NotPublished { .. })));
}

#[tokio::test]
async fn a_file_that_grows_is_still_being_copied() {
    use std::io::Write;
    let share = Share::with(&["integrasjonspunkt-v4.0.8.jar"]);
    let path = share.0.path().join("integrasjonspunkt-v4.0.8.jar");
    let mut copier = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let (file, before) = open_measured(share.0.path(), "integrasjonspunkt-v4.0.8.jar").unwrap();
    copier.write_all(b"more").unwrap();
    let growing = opened(file, &before, &path, None, 1 << 20).unwrap_err();
    assert!(growing.to_string().contains("still being copied"), "{growing}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
    let share = Share::with(&[]);
    let gone = Directory { folder: share.0.path().join("gone"), ..share.source(Channel::Latest) };
    let error = gone.find().await.unwrap_err();
    assert!(matches!(&error, SourceError::Read { what, .. } if what.ends_with("gone")), "{error}");
}

#[tokio::test]
async fn both_ways_to_write_a_version_are_found() {
    let share = Share::with(&["integrasjonspunkt-4.0.8.jar", "integrasjonspunkt-v4.0.9.jar"]);
    let source = share.source(Channel::Latest);
    for (version, tag) in [("4.0.8", "4.0.8"), ("4.0.9", "v4.0.9")] {
        assert_eq!(source.named(&version.parse().unwrap()).await.unwrap().tag.as_str(), tag);
    }
    let error = source.named(&"4.0.7".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, SourceError::NotPublished { .. }), "{error}");
}

#[tokio::test]
async fn a_copy_goes_on_where_it_ended_only_if_the_file_is_the_same() {
    let share = Share::with(&["integrasjonspunkt-v4.0.8.jar"]);
    let source = share.source(Channel::Latest);
    let first = source.open(&release("v4.0.8"), None).await.unwrap();
    assert_eq!((first.starts_at, first.length), (0, Some(28)));
    let resume = Resume { offset: 20, validator: first.validator.clone().unwrap() };
    let rest = source.open(&release("v4.0.8"), Some(&resume)).await.unwrap();
    assert_eq!((rest.starts_at, rest.length), (20, Some(28)));
    assert_eq!(all(rest).await, b"v4.0.8.jar"[2..].to_vec());
    let other = Resume { offset: 20, validator: "28-1".into() };
    assert_eq!(source.open(&release("v4.0.8"), Some(&other)).await.unwrap().starts_at, 0);
}

#[tokio::test]
async fn limits_and_bad_checksums_are_told() {
    let share = Share::with(&[]);
    share.put("integrasjonspunkt-v4.0.8.jar", &vec![0; (1 << 20) + 1]);
    share.put("integrasjonspunkt-v4.0.8.jar.asc", &[0; 1025]);
    share.put("integrasjonspunkt-v4.0.8.jar.sha1", b"rubbish");
    let source = share.source(Channel::Latest);
    let errors = [
        source.open(&release("v4.0.8"), None).await.unwrap_err(),
        source.signature(&release("v4.0.8")).await.unwrap_err(),
        source.checksums(&release("v4.0.8")).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, SourceError::Refused { .. }), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_followed_only_inside_the_folder() {
    use std::os::unix::fs::symlink;
    let (share, outside) = (Share::with(&["real.jar"]), Share::with(&["secret"]));
    let link = |name: &str| share.0.path().join(name);
    symlink("real.jar", link("integrasjonspunkt-v4.0.7.jar")).unwrap();
    symlink(outside.0.path().join("secret"), link("integrasjonspunkt-v4.0.8.jar")).unwrap();
    fs::create_dir(link("integrasjonspunkt-v4.0.9.jar")).unwrap();
    let source = share.source(Channel::Latest);
    assert_eq!(all(source.open(&release("v4.0.7"), None).await.unwrap()).await, b"real.jar");
    for (tag, reason) in [("v4.0.8", "leads out of its folder"), ("v4.0.9", "not a file")] {
        let error = source.open(&release(tag), None).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

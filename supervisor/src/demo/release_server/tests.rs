//! The honest server, asked by our own client.

use super::*;
use crate::config::settings::Network;
use crate::ports::{Resume, SourceError};
use crate::sources::http::{Listed, Session, Validators};
use std::sync::{Arc, Mutex};

fn network() -> Network {
    let patience = Duration::from_secs(20);
    Network {
        way: efm::outside::Network::straight("kosmos/test", patience),
        read_timeout: patience,
        total_timeout: patience,
        slowest_bytes_per_second: 1,
        fastest_bytes_per_second: None,
        list_limit_bytes: 1 << 20,
        signature_limit_bytes: 1 << 20,
        jar_limit_bytes: 1 << 30,
    }
}

async fn get(url: &Url) -> Result<Vec<u8>, SourceError> {
    Session::new(&network())?.small(url, 1 << 20).await
}

#[tokio::test]
async fn what_is_on_the_shelf_is_served_and_counted_and_can_be_changed() {
    let server = Background::start().unwrap();
    let (shelf, url) = (server.shelf(), server.url("a/b.txt").unwrap());
    assert!(matches!(get(&url).await, Err(SourceError::NotPublished { .. })));
    shelf.put("/a/b.txt", "one");
    assert_eq!(get(&url).await.unwrap(), b"one");
    shelf.put("/a/b.txt", "three");
    assert_eq!(get(&url).await.unwrap(), b"three");
    shelf.remove("/a/b.txt");
    assert!(get(&url).await.is_err());
    assert_eq!((shelf.requests("/a/b.txt"), shelf.all_requests(), shelf.bytes_sent()), (4, 4, 8));
    shelf.forget_counts();
    assert_eq!((shelf.all_requests(), shelf.bytes_sent()), (0, 0));
}

#[tokio::test]
async fn a_list_that_is_known_is_not_sent_again() {
    let server = Background::start().unwrap();
    let (shelf, url, network) = (server.shelf(), server.url("list").unwrap(), network());
    shelf.put("/list", "one");
    let session = Session::new(&network).unwrap();
    let Listed::New { body, validators } = session.list(&url, &Validators::default()).await.unwrap() else { panic!() };
    assert_eq!(body, b"one");
    assert_eq!(session.list(&url, &validators).await.unwrap(), Listed::Unchanged);
    assert_eq!(shelf.bytes_sent(), 3);
    shelf.put("/list", "two");
    assert!(matches!(session.list(&url, &validators).await.unwrap(), Listed::New { .. }));
}

#[tokio::test]
async fn the_rest_is_served_from_memory_and_from_files() {
    let server = Background::start().unwrap();
    let (shelf, network) = (server.shelf(), network());
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.jar");
    efm::atomic::replace(&file, &content).unwrap();
    shelf.put("/memory", content.clone());
    shelf.put_file("/file", file);
    for place in ["memory", "file"] {
        let url = server.url(place).unwrap();
        let session = Session::new(&network).unwrap();
        let first = session.open(&url, None).await.unwrap();
        assert_eq!((first.starts_at, first.length), (0, Some(1_200_000)));
        let resume = Resume { offset: 700_001, validator: first.validator.clone().unwrap() };
        let mut rest = session.open(&url, Some(&resume)).await.unwrap();
        assert_eq!((rest.starts_at, rest.length), (700_001, Some(1_200_000)));
        let mut bytes = Vec::new();
        while let Some(chunk) = rest.body.chunk().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        assert!(bytes == content[700_001..], "{place}");
        let stale = Resume { validator: "\"other\"".into(), ..resume };
        assert_eq!(session.open(&url, Some(&stale)).await.unwrap().starts_at, 0);
    }
}

#[tokio::test]
async fn each_request_is_told() {
    let server = ReleaseServer::bind().await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (shelf, url, ear) = (server.shelf(), server.url("x").unwrap(), Arc::clone(&told));
    shelf.put("/x", "four");
    shelf.tell(move |access| ear.lock().unwrap().push(access.clone()));
    tokio::select! {
        () = server.serve() => unreachable!(),
        got = get(&url) => assert_eq!(got.unwrap(), b"four"),
    }
    let access = Access { method: "GET".into(), path: "/x".into(), status: 200, length: 4 };
    assert_eq!(*told.lock().unwrap(), [access]);
}

//! `SQLite`, held to the contract. A test of each clause is made where the clause is.
use super::boxed;
use crate::store::Sqlite;
use std::path::Path;

pub(super) fn open(place: &Path) -> Sqlite {
    Sqlite::open(&place.join("store.sqlite"), &super::queued()).unwrap()
}

#[tokio::test]
async fn several_that_are_open_one_after_the_other_or_at_once() {
    let places: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let again = async |at: usize| boxed(open(places[at].path()));
    super::several::what_was_answered_is_there_when_it_is_opened_again(async || again(0).await).await;
    super::several::two_that_are_open_at_once_share_the_work(async || again(1).await).await;
    super::several::of_two_that_do_the_same_at_once_one_does_it(async || again(2).await).await;
    super::several::two_that_are_open_at_once_share_the_lanes(async || again(3).await).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_nobody_back() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let beside = rusqlite::Connection::open(place.path().join("store.sqlite")).unwrap();
    let spoil = async |text: &str| beside.execute_batch(text).unwrap();
    super::several::a_row_that_cannot_be_read_keeps_nobody_back(&store, spoil).await;
}

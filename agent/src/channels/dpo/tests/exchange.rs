//! What goes well: who sends to whom, as whom, over which channel, how much.

use super::*;

#[tokio::test]
async fn a_message_goes_from_one_to_the_other_and_comes_until_it_is_confirmed() {
    let world = World::new();
    let (a, b) = (world.of(&[A], None), world.of(&[B], None));
    assert_eq!((a.check().await, b.check().await), (Ok(()), Ok(())));
    let sent = parcel(1, &["brev.pdf", "vedlegg.pdf"]);
    a.send(&sent).await.unwrap();
    for _ in 0..2 {
        let mut came = messages(round(&b).await);
        assert_eq!(came.len(), 1, "also when a download was begun before");
        assert_eq!(came[0].envelope, sent.envelope);
        assert_eq!(text(&mut came[0]).await, "0192:910077473 0192:910075918 brev.pdf,vedlegg.pdf");
    }
    let receipt = messages(round(&b).await).remove(0).receipt;
    b.confirm(&receipt).await.unwrap();
    b.confirm(&receipt).await.unwrap();
    assert!(round(&b).await.is_empty() && round(&a).await.is_empty());
    assert_eq!(world.broker.transfers()[0].status, FileStatus::AllConfirmedDownloaded);
}

#[tokio::test]
async fn what_another_program_began_and_never_confirmed_is_found_again() {
    let world = World::new();
    world.of(&[A], None).send(&parcel(1, &[])).await.unwrap();
    assert_eq!(messages(round(&world.of(&[B], None)).await).len(), 1);
    assert_eq!(world.broker.transfers()[0].recipients["0192:910075918"], RecipientStatus::DownloadStarted);
    let other = world.of(&[B], None);
    assert_eq!(messages(round(&other).await).len(), 1, "at its start");
}

#[tokio::test]
async fn who_acts_for_others_sends_and_fetches_as_each_of_them() {
    let world = World::new();
    let (ours, other) = ("991825827", "0192:991825827");
    let a = world.of(&[A, ours], None);
    let mut sent = parcel(1, &["brev.pdf"]);
    sent.envelope.sender = Some(Participant::organisation(ours).sent_by(A).into());
    a.send(&sent).await.unwrap();
    assert_eq!(world.broker.transfers()[0].announced.sender, other);
    let came = messages(round(&world.of(&[B], None)).await).remove(0);
    assert_eq!(came.envelope.sender().unwrap().text(), other);
    // And back to the one that we act for.
    let mut back = parcel(2, &[]);
    (back.envelope.sender, back.envelope.receiver) = (back.envelope.receiver, came.envelope.sender);
    world.of(&[B], None).send(&back).await.unwrap();
    let came = messages(round(&a).await).remove(0);
    a.confirm(&came.receipt).await.unwrap();
    assert!(round(&a).await.is_empty());
    // Whom nobody has named a system user for cannot send.
    sent.envelope.sender = Some(Participant::organisation("987654321").sent_by(A).into());
    let told = a.send(&sent).await.unwrap_err().to_string();
    assert!(told.contains("0192:987654321") && told.contains("difi.move.dpo.reportees"), "{told}");
}

#[tokio::test]
async fn channels_part_what_comes_in() {
    let world = World::new();
    let a = world.of(&[A], None);
    let mut status = parcel(1, &[]);
    status.envelope.document.kind = Kind::Status;
    status.envelope.document.kind_as_written = "status".into();
    status.envelope.body.text = r#"{"status":"MOTTATT"}"#.into();
    status.envelope.name_channel("archive".into());
    a.send(&status).await.unwrap();
    a.send(&parcel(2, &[])).await.unwrap();
    assert_eq!(world.references()[0], "archive");
    let (plain, archive, other) = (world.of(&[B], None), world.of(&[B], Some("archive")), world.of(&[B], Some("o")));
    let kinds = |arrivals| messages(arrivals).into_iter().map(|it| it.envelope.document.kind).collect::<Vec<_>>();
    assert_eq!(kinds(round(&plain).await), [Kind::Arkivmelding]);
    assert_eq!(kinds(round(&archive).await), [Kind::Status]);
    assert_eq!(kinds(round(&other).await), []);
}

#[tokio::test]
async fn more_than_a_hundred_for_somebody_else_hide_nothing() {
    let world = World::new();
    let a = world.of(&[A], None);
    for _ in 0..120 {
        let id = a.client.announce(&a.users[0], "0192:910075918", "archive").await.unwrap();
        a.client.upload(&a.users[0], &id, Arc::new(tempfile::tempfile().unwrap()), 0).await.unwrap();
    }
    a.send(&parcel(1, &[])).await.unwrap();
    let b = world.of(&[B], None);
    assert_eq!(messages(round(&b).await).len(), 1);
    assert_eq!(messages(round(&b).await).len(), 1, "what was foreign is known, and the page after it is asked for");
}

#[tokio::test]
async fn a_hundred_and_thirty_come_in_one_round_in_the_order_in_which_they_were_left() {
    let world = World::new();
    let (a, b) = (world.of(&[A], None), world.of(&[B], None));
    for number in 0..130 {
        a.send(&parcel(number, &[])).await.unwrap();
    }
    let mut arrivals = b.fetch().await.unwrap();
    let mut came = Vec::new();
    while let Some(arrival) = arrivals.next().await.unwrap() {
        let arrived = messages(vec![arrival]).remove(0);
        b.confirm(&arrived.receipt).await.unwrap();
        came.push(arrived.envelope.document.message_id.unwrap().to_string());
    }
    let sent: Vec<_> = (0..130_u128).map(|it| crate::domain::MessageId::random(it.to_be_bytes()).to_string()).collect();
    assert_eq!(came, sent);
}

#[tokio::test]
async fn a_large_parcel_holds_up_no_small_one_not_even_one_that_comes_later() {
    let world = World::new();
    let large = world.leave(message(100, 9 << 20)).await;
    // Three seconds for it all.
    world.broker.slow_down(&large, Duration::from_millis(20));
    let a = world.of(&[A], None);
    for number in 0..6 {
        a.send(&parcel(number, &[])).await.unwrap();
    }
    let b = Dpo { pace: Duration::from_millis(100), limit_bytes: 20 << 20, ..world.of(&[B], None) };
    let mut arrivals = b.fetch().await.unwrap();
    let mut came = Vec::new();
    for _ in 0..6 {
        let arrived = messages(vec![arrivals.next().await.unwrap().unwrap()]).remove(0);
        b.confirm(&arrived.receipt).await.unwrap();
        came.push(id_of(&arrived));
    }
    assert_eq!(came, ids(0..6), "in their order");
    a.send(&parcel(6, &[])).await.unwrap();
    let next = messages(vec![arrivals.next().await.unwrap().unwrap()]).remove(0);
    assert_eq!(id_of(&next), ids([6])[0], "it came while the large one was on its way");
    b.confirm(&next.receipt).await.unwrap();
    let mut last = messages(vec![arrivals.next().await.unwrap().unwrap()]).remove(0);
    assert_eq!(id_of(&last), ids([100])[0]);
    // And one that comes while it is being taken in.
    a.send(&parcel(7, &[])).await.unwrap();
    let next = messages(vec![arrivals.next().await.unwrap().unwrap()]).remove(0);
    assert_eq!(id_of(&next), ids([7])[0]);
    b.confirm(&next.receipt).await.unwrap();
    let mut length = 0;
    while let Some(bytes) = last.package.as_mut().unwrap().next().await.unwrap() {
        length += bytes.len();
    }
    assert!(length > 0);
    b.confirm(&last.receipt).await.unwrap();
    assert!(arrivals.next().await.unwrap().is_none());
}

#[tokio::test]
async fn small_parcels_are_downloaded_side_by_side_and_come_in_their_order() {
    let world = World::new();
    let mut numbers = Vec::new();
    for number in 0..4_u64 {
        let id = world.leave(message(number.into(), 100)).await;
        // The first takes longest.
        world.broker.slow_down(&id, Duration::from_millis(600 - 150 * number));
        numbers.push(u128::from(number));
    }
    let b = world.of(&[B], None);
    let begun = std::time::Instant::now();
    let came: Vec<_> = messages(round(&b).await).iter().map(id_of).collect();
    assert_eq!(came, ids(numbers));
    // Each pauses twice: before its bytes, and before its end.
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
}

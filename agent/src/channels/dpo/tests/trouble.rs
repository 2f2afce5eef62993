//! What goes wrong: what is no message, who may not, a broker that fails, lies, or wants to be left alone.

use super::*;

#[tokio::test]
async fn what_is_no_message_is_garbage_and_does_not_keep_the_others_back() {
    let world = World::new();
    let sbd = crate::sbd::write(&parcel(1, &[]).envelope).unwrap().get().to_owned();
    let without_id = sbd.replace("instanceIdentifier", "x");
    world.leave(b"no zip".to_vec()).await;
    world.leave(zip(&[("sbd.json", b"{}")])).await;
    world.leave(zip(&[("sbd.json", without_id.as_bytes())])).await;
    world.leave(zip(&[("sbd.json", sbd.as_bytes()), ("asic.zip", b"not sealed")])).await;
    world.leave(zip(&[("sbd.json", sbd.as_bytes()), ("asic.zip", b"other's")])).await;
    world.of(&[A], None).send(&parcel(2, &["a"])).await.unwrap();
    let b = world.of(&[B], None);
    let came = round(&b).await;
    let why: Vec<_> = came
        .iter()
        .map(|arrival| match arrival {
            Arrival::Garbage(it) => format!("garbage, {}: {}", it.may_be_told, it.why),
            Arrival::Stays { why, .. } => format!("stays: {why}"),
            Arrival::Message(_) => "message".to_owned(),
        })
        .collect();
    assert_eq!(why.len(), 6, "{why:#?}");
    for (told, begins) in why.iter().zip([
        // A page of somebody in between, or half a file: it may come well next time, and is not confirmed.
        "stays: it is no zip",
        "garbage, false: the document has no member standardBusinessDocumentHeader",
        "garbage, false: its documentIdentification has no instanceIdentifier",
        "garbage, true: open a package: it is no encrypted CMS message",
        "stays: open a package: it is encrypted to x",
        "message",
    ]) {
        assert!(told.starts_with(begins), "{told} where {begins}");
    }
    // What did not come well, and what is sealed to another key, is left alone for a while.
    assert_eq!(round(&b).await.len(), 4);
}

#[tokio::test]
async fn who_lacks_a_right_is_told_which() {
    let world = World::new();
    let b = world.of(&[B], None);
    world.broker.may_use("0192:910075918", false);
    let Err(CannotUse::Refused(told)) = b.check().await else { panic!("it may be used") };
    for part in ["/filetransfer: 403", "910075918_user", RESOURCE, "must give it the right in Altinn"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let mut arrivals = b.fetch().await.unwrap();
    let trouble = arrivals.next().await.err().unwrap();
    assert_eq!((&trouble.text, trouble.is_partial), (&told, false));
    // Whom else we act for gets what is there.
    let both = world.of(&[B, A], None);
    let (trouble, mut arrivals) = (round_of(&both).await.err().unwrap(), b.fetch().await.unwrap());
    assert_eq!((trouble.text, trouble.is_partial), (told.clone(), true));
    assert!(arrivals.next().await.is_err());
    drop(world.server);
    assert!(matches!(b.check().await, Err(CannotUse::Unavailable(told)) if told.contains("connect")));
}

#[tokio::test]
async fn a_broker_that_fails_one_call_in_five_loses_nothing() {
    let world = World::new();
    world.faults.set(Duration::ZERO, 0.2);
    let (a, b) = (world.of(&[A], None), world.of(&[B], None));
    for number in 0..30 {
        let parcel = parcel(number, &["a"]);
        let mut tries = 0;
        while let Err(error) = a.send(&parcel).await {
            tries += 1;
            assert!(tries < 10, "{error}");
        }
    }
    let mut came = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let mut arrivals = b.fetch().await.unwrap();
        while let Ok(Some(arrival)) = arrivals.next().await {
            let Arrival::Message(mut arrived) = arrival else { continue };
            assert_eq!(text(&mut arrived).await, "0192:910077473 0192:910075918 a");
            // A confirmation whose answers were all lost may have been heard: then it does not come again.
            came.insert(arrived.envelope.document.message_id.unwrap());
            let _ = b.confirm(&arrived.receipt).await;
        }
    }
    assert_eq!(came.len(), 30);
    world.faults.set(Duration::ZERO, 0.0);
    assert!(round(&b).await.is_empty());
}

#[tokio::test]
async fn what_is_not_what_the_broker_tells_of_it_stays_there() {
    let world = World::new();
    let (a, b) = (world.of(&[A], None), world.of(&[B], None));
    for number in 0..4 {
        a.send(&parcel(number, &[])).await.unwrap();
    }
    let transfers = world.broker.transfers();
    world.broker.misstate(&transfers[0].id, Some(7), None);
    world.broker.misstate(&transfers[1].id, None, Some(&"0".repeat(32)));
    world.broker.misstate(&transfers[2].id, Some(1 << 40), None);
    let why: Vec<_> = round(&b)
        .await
        .into_iter()
        .map(|arrival| match arrival {
            Arrival::Stays { why, .. } => why,
            other @ (Arrival::Message(_) | Arrival::Garbage(_)) => messages(vec![other]).iter().map(id_of).collect(),
        })
        .collect();
    for part in [
        "bytes came where the broker's overview says 7",
        "where the broker's overview says 00000000000000000000000000000000",
        &ids([3])[0],
        "it has 1099511627776 bytes, and no more than 1048576 are taken",
    ] {
        assert!(why.iter().any(|told| told.contains(part)), "{part} in {why:#?}");
    }
    assert_eq!(why.len(), 4);
    let status = world.broker.transfers().into_iter().map(|it| it.status);
    assert!(status.into_iter().all(|it| it == FileStatus::Published), "none of them is confirmed");
}

#[tokio::test]
async fn what_is_cut_off_without_a_sign_comes_whole_or_not_at_all() {
    let world = World::new();
    for number in 0..20 {
        world.leave(message(number, 5000)).await;
    }
    world.broker.go_wrong(Mischief { cuts: 0.5, ..Mischief::default() }, 3);
    let (mut came, mut stayed) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..20 {
        // What came cut off is tried again after a minute; another program tries at once.
        let b = world.of(&[B], None);
        for arrival in round(&b).await {
            let Arrival::Message(mut arrived) = arrival else {
                stayed += 1;
                continue;
            };
            let mut length = 0;
            while let Some(bytes) = arrived.package.as_mut().unwrap().next().await.unwrap() {
                length += bytes.len();
            }
            assert_eq!(length, 5000);
            came.insert(id_of(&arrived));
            b.confirm(&arrived.receipt).await.unwrap();
        }
    }
    assert!(stayed > 5, "{stayed}");
    assert_eq!(came.len(), 20);
}

#[tokio::test]
async fn a_broker_that_fails_is_left_alone_however_much_is_to_be_sent() {
    let world = World::new();
    let (a, b) = (world.of(&[A], None), world.of(&[B, A], None));
    a.send(&parcel(0, &[])).await.unwrap();
    for code in [500, 503] {
        let channel = world.of(&[A], None);
        world.faults.refuse_all(Some((code, None)));
        let before = world.faults.asked();
        let mut busy = 0;
        for number in 0..50 {
            let error = channel.send(&parcel(number, &[])).await.unwrap_err();
            busy += u32::from(matches!(error, SendError::Busy { .. }));
            let _ = channel.fetch().await.unwrap().next().await;
        }
        let asked = world.faults.asked() - before;
        assert!((5..10).contains(&asked), "{asked} requests");
        assert!(busy > 40, "{busy} were told to wait");
    }
    // 429, and for how long: nobody asks before.
    world.faults.refuse_all(Some((429, Some(Duration::from_secs(2)))));
    let before = world.faults.asked();
    let told = b.fetch().await.unwrap().next().await.err().unwrap();
    assert!(told.wait >= Some(Duration::from_secs(1)) && told.text.contains("429"), "{told:?}");
    let Err(SendError::Busy { text, wait }) = b.send(&parcel(9, &[])).await else { panic!("it is not told to wait") };
    assert!(text.contains("not asked") && wait <= Duration::from_secs(3), "{text} {wait:?}");
    assert_eq!(world.faults.asked() - before, 1);
    world.faults.refuse_all(None);
    let begun = std::time::Instant::now();
    while round_of(&b).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is left alone for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "it was asked too early");
}

async fn round_of(channel: &Dpo) -> Result<Vec<Arrival>, TroubleFetching> {
    let mut arrivals = channel.fetch().await?;
    let mut all = Vec::new();
    while let Some(arrival) = arrivals.next().await? {
        all.push(arrival);
    }
    Ok(all)
}

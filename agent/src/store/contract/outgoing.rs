//! Messages on their way out.

use super::{ALL, LIMIT, at, attach, blob, clauses, create, envelope, id, names};
use crate::domain::{About, Conversation, Direction, File, NewFile, Outgoing, Service};
use crate::ports::{Attached, ConversationFilter, Created, OutgoingFilter, PageRequest, Store};

async fn a_message_is_kept_once_with_its_conversation(store: &dyn Store) {
    assert_eq!(create(store, 1).await, Created::Kept);
    assert_eq!(create(store, 1).await, Created::Exists);
    let kept = store.outgoing(&id(1)).await.unwrap().unwrap();
    assert_eq!((kept.envelope, kept.files.len()), (envelope(1), 0));
    assert_eq!(names(store, 1).await, ["OPPRETTET"]);
    assert_eq!(store.outgoing(&id(2)).await.unwrap(), None);
    // The conversation keeps the id taken when the message has gone.
    store.discard(&id(1)).await.unwrap();
    assert_eq!(create(store, 1).await, Created::Exists);
}

async fn files_are_numbered_and_held_to_the_rules(store: &dyn Store) {
    create(store, 1).await;
    assert_eq!(attach(store, 2, "a", false, 1).await, Attached::NoSuchMessage);
    assert_eq!(attach(store, 1, "a", true, 400).await, Attached::Kept(1));
    assert_eq!(attach(store, 1, "a", false, 1).await, Attached::SameName);
    assert_eq!(attach(store, 1, "b", true, 1).await, Attached::SecondPrimary);
    assert_eq!(attach(store, 1, "b", false, 601).await, Attached::TooLarge(1001));
    assert_eq!(attach(store, 1, "b", false, 600).await, Attached::Kept(2));
    let files = store.outgoing(&id(1)).await.unwrap().unwrap().files;
    assert_eq!(files.iter().map(|file| file.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        (files[0].file.filename.as_str(), files[0].file.is_primary, files[1].file.length_bytes),
        ("a", true, 600)
    );
    assert_eq!(store.discard(&id(1)).await.unwrap(), [blob(b'a'), blob(b'b')]);
    assert_eq!(store.discard(&id(1)).await.unwrap(), []);
}

async fn a_message_may_come_with_its_files(store: &dyn Store) {
    let envelope = envelope(1);
    let conversation = Conversation::of(&envelope, Direction::Outgoing, Service::Dpo, at(0)).unwrap();
    let files = [1, 2].map(|number| {
        let (filename, mime_type) = (format!("{number}.pdf"), "application/pdf".to_owned());
        let is_primary = number == 2;
        let blob = blob(u8::try_from(number).unwrap());
        File { number, file: NewFile { blob, filename, title: None, mime_type, is_primary, length_bytes: 7 } }
    });
    let message = Outgoing { id: id(1), service: Service::Dpo, envelope, files: files.to_vec() };
    assert_eq!(store.create(message.clone(), conversation.clone()).await.unwrap(), Created::Kept);
    assert_eq!(store.outgoing(&id(1)).await.unwrap().unwrap(), message);
    assert_eq!(attach(store, 1, "c", true, 1).await, Attached::SecondPrimary);
    assert_eq!(store.create(message, conversation).await.unwrap(), Created::Exists);
    assert_eq!(store.discard(&id(1)).await.unwrap(), [blob(1), blob(2)]);
}

async fn what_a_file_says_of_its_message_is_noted_with_it(store: &dyn Store) {
    create(store, 1).await;
    let file = |name: &str| NewFile {
        blob: blob(name.as_bytes()[0]),
        filename: name.into(),
        title: None,
        mime_type: "text/xml".into(),
        is_primary: false,
        length_bytes: 1,
    };
    let told = async || {
        let it =
            store.conversations(ConversationFilter::default(), ALL).await.unwrap().rows.pop().unwrap().conversation;
        (it.title, it.reference, it.updated)
    };
    let begun = told().await;
    let about = |title: Option<&str>, reference: Option<&str>| About {
        title: title.map(str::to_owned),
        reference: reference.map(str::to_owned),
    };
    let one = id(1);
    let attach = async |name, about| store.attach(&one, file(name), about, LIMIT, at(9)).await.unwrap();
    attach("a", About::default()).await;
    assert_eq!(told().await, begun);
    attach("b", about(Some("Svar"), None)).await;
    assert_eq!(told().await, ("Svar".into(), begun.1.clone(), begun.2));
    attach("c", about(None, Some("s-7"))).await;
    assert_eq!(told().await, ("Svar".into(), "s-7".into(), begun.2));
    assert_eq!(attach("c", about(Some("Other"), None)).await, Attached::SameName);
    assert_eq!(told().await.0, "Svar", "what is refused says nothing");
    let found = ConversationFilter { title: Some("Svar".into()), ..ConversationFilter::default() };
    assert_eq!(store.conversations(found, ALL).await.unwrap().total, 1);
}

async fn pages_have_an_order_and_a_total(store: &dyn Store) {
    for number in 0..5 {
        create(store, number).await;
    }
    let page = |number| store.all_outgoing(OutgoingFilter::default(), PageRequest { number, size: 2 });
    let mut seen = Vec::new();
    for number in 0..4 {
        let page = page(number).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.rows.into_iter().map(|message| message.id));
    }
    assert_eq!(seen, (0..5).map(id).collect::<Vec<_>>());
    assert_eq!(store.counts().await.unwrap().outgoing, 5);
}

clauses![
    a_message_is_kept_once_with_its_conversation,
    files_are_numbered_and_held_to_the_rules,
    what_a_file_says_of_its_message_is_noted_with_it,
    a_message_may_come_with_its_files,
    pages_have_an_order_and_a_total,
];

//! The channel against a broker that is as strict as Altinn's, with doubles for what seals, who may ask, and who is known.

use super::*;
use crate::domain::{BlobId, File, Kind, Participant};
use crate::ports::{
    Arrival, Arrived, Asked, BlobError, BlobReader, Entry, Judgement, LookupError, NoRandom, Opened, Party,
    PostAddress, Record, Route, SealError, TokenAsk, TokenError, WrongCertificate,
};
use bytes::Bytes;
use efm::secret::Secret;
use efm_world::broker::{BASE, Bearer, Broker, FileStatus, READ, RecipientStatus, WRITE};
use efm_world::faults::Faults;
use efm_world::server::Server;
use futures_util::FutureExt;
use std::sync::atomic::{AtomicU64, Ordering};

const A: &str = "910077473";
const B: &str = "910075918";
const RESOURCE: &str = "eformidling-dpo-meldingsutveksling";

/// The token is the organisation of the system user.
struct Named;

impl Tokens for Named {
    fn maskinporten<'a>(&'a self, ask: &'a TokenAsk) -> Answer<'a, Secret, TokenError> {
        self.altinn(ask)
    }

    fn altinn<'a>(&'a self, ask: &'a TokenAsk) -> Answer<'a, Secret, TokenError> {
        let user = ask.system_user.as_ref().map(|user| user.org_id.clone()).unwrap_or_default();
        async move { Ok(Secret::new(user)) }.boxed()
    }

    fn client_id(&self) -> &'static str {
        "test"
    }
}

/// Everybody has this certificate.
struct Certified(String);

impl Registry for Certified {
    fn route<'a>(&'a self, envelope: &'a Envelope) -> Answer<'a, Route, LookupError> {
        let record = Record {
            organisation: envelope.receiver().unwrap().primary().to_owned(),
            certificate: self.0.clone(),
            process: String::new(),
            document_types: Vec::new(),
            service: Service::Dpo,
            endpoint: None,
            service_code: None,
            service_edition_code: None,
            security_level: None,
            resource: None,
            mailbox_supplier: None,
            mailbox: None,
            email: String::new(),
            mobile: String::new(),
            is_on_paper: false,
            may_be_notified: false,
            language: None,
            address: PostAddress::default(),
            return_address: PostAddress::default(),
            her_id: None,
            patient: None,
        };
        async move { Ok(Route { service: Service::Dpo, record: Some(record) }) }.boxed()
    }

    fn look_up<'a>(&'a self, _: &'a Asked) -> Answer<'a, Entry, LookupError> {
        async { Ok(Entry::default()) }.boxed()
    }

    fn who_is<'a>(&'a self, _: &'a str) -> Answer<'a, Party, LookupError> {
        async { Ok(Party::default()) }.boxed()
    }

    fn certificate<'a>(&'a self, _: &'a str) -> Answer<'a, String, LookupError> {
        async { Ok(self.0.clone()) }.boxed()
    }

    fn service_bus_key(&self) -> Answer<'_, Secret, LookupError> {
        async { Err(LookupError::NotFound("none".into())) }.boxed()
    }

    fn own_certificate(&self) -> Answer<'_, (), WrongCertificate> {
        async { Ok(()) }.boxed()
    }
}

/// "Seals" by a word before the names of the files; what begins otherwise is not ours.
struct Word;

struct Given(Option<Bytes>);

impl BlobReader for Given {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        async move { Ok(self.0.take()) }.boxed()
    }
}

impl Sealing for Word {
    fn seal<'a>(
        &'a self,
        package: &'a ToSeal,
        _: &'a [u8],
        _: Encryption,
    ) -> Answer<'a, Box<dyn BlobReader>, SealError> {
        let names: Vec<_> = package.files.iter().map(|file| file.file.filename.as_str()).collect();
        let parties = package.parties.as_ref().unwrap();
        let text = format!("sealed {} {} {}", parties.sender, parties.receiver, names.join(","));
        let reader: Box<dyn BlobReader> = Box::new(Given(Some(text.into())));
        async move { Ok(reader) }.boxed()
    }

    fn open(&self, mut sealed: Box<dyn BlobReader>) -> Answer<'_, Opened, SealError> {
        async move {
            let text = sealed.next().await.unwrap().unwrap();
            if text.starts_with(b"other") {
                return Err(SealError::WrongRecipient { sealed_to: "x".into(), ours: "y".into() });
            }
            let package = text.strip_prefix(b"sealed ").ok_or(SealError::NotSealed("strange".into()))?;
            let package = Box::new(Given(Some(Bytes::copy_from_slice(package))));
            Ok(Opened { package, judgement: Judgement::default() })
        }
        .boxed()
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Random for Counted {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        let mut bytes = [7; 16];
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(bytes)
    }
}

struct World {
    broker: Broker,
    faults: Faults,
    server: Server,
    folder: tempfile::TempDir,
    random: Arc<Counted>,
    certificate: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let check: efm_world::broker::Check =
            Arc::new(|token| Ok(Bearer { organisation: token.to_owned(), scopes: vec![READ.into(), WRITE.into()] }));
        let broker = Broker::new(folder.path().to_owned(), check, Clock::machine());
        let faults = Faults::default();
        let server = Server::start(broker.routes(), &faults).unwrap();
        let made = rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap();
        Self { broker, faults, server, folder, random: Arc::default(), certificate: made.cert.pem() }
    }

    /// The channel of these organisations, the first one its own.
    fn of(&self, organisations: &[&str], channel: Option<&str>) -> Dpo {
        let broker = Url::parse(&self.server.url(BASE)).unwrap();
        let network = efm::outside::Network::straight("test", Duration::from_secs(3));
        let http = efm::outside::Routes::new(&network).unwrap().to(&broker).unwrap().client;
        let user = |number: &&str| SystemUser { org_id: format!("0192:{number}"), name: format!("{number}_user") };
        let setup = Setup {
            http,
            names: network.names,
            broker,
            resource: RESOURCE.into(),
            users: organisations.iter().map(user).collect(),
            channel: channel.map(str::to_owned),
            patience: Duration::from_secs(5),
            pace: Duration::from_secs(15),
            folder: self.folder.path().to_owned(),
            limit_bytes: 1 << 20,
        };
        let doors = Doors {
            tokens: Arc::new(Named),
            registry: Arc::new(Certified(self.certificate.clone())),
            sealing: Arc::new(Word),
            random: self.random.clone(),
            clock: Clock::machine(),
        };
        Dpo::new(setup, doors)
    }

    fn references(&self) -> Vec<String> {
        self.broker.transfers().into_iter().map(|it| it.announced.senders_file_transfer_reference).collect()
    }

    /// Something that is no message of ours, left by A for B.
    async fn leave(&self, bytes: Vec<u8>) -> String {
        let a = self.of(&[A], None);
        let id =
            a.client.announce(&a.users[0], "0192:910075918", "19efbd4c-413d-4e2c-bbc5-257ef4a65b38").await.unwrap();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        a.client.upload(&a.users[0], &id, Arc::new(file), u64::try_from(bytes.len()).unwrap()).await.unwrap();
        id
    }
}

fn parcel(number: u128, names: &[&str]) -> Parcel {
    let text = include_str!("../../../tests/fixtures/arkivmelding.json").replace(
        "administrasjon:ver1.0\"",
        "administrasjon:ver1.0\", \"scopeInformation\": [{\"expectedResponseDateTime\": \"2099-01-01T00:00:00+01:00\"}]",
    );
    let mut envelope = crate::sbd::read_foreign(text.as_bytes()).unwrap();
    envelope.document.message_id = Some(crate::domain::MessageId::random(number.to_be_bytes()));
    let file = |(number, name): (u32, &&str)| File {
        number,
        file: crate::domain::NewFile {
            blob: BlobId::random([0; 16]),
            filename: (*name).to_owned(),
            title: None,
            mime_type: "text/plain".into(),
            is_primary: number == 1,
            length_bytes: 1,
        },
    };
    Parcel { envelope, files: (1..).zip(names).map(file).collect() }
}

async fn round(channel: &Dpo) -> Vec<Arrival> {
    let mut arrivals = channel.fetch().await.unwrap();
    let mut all = Vec::new();
    while let Some(arrival) = arrivals.next().await.unwrap() {
        all.push(arrival);
    }
    all
}

fn messages(arrivals: Vec<Arrival>) -> Vec<Arrived> {
    let message = |arrival| match arrival {
        Arrival::Message(arrived) => *arrived,
        Arrival::Garbage(garbage) => panic!("{garbage:?}"),
        Arrival::Stays { what, why } => panic!("{what}: {why}"),
    };
    arrivals.into_iter().map(message).collect()
}

async fn text(arrived: &mut Arrived) -> String {
    let bytes = arrived.package.as_mut().unwrap().next().await.unwrap().unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

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
async fn what_is_no_message_is_garbage_and_does_not_keep_the_others_back() {
    let world = World::new();
    let zip = |entries: &[(&str, &[u8])]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
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
    assert_eq!(arrivals.next().await.err().unwrap().text, told);
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

//! The channel against a broker that is as strict as Altinn's, with doubles for what seals, who may ask, and who is known.

mod exchange;
mod trouble;

use super::*;
use crate::domain::{BlobId, File, Kind, Participant};
use crate::ports::{
    Arrival, Arrived, Asked, BlobError, BlobReader, Entry, Judgement, LookupError, NoRandom, Opened, Party,
    PostAddress, Record, Route, SealError, TokenAsk, TokenError, WrongCertificate,
};
use bytes::Bytes;
use efm::secret::Secret;
use efm_world::broker::{BASE, Bearer, Broker, FileStatus, Mischief, READ, RecipientStatus, WRITE};
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

    fn refused(&self, _: &TokenAsk, _: &Secret) {}

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

    /// What is no message that we would send, left by A for B.
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
    let text = include_str!("../../../../tests/fixtures/arkivmelding.json").replace(
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

/// A zip of these, as they are.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(*name, stored).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The message of this number with a package of so many bytes.
fn message(number: u128, length: usize) -> Vec<u8> {
    let sbd = crate::sbd::write(&parcel(number, &[]).envelope).unwrap().get().to_owned();
    let package = [&b"sealed "[..], &vec![b'x'; length]].concat();
    zip(&[("sbd.json", sbd.as_bytes()), ("asic.zip", &package)])
}

fn id_of(arrived: &Arrived) -> String {
    arrived.envelope.document.message_id.as_ref().unwrap().to_string()
}

fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<String> {
    numbers.into_iter().map(|it| crate::domain::MessageId::random(it.to_be_bytes()).to_string()).collect()
}

//! `PostgreSQL`, held to the same contract: each clause in a schema of its own.
use super::boxed;
use super::cluster::Cluster;
use crate::store::postgres::{Postgres, Server, Tls, Trust, beside};

pub(super) async fn server(port: u16, schema: &str) -> Server {
    let server = Server {
        hosts: vec![("127.0.0.1".into(), port)],
        database: "postgres".into(),
        schema: None,
        user: "test".into(),
        password: None,
        tls: Tls::WherePossible,
    };
    beside(&server, &format!("CREATE SCHEMA {schema}")).await;
    Server { schema: Some(schema.into()), ..server }
}

async fn open(server: &Server) -> Postgres {
    Postgres::open(server, &super::queued()).await.unwrap()
}

#[tokio::test]
async fn postgresql_keeps_the_contract() {
    let Some(cluster) = Cluster::start("the contract over PostgreSQL") else { return };
    for (number, (name, clause)) in super::THEMES.iter().copied().flatten().enumerate() {
        eprintln!("{name}");
        let store = open(&server(cluster.port, &format!("clause{number}")).await).await;
        clause(&store).await;
    }
    let servers = [
        server(cluster.port, "a").await,
        server(cluster.port, "b").await,
        server(cluster.port, "c").await,
        server(cluster.port, "d").await,
    ];
    let again = async |at: usize| boxed(open(&servers[at]).await);
    super::several::what_was_answered_is_there_when_it_is_opened_again(async || again(0).await).await;
    super::several::two_that_are_open_at_once_share_the_work(async || again(1).await).await;
    super::several::of_two_that_do_the_same_at_once_one_does_it(async || again(2).await).await;
    super::several::two_that_are_open_at_once_share_the_lanes(async || again(3).await).await;
    let spoilt = server(cluster.port, "spoilt").await;
    let store = open(&spoilt).await;
    super::several::a_row_that_cannot_be_read_keeps_nobody_back(&store, async |text: &str| beside(&spoilt, text).await)
        .await;
    let both = server(cluster.port, "twice").await;
    tokio::join!(open(&both), open(&both));
    beside(&both, "INSERT INTO schema_floor VALUES (99)").await;
    let refused = Postgres::open(&both, &super::queued()).await.unwrap_err().to_string();
    assert!(refused.contains("for programs that know at least 99; this one knows "), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let nowhere = Server {
        hosts: vec![("127.0.0.1".into(), 1)],
        database: "d".into(),
        schema: None,
        user: "u".into(),
        password: None,
        tls: Tls::WherePossible,
    };
    let error = Postgres::open(&nowhere, &super::queued()).await.unwrap_err();
    assert_eq!(error.to_string(), "connect to the database in the store");
}

#[tokio::test]
async fn a_server_with_tls_is_held_to_what_sslmode_asks() {
    let place = tempfile::tempdir().unwrap();
    let (key, name) = (rcgen::KeyPair::generate().unwrap(), vec!["localhost".to_owned()]);
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let certificate = rcgen::CertificateParams::new(name).unwrap().signed_by(&key, &issuer).unwrap();
    let Some(cluster) = Cluster::start_with_tls("PostgreSQL over TLS", &certificate.pem(), &key.serialize_pem()) else {
        return;
    };
    let put = |name: &str, text: &str| {
        let path = place.path().join(name);
        efm::atomic::replace(&path, text.as_bytes()).unwrap();
        path
    };
    let ours = Trust::File(put("ca.pem", &authority_pem));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let others = Trust::File(put("other.pem", &other.cert.pem()));
    let open = async |host: &str, tls: Tls| {
        let plain = Server { hosts: vec![(host.into(), cluster.port)], tls, ..nowhere() };
        Postgres::open(&plain, &super::queued()).await.map_err(|error| efm::chain::Chain(&error).to_string())
    };
    for (host, tls) in [
        ("localhost", Tls::WherePossible),
        ("127.0.0.1", Tls::Always),
        ("127.0.0.1", Tls::VerifyAuthority(ours.clone())),
        ("localhost", Tls::VerifyName(ours.clone())),
    ] {
        let store = open(host, tls.clone()).await.unwrap_or_else(|error| panic!("{tls:?}: {error}"));
        super::create(&store, 1).await;
    }
    for (host, tls, told) in [
        ("localhost", Tls::Never, "no encryption"),
        ("127.0.0.1", Tls::VerifyName(ours.clone()), "certificate not valid for name"),
        ("localhost", Tls::VerifyName(others.clone()), "invalid peer certificate"),
        ("localhost", Tls::VerifyAuthority(others), "invalid peer certificate"),
        ("localhost", Tls::VerifyName(Trust::File(put("none.pem", ""))), "has no CERTIFICATE section"),
    ] {
        let error = open(host, tls.clone()).await.unwrap_err();
        assert!(error.contains(told), "{tls:?}: {error}");
    }
    let Some(without) = Cluster::start("PostgreSQL without TLS") else { return };
    let plain = |tls| Server { hosts: vec![("127.0.0.1".into(), without.port)], tls, ..nowhere() };
    Postgres::open(&plain(Tls::WherePossible), &super::queued()).await.unwrap();
    let refused = Postgres::open(&plain(Tls::Always), &super::queued()).await.unwrap_err();
    let refused = efm::chain::Chain(&refused).to_string();
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

fn nowhere() -> Server {
    Server {
        hosts: vec![("127.0.0.1".into(), 1)],
        database: "postgres".into(),
        schema: None,
        user: "test".into(),
        password: None,
        tls: Tls::Never,
    }
}

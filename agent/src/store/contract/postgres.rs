//! `PostgreSQL`, held to the same contract: each clause in a schema of its own.
use super::boxed;
use super::cluster::Cluster;
use crate::store::postgres::{Postgres, Server, beside};

async fn server(port: u16, schema: &str) -> Server {
    let server = Server {
        hosts: vec![("127.0.0.1".into(), port)],
        database: "postgres".into(),
        schema: None,
        user: "test".into(),
        password: None,
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
    beside(&both, "INSERT INTO schema_floor VALUES (7)").await;
    let refused = Postgres::open(&both, &super::queued()).await.unwrap_err().to_string();
    assert!(refused.contains("for programs that know at least 7; this one knows 3"), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let nowhere = Server {
        hosts: vec![("127.0.0.1".into(), 1)],
        database: "d".into(),
        schema: None,
        user: "u".into(),
        password: None,
    };
    let error = Postgres::open(&nowhere, &super::queued()).await.unwrap_err();
    assert_eq!(error.to_string(), "connect to the database in the store");
}

//! Connections: made and driven on a thread of their own, lent to one act at a time.

use super::tls::{Connector, Tls};
use super::{failed, unreachable};
use crate::ports::StoreError;
use crate::store::told::Noted;
use efm::secret::Secret;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, NoTls, Row, Socket, Statement};

/// So many acts at once; the others wait.
const CONNECTIONS: usize = 8;
/// A server that does not answer is given up after so long.
const TO_CONNECT: Duration = Duration::from_secs(10);
/// A server that has gone without a word is given up after about so long.
const SILENT: Duration = Duration::from_secs(30);
/// Connections that are closed have so long to say so.
const TO_CLOSE: Duration = Duration::from_secs(5);
/// A statement, a wait for a lock, and a transaction whose program is gone have an end.
const LIMITS: &str =
    "-c statement_timeout=60s -c lock_timeout=20s -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on";

/// Where the database is.
#[derive(Clone, Debug)]
pub struct Server {
    /// Hosts and ports; the first one that answers and takes writes.
    pub hosts: Vec<(String, u16)>,
    /// The database.
    pub database: String,
    /// The schema in it; none: the user's own or `public`.
    pub schema: Option<String>,
    /// As whom.
    pub user: String,
    /// With which password.
    pub password: Option<Secret>,
    /// Over what.
    pub tls: Tls,
}

impl Server {
    fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        for (host, port) in &self.hosts {
            config.host(host).port(*port);
        }
        let schema = self.schema.as_ref().map(|schema| format!(" -c search_path={}", schema.replace(' ', "\\ ")));
        config
            .dbname(&self.database)
            .user(&self.user)
            .application_name("integrasjonspunkt")
            .connect_timeout(TO_CONNECT)
            .keepalives_idle(SILENT / 2)
            .keepalives_interval(SILENT / 6)
            .keepalives_retries(3)
            .tcp_user_timeout(SILENT);
        config.options(format!("{LIMITS}{}", schema.unwrap_or_default()));
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        config.ssl_mode(self.tls.mode());
        if let Some(password) = &self.password {
            config.password(password.reveal());
        }
        config
    }
}

type Ask = oneshot::Sender<Result<tokio_postgres::Client, tokio_postgres::Error>>;

/// The connections.
#[derive(Debug)]
pub(super) struct Pool {
    asks: Option<mpsc::Sender<Ask>>,
    idle: Mutex<Vec<Connected>>,
    permits: Semaphore,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pool {
    pub(super) fn start(server: &Server) -> Result<Self, StoreError> {
        let thread = |source| StoreError::Database { act: "start a thread", source: Box::new(source) };
        let (config, tls) = (server.config(), server.tls.connector()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(thread)?;
        let (asks, asked) = mpsc::channel(CONNECTIONS);
        let drive = move || runtime.block_on(drive(config, tls, asked));
        let started = std::thread::Builder::new().name("store-postgres".into()).spawn(drive).map_err(thread)?;
        let permits = Semaphore::new(CONNECTIONS);
        Ok(Self { asks: Some(asks), idle: Mutex::default(), permits, thread: Some(started) })
    }

    /// A connection; dropped, it goes back. Cancel safe.
    pub(super) async fn take(&self) -> Result<Lent<'_>, StoreError> {
        let permit = self.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        while let Some(connected) = self.idle().pop() {
            // The server may have gone and come back meanwhile.
            if !connected.client.is_closed() {
                return Ok(Lent { pool: self, connected: Some(connected), _permit: permit });
            }
        }
        let (reply, answer) = oneshot::channel();
        let asks = self.asks.as_ref().ok_or(StoreError::Closed)?;
        asks.send(reply).await.map_err(|_| StoreError::Closed)?;
        let client = answer.await.map_err(|_| StoreError::Closed)?.map_err(unreachable("connect to the database"))?;
        let connected = Connected { client, prepared: Mutex::default() };
        Ok(Lent { pool: self, connected: Some(connected), _permit: permit })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connected>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.asks = None;
        self.idle().clear();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn drive(config: tokio_postgres::Config, tls: Option<Connector>, mut asked: mpsc::Receiver<Ask>) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            ask = asked.recv() => match ask {
                Some(ask) => connections.push(begin(&config, tls.clone(), ask)),
                None => break,
            },
            Some(()) = connections.next() => {}
        }
    }
    let closed = async { while connections.next().await.is_some() {} };
    let _ = tokio::time::timeout(TO_CLOSE, closed).await;
}

async fn begin(config: &tokio_postgres::Config, tls: Option<Connector>, ask: Ask) {
    match tls {
        Some(tls) => connect(config, tls, ask).await,
        None => connect(config, NoTls, ask).await,
    }
}

async fn connect<T: MakeTlsConnect<Socket>>(config: &tokio_postgres::Config, tls: T, mut ask: Ask) {
    let connected = tokio::select! {
        connected = config.connect(tls) => connected,
        () = ask.closed() => return,
    };
    match connected {
        Ok((client, connection)) => {
            // Who asked may have gone; then the connection ends at once.
            let _ = ask.send(Ok(client));
            if let Err(error) = connection.await {
                tracing::warn!(error = %efm::chain::Chain(&error), "a connection to the database ended");
            }
        }
        Err(error) => {
            let _ = ask.send(Err(error));
        }
    }
}

#[derive(Debug)]
struct Connected {
    client: tokio_postgres::Client,
    prepared: Mutex<HashMap<String, Statement>>,
}

/// A connection that is ours for a while.
pub(super) struct Lent<'a> {
    pool: &'a Pool,
    connected: Option<Connected>,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connected) = self.connected.take().filter(|connected| !connected.client.is_closed()) {
            self.pool.idle().push(connected);
        }
    }
}

impl Lent<'_> {
    /// Begins a transaction; dropped, it is rolled back before the connection does anything else.
    pub(super) async fn begin(&mut self) -> Result<Act<'_>, StoreError> {
        let Connected { client, prepared } = self.connected.as_mut().ok_or(StoreError::Closed)?;
        let begin = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start();
        Ok(Act { way: Way::Within(begin.await.map_err(failed("begin"))?), prepared, noted: Mutex::default() })
    }

    /// For looking only, without a transaction. In a READ COMMITTED one each statement sees what is committed when it
    /// begins, just as it does without; two of three turns to the server are saved.
    pub(super) fn look(&self) -> Result<Act<'_>, StoreError> {
        let Connected { client, prepared } = self.connected.as_ref().ok_or(StoreError::Closed)?;
        Ok(Act { way: Way::Alone(client), prepared, noted: Mutex::default() })
    }
}

/// A transaction, or statements each for itself.
pub(super) struct Act<'a> {
    way: Way<'a>,
    prepared: &'a Mutex<HashMap<String, Statement>>,
    /// Statuses whose lines are written when this is on the disk.
    noted: Mutex<Vec<Noted>>,
}

enum Way<'a> {
    Within(tokio_postgres::Transaction<'a>),
    Alone(&'a tokio_postgres::Client),
}

pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Act<'_> {
    fn client(&self) -> &tokio_postgres::Client {
        match &self.way {
            Way::Within(transaction) => transaction.client(),
            Way::Alone(client) => client,
        }
    }

    pub(super) async fn commit(self, act: &'static str) -> Result<(), StoreError> {
        match self.way {
            Way::Within(transaction) => transaction.commit().await.map_err(failed(act))?,
            Way::Alone(_) => {}
        }
        self.noted.into_inner().unwrap_or_else(PoisonError::into_inner).iter().for_each(Noted::tell);
        Ok(())
    }

    /// Keeps a line until this is on the disk.
    pub(super) fn tell(&self, noted: Noted) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
    }

    /// The rows of a query that is not likely to come again: it is not kept prepared.
    pub(super) async fn each_once(&self, query: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, StoreError> {
        self.client().query(query, parameters).await.map_err(failed("ask"))
    }

    /// The rows of a query.
    pub(super) async fn each(&self, query: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(query).await?;
        self.client().query(&statement, parameters).await.map_err(failed("ask"))
    }

    /// The first row of a query.
    pub(super) async fn one(&self, query: &str, parameters: Parameters<'_>) -> Result<Option<Row>, StoreError> {
        Ok(self.each(query, parameters).await?.into_iter().next())
    }

    /// Changes rows, and says how many.
    pub(super) async fn change(&self, statement: &str, parameters: Parameters<'_>) -> Result<u64, StoreError> {
        let statement = self.prepare(statement).await?;
        self.client().execute(&statement, parameters).await.map_err(failed("change rows"))
    }

    /// Several statements without parameters.
    pub(super) async fn batch(&self, statements: &str) -> Result<(), StoreError> {
        self.client().batch_execute(statements).await.map_err(failed("migrate"))
    }

    async fn prepare(&self, text: &str) -> Result<Statement, StoreError> {
        let known = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client().prepare(text).await.map_err(failed("ask"))?;
        known().insert(text.to_owned(), statement.clone());
        Ok(statement)
    }
}

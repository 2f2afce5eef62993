//! The way to the release server, with TLS or without, on which each byte and each connection is counted.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What went over the wire.
#[derive(Debug, Default)]
pub struct Counts {
    connections: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    /// Connections, and bytes in both directions.
    pub fn so_far(&self) -> (u64, u64) {
        (self.connections.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Two relays on a thread of their own: one counts, the other speaks TLS. Ends when it is dropped.
pub struct Front {
    /// Where clients connect.
    pub port: u16,
    /// The authority that signed its certificate.
    pub authority: String,
    /// What went over the wire.
    pub counts: Arc<Counts>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Front {
    /// In front of the server at this address.
    pub fn of(server: SocketAddr) -> io::Result<Self> {
        let (authority, acceptor) = certificate().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (counting, speaking) = runtime.block_on(async {
            let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
            io::Result::Ok((listen().await?, listen().await?))
        })?;
        let (port, inner) = (counting.local_addr()?.port(), speaking.local_addr()?);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("front".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = each(&counting, async |stream| count(stream, inner, &counted).await) => {}
                    () = each(&speaking, async |stream| speak(stream, &acceptor, server).await) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { port, authority, counts, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// One client after the other: the supervisor has one connection at a time.
async fn each(listener: &TcpListener, serve: impl AsyncFn(TcpStream)) {
    while let Ok((stream, _)) = listener.accept().await {
        serve(stream).await;
    }
}

async fn count(mut client: TcpStream, to: SocketAddr, counts: &Counts) {
    counts.connections.fetch_add(1, Ordering::Relaxed);
    let Ok(mut server) = TcpStream::connect(to).await else { return };
    let mut client = Counted { stream: &mut client, counts };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

async fn speak(client: TcpStream, acceptor: &TlsAcceptor, to: SocketAddr) {
    let (Ok(mut client), Ok(mut server)) = tokio::join!(acceptor.accept(client), TcpStream::connect(to)) else {
        return;
    };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// Counts while bytes go by, not when the connection ends.
struct Counted<'a> {
    stream: &'a mut TcpStream,
    counts: &'a Counts,
}

impl Counted<'_> {
    fn add(&self, bytes: usize) {
        self.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl tokio::io::AsyncRead for Counted<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = std::pin::Pin::new(&mut *self.stream).poll_read(context, buffer);
        self.add(buffer.filled().len() - before);
        polled
    }
}

impl tokio::io::AsyncWrite for Counted<'_> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        let polled = std::pin::Pin::new(&mut *self.stream).poll_write(context, bytes);
        if let std::task::Poll::Ready(Ok(written)) = &polled {
            self.add(*written);
        }
        polled
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}

/// An authority, in PEM, and a server that it vouches for.
fn certificate() -> Result<(String, TlsAcceptor), Box<dyn std::error::Error + Send + Sync>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&own, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((authority, TlsAcceptor::from(Arc::new(config))))
}

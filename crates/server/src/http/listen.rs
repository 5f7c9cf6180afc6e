//! Listeners: plain and TLS, with limits on connections and times; the certificate can be exchanged while they run.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::Version;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::limits::{Callers, Counted};
use super::pulse::Pulse;
use super::routes::{self, Peer};
use super::stream::{MAX_HEAD, Refused, Watched};
use crate::house::House;

/// How long what is under way may take when a connection is to end.
const LAST: Duration = Duration::from_secs(10);
/// How long a connection on which nothing happens may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The server's certificate and key, exchangeable.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("TLS certificate: {0}")]
pub struct BadTls(String);

impl BadTls {
    pub(super) fn because(why: String) -> Self {
        Self(why)
    }
}

impl Tls {
    /// From PEM: the chain, leaf first, and the key.
    ///
    /// # Errors
    /// [`BadTls`] with words for people.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, BadTls> {
        Ok(Self(Arc::new(RwLock::new(config(chain, key)?))))
    }

    /// Takes another certificate for connections from now on.
    ///
    /// # Errors
    /// [`BadTls`]; the old one stays then.
    pub fn exchange(&self, chain: &[u8], key: &[u8]) -> Result<(), BadTls> {
        let new = config(chain, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn current(&self) -> Arc<ServerConfig> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, BadTls> {
    let bad = |e: &dyn std::fmt::Display| BadTls(e.to_string());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|e| bad(&e))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| bad(&e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(&e))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| bad(&e))?;
    config.alpn_protocols =
        ["h2", "http/1.1", "http/1.0"].map(|name| name.as_bytes().to_vec()).into();
    Ok(Arc::new(config))
}

/// Accepts connections until told to stop, then lets the open ones end.
pub async fn serve(
    house: Arc<House>,
    listener: TcpListener,
    tls: Option<Tls>,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(house.rules.connections.at_a_time));
    let callers = Callers::default();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            _ = stop.changed() => break,
        };
        let Some((stream, from, slot)) = accepted else { continue };
        let Some(counted) = admit(&house, &callers, from) else { continue };
        let (house, tls, stop) = (house.clone(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            connection(house, stream, from, tls, stop).await;
            drop((slot, counted));
        });
    }
}

/// None for one connection too many of an address. Proxies of ours bring everybody's.
fn admit(house: &House, callers: &Callers, from: SocketAddr) -> Option<Counted> {
    let proxy = house.rules.trusted_proxies.iter().any(|r| r.contains(from.ip().to_canonical()));
    let at_most = if proxy { usize::MAX } else { house.rules.connections.per_address };
    callers.admit(from.ip(), at_most)
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, from)) => Some((stream, from, slot)),
        Err(error) => {
            // Out of file descriptors, most likely: others end soon.
            tracing::warn!(%error, "cannot accept");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(
    house: Arc<House>,
    stream: TcpStream,
    from: SocketAddr,
    tls: Option<Tls>,
    stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let peer = Peer { address: from.ip(), tls: tls.is_some() };
    match tls {
        None => exchange(house, stream, peer, stop).await,
        Some(tls) => {
            let limit = house.rules.connections.first_request;
            let handshake = TlsAcceptor::from(tls.current()).accept(stream);
            if let Ok(Ok(stream)) = tokio::time::timeout(limit, handshake).await {
                exchange(house, stream, peer, stop).await;
            }
        }
    }
}

async fn exchange<S>(house: Arc<House>, stream: S, peer: Peer, mut stop: watch::Receiver<bool>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let limits = house.rules.connections;
    let pulse = Pulse::new(limits);
    let desk = house.clone();
    let instead = Box::new(move |refused: Refused, line: &[u8]| {
        routes::in_place_of(&desk, peer, refused, line)
    });
    let stream = Watched::new(stream, pulse.clone(), instead);
    let beat = pulse.clone();
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let at_work = beat.begin(request.version() == Version::HTTP_2);
        let house = house.clone();
        async move {
            let answer = routes::answer(house, peer, request).await;
            drop(at_work);
            match answer.extensions().get::<routes::Dropped>() {
                Some(_) => Err(io::Error::other("a fault rule closes this connection")),
                None => Ok(answer),
            }
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(MAX_HEAD)
        .keep_alive(true);
    let head = u32::try_from(MAX_HEAD).unwrap_or(u32::MAX);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(64).max_header_list_size(head);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let at_most = loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            changed = stop.changed() => {
                if changed.is_err() || *stop.borrow() {
                    break LAST;
                }
            }
            () = pulse.overdue() => break GOODBYE,
        }
    };
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(at_most, connection.as_mut()).await;
}

//! The fake web: files by scheme, host and path, over plain HTTP and TLS.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full as Body;
use hyper::{Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

mod files;
pub use files::{File, Files, Full, Schemes};

use crate::{
    history::Fetched,
    task::{Stop, each_connection},
    world::World,
};

pub(crate) async fn serve_http(listener: TcpListener, world: Arc<World>, stop: Stop) {
    each_connection(listener, MAX_CONNECTIONS, stop, move |stream, _| {
        let world = Arc::clone(&world);
        async move {
            no_delay(&stream);
            converse(stream, world, false).await;
        }
    })
    .await;
}

pub(crate) async fn serve_https(
    listener: TcpListener,
    tls: TlsAcceptor,
    world: Arc<World>,
    stop: Stop,
) {
    each_connection(listener, MAX_CONNECTIONS, stop, move |stream, _| {
        let (world, tls) = (Arc::clone(&world), tls.clone());
        async move {
            no_delay(&stream);
            match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, world, true).await,
                Ok(Err(error)) => tracing::debug!(%error, "fake web: no TLS"),
                Err(_) => tracing::debug!("fake web: TLS handshake too slow"),
            }
        }
    })
    .await;
}

/// A fresh certificate that nobody trusts, and need not: proofs over HTTPS ignore it.
pub(crate) fn self_signed() -> Result<TlsAcceptor, String> {
    let names = vec!["fake-web.example.org".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
        })
        .map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn converse<S>(stream: S, world: Arc<World>, https: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(&world, &request, https);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    server.http2().timer(TokioTimer::new());
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error, "fake web: connection ended");
    }
}

fn answer<B>(world: &World, request: &Request<B>, https: bool) -> Response<Body<Bytes>> {
    let host = host_of(request);
    let uri = request.uri();
    world.history().fetched(Fetched {
        host: host.clone(),
        url: uri.path_and_query().map_or("/", |both| both.as_str()).to_owned(),
        https,
    });
    let Some(file) = world.files().get(https, &host, uri.path()) else {
        return page(StatusCode::NOT_FOUND, Bytes::from_static(b"no such file\n"));
    };
    let status = StatusCode::from_u16(file.status).unwrap_or(StatusCode::OK);
    let mut response = page(status, file.content);
    if let Some(location) = file.location.and_then(|location| location.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn page(status: StatusCode, content: Bytes) -> Response<Body<Bytes>> {
    let mut response = Response::new(Body::new(content));
    *response.status_mut() = status;
    let text = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// HTTP/2 names the host in the target, HTTP/1.1 in a header.
fn host_of<B>(request: &Request<B>) -> String {
    let header = || request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = request.uri().authority().map(|at| at.as_str()).or_else(header).unwrap_or_default();
    files::host_key(without_port(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "fake web: Nagle stays on");
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(60);
const MAX_CONNECTIONS: usize = 1024;

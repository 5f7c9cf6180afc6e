//! Some connections that are kept open, each for one call at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use crate::Error;

/// Whom to believe that they are the server.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// The CA certificates in this PEM text: those of the server's own TLS.
    Pem(&'a [u8]),
    /// These roots.
    Roots(&'a RootCertStore),
    /// Nobody: plain HTTP, for servers behind a proxy on the same machine.
    Plain,
}

/// The way to one server.
pub(crate) struct Connections {
    host: String,
    port: u16,
    authority: HeaderValue,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    permits: Semaphore,
    /// Each with the end of its last call.
    idle: Mutex<Vec<(SendRequest<Full<Bytes>>, Instant)>>,
}

/// Connections that rested longer are not used again: servers close those soon, and a call that meets the end of its connection
/// does not learn whether it was heard.
const RESTED: Duration = Duration::from_secs(4);

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// The longest answer that is read.
const LONGEST: usize = 16 << 20;

impl Connections {
    pub fn new(base: &str, trust: Trust<'_>, most: usize) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Setup(format!("{base}: {what}"));
        let uri: Uri = base.parse().map_err(|_| wrong("not an address"))?;
        let host = uri.host().ok_or_else(|| wrong("no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        let tls = match trust {
            Trust::Plain if !https => None,
            Trust::Plain => return Err(wrong("https needs roots to trust")),
            _ if !https => return Err(wrong("plain http must be asked for")),
            Trust::Pem(pem) => Some(connector(&roots(pem)?, &host)?),
            Trust::Roots(roots) => Some(connector(roots, &host)?),
        };
        let authority = uri.authority().map_or("", |a| a.as_str());
        Ok(Self {
            port: uri.port_u16().unwrap_or(if https { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority).map_err(|_| wrong("not an address"))?,
            permits: Semaphore::new(most.max(1)),
            idle: Mutex::new(Vec::new()),
            host,
            tls,
        })
    }

    /// Opens connections beforehand.
    pub async fn warm(&self, count: usize) -> Result<(), Error> {
        self.lock().retain(|(_, since)| since.elapsed() < RESTED);
        for _ in 0..count {
            let opened = self.open().await?;
            self.rest(opened);
        }
        Ok(())
    }

    /// Posts a form and gives the body of the answer, and how long it took from having a connection on.
    pub async fn post(&self, path: &PathAndQuery, form: Bytes) -> Result<(Bytes, Duration), Error> {
        let closed = || Error::Setup("the client was closed".to_owned());
        let _permit = self.permits.acquire().await.map_err(|_| closed())?;
        let begun = Instant::now();
        let mut request = self.request(path, form);
        loop {
            let kept = self.rested();
            let used_before = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => self.open().await?,
            };
            let answer = match sender.try_send_request(request).await {
                Ok(answer) => answer,
                Err(mut error) => match error.take_message() {
                    // The server had closed a connection that was idle; nothing was sent.
                    Some(unsent) if used_before => {
                        request = unsent;
                        continue;
                    }
                    Some(_) => return Err(Error::Unreachable(error.into_error().to_string())),
                    None => return Err(Error::Unknown(error.into_error().to_string())),
                },
            };
            let body = http_body_util::Limited::new(answer.into_body(), LONGEST);
            let body = body.collect().await.map_err(|e| Error::Unknown(e.to_string()))?.to_bytes();
            if sender.ready().await.is_ok() {
                self.rest(sender);
            }
            return Ok((body, begun.elapsed()));
        }
    }

    fn request(&self, path: &PathAndQuery, form: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(form));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from(path.clone());
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority.clone());
        headers.insert(CONTENT_TYPE, FORM);
        request
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let unreachable = |e: &dyn std::fmt::Display| Error::Unreachable(e.to_string());
        let stream = TcpStream::connect((self.host.as_str(), self.port));
        let stream = stream.await.map_err(|e| unreachable(&e))?;
        stream.set_nodelay(true).map_err(|e| unreachable(&e))?;
        let Some((connector, name)) = &self.tls else {
            return started(stream).await;
        };
        let stream = connector.connect(name.clone(), stream).await.map_err(|e| unreachable(&e))?;
        started(stream).await
    }

    fn rest(&self, sender: SendRequest<Full<Bytes>>) {
        self.lock().push((sender, Instant::now()));
    }

    /// The connection that was used last, unless it has rested too long; then so have the others.
    fn rested(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.lock();
        match idle.pop() {
            Some((sender, since)) if since.elapsed() < RESTED => Some(sender),
            _ => {
                idle.clear();
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(SendRequest<Full<Bytes>>, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn started<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|e| Error::Unreachable(e.to_string()))?;
    tokio::spawn(async move {
        // How it ends the call learns that is under way.
        let _ = connection.await;
    });
    Ok(sender)
}

fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| Error::Setup(format!("roots: {e}")))?;
        roots.add(certificate).map_err(|e| Error::Setup(format!("roots: {e}")))?;
    }
    Ok(roots)
}

fn connector(
    roots: &RootCertStore,
    host: &str,
) -> Result<(TlsConnector, ServerName<'static>), Error> {
    let setup = |e: &dyn std::fmt::Display| Error::Setup(format!("TLS: {e}"));
    let name = ServerName::try_from(host.to_owned()).map_err(|e| setup(&e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| setup(&e))?
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

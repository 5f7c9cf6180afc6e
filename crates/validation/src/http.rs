//! Files on web servers, fetched from vetted addresses only.
//!
//! Each hop resolves the host, checks every address, and connects to one of exactly those that passed: a name that
//! resolves differently a moment later changes nothing. Connections are not kept, redirects are judged one by one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use domain::evidence::{Answer, FetchedFile, Scheme};
use domain::names::CertName;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::asker::SetupError;
use crate::dns::Dns;
use crate::reach::Reach;
use crate::settings::HttpLimits;

/// Fetches files.
pub(crate) struct Fetcher {
    limits: HttpLimits,
    reach: Reach,
    tls: Arc<ClientConfig>,
}

/// Why there is no file.
enum Miss {
    /// The host has no address.
    NoHost,
    /// Anything else.
    Failed(String),
}

impl<T: ToString> From<T> for Miss {
    fn from(why: T) -> Self {
        Miss::Failed(why.to_string())
    }
}

impl Fetcher {
    pub(crate) fn new(limits: HttpLimits, reach: Reach) -> Result<Self, SetupError> {
        Ok(Self { limits, reach, tls: crate::tls::unjudging()? })
    }

    /// Fetches a file and says from where it came.
    pub(crate) async fn ask(
        &self,
        dns: &Dns,
        scheme: Scheme,
        host: &CertName,
        path: &str,
    ) -> (Answer, String) {
        let mut urls = Vec::new();
        let fetch = self.follow(dns, scheme, host, path, &mut urls);
        let outcome = match tokio::time::timeout(self.limits.total, fetch).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Miss::Failed("no file within the time allowed".into())),
        };
        match outcome {
            Ok(page) => {
                let cut = if page.cut { ", body cut" } else { "" };
                let via = format!("http {}{cut}", page.from);
                let file = FetchedFile {
                    status: page.status,
                    body: page.body,
                    urls,
                    from: Some(page.from.ip()),
                };
                (Answer::File(file), via)
            }
            Err(Miss::NoHost) => (Answer::NotThere, dns.via.to_string()),
            Err(Miss::Failed(why)) => {
                let at = urls.last().map(|u| format!("{u}: ")).unwrap_or_default();
                (Answer::Failed(format!("{at}{why}")), String::new())
            }
        }
    }

    async fn follow(
        &self,
        dns: &Dns,
        scheme: Scheme,
        host: &CertName,
        path: &str,
        urls: &mut Vec<String>,
    ) -> Result<Page, Miss> {
        let mut url = first_url(scheme, host, path)?;
        for _ in 0..=self.limits.redirects {
            let target = Target::of(&url)?;
            urls.push(url.to_string());
            let (from, exchange) = self.get(dns, &target, &url).await?;
            match location(&exchange.response, &url)? {
                Some(next) => url = next,
                None => return self.page(from, exchange).await,
            }
        }
        Err("too many redirects".into())
    }

    async fn get(
        &self,
        dns: &Dns,
        target: &Target,
        url: &Url,
    ) -> Result<(SocketAddr, Exchange), Miss> {
        let (from, stream) = self.connect(dns, target).await?;
        let request = request(target, url, &self.limits.user_agent)?;
        let exchange = match target.scheme {
            Scheme::Http => exchange(stream, request).await?,
            Scheme::Https => {
                let name = match &target.host {
                    Host::Domain(name) => ServerName::try_from(name.clone())?,
                    Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
                    Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
                };
                let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
                let stream = tokio::time::timeout(self.limits.connect, handshake)
                    .await
                    .map_err(|_| "TLS handshake timed out")??;
                exchange(stream, request).await?
            }
        };
        Ok((from, exchange))
    }

    /// Connects to the first address that answers, of those that may be reached. The address given back is the one in
    /// the DNS, also where another was dialled for it.
    async fn connect(&self, dns: &Dns, target: &Target) -> Result<(SocketAddr, TcpStream), Miss> {
        let addresses = match &target.host {
            Host::Ipv4(ip) => vec![IpAddr::V4(*ip)],
            Host::Ipv6(ip) => vec![IpAddr::V6(*ip)],
            Host::Domain(name) => dns.addresses(name).await?,
        };
        if addresses.is_empty() {
            return Err(Miss::NoHost);
        }
        let mut why = String::from("no address of the host may be reached");
        let dialled = addresses
            .into_iter()
            .filter_map(|ip| Some((ip, self.reach.dial(ip, target.port)?)))
            .take(MAX_ADDRESSES);
        for (ip, dial) in dialled {
            match tokio::time::timeout(self.limits.connect, TcpStream::connect(dial)).await {
                Ok(Ok(stream)) => return Ok((SocketAddr::new(ip, target.port), stream)),
                Ok(Err(error)) => why = format!("{ip}: {error}"),
                Err(_) => why = format!("{ip}: connection timed out"),
            }
        }
        Err(Miss::Failed(why))
    }

    async fn page(&self, from: SocketAddr, exchange: Exchange) -> Result<Page, Miss> {
        let status = exchange.response.status().as_u16();
        let mut incoming = exchange.response.into_body();
        let mut body = Vec::new();
        let mut cut = false;
        while !cut && !incoming.is_end_stream() {
            let Some(frame) = incoming.frame().await else { break };
            let frame = frame.map_err(|e| format!("body: {e}"))?;
            if let Some(data) = frame.data_ref() {
                let room = self.limits.body.saturating_sub(body.len());
                cut = data.len() > room;
                body.extend_from_slice(data.get(..room).unwrap_or(data));
            }
        }
        Ok(Page { from, status, body, cut })
    }
}

/// A response under way, and the task that reads it from the connection: it ends with this value.
struct Exchange {
    response: Response<Incoming>,
    _reader: JoinSet<hyper::Result<()>>,
}

/// What the last server of a chain gave.
struct Page {
    from: SocketAddr,
    status: u16,
    body: Vec<u8>,
    cut: bool,
}

/// Where a URL leads, checked.
struct Target {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
}

impl Target {
    fn of(url: &Url) -> Result<Self, Miss> {
        let (scheme, port) = match url.scheme() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            _ => return Err("redirect to another scheme than http and https".into()),
        };
        if url.port().is_some() {
            // The parser drops the scheme's own port, so any port left is another one.
            return Err("redirect to another port than 80 and 443".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("URL with credentials".into());
        }
        if url.as_str().len() > MAX_URL {
            return Err("URL is too long".into());
        }
        let host = url.host().ok_or("URL without a host")?.to_owned();
        Ok(Self { scheme, host, port })
    }
}

fn first_url(scheme: Scheme, host: &CertName, path: &str) -> Result<Url, Miss> {
    let host = match host {
        CertName::Dns(name) => name.to_string(),
        CertName::Ip(IpAddr::V4(ip)) => ip.to_string(),
        CertName::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
        CertName::Wildcard(_) => return Err("a file proves no wildcard".into()),
        CertName::Mail(_) => return Err("a file proves no mailbox".into()),
    };
    if !path.starts_with('/') {
        return Err("the path is not absolute".into());
    }
    Ok(Url::parse(&format!("{}://{host}{path}", scheme.as_str()))?)
}

fn request(target: &Target, url: &Url, agent: &str) -> Result<Request<Empty<Bytes>>, Miss> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Ok(Request::get(path)
        .header(HOST, target.host.to_string())
        .header(USER_AGENT, agent)
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::new())?)
}

async fn exchange<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<Exchange, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await?;
    let mut reader = JoinSet::new();
    reader.spawn(connection);
    let response = sender.send_request(request).await?;
    Ok(Exchange { response, _reader: reader })
}

/// Where a redirect leads. Only those four statuses are redirects (BR 3.2.2.4.18); other answers are final.
fn location(response: &Response<Incoming>, url: &Url) -> Result<Option<Url>, Miss> {
    if !matches!(response.status().as_u16(), 301 | 302 | 307 | 308) {
        return Ok(None);
    }
    let header = response.headers().get(LOCATION).ok_or("redirect without Location")?;
    let text = header.to_str().map_err(|_| "redirect with an odd Location")?;
    let mut next = url.join(text).map_err(|e| format!("redirect: {e}"))?;
    next.set_fragment(None);
    Ok(Some(next))
}

const MAX_ADDRESSES: usize = 4;
const MAX_URL: usize = 2_048;
const MAX_HEAD: usize = 64 * 1_024;

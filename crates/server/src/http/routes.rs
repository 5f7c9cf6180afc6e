//! The table of routes and the way of every call: read, authenticate, parse, act, answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::refusal::Refusal;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming as Body};
use wire::envelope::{self, Envelope, Transport};
use wire::reply::Reply;
use wire::table::{Endpoint, Format};

use super::bodies::Share;
use super::handlers::{self, Handler};
use super::stream::Refused;
use super::{body, pki};
use crate::faults::Action;
use crate::house::House;
use crate::web;

/// An answer with its whole body.
pub type Answer = Response<Full<Bytes>>;

/// How a call came in.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address at the other end of the connection.
    pub address: IpAddr,
    /// The connection is TLS of ours.
    pub tls: bool,
}

/// Every endpoint with its handler, a line each.
pub const ROUTES: [(&Endpoint, Handler); 14] = [
    (&wire::auto_apply_ssl::ENDPOINT, handlers::AUTO_APPLY_SSL),
    (&wire::auto_apply_order::ENDPOINT, handlers::AUTO_APPLY_ORDER),
    (&wire::auto_replace_ssl::ENDPOINT, handlers::AUTO_REPLACE_SSL),
    (&wire::collect_ssl::ENDPOINT, handlers::COLLECT_SSL),
    (&wire::request_and_collect_smime::ENDPOINT, handlers::REQUEST_AND_COLLECT_SMIME),
    (&wire::collect_smime::ENDPOINT, handlers::COLLECT_SMIME),
    (&wire::auto_replace_smime::ENDPOINT, handlers::AUTO_REPLACE_SMIME),
    (&wire::resend_smime::VERIFICATION, handlers::RESEND_VERIFICATION_SMIME),
    (&wire::resend_smime::COLLECTION, handlers::RESEND_COLLECTION_SMIME),
    (&wire::get_dcv_email_address_list::ENDPOINT, handlers::GET_DCV_EMAIL_ADDRESS_LIST),
    (&wire::auto_update_dcv::ENDPOINT, handlers::AUTO_UPDATE_DCV),
    (&wire::resend_dcv_email::ENDPOINT, handlers::RESEND_DCV_EMAIL),
    (&wire::get_mdc_domain_details::ENDPOINT, handlers::GET_MDC_DOMAIN_DETAILS),
    (&wire::decode_csr::ENDPOINT, handlers::DECODE_CSR),
];

/// Answers a request. To HEAD the head alone of the answer to a GET: over HTTP/2 a body would break the stream.
pub async fn answer(house: Arc<House>, peer: Peer, request: Request<Body>) -> Answer {
    let head_alone = request.method() == Method::HEAD;
    let mut answer = routed(house, peer, request).await;
    if head_alone {
        let length = answer.body().size_hint().exact().unwrap_or_default();
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        *answer.body_mut() = Full::default();
    }
    answer
}

async fn routed(house: Arc<House>, peer: Peer, request: Request<Body>) -> Answer {
    let path = request.uri().path();
    if let Some((endpoint, handler)) = ROUTES.iter().find(|(endpoint, _)| endpoint.is_at(path)) {
        return call(&house, peer, request, endpoint, *handler).await;
    }
    if let Some(found) = pki::answer(&house, request.method(), path).await {
        return found;
    }
    match web::answer(&house, peer, request).await {
        Some(page) => page,
        None => plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
    }
}

async fn call(
    house: &Arc<House>,
    peer: Peer,
    request: Request<Body>,
    endpoint: &'static Endpoint,
    handler: Handler,
) -> Answer {
    let (parts, body) = request.into_parts();
    let forwarded = Forwarded::of(house, peer, &parts.headers);
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let query = parts.uri.query().unwrap_or_default().as_bytes().to_vec();
    let transport = Transport { https: forwarded.https, method: method(&parts.method) };
    // Of the head no more than this is kept while the body comes.
    drop(parts);
    let share = forwarded.share(house);
    let head = query.len() + content_type.as_ref().map_or(0, String::len);
    let limits = house.rules.connections;
    let whole = body::read(body, body::MAX_BODY, limits, share, head).await;
    let content_type = content_type.as_deref();
    let octets = whole.as_ref().map_or(&[][..], |whole| &whole.octets);
    let envelope = Envelope::read(endpoint, &query, content_type, octets);
    let counted = whole.map(|whole| whole.share);
    let log = Log::of(house, &envelope);
    let format = envelope.format();
    let fault = house.faults.on_call(endpoint.name, envelope.login_name());
    if let Some(answer) = instead(fault, endpoint, format).await {
        return answer;
    }
    let handled = async {
        envelope.carried(transport)?;
        counted.as_ref().map_err(|why| Refusal::Internal(Some((*why).to_owned())))?;
        let incoming = envelope.incoming(transport)?;
        handlers::run(house, forwarded.address, incoming, format, handler).await
    };
    let handled = handled.await;
    let refusal = handled.as_ref().err().cloned();
    let reply = handled.unwrap_or_else(|refusal| Reply::refusal(endpoint, format, &refusal));
    log.add(house, endpoint, &reply, refusal.as_ref());
    if fault == Some(Action::CommitThenDrop) { dropped() } else { encode(reply) }
}

/// A marker for answers that are not to be sent: the connection is closed in their place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropped;

/// What a fault rule puts in place of the call, if it does.
async fn instead(fault: Option<Action>, endpoint: &Endpoint, format: Format) -> Option<Answer> {
    match fault? {
        Action::Delay(ms) => {
            tokio::time::sleep(Duration::from_millis(u64::from(ms))).await;
            None
        }
        Action::Code(code) => Some(encode(Reply::code(endpoint, format, code))),
        Action::HttpStatus(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some(plain(status, "A fault rule of the sandbox.\n"))
        }
        Action::Drop => Some(dropped()),
        Action::CommitThenDrop | Action::StoreError => None,
    }
}

fn dropped() -> Answer {
    let mut answer = Answer::default();
    answer.extensions_mut().insert(Dropped);
    answer
}

fn method(method: &Method) -> envelope::Method {
    match *method {
        Method::POST => envelope::Method::Post,
        Method::GET | Method::HEAD => envelope::Method::Get,
        _ => envelope::Method::Other,
    }
}

/// Answers what the HTTP library refuses by itself with no more than a status: head and body as they go out. None for what is
/// no endpoint of ours.
#[must_use]
pub fn in_place_of(house: &House, peer: Peer, refused: Refused, line: &[u8]) -> Option<Vec<u8>> {
    let mut words = line.splitn(3, |b| *b == b' ');
    let (verb, target) = (words.next()?, words.next()?.trim_ascii_end());
    let end = target.iter().position(|b| *b == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    let endpoint = wire::endpoint_at(std::str::from_utf8(path).ok()?)?;
    let envelope = Envelope::read(endpoint, query.get(1..).unwrap_or_default(), None, b"");
    // What a proxy says of TLS stands in the headers, which were not read.
    let https = peer.tls || is_proxy(house, peer.address.to_canonical());
    let method = Method::from_bytes(verb).map_or(envelope::Method::Other, |verb| method(&verb));
    let log = Log::of(house, &envelope);
    let refusal = match envelope.carried(Transport { https, method }) {
        Ok(()) => Refusal::Internal(Some(refused.words().to_owned())),
        Err(refusal) => refusal,
    };
    let reply = Reply::refusal(endpoint, envelope.format(), &refusal);
    log.add(house, endpoint, &reply, Some(&refusal));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        reply.content_type,
        reply.body.len()
    );
    Some([head.into_bytes(), reply.body].concat())
}

/// What the sandbox will tell of a call, taken down before the call is used up; nothing elsewhere.
struct Log(Option<Seen>);

/// A verdict per parameter, and the first unknown name.
type Seen = (Vec<(&'static str, Option<Refusal>)>, Option<String>);

impl Log {
    fn of(house: &House, envelope: &Envelope) -> Self {
        let seen = || (envelope.verdicts(&house.catalogue), envelope.unknown().map(str::to_owned));
        Self(house.calls.is_on().then(seen))
    }

    fn add(
        self,
        house: &House,
        endpoint: &'static Endpoint,
        reply: &Reply,
        refusal: Option<&Refusal>,
    ) {
        if let Some((verdicts, unknown)) = self.0 {
            let told = (reply.body.as_slice(), refusal);
            house.calls.add(endpoint, verdicts, unknown, told, house.now());
        }
    }
}

/// What is known of the caller, with the headers of trusted proxies counted in.
pub(crate) struct Forwarded {
    /// The caller.
    pub address: IpAddr,
    /// The call came by TLS.
    pub https: bool,
}

impl Forwarded {
    /// Of a request.
    pub fn of(house: &House, peer: Peer, headers: &HeaderMap) -> Self {
        let address = peer.address.to_canonical();
        if !is_proxy(house, address) {
            return Self { address, https: peer.tls };
        }
        let https = from_the_right(headers, "x-forwarded-proto").next();
        // The first address that is no proxy of ours.
        let caller = from_the_right(headers, "x-forwarded-for")
            .map_while(|ip| ip.parse::<IpAddr>().ok())
            .map(|ip| ip.to_canonical())
            .find(|ip| !is_proxy(house, *ip));
        Self {
            address: caller.unwrap_or(address),
            https: https.is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
        }
    }

    /// What the body of this caller's request is counted for.
    pub fn share(&self, house: &House) -> Share {
        let from = (!is_proxy(house, self.address)).then_some(self.address);
        house.bodies.share(from, house.rules.connections.bodies)
    }
}

fn is_proxy(house: &House, address: IpAddr) -> bool {
    house.rules.trusted_proxies.iter().any(|range| range.contains(address))
}

/// The entries of all lines of a header, the last first: each proxy adds to the end, some by a line of their own. What is no
/// text is an entry that means nothing.
fn from_the_right<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

fn encode(reply: Reply) -> Answer {
    // What a caller asked for was read as a token, a slash and a token.
    let content_type = HeaderValue::from_str(&reply.content_type)
        .unwrap_or(HeaderValue::from_static("text/plain"));
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A short plain answer.
#[must_use]
pub fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

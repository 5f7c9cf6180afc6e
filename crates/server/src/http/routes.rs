//! The table of routes and the way of every call: read, authenticate, parse, act, answer.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::refusal::Refusal;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming as Body;
use wire::envelope::{Envelope, Transport};
use wire::reply::Reply;
use wire::table::{Endpoint, Format};

use super::handlers::{self, Handler};
use super::pki;
use crate::house::House;
use crate::web;

/// An answer with its whole body.
pub type Answer = Response<Full<Bytes>>;

/// The longest body: more than every parameter at its longest, percent-encoded.
pub const MAX_BODY: usize = 2 * 1_024 * 1_024;

/// How far a body that is too long is read before the connection is given up.
const MAX_READ: usize = 32 * 1_024 * 1_024;

/// How a call came in.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address at the other end of the connection.
    pub address: IpAddr,
    /// The connection is TLS of ours.
    pub tls: bool,
}

/// Every endpoint with its handler, a line each.
pub const ROUTES: [(&Endpoint, Handler); 8] = [
    (&wire::auto_apply_ssl::ENDPOINT, handlers::AUTO_APPLY_SSL),
    (&wire::auto_replace_ssl::ENDPOINT, handlers::AUTO_REPLACE_SSL),
    (&wire::collect_ssl::ENDPOINT, handlers::COLLECT_SSL),
    (&wire::get_dcv_email_address_list::ENDPOINT, handlers::GET_DCV_EMAIL_ADDRESS_LIST),
    (&wire::auto_update_dcv::ENDPOINT, handlers::AUTO_UPDATE_DCV),
    (&wire::resend_dcv_email::ENDPOINT, handlers::RESEND_DCV_EMAIL),
    (&wire::get_mdc_domain_details::ENDPOINT, handlers::GET_MDC_DOMAIN_DETAILS),
    (&wire::decode_csr::ENDPOINT, handlers::DECODE_CSR),
];

/// Answers a request.
pub async fn answer(house: Arc<House>, peer: Peer, request: Request<Body>) -> Answer {
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
    let query = parts.uri.query().unwrap_or_default().as_bytes().to_vec();
    let post = parts.method == Method::POST;
    if !post && parts.method != Method::GET && parts.method != Method::HEAD {
        return encode(Reply::refusal(endpoint, endpoint.default_format, &Refusal::WrongMethod));
    }
    let body = match read_whole(body).await {
        Ok(body) => body,
        Err(why) => {
            let refusal = Refusal::Internal(Some(why.to_owned()));
            return encode(Reply::refusal(endpoint, endpoint.default_format, &refusal));
        }
    };
    let envelope = Envelope::read(endpoint, &query, content_type, &body);
    drop(body);
    let format = envelope.format();
    let seen =
        house.calls.is_on().then(|| (envelope.verdicts(), envelope.unknown().map(str::to_owned)));
    let transport = Transport { https: forwarded.https, post };
    let reply = match handled(house, forwarded.address, envelope, transport, format, handler).await
    {
        Ok(reply) => reply,
        Err(refusal) => Reply::refusal(endpoint, format, &refusal),
    };
    if let Some((verdicts, unknown)) = seen {
        house.calls.add(endpoint, &verdicts, unknown.as_deref(), &reply.body, house.now());
    }
    encode(reply)
}

/// Reads a body of at most [`MAX_BODY`]. What is beyond is read on and thrown away, up to [`MAX_READ`]: a caller who is
/// still sending would not see the answer otherwise.
async fn read_whole(mut body: Body) -> Result<Bytes, &'static str> {
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| "The request was cut off")?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > MAX_READ {
            break;
        }
        if seen <= MAX_BODY {
            kept.extend_from_slice(&data);
        }
    }
    if seen > MAX_BODY { Err("The request is too long") } else { Ok(kept.freeze()) }
}

async fn handled(
    house: &Arc<House>,
    from: IpAddr,
    envelope: Envelope,
    transport: Transport,
    format: Format,
    handler: Handler,
) -> Result<Reply, Refusal> {
    let incoming = envelope.incoming(transport)?;
    handlers::run(house, from, incoming, format, handler).await
}

/// What is known of the caller, with the headers of trusted proxies counted in.
struct Forwarded {
    address: IpAddr,
    https: bool,
}

impl Forwarded {
    fn of(house: &House, peer: Peer, headers: &HeaderMap) -> Self {
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
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
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

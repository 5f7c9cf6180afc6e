//! What the tests have in common.

use domain::refusal::Refusal;
use wire::envelope::{Authed, Authentication, Envelope, Incoming, Method, Transport};
use wire::reply::Reply;
use wire::table::Endpoint;

pub struct Proof;

impl Authentication for Proof {}

pub const TLS_POST: Transport = Transport { https: true, method: Method::Post };

pub fn incoming(endpoint: &'static Endpoint, body: &str) -> Result<Incoming, Refusal> {
    Envelope::read(endpoint, b"", None, body.as_bytes()).incoming(TLS_POST)
}

/// A call with a login before it.
pub fn authed(endpoint: &'static Endpoint, body: &str) -> Result<Authed, Refusal> {
    let body = format!("loginName=a&loginPassword=b&{body}");
    let incoming = incoming(endpoint, &body)?;
    incoming.credentials()?;
    Ok(incoming.authenticated(&Proof))
}

pub fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

//! Pages: what people see. Today the pages of domain control mails.

pub mod dcv;
pub mod pages;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming as Body;

use crate::house::House;
use crate::http::routes::{self, Answer, Forwarded, Peer};

/// Answers a request for a page; None where there is none. Pages are for people and hold secrets: they are had over TLS
/// alone. Only what watches over the house may ask without whether it is up.
pub async fn answer(house: &Arc<House>, peer: Peer, request: Request<Body>) -> Option<Answer> {
    let path = request.uri().path().to_ascii_lowercase();
    let page = dcv::Page::at(&path);
    let over_tls = Forwarded::of(house, peer, request.headers()).https;
    if !over_tls && (page.is_some() || path == pages::STYLESHEET_PATH) {
        return Some(over_there(house, &request));
    }
    if let Some(page) = page {
        return Some(dcv::answer(house, peer, request, page).await);
    }
    match (request.method(), path.as_str()) {
        (&Method::GET, pages::STYLESHEET_PATH) => {
            Some(asset("text/css; charset=utf-8", pages::STYLESHEET))
        }
        (&Method::GET, "/healthz") => Some(asset("text/plain; charset=utf-8", "ok\n")),
        _ => None,
    }
}

/// Sends who looks to the same place over TLS. What was posted in the clear settles nothing.
fn over_there(house: &House, request: &Request<Body>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return routes::plain(StatusCode::FORBIDDEN, "This page is for https alone.\n");
    }
    let place = request.uri().path_and_query().map_or("/", |place| place.as_str());
    let mut answer =
        routes::plain(StatusCode::PERMANENT_REDIRECT, "This page is for https alone.\n");
    let url = format!("{}{place}", house.mail.pages());
    if let Ok(url) = HeaderValue::from_str(&url) {
        answer.headers_mut().insert(header::LOCATION, url);
    }
    answer
}

fn asset(kind: &'static str, text: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A page with the headers that every page has: nothing from elsewhere, no framing, no caching.
#[must_use]
pub fn html(page: pages::Page) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(page.html)));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    for (name, value) in pages::HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    response
}

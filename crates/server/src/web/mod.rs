//! Pages: what people see. Today the pages of domain control mails.

pub mod dcv;
pub mod pages;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming as Body;

use crate::house::House;
use crate::http::routes::{Answer, Peer};

/// Answers a request for a page; None where there is none.
pub async fn answer(house: &Arc<House>, peer: Peer, request: Request<Body>) -> Option<Answer> {
    let path = request.uri().path().to_ascii_lowercase();
    if let Some(page) = dcv::Page::at(&path) {
        return Some(dcv::answer(house, peer, request, page).await);
    }
    match (request.method(), path.as_str()) {
        (&Method::GET, "/static/chancery.css") => {
            let css = include_str!("../../static/chancery.css");
            Some(asset("text/css; charset=utf-8", css))
        }
        (&Method::GET, "/healthz") => Some(asset("text/plain; charset=utf-8", "ok\n")),
        _ => None,
    }
}

fn asset(kind: &'static str, text: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
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

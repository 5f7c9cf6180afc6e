//! Pages: what people see. Today the pages of domain control mails and of S/MIME orders.

pub mod collection;
pub mod dcv;
pub mod mailbox;
pub mod pages;
pub mod smime_pages;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming as Body;

use crate::house::House;
use crate::http::routes::{self, Answer, Forwarded, Peer};

/// The longest body of a form.
const MAX_FORM: usize = 16 * 1_024;

/// Answers a request for a page; None where there is none. Pages are for people and hold secrets: they are had over TLS
/// alone. Only what watches over the house may ask without whether it is up.
pub async fn answer(house: &Arc<House>, peer: Peer, request: Request<Body>) -> Option<Answer> {
    let path = request.uri().path().to_ascii_lowercase();
    let page = dcv::Page::at(&path);
    let over_tls = Forwarded::of(house, peer, request.headers()).https;
    let part = collection::Part::at(&path);
    let others = [mailbox::PATH, pages::STYLESHEET_PATH, pages::SCRIPT_PATH];
    let is_page = page.is_some() || part.is_some() || others.contains(&&*path);
    if !over_tls && is_page {
        return Some(over_there(house, &request));
    }
    if let Some(page) = page {
        return Some(dcv::answer(house, peer, request, page).await);
    }
    if let Some(part) = part {
        return Some(collection::answer(house, peer, request, part).await);
    }
    if path == mailbox::PATH {
        return Some(mailbox::answer(house, peer, request).await);
    }
    match (request.method(), path.as_str()) {
        (&Method::GET, pages::STYLESHEET_PATH) => {
            Some(asset("text/css; charset=utf-8", pages::STYLESHEET))
        }
        (&Method::GET, pages::SCRIPT_PATH) => {
            Some(asset("text/javascript; charset=utf-8", pages::SCRIPT))
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

/// A page whose one script is a file of ours, which talks to us alone.
#[must_use]
pub fn html_with_script(page: pages::Page) -> Answer {
    let mut answer = html(page);
    let policy = HeaderValue::from_static(pages::SCRIPT_POLICY);
    answer.headers_mut().insert("content-security-policy", policy);
    answer
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

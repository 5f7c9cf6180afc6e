//! Keeps web pages out: a browser on the same machine reaches loopback too.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::reply::Wrong;

pub(super) async fn check(request: Request, next: Next) -> Result<Response, Wrong> {
    let headers = request.headers();
    // A name that some page's owner points at 127.0.0.1 arrives here as Host.
    let host = request.uri().authority().map(|at| at.as_str());
    let host = host.or_else(|| text(headers, &header::HOST)).unwrap_or_default();
    if !is_local(host) {
        return Err(refuse("the Host header must be localhost, 127.0.0.1 or [::1]"));
    }
    let site = text(headers, &HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site == "cross-site") {
        return Err(refuse("another site's page may not call the control API"));
    }
    if headers.contains_key(header::ORIGIN) {
        let origin = text(headers, &header::ORIGIN).unwrap_or_default();
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        if !is_local(host) {
            return Err(refuse("a page from elsewhere may not call the control API"));
        }
    }
    Ok(next.run(request).await)
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn refuse(why: &str) -> Wrong {
    Wrong(StatusCode::FORBIDDEN, why.to_owned())
}

//! What the URLs inside of certificates lead to: CA certificates and CRLs, in DER, whatever the Host header says.

use std::sync::Arc;

use bytes::Bytes;
use domain::certificate::CaId;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use issuance::ca::CaRole;
use store::{StoreError, Tx, crls};

use super::routes::{Answer, plain};
use crate::house::House;

/// Answers `/crt/<CA>.crt`, `/crl/<root>.crl` and `/crl/<CA>/<shard>.crl`; None for other paths.
pub async fn answer(house: &Arc<House>, method: &Method, path: &str) -> Option<Answer> {
    let (kind, rest) = path.strip_prefix('/')?.split_once('/')?;
    let found = match kind {
        "crt" => certificate(house, rest),
        "crl" => list(house, rest).await,
        _ => return None,
    };
    if method != Method::GET && method != Method::HEAD {
        return Some(plain(StatusCode::METHOD_NOT_ALLOWED, "GET only.\n"));
    }
    Some(found.unwrap_or_else(|| plain(StatusCode::NOT_FOUND, "There is nothing here.\n")))
}

fn certificate(house: &House, name: &str) -> Option<Answer> {
    let authority = house.authority.by_slug(name.strip_suffix(".crt")?)?;
    let der = authority.certificate.der.clone();
    Some(binary("application/pkix-cert", der, "public, max-age=86400"))
}

async fn list(house: &House, name: &str) -> Option<Answer> {
    let name = name.strip_suffix(".crl")?;
    let (slug, shard) = name.split_once('/').map_or((name, None), |(s, n)| (s, Some(n)));
    let authority = house.authority.by_slug(slug)?;
    let root = authority.certificate.slot.role == CaRole::Root;
    let shard: i64 = match (root, shard) {
        (true, None) => 0,
        (false, Some(number)) => number.parse().ok()?,
        _ => return None,
    };
    let id: CaId = authority.certificate.id;
    let read = move |tx: &mut Tx<'_>| -> Result<_, StoreError> { crls::newest(tx, id, shard) };
    match house.store.read("crl", read).await {
        Ok(Some(crl)) => Some(binary("application/pkix-crl", crl.der, "public, max-age=60")),
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "CRL cannot be read");
            Some(plain(StatusCode::SERVICE_UNAVAILABLE, "Try again later.\n"))
        }
    }
}

fn binary(kind: &'static str, der: Vec<u8>, cache: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(der)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

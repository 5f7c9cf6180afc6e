//! What may be named.

use domain::names::{CertName, DnsName};

/// True for `http://host/…` with a public DNS name, no port, no user, nothing odd.
#[must_use]
pub fn is_public_http_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    plain && host.parse::<DnsName>().is_ok_and(|name| name.is_public() && name.as_str() == host)
}

/// True when a public certificate may hold the name: public, and a wildcard not right above a public suffix.
pub(super) fn may_be_public(name: &CertName) -> bool {
    match name {
        CertName::Wildcard(base) if base.is_public_suffix() => false,
        _ => name.is_public(),
    }
}

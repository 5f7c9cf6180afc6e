//! Which names a certificate has: from parameters and CSR, by what the product allows.

use super::GivenNames;
use crate::csr::{Csr, CsrError};
use crate::names::CertName;
use crate::order_ssl::{ChosenNames, Prioritise, SslOrderRequest};
use crate::product::{Choice, Kind};
use crate::refusal::Refusal;

/// Chooses the names of a certificate from parameters and CSR.
///
/// # Errors
/// -3, -4, -5, -6, -8, -18, -19, -35.
pub fn choose_names(
    choice: &Choice,
    request: &SslOrderRequest,
    csr: &Csr,
) -> Result<ChosenNames, Refusal> {
    put_together(choice, None, request, csr)
}

/// The names, of which those that parameters say may have been read already.
pub(super) fn put_together(
    choice: &Choice,
    given: Option<GivenNames>,
    request: &SslOrderRequest,
    csr: &Csr,
) -> Result<ChosenNames, Refusal> {
    if choice.product.kind.is_list() {
        let given = given.map_or_else(|| list_of(choice, request, csr), Ok)?;
        let common_name = list_common_name(choice, request, csr, &given.ordered)?;
        let GivenNames { ordered, written } = given;
        return Ok(ChosenNames { ordered, written, implicit: None, common_name });
    }
    match given.and_then(|given| given.ordered.into_iter().next()) {
        Some(name) => Ok(with_twin(choice, request, name)),
        None => Ok(with_twin(choice, request, single_name(choice, request, csr)?)),
    }
}

fn single_name(choice: &Choice, request: &SslOrderRequest, csr: &Csr) -> Result<CertName, Refusal> {
    let given = request.names.common_name.as_deref();
    let in_csr = csr.subject.common_name.as_deref();
    let (text, source) = match (request.prioritise, given, in_csr) {
        (Prioritise::CsrOnly, _, Some(cn)) => (cn, "csr"),
        (Prioritise::CsrOnly, _, None) => return Err(CsrError::MissingField.into()),
        (_, Some(cn), _) => (cn, "commonName"),
        (_, None, Some(cn)) => (cn, "csr"),
        (_, None, None) => return Err(CsrError::MissingField.into()),
    };
    read_single(choice, text, source)
}

pub(super) fn read_single(
    choice: &Choice,
    text: &str,
    source: &'static str,
) -> Result<CertName, Refusal> {
    let text = text.trim();
    let wildcard = choice.product.kind == Kind::Wildcard;
    if wildcard && !(text.starts_with("*.") && text.matches('*').count() == 1) {
        return Err(Refusal::WildcardRequired);
    }
    if !wildcard && text.contains('*') {
        return Err(Refusal::WildcardNotAllowed);
    }
    let name: CertName = text.parse().map_err(|e| Refusal::invalid_because(source, e))?;
    if choice.product.intranet {
        match &name {
            CertName::Ip(_) if name.is_public() => return Err(Refusal::PublicAddress),
            CertName::Dns(_) if name.is_public() => return Err(Refusal::FullyQualified),
            _ => {}
        }
    } else {
        if matches!(name, CertName::Ip(_)) {
            return Err(Refusal::IpAddress);
        }
        public(&name, source)?;
    }
    Ok(name)
}

/// The one name with the second that comes with it, unless that is not wanted.
fn with_twin(choice: &Choice, request: &SslOrderRequest, name: CertName) -> ChosenNames {
    let implicit = match &name {
        CertName::Dns(dns) if !request.names.omit_additional && !choice.product.intranet => {
            dns.www_twin()
        }
        CertName::Wildcard(base) if !request.names.omit_additional => {
            Some(base.clone()).filter(|b| !b.is_public_suffix())
        }
        _ => None,
    };
    let common_name = fits_common_name(&name).then(|| name.clone());
    ChosenNames { ordered: vec![name], written: vec![0], implicit, common_name }
}

fn list_of(choice: &Choice, request: &SslOrderRequest, csr: &Csr) -> Result<GivenNames, Refusal> {
    let wishes = &request.names;
    let from_csr = || -> Option<Vec<String>> {
        let ips = csr.san_ips.iter().map(ToString::to_string);
        let all: Vec<String> = csr.san_dns.iter().cloned().chain(ips).collect();
        (!all.is_empty()).then_some(all)
    };
    match (&wishes.domain_names, request.prioritise) {
        (Some(given), p) if p != Prioritise::CsrOnly => read_list(choice, given, "domainNames"),
        (_, Prioritise::CsrOnly) => {
            read_list(choice, &from_csr().ok_or(CsrError::MissingField)?, "csr")
        }
        _ => read_list(choice, &from_csr().ok_or(Refusal::Missing("domainNames"))?, "csr"),
    }
}

pub(super) fn read_list(
    choice: &Choice,
    texts: &[String],
    source: &'static str,
) -> Result<GivenNames, Refusal> {
    let mut ordered: Vec<CertName> = Vec::with_capacity(texts.len());
    let mut written = Vec::with_capacity(texts.len());
    let mut places = std::collections::HashMap::new();
    for text in texts {
        let why = |e: &dyn std::fmt::Display| {
            Refusal::invalid_because(source, format!("{}: {e}", printable(text)))
        };
        let name: CertName = text.parse().map_err(|e| why(&e))?;
        public(&name, source)?;
        if !choice.product.wildcards && name.is_wildcard() {
            return Err(why(&"no wildcards in this product"));
        }
        if choice.product.level.is_extended() && matches!(name, CertName::Ip(_)) {
            return Err(why(&"no IP addresses in this product"));
        }
        let place = *places.entry(name.clone()).or_insert(ordered.len());
        written.push(place);
        if place == ordered.len() {
            ordered.push(name);
        }
    }
    if ordered.is_empty() {
        return Err(Refusal::Missing("domainNames"));
    }
    if ordered.len() > choice.product.max_names as usize {
        let why = format!("At most {} names", choice.product.max_names);
        return Err(Refusal::invalid_because(source, why));
    }
    Ok(GivenNames { ordered, written })
}

/// `primaryDomainName` and what `maxSubjectCNs` says of a common name; the former is one of the names, as far as these are
/// known (D62, D63).
pub(super) fn common_name_wishes(
    request: &SslOrderRequest,
    ordered: Option<&[CertName]>,
) -> Result<(Option<CertName>, Option<bool>), Refusal> {
    let wishes = &request.names;
    let read = |text: &String| -> Result<CertName, Refusal> {
        let invalid = |why: &dyn std::fmt::Display| {
            Refusal::invalid_because("primaryDomainName", why.to_string())
        };
        let name: CertName = text.parse().map_err(|e| invalid(&e))?;
        match ordered.is_none_or(|ordered| ordered.contains(&name)) {
            true => Ok(name),
            false => Err(invalid(&"Not one of the order's names")),
        }
    };
    let primary = wishes.primary.as_ref().map(read).transpose()?;
    match wishes.max_subject_cns {
        None => Ok((primary, None)),
        Some(n @ (0 | 1)) => Ok((primary, Some(n == 1))),
        Some(_) => Err(Refusal::invalid("maxSubjectCNs")),
    }
}

fn list_common_name(
    choice: &Choice,
    request: &SslOrderRequest,
    csr: &Csr,
    ordered: &[CertName],
) -> Result<Option<CertName>, Refusal> {
    let (given, wanted) = common_name_wishes(request, Some(ordered))?;
    let primary = match given {
        Some(name) => Some(name),
        None if choice.product.kind == Kind::Ucc => {
            let cn = csr.subject.common_name.as_deref().map(str::trim);
            if cn.is_some_and(|cn| cn.parse::<std::net::IpAddr>().is_ok()) {
                return Err(Refusal::IpAddress);
            }
            cn.and_then(|cn| cn.parse().ok()).filter(|name| ordered.contains(name))
        }
        None => None,
    };
    if wanted == Some(true) && primary.is_none() {
        return Err(Refusal::Missing("primaryDomainName"));
    }
    let fits = primary.as_ref().is_some_and(fits_common_name);
    match (wanted, primary) {
        (Some(false), _) | (_, None) => Ok(None),
        (_, Some(name)) if fits => Ok(Some(name)),
        (Some(true), Some(_)) => Err(Refusal::invalid("primaryDomainName")),
        (None, Some(_)) => Ok(None),
    }
}

fn fits_common_name(name: &CertName) -> bool {
    name.to_string().len() <= 64
}

fn public(name: &CertName, source: &'static str) -> Result<(), Refusal> {
    if name.is_public() {
        return Ok(());
    }
    let why = match name {
        CertName::Ip(ip) => format!("{ip} is not an Internet-accessible address"),
        CertName::Dns(_) | CertName::Wildcard(_) | CertName::Mail(_) => {
            format!("{name} is not a public domain name")
        }
    };
    Err(Refusal::invalid_because(source, why))
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}

//! What a request wishes for in its attributes: alternative names and Microsoft's template. The rest is ignored.

use std::net::IpAddr;

use der::asn1::AnyRef;
use der::{Class, Decode, Encode, Tagged};
use domain::csr::CsrError;
use domain::subject::is_harmless;
use x509_cert::attr::Attributes;
use x509_cert::request::ExtensionReq;

use super::normalise;
use crate::oid;

/// The most alternative names that are read.
pub const MAX_NAMES: usize = 2_000;

/// What the requested extensions ask for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wishes {
    /// dNSName entries, as written.
    pub san_dns: Vec<String>,
    /// iPAddress entries.
    pub san_ips: Vec<IpAddr>,
    /// Microsoft's template extension, whole, in DER.
    pub microsoft_template: Option<Vec<u8>>,
}

/// Reads the attributes; the same extension in two of them counts twice.
///
/// # Errors
/// -10.
pub fn read(attributes: Option<&Attributes>) -> Result<Wishes, CsrError> {
    let mut wishes = Wishes::default();
    let asked = attributes.into_iter().flat_map(Attributes::iter).filter(|attribute| {
        matches!(attribute.oid.as_bytes(), oid::EXTENSION_REQUEST | oid::MS_EXTENSION_REQUEST)
    });
    for value in asked.flat_map(|attribute| attribute.values.iter()) {
        let request = value.decode_as::<ExtensionReq>().map_err(broken)?;
        for extension in &request.0 {
            match extension.extn_id.as_bytes() {
                oid::SUBJECT_ALT_NAME => {
                    alternative_names(extension.extn_value.as_bytes(), &mut wishes)?;
                }
                oid::MS_TEMPLATE | oid::MS_TEMPLATE_NAME if wishes.microsoft_template.is_none() => {
                    wishes.microsoft_template = Some(extension.to_der().map_err(broken)?);
                }
                _ => {}
            }
        }
    }
    Ok(wishes)
}

/// The names are taken one by one: the parser's type for all of them refuses the whole list for one name of a kind that
/// nobody here looks at.
fn alternative_names(value: &[u8], wishes: &mut Wishes) -> Result<(), CsrError> {
    let der = normalise::to_der(value).map_err(|_| CsrError::Decode)?;
    for name in Vec::<AnyRef<'_>>::from_der(&der).map_err(broken)? {
        if wishes.san_dns.len() + wishes.san_ips.len() >= MAX_NAMES {
            return Err(CsrError::Decode);
        }
        let tag = name.tag();
        if tag.class() != Class::ContextSpecific || tag.is_constructed() {
            continue;
        }
        match tag.number().value() {
            2 => match std::str::from_utf8(name.value()) {
                Ok(text) if text.chars().all(is_harmless) => {
                    wishes.san_dns.push(text.to_owned());
                }
                _ => return Err(CsrError::Decode),
            },
            7 => wishes.san_ips.push(address(name.value()).ok_or(CsrError::Decode)?),
            _ => {}
        }
    }
    Ok(())
}

/// An address of 4 or 16 octets.
pub fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(IpAddr::from(v4));
    }
    <[u8; 16]>::try_from(octets).ok().map(IpAddr::from)
}

fn broken(_: der::Error) -> CsrError {
    CsrError::Decode
}

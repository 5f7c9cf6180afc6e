//! What a request wishes for in its attributes: alternative names and Microsoft's template. The rest is ignored.

use std::net::IpAddr;

use domain::csr::CsrError;

use super::{normalise, strings};
use crate::asn1::{self, BOOLEAN, Malformed, OCTET_STRING, OID, Reader, SEQUENCE, SET};
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
pub fn read(mut attributes: Reader<'_>) -> Result<Wishes, CsrError> {
    let mut wishes = Wishes::default();
    while !attributes.is_empty() {
        let mut attribute = attributes.expect(SEQUENCE).map_err(broken)?.inside();
        let kind = attribute.expect(OID).map_err(broken)?;
        if !matches!(kind.value, oid::EXTENSION_REQUEST | oid::MS_EXTENSION_REQUEST) {
            continue;
        }
        let mut values = attribute.expect(SET).map_err(broken)?.inside();
        while !values.is_empty() {
            extensions(values.expect(SEQUENCE).map_err(broken)?.inside(), &mut wishes)?;
        }
    }
    Ok(wishes)
}

fn extensions(mut list: Reader<'_>, wishes: &mut Wishes) -> Result<(), CsrError> {
    while !list.is_empty() {
        let whole = list.expect(SEQUENCE).map_err(broken)?;
        let mut extension = whole.inside();
        let kind = extension.expect(OID).map_err(broken)?;
        extension.optional(BOOLEAN).map_err(broken)?;
        let value = extension.expect(OCTET_STRING).map_err(broken)?.value;
        extension.end().map_err(broken)?;
        match kind.value {
            oid::SUBJECT_ALT_NAME => alternative_names(value, wishes)?,
            oid::MS_TEMPLATE | oid::MS_TEMPLATE_NAME => {
                wishes.microsoft_template.get_or_insert_with(|| whole.raw.to_vec());
            }
            _ => {}
        }
    }
    Ok(())
}

fn alternative_names(value: &[u8], wishes: &mut Wishes) -> Result<(), CsrError> {
    let der = normalise::to_der(value).map_err(broken)?;
    let mut names = asn1::single(&der, SEQUENCE).map_err(broken)?.inside();
    while !names.is_empty() {
        if wishes.san_dns.len() + wishes.san_ips.len() >= MAX_NAMES {
            return Err(CsrError::Decode);
        }
        let name = names.any().map_err(broken)?;
        match name.tag {
            0x82 => match std::str::from_utf8(name.value) {
                Ok(text) if text.chars().all(strings::harmless) => {
                    wishes.san_dns.push(text.to_owned());
                }
                _ => return Err(CsrError::Decode),
            },
            0x87 => wishes.san_ips.push(address(name.value).ok_or(CsrError::Decode)?),
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

fn broken(_: Malformed) -> CsrError {
    CsrError::Decode
}

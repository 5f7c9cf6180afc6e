//! What the lint sees: the parsed bytes, and beside them the raw octets of the parts whose very form is ruled.

use domain::certificate::{Serial, Validity};
use domain::names::CertName;
use domain::time::Time;
use x509_cert::TbsCertificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::Rules;
use crate::asn1::{self, INTEGER, Reader, SEQUENCE};
use crate::name::Attribute;
use crate::oid;

/// A leaf under the lint.
pub struct Seen<'a> {
    /// As the independent parser has it.
    pub tbs: &'a TbsCertificate,
    /// By what it is judged.
    pub rules: &'a Rules<'a>,
    /// Octets of the signature AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    /// Octets of the issuer's Name.
    pub issuer: &'a [u8],
    /// Octets of notBefore and notAfter.
    pub times: [&'a [u8]; 2],
    /// Octets of the SubjectPublicKeyInfo.
    pub spki: &'a [u8],
    /// Contents of the serial's INTEGER.
    pub serial_octets: &'a [u8],
    /// The serial, if it is one.
    pub serial: Option<Serial>,
    /// notBefore and notAfter.
    pub validity: Validity,
    /// Subject attributes in order; None for a type that this house does not write.
    pub subject: Vec<(Option<Attribute>, u8, String)>,
    /// True when every RDN has one attribute.
    pub single_valued: bool,
    /// Alternative names that are names; fewer than `name_count` when some are not.
    pub names: Vec<CertName>,
    /// How many alternative names there are.
    pub name_count: usize,
}

impl<'a> Seen<'a> {
    /// Takes the bytes apart. None when a part is missing, or when encoding what was parsed gives other bytes.
    pub(super) fn read(
        raw: &'a [u8],
        tbs: &'a TbsCertificate,
        rules: &'a Rules<'a>,
    ) -> Option<Self> {
        if tbs.to_der().ok()? != raw {
            return None;
        }
        let mut parts = asn1::single(raw, SEQUENCE).ok()?.inside();
        parts.expect(0xa0).ok()?;
        let serial_octets = parts.expect(INTEGER).ok()?.value;
        let algorithm = parts.expect(SEQUENCE).ok()?.raw;
        let issuer = parts.expect(SEQUENCE).ok()?.raw;
        let mut times = parts.expect(SEQUENCE).ok()?.inside();
        let times = [times.any().ok()?.raw, times.any().ok()?.raw];
        let subject = parts.expect(SEQUENCE).ok()?;
        let spki = parts.expect(SEQUENCE).ok()?.raw;
        let (subject, single_valued) = attributes(subject.inside())?;
        let (names, name_count) = names(tbs);
        let seconds = |t: &x509_cert::time::Time| {
            i64::try_from(t.to_unix_duration().as_secs()).ok().map(Time::from_secs)
        };
        Some(Self {
            serial: serial(serial_octets),
            validity: Validity {
                not_before: seconds(&tbs.validity().not_before)?,
                not_after: seconds(&tbs.validity().not_after)?,
            },
            tbs,
            rules,
            algorithm,
            issuer,
            times,
            spki,
            serial_octets,
            subject,
            single_valued,
            names,
            name_count,
        })
    }

    /// Criticality and value of the extension of this type.
    #[must_use]
    pub fn extension(&self, id: &[u8]) -> Option<(bool, &[u8])> {
        let list = self.tbs.extensions()?;
        let found = list.iter().find(|e| e.extn_id.as_bytes() == id)?;
        Some((found.critical, found.extn_value.as_bytes()))
    }

    /// The extension of this type, parsed by the independent parser.
    #[must_use]
    pub fn parsed<T: for<'d> Decode<'d>>(&self, id: &[u8]) -> Option<T> {
        T::from_der(self.extension(id)?.1).ok()
    }

    /// The values of an attribute.
    pub fn values(&self, attribute: Attribute) -> impl Iterator<Item = &str> {
        self.subject
            .iter()
            .filter(move |(a, _, _)| *a == Some(attribute))
            .map(|(_, _, text)| text.as_str())
    }
}

fn serial(octets: &[u8]) -> Option<Serial> {
    let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
    let mut wide = [0; 16];
    wide.get_mut(16_usize.checked_sub(octets.len())?..)?.copy_from_slice(octets);
    Serial::from_stored(&wide)
}

type Attributes = (Vec<(Option<Attribute>, u8, String)>, bool);

fn attributes(mut rdns: Reader<'_>) -> Option<Attributes> {
    let mut all = Vec::new();
    let mut single_valued = true;
    while !rdns.is_empty() {
        let mut set = rdns.expect(asn1::SET).ok()?.inside();
        let mut pair = set.expect(SEQUENCE).ok()?.inside();
        single_valued &= set.is_empty();
        let kind = Attribute::from_oid(pair.expect(asn1::OID).ok()?.value);
        let value = pair.any().ok()?;
        all.push((kind, value.tag, String::from_utf8(value.value.to_vec()).ok()?));
    }
    Some((all, single_valued))
}

fn names(tbs: &TbsCertificate) -> (Vec<CertName>, usize) {
    let value = tbs
        .extensions()
        .and_then(|list| list.iter().find(|e| e.extn_id.as_bytes() == oid::SUBJECT_ALT_NAME));
    let Some(Ok(list)) = value.map(|e| SubjectAltName::from_der(e.extn_value.as_bytes())) else {
        return (Vec::new(), 0);
    };
    let names = list.0.iter().filter_map(|name| match name {
        GeneralName::DnsName(text) => {
            let name: CertName = text.as_str().parse().ok()?;
            let same = name.dns().is_some() && name.to_string() == text.as_str();
            same.then_some(name)
        }
        GeneralName::IpAddress(octets) => crate::csr::address(octets.as_bytes()).map(CertName::Ip),
        _ => None,
    });
    (names.collect(), list.0.len())
}

//! What the lint sees: the parsed bytes, and beside them the raw octets of the parts whose very form is ruled.

use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, Tag, Tagged};
use domain::certificate::{Serial, Validity};
use domain::mail_address::MailAddress;
use domain::names::CertName;
use domain::time::Time;
use x509_cert::TbsCertificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::Rules;
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
    pub subject: Vec<(Option<Attribute>, Tag, String)>,
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
        let Raw { serial_octets, algorithm, issuer, times, spki } = Raw::read(raw).ok()?;
        let (subject, single_valued) = attributes(tbs.subject())?;
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

/// Octets of the parts whose very form is ruled.
struct Raw<'a> {
    serial_octets: &'a [u8],
    algorithm: &'a [u8],
    issuer: &'a [u8],
    times: [&'a [u8]; 2],
    spki: &'a [u8],
}

impl<'a> Raw<'a> {
    /// By position: the independent parser has seen already that these parts are there.
    fn read(tbs: &'a [u8]) -> der::Result<Self> {
        AnyRef::from_der(tbs)?.sequence(|parts| {
            let _version = parts.tlv_bytes()?;
            let serial = AnyRef::decode(parts)?;
            let (algorithm, issuer) = (parts.tlv_bytes()?, parts.tlv_bytes()?);
            let times = AnyRef::decode(parts)?
                .sequence(|times| Ok::<_, der::Error>([times.tlv_bytes()?, times.tlv_bytes()?]))?;
            let _subject = parts.tlv_bytes()?;
            let spki = parts.tlv_bytes()?;
            while !parts.is_finished() {
                parts.tlv_bytes()?;
            }
            Ok(Self { serial_octets: serial.value(), algorithm, issuer, times, spki })
        })
    }
}

type Attributes = (Vec<(Option<Attribute>, Tag, String)>, bool);

fn attributes(name: &x509_cert::name::Name) -> Option<Attributes> {
    let attribute = |a: &x509_cert::attr::AttributeTypeAndValue| {
        let text = String::from_utf8(a.value.value().to_vec()).ok()?;
        Some((Attribute::from_oid(a.oid.as_bytes()), a.value.tag(), text))
    };
    let all = name.iter().map(attribute).collect::<Option<Vec<_>>>()?;
    Some((all, name.iter_rdn().all(|rdn| rdn.len() == 1)))
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
        GeneralName::Rfc822Name(text) => {
            let mailbox: MailAddress = text.as_str().parse().ok()?;
            (mailbox.as_str() == text.as_str()).then_some(CertName::Mail(mailbox))
        }
        GeneralName::IpAddress(octets) => crate::csr::address(octets.as_bytes()).map(CertName::Ip),
        _ => None,
    });
    (names.collect(), list.0.len())
}

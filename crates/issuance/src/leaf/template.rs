//! Microsoft's certificate template extension: the one thing that a leaf takes over from its request.

use der::asn1::Any;
use der::oid::ObjectIdentifier;
use der::{Decode, Sequence};
use x509_cert::ext::Extension;

use crate::csr;
use crate::oid;

/// More octets than any template's name needs.
pub const MAX_OCTETS: usize = 2 * 1_024;

/// A template extension that may stand in a leaf: of one of the two types, with a value of that type, and not critical, since
/// nobody has to understand it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template(Extension);

impl Template {
    /// From the whole extension as a request has it, in DER; what it says of being critical is not taken over. None for
    /// other extensions, for values that are no template's, and beyond [`MAX_OCTETS`].
    #[must_use]
    pub fn read(extension: &[u8]) -> Option<Self> {
        let read = Extension::from_der(extension).ok().filter(|_| extension.len() <= MAX_OCTETS)?;
        let (id, value) = (read.extn_id.as_bytes(), read.extn_value.as_bytes());
        is_template(id, value).then_some(Self(Extension { critical: false, ..read }))
    }

    pub(crate) fn extension(&self) -> Extension {
        self.0.clone()
    }
}

/// CertificateTemplate of [MS-WCCE] 2.2.2.7.7.2.
#[derive(Sequence)]
struct CertificateTemplate {
    id: ObjectIdentifier,
    #[asn1(optional = "true")]
    major_version: Option<u32>,
    #[asn1(optional = "true")]
    minor_version: Option<u32>,
}

/// Whether the value of an extension of this type is a template's: an identifier with its version, or a name, which is text.
pub(crate) fn is_template(id: &[u8], value: &[u8]) -> bool {
    match id {
        oid::MS_TEMPLATE => CertificateTemplate::from_der(value).is_ok(),
        oid::MS_TEMPLATE_NAME => Any::from_der(value).is_ok_and(|name| csr::text(&name).is_ok()),
        _ => false,
    }
}

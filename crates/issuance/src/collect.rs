//! The forms in which certificates are handed over. Everything here takes DER and keeps the order that it is given.

mod cmmf;
mod zip;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use der::asn1::{AnyRef, SetOfVec};
use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Sequence};

use crate::oid::id;
pub use cmmf::cmmf;
pub use der::Error as NotDer;
pub use zip::{CannotZip, bundle, bundle_name};

/// ContentInfo of PKCS #7.
#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    content: Option<AnyRef<'a>>,
}

/// SignedData without signers. By its definition the certificates are a SET; written as a sequence of that tag they
/// keep the given order, which a SET's encoder would sort.
#[derive(Sequence)]
struct SignedData<'a> {
    version: u8,
    digest_algorithms: SetOfVec<AnyRef<'a>>,
    content: ContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    certificates: Vec<AnyRef<'a>>,
    signers: SetOfVec<AnyRef<'a>>,
}

/// PKCS #7 certs-only. The SET keeps the given order: readers expect it, and BER allows it.
///
/// # Errors
/// If one of the certificates is not DER.
pub fn pkcs7(certificates: &[&[u8]]) -> der::Result<Vec<u8>> {
    let signed_data = elements(certificates).and_then(|certificates| {
        let data = SignedData {
            version: 1,
            digest_algorithms: SetOfVec::new(),
            content: ContentInfo { content_type: id::PKCS7_DATA, content: None },
            certificates,
            signers: SetOfVec::new(),
        };
        data.to_der()
    });
    signed_data.and_then(|data| wrap(id::PKCS7_SIGNED_DATA, &data))
}

/// Netscape's certificate sequence; its readers want the leaf first.
///
/// # Errors
/// If one of the certificates is not DER.
pub fn netscape_sequence(leaf_first: &[&[u8]]) -> der::Result<Vec<u8>> {
    let list = elements(leaf_first).and_then(|list| list.to_der());
    list.and_then(|list| wrap(id::NETSCAPE_CERT_SEQUENCE, &list))
}

fn elements<'a>(ders: &[&'a [u8]]) -> der::Result<Vec<AnyRef<'a>>> {
    ders.iter().map(|der| AnyRef::from_der(der)).collect()
}

fn wrap(content_type: ObjectIdentifier, content: &[u8]) -> der::Result<Vec<u8>> {
    ContentInfo { content_type, content: Some(AnyRef::from_der(content)?) }.to_der()
}

/// Base64 in one line, without armour and without a line feed at the end.
#[must_use]
pub fn bare_base64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

/// PEM with lines of 64 characters, LF, and one LF at the end.
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    let base64 = bare_base64(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(64) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// Certificates as PEM, back to back, in the given order.
#[must_use]
pub fn pem_chain(certificates: &[&[u8]]) -> String {
    certificates.iter().map(|der| pem("CERTIFICATE", der)).collect()
}

//! The forms in which certificates are handed over. Everything here takes DER and keeps the order that it is given.

mod zip;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::asn1::{self, INTEGER, SET};
use crate::oid;
pub use zip::{CannotZip, bundle, bundle_name};

/// PKCS #7 certs-only. The SET keeps the given order: readers expect it, and BER allows it.
#[must_use]
pub fn pkcs7(certificates: &[&[u8]]) -> Vec<u8> {
    let empty_set = [SET, 0];
    let signed_data = asn1::seq(&[
        &[INTEGER, 1, 1],
        &empty_set,
        &asn1::seq(&[&asn1::oid(oid::PKCS7_DATA)]),
        &asn1::tlv(0xa0, certificates),
        &empty_set,
    ]);
    asn1::seq(&[&asn1::oid(oid::PKCS7_SIGNED_DATA), &asn1::tlv(0xa0, &[&signed_data])])
}

/// Netscape's certificate sequence; its readers want the leaf first.
#[must_use]
pub fn netscape_sequence(leaf_first: &[&[u8]]) -> Vec<u8> {
    let list = asn1::seq(leaf_first);
    asn1::seq(&[&asn1::oid(oid::NETSCAPE_CERT_SEQUENCE), &asn1::tlv(0xa0, &[&list])])
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

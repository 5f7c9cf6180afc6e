//! The bytes of certificates: what is signed, the extensions inside, and the wrapping around.

use domain::certificate::{Serial, Validity};
use domain::names::CertName;

use crate::asn1::{self, BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING};
use crate::oid;
use crate::signer::SignatureAlgorithm;

/// The parts of a TBSCertificate. Names, key and extensions are DER already.
#[derive(Clone, Copy, Debug)]
pub struct Tbs<'a> {
    /// Serial number.
    pub serial: Serial,
    /// How the issuer will sign.
    pub algorithm: SignatureAlgorithm,
    /// The issuer's Name.
    pub issuer: &'a [u8],
    /// First and last second.
    pub validity: Validity,
    /// The subject's Name.
    pub subject: &'a [u8],
    /// The subject's SubjectPublicKeyInfo.
    pub spki: &'a [u8],
    /// The extensions, in order.
    pub extensions: &'a [Vec<u8>],
}

impl Tbs<'_> {
    /// DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        let extensions = asn1::tlv(0xa3, &[&asn1::seq(&parts)]);
        let not_before = asn1::time(self.validity.not_before);
        let not_after = asn1::time(self.validity.not_after);
        asn1::seq(&[
            &[0xa0, 3, INTEGER, 1, 2],
            &asn1::unsigned(self.serial.as_bytes()),
            self.algorithm.der(),
            self.issuer,
            &asn1::seq(&[&not_before, &not_after]),
            self.subject,
            self.spki,
            &extensions,
        ])
    }
}

/// What was signed, the algorithm and the signature: a Certificate or CertificateList.
#[must_use]
pub fn signed(tbs: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> Vec<u8> {
    asn1::seq(&[tbs, algorithm.der(), &asn1::bit_string(signature)])
}

/// An Extension; `critical` is left out when false, as DER wants it.
#[must_use]
pub fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[BOOLEAN, 1, 0xff] } else { &[] };
    asn1::seq(&[&asn1::oid(id), critical, &asn1::tlv(OCTET_STRING, &[value])])
}

/// authorityKeyIdentifier with the key identifier alone.
#[must_use]
pub fn authority_key_id(key_id: &[u8]) -> Vec<u8> {
    extension(oid::AUTHORITY_KEY_ID, false, &asn1::seq(&[&asn1::tlv(0x80, &[key_id])]))
}

/// subjectKeyIdentifier.
#[must_use]
pub fn subject_key_id(key_id: &[u8]) -> Vec<u8> {
    extension(oid::SUBJECT_KEY_ID, false, &asn1::tlv(OCTET_STRING, &[key_id]))
}

/// keyUsage digitalSignature.
#[must_use]
pub fn key_usage_digital_signature() -> Vec<u8> {
    extension(oid::KEY_USAGE, true, &[BIT_STRING, 2, 7, 0x80])
}

/// keyUsage keyCertSign and cRLSign.
#[must_use]
pub fn key_usage_ca() -> Vec<u8> {
    extension(oid::KEY_USAGE, true, &[BIT_STRING, 2, 1, 0x06])
}

/// basicConstraints of a leaf: an empty SEQUENCE.
#[must_use]
pub fn basic_constraints_leaf() -> Vec<u8> {
    extension(oid::BASIC_CONSTRAINTS, true, &[0x30, 0])
}

/// basicConstraints of a CA, with pathLenConstraint 0 for one that issues leaves.
#[must_use]
pub fn basic_constraints_ca(issuing: bool) -> Vec<u8> {
    let path: &[u8] = if issuing { &[INTEGER, 1, 0] } else { &[] };
    extension(oid::BASIC_CONSTRAINTS, true, &asn1::seq(&[&[BOOLEAN, 1, 0xff], path]))
}

/// extKeyUsage serverAuth.
#[must_use]
pub fn server_auth() -> Vec<u8> {
    extension(oid::EXT_KEY_USAGE, false, &asn1::seq(&[&asn1::oid(oid::SERVER_AUTH)]))
}

/// certificatePolicies with one policy and no qualifier.
#[must_use]
pub fn policy(id: &[u8]) -> Vec<u8> {
    let information = asn1::seq(&[&asn1::oid(id)]);
    extension(oid::CERTIFICATE_POLICIES, false, &asn1::seq(&[&information]))
}

/// cRLDistributionPoints with one full name.
#[must_use]
pub fn crl_distribution_point(url: &str) -> Vec<u8> {
    let point = asn1::seq(&[&distribution_point_name(url)]);
    extension(oid::CRL_DISTRIBUTION_POINTS, false, &asn1::seq(&[&point]))
}

/// `[0]` DistributionPointName, its full name a URL.
#[must_use]
pub fn distribution_point_name(url: &str) -> Vec<u8> {
    let full_name = asn1::tlv(0xa0, &[&asn1::tlv(0x86, &[url.as_bytes()])]);
    asn1::tlv(0xa0, &[&full_name])
}

/// authorityInfoAccess with caIssuers.
#[must_use]
pub fn ca_issuers(url: &str) -> Vec<u8> {
    let location = asn1::tlv(0x86, &[url.as_bytes()]);
    let access = asn1::seq(&[&asn1::oid(oid::CA_ISSUERS), &location]);
    extension(oid::AUTHORITY_INFO_ACCESS, false, &asn1::seq(&[&access]))
}

/// subjectAltName; critical when the subject is empty.
#[must_use]
pub fn alternative_names(names: &[CertName], critical: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for name in names {
        all.extend(match name {
            CertName::Dns(_) | CertName::Wildcard(_) => {
                asn1::tlv(0x82, &[name.to_string().as_bytes()])
            }
            CertName::Ip(std::net::IpAddr::V4(ip)) => asn1::tlv(0x87, &[&ip.octets()]),
            CertName::Ip(std::net::IpAddr::V6(ip)) => asn1::tlv(0x87, &[&ip.octets()]),
        });
    }
    extension(oid::SUBJECT_ALT_NAME, critical, &asn1::seq(&[&all]))
}

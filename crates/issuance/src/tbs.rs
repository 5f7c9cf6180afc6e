//! The bytes of certificates: what is signed, the extensions inside, and the wrapping around.

use std::time::Duration;

use der::asn1::{AnyRef, BitStringRef, Ia5String, OctetString, UintRef};
use der::oid::ObjectIdentifier;
use der::{DateTime, Decode, Encode, Reader, Sequence, SliceReader};
use domain::certificate::{Serial, Validity};
use domain::names::CertName;
use domain::time::Time;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::{DistributionPoint, IssuingDistributionPoint};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
    CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier, certpolicy::PolicyInformation,
};

use crate::oid::id;
use crate::signer::SignatureAlgorithm;

/// The parts of a TBSCertificate. Names and key are DER already.
#[derive(Clone, Debug)]
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
    pub extensions: Vec<Extension>,
}

/// TBSCertificate of version 3 without unique identifiers. Names and key go in as they came, byte for byte.
#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: UintRef<'a>,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: x509_cert::time::Validity,
    subject: AnyRef<'a>,
    spki: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

impl Tbs<'_> {
    /// DER.
    pub fn encode(self) -> der::Result<Vec<u8>> {
        let Validity { not_before, not_after } = self.validity;
        TbsCertificate {
            version: 2,
            serial: UintRef::new(self.serial.as_bytes())?,
            signature: AnyRef::from_der(self.algorithm.der())?,
            issuer: AnyRef::from_der(self.issuer)?,
            validity: x509_cert::time::Validity::new(time(not_before)?, time(not_after)?),
            subject: AnyRef::from_der(self.subject)?,
            spki: AnyRef::from_der(self.spki)?,
            extensions: self.extensions,
        }
        .to_der()
    }
}

/// A Certificate or CertificateList.
#[derive(Sequence)]
struct Signed<'a> {
    tbs: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// What was signed, the algorithm and the signature: a Certificate or CertificateList.
pub fn signed(tbs: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> der::Result<Vec<u8>> {
    Signed {
        tbs: AnyRef::from_der(tbs)?,
        algorithm: AnyRef::from_der(algorithm.der())?,
        signature: BitStringRef::from_bytes(signature)?,
    }
    .to_der()
}

/// The parts that [`signed`] puts together, the first two with their heads.
pub fn split(der: &[u8]) -> der::Result<(&[u8], &[u8], &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|inside| {
        let (tbs, algorithm) = (inside.tlv_bytes()?, inside.tlv_bytes()?);
        let signature = BitStringRef::decode(inside)?;
        let signature = signature.as_bytes().ok_or(der::Tag::BitString.value_error())?;
        Ok::<_, der::Error>((tbs, algorithm, signature))
    })?;
    reader.finish()?;
    Ok(parts)
}

/// UTCTime through 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5), whole seconds.
pub fn time(at: Time) -> der::Result<x509_cert::time::Time> {
    let seconds = u64::try_from(at.secs()).map_err(|_| der::ErrorKind::DateTime)?;
    DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Into::into)
}

/// An Extension of this value.
pub fn extension(
    extn_id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// authorityKeyIdentifier with the key identifier alone.
pub fn authority_key_id(key_id: &[u8]) -> der::Result<Extension> {
    let value = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(key_id)?),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    extension(id::AUTHORITY_KEY_ID, false, &value)
}

/// subjectKeyIdentifier.
pub fn subject_key_id(key_id: &[u8]) -> der::Result<Extension> {
    extension(id::SUBJECT_KEY_ID, false, &SubjectKeyIdentifier(OctetString::new(key_id)?))
}

/// keyUsage digitalSignature.
pub fn key_usage_digital_signature() -> der::Result<Extension> {
    extension(id::KEY_USAGE, true, &KeyUsage(KeyUsages::DigitalSignature.into()))
}

/// keyUsage of a leaf that signs and is encrypted to: RSA keys take the message's key in, EC keys agree on one.
pub fn key_usage_signs_and_decrypts(rsa: bool) -> der::Result<Extension> {
    let decrypts = if rsa { KeyUsages::KeyEncipherment } else { KeyUsages::KeyAgreement };
    extension(id::KEY_USAGE, true, &KeyUsage(KeyUsages::DigitalSignature | decrypts))
}

/// keyUsage keyCertSign and cRLSign.
pub fn key_usage_ca() -> der::Result<Extension> {
    extension(id::KEY_USAGE, true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))
}

/// basicConstraints of a leaf: an empty SEQUENCE.
pub fn basic_constraints_leaf() -> der::Result<Extension> {
    let value = BasicConstraints { ca: false, path_len_constraint: None };
    extension(id::BASIC_CONSTRAINTS, true, &value)
}

/// basicConstraints of a CA, with pathLenConstraint 0 for one that issues leaves.
pub fn basic_constraints_ca(issuing: bool) -> der::Result<Extension> {
    let value = BasicConstraints { ca: true, path_len_constraint: issuing.then_some(0) };
    extension(id::BASIC_CONSTRAINTS, true, &value)
}

/// extKeyUsage with these purposes.
pub fn extended_key_usage(purposes: &[ObjectIdentifier]) -> der::Result<Extension> {
    extension(id::EXT_KEY_USAGE, false, &ExtendedKeyUsage(purposes.to_vec()))
}

/// certificatePolicies with one policy and no qualifier.
pub fn policy(content: &[u8]) -> der::Result<Extension> {
    let policy_identifier = ObjectIdentifier::from_bytes(content)?;
    let information = PolicyInformation { policy_identifier, policy_qualifiers: None };
    extension(id::CERTIFICATE_POLICIES, false, &CertificatePolicies(vec![information]))
}

/// cRLDistributionPoints with one full name.
pub fn crl_distribution_point(at: &str) -> der::Result<Extension> {
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![url(at)?])),
        reasons: None,
        crl_issuer: None,
    };
    extension(id::CRL_DISTRIBUTION_POINTS, false, &CrlDistributionPoints(vec![point]))
}

/// issuingDistributionPoint with one full name.
pub fn issuing_distribution_point(at: &str) -> der::Result<Extension> {
    let value = IssuingDistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![url(at)?])),
        only_contains_user_certs: false,
        only_contains_ca_certs: false,
        only_some_reasons: None,
        indirect_crl: false,
        only_contains_attribute_certs: false,
    };
    extension(id::ISSUING_DISTRIBUTION_POINT, true, &value)
}

/// authorityInfoAccess with caIssuers.
pub fn ca_issuers(at: &str) -> der::Result<Extension> {
    let access = AccessDescription { access_method: id::CA_ISSUERS, access_location: url(at)? };
    extension(id::AUTHORITY_INFO_ACCESS, false, &AuthorityInfoAccessSyntax(vec![access]))
}

/// subjectAltName; critical when the subject is empty.
pub fn alternative_names(names: &[CertName], critical: bool) -> der::Result<Extension> {
    let names = names.iter().map(|name| match name {
        CertName::Dns(_) | CertName::Wildcard(_) => {
            Ia5String::new(&name.to_string()).map(GeneralName::DnsName)
        }
        CertName::Ip(ip) => Ok(GeneralName::from(*ip)),
        CertName::Mail(mailbox) => Ia5String::new(mailbox.as_str()).map(GeneralName::Rfc822Name),
    });
    let names = names.collect::<der::Result<Vec<_>>>()?;
    extension(id::SUBJECT_ALT_NAME, critical, &SubjectAltName(names))
}

fn url(text: &str) -> der::Result<GeneralName> {
    Ia5String::new(text).map(GeneralName::UniformResourceIdentifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_change_their_form_in_2050() {
        let at = |text| time(Time::parse(text).unwrap()).unwrap().to_der().unwrap();
        assert_eq!(at("2049-12-31T23:59:59Z"), b"\x17\x0d491231235959Z");
        assert_eq!(at("2050-01-01T00:00:00Z"), b"\x18\x0f20500101000000Z");
    }
}

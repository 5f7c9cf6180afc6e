//! What a certification request says, once somebody who knows PKCS #10 has read it.

use std::net::IpAddr;

/// Kind and size of a subject's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyKind {
    /// RSA with a modulus of so many bits.
    Rsa(u16),
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
}

impl KeyKind {
    /// True for RSA: the issuing CA follows the kind of the subscriber's key.
    #[must_use]
    pub fn is_rsa(self) -> bool {
        matches!(self, KeyKind::Rsa(_))
    }

    /// Size in bits, as people speak of it.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            KeyKind::Rsa(bits) => bits,
            KeyKind::P256 => 256,
            KeyKind::P384 => 384,
            KeyKind::P521 => 521,
        }
    }
}

/// A subject's public key that passed every check of form and strength.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    /// Kind and size.
    pub kind: KeyKind,
    /// DER of the SubjectPublicKeyInfo, in the one form that BR 7.1.3.1 allows.
    pub spki: Vec<u8>,
    /// SHA-256 of [`PublicKey::spki`].
    pub spki_sha256: [u8; 32],
}

/// With what the request was signed. Only proof of possession: it says nothing of the certificate's signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestSignature {
    /// md5WithRSAEncryption.
    Md5,
    /// SHA-1 with RSA or ECDSA.
    Sha1,
    /// SHA-256, 384 or 512 with RSA or ECDSA.
    Sha2,
}

/// The subject's attributes that orders look at; first value wins except for streets. Empty values are absent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CsrSubject {
    /// commonName, as written.
    pub common_name: Option<String>,
    /// organizationName.
    pub organization: Option<String>,
    /// organizationalUnitName.
    pub organizational_unit: Option<String>,
    /// postOfficeBox.
    pub post_office_box: Option<String>,
    /// streetAddress, up to three, in the order of the request.
    pub streets: Vec<String>,
    /// localityName.
    pub locality: Option<String>,
    /// stateOrProvinceName.
    pub state: Option<String>,
    /// postalCode.
    pub postal_code: Option<String>,
    /// countryName, as written.
    pub country: Option<String>,
    /// emailAddress (PKCS #9).
    pub email: Option<String>,
    /// telephoneNumber.
    pub telephone: Option<String>,
}

/// A certification request whose signature is right and whose key is allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Csr {
    /// The request as received, in DER or nearly so; digests are taken over these bytes.
    pub der: Vec<u8>,
    /// Digests of [`Csr::der`] from which domain control tokens are made.
    pub digests: CsrDigests,
    /// The subject.
    pub subject: CsrSubject,
    /// dNSName entries of the requested subjectAltName, as written.
    pub san_dns: Vec<String>,
    /// iPAddress entries.
    pub san_ips: Vec<IpAddr>,
    /// The key.
    pub key: PublicKey,
    /// How it was signed.
    pub signature: RequestSignature,
    /// The value of Microsoft's certificate template extension (1.3.6.1.4.1.311.21.7 or .20.2), whole extension in DER.
    pub microsoft_template: Option<Vec<u8>>,
}

/// Digests over the DER of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsrDigests {
    /// MD5, the file's and the record's name.
    pub md5: [u8; 16],
    /// SHA-1, told by !DecodeCSR only.
    pub sha1: [u8; 20],
    /// SHA-256, the request token's core.
    pub sha256: [u8; 32],
}

/// Why a request cannot be used. Each maps to one code of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CsrError {
    /// -8: a required field, e.g. the common name, is not there.
    #[error("a required field is missing")]
    MissingField,
    /// -9: not Base64.
    #[error("not Base64")]
    Base64,
    /// -10: not a PKCS #10 structure.
    #[error("not a certification request")]
    Decode,
    /// -11: a key or signature algorithm that is not taken.
    #[error("unsupported algorithm")]
    Algorithm,
    /// -12: the signature is wrong.
    #[error("invalid signature")]
    Signature,
    /// -13: key size outside of the limits, or another curve.
    #[error("unsupported key size")]
    KeySize,
    /// -41, or -40 where that is not known: a key that is none, such as a point off its curve.
    #[error("invalid key")]
    InvalidKey,
    /// -40: a key known or computed to be weak or compromised.
    #[error("the key is believed to have been compromised")]
    Compromised,
}

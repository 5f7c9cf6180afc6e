//! Subjects' public keys: read in the forms that requests bring, written in the one form that BR 7.1.3.1 allows.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{self as aws, EcdsaVerificationAlgorithm, ParsedPublicKey};
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Sequence};
use domain::csr::{CsrError, KeyKind, PublicKey};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::oid;

/// AlgorithmIdentifier of rsaEncryption.
pub const RSA_ALGORITHM: &[u8] =
    &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
/// AlgorithmIdentifier of id-ecPublicKey on P-256.
pub const P256_ALGORITHM: &[u8] = &[
    0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1,
    7,
];
/// AlgorithmIdentifier of id-ecPublicKey on P-384.
pub const P384_ALGORITHM: &[u8] =
    &[0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];
/// AlgorithmIdentifier of id-ecPublicKey on P-521.
pub const P521_ALGORITHM: &[u8] =
    &[0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23];

/// What could be said of a key even where it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyFacts {
    /// `rsaEncryption` or `id-ecPublicKey`.
    pub algorithm: Option<&'static str>,
    /// Size in bits.
    pub bits: Option<usize>,
}

/// RSAPublicKey of PKCS #1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// Reads a SubjectPublicKeyInfo. The parameters of rsaEncryption may be NULL or missing.
///
/// # Errors
/// -10 for broken structure, -11 for other algorithms and explicit curves, -13 for sizes and other curves, -41 for points
/// off the curve, the point at infinity, even moduli and exponents that are even, 1 or of more than 256 bits.
pub fn read(
    spki: &SubjectPublicKeyInfoRef<'_>,
    facts: &mut KeyFacts,
) -> Result<PublicKey, CsrError> {
    read_parsed(spki, facts).map(|(key, _)| key)
}

/// A key, and for EC as the crypto library has it, ready to verify with the hash that goes with its curve.
pub(crate) type ReadKey = (PublicKey, Option<ParsedPublicKey>);

/// [`read`] for those who will verify something with the key.
pub(crate) fn read_parsed(
    spki: &SubjectPublicKeyInfoRef<'_>,
    facts: &mut KeyFacts,
) -> Result<ReadKey, CsrError> {
    let key = spki.subject_public_key.as_bytes().ok_or(CsrError::Decode)?;
    let parameters = spki.algorithm.parameters;
    match spki.algorithm.oid.as_bytes() {
        oid::RSA_ENCRYPTION => {
            facts.algorithm = Some("rsaEncryption");
            if parameters.is_some_and(|p| !p.is_null()) {
                return Err(CsrError::Decode);
            }
            rsa(key, facts).map(|key| (key, None))
        }
        oid::EC_PUBLIC_KEY => {
            facts.algorithm = Some("id-ecPublicKey");
            let curve = parameters.and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
            ec(curve.ok_or(CsrError::Algorithm)?.as_bytes(), key, facts)
        }
        _ => Err(CsrError::Algorithm),
    }
}

/// Modulus and exponent of an RSA key in the form that [`read`] writes; None for other keys.
#[must_use]
pub fn rsa_numbers(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    if spki.algorithm.oid != oid::id::RSA_ENCRYPTION {
        return None;
    }
    let key = RsaPublicKey::from_der(spki.subject_public_key.as_bytes()?).ok()?;
    Some((key.modulus.as_bytes(), key.exponent.as_bytes()))
}

/// The contents of the key's BIT STRING, as verifiers want it.
///
/// # Errors
/// If it is no SubjectPublicKeyInfo.
pub fn key_bits(spki: &[u8]) -> Result<&[u8], der::Error> {
    let key = SubjectPublicKeyInfoRef::from_der(spki)?.subject_public_key;
    key.as_bytes().ok_or_else(|| der::Tag::BitString.value_error().into())
}

/// SHA-256 of a SubjectPublicKeyInfo cut to 160 bits: the key identifier of RFC 7093, method 1, is taken over the key bits.
///
/// # Errors
/// If it is no SubjectPublicKeyInfo.
pub fn key_identifier(spki: &[u8]) -> der::Result<[u8; 20]> {
    let mut out = [0; 20];
    out.copy_from_slice(&sha256(key_bits(spki)?)[..20]);
    Ok(out)
}

/// SHA-1 of the key bits: the key identifier of RFC 5280 4.2.1.2, method 1, by which mail programs look for a recipient's key.
///
/// # Errors
/// If it is no SubjectPublicKeyInfo.
pub fn key_identifier_sha1(spki: &[u8]) -> der::Result<[u8; 20]> {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let mut out = [0; 20];
    out.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, key_bits(spki)?).as_ref());
    Ok(out)
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    out
}

/// Writes an RSA key.
///
/// # Errors
/// If a number is longer than the encoder takes (256 MiB).
pub fn write_rsa(modulus: &[u8], exponent: &[u8]) -> der::Result<Vec<u8>> {
    let key = RsaPublicKey { modulus: UintRef::new(modulus)?, exponent: UintRef::new(exponent)? };
    write(RSA_ALGORITHM, &key.to_der()?)
}

/// Writes an EC key from an uncompressed point.
///
/// # Errors
/// If the algorithm is not DER.
pub fn write_ec(algorithm: &[u8], point: &[u8]) -> der::Result<Vec<u8>> {
    write(algorithm, point)
}

fn write(algorithm: &[u8], key: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef {
        algorithm: AnyRef::from_der(algorithm)?.decode_as()?,
        subject_public_key: BitStringRef::from_bytes(key)?,
    }
    .to_der()
}

fn rsa(key: &[u8], facts: &mut KeyFacts) -> Result<PublicKey, CsrError> {
    let key = crate::csr::normalise::to_der(key).map_err(|_| CsrError::Decode)?;
    let key = RsaPublicKey::from_der(&key).map_err(|_| CsrError::Decode)?;
    let (modulus, exponent) = (key.modulus.as_bytes(), key.exponent.as_bytes());
    let top = modulus.first().copied().unwrap_or_default();
    let bits = modulus.len() * 8 - top.leading_zeros().min(7) as usize;
    facts.bits = Some(bits);
    if !(2_048..=8_192).contains(&bits) || !bits.is_multiple_of(8) {
        return Err(CsrError::KeySize);
    }
    let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
    if !odd(modulus) || !odd(exponent) || exponent == [1] || exponent.len() > 32 {
        return Err(CsrError::InvalidKey);
    }
    let bits = u16::try_from(bits).map_err(|_| CsrError::KeySize)?;
    let spki = write_rsa(modulus, exponent).map_err(|_| CsrError::Decode)?;
    Ok(finish(KeyKind::Rsa(bits), spki))
}

/// The crypto library decodes the point, which it does only if it lies on the curve, and writes compressed ones in full.
fn ec(curve: &[u8], point: &[u8], facts: &mut KeyFacts) -> Result<ReadKey, CsrError> {
    let (kind, id, octets, algorithm): (_, _, _, &'static EcdsaVerificationAlgorithm) = match curve
    {
        oid::P256 => (KeyKind::P256, P256_ALGORITHM, 32, &aws::ECDSA_P256_SHA256_ASN1),
        oid::P384 => (KeyKind::P384, P384_ALGORITHM, 48, &aws::ECDSA_P384_SHA384_ASN1),
        oid::P521 => (KeyKind::P521, P521_ALGORITHM, 66, &aws::ECDSA_P521_SHA512_ASN1),
        _ => return Err(CsrError::KeySize),
    };
    facts.bits = Some(usize::from(kind.bits()));
    let compressed = match point {
        [0] => return Err(CsrError::InvalidKey),
        [2 | 3, x @ ..] if x.len() == octets => true,
        [4, xy @ ..] if xy.len() == 2 * octets => false,
        _ => return Err(CsrError::Decode),
    };
    let key = ParsedPublicKey::new(algorithm, point).map_err(|_| CsrError::InvalidKey)?;
    let spki = if compressed {
        key.as_der().map_err(|_| CsrError::InvalidKey)?.as_ref().to_vec()
    } else {
        write_ec(id, point).map_err(|_| CsrError::Decode)?
    };
    Ok((finish(kind, spki), Some(key)))
}

fn finish(kind: KeyKind, spki: Vec<u8>) -> PublicKey {
    let spki_sha256 = sha256(&spki);
    PublicKey { kind, spki, spki_sha256 }
}

//! The signature of a request. It shows possession of the key and says nothing of the certificate, so that MD5 and SHA-1
//! are taken here.

use aws_lc_rs::digest::{
    Digest as AwsDigest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest,
};
use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};
use der::Sequence;
use der::asn1::{AnyRef, BitStringRef};
use domain::csr::{CsrError, KeyKind, PublicKey, RequestSignature};
use md5::{Digest as _, Md5};
use num_bigint::BigUint;
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::spki::ReadKey;
use crate::{oid, spki};

/// Verifies over the octets as received. Parameters count for RSASSA-PSS alone: others have NULL, or should have it and
/// do not, or should not and do.
///
/// # Errors
/// -10 for a signature that is not whole octets, -11 for other algorithms or one that does not fit the key, -12 for a wrong signature.
pub fn verify(
    (key, parsed): &ReadKey,
    algorithm: &AlgorithmIdentifierRef<'_>,
    signed: &[u8],
    signature: BitStringRef<'_>,
) -> Result<RequestSignature, CsrError> {
    let signature = signature.as_bytes().ok_or(CsrError::Decode)?;
    let id = algorithm.oid.as_bytes();
    let bits = spki::key_bits(&key.spki).map_err(|_| CsrError::Decode)?;
    let right = match (key.kind.is_rsa(), id) {
        (true, id) if id == oid::MD5_WITH_RSA || has_large_exponent(key) => {
            pkcs1(key, id, signed, signature).ok_or(CsrError::Algorithm)?
        }
        (false, oid::ECDSA_SHA1) if key.kind == KeyKind::P384 => {
            p384_with_sha1(bits, signed, signature)
        }
        _ => {
            let algorithm = by_id(key.kind, id, algorithm.parameters).ok_or(CsrError::Algorithm)?;
            match parsed {
                Some(parsed) if std::ptr::addr_eq(parsed.algorithm(), algorithm) => {
                    parsed.verify_sig(signed, signature).is_ok()
                }
                _ => UnparsedPublicKey::new(algorithm, bits).verify(signed, signature).is_ok(),
            }
        }
    };
    match (right, id) {
        (false, _) => Err(CsrError::Signature),
        (true, oid::MD5_WITH_RSA) => Ok(RequestSignature::Md5),
        (true, oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW | oid::ECDSA_SHA1) => {
            Ok(RequestSignature::Sha1)
        }
        (true, _) => Ok(RequestSignature::Sha2),
    }
}

fn by_id(
    kind: KeyKind,
    id: &[u8],
    parameters: Option<AnyRef<'_>>,
) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, id) {
        (KeyKind::Rsa(_), oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW) => {
            &aws::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        (KeyKind::Rsa(_), oid::SHA256_WITH_RSA) => &aws::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa(_), oid::SHA384_WITH_RSA) => &aws::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa(_), oid::SHA512_WITH_RSA) => &aws::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa(_), oid::RSASSA_PSS) => match pss_hash(parameters)? {
            oid::SHA256 => &aws::RSA_PSS_2048_8192_SHA256,
            oid::SHA384 => &aws::RSA_PSS_2048_8192_SHA384,
            oid::SHA512 => &aws::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        },
        (KeyKind::P256, oid::ECDSA_SHA1) => &aws::ECDSA_P256_SHA1_ASN1,
        (KeyKind::P256, oid::ECDSA_SHA256) => &aws::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, oid::ECDSA_SHA384) => &aws::ECDSA_P256_SHA384_ASN1,
        (KeyKind::P256, oid::ECDSA_SHA512) => &aws::ECDSA_P256_SHA512_ASN1,
        (KeyKind::P384, oid::ECDSA_SHA256) => &aws::ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, oid::ECDSA_SHA384) => &aws::ECDSA_P384_SHA384_ASN1,
        (KeyKind::P384, oid::ECDSA_SHA512) => &aws::ECDSA_P384_SHA512_ASN1,
        (KeyKind::P521, oid::ECDSA_SHA1) => &aws::ECDSA_P521_SHA1_ASN1,
        (KeyKind::P521, oid::ECDSA_SHA256) => &aws::ECDSA_P521_SHA256_ASN1,
        (KeyKind::P521, oid::ECDSA_SHA384) => &aws::ECDSA_P521_SHA384_ASN1,
        (KeyKind::P521, oid::ECDSA_SHA512) => &aws::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// RSASSA-PSS-params.
#[derive(Sequence)]
struct PssParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt_length: Option<u32>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

/// The hash that RSASSA-PSS parameters name, if the mask is made with it too and the salt is as long as it: the crypto
/// library verifies no other forms, and what was left out means SHA-1.
fn pss_hash(parameters: Option<AnyRef<'_>>) -> Option<&'static [u8]> {
    let parameters = parameters?.decode_as::<PssParameters<'_>>().ok()?;
    let hash = parameters.hash?.oid;
    let mask = parameters.mask.filter(|mask| mask.oid == oid::id::MGF1)?.parameters?;
    let mask = mask.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?.oid;
    let (hash, length) = match hash.as_bytes() {
        oid::SHA256 => (oid::SHA256, 32),
        oid::SHA384 => (oid::SHA384, 48),
        oid::SHA512 => (oid::SHA512, 64),
        _ => return None,
    };
    let fits = mask.as_bytes() == hash
        && parameters.salt_length == Some(length)
        && parameters.trailer.is_none_or(|trailer| trailer == 1);
    fits.then_some(hash)
}

/// The crypto library has no name for P-384 with SHA-1. ECDSA reads a digest as a number, so zeros before it do not
/// change it.
fn p384_with_sha1(point: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    let mut padded = [0; 48];
    padded[28..].copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, signed).as_ref());
    AwsDigest::import_less_safe(&padded, &SHA384).is_ok_and(|digest| {
        UnparsedPublicKey::new(&aws::ECDSA_P384_SHA384_ASN1, point)
            .verify_digest(&digest, signature)
            .is_ok()
    })
}

/// RSASSA-PKCS1-v1_5 where the crypto library does not verify it, by hash (MD5) or by public exponent (over 33 bits): the
/// public operation, and a comparison with the whole encoded message (RFC 8017 8.2.2), so that nothing of the signer's making is
/// parsed. None for other algorithms.
fn pkcs1(key: &PublicKey, id: &[u8], signed: &[u8], signature: &[u8]) -> Option<bool> {
    let (info, hash) = digest_info(id, signed)?;
    let (modulus, exponent) = spki::rsa_numbers(&key.spki)?;
    let number = BigUint::from_bytes_be;
    let (n, s) = (number(modulus), number(signature));
    let tail = modulus.len().checked_sub(info.len() + hash.len())?;
    if signature.len() != modulus.len() || s >= n || tail < 11 {
        return Some(false);
    }
    let mut encoded = vec![0, 1];
    encoded.resize(tail - 1, 0xff);
    encoded.push(0);
    encoded.extend(info);
    encoded.extend(hash);
    Some(s.modpow(&number(exponent), &n) == number(&encoded))
}

/// What stands before the digest, and the digest (RFC 8017 9.2, note 1).
fn digest_info(id: &[u8], signed: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const MD5_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5];
    const SHA1_OID: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
    let by = |algorithm| digest(algorithm, signed).as_ref().to_vec();
    let (oid, hash) = match id {
        oid::MD5_WITH_RSA => (MD5_OID, Md5::digest(signed).to_vec()),
        oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW => (SHA1_OID, by(&SHA1_FOR_LEGACY_USE_ONLY)),
        oid::SHA256_WITH_RSA => (oid::SHA256, by(&SHA256)),
        oid::SHA384_WITH_RSA => (oid::SHA384, by(&SHA384)),
        oid::SHA512_WITH_RSA => (oid::SHA512, by(&SHA512)),
        _ => return None,
    };
    let (oid_length, hash_length) = (u8::try_from(oid.len()).ok()?, u8::try_from(hash.len()).ok()?);
    let mut info = vec![0x30, oid_length + hash_length + 8, 0x30, oid_length + 4, 6, oid_length];
    info.extend(oid);
    info.extend([5, 0, 4, hash_length]);
    Some((info, hash))
}

/// Whether the crypto library refuses the key for its exponent, which may have up to 256 bits (BR 6.1.6).
fn has_large_exponent(key: &PublicKey) -> bool {
    key.kind.is_rsa() && spki::rsa_numbers(&key.spki).is_some_and(|(_, e)| e.len() > 4)
}

//! Subjects' public keys: read in the forms that requests bring, written in the one form that BR 7.1.3.1 allows.

use domain::csr::{CsrError, KeyKind, PublicKey};
use num_bigint::BigUint;

use crate::asn1::{self, Malformed, NULL, OID, SEQUENCE, Tlv};
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

/// Reads a SubjectPublicKeyInfo.
///
/// # Errors
/// -10 for broken structure, -11 for other algorithms and explicit curves, -13 for sizes and other curves, -40 for points
/// off the curve, the point at infinity, even moduli and exponents that are even, 1 or of more than 256 bits.
pub fn read(spki: Tlv<'_>, facts: &mut KeyFacts) -> Result<PublicKey, CsrError> {
    let (algorithm, key) = split(spki).map_err(|_| CsrError::Decode)?;
    let mut inside = algorithm.inside();
    let id = inside.expect(OID).map_err(|_| CsrError::Decode)?;
    let parameters = inside.any().ok();
    inside.end().map_err(|_| CsrError::Decode)?;
    match id.value {
        oid::RSA_ENCRYPTION => {
            facts.algorithm = Some("rsaEncryption");
            if parameters.is_some_and(|p| p.tag != NULL) {
                return Err(CsrError::Decode);
            }
            rsa(key, facts)
        }
        oid::EC_PUBLIC_KEY => {
            facts.algorithm = Some("id-ecPublicKey");
            match parameters {
                Some(Tlv { tag: OID, value, .. }) => ec(value, key, facts),
                _ => Err(CsrError::Algorithm),
            }
        }
        _ => Err(CsrError::Algorithm),
    }
}

/// Modulus and exponent of an RSA key in the form that [`read`] writes; None for other keys.
#[must_use]
pub fn rsa_numbers(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, key) = split(asn1::single(spki, SEQUENCE).ok()?).ok()?;
    if algorithm.raw != RSA_ALGORITHM {
        return None;
    }
    rsa_integers(key).ok()
}

/// The contents of the key's BIT STRING, as verifiers want it.
///
/// # Errors
/// [`Malformed`].
pub fn key_bits(spki: &[u8]) -> Result<&[u8], Malformed> {
    split(asn1::single(spki, SEQUENCE)?).map(|(_, key)| key)
}

/// SHA-256 of a SubjectPublicKeyInfo cut to 160 bits: the key identifier of RFC 7093, method 1, is taken over the key bits.
#[must_use]
pub fn key_identifier(spki: &[u8]) -> [u8; 20] {
    let bits = key_bits(spki).unwrap_or(spki);
    let mut out = [0; 20];
    out.copy_from_slice(&sha256(bits)[..20]);
    out
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    out
}

/// Writes an RSA key.
#[must_use]
pub fn write_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = asn1::seq(&[&asn1::unsigned(modulus), &asn1::unsigned(exponent)]);
    asn1::seq(&[RSA_ALGORITHM, &asn1::bit_string(&key)])
}

/// Writes an EC key from an uncompressed point.
#[must_use]
pub fn write_ec(algorithm: &[u8], point: &[u8]) -> Vec<u8> {
    asn1::seq(&[algorithm, &asn1::bit_string(point)])
}

fn split(spki: Tlv<'_>) -> Result<(Tlv<'_>, &[u8]), Malformed> {
    if spki.tag != SEQUENCE {
        return Err(Malformed);
    }
    let mut inside = spki.inside();
    let algorithm = inside.expect(SEQUENCE)?;
    let key = inside.any()?.bits()?;
    inside.end()?;
    Ok((algorithm, key))
}

fn rsa_integers(key: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut inside = asn1::single(key, SEQUENCE)?.inside();
    let modulus = positive(inside.expect(asn1::INTEGER)?.value)?;
    let exponent = positive(inside.expect(asn1::INTEGER)?.value)?;
    inside.end()?;
    Ok((modulus, exponent))
}

fn positive(integer: &[u8]) -> Result<&[u8], Malformed> {
    let negative = integer.first().is_none_or(|b| *b >= 0x80);
    let zeros = integer.iter().take_while(|b| **b == 0).count();
    if negative { Err(Malformed) } else { Ok(&integer[zeros..]) }
}

fn rsa(key: &[u8], facts: &mut KeyFacts) -> Result<PublicKey, CsrError> {
    let key = crate::csr::normalise::to_der(key).map_err(|_| CsrError::Decode)?;
    let (modulus, exponent) = rsa_integers(&key).map_err(|_| CsrError::Decode)?;
    let top = modulus.first().copied().unwrap_or_default();
    let bits = modulus.len() * 8 - top.leading_zeros().min(7) as usize;
    facts.bits = Some(bits);
    if !(2_048..=8_192).contains(&bits) || !bits.is_multiple_of(8) {
        return Err(CsrError::KeySize);
    }
    let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
    if !odd(modulus) || !odd(exponent) || exponent == [1] || exponent.len() > 32 {
        return Err(CsrError::Compromised);
    }
    let bits = u16::try_from(bits).map_err(|_| CsrError::KeySize)?;
    Ok(finish(KeyKind::Rsa(bits), write_rsa(modulus, exponent)))
}

fn ec(curve: &[u8], point: &[u8], facts: &mut KeyFacts) -> Result<PublicKey, CsrError> {
    let (kind, algorithm, curve) = match curve {
        oid::P256 => (KeyKind::P256, P256_ALGORITHM, &CURVES[0]),
        oid::P384 => (KeyKind::P384, P384_ALGORITHM, &CURVES[1]),
        oid::P521 => (KeyKind::P521, P521_ALGORITHM, &CURVES[2]),
        _ => return Err(CsrError::KeySize),
    };
    facts.bits = Some(usize::from(kind.bits()));
    let point = curve.uncompressed(point)?;
    Ok(finish(kind, write_ec(algorithm, &point)))
}

fn finish(kind: KeyKind, spki: Vec<u8>) -> PublicKey {
    let spki_sha256 = sha256(&spki);
    PublicKey { kind, spki, spki_sha256 }
}

struct Curve {
    octets: usize,
    p: &'static str,
    b: &'static str,
}

impl Curve {
    /// The point in uncompressed form, after a look whether it lies on the curve y² = x³ - 3x + b.
    fn uncompressed(&self, point: &[u8]) -> Result<Vec<u8>, CsrError> {
        let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap_or_default();
        let (p, b) = (number(self.p), number(self.b));
        let (form, rest) = point.split_first().ok_or(CsrError::Decode)?;
        let (x_octets, y_octets) = match (form, rest.len()) {
            (0, 0) => return Err(CsrError::Compromised),
            (2 | 3, n) if n == self.octets => (rest, None),
            (4, n) if n == 2 * self.octets => {
                let (x, y) = rest.split_at(self.octets);
                (x, Some(y))
            }
            _ => return Err(CsrError::Decode),
        };
        let x = BigUint::from_bytes_be(x_octets);
        if x >= p {
            return Err(CsrError::Compromised);
        }
        let square = (&x * &x * &x + &p * 3_u8 - &x * 3_u8 + b) % &p;
        let y = match y_octets {
            Some(octets) => BigUint::from_bytes_be(octets),
            None => {
                let root = square.modpow(&((&p + 1_u8) >> 2), &p);
                if root.bit(0) == (*form == 3) { root } else { &p - root }
            }
        };
        if y >= p || &y * &y % &p != square {
            return Err(CsrError::Compromised);
        }
        let y = y.to_bytes_be();
        let mut out = vec![4];
        out.extend_from_slice(x_octets);
        out.resize(1 + 2 * self.octets - y.len(), 0);
        out.extend_from_slice(&y);
        Ok(out)
    }
}

/// FIPS 186-4, D.1.2: each prime is 3 modulo 4, so that a square root is a power.
const CURVES: [Curve; 3] = [
    Curve {
        octets: 32,
        p: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    },
    Curve {
        octets: 48,
        p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
        b: "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    },
    Curve {
        octets: 66,
        p: "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        b: "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    },
];

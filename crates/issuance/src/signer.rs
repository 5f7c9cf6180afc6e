//! Keys that sign for a CA: software keys today, other kinds behind the same trait later.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as aws, EcdsaKeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair, VerificationAlgorithm,
};
use der::{Decode, Encode};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use crate::spki;

/// How certificates and CRLs are signed. An EC key's curve decides its hash (BR 7.1.3.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureAlgorithm {
    /// sha256WithRSAEncryption.
    RsaSha256,
    /// ecdsa-with-SHA256, of a P-256 key.
    EcdsaSha256,
    /// ecdsa-with-SHA384, of a P-384 key.
    EcdsaSha384,
}

impl SignatureAlgorithm {
    /// AlgorithmIdentifier, byte for byte as BR 7.1.3.2 prints it.
    #[must_use]
    pub fn der(self) -> &'static [u8] {
        match self {
            SignatureAlgorithm::RsaSha256 => {
                &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0]
            }
            SignatureAlgorithm::EcdsaSha256 => {
                &[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]
            }
            SignatureAlgorithm::EcdsaSha384 => {
                &[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3]
            }
        }
    }

    /// How a key of this SubjectPublicKeyInfo signs; None for kinds that no CA of ours has.
    #[must_use]
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let key = SubjectPublicKeyInfoRef::from_der(key).ok()?;
        match key.algorithm.to_der().ok()?.as_slice() {
            spki::RSA_ALGORITHM => Some(SignatureAlgorithm::RsaSha256),
            spki::P256_ALGORITHM => Some(SignatureAlgorithm::EcdsaSha256),
            spki::P384_ALGORITHM => Some(SignatureAlgorithm::EcdsaSha384),
            _ => None,
        }
    }

    /// Whether the signature over the message is right under the key.
    #[must_use]
    pub fn verifies(self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        Verifier::new(self, key).is_some_and(|key| key.verifies(message, signature))
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            SignatureAlgorithm::RsaSha256 => &aws::RSA_PKCS1_2048_8192_SHA256,
            SignatureAlgorithm::EcdsaSha256 => &aws::ECDSA_P256_SHA256_ASN1,
            SignatureAlgorithm::EcdsaSha384 => &aws::ECDSA_P384_SHA384_ASN1,
        }
    }
}

/// A CA's public key, parsed once for all the signatures that it has to verify.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    algorithm: SignatureAlgorithm,
    key: ParsedPublicKey,
}

impl Verifier {
    /// From DER of a SubjectPublicKeyInfo; None for kinds that no CA of ours has, and for no keys.
    pub fn of_key(spki: &[u8]) -> Option<Self> {
        Self::new(SignatureAlgorithm::of_key(spki)?, spki)
    }

    fn new(algorithm: SignatureAlgorithm, spki: &[u8]) -> Option<Self> {
        let bits = spki::key_bits(spki).ok()?;
        let key = ParsedPublicKey::new(algorithm.verification(), bits).ok()?;
        Some(Self { algorithm, key })
    }

    /// How the key signs.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether the signature over the message is right.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.key.as_ref() == other.key.as_ref()
    }
}

impl Eq for Verifier {}

/// The key could not sign; says nothing of why, which may be secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the key cannot sign")]
pub struct CannotSign;

/// A key of a CA, wherever it lives.
pub trait CaSigner: Send + Sync {
    /// How it signs.
    fn algorithm(&self) -> SignatureAlgorithm;
    /// DER of its SubjectPublicKeyInfo.
    fn spki(&self) -> &[u8];
    /// Signs a message (not a digest).
    ///
    /// # Errors
    /// [`CannotSign`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign>;
}

/// The kinds of keys that the ceremony makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyChoice {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A key in this process' memory. It has no `Debug` and cannot be written out again.
pub struct SoftwareKey {
    pair: Pair,
    spki: Vec<u8>,
    algorithm: SignatureAlgorithm,
}

impl SoftwareKey {
    /// A new key by the crypto library's own random source, and its PKCS #8 form.
    ///
    /// # Errors
    /// [`CannotSign`] if the library fails.
    pub fn generate(choice: KeyChoice) -> Result<(Self, Zeroizing<Vec<u8>>), CannotSign> {
        let rsa = |size| {
            let pair = RsaKeyPair::generate(size).map_err(|_| CannotSign)?;
            let pkcs8 = pair.as_der().map_err(|_| CannotSign)?;
            Ok::<_, CannotSign>(Zeroizing::new(pkcs8.as_ref().to_vec()))
        };
        let ec = |algorithm| {
            let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| CannotSign)?;
            let pkcs8 = pair.to_pkcs8v1().map_err(|_| CannotSign)?;
            Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
        };
        let pkcs8 = match choice {
            KeyChoice::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyChoice::Rsa3072 => rsa(KeySize::Rsa3072),
            KeyChoice::Rsa4096 => rsa(KeySize::Rsa4096),
            KeyChoice::P256 => ec(&aws::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyChoice::P384 => ec(&aws::ECDSA_P384_SHA384_ASN1_SIGNING),
        }?;
        Ok((Self::from_pkcs8(&pkcs8)?, pkcs8))
    }

    /// From PKCS #8.
    ///
    /// # Errors
    /// [`CannotSign`] for anything but RSA, P-256 and P-384.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, CannotSign> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(pkcs8) {
            let spki = pair.public_key().as_der().map_err(|_| CannotSign)?.as_ref().to_vec();
            let algorithm = SignatureAlgorithm::RsaSha256;
            return Ok(Self { pair: Pair::Rsa(pair), spki, algorithm });
        }
        let curves = [
            (&aws::ECDSA_P256_SHA256_ASN1_SIGNING, SignatureAlgorithm::EcdsaSha256),
            (&aws::ECDSA_P384_SHA384_ASN1_SIGNING, SignatureAlgorithm::EcdsaSha384),
        ];
        for (curve, algorithm) in curves {
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(curve, pkcs8) {
                let spki = pair.public_key().as_der().map_err(|_| CannotSign)?.as_ref().to_vec();
                return Ok(Self { pair: Pair::Ec(pair), spki, algorithm });
            }
        }
        Err(CannotSign)
    }
}

impl CaSigner for SoftwareKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn spki(&self) -> &[u8] {
        &self.spki
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a signature that repeats its chance gives the key away: it is never passed in"
    )]
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&aws::RSA_PKCS1_SHA256, &random, message, &mut out)
                    .map_err(|_| CannotSign)?;
                Ok(out)
            }
            Pair::Ec(pair) => {
                pair.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(|_| CannotSign)
            }
        }
    }
}

//! Keys that nobody should have: made weakly, or known to others (BR 6.1.1.3).

mod lists;
mod rsa;

use std::sync::OnceLock;

use domain::csr::PublicKey;

use crate::spki;
pub use lists::ListError;

/// Why a key is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WeakKey {
    /// The exponent is even, 1, or of more than 256 bits.
    #[error("bad RSA exponent")]
    Exponent,
    /// The modulus is even.
    #[error("even RSA modulus")]
    EvenModulus,
    /// The modulus has a small prime factor.
    #[error("RSA modulus with a small factor")]
    SmallFactor,
    /// Fermat's method finds the factors within 100 rounds.
    #[error("RSA primes are too close")]
    ClosePrimes,
    /// The modulus is a prime, or a power of one (BR 6.1.6).
    #[error("RSA modulus of a single prime")]
    OnePrime,
    /// The modulus has the mark of CVE-2017-15361.
    #[error("RSA key of a faulty generator (ROCA)")]
    Roca,
    /// In a list of keys that were made by a faulty generator, e.g. Debian's of 2006 to 2008.
    #[error("key in a list of weak keys")]
    Listed,
    /// In the operator's list of compromised keys.
    #[error("key known to be compromised")]
    Compromised,
}

/// The operator's lists. The arithmetic needs none.
#[derive(Clone, Default, Debug)]
pub struct WeakKeys {
    compromised: Vec<[u8; 32]>,
    blocks: Vec<[u8; 15]>,
}

impl WeakKeys {
    /// No lists: only what can be computed.
    #[must_use]
    pub fn without_lists() -> Self {
        Self::default()
    }

    /// Adds SHA-256 digests of SubjectPublicKeyInfos, one in hexadecimal per line; `#` begins a remark.
    ///
    /// # Errors
    /// [`ListError`] with the line.
    pub fn add_spki_list(&mut self, text: &str) -> Result<(), ListError> {
        lists::spki(text, &mut self.compromised)
    }

    /// Adds a list of truncated fingerprints in the block format of badkeys: 15 octets of the SHA-256 of the modulus, or
    /// of an EC key's x, without leading zeros, and one octet that names the list.
    ///
    /// # Errors
    /// [`ListError`] if it is not made of blocks.
    pub fn add_blocks(&mut self, bytes: &[u8]) -> Result<(), ListError> {
        lists::blocks(bytes, &mut self.blocks)
    }

    /// Looks at a key that was already read, and so has an allowed form.
    ///
    /// # Errors
    /// [`WeakKey`].
    pub fn check(&self, key: &PublicKey) -> Result<(), WeakKey> {
        self.check_lists(key)?;
        match spki::rsa_numbers(&key.spki) {
            Some((modulus, exponent)) => rsa_tables().check(modulus, exponent),
            None => Ok(()),
        }
    }

    /// Looks whether an RSA modulus is a prime or a power of one, whose private key everybody can compute. Not a part of
    /// [`WeakKeys::check`], for it takes long: about 10 ms for 2048 bits, 70 ms for 4096, half a second for 8192.
    ///
    /// # Errors
    /// [`WeakKey::OnePrime`].
    pub fn check_factors(key: &PublicKey) -> Result<(), WeakKey> {
        match spki::rsa_numbers(&key.spki) {
            Some((modulus, _)) if rsa::has_one_prime(modulus) => Err(WeakKey::OnePrime),
            _ => Ok(()),
        }
    }

    /// Looks only whether a key is listed: for one that passed [`WeakKeys::check`] before, when the lists were others.
    ///
    /// # Errors
    /// [`WeakKey::Compromised`], [`WeakKey::Listed`].
    pub fn check_lists(&self, key: &PublicKey) -> Result<(), WeakKey> {
        if self.compromised.binary_search(&key.spki_sha256).is_ok() {
            return Err(WeakKey::Compromised);
        }
        let block = || block(key, spki::rsa_numbers(&key.spki));
        if !self.blocks.is_empty() && self.blocks.binary_search(&block()).is_ok() {
            return Err(WeakKey::Listed);
        }
        Ok(())
    }
}

/// The tables of the RSA checks, made once per process.
fn rsa_tables() -> &'static rsa::Tables {
    static TABLES: OnceLock<rsa::Tables> = OnceLock::new();
    TABLES.get_or_init(rsa::Tables::new)
}

fn block(key: &PublicKey, rsa: Option<(&[u8], &[u8])>) -> [u8; 15] {
    let number = match rsa {
        Some((modulus, _)) => modulus,
        None => {
            let point = spki::key_bits(&key.spki).unwrap_or_default();
            point.get(1..1 + point.len() / 2).unwrap_or_default()
        }
    };
    let zeros = number.iter().take_while(|b| **b == 0).count();
    let mut out = [0; 15];
    out.copy_from_slice(&spki::sha256(&number[zeros..])[..15]);
    out
}

#[cfg(test)]
mod tests;

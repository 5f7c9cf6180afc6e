//! CA keys at rest. Every key is a PKCS #8 file encrypted by PBES2 with AES-256, whose password is a random master secret
//! of 256 bits in hexadecimal. Only the master secret is guarded by the operator's passphrase, by Argon2id: opening a
//! folder of twenty keys costs one slow derivation and not twenty.
//!
//! A key can be read without this program: `openssl pkey -in ca/NAME.key.pem -passin pass:MASTER`.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use domain::time::Entropy;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::pem::LineEnding;
use pkcs8::der::{Decode, SecretDocument};
use pkcs8::pkcs5::pbes2;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Why a secret could not be sealed or opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeysError {
    /// The passphrase is shorter than 8 octets.
    #[error("the passphrase must have at least 8 characters")]
    Short,
    /// Another passphrase, or a damaged file.
    #[error("wrong passphrase, or a damaged master.key")]
    Passphrase,
    /// The file is not of the expected form.
    #[error("not a key file of this program")]
    Form,
    /// A key file does not open with the master secret.
    #[error("a key file does not open with the master secret of its folder")]
    Key,
}

/// The secret of a folder of keys.
pub struct MasterSecret(Zeroizing<[u8; 32]>);

/// Rounds of PBKDF2 for key files. Their password has 256 bits of chance, so that no number of rounds adds to it.
const ROUNDS: u32 = 16;
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// `master.key`: TOML.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MasterFile {
    /// `argon2id-aes256gcm`.
    scheme: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
    nonce: String,
    /// The master secret, encrypted and authenticated.
    secret: String,
}

const SCHEME: &str = "argon2id-aes256gcm";

impl MasterSecret {
    /// A new one.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(secret.as_mut());
        Self(secret)
    }

    /// The text of `master.key`.
    ///
    /// # Errors
    /// [`KeysError::Short`].
    pub fn seal(&self, passphrase: &[u8], entropy: &dyn Entropy) -> Result<String, KeysError> {
        if passphrase.len() < 8 {
            return Err(KeysError::Short);
        }
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        entropy.fill(&mut salt);
        entropy.fill(&mut nonce);
        let key = derive(passphrase, &salt, MEMORY_KIB, PASSES)?;
        let mut sealed = self.0.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(SCHEME),
            &mut sealed,
        )
        .map_err(|_| KeysError::Form)?;
        let file = MasterFile {
            scheme: SCHEME.into(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            secret: hex::encode(sealed),
        };
        toml::to_string(&file).map_err(|_| KeysError::Form)
    }

    /// From the text of `master.key`.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(text: &str, passphrase: &[u8]) -> Result<Self, KeysError> {
        let file: MasterFile = toml::from_str(text).map_err(|_| KeysError::Form)?;
        let bounded = (8..=1_048_576).contains(&file.memory_kib) && (1..=64).contains(&file.passes);
        if file.scheme != SCHEME || !bounded {
            return Err(KeysError::Form);
        }
        let decode = |text: &str| hex::decode(text).map_err(|_| KeysError::Form);
        let nonce: [u8; 12] = decode(&file.nonce)?.try_into().map_err(|_| KeysError::Form)?;
        let key = derive(passphrase, &decode(&file.salt)?, file.memory_kib, file.passes)?;
        let mut sealed = Zeroizing::new(decode(&file.secret)?);
        let opened = key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(SCHEME), &mut sealed)
            .map_err(|_| KeysError::Passphrase)?;
        let mut secret = Zeroizing::new([0; 32]);
        if opened.len() != secret.len() {
            return Err(KeysError::Form);
        }
        secret.copy_from_slice(opened);
        Ok(Self(secret))
    }

    /// A key's PKCS #8 as encrypted PEM.
    ///
    /// # Errors
    /// [`KeysError::Form`] if it is no PKCS #8.
    pub fn encrypt_key(
        &self,
        pkcs8: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Zeroizing<String>, KeysError> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        entropy.fill(&mut salt);
        entropy.fill(&mut iv);
        let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv)
            .map_err(|_| KeysError::Form)?;
        let info = pkcs8::PrivateKeyInfoRef::try_from(pkcs8).map_err(|_| KeysError::Form)?;
        let document: SecretDocument = info
            .encrypt_with_params(parameters, self.password().as_bytes())
            .map_err(|_| KeysError::Form)?;
        document.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).map_err(|_| KeysError::Form)
    }

    /// A key's PKCS #8 from encrypted PEM.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn decrypt_key(&self, pem: &str) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| KeysError::Form)?;
        if label != "ENCRYPTED PRIVATE KEY" {
            return Err(KeysError::Form);
        }
        let info = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes())
            .map_err(|_| KeysError::Form)?;
        let opened = info.decrypt(self.password().as_bytes()).map_err(|_| KeysError::Key)?;
        Ok(Zeroizing::new(opened.as_bytes().to_vec()))
    }

    /// The password of the key files.
    #[must_use]
    pub fn password(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }
}

fn derive(
    passphrase: &[u8],
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
) -> Result<LessSafeKey, KeysError> {
    let parameters = Params::new(memory_kib, passes, 1, Some(32)).map_err(|_| KeysError::Form)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase, salt, key.as_mut())
        .map_err(|_| KeysError::Form)?;
    UnboundKey::new(&AES_256_GCM, key.as_ref()).map(LessSafeKey::new).map_err(|_| KeysError::Form)
}

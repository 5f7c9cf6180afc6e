//! Key attestation: what a hardware module says of a key that was made in it.

use std::fmt;
use std::str::FromStr;

/// The kinds of hardware whose word is understood: the values of `x_hsmType` (!PlaceOrder).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HsmType {
    /// A YubiKey's PIV application.
    YubiKey,
    /// Thales Luna: public key confirmations.
    Luna,
    /// Marvell LiquidSecurity, as in Google Cloud HSM.
    MarvellGoogle,
    /// Fortanix DSM.
    Fortanix,
    /// YubiHSM 2.
    YubiHsm2,
    /// Entrust nShield.
    NShield,
}

impl HsmType {
    /// All of them, in the order of the specification.
    pub const ALL: [HsmType; 6] = [
        HsmType::YubiKey,
        HsmType::Luna,
        HsmType::MarvellGoogle,
        HsmType::Fortanix,
        HsmType::YubiHsm2,
        HsmType::NShield,
    ];

    /// The word of the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HsmType::YubiKey => "YUBIKEY",
            HsmType::Luna => "LUNA",
            HsmType::MarvellGoogle => "MARVELL_GOOGLE",
            HsmType::Fortanix => "FORTANIX",
            HsmType::YubiHsm2 => "YUBIHSM2",
            HsmType::NShield => "NSHIELD",
        }
    }
}

impl fmt::Display for HsmType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No kind of hardware.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a kind of hardware: {}", HsmType::ALL.map(HsmType::as_str).join(", "))]
pub struct NotHsmType;

impl FromStr for HsmType {
    type Err = NotHsmType;

    /// Reads the word in either case.
    fn from_str(word: &str) -> Result<Self, NotHsmType> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str().eq_ignore_ascii_case(word)).ok_or(NotHsmType)
    }
}

/// What was found out from an attestation that holds: the key of the request was made in the hardware and cannot leave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attested {
    /// The kind of hardware.
    pub hsm: HsmType,
    /// SHA-256 of the key's SubjectPublicKeyInfo, DER.
    pub key_sha256: [u8; 32],
    /// The vendor's root under which the chain ended, by its common name or the name it goes by.
    pub root: String,
    /// The module's serial number, as the vendor writes it, if it is told.
    pub serial: Option<String>,
    /// The version of its firmware, if it is told.
    pub firmware: Option<String>,
}

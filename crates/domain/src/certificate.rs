//! Certificates: numbers, validity, status words, revocation reasons.

use std::fmt;

use crate::time::Time;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// An order's number, from 10000000 upwards.
    OrderNumber
);
number!(
    /// The number of a certificate request (an order's item), given at placement: the interface's `certificateID`.
    CertificateId
);
number!(
    /// The number of an issuing CA's certificate: the interface's `caCertificateID`.
    CaId
);
number!(
    /// The number of an account.
    AccountId
);

/// 128 random bits, read as a positive number (RFC 5280 4.1.2.2; BR 7.1 asks for 64 at least). DER puts a zero octet
/// before it when the top bit is set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 16]);

impl Serial {
    /// From 16 random bytes; None for the one value that is no serial, zero.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Option<Self> {
        Self::from_stored(&bytes)
    }

    /// From stored bytes; None unless they are 16 octets and not all zero.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        bytes.iter().any(|b| *b != 0).then_some(Self(bytes))
    }

    /// Big endian, unsigned.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Serial {
    /// Capitals of hexadecimal without zero octets in front, as `openssl` and browsers show serials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zeros = self.0.iter().take_while(|octet| **octet == 0).count();
        f.write_str(&hex::encode_upper(&self.0[zeros..]))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// notBefore and notAfter, both inclusive, whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Validity {
    /// First second.
    pub not_before: Time,
    /// Last second.
    pub not_after: Time,
}

/// What !AutoApplySSL's `certificateStatus` and CollectSSL's `certificateStatus` say (endpoints.md section 20.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CertificateStatus {
    /// The order waits for its reseller's authorisation or for money.
    AwaitingPayment,
    /// No key yet.
    AwaitingCsr,
    /// Checks are open.
    AwaitingValidation,
    /// About to be signed.
    BeingIssued,
    /// Signed and valid.
    Issued,
    /// Superseded by a later certificate of its chain.
    Replaced,
    /// Revoked.
    Revoked,
    /// Its validity, or the order's patience, has run out.
    Expired,
    /// Refused.
    Rejected,
    /// The certificate could not be made.
    Failed,
}

impl CertificateStatus {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CertificateStatus::AwaitingPayment => "Awaiting Payment",
            CertificateStatus::AwaitingCsr => "Awaiting CSR",
            CertificateStatus::AwaitingValidation => "Awaiting Validation",
            CertificateStatus::BeingIssued => "Being Issued",
            CertificateStatus::Issued => "Issued",
            CertificateStatus::Replaced => "Replaced",
            CertificateStatus::Revoked => "Revoked",
            CertificateStatus::Expired => "Expired",
            CertificateStatus::Rejected => "Rejected",
            CertificateStatus::Failed => "Failed",
        }
    }
}

/// The reasons that a CRL of ours may give (BR 7.2.2). Unspecified leaves the extension out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RevocationReason {
    /// 0; no reason extension.
    Unspecified,
    /// 1.
    KeyCompromise,
    /// 3.
    AffiliationChanged,
    /// 4.
    Superseded,
    /// 5.
    CessationOfOperation,
    /// 9, set by the CA only.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// All of them.
    pub const ALL: [RevocationReason; 6] = [
        RevocationReason::Unspecified,
        RevocationReason::KeyCompromise,
        RevocationReason::AffiliationChanged,
        RevocationReason::Superseded,
        RevocationReason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn,
    ];

    /// RFC 5280 5.3.1.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            RevocationReason::Unspecified => 0,
            RevocationReason::KeyCompromise => 1,
            RevocationReason::AffiliationChanged => 3,
            RevocationReason::Superseded => 4,
            RevocationReason::CessationOfOperation => 5,
            RevocationReason::PrivilegeWithdrawn => 9,
        }
    }

    /// The name of RFC 5280.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RevocationReason::Unspecified => "unspecified",
            RevocationReason::KeyCompromise => "keyCompromise",
            RevocationReason::AffiliationChanged => "affiliationChanged",
            RevocationReason::Superseded => "superseded",
            RevocationReason::CessationOfOperation => "cessationOfOperation",
            RevocationReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    /// By code.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|r| i64::from(r.code()) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_shown_as_openssl_shows_them() {
        let shown = |bytes| Serial::from_random(bytes).map(|serial| serial.to_string());
        let mut bytes = [0xab; 16];
        assert_eq!(shown(bytes), Some("AB".repeat(16)));
        (bytes[0], bytes[1]) = (0, 0x0c);
        assert_eq!(shown(bytes), Some(format!("0C{}", "AB".repeat(14))));
        assert_eq!(shown([0; 16]), None);
    }
}

//! The receipt for a certificate that was written down before it is signed.

use crate::certificate::{CertificateId, Serial};

/// Shows that exactly these bytes were recorded under this serial. Signing asks for one and compares the digest.
///
/// There is no way to make one out of thin air, for the fields are private. To hand one on compiles; to make one, even out of
/// another, does not:
///
/// ```
/// fn hand_on(receipt: domain::receipt::Receipt) -> domain::receipt::Receipt { receipt }
/// ```
/// ```compile_fail,E0451
/// fn forge(receipt: domain::receipt::Receipt) -> domain::receipt::Receipt { domain::receipt::Receipt { ..receipt } }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    certificate: CertificateId,
    serial: Serial,
    tbs_sha256: [u8; 32],
}

impl Receipt {
    /// For `store` alone, after the row is committed; `clippy.toml` refuses the call elsewhere.
    #[must_use]
    pub fn of_recorded(certificate: CertificateId, serial: Serial, tbs_sha256: [u8; 32]) -> Self {
        Self { certificate, serial, tbs_sha256 }
    }

    /// The certificate request.
    #[must_use]
    pub fn certificate(&self) -> CertificateId {
        self.certificate
    }

    /// The serial under which it was recorded.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// SHA-256 of the TBSCertificate that was recorded.
    #[must_use]
    pub fn tbs_sha256(&self) -> &[u8; 32] {
        &self.tbs_sha256
    }
}

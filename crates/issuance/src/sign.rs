//! Signing: the last step, which asks for everything that must have been done before.
//!
//! Bytes that were not linted cannot be signed:
//!
//! ```compile_fail,E0308
//! fn skip(
//!     prepared: issuance::leaf::Prepared,
//!     proven: &domain::proof::Proven,
//!     receipt: &domain::receipt::Receipt,
//!     authority: &issuance::ca::Authority,
//! ) {
//!     let _ = issuance::sign::sign(prepared, proven, receipt, authority);
//! }
//! ```
//!
//! The same with the step in its place compiles:
//!
//! ```
//! fn whole(
//!     prepared: issuance::leaf::Prepared,
//!     rules: &issuance::lint::Rules<'_>,
//!     proven: &domain::proof::Proven,
//!     receipt: &domain::receipt::Receipt,
//!     authority: &issuance::ca::Authority,
//! ) {
//!     if let Ok(linted) = issuance::lint::lint(prepared, rules) {
//!         let _ = issuance::sign::sign(linted, proven, receipt, authority);
//!     }
//! }
//! ```
//!
//! And nobody else makes a [`Linted`]:
//!
//! ```
//! fn hand_on(linted: issuance::lint::Linted) -> issuance::lint::Linted { linted }
//! ```
//! ```compile_fail,E0451
//! fn forge(linted: issuance::lint::Linted) -> issuance::lint::Linted { issuance::lint::Linted { ..linted } }
//! ```

use std::collections::HashSet;

use domain::certificate::Serial;
use domain::names::CertName;
use domain::proof::Proven;
use domain::receipt::Receipt;

use crate::ca::Authority;
use crate::lint::Linted;
use crate::signer::CannotSign;
use crate::tbs;

/// A certificate that was signed and whose signature was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCertificate {
    /// DER.
    pub der: Vec<u8>,
    /// Its number.
    pub serial: Serial,
    /// Its alternative names.
    pub names: Vec<CertName>,
}

/// Why nothing was signed, or what was signed must not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignError {
    /// The receipt is for other bytes.
    #[error("the receipt is for other bytes")]
    OtherBytes,
    /// The receipt is for another serial.
    #[error("the receipt is for another serial")]
    OtherSerial,
    /// Proof and receipt are for different certificate requests.
    #[error("proof and receipt are for different requests")]
    OtherRequest,
    /// The certificate names something that is not proven, or lacks something that is.
    #[error("the names are not the proven ones")]
    Names,
    /// The bytes were prepared for another CA.
    #[error("the certificate was prepared for another CA")]
    OtherCa,
    /// The key failed.
    #[error(transparent)]
    Key(#[from] CannotSign),
    /// The result is not what was recorded, or its signature is wrong.
    #[error("the signed certificate does not verify")]
    Result,
}

/// Signs what was linted, proven and recorded, and looks at the result before giving it out.
///
/// # Errors
/// [`SignError`].
pub fn sign(
    linted: Linted,
    proven: &Proven,
    receipt: &Receipt,
    authority: &Authority,
) -> Result<SignedCertificate, SignError> {
    if receipt.tbs_sha256() != linted.tbs_sha256() {
        return Err(SignError::OtherBytes);
    }
    if receipt.serial() != linted.serial() {
        return Err(SignError::OtherSerial);
    }
    if receipt.certificate() != proven.certificate() {
        return Err(SignError::OtherRequest);
    }
    let named: HashSet<&CertName> = linted.names().iter().collect();
    let shown: HashSet<&CertName> = proven.names().iter().collect();
    if named != shown {
        return Err(SignError::Names);
    }
    let ca = &authority.certificate;
    if ca.id != linted.ca() || ca.spki() != authority.signer.spki() {
        return Err(SignError::OtherCa);
    }
    let signature = authority.signer.sign(linted.tbs())?;
    let der = tbs::signed(linted.tbs(), ca.algorithm(), &signature);
    let der = der.map_err(|_| SignError::Result)?;
    let (inside, _, _) = tbs::split(&der).map_err(|_| SignError::Result)?;
    if inside != linted.tbs() || !ca.has_signed(&der) {
        return Err(SignError::Result);
    }
    let serial = linted.serial();
    Ok(SignedCertificate { der, serial, names: linted.into_names() })
}

//! The pre-issuance lint (BR 4.3.1.2): reads the very bytes that will be signed with an independent parser and holds them
//! against a table of rules, each with its citation. Only this module makes a [`Linted`].

mod mail;
mod names;
mod rules;
mod seen;

use std::sync::OnceLock;

use der::Decode;
use domain::certificate::{CaId, Serial};
use domain::names::CertName;
use domain::policy::Policy;
use domain::time::Time;

use crate::ca::CaCertificate;
use crate::leaf::Prepared;
use crate::profile::Profile;
use crate::signer::{CaSigner, KeyChoice, SignatureAlgorithm, SoftwareKey};
use crate::{spki, tbs};
pub use names::is_public_http_url;
pub use rules::{Of, RULES, Rule};
pub use seen::Seen;

/// By what a leaf is judged.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The kind of certificate it shall be.
    pub profile: &'a Profile,
    /// The CA that shall sign it.
    pub ca: &'a CaCertificate,
    /// Whether it is for a test order.
    pub test: bool,
    /// The dated rules.
    pub policy: &'a Policy,
    /// Now.
    pub now: Time,
}

/// Bytes of a leaf that passed every rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Linted {
    tbs: Vec<u8>,
    tbs_sha256: [u8; 32],
    serial: Serial,
    names: Vec<CertName>,
    ca: CaId,
}

impl Linted {
    /// DER of the TBSCertificate: what has to be recorded before it is signed.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    /// Its SHA-256, as a receipt must show it.
    #[must_use]
    pub fn tbs_sha256(&self) -> &[u8; 32] {
        &self.tbs_sha256
    }

    /// The serial in it.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// The alternative names in it.
    #[must_use]
    pub fn names(&self) -> &[CertName] {
        &self.names
    }

    /// The CA by which it was judged.
    #[must_use]
    pub fn ca(&self) -> CaId {
        self.ca
    }

    pub(crate) fn into_names(self) -> Vec<CertName> {
        self.names
    }
}

/// What the lint found.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LintError {
    /// The bytes do not parse, or say the same thing in a form that is not DER.
    #[error("the bytes are not a TBSCertificate in DER")]
    Unreadable,
    /// Rules that are broken, by their names.
    #[error("broken rules: {}", .0.join(", "))]
    Broken(Vec<&'static str>),
    /// There is no throw-away key, or its certificate holds other bytes.
    #[error("the self-check failed")]
    SelfCheck,
}

/// Lints what was prepared.
///
/// # Errors
/// [`LintError`].
pub fn lint(prepared: Prepared, rules: &Rules<'_>) -> Result<Linted, LintError> {
    judge(prepared.tbs, rules)
}

/// Lints bytes that were recorded before a crash, so that they can be signed after all.
///
/// # Errors
/// [`LintError`], e.g. because the rules have changed meanwhile, or notBefore is too long ago.
pub fn resume(recorded_tbs: &[u8], rules: &Rules<'_>) -> Result<Linted, LintError> {
    judge(recorded_tbs.to_vec(), rules)
}

fn judge(tbs: Vec<u8>, rules: &Rules<'_>) -> Result<Linted, LintError> {
    let certificate = self_check(&tbs)?;
    let seen =
        Seen::read(&tbs, certificate.tbs_certificate(), rules).ok_or(LintError::Unreadable)?;
    let purpose = rules.profile.purpose();
    let broken = RULES.iter().filter(|rule| rule.binds(purpose) && !(rule.holds)(&seen));
    let broken: Vec<&'static str> = broken.map(|rule| rule.name).collect();
    if !broken.is_empty() {
        return Err(LintError::Broken(broken));
    }
    let (serial, names) = (seen.serial.ok_or(LintError::Unreadable)?, seen.names.clone());
    Ok(Linted { tbs_sha256: spki::sha256(&tbs), serial, names, ca: rules.ca.id, tbs })
}

/// Wraps the bytes in a certificate of a key that no other certificate names, then reads the whole. Key and signature are
/// made once per process, over no certificate at all, and the outer algorithm is theirs and not the issuer's: to verify
/// a signature here would cost more than all the rest of the lint and say nothing of the certificate. The issuer's is
/// verified, after the real signing.
fn self_check(tbs: &[u8]) -> Result<x509_cert::Certificate, LintError> {
    static THROW_AWAY: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    let signature = THROW_AWAY
        .get_or_init(|| {
            let (key, _) = SoftwareKey::generate(KeyChoice::P256).ok()?;
            key.sign(b"the signature of a lint").ok()
        })
        .as_ref()
        .ok_or(LintError::SelfCheck)?;
    let der = tbs::signed(tbs, SignatureAlgorithm::EcdsaSha256, signature)
        .map_err(|_| LintError::Unreadable)?;
    let whole = x509_cert::Certificate::from_der(&der).map_err(|_| LintError::Unreadable)?;
    let (inside, _, _) = tbs::split(&der).map_err(|_| LintError::Unreadable)?;
    if inside == tbs { Ok(whole) } else { Err(LintError::SelfCheck) }
}

//! Certificate revocation lists, version 2.

use der::{Decode, Encode};
use domain::certificate::{RevocationReason, Serial};
use domain::time::Time;
use x509_cert::Version;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::{RevokedCert, TbsCertList};
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::ca::{Authority, CaCertificate};
use crate::oid::id;
use crate::signer::CannotSign;
use crate::tbs;

/// A revoked certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revoked {
    /// Its number.
    pub serial: Serial,
    /// Since when.
    pub at: Time,
    /// Why; `Unspecified` writes no reason (BR 7.2.2).
    pub reason: RevocationReason,
}

/// What a CRL says.
#[derive(Clone, Copy, Debug)]
pub struct CrlRequest<'a> {
    /// cRLNumber, greater than that of the CRL before.
    pub number: u64,
    /// When it is made.
    pub this_update: Time,
    /// When the next comes at the latest: 10 days after for leaves (BR 4.9.7), 12 months for CAs.
    pub next_update: Time,
    /// For a shard: the URL that its certificates name, which goes into the issuing distribution point (BR 7.2.2.1).
    pub shard_url: Option<&'a str>,
    /// The entries.
    pub entries: &'a [Revoked],
}

/// Why there is no CRL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CrlError {
    /// nextUpdate is not after thisUpdate.
    #[error("nextUpdate must be after thisUpdate")]
    Times,
    /// The key failed.
    #[error(transparent)]
    Key(#[from] CannotSign),
    /// The signature does not verify.
    #[error("the signed CRL does not verify")]
    Result,
}

/// Makes, signs and verifies a CRL; DER.
///
/// # Errors
/// [`CrlError`].
pub fn sign(request: &CrlRequest<'_>, authority: &Authority) -> Result<Vec<u8>, CrlError> {
    if request.next_update <= request.this_update {
        return Err(CrlError::Times);
    }
    let ca = &authority.certificate;
    let body = encode(request, ca).map_err(|_| CrlError::Result)?;
    let signature = authority.signer.sign(&body)?;
    let der = tbs::signed(&body, ca.algorithm(), &signature).map_err(|_| CrlError::Result)?;
    if ca.has_signed(&der) { Ok(der) } else { Err(CrlError::Result) }
}

fn encode(request: &CrlRequest<'_>, ca: &CaCertificate) -> der::Result<Vec<u8>> {
    let entries = request.entries.iter().map(entry).collect::<der::Result<Vec<_>>>()?;
    TbsCertList::<Rfc5280> {
        version: Version::V2,
        signature: AlgorithmIdentifierOwned::from_der(ca.algorithm().der())?,
        issuer: Name::from_der(ca.subject())?,
        this_update: tbs::time(request.this_update)?,
        next_update: Some(tbs::time(request.next_update)?),
        revoked_certificates: (!entries.is_empty()).then_some(entries),
        crl_extensions: Some(extensions(request, ca.key_id())?),
    }
    .to_der()
}

fn extensions(request: &CrlRequest<'_>, key_id: &[u8]) -> der::Result<Extensions> {
    let number = CrlNumber::try_from(request.number)?;
    let mut all =
        vec![tbs::authority_key_id(key_id)?, tbs::extension(id::CRL_NUMBER, false, &number)?];
    if let Some(url) = request.shard_url {
        all.push(tbs::issuing_distribution_point(url)?);
    }
    Ok(all)
}

fn entry(revoked: &Revoked) -> der::Result<RevokedCert<Rfc5280>> {
    let reason = match revoked.reason {
        RevocationReason::Unspecified => None,
        reason => {
            let reason = CrlReason::try_from(u32::from(reason.code()))?;
            Some(vec![tbs::extension(id::REASON_CODE, false, &reason)?])
        }
    };
    Ok(RevokedCert {
        serial_number: SerialNumber::new(revoked.serial.as_bytes())?,
        revocation_date: tbs::time(revoked.at)?,
        crl_entry_extensions: reason,
    })
}

//! Certificate revocation lists, version 2.

use domain::certificate::{RevocationReason, Serial};
use domain::time::Time;

use crate::asn1::{self, ENUMERATED, INTEGER};
use crate::ca::Authority;
use crate::oid;
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
    let mut entries = Vec::with_capacity(request.entries.len() * 56);
    for revoked in request.entries {
        entries.extend(entry(revoked));
    }
    let entries = if entries.is_empty() { Vec::new() } else { asn1::seq(&[&entries]) };
    let body = asn1::seq(&[
        &[INTEGER, 1, 1],
        ca.algorithm().der(),
        ca.subject(),
        &asn1::time(request.this_update),
        &asn1::time(request.next_update),
        &entries,
        &asn1::tlv(0xa0, &[&extensions(request, ca.key_id())]),
    ]);
    let signature = authority.signer.sign(&body)?;
    let der = tbs::signed(&body, ca.algorithm(), &signature);
    if ca.has_signed(&der) { Ok(der) } else { Err(CrlError::Result) }
}

fn extensions(request: &CrlRequest<'_>, key_id: &[u8]) -> Vec<u8> {
    let number = asn1::unsigned(&request.number.to_be_bytes());
    let point = request.shard_url.map(|url| {
        let value = asn1::seq(&[&tbs::distribution_point_name(url)]);
        tbs::extension(oid::ISSUING_DISTRIBUTION_POINT, true, &value)
    });
    asn1::seq(&[
        &tbs::authority_key_id(key_id),
        &tbs::extension(oid::CRL_NUMBER, false, &number),
        &point.unwrap_or_default(),
    ])
}

fn entry(revoked: &Revoked) -> Vec<u8> {
    let reason = match revoked.reason {
        RevocationReason::Unspecified => Vec::new(),
        reason => {
            let value = [ENUMERATED, 1, reason.code()];
            asn1::seq(&[&tbs::extension(oid::REASON_CODE, false, &value)])
        }
    };
    asn1::seq(&[&asn1::unsigned(revoked.serial.as_bytes()), &asn1::time(revoked.at), &reason])
}

//! Certificates: written down before they are signed, kept afterwards, revoked, listed for CRLs.

use domain::certificate::{CaId, CertificateId, RevocationReason, Serial};
use domain::receipt::Receipt;
use domain::time::Time;

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A certificate about to be written down.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// For which request.
    pub certificate: CertificateId,
    /// Its serial.
    pub serial: Serial,
    /// Who will sign.
    pub ca: CaId,
    /// The TBSCertificate in DER.
    pub tbs: Vec<u8>,
    /// Its SHA-256.
    pub tbs_sha256: [u8; 32],
    /// First second.
    pub not_before: Time,
    /// Last second.
    pub not_after: Time,
    /// Which shard of the CA's CRL will name it.
    pub crl_shard: i64,
}

/// A certificate that was written down, and perhaps not signed yet.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The receipt of that writing.
    pub receipt: Receipt,
    /// Who signs.
    pub ca: CaId,
    /// What is to be signed; empty once it is.
    pub tbs: Vec<u8>,
}

/// An entry of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    /// Which certificate.
    pub serial: Serial,
    /// Since when.
    pub at: Time,
    /// Why.
    pub reason: RevocationReason,
}

/// Writes a certificate down. The receipt counts once the transaction is committed.
pub fn record(tx: &mut Tx<'_>, r: &NewRecord, now: Time) -> Result<Receipt> {
    let values = params![
        r.serial.as_bytes(),
        r.certificate.0,
        r.ca.0,
        &r.tbs_sha256,
        &r.tbs,
        r.not_before.ms(),
        r.not_after.ms(),
        r.crl_shard,
        now.ms(),
    ];
    tx.execute_one(&RECORD, values)?;
    Ok(receipt(r.certificate, r.serial, r.tbs_sha256))
}

/// What was written down for a request.
pub fn recorded(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Recorded>> {
    tx.query_opt(&RECORDED, params![id.0], |row| {
        let serial = Serial::from_stored(row.bytes_ref(0)?);
        let digest = row.bytes_ref(2)?.try_into();
        let (Some(serial), Ok(digest)) = (serial, digest) else {
            return Err(StoreError::inconsistent("recorded certificate"));
        };
        Ok(Recorded {
            receipt: receipt(id, serial, digest),
            ca: CaId(row.int(1)?),
            tbs: row.opt_bytes(3)?.unwrap_or_default(),
        })
    })
}

/// Keeps a signed certificate. If it was kept before, nothing is written and the answer is [`StoreError::NotOne`],
/// perhaps only at the commit.
pub fn keep(
    tx: &mut Tx<'_>,
    id: CertificateId,
    serial: Serial,
    der: &[u8],
    now: Time,
) -> Result<()> {
    tx.execute_one(&KEEP, params![id.0, serial.as_bytes(), der, now.ms()])
}

/// Gives up what was written down for a request and not signed. Its serial stays on a list, for who meets the
/// number later; it does not come again, since serials are 128 random bits.
pub fn give_up(tx: &mut Tx<'_>, id: CertificateId, why: &str, now: Time) -> Result<()> {
    tx.execute_one(&KEEP_UNSIGNED, params![id.0, why, now.ms()])?;
    tx.execute_one(&GIVE_UP, params![id.0])
}

/// Marks a certificate as revoked, or gives it the reason keyCompromise in place of another. A key that is compromised is
/// remembered, so that it is never certified again (BR 6.1.1.3).
pub fn revoke(tx: &mut Tx<'_>, serial: Serial, at: Time, reason: RevocationReason) -> Result<()> {
    tx.execute_one(&REVOKE, params![serial.as_bytes(), at.ms(), reason.code()])?;
    if reason == RevocationReason::KeyCompromise {
        tx.execute(&REMEMBER_KEY, params![serial.as_bytes(), at.ms()])?;
    }
    Ok(())
}

/// Whether a certificate for this SubjectPublicKeyInfo was revoked with keyCompromise.
pub fn key_is_compromised(tx: &mut Tx<'_>, spki: &[u8]) -> Result<bool> {
    tx.query_one(&KEY_IS_COMPROMISED, params![spki], |row| row.bool(0))
}

/// The serials of the other certificates on a certificate's key that are valid at a moment and not revoked. There is no
/// index for it, since it is asked once in years: every request is read.
pub fn valid_with_key_of(tx: &mut Tx<'_>, serial: Serial, at: Time) -> Result<Vec<Serial>> {
    tx.query(&VALID_WITH_KEY_OF, params![serial.as_bytes(), at.ms()], |row| {
        let serial = Serial::from_stored(row.bytes_ref(0)?);
        serial.ok_or_else(|| StoreError::inconsistent("serial"))
    })
}

/// The request of a serial.
pub fn request_of(tx: &mut Tx<'_>, serial: Serial) -> Result<Option<CertificateId>> {
    tx.query_opt(&REQUEST_OF, params![serial.as_bytes()], |row| row.int(0).map(CertificateId))
}

/// CA and CRL shard of a serial.
pub fn shard_of(tx: &mut Tx<'_>, serial: Serial) -> Result<Option<(CaId, i64)>> {
    tx.query_opt(&SHARD_OF, params![serial.as_bytes()], |row| Ok((CaId(row.int(0)?), row.int(1)?)))
}

/// The revoked certificates of a CA's shard that expire at or after `since`: an entry stays until one CRL after expiry.
pub fn revoked(tx: &mut Tx<'_>, ca: CaId, shard: i64, since: Time) -> Result<Vec<RevokedEntry>> {
    tx.query(&REVOKED, params![ca.0, shard, since.ms()], |row| {
        let serial = Serial::from_stored(row.bytes_ref(0)?);
        let reason = RevocationReason::from_code(row.int(2)?);
        match (serial, reason) {
            (Some(serial), Some(reason)) => {
                Ok(RevokedEntry { serial, at: Time::from_ms(row.int(1)?), reason })
            }
            _ => Err(StoreError::inconsistent("revoked certificate")),
        }
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where receipts are made: right after the row was written"
)]
fn receipt(certificate: CertificateId, serial: Serial, tbs_sha256: [u8; 32]) -> Receipt {
    Receipt::of_recorded(certificate, serial, tbs_sha256)
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &RECORD,
    &RECORDED,
    &KEEP,
    &KEEP_UNSIGNED,
    &GIVE_UP,
    &REVOKE,
    &REMEMBER_KEY,
    &KEY_IS_COMPROMISED,
    &VALID_WITH_KEY_OF,
    &REQUEST_OF,
    &SHARD_OF,
    &REVOKED,
];

const RECORD: Sql = Sql::both(
    "INSERT INTO certificates (serial, certificate_id, ca_id, tbs_sha256, tbs, not_before, not_after, crl_shard,
         recorded_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

const RECORDED: Sql =
    Sql::both("SELECT serial, ca_id, tbs_sha256, tbs FROM certificates WHERE certificate_id = $1");

const KEEP: Sql = Sql::both(
    "UPDATE certificates SET der = $3, issued_at = $4, tbs = NULL
     WHERE certificate_id = $1 AND serial = $2 AND der IS NULL",
);

const KEEP_UNSIGNED: Sql = Sql::both(
    "INSERT INTO unsigned_serials (serial, certificate_id, ca_id, tbs_sha256, why, at)
     SELECT serial, certificate_id, ca_id, tbs_sha256, $2, $3 FROM certificates
     WHERE certificate_id = $1 AND der IS NULL",
);

const GIVE_UP: Sql =
    Sql::both("DELETE FROM certificates WHERE certificate_id = $1 AND der IS NULL");

const REVOKE: Sql = Sql::both(
    "UPDATE certificates SET revoked_at = COALESCE(revoked_at, $2), revocation_reason = $3
     WHERE serial = $1 AND der IS NOT NULL",
);

const REMEMBER_KEY: Sql = Sql::both(
    "INSERT INTO compromised_keys (spki, at)
     SELECT r.spki, CAST($2 AS BIGINT)
     FROM certificates c JOIN certificate_requests r ON r.certificate_id = c.certificate_id
     WHERE c.serial = $1
     ON CONFLICT (spki) DO NOTHING",
);

const KEY_IS_COMPROMISED: Sql =
    Sql::both("SELECT EXISTS (SELECT 1 FROM compromised_keys WHERE spki = $1)");

const VALID_WITH_KEY_OF: Sql = Sql::both(
    "SELECT c.serial
     FROM certificate_requests r JOIN certificates c ON c.certificate_id = r.certificate_id
     WHERE r.spki = (SELECT named.spki FROM certificate_requests named
             JOIN certificates s ON s.certificate_id = named.certificate_id WHERE s.serial = $1)
         AND c.serial <> $1 AND c.der IS NOT NULL AND c.revoked_at IS NULL AND c.not_after >= $2
     ORDER BY c.serial",
);

const REQUEST_OF: Sql = Sql::both("SELECT certificate_id FROM certificates WHERE serial = $1");

const SHARD_OF: Sql = Sql::both("SELECT ca_id, crl_shard FROM certificates WHERE serial = $1");

const REVOKED: Sql = Sql::both(
    "SELECT serial, revoked_at, revocation_reason FROM certificates
     WHERE ca_id = $1 AND crl_shard = $2 AND revoked_at IS NOT NULL AND not_after >= $3
     ORDER BY revoked_at, serial",
);

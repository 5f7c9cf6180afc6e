//! The CAs that sign what this database tells of.

use domain::certificate::CaId;
use domain::time::Time;

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A CA as the database remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCa {
    /// Its number.
    pub id: CaId,
    /// Its name in files and URLs.
    pub name: String,
    /// SHA-256 of its certificate.
    pub sha256: [u8; 32],
}

/// All of them, by number.
pub fn known(tx: &mut Tx<'_>) -> Result<Vec<KnownCa>> {
    tx.query(&KNOWN, &[], |row| {
        let sha256 = row.bytes(2)?.try_into();
        let sha256 = sha256.map_err(|_| StoreError::inconsistent("SHA-256 of a CA"))?;
        Ok(KnownCa { id: CaId(row.int(0)?), name: row.text(1)?, sha256 })
    })
}

/// Remembers a CA, if none of its number is known yet.
pub fn note(tx: &mut Tx<'_>, ca: &KnownCa, now: Time) -> Result<()> {
    let values = params![ca.id.0, &ca.name, &ca.sha256[..], now.ms()];
    tx.execute(&NOTE, values).map(drop)
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&KNOWN, &NOTE];

const KNOWN: Sql = Sql::both("SELECT ca_id, name, sha256 FROM cas ORDER BY ca_id");

const NOTE: Sql = Sql::both(
    "INSERT INTO cas (ca_id, name, sha256, noted_at) VALUES ($1, $2, $3, $4) ON CONFLICT (ca_id) DO NOTHING",
);

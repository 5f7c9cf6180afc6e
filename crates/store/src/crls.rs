//! Certificate revocation lists, the newest of each CA and shard.

use domain::certificate::CaId;
use domain::time::Time;

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A signed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    /// CRLNumber.
    pub number: i64,
    /// thisUpdate.
    pub this_update: Time,
    /// nextUpdate.
    pub next_update: Time,
    /// The list.
    pub der: Vec<u8>,
}

/// Keeps a list in place of the one before it; false when a list with this number or a later one is there.
pub fn keep(tx: &mut Tx<'_>, ca: CaId, shard: i64, crl: &Crl) -> Result<bool> {
    let values =
        params![ca.0, shard, crl.number, crl.this_update.ms(), crl.next_update.ms(), &crl.der,];
    Ok(tx.execute(&KEEP, values)? == 1)
}

/// The newest list.
pub fn newest(tx: &mut Tx<'_>, ca: CaId, shard: i64) -> Result<Option<Crl>> {
    tx.query_opt(&NEWEST, params![ca.0, shard], |row| {
        Ok(Crl {
            number: row.int(0)?,
            this_update: Time::from_ms(row.int(1)?),
            next_update: Time::from_ms(row.int(2)?),
            der: row.bytes(3)?,
        })
    })
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&KEEP, &NEWEST];

const KEEP: Sql = Sql::both(
    "INSERT INTO crls (ca_id, shard, number, this_update, next_update, der) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (ca_id, shard) DO UPDATE SET number = excluded.number, this_update = excluded.this_update,
         next_update = excluded.next_update, der = excluded.der
     WHERE crls.number < excluded.number",
);

const NEWEST: Sql = Sql::both(
    "SELECT number, this_update, next_update, der FROM crls WHERE ca_id = $1 AND shard = $2",
);

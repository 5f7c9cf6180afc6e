//! Request tokens: which unique values were used with which CSR, by which chain.

use domain::certificate::OrderNumber;
use domain::time::Time;

use crate::{Database, Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// The unique values that were used with a CSR, each as it stands in tokens, with its chain, the one taken last first. At
/// most 1000.
pub fn of_csr(tx: &mut Tx<'_>, csr_sha256: &[u8; 32]) -> Result<Vec<(String, OrderNumber)>> {
    tx.query(&TOKENS, params![csr_sha256], |row| Ok((row.text(0)?, OrderNumber(row.int(1)?))))
}

/// What an order is about to use.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// The CSR's SHA-256.
    pub csr_sha256: &'a [u8; 32],
    /// The unique value, empty for none.
    pub unique_value: &'a str,
    /// The CSR's key.
    pub spki: &'a [u8],
}

/// What was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// A certificate for the key was revoked with keyCompromise.
    pub key_is_compromised: bool,
    /// The CSR, with any unique value.
    pub csr_seen: bool,
    /// The CSR with this unique value.
    pub token_used: bool,
}

/// What is known of CSRs, their unique values and their keys, in the order of the list. One statement where each is a journey to
/// a server; one for each of them where the database is here, which is faster than reading a list.
pub fn uses(tx: &mut Tx<'_>, tokens: &[Token<'_>]) -> Result<Vec<TokenUse>> {
    match tx.database() {
        Database::Sqlite => tokens
            .iter()
            .map(|t| {
                let values = params![t.csr_sha256, t.unique_value, t.spki];
                tx.query_one(&TOKEN_USES, values, read_use)
            })
            .collect(),
        Database::Postgres => {
            let list: Vec<_> = tokens
                .iter()
                .map(|t| (hex::encode(t.csr_sha256), t.unique_value, hex::encode(t.spki)))
                .collect();
            let list = serde_json::json!(list).to_string();
            tx.query(&TOKEN_USES, params![&list], read_use)
        }
    }
}

fn read_use(row: &Row<'_>) -> Result<TokenUse> {
    Ok(TokenUse {
        csr_seen: row.bool(0)?,
        token_used: row.bool(1)?,
        key_is_compromised: row.bool(2)?,
    })
}

/// Marks a unique value as used with a CSR. If it was used before, nothing is kept of the transaction.
pub fn use_new_token(
    tx: &mut Tx<'_>,
    csr_sha256: &[u8; 32],
    unique_value: &str,
    base: OrderNumber,
    now: Time,
) -> Result<()> {
    tx.execute_one(&USE_NEW_TOKEN, params![csr_sha256, unique_value, base.0, now.ms()])
}

/// Marks a unique value as used with a CSR; false when another chain has used it.
pub fn use_token(
    tx: &mut Tx<'_>,
    csr_sha256: &[u8; 32],
    unique_value: &str,
    base: OrderNumber,
    now: Time,
) -> Result<bool> {
    Ok(tx.execute(&USE_TOKEN, params![csr_sha256, unique_value, base.0, now.ms()])? == 1)
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&TOKENS, &TOKEN_USES, &USE_NEW_TOKEN, &USE_TOKEN];

const TOKENS: Sql = Sql::both(
    "SELECT unique_value, base_order_number FROM request_tokens WHERE csr_sha256 = $1
     ORDER BY used_at DESC, unique_value LIMIT 1000",
);

/// On SQLite of one token, on PostgreSQL of a list, where `OFFSET 0` keeps it from reading the whole table into a hash, since it
/// guesses that the list is long.
const TOKEN_USES: Sql = Sql::pair(
    "SELECT EXISTS (SELECT 1 FROM request_tokens t WHERE t.csr_sha256 = $1),
         EXISTS (SELECT 1 FROM request_tokens t WHERE t.csr_sha256 = $1 AND t.unique_value = $2),
         EXISTS (SELECT 1 FROM compromised_keys k WHERE k.spki = $3)",
    "SELECT EXISTS (SELECT 1 FROM request_tokens t WHERE t.csr_sha256 = decode(token->>0, 'hex') OFFSET 0),
         EXISTS (SELECT 1 FROM request_tokens t WHERE t.csr_sha256 = decode(token->>0, 'hex')
             AND t.unique_value = token->>1 OFFSET 0),
         EXISTS (SELECT 1 FROM compromised_keys k WHERE k.spki = decode(token->>2, 'hex') OFFSET 0)
     FROM jsonb_array_elements(CAST(CAST($1 AS TEXT) AS JSONB)) WITH ORDINALITY AS tokens (token, place)
     ORDER BY place",
);

const USE_NEW_TOKEN: Sql = Sql::both(
    "INSERT INTO request_tokens (csr_sha256, unique_value, base_order_number, used_at) VALUES ($1, $2, $3, $4)",
);

const USE_TOKEN: Sql = Sql::both(
    "INSERT INTO request_tokens (csr_sha256, unique_value, base_order_number, used_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (csr_sha256, unique_value) DO UPDATE SET used_at = excluded.used_at
     WHERE request_tokens.base_order_number = excluded.base_order_number",
);

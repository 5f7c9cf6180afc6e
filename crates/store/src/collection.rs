//! Collection codes, and mailboxes that were proven.

use domain::certificate::{AccountId, CertificateId, OrderNumber};
use domain::names::CertName;
use domain::time::Time;

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// Writes a request's code under its digest.
pub fn insert_code(
    tx: &mut Tx<'_>,
    id: CertificateId,
    code: &str,
    code_sha256: &[u8; 32],
) -> Result<()> {
    tx.execute_one(&INSERT_CODE, params![code_sha256, id.0, code])
}

/// A request's code.
pub fn code_of(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<String>> {
    tx.query_opt(&CODE_OF, params![id.0], |row| row.text(0))
}

/// The codes of requests, in no order.
pub fn codes_of(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<(CertificateId, String)>> {
    let list = crate::orders::list(ids.iter().map(|id| id.0));
    tx.query(&CODES_OF, params![&list], |row| Ok((CertificateId(row.int(0)?), row.text(1)?)))
}

/// The request and the code whose digest this is.
pub fn by_digest(
    tx: &mut Tx<'_>,
    code_sha256: &[u8; 32],
) -> Result<Option<(CertificateId, String)>> {
    tx.query_opt(&BY_DIGEST, params![code_sha256], |row| {
        Ok((CertificateId(row.int(0)?), row.text(1)?))
    })
}

/// When an account has last proven a mailbox since `since`, and by which order.
pub fn proven_mailbox(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: &CertName,
    since: Time,
) -> Result<Option<(Time, OrderNumber)>> {
    let name = mailbox.to_string();
    tx.query_opt(&PROVEN_MAILBOX, params![name.as_str(), since.ms(), account.0], |row| {
        Ok((Time::from_ms(row.int(0)?), OrderNumber(row.int(1)?)))
    })
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&INSERT_CODE, &CODE_OF, &CODES_OF, &BY_DIGEST, &PROVEN_MAILBOX];

const INSERT_CODE: Sql = Sql::both(
    "INSERT INTO collection_codes (code_sha256, certificate_id, code) VALUES ($1, $2, $3)",
);

const CODE_OF: Sql = Sql::both("SELECT code FROM collection_codes WHERE certificate_id = $1");

const CODES_OF: Sql = Sql::pair(
    "SELECT certificate_id, code FROM collection_codes WHERE certificate_id IN (SELECT value FROM json_each($1))",
    "SELECT certificate_id, code FROM collection_codes WHERE certificate_id = ANY(ARRAY(
         SELECT CAST(jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB)) AS BIGINT)))",
);

const BY_DIGEST: Sql =
    Sql::both("SELECT certificate_id, code FROM collection_codes WHERE code_sha256 = $1");

const PROVEN_MAILBOX: Sql = Sql::both(
    "SELECT n.shown_at, o.order_number FROM request_names n
     JOIN certificate_requests r ON r.certificate_id = n.certificate_id
     JOIN orders o ON o.order_number = r.order_number
     WHERE n.name = $1 AND n.method = 'MAILBOX' AND n.shown_at IS NOT NULL AND n.shown_at >= $2 AND o.account_id = $3
     ORDER BY n.shown_at DESC LIMIT 1",
);

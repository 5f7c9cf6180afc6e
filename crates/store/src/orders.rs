//! Orders and their certificate requests: how they are written, and in `views.rs` how they are read.

pub(crate) mod views;

use domain::certificate::{AccountId, CaId, CertificateId, OrderNumber, Serial};
use domain::check::Check;
use domain::csr::KeyKind;
use domain::money::Money;
use domain::order::RequestState;
use domain::time::Time;

use crate::{Database, Row, Sql, StoreError, Tx, Value, params};

pub(crate) use views::list;
pub use views::{
    OrderView, StoredCsr, by_certificate, by_certificates, by_foreign_number, by_number,
    by_numbers, chain, foreign_number_used, highest, newest, newest_of, of_account,
};

type Result<T> = std::result::Result<T, StoreError>;

/// An order about to be written.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Whose.
    pub account: AccountId,
    /// The chain it belongs to; None starts one.
    pub base: Option<OrderNumber>,
    /// Product code as ordered.
    pub product: i64,
    /// What was bought (JSON).
    pub bought: String,
    /// Under the test hierarchy.
    pub test: bool,
    /// Days that were bought.
    pub term_days: u32,
    /// The chain's last second, if a certificate was issued in it already.
    pub term_end: Option<Time>,
    /// What the answer said that it costs.
    pub cost: Money,
    /// The partner's own number.
    pub foreign_order_number: Option<String>,
    /// Parameters (JSON).
    pub parameters: String,
    /// When it was placed.
    pub placed_at: Time,
    /// When it runs out if nobody proves anything.
    pub expires_at: Time,
}

/// A certificate request about to be written.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Its first state.
    pub state: RequestState,
    /// Its CSR; None while there is none yet.
    pub csr: Option<NewCsr>,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// Whom the certificate is to name (JSON).
    pub subject: Option<String>,
    /// The token's unique value.
    pub unique_value: Option<String>,
    /// `caCertificateID`.
    pub ca_choice: Option<CaId>,
}

/// A CSR about to be written.
#[derive(Clone, Debug)]
pub struct NewCsr {
    /// DER, as received.
    pub der: Vec<u8>,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The key's kind.
    pub key_kind: KeyKind,
}

/// A CSR in a row's columns, which are empty where there is none.
struct CsrColumns<'c> {
    der: &'c [u8],
    sha256: &'c [u8],
    spki: &'c [u8],
    key_kind: String,
}

impl<'c> CsrColumns<'c> {
    fn of(csr: Option<&'c NewCsr>) -> Self {
        match csr {
            Some(csr) => Self {
                der: &csr.der,
                sha256: &csr.sha256,
                spki: &csr.spki,
                key_kind: key_word(csr.key_kind),
            },
            None => Self { der: &[], sha256: &[], spki: &[], key_kind: String::new() },
        }
    }
}

/// The next order number and certificate ID.
pub fn next_numbers(tx: &mut Tx<'_>) -> Result<(OrderNumber, CertificateId)> {
    let numbers = numbers(tx, 1)?.pop();
    numbers.ok_or_else(|| StoreError::inconsistent("no numbers"))
}

/// So many order numbers and certificate IDs, ascending.
pub fn numbers(tx: &mut Tx<'_>, count: usize) -> Result<Vec<(OrderNumber, CertificateId)>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let wanted = i64::try_from(count).unwrap_or(i64::MAX);
    let read = |row: &Row<'_>| Ok((row.int(0)?, row.int(1)?));
    let drawn = tx.query(&NUMBERS, params![wanted], read)?;
    // SQLite answers the last ones.
    let all: Vec<_> = match (tx.database(), drawn.as_slice()) {
        (Database::Sqlite, [(order, certificate)]) => {
            (1 - wanted..=0).map(|back| (order + back, certificate + back)).collect()
        }
        _ => drawn,
    };
    Ok(all.into_iter().map(|(order, id)| (OrderNumber(order), CertificateId(id))).collect())
}

/// Writes an order.
pub fn insert(tx: &mut Tx<'_>, number: OrderNumber, o: &NewOrder) -> Result<()> {
    let values = params![
        number.0,
        o.base.unwrap_or(number).0,
        o.account.0,
        o.product,
        o.bought.as_str(),
        o.test,
        o.term_days,
        o.term_end.map(Time::ms),
        o.cost.minor(),
        o.foreign_order_number.as_deref(),
        o.parameters.as_str(),
        o.placed_at.ms(),
        o.expires_at.ms(),
    ];
    tx.execute_one(&INSERT_ORDER, values)
}

/// Writes a certificate request.
pub fn insert_request(
    tx: &mut Tx<'_>,
    order: OrderNumber,
    id: CertificateId,
    r: &NewRequest,
    now: Time,
) -> Result<()> {
    let checks = check_words(r.state.checks());
    let csr = CsrColumns::of(r.csr.as_ref());
    let values = params![
        id.0,
        order.0,
        r.state.word(),
        now.ms(),
        checks.as_str(),
        csr.der,
        csr.sha256,
        csr.spki,
        csr.key_kind.as_str(),
        r.common_name.as_deref(),
        r.unique_value.as_deref(),
        r.ca_choice.map(|ca| ca.0),
        r.subject.as_deref(),
    ];
    tx.execute_one(&INSERT_REQUEST, values)
}

/// Writes a request's new state. If somebody changed the request since it was read, the transaction runs again.
pub fn set_state(
    tx: &mut Tx<'_>,
    order: &OrderView,
    after: &RequestState,
    now: Time,
) -> Result<()> {
    let (checks, serial, why) = words(after);
    let values = state_params(order, after, &checks, serial.as_ref(), why, now);
    match tx.execute(&SET_STATE, &values)? {
        0 => Err(tx.outrun()),
        _ => Ok(()),
    }
}

/// The same for who has read it in another transaction: if somebody changed the request since, nothing is written and
/// the answer is [`StoreError::NotOne`], perhaps only at the commit.
pub fn advance(tx: &mut Tx<'_>, order: &OrderView, after: &RequestState, now: Time) -> Result<()> {
    let (checks, serial, why) = words(after);
    tx.execute_one(&SET_STATE, &state_params(order, after, &checks, serial.as_ref(), why, now))
}

/// Notes that something was found out about a request whose state stays; otherwise as [`advance`].
pub fn touch(tx: &mut Tx<'_>, order: &OrderView) -> Result<()> {
    tx.execute_one(&TOUCH, params![order.certificate.0, order.version])
}

fn words(state: &RequestState) -> (String, Option<Serial>, Option<&str>) {
    let why = match state {
        RequestState::Rejected { why } | RequestState::Failed { why } => Some(why.as_str()),
        _ => None,
    };
    (check_words(state.checks()), state.serial(), why)
}

fn state_params<'v>(
    order: &OrderView,
    after: &'v RequestState,
    checks: &'v str,
    serial: Option<&'v Serial>,
    why: Option<&'v str>,
    now: Time,
) -> [Value<'v>; 7] {
    [
        order.certificate.0.into(),
        order.version.into(),
        after.word().into(),
        now.ms().into(),
        checks.into(),
        serial.map(|s| s.as_bytes().as_slice()).into(),
        why.into(),
    ]
}

/// Writes that the certificate which was being issued is issued. Exactly one row, or the transaction is doomed.
pub fn set_issued(tx: &mut Tx<'_>, id: CertificateId, serial: Serial, now: Time) -> Result<()> {
    tx.execute_one(&SET_ISSUED, params![id.0, serial.as_bytes(), now.ms()])
}

/// Notes names that fell away.
pub fn set_removed_names(tx: &mut Tx<'_>, id: CertificateId, names: &str) -> Result<()> {
    tx.execute_one(&SET_REMOVED, params![id.0, names])
}

/// Sets the term's last second for every order of a chain.
pub fn set_term_end(tx: &mut Tx<'_>, base: OrderNumber, end: Time) -> Result<()> {
    tx.execute_later(&SET_TERM_END, params![base.0, end.ms()])
}

/// Exchanges the CSR of a request that has none that counts yet.
pub fn set_csr(tx: &mut Tx<'_>, id: CertificateId, r: &NewRequest) -> Result<()> {
    let csr = CsrColumns::of(r.csr.as_ref());
    let values = params![
        id.0,
        csr.der,
        csr.sha256,
        csr.spki,
        csr.key_kind.as_str(),
        r.common_name.as_deref(),
        r.unique_value.as_deref(),
        r.ca_choice.map(|ca| ca.0),
    ];
    tx.execute_one(&SET_CSR, values)
}

/// Brings or exchanges the CSR alone.
pub fn set_key(tx: &mut Tx<'_>, id: CertificateId, csr: &NewCsr) -> Result<()> {
    let csr = CsrColumns::of(Some(csr));
    let values = params![id.0, csr.der, csr.sha256, csr.spki, csr.key_kind.as_str()];
    tx.execute_one(&SET_KEY, values)
}

/// Sets the CA that signs a request.
pub fn set_ca_choice(tx: &mut Tx<'_>, id: CertificateId, ca: CaId) -> Result<()> {
    tx.execute_one(&SET_CA_CHOICE, params![id.0, ca.0])
}

/// Exchanges what an order keeps of what its caller gave.
pub fn set_parameters(
    tx: &mut Tx<'_>,
    order: OrderNumber,
    parameters: &str,
    foreign_order_number: Option<&str>,
) -> Result<()> {
    tx.execute_one(&SET_PARAMETERS, params![order.0, parameters, foreign_order_number])
}

fn check_words(checks: &[Check]) -> String {
    let word = |c: &Check| format!("{}={}", c.kind.as_str(), c.state.as_str());
    checks.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn key_word(kind: KeyKind) -> String {
    match kind {
        KeyKind::Rsa(bits) => format!("rsa{bits}"),
        KeyKind::P256 => "p256".to_owned(),
        KeyKind::P384 => "p384".to_owned(),
        KeyKind::P521 => "p521".to_owned(),
    }
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &NUMBERS,
    &INSERT_ORDER,
    &INSERT_REQUEST,
    &SET_STATE,
    &TOUCH,
    &SET_ISSUED,
    &SET_REMOVED,
    &SET_TERM_END,
    &SET_CSR,
    &SET_KEY,
    &SET_CA_CHOICE,
    &SET_PARAMETERS,
];

const NUMBERS: Sql = Sql::pair(
    "UPDATE numbers SET order_number = order_number + $1, certificate_id = certificate_id + $1
     RETURNING order_number, certificate_id",
    "SELECT nextval('order_numbers'), nextval('certificate_ids')
     FROM generate_series(1, CAST($1 AS BIGINT))",
);

const INSERT_ORDER: Sql = Sql::both(
    "INSERT INTO orders (order_number, base_order_number, account_id, product, bought, test, term_days, term_end, cost,
         foreign_order_number, parameters, placed_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

const INSERT_REQUEST: Sql = Sql::both(
    "INSERT INTO certificate_requests (certificate_id, order_number, state, state_at, checks, csr, csr_sha256, spki,
         key_kind, common_name, unique_value, ca_choice, subject)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

const SET_STATE: Sql = Sql::both(
    "UPDATE certificate_requests SET state = $3, state_at = $4, checks = $5, serial = $6, why = $7,
         version = version + 1
     WHERE certificate_id = $1 AND version = $2",
);

const TOUCH: Sql = Sql::both(
    "UPDATE certificate_requests SET version = version + 1 WHERE certificate_id = $1 AND version = $2",
);

const SET_ISSUED: Sql = Sql::both(
    "UPDATE certificate_requests SET state = 'issued', state_at = $3, version = version + 1
     WHERE certificate_id = $1 AND state = 'issuing' AND serial = $2",
);

const SET_REMOVED: Sql =
    Sql::both("UPDATE certificate_requests SET removed_names = $2 WHERE certificate_id = $1");

const SET_TERM_END: Sql =
    Sql::both("UPDATE orders SET term_end = $2 WHERE base_order_number = $1 AND term_end IS NULL");

const SET_CSR: Sql = Sql::both(
    "UPDATE certificate_requests SET csr = $2, csr_sha256 = $3, spki = $4, key_kind = $5, common_name = $6,
         unique_value = $7, ca_choice = $8, version = version + 1
     WHERE certificate_id = $1",
);

const SET_KEY: Sql = Sql::both(
    "UPDATE certificate_requests SET csr = $2, csr_sha256 = $3, spki = $4, key_kind = $5, version = version + 1
     WHERE certificate_id = $1",
);

const SET_CA_CHOICE: Sql =
    Sql::both("UPDATE certificate_requests SET ca_choice = $2 WHERE certificate_id = $1");

const SET_PARAMETERS: Sql = Sql::both(
    "UPDATE orders SET parameters = $2, foreign_order_number = $3 WHERE order_number = $1",
);

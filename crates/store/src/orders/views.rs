//! How orders and their certificate requests are read.

use std::collections::BTreeSet;

use domain::certificate::{AccountId, CaId, CertificateId, OrderNumber, RevocationReason, Serial};
use domain::check::Check;
use domain::csr::KeyKind;
use domain::money::Money;
use domain::order::RequestState;
use domain::time::Time;

use crate::{Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// An order with its certificate request and, if there is one, the certificate's data.
#[derive(Clone, Debug)]
pub struct OrderView {
    /// Its number.
    pub number: OrderNumber,
    /// Its chain's first number.
    pub base: OrderNumber,
    /// Whose.
    pub account: AccountId,
    /// Product code.
    pub product: i64,
    /// What was bought (JSON).
    pub bought: String,
    /// Under the test hierarchy.
    pub test: bool,
    /// Days that were bought.
    pub term_days: u32,
    /// The chain's last second, once a certificate was issued.
    pub term_end: Option<Time>,
    /// What it cost.
    pub cost: Money,
    /// The partner's own number.
    pub foreign_order_number: Option<String>,
    /// Parameters (JSON).
    pub parameters: String,
    /// When it was placed.
    pub placed_at: Time,
    /// When it runs out.
    pub expires_at: Time,
    /// The request's number.
    pub certificate: CertificateId,
    /// The request's state.
    pub state: RequestState,
    /// Goes up with every change of state or CSR.
    pub version: i64,
    /// The CSR; None while there is none yet.
    pub csr: Option<StoredCsr>,
    /// A certificate for this key was revoked with keyCompromise.
    pub key_is_compromised: bool,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// Whom the certificate is to name (JSON).
    pub subject: Option<String>,
    /// The token's unique value.
    pub unique_value: Option<String>,
    /// `caCertificateID`.
    pub ca_choice: Option<CaId>,
    /// Names that fell away, blank between.
    pub removed_names: Option<String>,
    /// notBefore and notAfter of the certificate that is recorded or issued.
    pub validity: Option<(Time, Time)>,
    /// The issuing CA.
    pub ca: Option<CaId>,
    /// The certificate, once signed.
    pub der: Option<Vec<u8>>,
}

/// A CSR as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCsr {
    /// DER, as received.
    pub der: Vec<u8>,
    /// SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The key's kind.
    pub key_kind: KeyKind,
}

/// An order by its number.
pub fn by_number(tx: &mut Tx<'_>, number: OrderNumber) -> Result<Option<OrderView>> {
    tx.query_opt(&BY_NUMBER, params![number.0], read_view)
}

/// The order of a certificate request.
pub fn by_certificate(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<OrderView>> {
    tx.query_opt(&BY_CERTIFICATE, params![id.0], read_view)
}

/// The orders of certificate requests, in no order.
pub fn by_certificates(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<OrderView>> {
    tx.query(&BY_CERTIFICATES, params![&list(ids.iter().map(|id| id.0))], read_view)
}

/// Numbers as a parameter: a JSON list.
pub(crate) fn list(numbers: impl IntoIterator<Item = i64>) -> String {
    serde_json::json!(numbers.into_iter().collect::<Vec<_>>()).to_string()
}

/// The newest order of a chain; one that came to nothing (rejected, expired, failed) only when no other is there.
pub fn newest(tx: &mut Tx<'_>, base: OrderNumber) -> Result<Option<OrderView>> {
    tx.query_opt(&NEWEST, params![base.0], read_view)
}

/// The same for several chains, in no order.
pub fn newest_of(tx: &mut Tx<'_>, bases: &BTreeSet<OrderNumber>) -> Result<Vec<OrderView>> {
    tx.query(&NEWEST_OF, params![&list(bases.iter().map(|base| base.0))], read_view)
}

/// Orders by their numbers; those that do not exist are left out.
pub fn by_numbers(tx: &mut Tx<'_>, orders: &BTreeSet<OrderNumber>) -> Result<Vec<OrderView>> {
    tx.query(&BY_NUMBERS, params![&list(orders.iter().map(|order| order.0))], read_view)
}

/// Every order of a chain, oldest first.
pub fn chain(tx: &mut Tx<'_>, base: OrderNumber) -> Result<Vec<OrderView>> {
    tx.query(&CHAIN, params![base.0], read_view)
}

/// An account's orders, newest first, before number `before`.
pub fn of_account(
    tx: &mut Tx<'_>,
    account: AccountId,
    before: i64,
    limit: u32,
) -> Result<Vec<OrderView>> {
    tx.query(&OF_ACCOUNT, params![account.0, before, limit], read_view)
}

/// Whether the account has an order with this number of its own.
pub fn foreign_number_used(tx: &mut Tx<'_>, account: AccountId, number: &str) -> Result<bool> {
    let found = tx.query(&FOREIGN_USED, params![account.0, number], |row| row.int(0))?;
    Ok(!found.is_empty())
}

/// The orders of an account with this number of its own, newest first, before number `before`.
pub fn by_foreign_number(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<OrderView>> {
    tx.query(&BY_FOREIGN, params![account.0, number, before, limit], read_view)
}

/// The highest order number, 0 if there is none: a look at the end of an index, where counting reads all of it.
pub fn highest(tx: &mut Tx<'_>) -> Result<i64> {
    tx.query_one(&HIGHEST, &[], |row| row.int(0))
}

fn read_view(row: &Row<'_>) -> Result<OrderView> {
    let odd = |what: &str| StoreError::inconsistent(format_args!("order: {what}"));
    let state = read_state(row)?;
    let validity = match (row.opt_int(24)?, row.opt_int(25)?) {
        (Some(from), Some(to)) => Some((Time::from_ms(from), Time::from_ms(to))),
        _ => None,
    };
    Ok(OrderView {
        number: OrderNumber(row.int(0)?),
        base: OrderNumber(row.int(1)?),
        account: AccountId(row.int(2)?),
        product: row.int(3)?,
        bought: row.text(4)?,
        test: row.bool(5)?,
        term_days: u32::try_from(row.int(6)?).map_err(|_| odd("term"))?,
        term_end: row.opt_int(7)?.map(Time::from_ms),
        cost: Money::from_minor(row.int(8)?),
        foreign_order_number: row.opt_text(9)?,
        parameters: row.text(10)?,
        placed_at: Time::from_ms(row.int(11)?),
        expires_at: Time::from_ms(row.int(12)?),
        certificate: CertificateId(row.int(13)?),
        state,
        csr: read_csr(row)?,
        key_is_compromised: row.bool(33)?,
        common_name: row.opt_text(21)?,
        unique_value: row.opt_text(22)?,
        ca_choice: row.opt_int(23)?.map(CaId),
        removed_names: row.opt_text(28)?,
        subject: row.opt_text(31)?,
        version: row.int(32)?,
        validity,
        ca: row.opt_int(26)?.map(CaId),
        der: row.opt_bytes(27)?,
    })
}

/// The columns are empty where there is none.
fn read_csr(row: &Row<'_>) -> Result<Option<StoredCsr>> {
    let key_kind = match row.text_ref(20)? {
        "" => return Ok(None),
        word => read_key(word).ok_or_else(|| StoreError::inconsistent("request: key"))?,
    };
    Ok(Some(StoredCsr { der: row.bytes(18)?, spki: row.bytes(19)?, key_kind }))
}

fn read_state(row: &Row<'_>) -> Result<RequestState> {
    let odd = |what: &str| StoreError::inconsistent(format_args!("request: {what}"));
    let checks = || read_checks(row.text_ref(15)?).ok_or_else(|| odd("checks"));
    let serial = || {
        let bytes = row.bytes_ref(16)?;
        Serial::from_stored(bytes).ok_or_else(|| odd("serial"))
    };
    let why = || row.opt_text(17).map(Option::unwrap_or_default);
    Ok(match row.text_ref(14)? {
        "awaiting_authorization" => RequestState::AwaitingAuthorization,
        "awaiting_payment" => RequestState::AwaitingPayment { checks: checks()? },
        "awaiting_csr" => RequestState::AwaitingCsr { checks: checks()? },
        "awaiting_validation" => RequestState::AwaitingValidation { checks: checks()? },
        "ready" => RequestState::Ready,
        "issuing" => RequestState::Issuing { serial: serial()? },
        "issued" => RequestState::Issued { serial: serial()? },
        "replaced" => RequestState::Replaced { serial: serial()? },
        "revoked" => RequestState::Revoked {
            serial: serial()?,
            reason: RevocationReason::from_code(row.int(30)?).ok_or_else(|| odd("reason"))?,
            at: Time::from_ms(row.int(29)?),
        },
        "expired" => RequestState::Expired,
        "rejected" => RequestState::Rejected { why: why()? },
        "failed" => RequestState::Failed { why: why()? },
        _ => return Err(odd("state")),
    })
}

fn read_checks(words: &str) -> Option<Vec<Check>> {
    words
        .split_whitespace()
        .map(|word| {
            let (kind, state) = word.split_once('=')?;
            Some(Check { kind: kind.parse().ok()?, state: state.parse().ok()? })
        })
        .collect()
}

fn read_key(word: &str) -> Option<KeyKind> {
    match word {
        "p256" => Some(KeyKind::P256),
        "p384" => Some(KeyKind::P384),
        "p521" => Some(KeyKind::P521),
        _ => word.strip_prefix("rsa")?.parse().ok().map(KeyKind::Rsa),
    }
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &BY_NUMBER,
    &BY_CERTIFICATE,
    &BY_CERTIFICATES,
    &NEWEST,
    &NEWEST_OF,
    &BY_NUMBERS,
    &CHAIN,
    &OF_ACCOUNT,
    &FOREIGN_USED,
    &BY_FOREIGN,
    &HIGHEST,
];

/// `OFFSET 0` keeps PostgreSQL from reading all compromised keys into a hash for a few requests.
macro_rules! view {
    ($rest:literal) => {
        view!($rest, $rest)
    };
    ($sqlite:literal, $postgres:literal) => {
        Sql::pair(view!(text $sqlite), view!(text $postgres))
    };
    (text $rest:literal) => {
        concat!(
            "SELECT o.order_number, o.base_order_number, o.account_id, o.product, o.bought, o.test, o.term_days,
                 o.term_end, o.cost, o.foreign_order_number, o.parameters, o.placed_at, o.expires_at,
                 r.certificate_id, r.state, r.checks, r.serial, r.why, r.csr, r.spki, r.key_kind, r.common_name,
                 r.unique_value, r.ca_choice, c.not_before, c.not_after, c.ca_id, c.der, r.removed_names,
                 c.revoked_at, c.revocation_reason, r.subject, r.version,
                 EXISTS (SELECT 1 FROM compromised_keys k WHERE k.spki = r.spki LIMIT 1 OFFSET 0)
             FROM orders o JOIN certificate_requests r ON r.order_number = o.order_number
             LEFT JOIN certificates c ON c.certificate_id = r.certificate_id ",
            $rest
        )
    };
}

const BY_NUMBER: Sql = view!("WHERE o.order_number = $1");

const BY_CERTIFICATE: Sql = view!("WHERE r.certificate_id = $1");

const BY_CERTIFICATES: Sql = view!(
    "WHERE r.certificate_id IN (SELECT value FROM json_each($1))",
    "WHERE r.certificate_id = ANY(ARRAY(
         SELECT CAST(jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB)) AS BIGINT)))"
);

/// Sorted by numbers alone: rows with their CSRs and certificates would be carried through the sorter.
const NEWEST: Sql = view!(
    "WHERE o.order_number = (
         SELECT n.order_number FROM orders n JOIN certificate_requests s ON s.order_number = n.order_number
         WHERE n.base_order_number = $1
         ORDER BY CASE WHEN s.state IN ('rejected', 'expired', 'failed') THEN 1 ELSE 0 END, n.order_number DESC LIMIT 1)
     LIMIT 1"
);

const NEWEST_OF: Sql = view!(
    "WHERE o.order_number IN (
         SELECT (
             SELECT n.order_number FROM orders n JOIN certificate_requests s ON s.order_number = n.order_number
             WHERE n.base_order_number = b.value
             ORDER BY CASE WHEN s.state IN ('rejected', 'expired', 'failed') THEN 1 ELSE 0 END, n.order_number DESC LIMIT 1)
         FROM json_each($1) b)",
    "WHERE o.order_number = ANY(ARRAY(
         SELECT (
             SELECT n.order_number FROM orders n JOIN certificate_requests s ON s.order_number = n.order_number
             WHERE n.base_order_number = CAST(b.value AS BIGINT)
             ORDER BY CASE WHEN s.state IN ('rejected', 'expired', 'failed') THEN 1 ELSE 0 END, n.order_number DESC LIMIT 1)
         FROM jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB)) AS b(value)))"
);

const BY_NUMBERS: Sql = view!(
    "WHERE o.order_number IN (SELECT value FROM json_each($1))",
    "WHERE o.order_number = ANY(ARRAY(
         SELECT CAST(jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB)) AS BIGINT)))"
);

const CHAIN: Sql = view!("WHERE o.base_order_number = $1 ORDER BY o.order_number");

const OF_ACCOUNT: Sql =
    view!("WHERE o.account_id = $1 AND o.order_number < $2 ORDER BY o.order_number DESC LIMIT $3");

const FOREIGN_USED: Sql = Sql::both(
    "SELECT order_number FROM orders WHERE account_id = $1 AND foreign_order_number = $2 LIMIT 1",
);

const BY_FOREIGN: Sql = view!(
    "WHERE o.account_id = $1 AND o.foreign_order_number = $2 AND o.order_number < $3
     ORDER BY o.order_number DESC LIMIT $4"
);

const HIGHEST: Sql = Sql::both("SELECT COALESCE(MAX(order_number), 0) FROM orders");

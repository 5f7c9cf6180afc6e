//! Accounts and their ledger.

use std::collections::BTreeSet;

use domain::account::{Account, PaymentMode, Privileges};
use domain::certificate::{AccountId, OrderNumber};
use domain::money::Money;
use domain::time::Time;

use crate::{Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// An account with what is needed to check its password.
#[derive(Clone)]
pub struct Login {
    /// The account.
    pub account: Account,
    /// PHC string of Argon2id.
    pub password_hash: String,
    /// Goes up with every new password.
    pub password_version: i64,
}

/// A line of an account's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// Its number.
    pub id: i64,
    /// The order, if it is about one.
    pub order: Option<OrderNumber>,
    /// debit, refund or deposit.
    pub kind: String,
    /// Negative for debits.
    pub amount: Money,
    /// For people.
    pub note: String,
    /// When.
    pub at: Time,
}

/// The account with this login name, case-sensitive.
pub fn login(tx: &mut Tx<'_>, login_name: &str) -> Result<Option<Login>> {
    tx.query_opt(&BY_LOGIN, params![login_name], read_login)
}

/// The accounts with these login names, in no order.
pub fn logins(tx: &mut Tx<'_>, login_names: &BTreeSet<&str>) -> Result<Vec<Login>> {
    tx.query(&BY_LOGINS, params![&serde_json::json!(login_names).to_string()], read_login)
}

/// The same, for a change: on PostgreSQL the row is locked until the transaction ends.
pub fn login_to_change(tx: &mut Tx<'_>, login_name: &str) -> Result<Option<Login>> {
    tx.query_opt(&BY_LOGIN_TO_CHANGE, params![login_name], read_login)
}

/// The account with this number.
pub fn by_id(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>> {
    tx.query_opt(&BY_ID, params![id.0], |row| read_login(row).map(|l| l.account))
}

/// Every account, by number.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Account>> {
    tx.query(&ALL_ACCOUNTS, &[], |row| read_login(row).map(|l| l.account))
}

/// Makes an account; the balance starts at zero. A unique constraint refuses a login name that is taken.
pub fn insert(tx: &mut Tx<'_>, a: &Account, password_hash: &str, now: Time) -> Result<AccountId> {
    let (privileges, ranges) = (privilege_words(a.privileges), range_words(a));
    let values = params![
        a.login_name.as_str(),
        a.role.as_str(),
        a.brand.as_str(),
        a.currency.as_str(),
        a.credit_limit.minor(),
        payment_word(a.payment),
        privileges.as_str(),
        ranges.as_str(),
        a.contact.as_ref().map(|c| c.as_str()),
        password_hash,
        a.password_expires.map(Time::ms),
        now.ms(),
    ];
    tx.query_one(&INSERT, values, |row| row.int(0).map(AccountId))
}

/// Rewrites what an operator may change: everything but number, login name, balance and password.
pub fn update(tx: &mut Tx<'_>, a: &Account) -> Result<()> {
    let (privileges, ranges) = (privilege_words(a.privileges), range_words(a));
    let values = params![
        a.id.0,
        a.role.as_str(),
        a.brand.as_str(),
        a.credit_limit.minor(),
        payment_word(a.payment),
        privileges.as_str(),
        ranges.as_str(),
        a.contact.as_ref().map(|c| c.as_str()),
        a.closed,
        a.failed_tries,
        a.locked_until.map(Time::ms),
        a.password_expires.map(Time::ms),
    ];
    tx.execute_one(&UPDATE, values)
}

/// Gives a new password; earlier wrong tries are forgotten.
pub fn set_password(
    tx: &mut Tx<'_>,
    id: AccountId,
    password_hash: &str,
    expires: Option<Time>,
) -> Result<()> {
    tx.execute_one(&SET_PASSWORD, params![id.0, password_hash, expires.map(Time::ms)])
}

/// Counts a wrong password.
pub fn count_wrong_password(
    tx: &mut Tx<'_>,
    id: AccountId,
    tries: u32,
    locked_until: Option<Time>,
) -> Result<()> {
    tx.execute_one(&SET_TRIES, params![id.0, tries, locked_until.map(Time::ms)])
}

/// Holds an account's row until the transaction ends, so that of callers who ask the same question about it each sees what
/// the one before wrote. On SQLite one writes at a time anyway.
pub fn hold(tx: &mut Tx<'_>, id: AccountId) -> Result<()> {
    tx.query_one(&HOLD, params![id.0], |row| row.int(0)).map(|_| ())
}

/// Takes money, unless balance and limit do not suffice: then nothing is taken and the answer is false. Goes last in
/// its transaction, so that the row is locked for the shortest time.
pub fn take(tx: &mut Tx<'_>, id: AccountId, amount: Money) -> Result<bool> {
    Ok(tx.execute(&TAKE, params![id.0, amount.minor()])? == 1)
}

/// Adds money.
pub fn give(tx: &mut Tx<'_>, id: AccountId, amount: Money) -> Result<()> {
    tx.execute_one(&GIVE, params![id.0, amount.minor()])
}

/// Writes a line into the ledger. An order's second debit or refund is refused by a unique constraint.
pub fn write_ledger(
    tx: &mut Tx<'_>,
    id: AccountId,
    order: Option<OrderNumber>,
    kind: &str,
    amount: Money,
    note: &str,
    now: Time,
) -> Result<()> {
    let order = order.map(|o| o.0);
    tx.execute_one(&WRITE_LEDGER, params![id.0, order, kind, amount.minor(), note, now.ms()])
}

/// Writes the refund of an order into the ledger and says whether it was the first.
pub fn write_refund(
    tx: &mut Tx<'_>,
    id: AccountId,
    order: OrderNumber,
    amount: Money,
    note: &str,
    now: Time,
) -> Result<bool> {
    let values = params![id.0, order.0, amount.minor(), note, now.ms()];
    Ok(tx.execute(&WRITE_REFUND, values)? == 1)
}

/// What an order was debited with, as a positive amount.
pub fn debited(tx: &mut Tx<'_>, order: OrderNumber) -> Result<Option<Money>> {
    tx.query_opt(&DEBITED, params![order.0], |row| row.int(0).map(|n| -Money::from_minor(n)))
}

/// An account's ledger, newest first, before line `before`.
pub fn ledger(tx: &mut Tx<'_>, id: AccountId, before: i64, limit: u32) -> Result<Vec<LedgerLine>> {
    tx.query(&LEDGER, params![id.0, before, limit], |row| {
        Ok(LedgerLine {
            id: row.int(0)?,
            order: row.opt_int(1)?.map(OrderNumber),
            kind: row.text(2)?,
            amount: Money::from_minor(row.int(3)?),
            note: row.text(4)?,
            at: Time::from_ms(row.int(5)?),
        })
    })
}

fn read_login(row: &Row<'_>) -> Result<Login> {
    let word = |column: usize| row.text_ref(column).map(str::to_owned);
    let odd = |what: &str| StoreError::inconsistent(format_args!("account: {what}"));
    let ranges = row.text_ref(9)?.split_whitespace().map(str::parse);
    let contact = row.opt_text_ref(10)?.map(str::parse).transpose();
    Ok(Login {
        account: Account {
            id: AccountId(row.int(0)?),
            login_name: word(1)?,
            role: row.text_ref(2)?.parse().map_err(|_| odd("role"))?,
            brand: word(3)?,
            currency: word(4)?,
            balance: Money::from_minor(row.int(5)?),
            credit_limit: Money::from_minor(row.int(6)?),
            payment: match row.text_ref(7)? {
                "account" => PaymentMode::Account,
                "customer" => PaymentMode::Customer,
                _ => return Err(odd("payment")),
            },
            privileges: read_privileges(row.text_ref(8)?),
            allowed_ips: ranges
                .collect::<std::result::Result<_, _>>()
                .map_err(|_| odd("allowed_ips"))?,
            contact: contact.map_err(|_| odd("contact"))?,
            closed: row.bool(11)?,
            failed_tries: u32::try_from(row.int(12)?).unwrap_or(u32::MAX),
            locked_until: row.opt_int(13)?.map(Time::from_ms),
            password_expires: row.opt_int(16)?.map(Time::from_ms),
        },
        password_hash: word(14)?,
        password_version: row.int(15)?,
    })
}

fn payment_word(payment: PaymentMode) -> &'static str {
    match payment {
        PaymentMode::Account => "account",
        PaymentMode::Customer => "customer",
    }
}

fn range_words(account: &Account) -> String {
    account.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn privilege_words(p: Privileges) -> String {
    let words = [
        (p.registration_authority, "ra"),
        (p.test_orders, "test"),
        (p.ca_choice, "ca"),
        (p.voucher, "voucher"),
        (p.bonus_days, "bonus"),
        (p.ssl_only, "ssl-only"),
    ];
    words.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

fn read_privileges(words: &str) -> Privileges {
    let has = |word: &str| words.split_whitespace().any(|w| w == word);
    Privileges {
        registration_authority: has("ra"),
        test_orders: has("test"),
        ca_choice: has("ca"),
        voucher: has("voucher"),
        bonus_days: has("bonus"),
        ssl_only: has("ssl-only"),
    }
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &BY_LOGIN,
    &BY_LOGINS,
    &BY_LOGIN_TO_CHANGE,
    &BY_ID,
    &ALL_ACCOUNTS,
    &INSERT,
    &UPDATE,
    &SET_PASSWORD,
    &SET_TRIES,
    &HOLD,
    &TAKE,
    &GIVE,
    &WRITE_LEDGER,
    &WRITE_REFUND,
    &DEBITED,
    &LEDGER,
];

macro_rules! login {
    ($rest:literal) => {
        login!($rest, $rest)
    };
    ($sqlite:literal, $postgres:literal) => {
        Sql::pair(login!(text $sqlite), login!(text $postgres))
    };
    (text $rest:literal) => {
        concat!(
            "SELECT id, login_name, role, brand, currency, balance, credit_limit, payment, privileges, allowed_ips, contact,
                 closed, failed_tries, locked_until, password_hash, password_version, password_expires
             FROM accounts ",
            $rest
        )
    };
}

const BY_LOGIN: Sql = login!("WHERE login_name = $1");

const BY_LOGINS: Sql = login!(
    "WHERE login_name IN (SELECT value FROM json_each($1))",
    "WHERE login_name = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB))))"
);

const BY_LOGIN_TO_CHANGE: Sql = login!("WHERE login_name = $1", "WHERE login_name = $1 FOR UPDATE");

const BY_ID: Sql = login!("WHERE id = $1");

const ALL_ACCOUNTS: Sql = login!("ORDER BY id");

const INSERT: Sql = Sql::both(
    "INSERT INTO accounts (login_name, role, brand, currency, balance, credit_limit, payment, privileges, allowed_ips,
         contact, password_hash, password_expires, created_at)
     VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
);

const UPDATE: Sql = Sql::both(
    "UPDATE accounts SET role = $2, brand = $3, credit_limit = $4, payment = $5, privileges = $6, allowed_ips = $7,
         contact = $8, closed = $9, failed_tries = $10, locked_until = $11, password_expires = $12
     WHERE id = $1",
);

const SET_PASSWORD: Sql = Sql::both(
    "UPDATE accounts SET password_hash = $2, password_expires = $3, password_version = password_version + 1,
         failed_tries = 0, locked_until = NULL
     WHERE id = $1",
);

const SET_TRIES: Sql =
    Sql::both("UPDATE accounts SET failed_tries = $2, locked_until = $3 WHERE id = $1");

const HOLD: Sql = Sql::pair(
    "SELECT id FROM accounts WHERE id = $1",
    "SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE",
);

const TAKE: Sql = Sql::both(
    "UPDATE accounts SET balance = balance - $2 WHERE id = $1 AND balance + credit_limit >= $2",
);

const GIVE: Sql = Sql::both("UPDATE accounts SET balance = balance + $2 WHERE id = $1");

const WRITE_LEDGER: Sql = Sql::both(
    "INSERT INTO ledger (account_id, order_number, kind, amount, note, at) VALUES ($1, $2, $3, $4, $5, $6)",
);

const WRITE_REFUND: Sql = Sql::both(
    "INSERT INTO ledger (account_id, order_number, kind, amount, note, at) VALUES ($1, $2, 'refund', $3, $4, $5)
     ON CONFLICT (order_number, kind) WHERE order_number IS NOT NULL DO NOTHING",
);

const DEBITED: Sql =
    Sql::both("SELECT amount FROM ledger WHERE order_number = $1 AND kind = 'debit'");

const LEDGER: Sql = Sql::both(
    "SELECT id, order_number, kind, amount, note, at FROM ledger WHERE account_id = $1 AND id < $2
     ORDER BY id DESC LIMIT $3",
);

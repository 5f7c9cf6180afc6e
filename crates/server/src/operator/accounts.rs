//! Accounts: made, looked at, changed, paid into.

use domain::account::{Account, PaymentMode, Privileges, Role};
use domain::certificate::AccountId;
use domain::ip_range::IpRange;
use domain::mail_address::MailAddress;
use domain::money::Money;
use domain::time::{DAY, Entropy, Time};
use serde::Serialize;
use store::accounts::{self, Login};
use store::events::{self, NewEvent};
use store::{StoreError, Tx};

use super::{Complaint, Done, Office, moment, one_of};
use crate::app::accounts::deposit as book;
use crate::app::login::hash_password;
use crate::clock::SystemEntropy;

/// What may be said of an account; what is not said stays as it is, or gets its default.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// reseller, officer, operator or auditor.
    pub role: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// How far the balance may fall below zero.
    pub credit_limit: Option<String>,
    /// account or customer.
    pub payment: Option<String>,
    /// ra, test, ca, voucher, bonus, ssl-only, comma between; none.
    pub privileges: Option<String>,
    /// Addresses and ranges, comma between; any.
    pub allowed_ips: Option<String>,
    /// A mail address; none.
    pub contact: Option<String>,
    /// A day, a moment, never.
    pub password_expires: Option<String>,
}

/// An account for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    /// Number.
    pub number: i64,
    /// Login name.
    pub login_name: String,
    /// open, closed, locked or expired.
    pub state: &'static str,
    /// Role.
    pub role: &'static str,
    /// Brand.
    pub brand: String,
    /// Currency.
    pub currency: String,
    /// Balance.
    pub balance: String,
    /// Credit limit.
    pub credit_limit: String,
    /// Who pays.
    pub payment: &'static str,
    /// Privileges.
    pub privileges: Vec<&'static str>,
    /// Ranges; empty: any.
    pub allowed_ips: Vec<String>,
    /// Contact.
    pub contact: Option<String>,
    /// Wrong passwords in a row.
    pub failed_tries: u32,
    /// Locked until.
    pub locked_until: Option<String>,
    /// When the password runs out.
    pub password_expires: Option<String>,
}

impl AccountView {
    fn new(a: &Account, now: Time) -> Self {
        let locked = a.locked_until.filter(|until| now < *until);
        let expired = a.password_expires.is_some_and(|end| now >= end);
        Self {
            number: a.id.0,
            login_name: a.login_name.clone(),
            state: match (a.closed, locked.is_some(), expired) {
                (true, ..) => "closed",
                (_, true, _) => "locked",
                (.., true) => "expired",
                _ => "open",
            },
            role: a.role.as_str(),
            brand: a.brand.clone(),
            currency: a.currency.clone(),
            balance: a.balance.to_string(),
            credit_limit: a.credit_limit.to_string(),
            payment: payment_word(a.payment),
            privileges: privilege_words(a.privileges),
            allowed_ips: a.allowed_ips.iter().map(ToString::to_string).collect(),
            contact: a.contact.as_ref().map(ToString::to_string),
            failed_tries: a.failed_tries,
            locked_until: locked.map(|t| t.to_string()),
            password_expires: a.password_expires.map(|t| t.to_string()),
        }
    }
}

/// A line of a ledger.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerView {
    /// Its number.
    pub line: i64,
    /// When.
    pub at: String,
    /// debit, refund or deposit.
    pub kind: String,
    /// The order.
    pub order: Option<i64>,
    /// Negative for debits.
    pub amount: String,
    /// For people.
    pub note: String,
}

/// Makes an account.
///
/// # Errors
/// Words that say what to write instead.
pub fn create(
    office: &Office,
    login_name: &str,
    password: &str,
    currency: &str,
    wishes: &Wishes,
) -> Done<AccountView> {
    let now = office.now();
    let mut account = Account {
        id: AccountId(0),
        login_name: checked_name(login_name)?,
        role: Role::Reseller,
        brand: "Chancery".to_owned(),
        currency: checked_currency(currency)?,
        balance: Money::ZERO,
        credit_limit: Money::ZERO,
        payment: PaymentMode::Account,
        privileges: Privileges { bonus_days: true, ..Privileges::default() },
        allowed_ips: Vec::new(),
        contact: None,
        closed: false,
        failed_tries: 0,
        locked_until: None,
        password_expires: None,
    };
    wishes.apply(&mut account)?;
    let hash = hashed(password)?;
    let actor = office.actor.clone();
    office.write("create_account", move |tx| {
        let made = accounts::insert(tx, &account, &hash, now);
        let id = made.map_err(|error| match error.is_unique() {
            true => Complaint(format!(
                "there is an account '{0}' already; change it with `chancery account set {0}`",
                account.login_name
            )),
            false => error.into(),
        })?;
        note(tx, id, "account.created", &actor, &serde_json::json!({}), now)?;
        shown(tx, &account.login_name, now)
    })
}

/// All accounts.
///
/// # Errors
/// When the store fails.
pub fn list(office: &Office) -> Done<Vec<AccountView>> {
    let now = office.now();
    office.read("accounts", move |tx| {
        Ok(accounts::all(tx)?.iter().map(|a| AccountView::new(a, now)).collect())
    })
}

/// One account.
///
/// # Errors
/// When there is none of that name.
pub fn show(office: &Office, login_name: &str) -> Done<AccountView> {
    let (name, now) = (login_name.to_owned(), office.now());
    office.read("account", move |tx| shown(tx, &name, now))
}

/// Changes what is said.
///
/// # Errors
/// Words that say what to write instead.
pub fn set(office: &Office, login_name: &str, wishes: &Wishes) -> Done<AccountView> {
    let said = wishes.said();
    if said.is_empty() {
        return Err(Complaint::new(
            "nothing to change was given; see `chancery account set --help`",
        ));
    }
    let wishes = wishes.clone();
    let detail = serde_json::json!({ "changed": said });
    change(office, login_name, "account.changed", detail, move |account, _| {
        wishes.apply(account)?;
        if account.balance + account.credit_limit < Money::ZERO {
            let owed = -account.balance;
            return Err(Complaint(format!("the account owes {owed}; the limit must cover that")));
        }
        Ok(())
    })
}

/// Closes an account or opens it again.
///
/// # Errors
/// When there is none of that name.
pub fn close(office: &Office, login_name: &str, closed: bool) -> Done<AccountView> {
    let kind = if closed { "account.closed" } else { "account.opened" };
    change(office, login_name, kind, serde_json::json!({}), move |account, _| {
        account.closed = closed;
        Ok(())
    })
}

/// Locks an account, for a hundred years if nothing else is said.
///
/// # Errors
/// When there is none of that name, or the moment cannot be read.
pub fn lock(office: &Office, login_name: &str, until: Option<&str>) -> Done<AccountView> {
    let until = until.map(|t| moment(t, "--until")).transpose()?.flatten();
    change(office, login_name, "account.locked", serde_json::json!({}), move |account, now| {
        account.locked_until = Some(until.unwrap_or(now.plus(36_500 * DAY)));
        Ok(())
    })
}

/// Unlocks an account and forgets wrong tries.
///
/// # Errors
/// When there is none of that name.
pub fn unlock(office: &Office, login_name: &str) -> Done<AccountView> {
    change(office, login_name, "account.unlocked", serde_json::json!({}), |account, _| {
        account.locked_until = None;
        account.failed_tries = 0;
        Ok(())
    })
}

/// Gives a new password, and unlocks. Without `expires` it never runs out.
///
/// # Errors
/// When there is no such account, or the password will not do.
pub fn set_password(
    office: &Office,
    login_name: &str,
    password: &str,
    expires: Option<&str>,
) -> Done<AccountView> {
    let (name, now, actor) = (login_name.to_owned(), office.now(), office.actor.clone());
    let expires = expires.map(|t| moment(t, "--expires")).transpose()?.flatten();
    let hash = hashed(password)?;
    office.write("set_password", move |tx| {
        let id = to_change(tx, &name)?.account.id;
        accounts::set_password(tx, id, &hash, expires)?;
        note(tx, id, "account.password", &actor, &serde_json::json!({}), now)?;
        shown(tx, &name, now)
    })
}

/// Books a deposit; a negative one takes money out.
///
/// # Errors
/// When there is no such account, or not so much money in it.
pub fn deposit(office: &Office, login_name: &str, amount: &str, text: &str) -> Done<AccountView> {
    let (name, now, actor) = (login_name.to_owned(), office.now(), office.actor.clone());
    let amount = money(amount, "the amount")?;
    if amount == Money::ZERO {
        return Err(Complaint::new("the amount is zero; nothing was booked"));
    }
    let text = text.to_owned();
    office.write("deposit", move |tx| {
        let account = to_change(tx, &name)?.account;
        if account.balance + amount > Money::MOST {
            let most = Money::MOST;
            return Err(Complaint(format!("an account holds {most} at most; nothing was booked")));
        }
        let id = account.id;
        book(tx, id, amount, &text, now)?;
        let detail = serde_json::json!({ "amount": amount.minor() });
        note(tx, id, "account.deposit", &actor, &detail, now)?;
        shown(tx, &name, now)
    })
}

/// The ledger, newest first, before line `before`.
///
/// # Errors
/// When there is no such account.
pub fn ledger(
    office: &Office,
    login_name: &str,
    before: Option<i64>,
    limit: u32,
) -> Done<Vec<LedgerView>> {
    let name = login_name.to_owned();
    office.read("ledger", move |tx| {
        let id = by_name(tx, &name)?.id;
        let lines = accounts::ledger(tx, id, before.unwrap_or(i64::MAX), limit)?;
        let view = |l: accounts::LedgerLine| LedgerView {
            line: l.id,
            at: l.at.to_string(),
            kind: l.kind,
            order: l.order.map(|o| o.0),
            amount: l.amount.to_string(),
            note: l.note,
        };
        Ok(lines.into_iter().map(view).collect())
    })
}

/// A password that nobody guesses: 24 letters and digits, 140 bits.
#[must_use]
pub fn fresh_password() -> String {
    // Without letters and digits that look like others.
    const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
    let mut text = String::with_capacity(24);
    while text.len() < 24 {
        let mut bytes = [0; 32];
        SystemEntropy.fill(&mut bytes);
        // 224 is the greatest multiple of 56 in a byte: every letter is equally likely.
        let fair = bytes.iter().filter(|b| **b < 224).map(|b| usize::from(*b) % 56);
        text.extend(fair.map(|i| char::from(ALPHABET[i])).take(24 - text.len()));
    }
    text
}

/// The account of a login name.
pub(super) fn by_name(tx: &mut Tx<'_>, login_name: &str) -> Done<Account> {
    accounts::login(tx, login_name)?.map(|l| l.account).ok_or_else(|| unknown(login_name))
}

fn to_change(tx: &mut Tx<'_>, login_name: &str) -> Done<Login> {
    accounts::login_to_change(tx, login_name)?.ok_or_else(|| unknown(login_name))
}

fn unknown(login_name: &str) -> Complaint {
    Complaint(format!("there is no account '{login_name}'; `chancery account list` shows all"))
}

fn shown(tx: &mut Tx<'_>, login_name: &str, now: Time) -> Done<AccountView> {
    Ok(AccountView::new(&by_name(tx, login_name)?, now))
}

fn change(
    office: &Office,
    login_name: &str,
    kind: &'static str,
    detail: serde_json::Value,
    mut edit: impl FnMut(&mut Account, Time) -> Done<()> + Send + 'static,
) -> Done<AccountView> {
    let (name, now, actor) = (login_name.to_owned(), office.now(), office.actor.clone());
    office.write("change_account", move |tx| {
        let mut account = to_change(tx, &name)?.account;
        edit(&mut account, now)?;
        accounts::update(tx, &account)?;
        note(tx, account.id, kind, &actor, &detail, now)?;
        shown(tx, &name, now)
    })
}

pub(super) fn note(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: &str,
    actor: &str,
    detail: &serde_json::Value,
    at: Time,
) -> Result<(), StoreError> {
    let detail = detail.to_string();
    events::append(tx, &NewEvent { account, order: None, kind, actor, detail: &detail, at })
}

impl Wishes {
    /// The names of what is said.
    fn said(&self) -> Vec<&'static str> {
        let all = [
            ("role", &self.role),
            ("brand", &self.brand),
            ("credit_limit", &self.credit_limit),
            ("payment", &self.payment),
            ("privileges", &self.privileges),
            ("allowed_ips", &self.allowed_ips),
            ("contact", &self.contact),
            ("password_expires", &self.password_expires),
        ];
        all.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
    }

    fn apply(&self, a: &mut Account) -> Done<()> {
        if let Some(text) = &self.role {
            let known = Role::ALL.map(|r| (r, r.as_str()));
            a.role = one_of(text, "role", &known)?;
        }
        if let Some(text) = &self.brand {
            a.brand = checked_brand(text)?;
        }
        if let Some(text) = &self.credit_limit {
            a.credit_limit = money(text, "--credit-limit")?;
            if a.credit_limit < Money::ZERO {
                return Err(Complaint::new("--credit-limit is an amount of zero or more"));
            }
        }
        if let Some(text) = &self.payment {
            let known = [PaymentMode::Account, PaymentMode::Customer].map(|p| (p, payment_word(p)));
            a.payment = one_of(text, "payment mode", &known)?;
        }
        if let Some(text) = &self.privileges {
            a.privileges = read_privileges(text)?;
        }
        if let Some(text) = &self.allowed_ips {
            a.allowed_ips = read_ranges(text)?;
        }
        if let Some(text) = &self.contact {
            a.contact = read_contact(text)?;
        }
        if let Some(text) = &self.password_expires {
            a.password_expires = moment(text, "--password-expires")?;
        }
        Ok(())
    }
}

fn checked_name(text: &str) -> Done<String> {
    let sane = text.chars().all(|c| !c.is_control()) && text.trim() == text;
    match (1..=64).contains(&text.chars().count()) && sane {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new("a login name has 1 to 64 characters, no blanks at its ends")),
    }
}

fn checked_brand(text: &str) -> Done<String> {
    let sane = !text.chars().any(char::is_control) && text.trim() == text;
    match (1..=64).contains(&text.chars().count()) && sane {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new("a brand has 1 to 64 characters, no blanks at its ends")),
    }
}

fn checked_currency(text: &str) -> Done<String> {
    match text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => Err(Complaint(format!(
            "'{text}' is no currency; write three capitals, like USD or EUR"
        ))),
    }
}

fn hashed(password: &str) -> Done<String> {
    match (8..=128).contains(&password.chars().count()) {
        true => Ok(hash_password(password, &SystemEntropy)),
        false => Err(Complaint::new(
            "a password has 8 to 128 characters; give none and one will be made",
        )),
    }
}

fn money(text: &str, what: &str) -> Done<Money> {
    let amount: Result<Money, _> = text.parse();
    amount.map_err(|_| Complaint(format!("{what} '{text}' is no amount; write it like 12.50")))
}

/// Where a privilege is kept.
type Field = fn(&mut Privileges) -> &mut bool;

const PRIVILEGES: [(&str, Field); 6] = [
    ("ra", |p| &mut p.registration_authority),
    ("test", |p| &mut p.test_orders),
    ("ca", |p| &mut p.ca_choice),
    ("voucher", |p| &mut p.voucher),
    ("bonus", |p| &mut p.bonus_days),
    ("ssl-only", |p| &mut p.ssl_only),
];

fn privilege_words(mut p: Privileges) -> Vec<&'static str> {
    PRIVILEGES.iter().filter(|(_, field)| *field(&mut p)).map(|(word, _)| *word).collect()
}

fn read_privileges(text: &str) -> Done<Privileges> {
    let mut p = Privileges::default();
    if text == "none" {
        return Ok(p);
    }
    if words(text).next().is_none() {
        return Err(Complaint("no privileges are given; write some, or none".to_owned()));
    }
    for word in words(text) {
        let found = PRIVILEGES.iter().find(|(known, _)| *known == word);
        let Some((_, field)) = found else {
            return Err(Complaint(format!(
                "'{word}' is no privilege; there are ra, test, ca, voucher, bonus, ssl-only (no !AutoApplyOrder), and none"
            )));
        };
        *field(&mut p) = true;
    }
    Ok(p)
}

fn read_ranges(text: &str) -> Done<Vec<IpRange>> {
    if text == "any" {
        return Ok(Vec::new());
    }
    let range = |word: &str| {
        word.parse().map_err(|_| {
            Complaint(format!("'{word}' is no address; write 192.0.2.7, 192.0.2.0/24 or any"))
        })
    };
    let ranges: Vec<IpRange> = words(text).map(range).collect::<Done<_>>()?;
    // An empty variable of a script must not open the account to everywhere.
    match ranges.is_empty() {
        true => Err(Complaint("no addresses are given; write some, or any".to_owned())),
        false => Ok(ranges),
    }
}

fn read_contact(text: &str) -> Done<Option<MailAddress>> {
    if text == "none" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| Complaint(format!("'{text}' is no mail address; write one, or none")))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).map(str::trim).filter(|w| !w.is_empty())
}

fn payment_word(payment: PaymentMode) -> &'static str {
    match payment {
        PaymentMode::Account => "account",
        PaymentMode::Customer => "customer",
    }
}

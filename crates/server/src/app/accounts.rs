//! Making and changing accounts: for the operator.

use domain::account::{Account, PaymentMode, Privileges, Role};
use domain::certificate::AccountId;
use domain::mail_address::MailAddress;
use domain::money::Money;
use domain::time::{Entropy, Time};
use store::{Store, StoreError, Tx, accounts};

use super::login::hash_password;

/// A new account, before it has a number.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Login name, case-sensitive, at most 64 characters.
    pub login_name: String,
    /// Password, at most 128 characters.
    pub password: zeroize::Zeroizing<String>,
    /// What kind of caller.
    pub role: Role,
    /// Brand.
    pub brand: String,
    /// ISO 4217.
    pub currency: String,
    /// First deposit.
    pub deposit: Money,
    /// How far the balance may fall below zero.
    pub credit_limit: Money,
    /// Who pays.
    pub payment: PaymentMode,
    /// What it may do.
    pub privileges: Privileges,
    /// Where mails go.
    pub contact: Option<MailAddress>,
    /// When the password runs out.
    pub password_expires: Option<Time>,
    /// Closed from the start.
    pub closed: bool,
}

/// Makes an account and books its first deposit.
///
/// # Errors
/// A unique constraint for a login name that is taken.
pub fn create(
    store: &Store,
    chance: &dyn Entropy,
    new: &NewAccount,
    now: Time,
) -> Result<AccountId, StoreError> {
    let hash = hash_password(&new.password, chance);
    let account = Account {
        id: AccountId(0),
        login_name: new.login_name.clone(),
        role: new.role,
        brand: new.brand.clone(),
        currency: new.currency.clone(),
        balance: Money::ZERO,
        credit_limit: new.credit_limit,
        payment: new.payment,
        privileges: new.privileges,
        allowed_ips: Vec::new(),
        contact: new.contact.clone(),
        closed: new.closed,
        failed_tries: 0,
        locked_until: None,
        password_expires: new.password_expires,
    };
    let deposit_amount = new.deposit;
    store.write_blocking("create_account", move |tx: &mut Tx<'_>| {
        let id = accounts::insert(tx, &account, &hash, now)?;
        if account.closed {
            accounts::update(tx, &Account { id, ..account.clone() })?;
        }
        if deposit_amount != Money::ZERO {
            deposit(tx, id, deposit_amount, "first deposit", now)?;
        }
        Ok(id)
    })
}

/// Books a deposit; a negative one takes money out, as far as balance and limit allow.
///
/// # Errors
/// [`StoreError::Inconsistent`] with words for people when there is not so much.
pub fn deposit(
    tx: &mut Tx<'_>,
    id: AccountId,
    amount: Money,
    note: &str,
    now: Time,
) -> Result<(), StoreError> {
    accounts::write_ledger(tx, id, None, "deposit", amount, note, now)?;
    if amount >= Money::ZERO {
        return accounts::give(tx, id, amount);
    }
    match accounts::take(tx, id, -amount)? {
        true => Ok(()),
        false => {
            Err(StoreError::inconsistent("the balance and the credit limit are less than that"))
        }
    }
}

//! Money that goes into accounts and out of them, other than for orders: for the operator.

use domain::certificate::AccountId;
use domain::money::Money;
use domain::time::Time;
use store::{StoreError, Tx, accounts};

use super::Failure;

/// Books a deposit; a negative one takes money out, as far as balance and limit allow.
///
/// # Errors
/// [`Failure::Declined`] when there is not so much.
pub fn deposit(
    tx: &mut Tx<'_>,
    id: AccountId,
    amount: Money,
    note: &str,
    now: Time,
) -> Result<(), Failure> {
    if amount >= Money::ZERO {
        return Ok(pay_in(tx, id, amount, note, now)?);
    }
    accounts::write_ledger(tx, id, None, "deposit", amount, note, now)?;
    match accounts::take(tx, id, -amount)? {
        true => Ok(()),
        false => {
            Err(Failure::Declined("the balance and the credit limit are less than that".to_owned()))
        }
    }
}

/// Books a deposit of zero or more.
///
/// # Errors
/// When the store fails.
pub fn pay_in(
    tx: &mut Tx<'_>,
    id: AccountId,
    amount: Money,
    note: &str,
    now: Time,
) -> Result<(), StoreError> {
    accounts::write_ledger(tx, id, None, "deposit", amount, note, now)?;
    accounts::give(tx, id, amount)
}

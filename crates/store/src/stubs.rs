//! Stub orders: paid for beforehand, redeemed once.

use domain::certificate::{AccountId, OrderNumber};
use domain::time::Time;

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// Makes a stub order, to be redeemed later.
pub fn insert(tx: &mut Tx<'_>, account: AccountId, product: i64, now: Time) -> Result<i64> {
    tx.query_one(&INSERT_STUB, params![account.0, product, now.ms()], |row| row.int(0))
}

/// Whether a stub order of this account and product waits to be redeemed.
pub fn is_redeemable(tx: &mut Tx<'_>, stub: i64, account: AccountId, product: i64) -> Result<bool> {
    let found = tx.query(&STUB, params![stub, account.0, product], |row| row.int(0))?;
    Ok(!found.is_empty())
}

/// Redeems a stub order; false when somebody else was faster.
pub fn redeem(tx: &mut Tx<'_>, stub: i64, by: OrderNumber) -> Result<bool> {
    Ok(tx.execute(&REDEEM_STUB, params![stub, by.0])? == 1)
}

/// Gives a stub order back that an order had redeemed which came to nothing, and tells its number.
pub fn give_back(tx: &mut Tx<'_>, order: OrderNumber) -> Result<Option<i64>> {
    tx.query_opt(&GIVE_BACK_STUB, params![order.0], |row| row.int(0))
}

/// A stub order in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StubLine {
    /// Its number.
    pub number: i64,
    /// For which product.
    pub product: i64,
    /// The order that redeemed it.
    pub redeemed_by: Option<OrderNumber>,
    /// When it was made.
    pub created_at: Time,
}

/// An account's stub orders, newest first, before number `before`.
pub fn list(tx: &mut Tx<'_>, account: AccountId, before: i64, limit: u32) -> Result<Vec<StubLine>> {
    tx.query(&STUBS, params![account.0, before, limit], |row| {
        Ok(StubLine {
            number: row.int(0)?,
            product: row.int(1)?,
            redeemed_by: row.opt_int(2)?.map(OrderNumber),
            created_at: Time::from_ms(row.int(3)?),
        })
    })
}

/// Takes a stub order away that nobody has redeemed, and tells whose it was and for which product.
pub fn void(tx: &mut Tx<'_>, stub: i64) -> Result<Option<(AccountId, i64)>> {
    tx.query_opt(&VOID_STUB, params![stub], |row| Ok((AccountId(row.int(0)?), row.int(1)?)))
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&INSERT_STUB, &STUB, &REDEEM_STUB, &GIVE_BACK_STUB, &STUBS, &VOID_STUB];

const INSERT_STUB: Sql = Sql::both(
    "INSERT INTO stub_orders (account_id, product, created_at) VALUES ($1, $2, $3) RETURNING stub_order_number",
);

const STUB: Sql = Sql::both(
    "SELECT stub_order_number FROM stub_orders WHERE stub_order_number = $1 AND account_id = $2 AND product = $3
         AND redeemed_by IS NULL",
);

const REDEEM_STUB: Sql = Sql::both(
    "UPDATE stub_orders SET redeemed_by = $2 WHERE stub_order_number = $1 AND redeemed_by IS NULL",
);

const GIVE_BACK_STUB: Sql = Sql::both(
    "UPDATE stub_orders SET redeemed_by = NULL WHERE redeemed_by = $1 RETURNING stub_order_number",
);

const STUBS: Sql = Sql::both(
    "SELECT stub_order_number, product, redeemed_by, created_at FROM stub_orders
     WHERE account_id = $1 AND stub_order_number < $2 ORDER BY stub_order_number DESC LIMIT $3",
);

const VOID_STUB: Sql = Sql::both(
    "DELETE FROM stub_orders WHERE stub_order_number = $1 AND redeemed_by IS NULL RETURNING account_id, product",
);

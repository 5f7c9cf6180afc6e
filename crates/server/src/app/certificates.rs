//! Revoking certificates.

use std::sync::Arc;

use domain::certificate::{OrderNumber, RevocationReason, Serial};
use store::Tx;
use store::orders;

use super::{Failure, crls};
use crate::house::House;

/// Which certificate is meant.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// By serial.
    Serial(Serial),
    /// The certificate of exactly this order.
    Order(OrderNumber),
}

/// Revokes a certificate; the next CRL, within a minute, names it.
///
/// # Errors
/// [`Failure::Declined`] with words for people.
pub async fn revoke(
    house: &Arc<House>,
    which: Which,
    reason: RevocationReason,
    actor: String,
) -> Result<Serial, Failure> {
    let now = house.now();
    let write = move |tx: &mut Tx<'_>| revoke_in(tx, which, reason, &actor, now);
    house.store.write("revoke", write).await
}

/// The same inside of a transaction.
///
/// # Errors
/// As [`revoke`].
pub fn revoke_in(
    tx: &mut Tx<'_>,
    which: Which,
    reason: RevocationReason,
    actor: &str,
    now: domain::time::Time,
) -> Result<Serial, Failure> {
    let serial = match which {
        Which::Serial(serial) => serial,
        Which::Order(number) => {
            let order = orders::by_number(tx, number)?
                .ok_or_else(|| Failure::Declined(format!("there is no order {number}")))?;
            crls::serial_of(&order.state).ok_or_else(|| {
                Failure::Declined(format!(
                    "order {number} has no certificate: it is {}",
                    order.state
                ))
            })?
        }
    };
    crls::revoke(tx, serial, reason, actor, now)?;
    Ok(serial)
}

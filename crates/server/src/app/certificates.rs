//! Revoking certificates.

use domain::certificate::{OrderNumber, RevocationReason, Serial};
use domain::time::Time;
use store::orders;
use store::{Tx, certificates};

use super::{Failure, crls};

/// Which certificate is meant.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// By serial.
    Serial(Serial),
    /// The certificate of exactly this order.
    Order(OrderNumber),
}

/// The serial of the certificate that is meant, and the serials of those that a compromise of its key takes along: valid at
/// that moment and not revoked (BR 4.9.1.1). For that all requests are read, so it is asked outside of writes.
///
/// # Errors
/// [`Failure::Declined`] with words for people when there is no such certificate.
pub fn with_its_key(
    tx: &mut Tx<'_>,
    which: Which,
    now: Time,
) -> Result<(Serial, Vec<Serial>), Failure> {
    let serial = serial_of(tx, which)?;
    Ok((serial, certificates::valid_with_key_of(tx, serial, now)?))
}

/// Revokes certificates; their next CRLs, within a minute, name them.
///
/// # Errors
/// [`Failure::Declined`] with words for people; nothing is revoked then.
pub fn revoke_in(
    tx: &mut Tx<'_>,
    serials: &[Serial],
    reason: RevocationReason,
    actor: &str,
    now: Time,
) -> Result<(), Failure> {
    serials.iter().try_for_each(|serial| crls::revoke(tx, *serial, reason, actor, now))
}

/// The serial of the certificate that is meant; whether there is one of a serial shows when it is revoked.
///
/// # Errors
/// [`Failure::Declined`] with words for people when an order has none.
pub fn serial_of(tx: &mut Tx<'_>, which: Which) -> Result<Serial, Failure> {
    let number = match which {
        Which::Serial(serial) => return Ok(serial),
        Which::Order(number) => number,
    };
    let order = orders::by_number(tx, number)?
        .ok_or_else(|| Failure::Declined(format!("there is no order {number}")))?;
    crls::serial_of(&order.state).ok_or_else(|| {
        Failure::Declined(format!("order {number} has no certificate: it is {}", order.state))
    })
}

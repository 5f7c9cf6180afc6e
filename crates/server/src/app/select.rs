//! Finding the order that a call means: by number, by certificate, by the chain's first number.

use std::collections::HashMap;

use domain::certificate::{AccountId, CertificateId, OrderNumber};
use domain::refusal::Refusal;
use store::orders::{self, OrderView};
use store::{StoreError, Tx};
use wire::collect_ssl::Selector;

use super::Failure;

/// The order that a selector means: the newest of the chain for order numbers, that very one for a certificate ID. Foreign
/// and unknown orders give the same answer.
///
/// # Errors
/// -4 with the parameter's name; -3 orderNumber when nothing was named.
pub fn by_selector(
    tx: &mut Tx<'_>,
    account: AccountId,
    which: &Selector,
) -> Result<OrderView, Failure> {
    let mut found: Option<OrderView> = None;
    let mut agree = |parameter, view: OrderView| {
        let same = found.as_ref().is_none_or(|f| f.base == view.base);
        if !same {
            return Err(Failure::Refused(Refusal::invalid(parameter)));
        }
        // A certificate ID is the most exact; it is looked at last and wins.
        found = Some(view);
        Ok(())
    };
    if let Some(base) = which.base {
        let view = newest(tx, account, base, true)?;
        agree("baseOrderNumber", view.ok_or(Refusal::invalid("baseOrderNumber"))?)?;
    }
    if let Some(number) = which.order {
        let view = newest(tx, account, number, false)?;
        agree("orderNumber", view.ok_or(Refusal::invalid("orderNumber"))?)?;
    }
    if let Some(certificate) = which.certificate {
        let view = of_certificate(tx, account, certificate)?;
        agree("certificateID", view.ok_or(Refusal::invalid("certificateID"))?)?;
    }
    found.ok_or(Failure::Refused(Refusal::Missing("orderNumber")))
}

/// The newest orders of some chains, by the chains' first numbers.
pub struct Known(HashMap<OrderNumber, OrderView>);

/// Looks up in one query what most of these mean: the chain that begins with the one number that they name.
///
/// # Errors
/// When the store fails.
pub fn known<'s>(
    tx: &mut Tx<'_>,
    all: impl Iterator<Item = &'s Selector>,
) -> Result<Known, StoreError> {
    let bases: Vec<OrderNumber> = all.filter_map(one_number).collect();
    let found = orders::newest_of(tx, &bases)?;
    Ok(Known(found.into_iter().map(|order| (order.base, order)).collect()))
}

impl Known {
    /// What [`by_selector`] would find, if it is here.
    #[must_use]
    pub fn of(&self, account: AccountId, which: &Selector) -> Option<&OrderView> {
        one_number(which).and_then(|base| self.0.get(&base)).filter(|o| o.account == account)
    }
}

fn one_number(which: &Selector) -> Option<OrderNumber> {
    match which {
        Selector { order: Some(number), certificate: None, base: None }
        | Selector { order: None, certificate: None, base: Some(number) } => Some(*number),
        _ => None,
    }
}

/// The order with exactly this number, if it is the account's.
///
/// # Errors
/// When the store fails.
pub fn exact(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: OrderNumber,
) -> Result<Option<OrderView>, StoreError> {
    Ok(orders::by_number(tx, number)?.filter(|o| o.account == account))
}

/// The newest order of the chain to which a number belongs, if it is the account's. `base_only`: the number must be the
/// chain's first.
///
/// # Errors
/// When the store fails.
pub fn newest(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: OrderNumber,
    base_only: bool,
) -> Result<Option<OrderView>, StoreError> {
    let Some(view) = orders::newest(tx, number)? else {
        if base_only {
            return Ok(None);
        }
        let Some(view) = exact(tx, account, number)? else {
            return Ok(None);
        };
        return orders::newest(tx, view.base);
    };
    Ok(Some(view).filter(|o| o.account == account))
}

fn of_certificate(
    tx: &mut Tx<'_>,
    account: AccountId,
    certificate: CertificateId,
) -> Result<Option<OrderView>, StoreError> {
    Ok(orders::by_certificate(tx, certificate)?.filter(|o| o.account == account))
}

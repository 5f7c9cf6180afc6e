//! Settling checks: what a validation officer does. The desk with its pages comes later; scripts and the sandbox settle by
//! this use case.

use std::sync::Arc;

use domain::certificate::OrderNumber;
use domain::check::CheckKind;
use domain::order::RequestState;
use domain::time::Time;
use store::events::{self, NewEvent};
use store::{Tx, orders};

use super::Failure;
use super::orders::{end, look_now};
use crate::house::House;

/// Settles a check of an order and gives the request's new state.
///
/// # Errors
/// [`Failure::Declined`] with words for people: no such order, no such open check. Control of domains cannot be passed by
/// hand: it is shown by proofs.
pub async fn settle(
    house: &Arc<House>,
    number: OrderNumber,
    check: CheckKind,
    passed: bool,
    actor: String,
) -> Result<RequestState, Failure> {
    let now = house.now();
    let write = move |tx: &mut Tx<'_>| settle_in(tx, number, check, passed, &actor, now);
    house.store.write("settle_check", write).await
}

/// The same inside of a transaction.
///
/// # Errors
/// As [`settle`].
pub fn settle_in(
    tx: &mut Tx<'_>,
    number: OrderNumber,
    check: CheckKind,
    passed: bool,
    actor: &str,
    now: Time,
) -> Result<RequestState, Failure> {
    if passed && check.is_control() {
        let why =
            format!("{check} is passed by proofs: publish them, or enter the code of the mail");
        return Err(Failure::Declined(why));
    }
    let order = orders::by_number(tx, number)?
        .ok_or_else(|| Failure::Declined(format!("there is no order {number}")))?;
    let state = order.state.clone();
    let after = match (check, passed) {
        (CheckKind::Payment, true) => state.paid(order.csr.is_some())?,
        (CheckKind::Payment, false) => state.rejected("not paid".to_owned())?,
        _ => state.settled(check, passed)?,
    };
    if matches!(after, RequestState::Rejected { .. }) {
        end(tx, &order, after.clone(), actor, now)?;
        return Ok(after);
    }
    orders::set_state(tx, &order, &after, now)?;
    let detail = serde_json::json!({ "check": check.as_str(), "passed": passed });
    let event = NewEvent {
        account: order.account,
        order: Some(number),
        kind: "check.settled",
        actor,
        detail: &detail.to_string(),
        at: now,
    };
    events::append(tx, &event)?;
    look_now(tx, order.certificate, now)?;
    Ok(after)
}

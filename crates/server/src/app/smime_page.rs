//! What the collection page shows of an S/MIME order, and the certificate that is made on it.

use std::sync::Arc;

use domain::certificate::{OrderNumber, Validity};
use domain::check::{CheckKind, CheckState};
use domain::mail_address::MailAddress;
use domain::order::RequestState;
use domain::order_ssl::Language;
use domain::refusal::Refusal;
use domain::time::Time;
use store::names;
use store::orders::{self, OrderView};
use store::{StoreError, Tx, certificates};

use super::bought::Bought;
use super::orders::look_now;
use super::smime::{CodeHolder, chain_of, is_proven, issued_soon};
use super::{Failure, csrs, smime_mails};
use crate::house::House;

/// An order as its page shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The order.
    pub order: OrderNumber,
    /// The product's name.
    pub product: String,
    /// The mailbox.
    pub mailbox: MailAddress,
    /// The order's language.
    pub language: Language,
    /// How it stands.
    pub standing: Standing,
}

/// How an order stands for the one who collects it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is to be paid first.
    AwaitsPayment,
    /// The mailbox is to be confirmed first.
    AwaitsMailbox,
    /// Others have to do something first.
    AwaitsOthers,
    /// Nothing but the key is missing.
    AwaitsKey,
    /// The certificate is being made.
    BeingIssued,
    /// It is there.
    Issued(Validity),
    /// It was revoked.
    Revoked,
    /// It came to nothing.
    Over,
}

/// Looks at the order of a code.
///
/// # Errors
/// When the store fails, or the order is no S/MIME order.
pub async fn look(house: &Arc<House>, holder: &CodeHolder) -> Result<Shown, Failure> {
    let (desk, certificate) = (house.clone(), holder.certificate());
    let read = move |tx: &mut Tx<'_>| -> Result<Shown, Failure> {
        let found = orders::by_certificate(tx, certificate)?;
        let order = the_order(tx, found)?;
        let bought = Bought::from_json(&order.bought)
            .map_err(|e| Failure::Internal(format!("bought: {e}")))?;
        let rows = names::of_request(tx, order.certificate)?;
        let mailbox = rows.iter().find_map(|row| row.name.mailbox()).cloned();
        Ok(Shown {
            order: order.number,
            product: bought.name,
            mailbox: mailbox.ok_or_else(|| Failure::Internal("no mailbox".into()))?,
            language: smime_mails::texts_of(&order.parameters).language.unwrap_or_default(),
            standing: standing(tx, &desk, &order, desk.now())?,
        })
    };
    house.store.read("collection_page", read).await
}

/// The newest of the chain: its certificate is the one to collect.
fn the_order(tx: &mut Tx<'_>, found: Option<OrderView>) -> Result<OrderView, Failure> {
    let newest = match found {
        Some(order) => orders::newest(tx, order.base)?,
        None => None,
    };
    newest.ok_or_else(|| Failure::Internal("a code without an order".into()))
}

fn standing(
    tx: &mut Tx<'_>,
    house: &House,
    order: &OrderView,
    now: Time,
) -> Result<Standing, StoreError> {
    let validity = order.validity.map(|(not_before, not_after)| Validity { not_before, not_after });
    Ok(match (&order.state, validity) {
        (RequestState::AwaitingPayment { .. } | RequestState::AwaitingAuthorization, _) => {
            Standing::AwaitsPayment
        }
        (RequestState::AwaitingCsr { .. } | RequestState::AwaitingValidation { .. }, _) => {
            open(tx, house, order, now)?
        }
        (RequestState::Issued { .. } | RequestState::Replaced { .. }, Some(validity)) => {
            Standing::Issued(validity)
        }
        (RequestState::Ready | RequestState::Issuing { .. }, _) => Standing::BeingIssued,
        (RequestState::Revoked { .. }, _) => Standing::Revoked,
        _ => Standing::Over,
    })
}

fn open(
    tx: &mut Tx<'_>,
    house: &House,
    order: &OrderView,
    now: Time,
) -> Result<Standing, StoreError> {
    if !is_proven(tx, house, order, now)? {
        return Ok(Standing::AwaitsMailbox);
    }
    let others = |kind: CheckKind| kind != CheckKind::MailboxControl;
    let passed = |c: &domain::check::Check| !others(c.kind) || c.state == CheckState::Passed;
    let all = order.state.checks().iter().all(passed);
    Ok(match (all, &order.state, &order.csr) {
        (true, RequestState::AwaitingCsr { .. }, None) => Standing::AwaitsKey,
        (true, RequestState::AwaitingValidation { .. }, _) => Standing::BeingIssued,
        _ => Standing::AwaitsOthers,
    })
}

/// Why no certificate was made on the page.
#[derive(Debug)]
pub enum NotMade {
    /// The order does not wait for a key alone.
    NotNow,
    /// Something is wrong with the request.
    Csr(Refusal),
    /// It has not come in time; the same request may be brought again.
    NotYet,
    /// A fault of ours.
    Failed(Failure),
}

impl From<StoreError> for NotMade {
    fn from(error: StoreError) -> Self {
        NotMade::Failed(error.into())
    }
}

/// Brings the key that was made on the page, and waits for its certificate: that, then the CA certificates up to the root. The same
/// request brought again is answered in the same way, so that a lost answer loses no key.
///
/// # Errors
/// [`NotMade`]; nothing is stored but in [`NotMade::NotYet`].
pub async fn make(
    house: &Arc<House>,
    holder: &CodeHolder,
    csr: &str,
) -> Result<Vec<Vec<u8>>, NotMade> {
    let id = holder.certificate();
    let by_id = move |tx: &mut Tx<'_>| orders::by_certificate(tx, id);
    let order = house.store.read("collection_key", by_id).await?.ok_or(NotMade::NotNow)?;
    let csr = csrs::of_order(house, order.account, csr).await.map_err(NotMade::Csr)?;
    let (desk, now) = (house.clone(), house.now());
    let bring = move |tx: &mut Tx<'_>| -> Result<bool, Failure> {
        let Some(order) = orders::by_certificate(tx, id)? else { return Ok(false) };
        if let Some(there) = &order.csr {
            return Ok(there.der == csr.der);
        }
        let ready = standing(tx, &desk, &order, now)? == Standing::AwaitsKey;
        if !ready || certificates::key_is_compromised(tx, &csr.key.spki)? {
            return Ok(false);
        }
        let after = order.state.clone().with_key()?;
        orders::set_state(tx, &order, &after, now)?;
        orders::set_key(tx, id, &csrs::to_keep(&csr))?;
        look_now(tx, id, now)?;
        Ok(true)
    };
    match house.store.write("bring_key", bring).await {
        Ok(true) => {}
        Ok(false) => return Err(NotMade::NotNow),
        Err(failure) => return Err(NotMade::Failed(failure)),
    }
    issued_soon(house, id).await.map_err(NotMade::Failed)?;
    let order = house.store.read("collection_key", by_id).await?.ok_or(NotMade::NotNow)?;
    let Some(leaf) = order.der.clone() else { return Err(NotMade::NotYet) };
    let chain = chain_of(house, &order).map_err(NotMade::Failed)?;
    Ok(std::iter::once(leaf).chain(chain.into_iter().rev()).collect())
}

/// The certificate and its chain, leaf first, of an order that has one.
///
/// # Errors
/// When the store fails.
pub async fn certificates_of(
    house: &Arc<House>,
    holder: &CodeHolder,
) -> Result<Option<Vec<Vec<u8>>>, Failure> {
    let certificate = holder.certificate();
    let read = move |tx: &mut Tx<'_>| -> Result<OrderView, Failure> {
        let found = orders::by_certificate(tx, certificate)?;
        the_order(tx, found)
    };
    let order = house.store.read("collection_file", read).await?;
    let collectable =
        matches!(order.state, RequestState::Issued { .. } | RequestState::Replaced { .. });
    match order.der.clone().filter(|_| collectable) {
        Some(leaf) => {
            let chain = chain_of(house, &order)?;
            Ok(Some(std::iter::once(leaf).chain(chain.into_iter().rev()).collect()))
        }
        None => Ok(None),
    }
}

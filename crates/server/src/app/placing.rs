//! Placing orders together: what every order's draft has, and the one transaction that writes a batch of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use domain::account::Account;
use domain::certificate::{AccountId, CertificateId, OrderNumber};
use domain::check::CheckKind;
use domain::money::Money;
use domain::order::RequestState;
use domain::placement::Placement;
use domain::refusal::Refusal;
use domain::time::{DAY, Time};
use store::events::{self, NewEvent};
use store::jobs;
use store::names::RequestName;
use store::orders::{self, NewOrder};
use store::tokens::{self, Token, TokenUse};
use store::{StoreError, Tx, accounts};

use super::Failure;
use super::bought::Bought;
use super::orders::{SslDraft, validation};
use super::orders_smime::SmimeDraft;
use crate::house::House;
use crate::together::Answers;

/// An order that was taken.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its number.
    pub order: OrderNumber,
    /// Its certificate request.
    pub certificate: CertificateId,
    /// What was decided.
    pub placement: Placement,
}

/// What every draft of an order has: everything that can be prepared before its transaction.
pub struct Base {
    pub(super) house: Arc<House>,
    pub(super) account: Account,
    pub(super) product: i64,
    pub(super) bought: String,
    pub(super) days: u32,
    pub(super) test: bool,
    pub(super) parameters: String,
    pub(super) foreign_order_number: Option<String>,
    pub(super) check_fon_is_unique: bool,
    pub(super) now: Time,
    pub(super) expires: Time,
    /// With which its transaction is to fail, if a fault rule says so.
    fault: Option<StoreError>,
}

/// What a caller orders, as far as all orders have it.
pub(super) struct Ordered<'a> {
    /// The endpoint's name.
    pub endpoint: &'static str,
    pub product: i64,
    pub bought: &'a Bought,
    pub days: u32,
    pub test: bool,
    pub kept: &'a [(&'static str, String)],
    pub foreign_order_number: Option<&'a str>,
    pub check_fon_is_unique: bool,
}

impl Base {
    pub(super) fn new(house: &Arc<House>, account: &Account, ordered: &Ordered<'_>) -> Self {
        let now = house.now();
        Self {
            house: house.clone(),
            account: account.clone(),
            product: ordered.product,
            bought: ordered.bought.to_json(),
            days: ordered.days,
            test: ordered.test,
            parameters: super::orders::parameters_json(ordered.kept),
            foreign_order_number: ordered.foreign_order_number.map(str::to_owned),
            check_fon_is_unique: ordered.check_fon_is_unique,
            expires: now.plus(i64::from(house.rules.unproven_days) * DAY),
            fault: house.faults.store_error(ordered.endpoint, &account.login_name),
            now,
        }
    }

    /// Whether the account has an order with this number already, if it matters.
    pub(super) fn foreign_number_used(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        match &self.foreign_order_number {
            Some(number) if self.check_fon_is_unique => {
                accounts::hold(tx, self.account.id)?;
                orders::foreign_number_used(tx, self.account.id, number)
            }
            _ => Ok(false),
        }
    }

    pub(super) fn order(&self, placement: &Placement) -> NewOrder {
        NewOrder {
            account: self.account.id,
            base: None,
            product: self.product,
            bought: self.bought.clone(),
            test: self.test,
            term_days: self.days,
            term_end: None,
            cost: placement.cost,
            foreign_order_number: self.foreign_order_number.clone(),
            parameters: self.parameters.clone(),
            placed_at: self.now,
            expires_at: self.expires,
        }
    }

    /// The request is looked at, at once or when its time is over.
    pub(super) fn enqueue(
        &self,
        tx: &mut Tx<'_>,
        certificate: CertificateId,
        placement: &Placement,
    ) -> Result<(), StoreError> {
        let waits = matches!(
            placement.state,
            RequestState::AwaitingPayment { .. } | RequestState::AwaitingCsr { .. }
        );
        // A mailbox is proven by a person, who wakes the request up.
        let asks_nothing =
            placement.state.checks().iter().all(|c| c.kind != CheckKind::DomainControl)
                && placement.state != RequestState::Ready;
        let run_at = if waits || asks_nothing { self.expires } else { self.now };
        jobs::enqueue_first(tx, &validation(certificate, run_at, self.now))
    }

    /// Writes into ledger and audit trail that the order was placed. `more`: what the trail has of this one besides.
    pub(super) fn note(
        &self,
        tx: &mut Tx<'_>,
        order: OrderNumber,
        placement: &Placement,
        more: Option<(&str, i64)>,
    ) -> Result<(), StoreError> {
        let mut detail = serde_json::json!({
            "product": self.product,
            "cost": placement.cost.minor(),
            "state": placement.state.word(),
        });
        if let Some((name, value)) = more {
            detail[name] = value.into();
        }
        let event = NewEvent {
            account: self.account.id,
            order: Some(order),
            kind: "order.placed",
            actor: &self.account.login_name,
            detail: &detail.to_string(),
            at: self.now,
        };
        events::append(tx, &event)?;
        let id = self.account.id;
        accounts::write_ledger(tx, id, Some(order), "debit", -placement.debit, "", self.now)
    }
}

/// An order on its way into the database.
pub enum Draft {
    /// Of a server certificate.
    Ssl(Box<SslDraft>),
    /// Of an S/MIME certificate.
    Smime(Box<SmimeDraft>),
}

/// What was decided of an order, with the rows of its names.
pub(super) type Settled<'a> = (Placement, Cow<'a, [RequestName]>);

impl Draft {
    fn base(&self) -> &Base {
        match self {
            Draft::Ssl(draft) => &draft.base,
            Draft::Smime(draft) => &draft.base,
        }
    }

    /// What is asked of its CSR; None where there is none.
    fn token<'d>(&'d self, wanted: &'d str) -> Option<Token<'d>> {
        match self {
            Draft::Ssl(draft) => Some(draft.token(wanted)),
            Draft::Smime(draft) => draft.token(),
        }
    }

    fn wanted(&self) -> String {
        match self {
            Draft::Ssl(draft) => draft.wanted(),
            Draft::Smime(_) => String::new(),
        }
    }

    fn settle(&self, tx: &mut Tx<'_>, used: Option<TokenUse>) -> Result<Settled<'_>, Failure> {
        match self {
            Draft::Ssl(draft) => draft.settle(tx, used),
            Draft::Smime(draft) => draft.settle(tx, used),
        }
    }

    fn write_one(
        &self,
        tx: &mut Tx<'_>,
        drawn: (OrderNumber, CertificateId),
        settled: Settled<'_>,
        alone: bool,
    ) -> Result<Placement, Failure> {
        match self {
            Draft::Ssl(draft) => draft.write_one(tx, drawn, settled, alone),
            Draft::Smime(draft) => draft.write_one(tx, drawn, settled),
        }
    }

    /// Writes orders, each whole or, when it is refused, not at all.
    ///
    /// # Errors
    /// When the store fails, and when several stand in each other's way: each is to be written alone then.
    pub fn write(tx: &mut Tx<'_>, drafts: &[Draft]) -> Result<Answers<Placed>, Failure> {
        let alone = drafts.len() == 1;
        if !alone {
            tx.gather();
            each_number_once(drafts)?;
        }
        let mut settled = Vec::with_capacity(drafts.len());
        for (draft, used) in drafts.iter().zip(uses(tx, drafts)?) {
            match draft.settle(tx, used) {
                Err(Failure::Store(error)) => return Err(error.into()),
                decided => settled.push(decided),
            }
        }
        let taken = settled.iter().filter(|s| s.is_ok()).count();
        let mut numbers = orders::numbers(tx, taken)?.into_iter();
        let mut answers = Vec::with_capacity(drafts.len());
        let mut debits: BTreeMap<i64, Money> = BTreeMap::new();
        for (draft, settled) in drafts.iter().zip(settled) {
            let settled = match settled {
                Ok(settled) => settled,
                Err(refused) => {
                    answers.push(Err(refused));
                    continue;
                }
            };
            let too_few = || StoreError::inconsistent("too few numbers");
            let drawn = numbers.next().ok_or_else(too_few)?;
            let placement = draft.write_one(tx, drawn, settled, alone)?;
            let (order, certificate) = drawn;
            let debit = debits.entry(draft.base().account.id.0).or_default();
            *debit = *debit + placement.debit;
            answers.push(Ok(Placed { order, certificate, placement }));
        }
        // In the order of their numbers, so that nobody waits for somebody who waits for him.
        for (account, debit) in debits {
            if debit > Money::ZERO && !accounts::take(tx, AccountId(account), debit)? {
                return Err(Refusal::NotEnoughCredit.into());
            }
        }
        // When everything has been written, so that there is something to be undone.
        match drafts.iter().find_map(|draft| draft.base().fault.clone()) {
            Some(fault) => Err(fault.into()),
            None => Ok(answers),
        }
    }
}

/// What is known of the drafts' CSRs, in their order.
fn uses(tx: &mut Tx<'_>, drafts: &[Draft]) -> Result<Vec<Option<TokenUse>>, StoreError> {
    let wanted: Vec<String> = drafts.iter().map(Draft::wanted).collect();
    let tokens: Vec<Option<Token<'_>>> =
        drafts.iter().zip(&wanted).map(|(d, w)| d.token(w)).collect();
    let there: Vec<Token<'_>> = tokens.iter().flatten().copied().collect();
    if there.is_empty() {
        return Ok(tokens.iter().map(|_| None).collect());
    }
    let mut found = tokens::uses(tx, &there)?.into_iter();
    Ok(tokens.iter().map(|token| token.and_then(|_| found.next())).collect())
}

/// An account's own numbers are looked up in what is stored: of two orders in one transaction that are to be the only one
/// with a number, neither would see the other.
fn each_number_once(drafts: &[Draft]) -> Result<(), Failure> {
    let number = |d: &Draft| Some((d.base().account.id.0, d.base().foreign_order_number.clone()?));
    let mut seen: HashSet<(i64, String)> = HashSet::new();
    let mut twice: HashSet<(i64, String)> = HashSet::new();
    for number in drafts.iter().filter_map(number) {
        if !seen.insert(number.clone()) {
            twice.insert(number);
        }
    }
    let in_the_way =
        |d: &&Draft| d.base().check_fon_is_unique && number(d).is_some_and(|n| twice.contains(&n));
    match drafts.iter().find(in_the_way) {
        Some(draft) => Err(Failure::Internal(format!(
            "{:?} stands in two orders of one transaction",
            draft.base().foreign_order_number
        ))),
        None => Ok(()),
    }
}

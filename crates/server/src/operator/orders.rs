//! Orders: looked at, taken back, settled, paid for; stub orders.

use std::collections::HashMap;

use domain::certificate::{CertificateId, OrderNumber};
use domain::check::CheckKind;
use domain::order::RequestState;
use domain::product::Catalogue;
use domain::proof::Control;
use serde::Serialize;
use store::names::{self, RequestName};
use store::{certificates, events, evidence, jobs, orders, stubs};

use super::accounts::{by_name, note};
use super::audit::EventView;
use super::certificates::CertificateView;
use super::products::canonical;
use super::{Complaint, Done, Office, one_of};
use crate::app::orders::{self as placing, GivenBack};
use crate::app::{bought::Bought, desk};
use crate::jobs::VALIDATE;

/// An order in a list.
#[derive(Clone, Debug, Serialize)]
pub struct OrderLine {
    /// Number.
    pub order: i64,
    /// When it was placed.
    pub placed_at: String,
    /// Product code.
    pub product: i64,
    /// The common name.
    pub common_name: Option<String>,
    /// The first name ordered, and how many more there are.
    pub name: String,
    /// State.
    pub state: &'static str,
    /// Cost.
    pub cost: String,
    /// The partner's own number.
    pub foreign_order_number: Option<String>,
}

/// Everything about an order.
#[derive(Clone, Debug, Serialize)]
pub struct OrderDetails {
    /// What a list shows.
    #[serde(flatten)]
    pub line: OrderLine,
    /// The chain's first number.
    pub base_order: i64,
    /// Every order of the chain.
    pub chain: Vec<i64>,
    /// The account's number.
    pub account: i64,
    /// The product's name, as bought.
    pub product_name: String,
    /// A test order.
    pub test: bool,
    /// Days that were bought.
    pub term_days: u32,
    /// The term's last second.
    pub term_end: Option<String>,
    /// `certificateID`.
    pub certificate_id: i64,
    /// Kind of the subscriber's key.
    pub key: String,
    /// Why it was refused or failed, or is ready and has no certificate yet.
    pub why: Option<String>,
    /// Checks and how they stand.
    pub checks: Vec<CheckView>,
    /// Names and how they are proven.
    pub names: Vec<NameView>,
    /// Names that fell away.
    pub removed_names: Vec<String>,
    /// What was asked and answered.
    pub evidence: Vec<EvidenceView>,
    /// What happened.
    pub events: Vec<EventView>,
    /// The certificate.
    pub certificate: Option<CertificateView>,
}

/// A check.
#[derive(Clone, Debug, Serialize)]
pub struct CheckView {
    /// Which.
    pub check: &'static str,
    /// open, passed or failed.
    pub state: &'static str,
}

/// A name.
#[derive(Clone, Debug, Serialize)]
pub struct NameView {
    /// The name.
    pub name: String,
    /// Nobody ordered it: the `www.` twin.
    pub implicit: bool,
    /// How control is to be shown.
    pub method: String,
    /// To whom a mail goes.
    pub address: Option<String>,
    /// For which name it was shown, how and when.
    pub shown: Option<String>,
}

/// A line of evidence.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceView {
    /// When.
    pub at: String,
    /// For which name.
    pub name: String,
    /// By which method.
    pub method: String,
    /// shown, not_shown or failed.
    pub outcome: String,
    /// Through whom.
    pub via: String,
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: serde_json::Value,
}

impl OrderLine {
    /// `names`: all of the request.
    fn new(o: &orders::OrderView, names: &[RequestName]) -> Self {
        let mut ordered = names.iter().filter(|n| !n.implicit);
        let first = ordered.next().map(|n| n.name.to_string()).unwrap_or_default();
        let name = match ordered.count() {
            0 => first,
            more => format!("{first} +{more}"),
        };
        Self {
            name,
            order: o.number.0,
            placed_at: o.placed_at.to_string(),
            product: o.product,
            common_name: o.common_name.clone(),
            state: o.state.word(),
            cost: o.cost.to_string(),
            foreign_order_number: o.foreign_order_number.clone(),
        }
    }
}

/// One order.
///
/// # Errors
/// When there is none of that number.
pub fn show(office: &Office, number: i64) -> Done<OrderDetails> {
    office.read("order", move |tx| {
        let o = orders::by_number(tx, OrderNumber(number))?.ok_or_else(|| unknown(number))?;
        let chain = orders::chain(tx, o.base)?.iter().map(|o| o.number.0).collect();
        let shard = match o.state.serial() {
            Some(serial) => certificates::shard_of(tx, serial)?.map(|(_, shard)| shard),
            None => None,
        };
        let controls = names::controls_of_chain(tx, o.base)?;
        let names = names::of_request(tx, o.certificate)?;
        let evidence = evidence::of_request(tx, o.certificate)?;
        let events = events::of_order(tx, o.number)?;
        let why = match &o.state {
            RequestState::Rejected { why } | RequestState::Failed { why } => Some(why.clone()),
            RequestState::Ready => jobs::why_it_waits(tx, VALIDATE, o.certificate.0)?,
            _ => None,
        };
        let checks = o.state.checks().iter();
        Ok(OrderDetails {
            line: OrderLine::new(&o, &names),
            base_order: o.base.0,
            chain,
            account: o.account.0,
            product_name: Bought::from_json(&o.bought).map(|b| b.name).unwrap_or_default(),
            test: o.test,
            term_days: o.term_days,
            term_end: o.term_end.map(|t| t.to_string()),
            certificate_id: o.certificate.0,
            key: o.csr.as_ref().map_or("none yet".to_owned(), |csr| format!("{:?}", csr.key_kind)),
            why,
            checks: checks
                .map(|c| CheckView { check: c.kind.as_str(), state: c.state.as_str() })
                .collect(),
            names: names.into_iter().map(|name| name_view(name, &controls)).collect(),
            removed_names: o
                .removed_names
                .as_deref()
                .map(|n| n.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            evidence: evidence.into_iter().map(evidence_view).collect(),
            events: events.into_iter().map(EventView::new).collect(),
            certificate: CertificateView::new(&o, shard),
        })
    })
}

/// An account's orders, newest first, before number `before`; those with a number of the partner's own, if one is given.
///
/// # Errors
/// When there is no such account.
pub fn list(
    office: &Office,
    account: &str,
    foreign: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Done<Vec<OrderLine>> {
    let (name, foreign) = (account.to_owned(), foreign.map(str::to_owned));
    let before = before.unwrap_or(i64::MAX);
    office.read("orders", move |tx| {
        let id = by_name(tx, &name)?.id;
        let found = match &foreign {
            Some(number) => orders::by_foreign_number(tx, id, number, before, limit)?,
            None => orders::of_account(tx, id, before, limit)?,
        };
        let ids: Vec<_> = found.iter().map(|o| o.certificate).collect();
        let mut all: HashMap<CertificateId, Vec<RequestName>> = HashMap::new();
        for (id, name) in names::of_requests(tx, &ids)? {
            all.entry(id).or_default().push(name);
        }
        let none = Vec::new();
        let of_it = |o: &orders::OrderView| all.get(&o.certificate).unwrap_or(&none);
        Ok(found.iter().map(|o| OrderLine::new(o, of_it(o))).collect())
    })
}

/// An order that was taken back.
#[derive(Clone, Debug, Serialize)]
pub struct Cancelled {
    /// Its number.
    pub order: i64,
    /// Its state.
    pub state: &'static str,
    /// Money that was given back to the account.
    pub given_back: Option<String>,
    /// The stub order that can be redeemed again.
    #[serde(rename = "stubOrderNumber")]
    pub stub: Option<i64>,
    /// What the customer had paid, and is owed by whom he paid.
    pub owed_to_customer: Option<String>,
}

/// Takes an order back that has no certificate yet; what the account gave for it is given back.
///
/// # Errors
/// When there is no such order, or it cannot be taken back any more.
pub fn cancel(office: &Office, number: i64, why: &str) -> Done<Cancelled> {
    let (why, actor, now) = (why.to_owned(), office.actor.clone(), office.now());
    office.write("cancel_order", move |tx| {
        let order = orders::by_number(tx, OrderNumber(number))?.ok_or_else(|| unknown(number))?;
        may_be_cancelled(&order)?;
        let given = placing::cancel_in(tx, OrderNumber(number), &why, &actor, now)?;
        let (money, stub, owed) = match given {
            GivenBack::Nothing => (None, None, None),
            GivenBack::Money(amount) => (Some(amount.to_string()), None, None),
            GivenBack::Stub(stub) => (None, Some(stub), None),
            GivenBack::Owed(amount) => (None, None, Some(amount.to_string())),
        };
        Ok(Cancelled {
            order: number,
            state: "rejected",
            given_back: money,
            stub,
            owed_to_customer: owed,
        })
    })
}

fn may_be_cancelled(order: &orders::OrderView) -> Done<()> {
    let number = order.number;
    let why = match &order.state {
        state if state.is_open() => return Ok(()),
        RequestState::Rejected { why } => format!("it was rejected before: {why}"),
        RequestState::Failed { why } => format!("it has failed, and was paid back: {why}"),
        RequestState::Expired => "it has expired".to_owned(),
        RequestState::Revoked { .. } => "its certificate was revoked".to_owned(),
        _ => format!(
            "it has a certificate; `chancery order revoke {number} --reason cessationOfOperation` revokes that"
        ),
    };
    Err(Complaint(format!("order {number} cannot be taken back: {why}")))
}

/// Settles a check, and gives the order's new state.
///
/// # Errors
/// When there is no such order or no such open check.
pub fn settle(office: &Office, number: i64, check: &str, result: &str) -> Done<&'static str> {
    let known = CheckKind::ALL.map(|k| (k, k.as_str()));
    let check = one_of(check, "check", &known)?;
    let passed = one_of(result, "result", &[(true, "pass"), (false, "fail")])?;
    let (actor, now) = (office.actor.clone(), office.now());
    office.write("settle_check", move |tx| {
        Ok(desk::settle_in(tx, OrderNumber(number), check, passed, &actor, now)?.word())
    })
}

/// Notes that an order is paid for.
///
/// # Errors
/// When no money is awaited for it.
pub fn paid(office: &Office, number: i64) -> Done<&'static str> {
    let order = office.read("order", move |tx| Ok(orders::by_number(tx, OrderNumber(number))?))?;
    let order = order.ok_or_else(|| unknown(number))?;
    if !matches!(order.state, RequestState::AwaitingPayment { .. }) {
        let state = order.state.word().replace('_', " ");
        return Err(Complaint(format!("nothing is owed for order {number}: it is {state}")));
    }
    settle(office, number, CheckKind::Payment.as_str(), "pass")
}

/// Makes a stub order, to be redeemed once with `stubOrderNumber`, and gives its number.
///
/// # Errors
/// When there is no such account or product.
pub fn stub(office: &Office, account: &str, catalogue: &Catalogue, product: i64) -> Done<i64> {
    let (name, now, actor) = (account.to_owned(), office.now(), office.actor.clone());
    let product = canonical(catalogue, product)?;
    office.write("stub_order", move |tx| {
        let account = by_name(tx, &name)?;
        if !account.privileges.voucher {
            return Err(Complaint(format!(
                "'{name}' may not redeem stub orders; give it the privilege voucher with \
                 `chancery account set {name} --privileges …` first"
            )));
        }
        let stub = stubs::insert(tx, account.id, product, now)?;
        let detail = serde_json::json!({ "stub": stub, "product": product });
        note(tx, account.id, "stub.created", &actor, &detail, now)?;
        Ok(stub)
    })
}

/// A stub order in a list.
#[derive(Clone, Debug, Serialize)]
pub struct StubView {
    /// Its number.
    #[serde(rename = "stubOrderNumber")]
    pub stub: i64,
    /// Product code.
    pub product: i64,
    /// When it was made.
    pub created_at: String,
    /// The order that redeemed it.
    pub redeemed_by: Option<i64>,
}

/// An account's stub orders, newest first, before number `before`.
///
/// # Errors
/// When there is no such account.
pub fn stubs(
    office: &Office,
    account: &str,
    before: Option<i64>,
    limit: u32,
) -> Done<Vec<StubView>> {
    let name = account.to_owned();
    office.read("stubs", move |tx| {
        let id = by_name(tx, &name)?.id;
        let view = |s: stubs::StubLine| StubView {
            stub: s.number,
            product: s.product,
            created_at: s.created_at.to_string(),
            redeemed_by: s.redeemed_by.map(|o| o.0),
        };
        let found = stubs::list(tx, id, before.unwrap_or(i64::MAX), limit)?;
        Ok(found.into_iter().map(view).collect())
    })
}

/// Takes a stub order away that nobody has redeemed.
///
/// # Errors
/// When there is none of that number that could still be redeemed.
pub fn void(office: &Office, number: i64) -> Done<()> {
    let (actor, now) = (office.actor.clone(), office.now());
    office.write("void_stub", move |tx| {
        let (account, product) = stubs::void(tx, number)?.ok_or_else(|| {
            Complaint(format!(
                "there is no stub order {number} that could still be redeemed; `chancery order stubs --account …` \
                 shows an account's, and which orders have redeemed them"
            ))
        })?;
        let detail = serde_json::json!({ "stub": number, "product": product });
        Ok(note(tx, account, "stub.voided", &actor, &detail, now)?)
    })
}

fn unknown(number: i64) -> Complaint {
    Complaint(format!(
        "there is no order {number}; `chancery order list --account …` shows an account's"
    ))
}

/// A second name is proven by what was shown for the name that was ordered.
fn name_view(n: RequestName, controls: &[Control]) -> NameView {
    let of_another = || controls.iter().find(|control| control.covers(&n.name)).cloned();
    let shown = n.shown.or_else(of_another);
    NameView {
        name: n.name.to_string(),
        implicit: n.implicit,
        method: n.method.as_str().to_owned(),
        address: n.address.map(|a| a.to_string()),
        shown: shown.map(|c| format!("{} by {} at {}", c.shown_for, c.method.as_str(), c.at)),
    }
}

fn evidence_view(e: evidence::EvidenceLine) -> EvidenceView {
    EvidenceView {
        at: e.at.to_string(),
        name: e.name,
        method: e.method,
        outcome: e.outcome,
        via: e.via,
        question: e.question,
        answer: serde_json::from_str(&e.answer).unwrap_or(serde_json::Value::Null),
    }
}

//! Placing orders of server certificates, taking them back, letting them expire.

use std::sync::Arc;

use domain::account::Account;
use domain::certificate::{AccountId, CaId, CertificateId, OrderNumber};
use domain::csr::{Csr, CsrError};
use domain::dcv::UniqueValue;
use domain::money::Money;
use domain::order::RequestState;
use domain::order_ssl::{SslOrderRequest, TextWishes};
use domain::placement::{self, Composed, Facts, NamePlan, Placement};
use domain::product::Level;
use domain::refusal::Refusal;
use domain::subject::{Subject, certifiable};
use domain::time::{DAY, HOUR, Time};
use store::events::{self, NewEvent};
use store::jobs::{self, NewJob};
use store::names::{self, RequestName};
use store::orders::{self, NewRequest, OrderView};
use store::stubs;
use store::tokens::{self, Token, TokenUse};
use store::{StoreError, Tx, accounts, mails};
use wire::table::Endpoint;

use super::bought::Bought;
use super::login::Caller;
use super::placing::{Base, Draft, Ordered, Placed, Settled};
use super::{Failure, csrs, dcv};
use crate::house::House;
use crate::jobs::VALIDATE;

/// Places an order that came by an endpoint: everything that the documented order of checks asks for, then one transaction.
///
/// # Errors
/// The refusal that the request deserves; nothing is stored then.
pub async fn place(
    house: &Arc<House>,
    caller: &Caller,
    endpoint: &'static Endpoint,
    request: SslOrderRequest,
) -> Result<Placed, Failure> {
    let account = caller.account();
    let before = placement::before_csr(&request, &house.catalogue, account)?;
    let product = &before.choice.product;
    if house.rules.strict_servers
        && product.kind == domain::product::Kind::Wildcard
        && request.servers.is_none()
    {
        return Err(Refusal::Missing("servers").into());
    }
    let texts = &request.texts;
    if texts.dcv_template.or(texts.ma_creation_template).or(texts.call_back_template).is_some() {
        let (id, texts) = (account.id, texts.clone());
        let read = move |tx: &mut Tx<'_>| check_templates(tx, id, &texts);
        house.store.read("templates", read).await?;
    }
    let chosen = request.ca_certificate_id;
    check_ca(house, chosen, product.level, product.intranet, request.test)?;
    let csr = csrs::of_order(house, account.id, &request.csr).await?;
    let composed = placement::compose(before, &request, &csr, |method| {
        house.policy.method_allowed(method, house.now())
    })?;
    if endpoint.server_orders.is_some() {
        placement::check_csr_names(&composed, &request, &csr)?;
    }
    let draft = SslDraft::new(house, account, endpoint.name, request, csr, composed);
    house.placing.ask(Draft::Ssl(Box::new(draft))).await
}

/// Whether a CA that is asked for by number signs orders like this one; the same for orders and replacements.
///
/// # Errors
/// -4.
pub(crate) fn check_ca(
    house: &House,
    chosen: Option<i64>,
    level: Level,
    intranet: bool,
    test: bool,
) -> Result<(), Refusal> {
    match chosen {
        Some(id) if !house.authority.may_sign(CaId(id), level, intranet, test) => {
            Err(Refusal::invalid("caCertificateID"))
        }
        _ => Ok(()),
    }
}

/// Whether the account has the templates that a call names.
///
/// # Errors
/// -4.
pub(crate) fn check_templates(
    tx: &mut Tx<'_>,
    account: AccountId,
    texts: &TextWishes,
) -> Result<(), Failure> {
    for (parameter, kind, id) in [
        ("dcvTemplateID", "dcv", texts.dcv_template),
        ("maCreationTemplateID", "ma_creation", texts.ma_creation_template),
        ("callBackTemplateID", "call_back", texts.call_back_template),
    ] {
        if let Some(id) = id
            && mails::template(tx, account, kind, id)?.is_none()
        {
            return Err(Refusal::invalid(parameter).into());
        }
    }
    Ok(())
}

/// Everything about an order that can be prepared before its transaction.
pub struct SslDraft {
    pub(super) base: Base,
    request: SslOrderRequest,
    csr: Csr,
    composed: Composed,
    names: Vec<RequestName>,
    generated: UniqueValue,
}

impl SslDraft {
    fn new(
        house: &Arc<House>,
        account: &Account,
        endpoint: &'static str,
        request: SslOrderRequest,
        csr: Csr,
        composed: Composed,
    ) -> Self {
        let ordered = Ordered {
            endpoint,
            product: composed.choice.product.code,
            bought: &Bought::new(&composed.choice, composed.names.ordered.len()),
            days: composed.choice.days,
            test: request.test,
            kept: &request.kept,
            foreign_order_number: request.foreign_order_number.as_deref(),
            check_fon_is_unique: request.check_fon_is_unique,
        };
        Self {
            base: Base::new(house, account, &ordered),
            names: request_names(house, &composed.plans),
            generated: house.unique_value(),
            request,
            csr,
            composed,
        }
    }

    pub(super) fn settle(
        &self,
        tx: &mut Tx<'_>,
        used: Option<TokenUse>,
    ) -> Result<Settled<'_>, Failure> {
        let used = used.ok_or_else(|| StoreError::inconsistent("nothing is known of a CSR"))?;
        // Known here since a revocation, like the operator's own list: -40 before what comes after the CSR.
        if used.key_is_compromised {
            return Err(Refusal::from(CsrError::Compromised).into());
        }
        check_templates(tx, self.base.account.id, &self.request.texts)?;
        let facts = self.facts(tx, used)?;
        let generate = || self.generated.clone();
        let placement =
            placement::settle(&self.composed, &self.request, &self.base.account, &facts, generate)?;
        Ok((placement, dcv::with_offers(&self.names, &facts.offered)))
    }

    /// `alone`: nobody else's order is written in this transaction, which may fail then without harm to others.
    pub(super) fn write_one(
        &self,
        tx: &mut Tx<'_>,
        (order, certificate): (OrderNumber, CertificateId),
        (mut placement, names): Settled<'_>,
        alone: bool,
    ) -> Result<Placement, Failure> {
        let now = self.base.now;
        let unique = |placement: &Placement| {
            placement.unique_value.as_ref().map_or(String::new(), UniqueValue::in_tokens)
        };
        let digest = &self.csr.digests.sha256;
        if !alone {
            tokens::use_new_token(tx, digest, &unique(&placement), order, now)?;
        } else if !tokens::use_token(tx, digest, &unique(&placement), order, now)? {
            // Somebody was faster between our look and our write (PostgreSQL): the same as having seen it.
            if self.request.unique_value.is_some() || placement.unique_value.is_some() {
                return Err(Refusal::TokenNotUnique.into());
            }
            placement.unique_value = Some(self.generated.clone());
            tokens::use_token(tx, digest, &unique(&placement), order, now)?;
        }
        orders::insert(tx, order, &self.base.order(&placement))?;
        let request = self.certificate_request(&placement);
        orders::insert_request(tx, order, certificate, &request, now)?;
        names::insert(tx, certificate, &names)?;
        if let Some(stub) = self.request.stub_order_number
            && !stubs::redeem(tx, stub, order)?
        {
            return Err(Refusal::invalid("stubOrderNumber").into());
        }
        self.base.enqueue(tx, certificate, &placement)?;
        self.send_dcv_mails(tx, order, &names)?;
        let stub = self.request.stub_order_number.map(|stub| ("redeemed_stub", stub));
        self.base.note(tx, order, &placement, stub)?;
        Ok(placement)
    }

    pub(super) fn token<'d>(&'d self, wanted: &'d str) -> Token<'d> {
        Token {
            csr_sha256: &self.csr.digests.sha256,
            unique_value: wanted,
            spki: &self.csr.key.spki,
        }
    }

    pub(super) fn wanted(&self) -> String {
        self.request.unique_value.as_ref().map_or(String::new(), UniqueValue::in_tokens)
    }

    fn facts(&self, tx: &mut Tx<'_>, used: TokenUse) -> Result<Facts, StoreError> {
        let TokenUse { csr_seen, token_used, .. } = used;
        let mut facts = Facts { csr_seen, token_used, ..Facts::default() };
        facts.foreign_order_number_used = self.base.foreign_number_used(tx)?;
        let (account, now) = (self.base.account.id, self.base.now);
        facts.offered = dcv::offered(tx, account, &self.composed.plans, now)?;
        if let Some(stub) = self.request.stub_order_number {
            let product = self.composed.choice.product.code;
            facts.stub_is_redeemable = stubs::is_redeemable(tx, stub, account, product)?;
        }
        Ok(facts)
    }

    fn certificate_request(&self, placement: &Placement) -> NewRequest {
        NewRequest {
            state: placement.state.clone(),
            csr: Some(csrs::to_keep(&self.csr)),
            subject: self.composed.subject.as_ref().map(|s| subject_json(s, &self.request)),
            common_name: self.composed.names.common_name.as_ref().map(ToString::to_string),
            unique_value: placement.unique_value.as_ref().map(|u| u.as_str().to_owned()),
            ca_choice: self.request.ca_certificate_id.map(CaId),
        }
    }

    fn send_dcv_mails(
        &self,
        tx: &mut Tx<'_>,
        order: OrderNumber,
        names: &[RequestName],
    ) -> Result<(), Failure> {
        let letter = dcv::Letter {
            account: &self.base.account,
            order,
            template: self.request.texts.dcv_template,
            language: self.request.texts.language,
            now: self.base.now,
        };
        dcv::send_codes(&self.base.house, tx, &letter, names)
    }
}

/// Rows for the names of a request, with random values where the method wants one.
pub(crate) fn request_names(house: &House, plans: &[NamePlan]) -> Vec<RequestName> {
    (0..)
        .zip(plans)
        .map(|(position, plan)| RequestName {
            position,
            name: plan.name.clone(),
            implicit: plan.implicit,
            method: plan.method,
            address: plan.address.clone(),
            address_for: plan
                .address
                .as_ref()
                .and_then(|address| placement::speaks_for(&plan.name, address, &[])),
            template: None,
            random: dcv::needs_random_value(plan.method, plan.address.as_ref())
                .then(|| house.random_value()),
            shown: None,
        })
        .collect()
}

/// Parameters as JSON, by name.
pub(crate) fn parameters_json(kept: &[(&'static str, String)]) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        kept.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    serde_json::Value::Object(object).to_string()
}

/// Promises that a request's proofs are looked for now: somebody says that they are there. That goes before what has been due for
/// up to a day, so that it stands behind no crowd of orders that were only placed.
pub(crate) fn look_now(
    tx: &mut Tx<'_>,
    certificate: CertificateId,
    now: Time,
) -> Result<(), StoreError> {
    jobs::enqueue(tx, &validation(certificate, now.plus(-DAY), now))
}

pub(super) fn validation(certificate: CertificateId, run_at: Time, now: Time) -> NewJob<'static> {
    NewJob {
        kind: VALIDATE,
        subject: certificate.0,
        payload: "",
        run_at: run_at.ms(),
        created_at: now.ms(),
        single: true,
    }
}

/// Ends an order that came to nothing: writes the state and gives back what was paid for it, money or a stub order.
///
/// # Errors
/// When the state does not allow it any more.
pub fn end(
    tx: &mut Tx<'_>,
    order: &OrderView,
    after: RequestState,
    actor: &str,
    now: Time,
) -> Result<GivenBack, Failure> {
    let kind = match after {
        RequestState::Expired => "order.expired",
        RequestState::Failed { .. } => "order.failed",
        _ => "order.rejected",
    };
    orders::set_state(tx, order, &after, now)?;
    let detail = match &after {
        RequestState::Rejected { why } | RequestState::Failed { why } => {
            serde_json::json!({ "why": why }).to_string()
        }
        _ => "{}".to_owned(),
    };
    let event = NewEvent {
        account: order.account,
        order: Some(order.number),
        kind,
        actor,
        detail: &detail,
        at: now,
    };
    events::append(tx, &event)?;
    match stubs::give_back(tx, order.number)? {
        Some(stub) => Ok(GivenBack::Stub(stub)),
        None => refund(tx, order, kind, actor, now),
    }
}

/// What comes back of an order that came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GivenBack {
    /// Nothing had been given for it.
    Nothing,
    /// To the account.
    Money(Money),
    /// A stub order, which can be redeemed again.
    Stub(i64),
    /// The customer has paid it, not to the account's credit: who took the money owes it.
    Owed(Money),
}

/// Gives back what an order was debited with, at most once. What its customer has paid is in no ledger of ours: that it is
/// owed is written into the audit trail.
///
/// # Errors
/// When the store fails.
pub fn refund(
    tx: &mut Tx<'_>,
    order: &OrderView,
    why: &str,
    actor: &str,
    now: Time,
) -> Result<GivenBack, Failure> {
    let debited = accounts::debited(tx, order.number)?.unwrap_or_default();
    if debited > Money::ZERO {
        if accounts::write_refund(tx, order.account, order.number, debited, why, now)? {
            accounts::give(tx, order.account, debited)?;
        }
        return Ok(GivenBack::Money(debited));
    }
    if order.cost <= Money::ZERO || matches!(order.state, RequestState::AwaitingPayment { .. }) {
        return Ok(GivenBack::Nothing);
    }
    let detail = serde_json::json!({ "amount": order.cost.minor() }).to_string();
    let event = NewEvent {
        account: order.account,
        order: Some(order.number),
        kind: "refund.owed",
        actor,
        detail: &detail,
        at: now,
    };
    events::append(tx, &event)?;
    Ok(GivenBack::Owed(order.cost))
}

/// Takes an order back that has no certificate yet, inside of a transaction, and refunds it.
///
/// # Errors
/// [`Failure::Refused`] when there is no such order; [`Failure::Declined`] when it cannot be taken back any more.
pub fn cancel_in(
    tx: &mut Tx<'_>,
    number: OrderNumber,
    why: &str,
    actor: &str,
    now: Time,
) -> Result<GivenBack, Failure> {
    let order =
        orders::by_number(tx, number)?.ok_or(Failure::Refused(Refusal::invalid("orderNumber")))?;
    let after = order.state.clone().rejected(why.to_owned())?;
    end(tx, &order, after, actor, now)
}

/// For how long an address may be used after it was offered: 24 hours.
pub(crate) const OFFER_AGE: i64 = 24 * HOUR;

/// Whom a certificate is to name, as it is kept: the chosen values, and the registration details of the parameters.
fn subject_json(subject: &Subject, request: &SslOrderRequest) -> String {
    let jurisdiction = &request.jurisdiction;
    let told = |value: &Option<String>| certifiable(value, 128);
    serde_json::json!({
        "organization": subject.organization,
        "streets": subject.streets,
        "post_office_box": subject.post_office_box,
        "locality": subject.locality,
        "state": subject.state,
        "postal_code": subject.postal_code,
        "country": subject.country.map(|c| c.to_string()),
        "company_number": told(&request.subject.company_number),
        "jurisdiction_locality": told(&jurisdiction.locality),
        "jurisdiction_state": told(&jurisdiction.state),
        "jurisdiction_country": jurisdiction.country.map(|c| c.to_string()),
        "business_category": jurisdiction.business_category,
        "assumed_name": jurisdiction.assumed_name,
    })
    .to_string()
}

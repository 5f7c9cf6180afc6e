//! Placing orders of S/MIME certificates.

use std::borrow::Cow;
use std::sync::Arc;

use domain::account::Account;
use domain::certificate::{CertificateId, OrderNumber};
use domain::csr::{Csr, CsrError};
use domain::dcv::DcvMethod;
use domain::names::CertName;
use domain::order::RequestState;
use domain::order_smime::SmimeOrderRequest;
use domain::placement::Facts;
use domain::placement::smime::{self, ComposedSmime, SmimeSubject};
use domain::proof::Control;
use domain::refusal::Refusal;
use domain::subject::certifiable;
use domain::time::{DAY, Time};
use sha2::{Digest as _, Sha256};
use store::evidence::{self, EvidenceLine};
use store::names::{self, RequestName};
use store::orders::{self, NewRequest};
use store::tokens::{Token, TokenUse};
use store::{StoreError, Tx, collection, mails};
use wire::auto_apply_order::ENDPOINT;

use super::bought::Bought;
use super::login::Caller;
use super::placing::{Base, Draft, Ordered, Placed, Settled};
use super::smime_mails::{self, Letters};
use super::{Failure, csrs};
use crate::house::House;

/// An order that was taken, and its collection code.
#[derive(Clone, Debug)]
pub struct PlacedSmime {
    /// The order.
    pub placed: Placed,
    /// By which it is collected without a login.
    pub collection_code: String,
}

/// Places an order.
///
/// # Errors
/// The refusal that the request deserves; nothing is stored then.
pub async fn place(
    house: &Arc<House>,
    caller: &Caller,
    request: SmimeOrderRequest,
) -> Result<PlacedSmime, Failure> {
    let account = caller.account();
    let choice = smime::before_csr(&request, &house.catalogue, account)?;
    check_templates(house, account, request.texts.ids().collect()).await?;
    let csr = match &request.csr {
        Some(text) => Some(csrs::of_smime_order(house, account.id, text).await?),
        None => None,
    };
    let composed = smime::compose(choice, &request, csr.as_ref())?;
    let draft = SmimeDraft::new(house, account, request, csr, composed);
    let collection_code = draft.code.clone();
    let placed = house.placing.ask(Draft::Smime(Box::new(draft))).await?;
    Ok(PlacedSmime { placed, collection_code })
}

/// Whether the account has these templates, each a parameter, a kind and an ID.
///
/// # Errors
/// -4.
pub(crate) async fn check_templates(
    house: &House,
    account: &Account,
    ids: Vec<(&'static str, &'static str, i64)>,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let account = account.id;
    let read = move |tx: &mut Tx<'_>| -> Result<(), Failure> {
        for (parameter, kind, id) in &ids {
            if mails::template(tx, account, kind, *id)?.is_none() {
                return Err(Refusal::invalid(parameter).into());
            }
        }
        Ok(())
    };
    house.store.read("templates", read).await
}

/// Everything about an order that can be prepared before its transaction.
pub struct SmimeDraft {
    pub(super) base: Base,
    request: SmimeOrderRequest,
    csr: Option<Csr>,
    composed: ComposedSmime,
    name: RequestName,
    code: String,
}

impl SmimeDraft {
    fn new(
        house: &Arc<House>,
        account: &Account,
        request: SmimeOrderRequest,
        csr: Option<Csr>,
        composed: ComposedSmime,
    ) -> Self {
        let ordered = Ordered {
            endpoint: ENDPOINT.name,
            product: composed.choice.product.code,
            bought: &Bought::new(&composed.choice, 1),
            days: composed.choice.days,
            test: request.test,
            kept: &request.kept,
            foreign_order_number: request.foreign_order_number.as_deref(),
            check_fon_is_unique: request.check_fon_is_unique,
        };
        Self {
            base: Base::new(house, account, &ordered),
            name: mailbox_row(house, &composed, request.texts.verification),
            code: house.collection_code(),
            request,
            csr,
            composed,
        }
    }

    /// Nothing but the key is asked about: S/MIME orders have no request tokens.
    pub(super) fn token(&self) -> Option<Token<'_>> {
        let csr = self.csr.as_ref()?;
        Some(Token { csr_sha256: &csr.digests.sha256, unique_value: "", spki: &csr.key.spki })
    }

    pub(super) fn settle(
        &self,
        tx: &mut Tx<'_>,
        used: Option<TokenUse>,
    ) -> Result<Settled<'_>, Failure> {
        if used.is_some_and(|used| used.key_is_compromised) {
            return Err(Refusal::from(CsrError::Compromised).into());
        }
        let base = &self.base;
        let facts =
            Facts { foreign_order_number_used: base.foreign_number_used(tx)?, ..Facts::default() };
        let shown = proven_before(tx, &base.house, base.account.id, &self.name.name, base.now)?;
        let proven = shown.is_some();
        let placement = smime::settle(
            &self.composed,
            &self.request,
            &base.account,
            &facts,
            proven,
            self.csr.is_some(),
        )?;
        let row = RequestName { shown: shown.map(|(control, _)| control), ..self.name.clone() };
        Ok((placement, Cow::Owned(vec![row])))
    }

    pub(super) fn write_one(
        &self,
        tx: &mut Tx<'_>,
        (order, certificate): (OrderNumber, CertificateId),
        (placement, names): Settled<'_>,
    ) -> Result<domain::placement::Placement, Failure> {
        let base = &self.base;
        orders::insert(tx, order, &base.order(&placement))?;
        let request = NewRequest {
            state: placement.state.clone(),
            csr: self.csr.as_ref().map(csrs::to_keep),
            subject: Some(subject_json(&self.composed.subject, &self.request)),
            common_name: self.composed.subject.common_name.clone(),
            unique_value: None,
            ca_choice: None,
        };
        orders::insert_request(tx, order, certificate, &request, base.now)?;
        names::insert(tx, certificate, &names)?;
        for row in names.iter() {
            take_over_proof(tx, &base.house, base.account.id, certificate, row, base.now)?;
        }
        collection::insert_code(tx, certificate, &self.code, &code_digest(&self.code))?;
        base.enqueue(tx, certificate, &placement)?;
        self.send_mails(tx, order, &placement.state, &names)?;
        base.note(tx, order, &placement, None)?;
        Ok(placement)
    }

    fn send_mails(
        &self,
        tx: &mut Tx<'_>,
        order: OrderNumber,
        state: &RequestState,
        names: &[RequestName],
    ) -> Result<(), Failure> {
        let base = &self.base;
        let letters = Letters {
            house: &base.house,
            account: &base.account,
            order,
            product: &self.composed.choice.product.name,
            texts: &self.request.texts,
            forwarded: smime_mails::is_forwarded(&base.parameters),
            now: base.now,
        };
        for row in names {
            letters.verification(tx, row)?;
        }
        match (self.csr.is_some(), smime_mails::waits_for_the_key_alone(state)) {
            (true, _) => Ok(()),
            (false, true) => letters.collection(tx, &self.composed.mailbox, &self.code, None),
            (false, false) => letters.request(tx, &self.composed.mailbox, &self.code),
        }
    }
}

/// The row of the mailbox that is to be proven.
fn mailbox_row(house: &House, composed: &ComposedSmime, template: Option<i64>) -> RequestName {
    RequestName {
        position: 0,
        name: CertName::Mail(composed.mailbox.clone()),
        implicit: false,
        method: DcvMethod::Mailbox,
        address: Some(composed.mailbox.clone()),
        address_for: None,
        template,
        random: Some(house.random_value()),
        shown: None,
    }
}

/// Whether an account has proven a mailbox so lately that it counts, and by which order.
pub(crate) fn proven_before(
    tx: &mut Tx<'_>,
    house: &House,
    account: domain::certificate::AccountId,
    mailbox: &CertName,
    now: Time,
) -> Result<Option<(Control, OrderNumber)>, StoreError> {
    let since = now.plus(-i64::from(house.policy.mailbox_reuse_days(now)) * DAY);
    let found = collection::proven_mailbox(tx, account, mailbox, since)?;
    let control = |at| Control { shown_for: mailbox.clone(), method: DcvMethod::Mailbox, at };
    Ok(found.map(|(at, order)| (control(at), order)))
}

/// Writes down that a mailbox was shown for another order of the account, if it was.
pub(crate) fn take_over_proof(
    tx: &mut Tx<'_>,
    house: &House,
    account: domain::certificate::AccountId,
    certificate: CertificateId,
    row: &RequestName,
    now: Time,
) -> Result<(), StoreError> {
    let Some(control) = &row.shown else { return Ok(()) };
    let from = proven_before(tx, house, account, &row.name, now)?.map(|(_, order)| order.0);
    names::set_shown(tx, certificate, row.position, control)?;
    let answer = serde_json::json!({ "proven_by_order": from, "at": control.at.to_string() });
    evidence::insert(
        tx,
        certificate,
        &EvidenceLine {
            name: row.name.to_string(),
            method: format!("{} (S/MIME BR 4.2.1)", row.method),
            outcome: "shown".to_owned(),
            question: format!("was {} proven to this account lately?", row.name),
            answer: answer.to_string(),
            via: String::new(),
            at: now,
        },
    )
}

/// Under which a collection code is kept and looked up.
#[must_use]
pub fn code_digest(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

/// Whom a certificate is to name, as it is kept: what server certificates have, and the mailbox.
fn subject_json(subject: &SmimeSubject, request: &SmimeOrderRequest) -> String {
    let organization = subject.organization.as_ref();
    let of = |pick: fn(&domain::subject::Subject) -> &Option<String>| {
        organization.and_then(|o| pick(o).clone())
    };
    serde_json::json!({
        "organization": of(|o| &o.organization),
        "streets": organization.map(|o| &o.streets),
        "locality": of(|o| &o.locality),
        "state": of(|o| &o.state),
        "postal_code": of(|o| &o.postal_code),
        "country": organization.and_then(|o| o.country).map(|c| c.to_string()),
        "company_number": certifiable(&request.subject.company_number, 128),
        "organization_identifier": organization.and(subject.organization_identifier.clone()),
        "email": subject.email.as_ref().map(ToString::to_string),
    })
    .to_string()
}

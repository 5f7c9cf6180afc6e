//! Replacing S/MIME certificates: AutoReplaceSMIME. Before there is a certificate the CSR is exchanged in place; after, a new
//! order of the chain brings the next one, free of charge.

use std::sync::Arc;

use domain::certificate::{CaId, OrderNumber, RevocationReason};
use domain::check;
use domain::csr::{Csr, CsrError};
use domain::money::Money;
use domain::order::{Replacing, RequestState};
use domain::order_smime::ReplaceSmimeRequest;
use domain::placement::smime::pass_control;
use domain::refusal::Refusal;
use domain::time::{DAY, Time};
use store::events::{self, NewEvent};
use store::names::{self, RequestName};
use store::orders::{self, NewOrder, NewRequest, OrderView};
use store::{Tx, accounts, certificates, collection};

use super::bought::Bought;
use super::login::Caller;
use super::orders::{check_ca, look_now, parameters_json};
use super::orders_smime::{check_templates, code_digest, proven_before, take_over_proof};
use super::smime_mails::{self, Letters};
use super::{Failure, crls, csrs, select};
use crate::house::House;

/// Replaces a certificate, or exchanges the CSR of a request that has none yet. The new order's number, if one was made.
///
/// # Errors
/// -4 orderNumber and templates; -20, -22, -136; what is wrong with the CSR.
pub async fn replace(
    house: &Arc<House>,
    caller: &Caller,
    request: ReplaceSmimeRequest,
) -> Result<Option<OrderNumber>, Failure> {
    let account = caller.account();
    check_templates(house, account, request.texts.ids().collect()).await?;
    // Read before the transaction, told after the order was found.
    let csr = csrs::of_order(house, account.id, &request.csr).await;
    let job = Replacement {
        house: house.clone(),
        caller: caller.clone(),
        request,
        csr,
        code: house.collection_code(),
        now: house.now(),
    };
    house.store.write("replace_smime", move |tx: &mut Tx<'_>| job.write(tx)).await
}

struct Replacement {
    house: Arc<House>,
    caller: Caller,
    request: ReplaceSmimeRequest,
    csr: Result<Csr, Refusal>,
    code: String,
    now: Time,
}

impl Replacement {
    fn write(&self, tx: &mut Tx<'_>) -> Result<Option<OrderNumber>, Failure> {
        let account = self.caller.account();
        // Of those who replace the same order at the same time each sees what the one before made.
        accounts::hold(tx, account.id)?;
        let old = select::exact(tx, account.id, self.request.order_number)?
            .ok_or(Failure::Refused(Refusal::invalid("orderNumber")))?;
        let bought = Bought::from_json(&old.bought)
            .map_err(|e| Failure::Internal(format!("bought: {e}")))?;
        if !bought.level().is_mail() {
            return Err(Refusal::invalid("orderNumber").into());
        }
        let not_after = old.validity.map(|(_, end)| end);
        let replacing = old.state.smime_replaceable(not_after, self.now)?;
        check_ca(&self.house, self.request.ca_certificate_id, bought.level(), false, old.test)?;
        let csr = self.csr.clone()?;
        if certificates::key_is_compromised(tx, &csr.key.spki)? {
            return Err(Refusal::from(CsrError::Compromised).into());
        }
        match replacing {
            Replacing::InPlace => self.exchange(tx, &old, &csr).map(|()| None),
            Replacing::ByOrder => self.order(tx, &old, &bought, &csr).map(Some),
        }
    }

    /// The CSR, and what mails are written by from now on.
    fn exchange(&self, tx: &mut Tx<'_>, old: &OrderView, csr: &Csr) -> Result<(), Failure> {
        let after = match &old.state {
            RequestState::AwaitingCsr { .. } => old.state.clone().with_key()?,
            other => other.clone(),
        };
        orders::set_state(tx, old, &after, self.now)?;
        orders::set_key(tx, old.certificate, &csrs::to_keep(csr))?;
        if let Some(ca) = self.request.ca_certificate_id {
            orders::set_ca_choice(tx, old.certificate, CaId(ca))?;
        }
        let parameters = self.parameters(old);
        orders::set_parameters(tx, old.number, &parameters, old.foreign_order_number.as_deref())?;
        look_now(tx, old.certificate, self.now)?;
        self.note(tx, old, old.number)
    }

    fn order(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        bought: &Bought,
        csr: &Csr,
    ) -> Result<OrderNumber, Failure> {
        let (number, certificate) = orders::next_numbers(tx)?;
        let parameters = self.parameters(old);
        let rows = self.rows(tx, old)?;
        let mut checks = check::of_replacement(bought.level());
        let proven = rows.iter().all(|row| row.shown.is_some());
        if proven {
            pass_control(&mut checks);
        }
        let order = NewOrder {
            account: old.account,
            base: Some(old.base),
            product: old.product,
            bought: old.bought.clone(),
            test: old.test,
            term_days: old.term_days,
            term_end: old.term_end,
            cost: Money::ZERO,
            foreign_order_number: old.foreign_order_number.clone(),
            parameters: parameters.clone(),
            placed_at: self.now,
            expires_at: self.now.plus(i64::from(self.house.rules.unproven_days) * DAY),
        };
        orders::insert(tx, number, &order)?;
        let request = NewRequest {
            state: RequestState::with_checks(checks),
            csr: Some(csrs::to_keep(csr)),
            subject: old.subject.clone(),
            common_name: old.common_name.clone(),
            unique_value: None,
            ca_choice: self.request.ca_certificate_id.map(CaId).or(old.ca_choice),
        };
        orders::insert_request(tx, number, certificate, &request, self.now)?;
        names::insert(tx, certificate, &rows)?;
        for row in &rows {
            take_over_proof(tx, &self.house, old.account, certificate, row, self.now)?;
        }
        collection::insert_code(tx, certificate, &self.code, &code_digest(&self.code))?;
        look_now(tx, certificate, self.now)?;
        self.send_mails(tx, number, bought, &parameters, &rows)?;
        self.note(tx, old, number)?;
        if self.request.revoke_old {
            self.revoke(tx, old)?;
        }
        Ok(number)
    }

    /// The mailbox, with a code of its own unless it was proven lately (D103).
    fn rows(&self, tx: &mut Tx<'_>, old: &OrderView) -> Result<Vec<RequestName>, Failure> {
        let mut rows = names::of_request(tx, old.certificate)?;
        for row in &mut rows {
            let shown = proven_before(tx, &self.house, old.account, &row.name, self.now)?;
            row.shown = shown.map(|(control, _)| control);
            row.random = Some(self.house.random_value());
            row.template = self.request.texts.verification.or(row.template);
        }
        Ok(rows)
    }

    fn send_mails(
        &self,
        tx: &mut Tx<'_>,
        number: OrderNumber,
        bought: &Bought,
        parameters: &str,
        rows: &[RequestName],
    ) -> Result<(), Failure> {
        let letters = Letters {
            house: &self.house,
            account: self.caller.account(),
            order: number,
            product: &bought.name,
            texts: &smime_mails::texts_of(parameters),
            forwarded: smime_mails::is_forwarded(parameters),
            now: self.now,
        };
        rows.iter().try_for_each(|row| letters.verification(tx, row))
    }

    fn revoke(&self, tx: &mut Tx<'_>, old: &OrderView) -> Result<(), Failure> {
        let Some(serial) = old.state.serial() else { return Ok(()) };
        let actor = &self.caller.account().login_name;
        crls::revoke(tx, serial, RevocationReason::Superseded, actor, self.now)
    }

    /// What was given now over what was given before. Where any ID is given, the language counts for nothing (D47, amended).
    fn parameters(&self, old: &OrderView) -> String {
        let parse = |text: &str| -> serde_json::Map<String, serde_json::Value> {
            serde_json::from_str(text).unwrap_or_default()
        };
        let mut merged = parse(&old.parameters);
        merged.extend(parse(&parameters_json(&self.request.kept)));
        if self.request.texts.ids().next().is_some() {
            merged.remove("languageName");
        }
        serde_json::Value::Object(merged).to_string()
    }

    fn note(&self, tx: &mut Tx<'_>, old: &OrderView, order: OrderNumber) -> Result<(), Failure> {
        let kind = if order == old.number { "order.changed" } else { "order.replacement_placed" };
        let detail = serde_json::json!({ "replaces": old.number.0 });
        let event = NewEvent {
            account: old.account,
            order: Some(order),
            kind,
            actor: &self.caller.account().login_name,
            detail: &detail.to_string(),
            at: self.now,
        };
        Ok(events::append(tx, &event)?)
    }
}

//! Replacing certificates: AutoReplaceSSL. A replacement is a new order in the chain, free of charge, for the names that
//! were bought; a request that has no certificate yet is changed in place.

mod wanted;

use std::sync::Arc;

use domain::certificate::{CaId, CertificateId, CertificateStatus, OrderNumber};
use domain::check::{self, Check};
use domain::csr::{Csr, CsrError};
use domain::dcv::{DcvMethod, RANDOM_VALUE_AGE, UniqueValue};
use domain::money::Money;
use domain::order::{Replacing, RequestState};
use domain::order_ssl::{Claims, DcvWishes};
use domain::placement::{self, Facts, NamePlan};
use domain::product::{Choice, Kind, Level, Product, TermPrice};
use domain::proof;
use domain::refusal::Refusal;
use domain::time::{DAY, Time};
use store::events::{self, NewEvent};
use store::names::{self, RequestName};
use store::orders::{self, NewOrder, NewRequest, OrderView};
use store::{StoreError, Tx, accounts, certificates, tokens};
use wire::auto_replace_ssl::ReplaceSslRequest;

use super::bought::Bought;
use super::login::Caller;
use super::orders::{check_ca, check_templates, look_now, parameters_json, request_names};
use super::{Failure, csrs, dcv, select};
use crate::house::House;

/// A replacement that was taken.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// The order that will bring the certificate.
    pub order: OrderNumber,
    /// Its request.
    pub certificate: CertificateId,
    /// Its status.
    pub status: CertificateStatus,
    /// Hours.
    pub expected_hours: u32,
    /// The token's unique value.
    pub unique_value: Option<UniqueValue>,
}

/// Replaces a certificate, or changes a request that has none yet.
///
/// # Errors
/// -91, -3, -4 for what the account may not claim; -4 orderNumber; -20, -21, -22, -26, -36 for orders that cannot be
/// replaced; -4 for templates, CA and hierarchy; what is wrong with CSR and names; -55.
pub async fn replace(
    house: &Arc<House>,
    caller: &Caller,
    request: ReplaceSslRequest,
) -> Result<Replaced, Failure> {
    let person = &request.representative;
    let claims = Claims {
        stub_order: false,
        ca_choice: request.ca_certificate_id.is_some(),
        representative_validated: person.is_validated == Some(true),
        call_back_completed: person.is_call_back_completed == Some(true),
    };
    placement::permit(claims, caller.account())?;
    placement::check_call_back(person)?;
    // Read before the transaction, told after the order was found.
    let csr = match &request.csr {
        Some(text) => Some(csrs::of_order(house, caller.account().id, text).await),
        None => None,
    };
    let job = Replacement {
        house: house.clone(),
        caller: caller.clone(),
        request,
        csr,
        generated: house.unique_value(),
        now: house.now(),
    };
    house.store.write("replace_order", move |tx: &mut Tx<'_>| job.write(tx)).await
}

struct Replacement {
    house: Arc<House>,
    caller: Caller,
    request: ReplaceSslRequest,
    csr: Option<Result<Csr, Refusal>>,
    generated: UniqueValue,
    now: Time,
}

impl Replacement {
    fn write(&self, tx: &mut Tx<'_>) -> Result<Replaced, Failure> {
        let old = self.find(tx)?;
        let bought = Bought::from_json(&old.bought)
            .map_err(|e| Failure::Internal(format!("bought: {e}")))?;
        select::of_servers(&bought, "orderNumber")?;
        let replacing = old.state.replaceable(old.term_end, self.now)?;
        let pending = replacing == Replacing::InPlace;
        self.judge_values(tx, &old, &bought)?;
        let old_names = names::of_request(tx, old.certificate)?;
        let csr = match &self.csr {
            Some(read) => {
                let csr = read.clone()?;
                placement::check_country(self.prioritise(&old), &csr)?;
                csr
            }
            None => {
                let old = old.csr.as_ref().ok_or(Refusal::Missing("csr"))?;
                issuance::csr::read_der(&old.der, &self.house.weak_keys).map_err(Refusal::from)?
            }
        };
        if certificates::key_is_compromised(tx, &csr.key.spki)? {
            return Err(Refusal::from(CsrError::Compromised).into());
        }
        let plans = self.plans(&old, &bought, &old_names, &csr)?;
        let rows = self.rows(tx, bought.kind(), &plans.1, &old_names, pending)?;
        let unique_value = self.use_token(tx, &old, &csr)?;
        let checks = self.checks(&old, bought.level(), pending);
        let expected_hours = check::expected_hours(bought.level(), &checks);
        let parameters = self.parameters(&old);
        let new = NewRequest {
            state: RequestState::AwaitingValidation { checks },
            csr: Some(csrs::to_keep(&csr)),
            subject: old.subject.clone(),
            common_name: plans.0.common_name.as_ref().map(ToString::to_string),
            unique_value: unique_value.as_ref().map(|u| u.as_str().to_owned()),
            ca_choice: self.request.ca_certificate_id.map(CaId).or(old.ca_choice),
        };
        let (order, certificate) = if pending {
            self.change(tx, &old, &new, &parameters)?
        } else {
            self.insert(tx, &old, &new, &parameters)?
        };
        names::insert(tx, certificate, &rows)?;
        for row in &rows {
            if let Some(control) = &row.shown {
                names::set_shown(tx, certificate, row.position, control)?;
            }
        }
        look_now(tx, certificate, self.now)?;
        let letter = dcv::letter(self.caller.account(), order, &parameters, self.now);
        let open = self.not_covered(tx, &old, &rows)?;
        let names = dcv::ordered(&rows);
        dcv::send_further_codes(&self.house, tx, &letter, names, &open, "orderNumber")?;
        self.note(tx, &old, order)?;
        Ok(Replaced {
            order,
            certificate,
            status: CertificateStatus::AwaitingValidation,
            expected_hours,
            unique_value,
        })
    }

    fn find(&self, tx: &mut Tx<'_>) -> Result<OrderView, Failure> {
        let (account, number) = (self.caller.account().id, self.request.order_number);
        // Of those who replace the same order at the same time each sees what the one before made.
        accounts::hold(tx, account)?;
        let found = if self.request.exact_order {
            select::exact(tx, account, number)?
        } else {
            select::newest(tx, account, number)?
        };
        found.ok_or(Failure::Refused(Refusal::invalid("orderNumber")))
    }

    /// Values that depend on the order: templates of the account, a CA that signs orders like it, its hierarchy and its term.
    fn judge_values(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        bought: &Bought,
    ) -> Result<(), Failure> {
        check_templates(tx, old.account, &self.request.texts)?;
        let chosen = self.request.ca_certificate_id;
        check_ca(&self.house, chosen, bought.level(), bought.intranet, old.test)?;
        if self.request.test.is_some_and(|test| test != old.test) {
            return Err(Refusal::invalid("test").into());
        }
        if bought.level().names_a_subject() {
            placement::check_other_organization(&self.request.representative)?;
        }
        match self.request.days {
            Some(days) if days != old.term_days => {
                let why = format!("The order is for {} days", old.term_days);
                Err(Refusal::invalid_because("days", why).into())
            }
            _ => Ok(()),
        }
    }

    /// Takes the token for this chain. When somebody was faster between our look and our write (PostgreSQL), that is the
    /// same as having seen the request before.
    fn use_token(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        csr: &Csr,
    ) -> Result<Option<UniqueValue>, Failure> {
        let wanted = self.unique_value(tx, old, csr)?;
        let mut take = |value: &Option<UniqueValue>| {
            let text = value.as_ref().map_or(String::new(), UniqueValue::in_tokens);
            tokens::use_token(tx, &csr.digests.sha256, &text, old.base, self.now)
        };
        if take(&wanted)? {
            return Ok(wanted);
        }
        let generated = Some(self.generated.clone());
        match wanted.is_none() && take(&generated)? {
            true => Ok(generated),
            false => Err(Refusal::TokenNotUnique.into()),
        }
    }

    /// -55 compares across chains; inside of the chain the same CSR and value may come again. Without a value it stays what it
    /// was: that of the request that is replaced, if it is for this CSR, else the one that the chain took last with it (D69, D70).
    fn unique_value(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        csr: &Csr,
    ) -> Result<Option<UniqueValue>, Failure> {
        let used = tokens::of_csr(tx, &csr.digests.sha256)?;
        let elsewhere: Vec<&str> =
            used.iter().filter(|(_, base)| *base != old.base).map(|(v, _)| v.as_str()).collect();
        let here = used.iter().find(|(_, base)| *base == old.base).map(|(v, _)| v);
        let same = old.csr.as_ref().is_some_and(|old| old.der == csr.der);
        let own = same.then(|| old.unique_value.as_deref().unwrap_or_default());
        if self.request.unique_value.is_none()
            && let Some(stays) = own.or(here.map(String::as_str))
        {
            return Ok(stays.parse().ok());
        }
        let wanted =
            self.request.unique_value.as_ref().map_or(String::new(), UniqueValue::in_tokens);
        let facts = Facts {
            csr_seen: !elsewhere.is_empty(),
            token_used: elsewhere.contains(&wanted.as_str()),
            ..Facts::default()
        };
        let generate = || self.generated.clone();
        Ok(placement::choose_unique_value(self.request.unique_value.clone(), &facts, generate)?)
    }

    /// What was shown for a name stays shown. An issued order's names keep it in their own rows, where the job looks for
    /// what the chain has shown; those of a request that is changed in place go, so it is taken over.
    ///
    /// Each code is a new one, and its address has to be constructed or offered for the name like an order's (D73), also
    /// when the name had it before.
    fn rows(
        &self,
        tx: &mut Tx<'_>,
        kind: Kind,
        plans: &[NamePlan],
        old_names: &[RequestName],
        pending: bool,
    ) -> Result<Vec<RequestName>, Failure> {
        let offered = dcv::offered(tx, self.caller.account().id, plans, self.now)?;
        let mut rows = request_names(&self.house, plans);
        rows = dcv::with_offers(&rows, &offered).into_owned();
        for row in &mut rows {
            if let Some(before) = old_names.iter().find(|n| n.name == row.name) {
                self.take_over(row, before, pending);
            }
            if !row.implicit && row.address.is_some() && row.address_for.is_none() {
                if self.request.dcv != DcvWishes::default() {
                    return Err(placement::bad_address(kind, &self.request.dcv, &row.name).into());
                }
                // Nobody chose it now, and it is not offered any more: the name waits until an address is chosen.
                (row.address, row.random) = (None, None);
            }
        }
        Ok(rows)
    }

    /// The names that are mailed about: those that nothing shown in the chain covers.
    fn not_covered(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        rows: &[RequestName],
    ) -> Result<Vec<RequestName>, StoreError> {
        let mailed = |r: &&RequestName| r.method == DcvMethod::Email && r.random.is_some();
        if !rows.iter().any(|r| mailed(&r)) {
            return Ok(Vec::new());
        }
        let controls = names::controls_of_chain(tx, old.base)?;
        let open = |r: &&RequestName| {
            proof::covering(&r.name, &controls, &self.house.policy, self.now).is_none()
        };
        Ok(rows.iter().filter(mailed).filter(open).cloned().collect())
    }

    fn take_over(&self, row: &mut RequestName, before: &RequestName, pending: bool) {
        if pending {
            row.shown.clone_from(&before.shown);
        }
        // A random value is for one request (BR 3.2.2.4.7).
        if pending
            && row.method == DcvMethod::DnsTxtRandomValue
            && before.method == row.method
            && let Some(random) = &before.random
            && self.now.since(random.made) < RANDOM_VALUE_AGE
        {
            row.random = Some(random.clone());
        }
    }

    fn change(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        new: &NewRequest,
        parameters: &str,
    ) -> Result<(OrderNumber, CertificateId), Failure> {
        orders::set_state(tx, old, &new.state, self.now)?;
        orders::set_csr(tx, old.certificate, new)?;
        orders::set_parameters(tx, old.number, parameters, self.foreign_order_number(old))?;
        names::delete(tx, old.certificate)?;
        Ok((old.number, old.certificate))
    }

    fn insert(
        &self,
        tx: &mut Tx<'_>,
        old: &OrderView,
        new: &NewRequest,
        parameters: &str,
    ) -> Result<(OrderNumber, CertificateId), StoreError> {
        let (order, certificate) = orders::next_numbers(tx)?;
        let row = NewOrder {
            account: old.account,
            base: Some(old.base),
            product: old.product,
            bought: old.bought.clone(),
            test: old.test,
            term_days: old.term_days,
            term_end: old.term_end,
            cost: Money::ZERO,
            foreign_order_number: self.foreign_order_number(old).map(str::to_owned),
            parameters: parameters.to_owned(),
            placed_at: self.now,
            expires_at: self.now.plus(i64::from(self.house.rules.unproven_days) * DAY),
        };
        orders::insert(tx, order, &row)?;
        orders::insert_request(tx, order, certificate, new, self.now)?;
        Ok((order, certificate))
    }

    fn foreign_order_number<'a>(&'a self, old: &'a OrderView) -> Option<&'a str> {
        self.request.foreign_order_number.as_deref().or(old.foreign_order_number.as_deref())
    }

    /// What was given now over what was given before.
    fn parameters(&self, old: &OrderView) -> String {
        let mut merged: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&old.parameters).unwrap_or_default();
        let given = parameters_json(&self.request.kept);
        let given: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&given).unwrap_or_default();
        merged.extend(given);
        serde_json::Value::Object(merged).to_string()
    }

    fn checks(&self, old: &OrderView, level: Level, pending: bool) -> Vec<Check> {
        if pending && old.state != RequestState::Ready {
            let request = &self.request;
            let vouched = placement::vouched(
                request.is_customer_validated,
                &request.representative,
                self.caller.account(),
            );
            return check::of_changed_request(level, old.state.checks(), vouched);
        }
        check::of_replacement(level)
    }

    fn note(&self, tx: &mut Tx<'_>, old: &OrderView, order: OrderNumber) -> Result<(), StoreError> {
        let detail = serde_json::json!({ "replaces": old.number.0 });
        let kind = if order == old.number { "order.changed" } else { "order.replacement_placed" };
        let event = NewEvent {
            account: old.account,
            order: Some(order),
            kind,
            actor: &self.caller.account().login_name,
            detail: &detail.to_string(),
            at: self.now,
        };
        events::append(tx, &event)
    }
}

/// A parameter as the order was given it.
fn before(old: &OrderView, parameter: &str) -> Option<String> {
    let given: serde_json::Value = serde_json::from_str(&old.parameters).ok()?;
    given[parameter].as_str().map(str::to_owned)
}

fn choice_of(old: &OrderView, bought: &Bought) -> Choice {
    let term = TermPrice {
        days: bought.paid_days,
        base: Money::ZERO,
        per_name: Money::ZERO,
        per_server: Money::ZERO,
    };
    let kind: Kind = bought.kind();
    Choice {
        product: Product {
            code: old.product,
            name: bought.name.clone(),
            level: bought.level(),
            kind,
            included_names: bought.included_names,
            max_names: bought.max_names,
            wildcards: bought.wildcards(),
            intranet: bought.intranet,
            amt: bought.amt,
            bonus: false,
            logos: Vec::new(),
            terms: vec![term],
        },
        logos: Vec::new(),
        days: old.term_days,
        term,
        servers: bought.servers,
    }
}

//! Domain control: addresses that may be mailed to, codes that are sent and entered, methods that are changed.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::certificate::{AccountId, OrderNumber};
use domain::dcv::{Challenge, DcvMethod, RANDOM_VALUE_AGE, constructed_addresses, same_secret};
use domain::evidence::{Answer, Evidence, Question};
use domain::mail_address::MailAddress;
use domain::names::{CertName, DnsName};
use domain::order::RequestState;
use domain::order_ssl::Language;
use domain::placement::{NamePlan, Offer, speaks_for};
use domain::proof::Control;
use domain::refusal::Refusal;
use domain::time::Time;
use store::events::{self, NewEvent};
use store::names::{self, RequestName};
use store::orders::{self, OrderView};
use store::{StoreError, Tx, evidence, mails};
use wire::auto_update_dcv::{Changes, NewWay, UpdateDcvRequest};
use wire::get_dcv_email_address_list::AddressList;
use wire::get_mdc_domain_details::DomainDetail;
use wire::resend_dcv_email::ResendDcvRequest;

use super::login::Caller;
use super::orders::{OFFER_AGE, end, enqueue_validation};
use super::validate::evidence_line;
use super::{Failure, bought::Bought, select};
use crate::house::House;
use crate::letters::DcvFacts;

/// Whether a random value is needed: for records that hold one, and for mail once it is known to whom.
#[must_use]
pub fn needs_random_value(method: DcvMethod, address: Option<&MailAddress>) -> bool {
    match method {
        DcvMethod::DnsTxtRandomValue => true,
        DcvMethod::Email => address.is_some(),
        DcvMethod::HttpCsrHash | DcvMethod::HttpsCsrHash | DcvMethod::CnameCsrHash => false,
    }
}

/// What was offered within 24 hours for names whose plan is a mail to an address that is not constructed.
pub(crate) fn offered(
    tx: &mut Tx<'_>,
    account: AccountId,
    plans: &[NamePlan],
    now: Time,
) -> Result<Vec<Offer>, StoreError> {
    let mut found = Vec::new();
    for plan in plans.iter().filter(|p| !p.implicit) {
        if let (Some(address), Some(dns)) = (&plan.address, plan.name.dns())
            && speaks_for(&plan.name, address, &[]).is_none()
        {
            found.extend(offered_for(tx, account, dns, now)?);
        }
    }
    Ok(found)
}

fn offered_for(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &DnsName,
    now: Time,
) -> Result<Vec<Offer>, StoreError> {
    let mut found = Vec::new();
    for adn in name.authorization_names() {
        let addresses = mails::offered(tx, account, &adn, now.plus(-OFFER_AGE))?;
        found.extend(addresses.into_iter().map(|address| Offer { adn: adn.clone(), address }));
    }
    Ok(found)
}

/// The names, each with the authorization domain name for which its address speaks once offers are known.
pub(crate) fn with_offers<'a>(
    rows: &'a [RequestName],
    offered: &[Offer],
) -> Cow<'a, [RequestName]> {
    let mut rows = Cow::Borrowed(rows);
    if !offered.is_empty() {
        for row in rows.to_mut().iter_mut().filter(|r| r.address_for.is_none()) {
            let address = row.address.as_ref();
            row.address_for = address.and_then(|a| speaks_for(&row.name, a, offered));
        }
    }
    rows
}

/// On whose behalf codes are mailed.
pub(crate) struct Letter<'a> {
    pub account: &'a Account,
    pub order: OrderNumber,
    pub template: Option<i64>,
    pub language: Option<Language>,
    pub now: Time,
}

/// Writes one mail per address and random value for the names that wait for one.
pub(crate) fn send_codes(
    house: &House,
    tx: &mut Tx<'_>,
    letter: &Letter<'_>,
    rows: &[RequestName],
) -> Result<(), Failure> {
    let wanted =
        |row: &&RequestName| row.method == DcvMethod::Email && !row.implicit && row.shown.is_none();
    for row in rows.iter().filter(wanted) {
        let (Some(address), Some(random)) = (&row.address, &row.random) else {
            continue;
        };
        let Some(domain) = spoken_for(row) else {
            continue;
        };
        let template = match letter.template {
            Some(id) => mails::template(tx, letter.account.id, "dcv", id)?,
            None => None,
        };
        let facts = DcvFacts {
            order: letter.order,
            domain,
            name: row.name.clone(),
            // To no other: having read the mail is the proof (BR 3.2.2.4.4, .13, .14).
            address: address.clone(),
            code: random.text.clone(),
            expires: random.made.plus(RANDOM_VALUE_AGE),
            brand: letter.account.brand.clone(),
            language: letter.language.unwrap_or_default(),
            template,
        };
        let mail = house.mail.dcv(letter.account.id, &facts, letter.now);
        crate::jobs::mail::post(tx, &mail, letter.now)?;
    }
    Ok(())
}

/// What a code that was mailed about a name proves: the authorization domain name for which the address speaks.
fn spoken_for(row: &RequestName) -> Option<DnsName> {
    let constructed = || speaks_for(&row.name, row.address.as_ref()?, &[]);
    row.address_for.clone().or_else(constructed)
}

/// The addresses that a domain may be proven by; the found ones are remembered for 24 hours.
///
/// # Errors
/// -19 for public IP addresses, -37 for internal names and addresses.
pub async fn address_list(
    house: &Arc<House>,
    caller: &Caller,
    name: CertName,
) -> Result<AddressList, Failure> {
    let dns = match &name {
        CertName::Ip(_) if name.is_public() => return Err(Refusal::PublicAddress.into()),
        CertName::Dns(dns) | CertName::Wildcard(dns) if dns.is_public() => dns.clone(),
        _ => return Err(Refusal::InternalName.into()),
    };
    let mut adns = dns.authorization_names();
    adns.reverse();
    let now = house.now();
    let patience = Duration::from_secs(3);
    let asked = adns.iter().map(|adn| house.asker.contact_addresses(adn, now, patience));
    let contacts = futures_util::future::join_all(asked).await;
    let mut list = AddressList {
        domain: name.to_string(),
        levels: adns.iter().map(constructed_addresses).collect(),
        dns_txt: contacts.iter().flat_map(|c| c.txt.clone()).collect(),
        dns_caa: contacts.iter().flat_map(|c| c.caa.clone()).collect(),
    };
    list.dns_txt.dedup();
    list.dns_caa.dedup();
    let account = caller.account().id;
    let offers: Vec<(DnsName, Vec<MailAddress>)> = adns
        .into_iter()
        .zip(contacts)
        .map(|(adn, c)| (adn, c.txt.into_iter().chain(c.caa).collect()))
        .filter(|(_, addresses): &(_, Vec<_>)| !addresses.is_empty())
        .collect();
    if !offers.is_empty() {
        let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            for (adn, addresses) in &offers {
                mails::offer(tx, account, adn, addresses, now)?;
            }
            Ok(())
        };
        house.store.write("offer_addresses", write).await?;
    }
    Ok(list)
}

/// Changes methods and looks for the proofs at once.
///
/// # Errors
/// -4 for an order that is not the caller's or not open, for names that it does not have, for methods and addresses that
/// do not fit; -3 for the name that must be told.
pub async fn update(
    house: &Arc<House>,
    caller: &Caller,
    request: UpdateDcvRequest,
) -> Result<(), Failure> {
    let now = house.now();
    let (house2, account) = (house.clone(), caller.account().clone());
    let write = move |tx: &mut Tx<'_>| {
        let order = select::by_selector(tx, account.id, &request.which)?;
        open_for_validation(&order, selector_name(&request.which))?;
        check_template(tx, account.id, request.template)?;
        let rows = names::of_request(tx, order.certificate)?;
        let changed = apply(&house2, tx, &account, &rows, &request.changes, now)?;
        for row in &changed {
            names::set_method(tx, order.certificate, row)?;
        }
        enqueue_validation(tx, order.certificate, now, now)?;
        let letter = letter(&account, order.number, &order.parameters, request.template, now);
        send_codes(&house2, tx, &letter, &changed)?;
        note(tx, &account, &order, "dcv.changed", &changed, now)
    };
    house.store.write("update_dcv", write).await
}

fn apply(
    house: &House,
    tx: &mut Tx<'_>,
    account: &Account,
    rows: &[RequestName],
    changes: &Changes,
    now: Time,
) -> Result<Vec<RequestName>, Failure> {
    let ordered: Vec<&RequestName> = rows.iter().filter(|r| !r.implicit).collect();
    let (pairs, name_parameter, way_parameter): (Vec<(&RequestName, &NewWay)>, _, _) = match changes
    {
        Changes::One(None, way) => match ordered.as_slice() {
            [only] => (vec![(*only, way)], "domainName", "newMethod"),
            _ => return Err(Refusal::Missing("domainName").into()),
        },
        Changes::One(Some(name), way) => {
            let row = find(rows, name).ok_or(Refusal::invalid("domainName"))?;
            (vec![(row, way)], "domainName", "newMethod")
        }
        Changes::Several(several) => {
            let found: Option<Vec<_>> =
                several.iter().map(|(name, way)| Some((find(rows, name)?, way))).collect();
            let found = found.ok_or(Refusal::invalid("domainNames"))?;
            (found, "domainNames", "newMethods")
        }
    };
    let mut changed = Vec::new();
    for (i, (row, way)) in pairs.iter().enumerate() {
        // A row may be named twice, also by the domain under its asterisk.
        if let Some((_, before)) =
            pairs[..i].iter().find(|(other, _)| other.position == row.position)
        {
            if before == way {
                continue;
            }
            let why = format!("{} is given different ways", row.name);
            return Err(Refusal::invalid_because(name_parameter, why).into());
        }
        let (method, address) = match way {
            NewWay::Mail(address) => (DcvMethod::Email, Some(address.clone())),
            NewWay::Method(method) => (*method, None),
        };
        if !method.fits(&row.name) {
            let why = format!("{method} cannot prove {}", row.name);
            return Err(Refusal::invalid_because(way_parameter, why).into());
        }
        let mut offers = Vec::new();
        if let (Some(address), Some(dns)) = (&address, row.name.dns()) {
            offers = offered_for(tx, account.id, dns, now)?;
            if speaks_for(&row.name, address, &offers).is_none() {
                let parameter = match way_parameter {
                    "newMethod" => "newDCVEmailAddress",
                    _ => "newDCVEmailAddresses",
                };
                return Err(Refusal::invalid(parameter).into());
            }
        }
        changed.push(with_method(house, row, method, address.clone(), &offers));
        // The second name that nobody ordered follows the first.
        if ordered.len() == 1
            && !row.implicit
            && let Some(twin) = rows.iter().find(|r| r.implicit)
            && method.fits(&twin.name)
        {
            changed.push(with_method(house, twin, method, address, &offers));
        }
    }
    Ok(changed)
}

/// The row with another method. A random value stays as it is while nothing about it changes (BR: a resend keeps content
/// and recipient), else there is a new one.
fn with_method(
    house: &House,
    row: &RequestName,
    method: DcvMethod,
    address: Option<MailAddress>,
    offered: &[Offer],
) -> RequestName {
    let same = row.method == method && row.address == address;
    let fresh = |r: &domain::dcv::RandomValue| house.now().since(r.made) < RANDOM_VALUE_AGE;
    let random = match &row.random {
        Some(value) if same && fresh(value) => Some(value.clone()),
        _ if needs_random_value(method, address.as_ref()) => Some(house.random_value()),
        _ => None,
    };
    let address_for = address.as_ref().and_then(|a| speaks_for(&row.name, a, offered));
    let address_for = address_for.or_else(|| row.address_for.clone().filter(|_| same));
    RequestName { method, address, address_for, random, ..row.clone() }
}

fn find<'a>(rows: &'a [RequestName], name: &CertName) -> Option<&'a RequestName> {
    let exact = rows.iter().find(|r| r.name == *name);
    // A wildcard may be named by the domain under its asterisk, as the records are.
    exact.or_else(|| rows.iter().find(|r| r.name.is_wildcard() && r.name.dns() == name.dns()))
}

/// Sends the mail again: to the same address with the same code, to another address with a new one.
///
/// # Errors
/// -4 as in [`update`]; -3 when there is no address yet.
pub async fn resend(
    house: &Arc<House>,
    caller: &Caller,
    request: ResendDcvRequest,
) -> Result<(), Failure> {
    let now = house.now();
    let (house2, account) = (house.clone(), caller.account().clone());
    let write = move |tx: &mut Tx<'_>| {
        let order = select::by_selector(tx, account.id, &request.which)?;
        open_for_validation(&order, selector_name(&request.which))?;
        check_template(tx, account.id, request.template)?;
        let rows = names::of_request(tx, order.certificate)?;
        let changed = resent(&house2, tx, &account, &rows, request.address.as_ref(), now)?;
        for row in &changed {
            names::set_method(tx, order.certificate, row)?;
        }
        let letter = letter(&account, order.number, &order.parameters, request.template, now);
        send_codes(&house2, tx, &letter, &changed)?;
        note(tx, &account, &order, "dcv.mail_resent", &changed, now)
    };
    house.store.write("resend_dcv_mail", write).await
}

fn resent(
    house: &House,
    tx: &mut Tx<'_>,
    account: &Account,
    rows: &[RequestName],
    address: Option<&MailAddress>,
    now: Time,
) -> Result<Vec<RequestName>, Failure> {
    let by_mail = |r: &&RequestName| r.method == DcvMethod::Email && r.shown.is_none();
    let Some(address) = address else {
        let known: Vec<RequestName> = rows
            .iter()
            .filter(by_mail)
            .filter_map(|r| {
                let address = r.address.clone()?;
                Some(with_method(house, r, DcvMethod::Email, Some(address), &[]))
            })
            .collect();
        return match known.is_empty() {
            true => Err(Refusal::Missing("dcvEmailAddress").into()),
            false => Ok(known),
        };
    };
    let mut changed = Vec::new();
    for row in rows.iter().filter(by_mail) {
        let Some(dns) = row.name.dns() else { continue };
        let offers = offered_for(tx, account.id, dns, now)?;
        if speaks_for(&row.name, address, &offers).is_some() {
            let address = Some(address.clone());
            changed.push(with_method(house, row, DcvMethod::Email, address, &offers));
        }
    }
    match changed.iter().any(|r| !r.implicit) {
        true => Ok(changed),
        false => Err(Refusal::invalid("dcvEmailAddress").into()),
    }
}

/// Whether a value that is looked for in DNS is too old to be accepted (BR 3.2.2.4.7), while the order waits for it.
pub(crate) fn is_stale(order: &OrderView, row: &RequestName, now: Time) -> bool {
    order.state.is_open()
        && row.method == DcvMethod::DnsTxtRandomValue
        && row.shown.is_none()
        && row.random.as_ref().is_some_and(|r| now.since(r.made) >= RANDOM_VALUE_AGE)
}

/// Renews an order's values that are too old, and gives the names as they are then.
pub(crate) async fn renew_values(
    house: &Arc<House>,
    order: &OrderView,
    rows: Vec<RequestName>,
) -> Result<Vec<RequestName>, Failure> {
    let now = house.now();
    if !rows.iter().any(|row| is_stale(order, row, now)) {
        return Ok(rows);
    }
    let (desk, order) = (house.clone(), order.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<_, Failure> {
        for row in rows.iter().filter(|row| is_stale(&order, row, now)) {
            names::renew(tx, order.certificate, row, &desk.random_value())?;
        }
        Ok(names::of_request(tx, order.certificate)?)
    };
    house.store.write("renew_random_values", write).await
}

/// How each name of an order stands. Control may have been shown by an earlier order of the chain, or for a domain
/// above: once there is a certificate, it tells.
#[must_use]
pub fn details(order: &OrderView, rows: &[RequestName]) -> Vec<DomainDetail> {
    let certified = order.der.is_some();
    let settled = matches!(order.state, RequestState::Ready | RequestState::Issuing { .. });
    let removed = |name: &str| {
        certified && order.removed_names.iter().flat_map(|all| all.split(' ')).any(|n| n == name)
    };
    rows.iter()
        .map(|row| {
            let domain = row.name.to_string();
            let removed = removed(&domain);
            let shown = row.shown.is_some() || certified || (settled && !row.implicit);
            DomainDetail {
                removed,
                validated: shown && !removed,
                domain,
                method: row.shown.as_ref().map_or(row.method, |c| c.method),
                random_value: (row.method == DcvMethod::DnsTxtRandomValue && !shown)
                    .then(|| row.random.as_ref().map(|r| r.text.clone()))
                    .flatten(),
            }
        })
        .collect()
}

/// What became of a code that was entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entered {
    /// It was right; control of the domain is shown.
    Right {
        /// The authorization domain name.
        domain: String,
        /// Names of the order that are not proven yet.
        waiting: usize,
    },
    /// The certificate was issued before.
    AlreadyIssued,
    /// Wrong code, unknown order, or a code that is too old: all the same.
    Wrong,
}

/// Enters a code from a mail.
///
/// # Errors
/// When the store fails.
pub async fn enter_code(
    house: &Arc<House>,
    number: OrderNumber,
    code: String,
    from: String,
) -> Result<Entered, Failure> {
    let now = house.now();
    let suffixes = house.rules.token_suffixes.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Entered, Failure> {
        let Some(order) = orders::by_number(tx, number)? else {
            return Ok(Entered::Wrong);
        };
        let rows = names::of_request(tx, order.certificate)?;
        let meant: Vec<&RequestName> = rows
            .iter()
            .filter(|r| r.random.as_ref().is_some_and(|v| same_secret(&v.text, &code)))
            .filter(|r| r.method == DcvMethod::Email)
            .collect();
        if meant.is_empty() {
            return Ok(Entered::Wrong);
        }
        if !order.state.is_open() {
            return Ok(if order.der.is_some() { Entered::AlreadyIssued } else { Entered::Wrong });
        }
        let mut shown: Vec<(i64, String)> = Vec::new();
        for row in meant {
            if let Some(control) = judge_code(row, &code, &from, &suffixes, now) {
                let (seen, control) = control;
                let line = evidence_line(&row.name, row.method, &seen, true);
                evidence::insert(tx, order.certificate, &line)?;
                names::set_shown(tx, order.certificate, row.position, &control)?;
                shown.push((row.position, control.shown_for.to_string()));
            }
        }
        let Some((_, domain)) = shown.first() else {
            return Ok(Entered::Wrong);
        };
        let open = |r: &&RequestName| {
            !r.implicit && r.shown.is_none() && !shown.iter().any(|(p, _)| *p == r.position)
        };
        let waiting = rows.iter().filter(open).count();
        enqueue_validation(tx, order.certificate, now, now)?;
        Ok(Entered::Right { domain: domain.clone(), waiting })
    };
    house.store.write("enter_dcv_code", write).await
}

fn judge_code(
    row: &RequestName,
    code: &str,
    from: &str,
    suffixes: &[String],
    now: Time,
) -> Option<(Evidence, Control)> {
    let (address, random) = (row.address.as_ref()?, row.random.as_ref()?);
    let challenge = Challenge::Mail(address.clone(), random.clone());
    let question = Question::Code { adn: spoken_for(row)? };
    let control = Control { shown_for: question.proves(), method: DcvMethod::Email, at: now };
    let answer = Answer::Code { address: address.clone(), code: code.to_owned() };
    let seen = Evidence { question, answer, at: now, via: from.to_owned() };
    challenge.is_met_by(&seen, suffixes).then_some((seen, control))
}

/// The receiver of a mail says that the certificate was not wanted: the order is rejected and refunded. Gives the name
/// that was declined, or None for a wrong code.
///
/// # Errors
/// When the store fails.
pub async fn reject_by_code(
    house: &Arc<House>,
    number: OrderNumber,
    code: String,
    from: String,
) -> Result<Option<String>, Failure> {
    let now = house.now();
    let write = move |tx: &mut Tx<'_>| -> Result<Option<String>, Failure> {
        let Some(order) = orders::by_number(tx, number)? else {
            return Ok(None);
        };
        let rows = names::of_request(tx, order.certificate)?;
        let right = |r: &RequestName| {
            let value = r.random.as_ref();
            r.method == DcvMethod::Email && value.is_some_and(|v| same_secret(&v.text, &code))
        };
        let waits = matches!(order.state, RequestState::AwaitingValidation { .. });
        let Some(row) = rows.iter().find(|r| waits && right(r)) else {
            return Ok(None);
        };
        let domain = row.name.to_string();
        let why = "declined by the receiver of the domain control mail".to_owned();
        let after = order.state.clone().rejected(why)?;
        end(tx, &order, after, &from, now)?;
        Ok(Some(domain))
    };
    house.store.write("reject_by_code", write).await
}

fn open_for_validation(order: &OrderView, parameter: &'static str) -> Result<(), Failure> {
    match &order.state {
        RequestState::AwaitingValidation { .. } | RequestState::Ready => Ok(()),
        RequestState::AwaitingPayment { .. } | RequestState::AwaitingAuthorization => {
            Err(Refusal::invalid_because(parameter, "The order awaits payment").into())
        }
        other => {
            let why = format!("The order is {}", other.word().replace('_', " "));
            Err(Refusal::invalid_because(parameter, why).into())
        }
    }
}

fn selector_name(which: &wire::collect_ssl::Selector) -> &'static str {
    if which.order.is_some() { "orderNumber" } else { "baseOrderNumber" }
}

fn check_template(tx: &mut Tx<'_>, account: AccountId, id: Option<i64>) -> Result<(), Failure> {
    match id {
        Some(id) if mails::template(tx, account, "dcv", id)?.is_none() => {
            Err(Refusal::invalid("dcvTemplateID").into())
        }
        _ => Ok(()),
    }
}

/// A letter in the order's language, by its template or another.
pub(crate) fn letter<'a>(
    account: &'a Account,
    order: OrderNumber,
    parameters: &str,
    template: Option<i64>,
    now: Time,
) -> Letter<'a> {
    let given: serde_json::Value = serde_json::from_str(parameters).unwrap_or_default();
    let number = |name: &str| given[name].as_str().and_then(|v| v.parse().ok());
    Letter {
        account,
        order,
        template: template.or_else(|| number("dcvTemplateID")),
        language: given["languageName"].as_str().and_then(Language::from_code),
        now,
    }
}

fn note(
    tx: &mut Tx<'_>,
    account: &Account,
    order: &OrderView,
    kind: &str,
    rows: &[RequestName],
    now: Time,
) -> Result<(), Failure> {
    let names: Vec<_> = rows
        .iter()
        .map(|r| serde_json::json!({ "name": r.name.to_string(), "method": r.method.as_str() }))
        .collect();
    let event = NewEvent {
        account: account.id,
        order: Some(order.number),
        kind,
        actor: &account.login_name,
        detail: &serde_json::Value::Array(names).to_string(),
        at: now,
    };
    Ok(events::append(tx, &event)?)
}

/// True for products with a list of names.
#[must_use]
pub fn has_list(bought: &Bought) -> bool {
    bought.kind().is_list()
}

//! Domain control: addresses that may be mailed to, codes that are sent, methods that are changed.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::certificate::{AccountId, OrderNumber};
use domain::dcv::{
    AddressSource, DcvMethod, RANDOM_VALUE_AGE, RandomValue, constructed_addresses, may_mail,
};
use domain::mail_address::MailAddress;
use domain::names::{CertName, DnsName};
use domain::order::RequestState;
use domain::order_ssl::Language;
use domain::placement::{NamePlan, Offer, SpeaksFor, speaks_for};
use domain::proof::{self, Control};
use domain::refusal::Refusal;
use domain::time::{DAY, Time};
use store::events::{self, NewEvent};
use store::names::{self, RequestName};
use store::orders::OrderView;
use store::{StoreError, Tx, accounts, mails};
use wire::auto_update_dcv::{Changes, NewWay, UpdateDcvRequest};
use wire::get_dcv_email_address_list::AddressList;
use wire::resend_dcv_email::ResendDcvRequest;

use super::bought::Bought;
use super::login::Caller;
use super::orders::{OFFER_AGE, look_now};
use super::{Failure, select};
use crate::house::House;
use crate::letters::DcvFacts;

/// Whether a random value is needed: for records that hold one, and for mail once it is known to whom.
#[must_use]
pub fn needs_random_value(method: DcvMethod, address: Option<&MailAddress>) -> bool {
    match method {
        DcvMethod::DnsTxtRandomValue | DcvMethod::Mailbox => true,
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
        let offer = |(address, source)| Offer { adn: adn.clone(), address, source };
        found.extend(addresses.into_iter().map(offer));
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

/// Writes one mail for each name that waits for one: each has an address and a random value of its own.
pub(crate) fn send_codes(
    house: &House,
    tx: &mut Tx<'_>,
    letter: &Letter<'_>,
    rows: &[RequestName],
) -> Result<(), Failure> {
    for row in rows {
        let Some((address, random, domain)) = due(house, row, letter.now) else { continue };
        let template = match row.template.or(letter.template) {
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

/// What a name's mail is made of: to whom, with which code, about which domain. None when it has none to wait for.
fn due<'a>(
    house: &House,
    row: &'a RequestName,
    now: Time,
) -> Option<(&'a MailAddress, &'a RandomValue, DnsName)> {
    let counts = |c: &Control| proof::counts(c, &house.policy, now);
    if row.method != DcvMethod::Email || row.implicit || row.shown.as_ref().is_some_and(counts) {
        return None;
    }
    let SpeaksFor { adn, .. } = spoken_for(row)?;
    Some((row.address.as_ref()?, row.random.as_ref()?, adn))
}

/// What a code that was mailed about a name proves: the authorization domain name for which the address speaks.
pub(super) fn spoken_for(row: &RequestName) -> Option<SpeaksFor> {
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
    let now = house.now();
    let mut adns = match house.policy.method_allowed(DcvMethod::Email, now) {
        true => dns.authorization_names(),
        false => Vec::new(),
    };
    adns.reverse();
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
    let from = |source| move |address| (address, source);
    let offers: Vec<(DnsName, Vec<(MailAddress, AddressSource)>)> = adns
        .into_iter()
        .zip(contacts)
        .map(|(adn, c)| {
            let by_txt = c.txt.into_iter().map(from(AddressSource::Txt));
            (adn, by_txt.chain(c.caa.into_iter().map(from(AddressSource::Caa))).collect())
        })
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
/// -4 for an order that is not the caller's or not open or has had enough mails today, for names that it does not have, for methods and addresses that
/// do not fit or have ended; -3 for the name that must be told.
pub async fn update(
    house: &Arc<House>,
    caller: &Caller,
    request: UpdateDcvRequest,
) -> Result<(), Failure> {
    let now = house.now();
    let (house2, account) = (house.clone(), caller.account().clone());
    let write = move |tx: &mut Tx<'_>| {
        let order = select::by_selector(tx, account.id, &request.which)?;
        open_for_validation(&order, select::parameter(&request.which))?;
        check_template(tx, account.id, request.template)?;
        let rows = names::of_request(tx, order.certificate)?;
        let letter = letter(&account, order.number, &order.parameters, now);
        let change = Change { house: &house2, letter: &letter, template: request.template };
        let changed = apply(&change, tx, &rows, &request.changes)?;
        for row in &changed {
            names::set_method(tx, order.certificate, row)?;
        }
        look_now(tx, order.certificate, now)?;
        let parameter = select::parameter(&request.which);
        send_further_codes(&house2, tx, &letter, ordered(&rows), &changed, parameter)?;
        note(tx, &account, &order, "dcv.changed", &changed, now)
    };
    house.store.write("update_dcv", write).await
}

/// The same for an order that may have had mails before, as long as it has not had too many. `names`: how many it has; `rows`:
/// those that are to be mailed about.
///
/// # Errors
/// -4 with the parameter that named the order, when it would be too many within a day.
pub(crate) fn send_further_codes(
    house: &House,
    tx: &mut Tx<'_>,
    letter: &Letter<'_>,
    names: usize,
    rows: &[RequestName],
    parameter: &'static str,
) -> Result<(), Failure> {
    let new = rows.iter().filter(|row| due(house, row, letter.now).is_some()).count();
    if new == 0 {
        return Ok(());
    }
    // Of those who ask at the same time each sees what the one before sent.
    accounts::hold(tx, letter.account.id)?;
    let before = mails::count(tx, letter.order, "dcv", letter.now.plus(-DAY))?;
    if !may_mail(names, before, new) {
        let why = "No more mails are sent for this order today";
        return Err(Refusal::invalid_because(parameter, why).into());
    }
    send_codes(house, tx, letter, rows)
}

/// How many names were ordered.
pub(crate) fn ordered(rows: &[RequestName]) -> usize {
    rows.iter().filter(|r| !r.implicit).count()
}

/// What a call says of every name that it changes.
struct Change<'a> {
    house: &'a House,
    letter: &'a Letter<'a>,
    /// By which template it wants mails written.
    template: Option<i64>,
}

impl Change<'_> {
    /// What may be named for a row besides constructed addresses; not looked up for one that is constructed.
    fn offers(
        &self,
        tx: &mut Tx<'_>,
        row: &RequestName,
        address: Option<&MailAddress>,
    ) -> Result<Vec<Offer>, StoreError> {
        match (address, row.name.dns()) {
            (Some(address), Some(dns)) if speaks_for(&row.name, address, &[]).is_none() => {
                offered_for(tx, self.letter.account.id, dns, self.letter.now)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The row with another method. A random value stays as it is while nothing about it changes, neither recipient nor
    /// content (BR 3.2.2.4.4, .13, .14), and proves what it was mailed about; a new one proves what its address speaks for
    /// today, which may be nothing.
    fn of(
        &self,
        row: &RequestName,
        method: DcvMethod,
        address: Option<MailAddress>,
        offered: &[Offer],
    ) -> RequestName {
        let template = self.template.or(row.template).filter(|_| method == DcvMethod::Email);
        let content = |template: Option<i64>| template.or(self.letter.template);
        let recipient = row.method == method && row.address == address;
        let same = recipient && content(row.template) == content(template);
        let fresh = |v: &&RandomValue| same && self.letter.now.since(v.made) < RANDOM_VALUE_AGE;
        let kept = row.random.as_ref().filter(fresh);
        let new =
            || needs_random_value(method, address.as_ref()).then(|| self.house.random_value());
        let today = || speaks_for(&row.name, address.as_ref()?, offered);
        let before = row.address_for.clone().filter(|_| kept.is_some());
        RequestName {
            method,
            address_for: before.or_else(today),
            random: kept.cloned().or_else(new),
            template,
            address,
            ..row.clone()
        }
    }
}

fn apply(
    change: &Change<'_>,
    tx: &mut Tx<'_>,
    rows: &[RequestName],
    changes: &Changes,
) -> Result<Vec<RequestName>, Failure> {
    let (pairs, name_parameter, way_parameter, address_parameter) = pairs(rows, changes)?;
    let alone = rows.iter().filter(|r| !r.implicit).count() == 1;
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
        let allowed = change.house.policy.method_allowed(method, change.letter.now);
        if !allowed || !method.fits(&row.name) {
            let why = format!("{method} cannot prove {}", row.name);
            return Err(Refusal::invalid_because(way_parameter, why).into());
        }
        let offers = change.offers(tx, row, address.as_ref())?;
        if address.as_ref().is_some_and(|a| speaks_for(&row.name, a, &offers).is_none()) {
            return Err(Refusal::invalid(address_parameter).into());
        }
        changed.push(change.of(row, method, address.clone(), &offers));
        // The second name that nobody ordered follows the first.
        if alone
            && !row.implicit
            && let Some(twin) = rows.iter().find(|r| r.implicit)
            && method.fits(&twin.name)
        {
            changed.push(change.of(twin, method, address, &offers));
        }
    }
    Ok(changed)
}

/// Names with their new ways, and the parameters in which name, method and address were given.
type Pairs<'a> = (Vec<(&'a RequestName, &'a NewWay)>, &'static str, &'static str, &'static str);

fn pairs<'a>(rows: &'a [RequestName], changes: &'a Changes) -> Result<Pairs<'a>, Refusal> {
    let one = ("domainName", "newMethod", "newDCVEmailAddress");
    let (found, parameters) = match changes {
        Changes::One(None, way) => {
            let mut ordered = rows.iter().filter(|r| !r.implicit);
            match (ordered.next(), ordered.next()) {
                (Some(only), None) => (vec![(only, way)], one),
                _ => return Err(Refusal::Missing("domainName")),
            }
        }
        Changes::One(Some(name), way) => {
            let row = find(rows, name).ok_or(Refusal::invalid("domainName"))?;
            (vec![(row, way)], one)
        }
        Changes::Several(several) => {
            let found: Option<Vec<_>> =
                several.iter().map(|(name, way)| Some((find(rows, name)?, way))).collect();
            let found = found.ok_or(Refusal::invalid("domainNames"))?;
            (found, ("domainNames", "newMethods", "newDCVEmailAddresses"))
        }
    };
    Ok((found, parameters.0, parameters.1, parameters.2))
}

/// Which row is meant by a name. What was ordered comes first: a wildcard may be named by the domain under its asterisk, as the
/// records are, and the second name that nobody ordered goes the way of the one that was (see [`apply`]).
fn find<'a>(rows: &'a [RequestName], name: &CertName) -> Option<&'a RequestName> {
    let ordered = || rows.iter().filter(|r| !r.implicit);
    let exact = ordered().find(|r| r.name == *name);
    let wildcard = || ordered().find(|r| r.name.is_wildcard() && r.name.dns() == name.dns());
    let second = || rows.iter().find(|r| r.name == *name).and_then(|_| ordered().next());
    exact.or_else(wildcard).or_else(second)
}

/// Sends the mail again: with the same code when neither address nor template changes and the code is not too old, else
/// with a new one.
///
/// # Errors
/// -4 as in [`update`], and for a contact that is to be sent a new code and was not offered within 24 hours; -3 when there
/// is no address yet.
pub async fn resend(
    house: &Arc<House>,
    caller: &Caller,
    request: ResendDcvRequest,
) -> Result<(), Failure> {
    let now = house.now();
    let (house2, account) = (house.clone(), caller.account().clone());
    let write = move |tx: &mut Tx<'_>| {
        let order = select::by_selector(tx, account.id, &request.which)?;
        open_for_validation(&order, select::parameter(&request.which))?;
        check_template(tx, account.id, request.template)?;
        let rows = names::of_request(tx, order.certificate)?;
        if !house2.policy.method_allowed(DcvMethod::Email, now) {
            let why = "Mail proves no name any more";
            return Err(Refusal::invalid_because(select::parameter(&request.which), why).into());
        }
        let letter = letter(&account, order.number, &order.parameters, now);
        let change = Change { house: &house2, letter: &letter, template: request.template };
        let changed = resent(&change, tx, &rows, request.address.as_ref())?;
        for row in &changed {
            names::set_method(tx, order.certificate, row)?;
        }
        let parameter = select::parameter(&request.which);
        send_further_codes(&house2, tx, &letter, ordered(&rows), &changed, parameter)?;
        note(tx, &account, &order, "dcv.mail_resent", &changed, now)
    };
    house.store.write("resend_dcv_mail", write).await
}

fn resent(
    change: &Change<'_>,
    tx: &mut Tx<'_>,
    rows: &[RequestName],
    given: Option<&MailAddress>,
) -> Result<Vec<RequestName>, Failure> {
    let counts = |c: &Control| proof::counts(c, &change.house.policy, change.letter.now);
    let open =
        |r: &&RequestName| r.method == DcvMethod::Email && !r.shown.as_ref().is_some_and(counts);
    let mut changed = Vec::new();
    for row in rows.iter().filter(open) {
        let Some(address) = given.or(row.address.as_ref()) else { continue };
        let offers = change.offers(tx, row, Some(address))?;
        if given.is_some() && speaks_for(&row.name, address, &offers).is_none() {
            continue;
        }
        let new = change.of(row, DcvMethod::Email, Some(address.clone()), &offers);
        if new.address_for.is_none() && !new.implicit {
            // A new code, and nobody has offered the contact for a day: the domain may have another by now (D73).
            let why = format!("{address} was not offered for {} within 24 hours", new.name);
            return Err(Refusal::invalid_because("dcvEmailAddress", why).into());
        }
        changed.push(new);
    }
    match (changed.iter().any(|r| !r.implicit), given) {
        (true, _) => Ok(changed),
        (false, None) => Err(Refusal::Missing("dcvEmailAddress").into()),
        (false, Some(_)) => Err(Refusal::invalid("dcvEmailAddress").into()),
    }
}

fn open_for_validation(order: &OrderView, parameter: &'static str) -> Result<(), Failure> {
    let bought =
        Bought::from_json(&order.bought).map_err(|e| Failure::Internal(format!("bought: {e}")))?;
    select::of_servers(&bought, parameter)?;
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

fn check_template(tx: &mut Tx<'_>, account: AccountId, id: Option<i64>) -> Result<(), Failure> {
    match id {
        Some(id) if mails::template(tx, account, "dcv", id)?.is_none() => {
            Err(Refusal::invalid("dcvTemplateID").into())
        }
        _ => Ok(()),
    }
}

/// A letter in the order's language, by its template.
pub(crate) fn letter<'a>(
    account: &'a Account,
    order: OrderNumber,
    parameters: &str,
    now: Time,
) -> Letter<'a> {
    let given: serde_json::Value = serde_json::from_str(parameters).unwrap_or_default();
    let number = |name: &str| given[name].as_str().and_then(|v| v.parse().ok());
    Letter {
        account,
        order,
        template: number("dcvTemplateID"),
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

//! What is done with S/MIME orders once they are placed: bring the CSR, have the certificate made, collect it, send mails again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::certificate::{AccountId, CertificateId, OrderNumber, Validity};
use domain::csr::{Csr, CsrError};
use domain::dcv::same_secret;
use domain::order::RequestState;
use domain::proof;
use domain::refusal::Refusal;
use domain::time::{HOUR, Time};
use issuance::collect;
use store::events::{self, NewEvent};
use store::names::{self, RequestName};
use store::orders::{self, OrderView};
use store::{StoreError, Tx, accounts, certificates, collection};
use wire::collect_smime::{CollectSmimeRequest, CollectedSmime, SmimePayload, Structure};
use wire::collect_ssl::{CollectStatus, QueryType};
use wire::envelope::Authentication;
use wire::request_and_collect_smime::RequestAndCollect;

use super::bought::Bought;
use super::login::Caller;
use super::orders::look_now;
use super::orders_smime::{code_digest, proven_before};
use super::smime_mails::{self, Letters};
use super::{Failure, csrs, select};
use crate::house::House;

/// Who has shown the collection code of an order. Nothing else makes one.
#[derive(Clone)]
pub struct CodeHolder {
    certificate: CertificateId,
}

impl CodeHolder {
    /// The request that the code is of.
    #[must_use]
    pub fn certificate(&self) -> CertificateId {
        self.certificate
    }
}

impl Authentication for CodeHolder {}

/// Who asks: an account that has logged in, or the holder of an order's code.
#[derive(Clone)]
pub enum Who {
    /// By its login.
    Account(Caller),
    /// By the code.
    Holder(CodeHolder),
}

impl Who {
    fn name(&self) -> &str {
        match self {
            Who::Account(caller) => &caller.account().login_name,
            Who::Holder(_) => "holder of the collection code",
        }
    }
}

/// Lets the holder of a collection code in.
///
/// # Errors
/// -42 for too many tries; -4 collectionCode.
pub async fn let_in(house: &House, code: &str, from: IpAddr) -> Result<CodeHolder, Failure> {
    let digest = code_digest(code);
    if !house.code_tries.allows_code(from, &digest) {
        return Err(Refusal::CallLimit.into());
    }
    let code = code.to_owned();
    let read = move |tx: &mut Tx<'_>| by_code(tx, &code);
    match house.store.read("collection_code", read).await? {
        Some(certificate) => Ok(CodeHolder { certificate }),
        None if house.code_tries.allows_wrong(from) => {
            Err(Refusal::invalid("collectionCode").into())
        }
        None => Err(Refusal::CallLimit.into()),
    }
}

/// Found by the digest and compared whole, in a time that tells nothing of the code.
fn by_code(tx: &mut Tx<'_>, code: &str) -> Result<Option<CertificateId>, StoreError> {
    let found = collection::by_digest(tx, &code_digest(code))?;
    Ok(found.filter(|(_, kept)| same_secret(kept, code)).map(|(id, _)| id))
}

/// The order that is meant: the newest of its chain, by the number of any of it or by a code.
fn find(
    tx: &mut Tx<'_>,
    who: &Who,
    number: Option<OrderNumber>,
    code: Option<&str>,
) -> Result<OrderView, Failure> {
    let wrong = |parameter| Failure::Refused(Refusal::invalid(parameter));
    let by_number = match (who, number) {
        (Who::Account(caller), Some(number)) => {
            let found = select::newest(tx, caller.account().id, number)?;
            Some(found.ok_or_else(|| wrong("orderNumber"))?)
        }
        _ => None,
    };
    let certificate = match (who, code) {
        (Who::Holder(holder), _) => Some(holder.certificate),
        (Who::Account(_), Some(code)) => {
            Some(by_code(tx, code)?.ok_or_else(|| wrong("collectionCode"))?)
        }
        (Who::Account(_), None) => None,
    };
    let by_code = match certificate {
        Some(id) => of_chain(tx, id)?,
        None => None,
    };
    match (by_number, by_code, who) {
        (Some(order), None, _) => Ok(order),
        (Some(order), Some(other), _) if order.base == other.base => Ok(order),
        (None, Some(order), Who::Account(caller)) if order.account == caller.account().id => {
            Ok(order)
        }
        (None, Some(order), Who::Holder(_)) => match number {
            Some(number) if !is_in_chain(tx, number, order.base)? => Err(wrong("collectionCode")),
            _ => Ok(order),
        },
        _ => Err(wrong("collectionCode")),
    }
}

fn of_chain(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<OrderView>, StoreError> {
    match orders::by_certificate(tx, id)? {
        Some(order) => orders::newest(tx, order.base),
        None => Ok(None),
    }
}

fn is_in_chain(
    tx: &mut Tx<'_>,
    number: OrderNumber,
    base: OrderNumber,
) -> Result<bool, StoreError> {
    Ok(orders::by_number(tx, number)?.is_some_and(|order| order.base == base))
}

/// An S/MIME order that may be asked about.
///
/// # Errors
/// -153 for another product; -20, -21, -22.
fn judged(order: OrderView) -> Result<(OrderView, Bought), Failure> {
    let bought =
        Bought::from_json(&order.bought).map_err(|e| Failure::Internal(format!("bought: {e}")))?;
    if !bought.level().is_mail() {
        return Err(Refusal::UnsupportedProduct.into());
    }
    order.state.smime_collectable()?;
    Ok((order, bought))
}

/// Whether the mailbox is proven, now.
pub(crate) fn is_proven(
    tx: &mut Tx<'_>,
    house: &House,
    order: &OrderView,
    now: Time,
) -> Result<bool, StoreError> {
    if order.der.is_some() {
        return Ok(true);
    }
    for row in names::of_request(tx, order.certificate)? {
        let own = row.shown.as_ref().is_some_and(|c| proof::counts(c, &house.policy, now));
        if !own && proven_before(tx, house, order.account, &row.name, now)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Answers RequestAndCollectSMIME.
///
/// # Errors
/// -4, -153, -20, -21, -22 for the order; -18 and -9 to -13, -40 for the CSR; -154.
pub async fn request_and_collect(
    house: &Arc<House>,
    who: Who,
    request: RequestAndCollect,
) -> Result<CollectedSmime, Failure> {
    let now = house.now();
    let (number, code) = (request.order, request.code.clone());
    let asked_by = who.clone();
    let look = move |tx: &mut Tx<'_>| -> Result<(OrderView, Bought), Failure> {
        judged(find(tx, &asked_by, number, code.as_deref())?)
    };
    let (order, _) = house.store.read("smime_order", look).await?;
    let csr = match &request.csr {
        Some(_) if order.csr.is_some() => return Err(Refusal::CsrProvided.into()),
        Some(text) => Some(csrs::of_order(house, order.account, text).await?),
        None => None,
    };
    let step = Step {
        house: house.clone(),
        order: order.number,
        csr,
        go_on: request.return_certificate,
        wants_data: request.collect.query != QueryType::Status,
        actor: who.name().to_owned(),
        now,
    };
    let go_on = step.go_on;
    house.store.write("bring_csr", move |tx: &mut Tx<'_>| step.write(tx)).await?;
    if go_on {
        issued_soon(house, order.certificate).await?;
    }
    let id = order.certificate;
    let read = move |tx: &mut Tx<'_>| orders::by_certificate(tx, id);
    let order = house.store.read("smime_order", read).await?;
    let order = order.ok_or_else(|| Failure::Internal("the order is gone".into()))?;
    collected(house, &judged(order)?.0, &request.collect)
}

/// Answers CollectSMIME.
///
/// # Errors
/// -4, -153, -20, -21, -22 for the order.
pub async fn collect(
    house: &Arc<House>,
    caller: &Caller,
    number: OrderNumber,
    request: &CollectSmimeRequest,
) -> Result<CollectedSmime, Failure> {
    let account = caller.account().id;
    let read = move |tx: &mut Tx<'_>| -> Result<OrderView, Failure> {
        let found = select::newest(tx, account, number)?;
        found.ok_or(Failure::Refused(Refusal::invalid("orderNumber")))
    };
    let order = house.store.read("smime_order", read).await?;
    collected(house, &judged(order)?.0, request)
}

/// What RequestAndCollectSMIME does to an order, in one transaction.
struct Step {
    house: Arc<House>,
    order: OrderNumber,
    csr: Option<Csr>,
    go_on: bool,
    wants_data: bool,
    actor: String,
    now: Time,
}

impl Step {
    fn write(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let order = orders::by_number(tx, self.order)?
            .ok_or_else(|| Failure::Internal("the order is gone".into()))?;
        let (order, _) = judged(order)?;
        if (self.go_on || self.wants_data) && !is_proven(tx, &self.house, &order, self.now)? {
            return Err(Refusal::MailboxUnproven.into());
        }
        let has_key = order.csr.is_some() || self.csr.is_some();
        let goes_on = self.go_on && has_key && order.der.is_none();
        if let Some(csr) = &self.csr {
            if order.csr.is_some() {
                return Err(Refusal::CsrProvided.into());
            }
            if certificates::key_is_compromised(tx, &csr.key.spki)? {
                return Err(Refusal::from(CsrError::Compromised).into());
            }
        }
        if goes_on && matches!(order.state, RequestState::AwaitingCsr { .. }) {
            let after = order.state.clone().with_key()?;
            orders::set_state(tx, &order, &after, self.now)?;
        }
        if let Some(csr) = &self.csr {
            orders::set_key(tx, order.certificate, &csrs::to_keep(csr))?;
            self.note(tx, &order)?;
        }
        if goes_on {
            look_now(tx, order.certificate, self.now)?;
        }
        Ok(())
    }

    fn note(&self, tx: &mut Tx<'_>, order: &OrderView) -> Result<(), StoreError> {
        let event = NewEvent {
            account: order.account,
            order: Some(order.number),
            kind: "order.csr_brought",
            actor: &self.actor,
            detail: &serde_json::json!({ "go_on": self.go_on }).to_string(),
            at: self.now,
        };
        events::append(tx, &event)
    }
}

/// Waits a moment for a certificate that is being made.
pub(crate) async fn issued_soon(house: &House, id: CertificateId) -> Result<(), Failure> {
    const LOOKS: u32 = 120;
    const BETWEEN: Duration = Duration::from_millis(25);
    for _ in 0..LOOKS {
        let read = move |tx: &mut Tx<'_>| orders::by_certificate(tx, id);
        let order = house.store.read("await_issue", read).await?;
        let on_its_way = order.is_some_and(|order| {
            order.state.is_looked_at() && order.der.is_none() && order.state.others_passed()
        });
        if !on_its_way {
            break;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(())
}

/// How an order stands, with what was asked for of its certificate.
fn collected(
    house: &House,
    order: &OrderView,
    request: &CollectSmimeRequest,
) -> Result<CollectedSmime, Failure> {
    let Some(leaf) = &order.der else {
        let payload = SmimePayload::None;
        return Ok(CollectedSmime { status: CollectStatus::Pending, validity: None, payload });
    };
    let validity = order.validity.map(|(not_before, not_after)| Validity { not_before, not_after });
    if request.query == QueryType::Status {
        let payload = SmimePayload::None;
        return Ok(CollectedSmime { status: CollectStatus::Available, validity, payload });
    }
    let payload = payload(house, order, leaf, request.response)?;
    Ok(CollectedSmime { status: CollectStatus::Attached, validity, payload })
}

fn payload(
    house: &House,
    order: &OrderView,
    leaf: &[u8],
    structure: Structure,
) -> Result<SmimePayload, Failure> {
    let chain = chain_of(house, order)?;
    let above: Vec<&[u8]> = chain.iter().rev().map(Vec::as_slice).collect();
    let leaf_first = || -> Vec<&[u8]> { std::iter::once(leaf).chain(above.clone()).collect() };
    let made = match structure {
        Structure::Individual => {
            return Ok(SmimePayload::Individual { chain: chain.clone(), leaf: leaf.to_vec() });
        }
        Structure::Pkcs7 => collect::pkcs7(&leaf_first()),
        Structure::Netscape => collect::netscape_sequence(&leaf_first()),
        Structure::Cmmf => collect::cmmf(leaf, &above),
    };
    let odd = |e: collect::NotDer| {
        Failure::Internal(format!("order {}: a certificate is not DER: {e}", order.number))
    };
    Ok(SmimePayload::Structure(made.map_err(odd)?))
}

/// The CA certificates above an order's certificate, root first.
pub(crate) fn chain_of(house: &House, order: &OrderView) -> Result<Vec<Vec<u8>>, Failure> {
    let ca = order.ca.ok_or_else(|| Failure::Internal("a certificate without a CA".into()))?;
    house.authority.chain(ca).ok_or_else(|| {
        Failure::Internal(format!("CA {ca} is not in this house: its folder was exchanged"))
    })
}

/// The most mails of one kind that an order has within a day.
const MAILS_A_DAY: usize = 10;

/// A code that is older than this is exchanged when its mail is sent again, so that whoever gets it has half a day.
const CODE_IS_FRESH: i64 = 12 * HOUR;

/// Sends the code of the mailbox again.
///
/// # Errors
/// -4 for an order that is not the caller's, is no S/MIME order, does not wait for the proof or has had enough mails today; -4
/// emailAddress for a mailbox that it does not have.
pub async fn resend_verification(
    house: &Arc<House>,
    caller: &Caller,
    number: OrderNumber,
    mailboxes: Vec<domain::mail_address::MailAddress>,
) -> Result<(), Failure> {
    let (desk, caller) = (house.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<(), Failure> {
        let now = desk.now();
        let account = caller.account();
        let order = open_order(tx, account.id, number)?;
        let rows = names::of_request(tx, order.certificate)?;
        let unknown = |m: &domain::mail_address::MailAddress| {
            !rows.iter().any(|row| row.name.mailbox().is_some_and(|own| own.same_mailbox(m)))
        };
        if mailboxes.iter().any(unknown) {
            return Err(Refusal::invalid("emailAddress").into());
        }
        if !order.state.is_open() || is_proven(tx, &desk, &order, now)? {
            let why = "The order does not wait for the mailbox to be confirmed";
            return Err(Refusal::invalid_because("orderNumber", why).into());
        }
        accounts::hold(tx, account.id)?;
        if smime_mails::sent_today(tx, order.number, "smime_verification", now)? >= MAILS_A_DAY {
            return Err(too_many());
        }
        let bought = Bought::from_json(&order.bought)
            .map_err(|e| Failure::Internal(format!("bought: {e}")))?;
        let texts = smime_mails::texts_of(&order.parameters);
        let letters = letters(&desk, &caller, &order, &bought, &texts, now);
        for row in rows {
            let row = refreshed(&desk, row, now);
            names::set_method(tx, order.certificate, &row)?;
            letters.verification(tx, &RequestName { shown: None, ..row })?;
        }
        note(tx, account, &order, "smime.verification_resent", now)
    };
    house.store.write("resend_verification", write).await
}

/// The row with a code that can be used for a while yet.
fn refreshed(house: &House, row: RequestName, now: Time) -> RequestName {
    let fresh = row.random.as_ref().is_some_and(|r| now.since(r.made) < CODE_IS_FRESH);
    match fresh {
        true => row,
        false => RequestName { random: Some(house.random_value()), ..row },
    }
}

/// Sends the mail with the way to the certificate again.
///
/// # Errors
/// -4 for an order that is not the caller's, is no S/MIME order, has nothing to collect yet or has had enough mails today.
pub async fn resend_collection(
    house: &Arc<House>,
    caller: &Caller,
    number: OrderNumber,
) -> Result<(), Failure> {
    let (desk, caller) = (house.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<(), Failure> {
        let now = desk.now();
        let account = caller.account();
        let order = open_order(tx, account.id, number)?;
        let issued = matches!(order.state, RequestState::Issued { .. });
        if !issued && !smime_mails::waits_for_the_key_alone(&order.state) {
            let why = "The order has nothing to collect";
            return Err(Refusal::invalid_because("orderNumber", why).into());
        }
        accounts::hold(tx, account.id)?;
        if smime_mails::sent_today(tx, order.number, "smime_collection", now)? >= MAILS_A_DAY {
            return Err(too_many());
        }
        let bought = Bought::from_json(&order.bought)
            .map_err(|e| Failure::Internal(format!("bought: {e}")))?;
        let texts = smime_mails::texts_of(&order.parameters);
        let letters = letters(&desk, &caller, &order, &bought, &texts, now);
        collection_mail(tx, &letters, &order)?;
        note(tx, account, &order, "smime.collection_resent", now)
    };
    house.store.write("resend_collection", write).await
}

/// Leads whoever has the mailbox to the certificate of an order, or to where its key is made.
pub(crate) fn collection_mail(
    tx: &mut Tx<'_>,
    letters: &Letters<'_>,
    order: &OrderView,
) -> Result<(), Failure> {
    let rows = names::of_request(tx, order.certificate)?;
    let mailbox = rows.iter().find_map(|row| row.name.mailbox());
    let code = collection::code_of(tx, order.certificate)?;
    let (Some(mailbox), Some(code)) = (mailbox, code) else {
        return Err(Failure::Internal(format!("order {}: no mailbox or no code", order.number)));
    };
    let issued = order.der.as_ref().and(order.validity);
    let issued = issued.map(|(not_before, not_after)| Validity { not_before, not_after });
    letters.collection(tx, mailbox, &code, issued)
}

/// The account's S/MIME order with this number, the newest of its chain.
fn open_order(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: OrderNumber,
) -> Result<OrderView, Failure> {
    let found = select::newest(tx, account, number)?;
    let is_mail = |order: &OrderView| {
        Bought::from_json(&order.bought).is_ok_and(|bought| bought.level().is_mail())
    };
    found.filter(is_mail).ok_or(Failure::Refused(Refusal::invalid("orderNumber")))
}

fn letters<'a>(
    house: &'a Arc<House>,
    caller: &'a Caller,
    order: &OrderView,
    bought: &'a Bought,
    texts: &'a domain::order_smime::SmimeTexts,
    now: Time,
) -> Letters<'a> {
    Letters {
        house,
        account: caller.account(),
        order: order.number,
        product: &bought.name,
        texts,
        forwarded: smime_mails::is_forwarded(&order.parameters),
        now,
    }
}

fn too_many() -> Failure {
    let why = "No more mails are sent for this order today";
    Refusal::invalid_because("orderNumber", why).into()
}

fn note(
    tx: &mut Tx<'_>,
    account: &domain::account::Account,
    order: &OrderView,
    kind: &str,
    now: Time,
) -> Result<(), Failure> {
    let event = NewEvent {
        account: account.id,
        order: Some(order.number),
        kind,
        actor: &account.login_name,
        detail: "{}",
        at: now,
    };
    Ok(events::append(tx, &event)?)
}

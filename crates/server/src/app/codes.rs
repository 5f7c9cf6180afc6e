//! Codes of domain control mails that come back: entered, or declined by the receiver.

use std::sync::Arc;

use domain::certificate::OrderNumber;
use domain::dcv::{Challenge, DcvMethod, same_secret};
use domain::evidence::{Answer, Evidence, Question};
use domain::mail_address::MailAddress;
use domain::order::RequestState;
use domain::order_ssl::Language;
use domain::placement::SpeaksFor;
use domain::proof::{self, Control};
use domain::time::Time;
use store::names::{self, RequestName};
use store::orders::{self, OrderView};
use store::{StoreError, Tx, evidence};

use super::Failure;
use super::dcv::spoken_for;
use super::evidence_lines::evidence_line;
use super::orders::{end, look_now};
use super::smime_mails::texts_of;
use crate::house::House;

/// The order with its names, if the code was mailed for one of them at least.
fn meant_by(
    tx: &mut Tx<'_>,
    number: OrderNumber,
    code: &str,
) -> Result<Option<(OrderView, Vec<RequestName>)>, StoreError> {
    let Some(order) = orders::by_number(tx, number)? else {
        return Ok(None);
    };
    let rows = names::of_request(tx, order.certificate)?;
    Ok(rows.iter().any(|row| has_code(row, code)).then_some((order, rows)))
}

fn has_code(row: &RequestName, code: &str) -> bool {
    let value = row.random.as_ref();
    row.method == DcvMethod::Email && value.is_some_and(|v| same_secret(&v.text, code))
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
    /// It was right, and the order has come to nothing.
    Over,
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
    let desk = house.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Entered, Failure> {
        let Some((order, rows)) = meant_by(tx, number, &code)? else {
            return Ok(Entered::Wrong);
        };
        let meant = rows.iter().filter(|row| has_code(row, &code));
        if !order.state.is_open() {
            return Ok(if order.der.is_some() { Entered::AlreadyIssued } else { Entered::Over });
        }
        if !desk.policy.method_allowed(DcvMethod::Email, now) {
            return Ok(Entered::Wrong);
        }
        let mut shown: Vec<(i64, String)> = Vec::new();
        for row in meant {
            if let Some(control) = judge_code(row, &code, &from, &desk.rules.token_suffixes, now) {
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
        let counts = |c: &Control| proof::counts(c, &desk.policy, now);
        let open = |r: &&RequestName| {
            let proven = r.shown.as_ref().is_some_and(counts);
            !r.implicit && !proven && !shown.iter().any(|(p, _)| *p == r.position)
        };
        let waiting = rows.iter().filter(open).count();
        look_now(tx, order.certificate, now)?;
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
    let SpeaksFor { adn, source } = spoken_for(row)?;
    let question = Question::Code { adn, source };
    let control = Control { shown_for: question.proves(), method: DcvMethod::Email, at: now };
    let answer = Answer::Code { address: address.clone(), code: code.to_owned() };
    let seen = Evidence { question, answer, at: now, via: from.to_owned() };
    challenge.is_met_by(&seen, suffixes).then_some((seen, control))
}

/// What became of a mailbox's code that was entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EnteredMailbox {
    /// It was right; control of the mailbox is shown.
    Right,
    /// The certificate was issued before.
    AlreadyIssued,
    /// It was right, and the order has come to nothing.
    Over,
    /// It was right, and came too late: a new mail has to be asked for.
    Late,
    /// Wrong code or unknown order: all the same.
    Wrong,
}

/// What the pages about a mailbox say of an order.
#[derive(Clone, Debug)]
pub struct OfMailbox {
    /// What became of the code.
    pub entered: EnteredMailbox,
    /// The mailbox, and the language of the order; only told to who had a right code.
    pub known: Option<(MailAddress, Language)>,
}

/// Enters the code that was mailed to a mailbox.
///
/// # Errors
/// When the store fails.
pub async fn enter_mailbox_code(
    house: &Arc<House>,
    number: OrderNumber,
    code: String,
    from: String,
) -> Result<OfMailbox, Failure> {
    let now = house.now();
    let write = move |tx: &mut Tx<'_>| -> Result<OfMailbox, Failure> {
        let nobody = OfMailbox { entered: EnteredMailbox::Wrong, known: None };
        let Some(order) = orders::by_number(tx, number)? else { return Ok(nobody) };
        let rows = names::of_request(tx, order.certificate)?;
        let right = |row: &&RequestName| {
            let value = row.random.as_ref();
            row.method == DcvMethod::Mailbox && value.is_some_and(|v| same_secret(&v.text, &code))
        };
        let Some(row) = rows.iter().find(right) else { return Ok(nobody) };
        let language = texts_of(&order.parameters).language.unwrap_or_default();
        let known = row.name.mailbox().map(|mailbox| (mailbox.clone(), language));
        let entered = match (order.state.is_open(), order.der.is_some()) {
            (false, true) => EnteredMailbox::AlreadyIssued,
            (false, false) => EnteredMailbox::Over,
            (true, _) => show_mailbox(tx, &order, row, &code, &from, now)?,
        };
        Ok(OfMailbox { entered, known })
    };
    house.store.write("enter_mailbox_code", write).await
}

fn show_mailbox(
    tx: &mut Tx<'_>,
    order: &OrderView,
    row: &RequestName,
    code: &str,
    from: &str,
    now: Time,
) -> Result<EnteredMailbox, Failure> {
    let (Some(mailbox), Some(random)) = (row.name.mailbox(), row.random.clone()) else {
        return Ok(EnteredMailbox::Wrong);
    };
    let challenge = Challenge::Mailbox(mailbox.clone(), random);
    let question = Question::MailboxCode { mailbox: mailbox.clone() };
    let control = Control { shown_for: question.proves(), method: DcvMethod::Mailbox, at: now };
    let answer = Answer::Code { address: mailbox.clone(), code: code.to_owned() };
    let seen = Evidence { question, answer, at: now, via: from.to_owned() };
    if !challenge.is_met_by(&seen, &[]) {
        return Ok(EnteredMailbox::Late);
    }
    let line = evidence_line(&row.name, row.method, &seen, true);
    evidence::insert(tx, order.certificate, &line)?;
    names::set_shown(tx, order.certificate, row.position, &control)?;
    look_now(tx, order.certificate, now)?;
    Ok(EnteredMailbox::Right)
}

/// What became of a receiver's no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Declined {
    /// The order is rejected and refunded. The name that was declined.
    Rejected(String),
    /// Too late: the certificate was issued, or is being issued now.
    AlreadyIssued,
    /// It has come to nothing before.
    Over,
    /// Wrong code, unknown order, an order whose payment is awaited: all the same.
    Wrong,
}

/// The receiver of a mail says that the certificate was not wanted. That counts until a certificate is written down.
///
/// # Errors
/// When the store fails.
pub async fn reject_by_code(
    house: &Arc<House>,
    number: OrderNumber,
    code: String,
    from: String,
) -> Result<Declined, Failure> {
    let now = house.now();
    let write = move |tx: &mut Tx<'_>| -> Result<Declined, Failure> {
        let Some((order, rows)) = meant_by(tx, number, &code)? else {
            return Ok(Declined::Wrong);
        };
        match &order.state {
            RequestState::AwaitingValidation { .. } | RequestState::Ready => {}
            RequestState::Issuing { .. } => return Ok(Declined::AlreadyIssued),
            _ if order.der.is_some() => return Ok(Declined::AlreadyIssued),
            state if !state.is_open() => return Ok(Declined::Over),
            _ => return Ok(Declined::Wrong),
        }
        let Some(row) = rows.iter().find(|row| has_code(row, &code)) else {
            return Ok(Declined::Wrong);
        };
        let domain = row.name.to_string();
        let why = "declined by the receiver of the domain control mail".to_owned();
        let after = order.state.clone().rejected(why)?;
        end(tx, &order, after, &from, now)?;
        Ok(Declined::Rejected(domain))
    };
    house.store.write("reject_by_code", write).await
}

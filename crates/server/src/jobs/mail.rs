//! Mail: written down with the facts that ask for it, sent afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use domain::time::Time;
use store::jobs::{self, Job, NewJob, Ticket};
use store::mails::{self, NewMail, Outgoing};
use store::{StoreError, Tx};

use super::{Batches, MAIL, NOTICE, retry, told};
use crate::app::Failure;
use crate::house::House;
use crate::mail::Kind;
use crate::together::Answers;

/// Mails without which an order does not go on: they need not queue behind those that tell what has happened.
const AWAITED: [Kind; 2] = [Kind::Dcv, Kind::SmimeVerification];

/// Writes a mail down and promises that it is sent.
///
/// # Errors
/// When the store fails.
pub fn post(tx: &mut Tx<'_>, mail: &NewMail, now: Time) -> Result<(), StoreError> {
    post_all(tx, vec![(mail, now)])
}

/// The same for several.
///
/// # Errors
/// When the store fails.
pub fn post_all(tx: &mut Tx<'_>, mails: Vec<(&NewMail, Time)>) -> Result<(), StoreError> {
    let numbers = mails::numbers(tx, mails.len())?;
    for (id, (mail, now)) in numbers.into_iter().zip(mails) {
        mails::insert(tx, id, mail, now)?;
        let job = NewJob {
            kind: if AWAITED.iter().any(|k| k.as_str() == mail.kind) { MAIL } else { NOTICE },
            subject: id,
            payload: "",
            run_at: now.ms(),
            created_at: now.ms(),
            single: false,
        };
        jobs::enqueue(tx, &job)?;
    }
    Ok(())
}

/// A mail that was handed over.
pub struct Sent {
    id: i64,
    ticket: Ticket,
    at: Time,
}

/// Loads mails that are still to be sent, in the order of the list.
///
/// # Errors
/// When the store fails.
pub fn load(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Answers<Option<Outgoing>>, Failure> {
    let mut found: HashMap<i64, Outgoing> =
        mails::unsent(tx, ids)?.into_iter().map(|mail| (mail.id, mail)).collect();
    Ok(ids.iter().map(|id| Ok(found.remove(id))).collect())
}

/// Notes that mails were sent.
///
/// # Errors
/// When the store fails.
pub fn note(tx: &mut Tx<'_>, all: &[Sent]) -> Result<Answers<()>, Failure> {
    tx.gather();
    for sent in all {
        mails::mark_sent(tx, sent.id, sent.at)?;
    }
    let tickets: Vec<Ticket> = all.iter().map(|sent| sent.ticket).collect();
    jobs::finish(tx, &tickets)?;
    Ok(all.iter().map(|_| Ok(())).collect())
}

/// Runs the job.
///
/// # Errors
/// When the mail could not be handed over; it is tried again then.
pub async fn run(house: &Arc<House>, batches: &Batches, job: Job) -> Result<(), String> {
    let (id, ticket) = (job.subject, job.ticket);
    let mail = batches.mails.ask(id).await.map_err(told)?;
    let outcome = match &mail {
        Some(mail) => house.mail.send(mail).await,
        None => Ok(()),
    };
    let at = house.now();
    match outcome {
        Ok(()) => batches.sent.ask(Sent { id, ticket, at }).await.map_err(told),
        Err(error) if error.is_permanent() || retry::is_last_mail(job.attempts) => {
            let why = error.to_string();
            tracing::warn!(mail = id, %error, "mail given up");
            let done = move |tx: &mut Tx<'_>| {
                mails::mark_failed(tx, id, &why)?;
                jobs::give_up(tx, ticket, &why)
            };
            house.store.write("mail_given_up", done).await.map(drop).map_err(|e| e.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

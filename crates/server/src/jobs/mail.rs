//! Mail: written down with the facts that ask for it, sent afterwards.

use std::sync::Arc;

use domain::time::Time;
use store::jobs::{self, Job, NewJob};
use store::mails::{self, NewMail};
use store::{StoreError, Tx};

use super::MAIL;
use crate::house::House;

/// Writes a mail down and promises that it is sent.
///
/// # Errors
/// When the store fails.
pub fn post(tx: &mut Tx<'_>, mail: &NewMail, now: Time) -> Result<(), StoreError> {
    let id = mails::insert(tx, mail, now)?;
    jobs::enqueue(
        tx,
        &NewJob {
            kind: MAIL,
            subject: id,
            payload: "",
            run_at: now.ms(),
            created_at: now.ms(),
            single: false,
        },
    )
}

/// How often a mail is tried before it is given up: over about two days.
const TRIES: i64 = 12;

/// Runs the job.
///
/// # Errors
/// When the mail could not be handed over; it is tried again then.
pub async fn run(house: &Arc<House>, job: Job) -> Result<(), String> {
    let (id, ticket) = (job.subject, job.ticket);
    let load = move |tx: &mut Tx<'_>| mails::unsent(tx, id);
    let mail: Option<mails::Outgoing> =
        house.store.read("load_mail", load).await.map_err(|e: StoreError| e.to_string())?;
    let outcome = match &mail {
        Some(mail) => house.mail.send(mail).await,
        None => Ok(()),
    };
    let now = house.now();
    match outcome {
        Ok(()) => {
            let done = move |tx: &mut Tx<'_>| {
                mails::mark_sent(tx, id, now)?;
                jobs::finish(tx, &[ticket])
            };
            house.store.write("mail_sent", done).await.map(drop).map_err(|e| e.to_string())
        }
        Err(error) if error.is_permanent() || job.attempts >= TRIES => {
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

//! One look at a certificate request: ask, decide, write down, sign, keep.

use std::sync::Arc;

use domain::certificate::CertificateId;
use store::jobs::{Job, Ticket};
use store::{StoreError, Tx};

use super::{AtWork, Batches, told, while_leased};
use crate::app::Failure;
use crate::app::issue::{self, Keeping};
use crate::app::validate::{self, Findings, Subject, Writing};
use crate::house::House;
use crate::together::{self, Answers};

/// Runs jobs that were claimed together: their requests are loaded at once, and each goes its own way from there. What they
/// write they write together again: see [`Batches`].
pub(super) async fn run(house: Arc<House>, batches: Arc<Batches>, jobs: Vec<AtWork>) {
    let ids = jobs.iter().map(|work| CertificateId(work.job.subject)).collect();
    let subjects = together::read_all(&house.store, "load_requests", load, ids).await;
    for (work, subject) in jobs.into_iter().zip(subjects) {
        let (house, batches) = (house.clone(), batches.clone());
        tokio::spawn(async move {
            let ticket = work.job.ticket;
            let look = async {
                match look(&house, &batches, &work.job, subject).await {
                    // Somebody changed the request while we were asking: what we found is about what it was.
                    Err(Failure::Store(StoreError::NotOne { .. })) => {
                        let now = house.now().ms();
                        let again = move |tx: &mut Tx<'_>| store::jobs::retry(tx, ticket, now, "");
                        house.store.write("look_again", again).await.map_err(|e| e.to_string())
                    }
                    done => done.map_err(told),
                }
            };
            let done = while_leased(&house, ticket, look).await;
            work.end(&house, done).await;
        });
    }
}

fn load(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Answers<Option<Subject>>, Failure> {
    Ok(validate::load(tx, ids)?.into_iter().map(Ok).collect())
}

async fn look(
    house: &Arc<House>,
    batches: &Batches,
    job: &Job,
    subject: Result<Option<Subject>, Failure>,
) -> Result<(), Failure> {
    let ticket = job.ticket;
    let Some(subject) = subject? else {
        let finish = move |tx: &mut Tx<'_>| store::jobs::finish(tx, &[ticket]);
        return Ok(house.store.write("finish_job", finish).await.map(drop)?);
    };
    let now = house.now();
    let findings = validate::ask(house, &subject, now).await;
    let subject = Arc::new(subject);
    if let Some(recorded) = &subject.recorded {
        return resume(house, batches, &subject, findings, recorded, ticket).await;
    }
    let mut verdict = validate::decide(house, subject.clone(), findings, job.attempts, now);
    if !verdict.findings.lines.is_empty() {
        batches.yields.note(verdict.again.is_none() || !verdict.findings.shown.is_empty());
    }
    let to_sign = verdict.issue.as_mut().and_then(|(_, to_sign)| to_sign.take());
    let receipt = batches.verdicts.ask(Writing { verdict, ticket, now }).await?;
    match (receipt, to_sign) {
        (Some(receipt), Some(to_sign)) => {
            let signed = issue::sign(house, to_sign, &receipt)?;
            keep(house, batches, subject, signed, ticket).await
        }
        _ => Ok(()),
    }
}

/// Takes up what was written down before a crash. What cannot be signed any more is given up, and the request is
/// looked at anew.
async fn resume(
    house: &Arc<House>,
    batches: &Batches,
    subject: &Arc<Subject>,
    findings: Findings,
    recorded: &store::certificates::Recorded,
    ticket: Ticket,
) -> Result<(), Failure> {
    let now = house.now();
    let proven = validate::proven(house, subject, &findings, now);
    let signed = proven.and_then(|proven| {
        let to_sign = issue::resume(house, subject, recorded, proven, now);
        to_sign.and_then(|to_sign| issue::sign(house, to_sign, &recorded.receipt)).map_err(told)
    });
    match signed {
        Ok(signed) => keep(house, batches, subject.clone(), signed, ticket).await,
        Err(why) => {
            tracing::warn!(order = %subject.order.number, why, "given up unsigned");
            let subject = subject.clone();
            let give_up = move |tx: &mut Tx<'_>| -> Result<(), Failure> {
                issue::give_up(tx, &subject.order, &why, now)?;
                Ok(store::jobs::retry(tx, ticket, now.ms(), &why)?)
            };
            house.store.write("give_up_unsigned", give_up).await
        }
    }
}

async fn keep(
    house: &Arc<House>,
    batches: &Batches,
    subject: Arc<Subject>,
    signed: issue::Signed,
    ticket: Ticket,
) -> Result<(), Failure> {
    let now = house.now();
    let mail = issue::letter(house, &subject, &signed, now)?;
    batches.kept.ask(Keeping { subject, signed, mail, ticket, now }).await
}

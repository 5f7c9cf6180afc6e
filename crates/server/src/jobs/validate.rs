//! One look at a certificate request: ask, decide, write down, sign, keep.

use std::sync::Arc;
use std::time::Duration;

use domain::certificate::CertificateId;
use domain::receipt::Receipt;
use domain::time::Time;
use store::jobs::Ticket;
use store::{StoreError, Tx};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{AtWork, keep_lease, told};
use crate::app::Failure;
use crate::app::issue::{self, Keeping, ToSign};
use crate::app::validate::{self, Findings, Subject, Verdict, Writing};
use crate::house::House;
use crate::together::{self, Answers};

/// After the first answer of a batch those that come within so long are written with it.
const GATHERING: Duration = Duration::from_millis(5);

/// Runs jobs that were claimed together. All of them ask at a time; what was decided is written, and the certificates are
/// kept, for all at once whose answers come at about the same time. Nobody waits for one whose DNS is slow.
pub(super) async fn run(house: Arc<House>, jobs: Vec<AtWork>) {
    let ids = jobs.iter().map(|work| CertificateId(work.job.subject)).collect();
    let subjects = together::read_all(&house.store, "load_requests", load, ids).await;
    let mut looking = JoinSet::new();
    for (work, subject) in jobs.into_iter().zip(subjects) {
        let house = house.clone();
        looking.spawn(async move {
            match subject {
                Ok(Some(subject)) => look(&house, work, subject).await,
                Ok(None) => {
                    let done = no_more(&house, work.job.ticket).await;
                    end(&house, work, done).await;
                    None
                }
                Err(failure) => {
                    end(&house, work, Err(failure)).await;
                    None
                }
            }
        });
    }
    while let Some(first) = looking.join_next().await {
        let mut seen: Vec<Seen> = first.ok().flatten().into_iter().collect();
        let until = Instant::now() + GATHERING;
        while let Ok(Some(next)) = timeout_at(until, looking.join_next()).await {
            seen.extend(next.ok().flatten());
        }
        if !seen.is_empty() {
            tokio::spawn(settle(house.clone(), seen));
        }
    }
}

/// A request that was looked at.
struct Seen {
    work: AtWork,
    subject: Arc<Subject>,
    verdict: Verdict,
    now: Time,
}

fn load(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Answers<Option<Subject>>, Failure> {
    Ok(validate::load(tx, ids)?.into_iter().map(Ok).collect())
}

/// There is no such request any more.
async fn no_more(house: &House, ticket: Ticket) -> Result<(), Failure> {
    let finish = move |tx: &mut Tx<'_>| store::jobs::finish(tx, &[ticket]);
    Ok(house.store.write("finish_job", finish).await.map(drop)?)
}

/// None when the job has come to its end.
async fn look(house: &Arc<House>, work: AtWork, subject: Subject) -> Option<Seen> {
    let ticket = work.job.ticket;
    let now = house.now();
    let asked = async {
        let findings = validate::ask(house, &subject, now).await;
        let subject = Arc::new(subject);
        if let Some(recorded) = &subject.recorded {
            return Err(resume(house, &subject, findings, recorded, ticket).await);
        }
        let attempts = work.job.attempts;
        Ok((subject.clone(), validate::decide(house, subject, findings, attempts, now)))
    };
    let asked = tokio::select! {
        asked = asked => asked,
        never = keep_lease(house, ticket) => match never {},
    };
    match asked {
        Ok((subject, verdict)) => Some(Seen { work, subject, verdict, now }),
        Err(done) => {
            end(house, work, done).await;
            None
        }
    }
}

/// Writes down what was decided, signs what may be signed and keeps it.
async fn settle(house: Arc<House>, seen: Vec<Seen>) {
    let mut writing = Vec::with_capacity(seen.len());
    let mut waiting = Vec::with_capacity(seen.len());
    for Seen { work, subject, mut verdict, now } in seen {
        let to_sign = verdict.issue.as_mut().and_then(|(_, to_sign)| to_sign.take());
        writing.push(Writing { verdict, ticket: work.job.ticket, now });
        waiting.push((work, subject, to_sign));
    }
    let receipts =
        together::write_all(&house.store, "write_verdicts", validate::write, writing).await;
    let mut keeping = Vec::new();
    let mut signed_for = Vec::new();
    for ((work, subject, to_sign), receipt) in waiting.into_iter().zip(receipts) {
        let signed = receipt.and_then(|receipt| match (receipt, to_sign) {
            (Some(receipt), Some(to_sign)) => {
                sign(&house, subject, to_sign, &receipt, work.job.ticket).map(Some)
            }
            _ => Ok(None),
        });
        match signed {
            Ok(Some(keep)) => {
                keeping.push(keep);
                signed_for.push(work);
            }
            Ok(None) => end(&house, work, Ok(())).await,
            Err(failure) => end(&house, work, Err(failure)).await,
        }
    }
    let kept = together::write_all(&house.store, "keep_certificates", issue::keep, keeping).await;
    for (work, kept) in signed_for.into_iter().zip(kept) {
        end(&house, work, kept).await;
    }
}

fn sign(
    house: &Arc<House>,
    subject: Arc<Subject>,
    to_sign: ToSign,
    receipt: &Receipt,
    ticket: Ticket,
) -> Result<Keeping, Failure> {
    let signed = issue::sign(house, to_sign, receipt)?;
    let now = house.now();
    let mail = issue::letter(house, &subject, &signed, now)?;
    Ok(Keeping { subject, signed, mail, ticket, now })
}

/// The end of a job. One that failed is tried again.
async fn end(house: &Arc<House>, work: AtWork, done: Result<(), Failure>) {
    let done = match done {
        // Somebody changed the request while we were asking: what we found is about what it was.
        Err(Failure::Store(StoreError::NotOne { .. })) => {
            let (ticket, now) = (work.job.ticket, house.now().ms());
            let again = move |tx: &mut Tx<'_>| store::jobs::retry(tx, ticket, now, "");
            house.store.write("look_again", again).await.map_err(|e| e.to_string())
        }
        done => done.map_err(told),
    };
    work.end(house, done).await;
}

/// Takes up what was written down before a crash. What cannot be signed any more is given up, and the request is
/// looked at anew.
async fn resume(
    house: &Arc<House>,
    subject: &Arc<Subject>,
    findings: Findings,
    recorded: &store::certificates::Recorded,
    ticket: Ticket,
) -> Result<(), Failure> {
    let now = house.now();
    let proven = validate::proven(house, subject, &findings, now);
    let to_sign = proven
        .and_then(|proven| issue::resume(house, subject, recorded, proven, now).map_err(told));
    let keeping = to_sign.and_then(|to_sign| {
        sign(house, subject.clone(), to_sign, &recorded.receipt, ticket).map_err(told)
    });
    match keeping {
        Ok(keeping) => {
            let keep =
                together::write_all(&house.store, "keep_certificates", issue::keep, vec![keeping]);
            keep.await.pop().unwrap_or(Ok(()))
        }
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

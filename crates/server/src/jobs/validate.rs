//! One look at a certificate request: ask, decide, write down, sign, keep.

use std::sync::Arc;

use domain::certificate::CertificateId;
use store::jobs::Job;
use store::{Tx, certificates};

use crate::app::{Failure, issue, validate};
use crate::house::House;

/// Runs the job.
///
/// # Errors
/// What went wrong on our side; the job is tried again then.
pub async fn run(house: &Arc<House>, job: Job) -> Result<(), String> {
    let id = CertificateId(job.subject);
    let ticket = job.ticket;
    let load = move |tx: &mut Tx<'_>| -> Result<_, store::StoreError> {
        let subject = validate::load(tx, id)?;
        let issuing = subject
            .as_ref()
            .is_some_and(|s| matches!(s.order.state, domain::order::RequestState::Issuing { .. }));
        let recorded = if issuing { certificates::recorded(tx, id)? } else { None };
        Ok((subject, recorded))
    };
    let (subject, recorded) =
        house.store.read("load_request", load).await.map_err(|e| e.to_string())?;
    let Some(subject) = subject else {
        return finish(house, ticket).await;
    };
    let now = house.now();
    let findings = validate::ask(house, &subject, now).await;
    if let Some(recorded) = recorded {
        return resume(house, subject, findings, &recorded, ticket).await;
    }
    let mut verdict = validate::decide(house, subject, findings, job.attempts, now);
    let to_sign = verdict.issue.as_mut().and_then(|(_, to_sign)| to_sign.take());
    let order = verdict.subject.order.clone();
    let write = move |tx: &mut Tx<'_>| validate::write(tx, &verdict, ticket, now);
    let receipt = house.store.write("write_verdict", write).await.map_err(told)?;
    match (receipt, to_sign) {
        (Some(receipt), Some(to_sign)) => {
            sign_and_keep(house, order, to_sign, receipt, ticket).await
        }
        _ => Ok(()),
    }
}

async fn resume(
    house: &Arc<House>,
    subject: validate::Subject,
    findings: validate::Findings,
    recorded: &certificates::Recorded,
    ticket: store::jobs::Ticket,
) -> Result<(), String> {
    let now = house.now();
    let order = subject.order.clone();
    let proven = validate::proven(house, &subject, &findings, now)?;
    let to_sign = issue::resume(house, &order, recorded, proven, now).map_err(told)?;
    sign_and_keep(house, order, to_sign, recorded.receipt.clone(), ticket).await
}

async fn sign_and_keep(
    house: &Arc<House>,
    order: store::orders::OrderView,
    to_sign: issue::ToSign,
    receipt: domain::receipt::Receipt,
    ticket: store::jobs::Ticket,
) -> Result<(), String> {
    let signed = issue::sign(house, to_sign, &receipt).map_err(told)?;
    let (desk, now) = (house.clone(), house.now());
    let keep = move |tx: &mut Tx<'_>| issue::keep(&desk, tx, &order, &signed, ticket, now);
    house.store.write("keep_certificate", keep).await.map_err(told)
}

async fn finish(house: &Arc<House>, ticket: store::jobs::Ticket) -> Result<(), String> {
    let finish = move |tx: &mut Tx<'_>| store::jobs::finish(tx, &[ticket]);
    house.store.write("finish_job", finish).await.map(drop).map_err(|e| e.to_string())
}

fn told(failure: Failure) -> String {
    match failure {
        Failure::Refused(refusal) => format!("{refusal:?}"),
        Failure::Store(error) => error.to_string(),
        Failure::Internal(why) => why,
    }
}

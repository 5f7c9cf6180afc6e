//! Certificate revocation lists: which there are, when they are renewed, who revokes.

use std::sync::Arc;

use domain::certificate::{CaId, RevocationReason, Serial};
use domain::order::RequestState;
use domain::time::{DAY, HOUR, Time};
use issuance::ca::{self, CaRole};
use issuance::crl::{CrlRequest, Revoked};
use store::events::{self, NewEvent};
use store::jobs::{self, NewJob, Ticket};
use store::{StoreError, Tx, certificates, crls, orders};

use super::Failure;
use crate::house::House;
use crate::jobs::CRL;

/// A list lives so long (BR 4.9.7: at most 10 days).
const LIFE: i64 = 7 * DAY;
/// It is renewed so long after it was made (BR 4.9.7: within 4 days where there is no OCSP).
const RENEWAL: i64 = DAY;
/// Lists of roots: a year at most (BR 4.9.7).
const ROOT_LIFE: i64 = 180 * DAY;
/// Renewal of roots' lists.
const ROOT_RENEWAL: i64 = 30 * DAY;
/// thisUpdate lies so far back, for clients whose clocks are behind; but never before what the list tells.
const BACK: i64 = HOUR;

/// The subject of a CRL's job.
fn subject(ca: CaId, shard: u32) -> i64 {
    ca.0 * 1_000 + i64::from(shard)
}

/// Promises a new list for every CA and shard at once: a start may follow a restore, whose lists are older than those that others
/// hold.
///
/// # Errors
/// When the store fails.
pub fn start(house: &House, tx: &mut Tx<'_>, now: Time) -> Result<(), StoreError> {
    for authority in house.authority.cas() {
        let certificate = &authority.certificate;
        let shards = match certificate.slot.role {
            CaRole::Root => 1,
            CaRole::Issuing { .. } => house.authority.shards(),
        };
        for shard in 0..shards {
            enqueue(tx, certificate.id, shard, now, now)?;
        }
    }
    Ok(())
}

fn enqueue(
    tx: &mut Tx<'_>,
    ca: CaId,
    shard: u32,
    run_at: Time,
    now: Time,
) -> Result<(), StoreError> {
    jobs::enqueue(
        tx,
        &NewJob {
            kind: CRL,
            subject: subject(ca, shard),
            payload: "",
            run_at: run_at.ms(),
            created_at: now.ms(),
            single: true,
        },
    )
}

/// Signs the next list of a CA's shard and promises the one after it.
///
/// # Errors
/// When the key or the store fails.
pub async fn renew(house: &Arc<House>, job_subject: i64, ticket: Ticket) -> Result<(), String> {
    let (ca_id, shard) = (CaId(job_subject / 1_000), job_subject % 1_000);
    let now = house.now();
    let Some(authority) = house.authority.ca(ca_id) else {
        return Err(format!("CA {ca_id} is not in this house"));
    };
    let certificate = &authority.certificate;
    let root = certificate.slot.role == CaRole::Root;
    let (life, renewal) = if root { (ROOT_LIFE, ROOT_RENEWAL) } else { (LIFE, RENEWAL) };
    let load = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
        let before = crls::newest(tx, ca_id, shard)?;
        // An entry stays until one list after the certificate's end has named it.
        let since = before.as_ref().map_or(Time::from_ms(0), |b| b.this_update);
        Ok((before.map_or(0, |b| b.number), certificates::revoked(tx, ca_id, shard, since)?))
    };
    let (number, entries) = house.store.read("load_crl", load).await.map_err(|e| e.to_string())?;
    let entries: Vec<Revoked> =
        entries.iter().map(|e| Revoked { serial: e.serial, at: e.at, reason: e.reason }).collect();
    let slug = certificate.slot.slug();
    let base = house.authority.base_url();
    let odd = |what: &str, value: i64| format!("{what} {value} is none");
    let shard_number = u32::try_from(shard).map_err(|_| odd("shard", shard))?;
    let shard_url = ca::crl_shard_url(base, &slug, shard_number);
    let this_update = this_update(now, certificate.validity().not_before, &entries);
    let number = next_number(number, now);
    let request = CrlRequest {
        number: u64::try_from(number).map_err(|_| odd("CRL number", number))?,
        this_update,
        next_update: this_update.plus(life),
        shard_url: (!root).then_some(shard_url.as_str()),
        entries: &entries,
    };
    let der = issuance::crl::sign(&request, authority).map_err(|e| e.to_string())?;
    let crl = crls::Crl { number, this_update, next_update: request.next_update, der };
    let keep = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        crls::keep(tx, ca_id, shard, &crl)?;
        jobs::retry(tx, ticket, now.plus(renewal).ms(), "").map(drop)
    };
    house.store.write("keep_crl", keep).await.map_err(|e| e.to_string())
}

/// The seconds since 1970, or one more than the number before. Numbers only rise (RFC 5280 5.2.3), also where an older copy of
/// the database has taken the place of one whose lists others hold already.
fn next_number(before: i64, now: Time) -> i64 {
    (before + 1).max(now.ms() / 1_000)
}

/// A little back, not before the CA began, and not before the newest revocation: a list that names what was to happen only
/// after it was made could not be told from one that was tampered with.
fn this_update(now: Time, ca_begins: Time, entries: &[Revoked]) -> Time {
    let newest = entries.iter().map(|e| e.at).max();
    now.plus(-BACK).max(ca_begins).max(newest.map_or(ca_begins, |at| at.min(now)))
}

/// Revokes a certificate and promises a new list at once.
///
/// # Errors
/// [`Failure::Declined`] with words for people when there is no such certificate or it is revoked already.
pub fn revoke(
    tx: &mut Tx<'_>,
    serial: Serial,
    reason: RevocationReason,
    actor: &str,
    now: Time,
) -> Result<(), Failure> {
    let unknown = || Failure::Declined(format!("no certificate has the serial {serial}"));
    let id = certificates::request_of(tx, serial)?.ok_or_else(unknown)?;
    let order = orders::by_certificate(tx, id)?.ok_or_else(unknown)?;
    let after = order.state.clone().revoked(reason, now)?;
    certificates::revoke(tx, serial, now, reason)?;
    orders::set_state(tx, &order, &after, now)?;
    let (ca, shard) = certificates::shard_of(tx, serial)?.ok_or_else(unknown)?;
    let shard = u32::try_from(shard).map_err(|_| StoreError::inconsistent("CRL shard"))?;
    // Before all lists that a start has promised: the earliest goes first.
    enqueue(tx, ca, shard, now.plus(-DAY), now)?;
    let detail = serde_json::json!({ "serial": serial.to_string(), "reason": reason.as_str() });
    let event = NewEvent {
        account: order.account,
        order: Some(order.number),
        kind: "certificate.revoked",
        actor,
        detail: &detail.to_string(),
        at: now,
    };
    Ok(events::append(tx, &event)?)
}

/// The serial of an order's certificate, if it has one that can be revoked.
#[must_use]
pub fn serial_of(state: &RequestState) -> Option<Serial> {
    match state {
        RequestState::Issued { serial }
        | RequestState::Replaced { serial }
        | RequestState::Revoked { serial, .. } => Some(*serial),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_after_a_restore_too() {
        let lost = next_number(next_number(0, Time::from_ms(1_000_000)), Time::from_ms(1_000_400));
        assert_eq!(lost, 1_001, "two within a second");
        assert!(next_number(0, Time::from_ms(2_000_000)) > lost, "a copy that knows of neither");
    }

    #[test]
    fn a_list_is_not_older_than_what_it_tells() {
        let at = |minutes: i64| Time::from_ms(minutes * domain::time::MINUTE);
        let revoked = |minutes| Revoked {
            serial: Serial::from_random([7; 16]).expect("a serial"),
            at: at(minutes),
            reason: RevocationReason::Superseded,
        };
        assert_eq!(this_update(at(600), at(0), &[]), at(540), "for clocks that are behind");
        assert_eq!(this_update(at(600), at(570), &[]), at(570), "the CA is young");
        assert_eq!(this_update(at(600), at(0), &[revoked(30), revoked(590)]), at(590));
        assert_eq!(this_update(at(600), at(0), &[revoked(601)]), at(600), "another node's clock");
    }
}

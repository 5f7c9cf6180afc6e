//! Sealing the audit trail: events are chained by hashes, in batches, by one sealer at a time.

use std::sync::Arc;

use domain::time::{SECOND, Time};
use store::jobs::{self, Job, NewJob};
use store::{StoreError, Tx, events};

use super::SEAL;
use crate::house::House;

/// Between two rounds.
const ROUND: i64 = 30 * SECOND;
/// Events in one transaction.
const BATCH: u32 = 500;

/// Promises the first round.
///
/// # Errors
/// When the store fails.
pub fn start(tx: &mut Tx<'_>, now: Time) -> Result<(), StoreError> {
    let run_at = now.plus(ROUND).ms();
    jobs::enqueue(
        tx,
        &NewJob { kind: SEAL, subject: 0, payload: "", run_at, created_at: now.ms(), single: true },
    )
}

/// Runs the job.
///
/// # Errors
/// When the store fails.
pub async fn run(house: &Arc<House>, job: Job) -> Result<(), String> {
    let ticket = job.ticket;
    loop {
        let now = house.now();
        let seal = move |tx: &mut Tx<'_>| -> Result<bool, StoreError> {
            let whole = events::seal(tx, BATCH)? == BATCH as usize;
            if !whole {
                jobs::retry(tx, ticket, now.plus(ROUND).ms(), "")?;
            }
            Ok(whole)
        };
        if !house.store.write("seal_events", seal).await.map_err(|e| e.to_string())? {
            return Ok(());
        }
    }
}

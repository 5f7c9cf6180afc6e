//! The job queue: work that is promised in the same transaction as the facts that ask for it.
//!
//! A job is **leased**, not taken: a worker that dies loses its lease and another one gets the
//! job. So handlers run at least once and must be idempotent. A [`Ticket`] stands for one lease;
//! finishing with an expired ticket does nothing and says so.
//!
//! Two clocks are passed in: `run_at` is business time (a sandbox may turn it), a lease lasts in
//! real time.

use crate::{Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob<'a> {
    /// Which handler.
    pub kind: &'a str,
    /// What it is about: an order, a certificate, ...
    pub subject: i64,
    /// More ids, if the subject is not enough (JSON).
    pub payload: &'a str,
    /// When it falls due, in business time.
    pub run_at: i64,
    /// Now, in business time.
    pub created_at: i64,
    /// At most one unfinished job of this kind and subject. A second one brings the first
    /// forward and replaces its payload; if that one is being worked on, it runs once more.
    pub single: bool,
}

/// One lease of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    id: i64,
    claim: i64,
}

impl Ticket {
    /// The job's number.
    pub fn id(self) -> i64 {
        self.id
    }
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The lease, needed to finish.
    pub ticket: Ticket,
    /// Which handler.
    pub kind: String,
    /// What it is about.
    pub subject: i64,
    /// More ids (JSON).
    pub payload: String,
    /// When it fell due, in business time.
    pub run_at: i64,
    /// The number of this attempt, from 1.
    pub attempts: i64,
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// For its time, or for a worker.
    Waiting,
    /// Being worked on.
    Leased,
    /// Nobody will try again by himself.
    GivenUp,
}

/// A job that was given up, for an operator to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The job's number.
    pub id: i64,
    /// Which handler.
    pub kind: String,
    /// What it is about.
    pub subject: i64,
    /// More ids (JSON).
    pub payload: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it failed last.
    pub last_error: String,
    /// When it was enqueued.
    pub created_at: i64,
}

/// Enqueues a job; workers wake up once this transaction is committed.
pub fn enqueue(tx: &mut Tx<'_>, job: &NewJob<'_>) -> Result<()> {
    let sql = if job.single { &ENQUEUE_SINGLE } else { &ENQUEUE };
    let NewJob { kind, subject, payload, run_at, created_at, single: _ } = *job;
    tx.execute_one(sql, params![kind, subject, payload, run_at, created_at])?;
    tx.wake_workers();
    Ok(())
}

/// Enqueues the first job of this kind and subject, which is known to be new.
pub fn enqueue_first(tx: &mut Tx<'_>, job: &NewJob<'_>) -> Result<()> {
    let NewJob { kind, subject, payload, run_at, created_at, single } = *job;
    tx.execute_one(&ENQUEUE_FIRST, params![kind, subject, payload, run_at, created_at, single])?;
    tx.wake_workers();
    Ok(())
}

/// Leases up to `limit` due jobs of a kind, the earliest first, without a look at leases that have expired: for the many
/// rounds between two calls of [`claim`].
pub fn claim_waiting(
    tx: &mut Tx<'_>,
    kind: &str,
    business_now: i64,
    locked_until: i64,
    limit: u32,
) -> Result<Vec<Job>> {
    let mut jobs = tx.query(&CLAIM, params![kind, business_now, limit, locked_until], job)?;
    jobs.sort_by_key(|job| (job.run_at, job.ticket.id));
    Ok(jobs)
}

/// Leases up to `limit` due jobs of a kind, the earliest first; before these, jobs whose lease
/// has expired. `business_now` decides what is due, `real_now` which leases have expired.
pub fn claim(
    tx: &mut Tx<'_>,
    kind: &str,
    business_now: i64,
    real_now: i64,
    lease_ms: i64,
    limit: u32,
) -> Result<Vec<Job>> {
    let until = real_now.saturating_add(lease_ms);
    let mut jobs = tx.query(&RECLAIM, params![kind, real_now, limit, until], job)?;
    let left = limit.saturating_sub(u32::try_from(jobs.len()).unwrap_or(limit));
    if left > 0 {
        jobs.extend(tx.query(&CLAIM, params![kind, business_now, left, until], job)?);
    }
    jobs.sort_by_key(|job| (job.run_at, job.ticket.id));
    Ok(jobs)
}

/// Ends jobs that are done. Answers how many of these leases were still held: the others have
/// been given to somebody else, and the caller may want to drop what he has done.
pub fn finish(tx: &mut Tx<'_>, tickets: &[Ticket]) -> Result<u64> {
    let list = list(tickets);
    let mut ended = tx.execute(&FINISH, params![&list])?;
    if ended < tickets.len() as u64 {
        let again = tx.execute(&FINISH_AGAIN, params![&list])?;
        if again > 0 {
            tx.wake_workers();
        }
        ended += again;
    }
    Ok(ended)
}

/// Lets a job wait for another attempt; nothing happens if the lease is no longer held. Without an error it has succeeded
/// and its attempts count from the beginning. Workers see it at their next look.
pub fn retry(tx: &mut Tx<'_>, ticket: Ticket, run_at: i64, error: &str) -> Result<()> {
    tx.execute_later(&RETRY, params![ticket.id, ticket.claim, run_at, error])
}

/// Makes a lease last longer, for work that goes on. False if it is no longer held.
pub fn renew(tx: &mut Tx<'_>, ticket: Ticket, locked_until: i64) -> Result<bool> {
    Ok(tx.execute(&RENEW, params![ticket.id, ticket.claim, locked_until])? > 0)
}

/// Ends a job that cannot succeed; it stays visible. False if the lease was no longer held.
pub fn give_up(tx: &mut Tx<'_>, ticket: Ticket, error: &str) -> Result<bool> {
    Ok(tx.execute(&GIVE_UP, params![ticket.id, ticket.claim, error])? > 0)
}

/// Lets a job that was given up wait again. False if there is none of that number.
pub fn revive(tx: &mut Tx<'_>, id: i64, run_at: i64) -> Result<bool> {
    let revived = tx.execute(&REVIVE, params![id, run_at])? > 0;
    tx.wake_workers();
    Ok(revived)
}

/// Makes unfinished jobs of this kind and subject due at `run_at` if they were due later; one
/// that is being worked on will run once more. Answers how many there are.
pub fn bring_forward(tx: &mut Tx<'_>, kind: &str, subject: i64, run_at: i64) -> Result<u64> {
    let found = tx.execute(&BRING_FORWARD, params![kind, subject, run_at])?;
    if found > 0 {
        tx.wake_workers();
    }
    Ok(found)
}

/// Why an unfinished job of this kind and subject was put off last; None when none was.
pub fn why_it_waits(tx: &mut Tx<'_>, kind: &str, subject: i64) -> Result<Option<String>> {
    let found = tx.query_opt(&WHY_IT_WAITS, params![kind, subject], |row| row.opt_text(0))?;
    Ok(found.flatten().filter(|why| !why.is_empty()))
}

/// When the next waiting job of any kind falls due, in business time.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<i64>> {
    tx.query_one(&NEXT_DUE, &[], |row| row.opt_int(0))
}

/// Frees every lease: at the start of the only node, when no worker can be left.
pub fn release_all_leases(tx: &mut Tx<'_>) -> Result<u64> {
    let released = tx.execute(&RELEASE_ALL, &[])?;
    tx.wake_workers();
    Ok(released)
}

/// How many jobs there are of each kind in each state.
pub fn count(tx: &mut Tx<'_>) -> Result<Vec<(String, JobState, i64)>> {
    tx.query(&COUNT, &[], |row| Ok((row.text(0)?, state(row.int(1)?)?, row.int(2)?)))
}

/// Jobs that were given up, the oldest first, after the one numbered `after`.
pub fn given_up(tx: &mut Tx<'_>, after: i64, limit: u32) -> Result<Vec<GivenUp>> {
    tx.query(&GIVEN_UP, params![after, limit], |row| {
        Ok(GivenUp {
            id: row.int(0)?,
            kind: row.text(1)?,
            subject: row.int(2)?,
            payload: row.text(3)?,
            attempts: row.int(4)?,
            last_error: row.opt_text(5)?.unwrap_or_default(),
            created_at: row.int(6)?,
        })
    })
}

fn job(row: &Row<'_>) -> Result<Job> {
    Ok(Job {
        ticket: Ticket { id: row.int(0)?, claim: row.int(1)? },
        kind: row.text(2)?,
        subject: row.int(3)?,
        payload: row.text(4)?,
        run_at: row.int(5)?,
        attempts: row.int(6)?,
    })
}

fn state(number: i64) -> Result<JobState> {
    match number {
        0 => Ok(JobState::Waiting),
        1 => Ok(JobState::Leased),
        2 => Ok(JobState::GivenUp),
        _ => Err(StoreError::inconsistent(format_args!("job state {number}"))),
    }
}

/// A list as a parameter: `[[id, claim], ...]`.
fn list(tickets: &[Ticket]) -> String {
    let pairs: Vec<_> = tickets.iter().map(|ticket| (ticket.id, ticket.claim)).collect();
    serde_json::json!(pairs).to_string()
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &ENQUEUE,
    &ENQUEUE_FIRST,
    &ENQUEUE_SINGLE,
    &CLAIM,
    &RECLAIM,
    &FINISH,
    &FINISH_AGAIN,
    &RENEW,
    &RETRY,
    &GIVE_UP,
    &REVIVE,
    &BRING_FORWARD,
    &WHY_IT_WAITS,
    &NEXT_DUE,
    &RELEASE_ALL,
    &COUNT,
    &GIVEN_UP,
];

const ENQUEUE: Sql = Sql::both(
    "INSERT INTO jobs (kind, subject, payload, run_at, created_at) VALUES ($1, $2, $3, $4, $5)",
);

const ENQUEUE_FIRST: Sql = Sql::both(
    "INSERT INTO jobs (kind, subject, payload, run_at, created_at, single)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

const ENQUEUE_SINGLE: Sql = Sql::both(
    "INSERT INTO jobs (kind, subject, payload, run_at, created_at, single)
     VALUES ($1, $2, $3, $4, $5, 1)
     ON CONFLICT (kind, subject) WHERE single = 1 AND state < 2 DO UPDATE SET
         payload = excluded.payload,
         run_at = CASE WHEN jobs.run_at < excluded.run_at AND (jobs.state = 0 OR jobs.again = 1)
             THEN jobs.run_at ELSE excluded.run_at END,
         attempts = CASE WHEN jobs.state = 0 THEN 0 ELSE jobs.attempts END,
         again = jobs.state",
);

const CLAIM: Sql = Sql::pair(
    "UPDATE jobs SET state = 1, locked_until = $4, claims = claims + 1, attempts = attempts + 1
     WHERE id IN (SELECT id FROM jobs WHERE state = 0 AND kind = $1 AND run_at <= $2
         ORDER BY run_at, id LIMIT $3)
     RETURNING id, claims, kind, subject, payload, run_at, attempts",
    "WITH due AS MATERIALIZED (SELECT id FROM jobs WHERE state = 0 AND kind = $1 AND run_at <= $2
         ORDER BY run_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
     UPDATE jobs SET state = 1, locked_until = $4, claims = claims + 1, attempts = attempts + 1
     FROM due WHERE jobs.id = due.id
     RETURNING jobs.id, claims, kind, subject, payload, run_at, attempts",
);

const RECLAIM: Sql = Sql::pair(
    "UPDATE jobs SET locked_until = $4, claims = claims + 1, attempts = attempts + 1, again = 0
     WHERE id IN (SELECT id FROM jobs WHERE state = 1 AND kind = $1 AND locked_until <= $2
         ORDER BY locked_until, id LIMIT $3)
     RETURNING id, claims, kind, subject, payload, run_at, attempts",
    "WITH due AS MATERIALIZED (SELECT id FROM jobs
         WHERE state = 1 AND kind = $1 AND locked_until <= $2
         ORDER BY locked_until, id LIMIT $3 FOR UPDATE SKIP LOCKED)
     UPDATE jobs SET locked_until = $4, claims = claims + 1, attempts = attempts + 1, again = 0
     FROM due WHERE jobs.id = due.id
     RETURNING jobs.id, claims, kind, subject, payload, run_at, attempts",
);

/// Does this to the jobs of these leases, a JSON list of pairs.
///
/// PostgreSQL takes the jobs for few, and would rather read all of them, or the whole index of leased ones with what was in
/// it since the last vacuum, than find some by their numbers. `state + 0` keeps it from the index, and it knows a list that is
/// worked out before for a short one.
macro_rules! of_held {
    ($what:literal, $and:literal) => {
        Sql::pair(
            concat!(
                $what,
                " WHERE state = 1 AND ",
                $and,
                " AND (id, claims) IN
                     (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1))"
            ),
            concat!(
                $what,
                " WHERE state + 0 = 1 AND ",
                $and,
                " AND id = ANY(ARRAY(SELECT CAST(held->>0 AS BIGINT)
                     FROM jsonb_array_elements(CAST(CAST($1 AS TEXT) AS JSONB)) AS held))
                 AND CONCAT(id, ' ', claims) = ANY(ARRAY(SELECT CONCAT(held->>0, ' ', held->>1)
                     FROM jsonb_array_elements(CAST(CAST($1 AS TEXT) AS JSONB)) AS held))"
            ),
        )
    };
}

const FINISH: Sql = of_held!("DELETE FROM jobs", "again = 0");

const FINISH_AGAIN: Sql = of_held!(
    "UPDATE jobs SET state = 0, locked_until = 0, attempts = 0, last_error = NULL, again = 0",
    "again = 1"
);

const RENEW: Sql =
    Sql::both("UPDATE jobs SET locked_until = $3 WHERE id = $1 AND claims = $2 AND state + 0 = 1");

const RETRY: Sql = Sql::both(
    "UPDATE jobs SET state = 0, locked_until = 0, last_error = $4, again = 0,
         attempts = CASE WHEN again = 1 OR $4 = '' THEN 0 ELSE attempts END,
         run_at = CASE WHEN again = 1 AND run_at < $3 THEN run_at ELSE $3 END
     WHERE id = $1 AND claims = $2 AND state + 0 = 1",
);

const GIVE_UP: Sql = Sql::both(
    "UPDATE jobs SET state = 2, locked_until = 0, last_error = $3, again = 0
     WHERE id = $1 AND claims = $2 AND state + 0 = 1",
);

const REVIVE: Sql = Sql::both(
    "UPDATE jobs SET state = 0, run_at = $2, attempts = 0 WHERE id = $1 AND state + 0 = 2",
);

const BRING_FORWARD: Sql = Sql::both(
    "UPDATE jobs SET again = state, attempts = CASE WHEN state = 0 THEN 0 ELSE attempts END,
         run_at = CASE WHEN run_at < $3 AND (state = 0 OR again = 1) THEN run_at ELSE $3 END
     WHERE kind = $1 AND subject = $2 AND state < 2",
);

const WHY_IT_WAITS: Sql =
    Sql::both("SELECT last_error FROM jobs WHERE kind = $1 AND subject = $2 AND state < 2");

/// One look into the index per kind, instead of a walk over every waiting job.
const NEXT_DUE: Sql = Sql::both(
    "WITH RECURSIVE kinds(kind) AS (
         SELECT MIN(kind) FROM jobs WHERE state = 0
         UNION ALL
         SELECT (SELECT MIN(kind) FROM jobs WHERE state = 0 AND kind > kinds.kind)
         FROM kinds WHERE kind IS NOT NULL)
     SELECT MIN((SELECT run_at FROM jobs WHERE state = 0 AND jobs.kind = kinds.kind
         ORDER BY run_at, id LIMIT 1))
     FROM kinds WHERE kind IS NOT NULL",
);

const RELEASE_ALL: Sql =
    Sql::both("UPDATE jobs SET state = 0, locked_until = 0, again = 0 WHERE state = 1");

const COUNT: Sql =
    Sql::both("SELECT kind, state, COUNT(*) FROM jobs GROUP BY kind, state ORDER BY kind, state");

const GIVEN_UP: Sql = Sql::both(
    "SELECT id, kind, subject, payload, attempts, last_error, created_at FROM jobs
     WHERE state = 2 AND id > $1 ORDER BY id LIMIT $2",
);

//! Group commit: several callers' closures in one database transaction.
//!
//! One that fails leaves no trace and does not harm its neighbours: on PostgreSQL each has a
//! savepoint, on SQLite all run again, each alone, if it has written. Nobody is answered before the commit. If the commit itself is refused,
//! every closure is run again alone, so that the one to blame is the only one to fail.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot;

use super::session::Session;
use super::tx::Tx;
use super::wake::JobSignal;
use crate::StoreError;

/// How often a transaction is run before a conflict or a lost connection is reported.
const MAX_RUNS: u32 = 8;

/// A caller's closure and the way back to him, whatever its types are.
pub(crate) trait Call: Send {
    fn name(&self) -> &'static str;
    /// Runs the closure and keeps its answer; true if it succeeded.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Sends the kept answer, or this error in its place.
    fn settle(self: Box<Self>, end: Result<(), StoreError>);
}

pub(crate) struct Pending<T, E, F> {
    name: &'static str,
    work: F,
    answer: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Pending<T, E, F> {
    pub fn new(name: &'static str, work: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { name, work, answer: None, reply }, answer)
    }
}

impl<T, E, F> Call for Pending<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        self.answer = guarded(self.name, tx, &mut self.work);
        matches!(self.answer, Some(Ok(_)))
    }

    fn settle(self: Box<Self>, end: Result<(), StoreError>) {
        let answer = match (end, self.answer) {
            (Ok(()), Some(answer)) => answer,
            (Ok(()), None) => Err(StoreError::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        // A caller who has gone away does not need the answer.
        let _ = self.reply.send(answer);
    }
}

/// Runs a closure; a panic dooms the transaction instead of the thread.
pub(crate) fn guarded<T, E>(
    name: &'static str,
    tx: &mut Tx<'_>,
    mut work: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
) -> Option<Result<T, E>> {
    match catch_unwind(AssertUnwindSafe(|| work(tx))) {
        Ok(answer) => Some(answer),
        Err(panic) => {
            let message = message_of(&*panic);
            tracing::error!(transaction = name, message, "a transaction panicked");
            tx.doom(StoreError::Panicked { name, message });
            None
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Runs these calls to their end; every one is answered when this returns.
pub(crate) fn run(session: &mut Session, calls: Vec<Box<dyn Call>>, signal: &JobSignal) {
    let shared = calls.len() > 1;
    for (call, error) in run_once(session, calls, signal) {
        run_alone(session, call, (!shared).then_some(error), signal);
    }
}

/// Repeats a call while only chance stands against it. `failed` is how its first run alone ended.
fn run_alone(
    session: &mut Session,
    mut call: Box<dyn Call>,
    mut failed: Option<StoreError>,
    signal: &JobSignal,
) {
    let mut runs = u32::from(failed.is_some());
    loop {
        if let Some(error) = failed {
            if runs >= MAX_RUNS || !error.is_transient() {
                return call.settle(Err(error));
            }
            tracing::debug!(transaction = call.name(), runs, %error, "transaction is run again");
            session.idle();
            std::thread::sleep(pause(runs));
        }
        match run_once(session, vec![call], signal).pop() {
            None => return,
            Some((again, error)) => (call, failed) = (again, Some(error)),
        }
        runs += 1;
    }
}

/// 1 ms, 2 ms, ... each with up to as much again, different in every thread.
#[expect(clippy::disallowed_methods, reason = "how long one waits is seen by nobody")]
fn pause(runs: u32) -> Duration {
    use std::hash::BuildHasher;
    let base = 1_000_u64 << runs.min(7);
    let jitter = std::hash::RandomState::new().hash_one(runs) % base;
    Duration::from_micros(base + jitter)
}

type Unsettled = Vec<(Box<dyn Call>, StoreError)>;

/// How a closure ended.
enum Verdict {
    /// Commit it.
    Keep,
    /// Undo it and pass on its own error.
    Undo,
    /// Undo it and answer this error instead of what it returned.
    Refuse(StoreError),
    /// Undo it and run it again.
    Again(StoreError),
}

/// One database transaction for all of these. Returns those that need another one.
fn run_once(session: &mut Session, calls: Vec<Box<dyn Call>>, signal: &JobSignal) -> Unsettled {
    let shared = calls.len() > 1;
    let name = calls.first().map_or("", |call| call.name());
    if let Err(error) = session.begin(shared, name) {
        return all_again(calls, &error);
    }
    let mut ended: Vec<(Box<dyn Call>, Verdict)> = Vec::with_capacity(calls.len());
    let mut wakes = false;
    let mut calls = calls.into_iter();
    while let Some(mut call) = calls.next() {
        let (verdict, wake) = judge(session, &mut *call);
        let step = match &verdict {
            Verdict::Again(error @ StoreError::Unavailable(_)) => Err(error.clone()),
            _ if !shared => Ok(()),
            Verdict::Keep => session.keep(),
            Verdict::Undo | Verdict::Refuse(_) | Verdict::Again(_) => session.undo(),
        };
        wakes |= wake && matches!(verdict, Verdict::Keep);
        ended.push((call, verdict));
        if let Err(error) = step {
            session.rollback();
            let done = ended.into_iter().map(|(call, _)| call);
            return all_again(done.chain(calls), &error);
        }
    }
    finish(session, ended, wakes, signal)
}

fn judge(session: &mut Session, call: &mut dyn Call) -> (Verdict, bool) {
    let mut tx = Tx::new(session);
    let kept = call.run(&mut tx);
    tx.settle(kept);
    let (doomed, wakes) = tx.end();
    let verdict = match doomed {
        None if kept => Verdict::Keep,
        None => Verdict::Undo,
        Some(error) if error.is_transient() => Verdict::Again(error),
        Some(error) if kept || matches!(error, StoreError::Panicked { .. }) => {
            Verdict::Refuse(error)
        }
        Some(_) => Verdict::Undo,
    };
    (verdict, wakes)
}

/// Commits if there is anything to commit, and answers.
fn finish(
    session: &mut Session,
    ended: Vec<(Box<dyn Call>, Verdict)>,
    wakes: bool,
    signal: &JobSignal,
) -> Unsettled {
    let any_kept = ended.iter().any(|(_, verdict)| matches!(verdict, Verdict::Keep));
    let committed = if any_kept && !session.read_only() {
        session.commit()
    } else {
        session.rollback();
        Ok(())
    };
    match committed {
        Ok(()) => {
            if wakes {
                signal.raise();
            }
            settle_all(ended, None)
        }
        Err(error @ StoreError::CommitUnknown(_)) => {
            session.rollback();
            settle_all(ended, Some(&error))
        }
        Err(error) => {
            session.rollback();
            all_again(ended.into_iter().map(|(call, _)| call), &error)
        }
    }
}

/// `unknown`: the commit's outcome, if it is not known. Then those who were undone are asked
/// again, since they may have judged by a neighbour's rows that were never stored.
fn settle_all(ended: Vec<(Box<dyn Call>, Verdict)>, unknown: Option<&StoreError>) -> Unsettled {
    let mut again = Vec::new();
    for (call, verdict) in ended {
        match (verdict, unknown) {
            (Verdict::Keep, None) | (Verdict::Undo, None) => call.settle(Ok(())),
            (Verdict::Keep, Some(error)) => call.settle(Err(error.clone())),
            (Verdict::Undo, Some(error)) => {
                again.push((call, StoreError::Unavailable(error.to_string())));
            }
            (Verdict::Refuse(error), _) => call.settle(Err(error)),
            (Verdict::Again(error), _) => again.push((call, error)),
        }
    }
    again
}

fn all_again(calls: impl IntoIterator<Item = Box<dyn Call>>, error: &StoreError) -> Unsettled {
    calls.into_iter().map(|call| (call, error.clone())).collect()
}

//! Work that was promised in a transaction: looking for proofs, signing, mail, CRLs, seals.
//!
//! A job is leased, idempotent, and tried again later when it fails. [`Worker::run`] works until it is told to stop;
//! [`Worker::settle_due`] works until nothing is due, for a clock that was just turned.

pub mod crl;
pub mod mail;
pub mod retry;
pub mod seal;
pub mod validate;
pub mod yields;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::receipt::Receipt;
use domain::time::SECOND;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use store::jobs::{self, Job, Ticket};
use store::mails::Outgoing;
use store::{Store, StoreError, Tx};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::app::issue::Keeping;
use crate::app::validate::Writing;
use crate::app::{self, Failure};
use crate::clock::real_now;
use crate::house::House;
use crate::together::{Company, Together};
use yields::Yield;

/// Looks for the proofs of a certificate request and makes its certificate. Subject: certificate ID.
pub const VALIDATE: &str = "validate";
/// Sends a mail that somebody waits for. Subject: the mail's number.
pub const MAIL: &str = "mail";
/// Sends a mail that tells what has happened. Subject: the mail's number.
pub const NOTICE: &str = "notice";
/// Signs a CRL. Subject: CA number × 1000 + shard.
pub const CRL: &str = "crl";
/// Seals events into their chains. Subject: 0.
pub const SEAL: &str = "seal";

/// How long a claimed job is ours, in real time.
pub const LEASE: Duration = Duration::from_secs(60);

/// While other jobs are at work, what the first has to write waits so long for what they have.
const GATHERING: Duration = Duration::from_millis(5);

/// Between two looks for leases that have expired.
const RECLAIM: Duration = Duration::from_secs(2);

/// So many orders that are being placed at the same moment are many.
const MANY_CALLERS: usize = 8;

/// How much longer looks are put off then, which leaves a thousand of them in a second.
const CALLERS_FIRST: Duration = Duration::from_millis(250);

/// But not those that were to be done so long ago, in milliseconds: then it is no burst of orders any more.
const LATE: i64 = 30 * SECOND;

/// How jobs of a kind are done.
struct Kind {
    name: &'static str,
    /// How many may be at work; 0: none are, they wait.
    slots: fn(&House) -> usize,
    calm: Calm,
    /// Whether they may be put off for callers: see [`Worker::callers_first`].
    waits: bool,
    done: Done,
}

/// By whom.
enum Done {
    /// Each by itself; the error says why it is to be tried again.
    Alone(fn(Arc<House>, Arc<Batches>, Job) -> BoxFuture<'static, Tried>),
    /// All that were claimed at a time; leases and failures are its own matter.
    Together(fn(Arc<House>, Arc<Batches>, Vec<AtWork>) -> BoxFuture<'static, ()>),
}

type Tried = Result<(), String>;

const KINDS: [Kind; 5] = [
    Kind {
        name: VALIDATE,
        slots: |house| house.rules.validations_in_flight,
        calm: Calm::of(1, 20),
        waits: true,
        done: Done::Together(|house, batches, claimed| {
            validate::run(house, batches, claimed).boxed()
        }),
    },
    Kind {
        name: MAIL,
        // Without a mail server mails are not tried: they wait, also for a node that has one. Of those that are claimed some
        // are loaded and some are noted while others are handed over.
        slots: |house| house.mail.connections() * 4,
        calm: Calm::of(10, 20),
        waits: false,
        done: Done::Alone(|house, batches, job| {
            async move { mail::run(&house, &batches, job).await }.boxed()
        }),
    },
    Kind {
        name: NOTICE,
        // Half of the connections stay free for the others.
        slots: |house| house.mail.connections().div_ceil(2),
        calm: Calm::of(10, 20),
        waits: false,
        done: Done::Alone(|house, batches, job| {
            async move { mail::run(&house, &batches, job).await }.boxed()
        }),
    },
    Kind {
        name: CRL,
        slots: |_| 4,
        calm: Calm::of(50, 50),
        waits: false,
        done: Done::Alone(|house, _, job| async move { crl::run(&house, job).await }.boxed()),
    },
    Kind {
        name: SEAL,
        slots: |_| 1,
        calm: Calm::of(200, 200),
        waits: false,
        done: Done::Alone(|house, _, job| async move { seal::run(&house, job).await }.boxed()),
    },
];

/// What jobs of one kind read and write together, and what they have learned.
pub struct Batches {
    /// Whether looks find anything.
    pub yields: Yield,
    /// What was decided about requests.
    pub verdicts: Together<Writing, Option<Receipt>>,
    /// Certificates that were signed.
    pub kept: Together<Keeping, ()>,
    /// Mails to be sent.
    pub mails: Together<i64, Option<Outgoing>>,
    /// Mails that were.
    pub sent: Together<mail::Sent, ()>,
}

impl Batches {
    /// `at_work`: how many jobs are.
    fn new(store: &Store, at_work: &Arc<AtomicUsize>) -> Self {
        let others = || Some(Company { tasks: at_work.clone(), within: GATHERING });
        let (verdicts, kept) = ("write_verdicts", "keep_certificates");
        Self {
            yields: Yield::default(),
            verdicts: Together::writing_with(
                store.clone(),
                verdicts,
                others(),
                app::validate::write,
            ),
            kept: Together::writing_with(store.clone(), kept, others(), app::issue::keep),
            mails: Together::reading(store.clone(), "load_mails", mail::load),
            sent: Together::writing_with(store.clone(), "mails_sent", others(), mail::note),
        }
    }
}

/// A failure in words, for the log and for the job's row.
fn told(failure: Failure) -> String {
    match failure {
        Failure::Refused(refusal) => format!("{refusal:?}"),
        Failure::Store(error) => error.to_string(),
        Failure::Declined(why) | Failure::Internal(why) => why,
    }
}

/// Runs the jobs of a house.
pub struct Worker {
    house: Arc<House>,
    batches: Arc<Batches>,
    stop: watch::Sender<bool>,
    /// Nothing is claimed while somebody holds a [`Rest`].
    resting: AtomicBool,
    /// Jobs that were claimed and are not finished.
    at_work: Arc<AtomicUsize>,
    /// Woken when a job ends.
    ended: Arc<Notify>,
    /// Woken when somebody wants jobs to be looked for at once.
    nudge: Arc<Notify>,
}

impl Worker {
    /// For a house.
    #[must_use]
    pub fn new(house: Arc<House>) -> Self {
        let at_work = Arc::default();
        Self {
            batches: Arc::new(Batches::new(&house.store, &at_work)),
            house,
            stop: watch::Sender::new(false),
            resting: AtomicBool::new(false),
            at_work,
            ended: Arc::default(),
            nudge: Arc::default(),
        }
    }

    /// Works until [`Worker::stop`], on every kind of job.
    pub async fn run(&self) {
        if !self.house.mail.can_send() {
            tracing::warn!("no mail server is configured: mails are written down and wait");
        }
        join_all(KINDS.iter().map(|kind| self.loop_over(kind))).await;
    }

    /// Ends [`Worker::run`]; what is claimed is given back by its lease.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        self.nudge.notify_waiters();
    }

    /// Waits until no job is due and none is at work, at most so long in real time; false when it was not enough.
    ///
    /// Callers may bring work faster than it is done: after some seconds they wait at the door until it is.
    pub async fn settle_due(&self, patience: Duration) -> bool {
        const WITH_CALLERS: Duration = Duration::from_secs(3);
        if tokio::time::timeout(WITH_CALLERS.min(patience), self.nothing_due()).await.is_ok() {
            return true;
        }
        let alone = async {
            let _shut = self.house.door.write().await;
            self.nothing_due().await;
        };
        tokio::time::timeout(patience, alone).await.is_ok()
    }

    async fn nothing_due(&self) {
        loop {
            self.nudge.notify_waiters();
            let ended = self.ended.notified();
            if self.at_work.load(Ordering::SeqCst) == 0 && !self.anything_due().await {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(50), ended).await;
        }
    }

    /// Lets no job begin and waits until none is at work, at most so long in real time; None when it was not enough.
    /// Work goes on when the answer is dropped.
    pub async fn rest(&self, patience: Duration) -> Option<Rest<'_>> {
        self.resting.store(true, Ordering::SeqCst);
        let rest = Rest(self);
        let quiet = async {
            loop {
                let ended = self.ended.notified();
                if self.at_work.load(Ordering::SeqCst) == 0 {
                    return;
                }
                let _ = tokio::time::timeout(Duration::from_millis(50), ended).await;
            }
        };
        tokio::time::timeout(patience, quiet).await.ok().map(|()| rest)
    }

    async fn anything_due(&self) -> bool {
        let now = self.house.now().ms();
        let next = self.house.store.write("next_due", jobs::next_due).await;
        matches!(next, Ok(Some(at)) if at <= now)
    }

    async fn loop_over(&self, kind: &'static Kind) {
        let in_flight = (kind.slots)(&self.house);
        if in_flight == 0 {
            return;
        }
        let mut reclaimed: Option<Instant> = None;
        let mut waker = self.house.store.job_waker();
        let mut stop = self.stop.subscribe();
        let slots = Arc::new(Semaphore::new(in_flight));
        while !*stop.borrow() {
            let free = slots.available_permits();
            let all = reclaimed.is_none_or(|at| at.elapsed() > RECLAIM);
            if all {
                reclaimed = Some(Instant::now());
            }
            let claimed =
                if free == 0 { Vec::new() } else { self.claim(kind.name, free, all).await };
            let found = claimed.len();
            let late =
                claimed.iter().map(|job| job.run_at).max().is_some_and(|at| self.is_late(at));
            if found > 0 {
                self.start(kind, claimed, &slots).await;
            }
            let Calm { quiet, busy } = kind.calm;
            tokio::time::sleep(if found > 1 { busy } else { quiet }).await;
            if kind.waits && !late && self.callers_first() {
                tokio::time::sleep(CALLERS_FIRST).await;
            }
            if found == free {
                // There may be more: as soon as there are slots, of which some have become free meanwhile.
                let _ = slots.acquire().await;
                continue;
            }
            tokio::select! {
                () = waker.woken() => {}
                () = self.nudge.notified() => {}
                _ = stop.changed() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    fn is_late(&self, run_at: i64) -> bool {
        self.house.now().ms() - run_at > LATE
    }

    /// Whether many orders are being placed while looks find nothing: proofs are published after orders are placed, so those
    /// who place them are better served by an answer.
    fn callers_first(&self) -> bool {
        self.house.placing.under_way() >= MANY_CALLERS && self.batches.yields.is_low()
    }

    async fn claim(&self, kind: &'static str, limit: usize, all: bool) -> Vec<Job> {
        let now = self.house.now().ms();
        let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let limit = u32::try_from(limit.min(256)).unwrap_or(1);
        // Counted before, so that nobody sees an empty house between the claim and the start.
        self.at_work.fetch_add(1, Ordering::SeqCst);
        if self.resting.load(Ordering::SeqCst) {
            self.at_work.fetch_sub(1, Ordering::SeqCst);
            return Vec::new();
        }
        let real = real_now().ms();
        let claim = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            match all {
                true => jobs::claim(tx, kind, now, real, lease, limit),
                false => jobs::claim_waiting(tx, kind, now, real.saturating_add(lease), limit),
            }
        };
        let claimed = match self.house.store.write("claim_jobs", claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(kind, %error, "jobs cannot be claimed");
                tokio::time::sleep(Duration::from_millis(500)).await;
                Vec::new()
            }
        };
        self.at_work.fetch_add(claimed.len(), Ordering::SeqCst);
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        claimed
    }

    /// `jobs` are of this kind; `slots` has one free for each.
    async fn start(&self, kind: &Kind, jobs: Vec<Job>, slots: &Arc<Semaphore>) {
        let mut claimed = Vec::with_capacity(jobs.len());
        for job in jobs {
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            let (at_work, ended) = (self.at_work.clone(), self.ended.clone());
            claimed.push(AtWork { job, _slot: slot, at_work, ended });
        }
        let shared = || (self.house.clone(), self.batches.clone());
        match kind.done {
            Done::Together(run) => {
                let (house, batches) = shared();
                tokio::spawn(run(house, batches, claimed));
            }
            Done::Alone(run) => {
                for work in claimed {
                    let (house, batches) = shared();
                    tokio::spawn(async move {
                        let done = run(house.clone(), batches, work.job.clone());
                        let done = while_leased(&house, work.job.ticket, done).await;
                        work.end(&house, done).await;
                    });
                }
            }
        }
    }
}

/// A job that was claimed. It is at work, and holds its slot, until this is dropped.
struct AtWork {
    job: Job,
    _slot: OwnedSemaphorePermit,
    at_work: Arc<AtomicUsize>,
    ended: Arc<Notify>,
}

impl AtWork {
    /// Gives a job back that has failed.
    async fn end(self, house: &House, done: Result<(), String>) {
        let Err(error) = done else { return };
        let (ticket, kind) = (self.job.ticket, self.job.kind.as_str());
        tracing::warn!(kind, %error, "job failed, will be tried again");
        let at = house.now().plus(retry::pause(kind, self.job.attempts)).ms();
        let wait = move |tx: &mut Tx<'_>| jobs::retry(tx, ticket, at, &error);
        if let Err(error) = house.store.write("retry_job", wait).await {
            tracing::error!(kind, %error, "job cannot be given back");
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        self.ended.notify_waiters();
    }
}

/// The least time between two looks for jobs: when there was one or none, and when there were several, so that a busy house
/// is looked through in batches.
#[derive(Clone, Copy)]
struct Calm {
    quiet: Duration,
    busy: Duration,
}

impl Calm {
    /// In milliseconds.
    const fn of(quiet: u64, busy: u64) -> Self {
        Self { quiet: Duration::from_millis(quiet), busy: Duration::from_millis(busy) }
    }
}

/// As long as this is held, a [`Worker`] does nothing.
pub struct Rest<'w>(&'w Worker);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.resting.store(false, Ordering::SeqCst);
        self.0.nudge.notify_waiters();
    }
}

/// Does it, and makes the lease last meanwhile.
async fn while_leased<T>(house: &House, ticket: Ticket, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = keep_lease(house, ticket) => match never {},
    }
}

async fn keep_lease(house: &House, ticket: Ticket) -> Infallible {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let until = real_now().plus(i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX)).ms();
        let renew = move |tx: &mut Tx<'_>| jobs::renew(tx, ticket, until);
        match house.store.write("renew_lease", renew).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job = ticket.id(), "the lease was lost"),
            Err(error) => tracing::warn!(job = ticket.id(), %error, "the lease is not renewed"),
        }
    }
}

//! The job queue.

use std::collections::HashSet;
use std::time::Duration;

use store::jobs::{self, Job, JobState, NewJob};
use store::testing::TestDb;
use store::{Database, Store, StoreError, Tx};

use super::on_both;

on_both!(
    jobs_come_in_order_and_when_due,
    no_job_goes_to_two_claimers,
    an_expired_lease_is_reclaimed,
    a_single_job_is_kept_once,
    a_job_asked_for_while_leased_runs_again,
    retry_give_up_and_revive,
    bringing_forward,
    workers_are_woken_by_a_commit_only,
);

/// Runs a closure in a transaction that must succeed.
async fn run<T: Send + 'static>(
    store: &Store,
    mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write("test", move |tx| work(tx)).await.expect("stored")
}

fn new(subject: i64, run_at: i64) -> NewJob<'static> {
    NewJob { kind: "check", subject, payload: "{}", run_at, created_at: 0, single: false }
}

fn single(subject: i64, run_at: i64) -> NewJob<'static> {
    NewJob { single: true, ..new(subject, run_at) }
}

/// Claims up to 10 with a lease of 100 ms of real time.
async fn claim(store: &Store, business_now: i64, real_now: i64) -> Vec<Job> {
    run(store, move |tx| jobs::claim(tx, "check", business_now, real_now, 100, 10)).await
}

async fn jobs_come_in_order_and_when_due(db: TestDb) {
    let store = db.open();
    run(&store, |tx| {
        [(3, 30), (1, 10), (2, 20)]
            .iter()
            .try_for_each(|(subject, at)| jobs::enqueue(tx, &new(*subject, *at)))?;
        jobs::enqueue(tx, &NewJob { kind: "mail", ..new(9, 5) })
    })
    .await;
    assert_eq!(run(&store, jobs::next_due).await, Some(5));
    let claimed = claim(&store, 25, 0).await;
    assert_eq!(claimed.iter().map(|job| job.subject).collect::<Vec<_>>(), [1, 2]);
    let tickets: Vec<_> = claimed.iter().map(|job| job.ticket).collect();
    let held = tickets.clone();
    assert_eq!(run(&store, move |tx| jobs::finish(tx, &held)).await, 2);
    assert_eq!(run(&store, move |tx| jobs::finish(tx, &tickets)).await, 0);
    assert!(claim(&store, 25, 1000).await.is_empty());
    let counts = run(&store, jobs::count).await;
    let waiting = |kind: &str| (kind.to_owned(), JobState::Waiting, 1);
    assert_eq!(counts, [waiting("check"), waiting("mail")]);
}

async fn no_job_goes_to_two_claimers(db: TestDb) {
    let store = db.open();
    run(&store, |tx| (0..300).try_for_each(|subject| jobs::enqueue(tx, &new(subject, 0)))).await;
    let claimers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = run(&store, |tx| jobs::claim(tx, "check", 1, 0, 100, 7)).await;
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.subject));
            }
        })
    });
    let mut seen = HashSet::new();
    for claimer in claimers.collect::<Vec<_>>() {
        for subject in claimer.await.expect("no panic") {
            assert!(seen.insert(subject), "job {subject} was handed out twice");
        }
    }
    assert_eq!(seen.len(), 300);
}

async fn an_expired_lease_is_reclaimed(db: TestDb) {
    let store = db.open();
    run(&store, |tx| jobs::enqueue(tx, &new(1, 0))).await;
    let first = claim(&store, 1, 1000).await.remove(0);
    assert!(claim(&store, 1, 1099).await.is_empty());
    let second = claim(&store, 1, 1100).await.remove(0);
    assert_eq!((first.attempts, second.attempts), (1, 2));
    run(&store, move |tx| jobs::retry(tx, first.ticket, 5, "late")).await;
    assert!(!run(&store, move |tx| jobs::renew(tx, first.ticket, 9_000)).await);
    assert!(run(&store, move |tx| jobs::renew(tx, second.ticket, 1_900)).await);
    assert!(claim(&store, 10, 1_899).await.is_empty(), "a late retry frees nothing");
    assert_eq!(run(&store, move |tx| jobs::finish(tx, &[first.ticket])).await, 0);
    assert_eq!(run(&store, move |tx| jobs::finish(tx, &[second.ticket])).await, 1);

    run(&store, |tx| jobs::enqueue(tx, &new(2, 0))).await;
    assert_eq!(claim(&store, 1, 2000).await.len(), 1);
    assert_eq!(run(&store, jobs::release_all_leases).await, 1);
    assert_eq!(claim(&store, 1, 2000).await.len(), 1);
}

async fn a_single_job_is_kept_once(db: TestDb) {
    let store = db.open();
    run(&store, |tx| {
        jobs::enqueue(tx, &single(1, 50))?;
        jobs::enqueue(tx, &single(1, 20))?;
        jobs::enqueue(tx, &single(1, 90))?;
        jobs::enqueue(tx, &single(2, 90))
    })
    .await;
    let claimed = claim(&store, 100, 0).await;
    let seen: Vec<_> = claimed.iter().map(|job| (job.subject, job.run_at)).collect();
    assert_eq!(seen, [(1, 20), (2, 90)]);
}

async fn a_job_asked_for_while_leased_runs_again(db: TestDb) {
    let store = db.open();
    run(&store, |tx| jobs::enqueue(tx, &single(1, 0))).await;
    let job = claim(&store, 1, 0).await.remove(0);
    run(&store, |tx| jobs::enqueue(tx, &single(1, 40))).await;
    run(&store, |tx| jobs::enqueue(tx, &single(1, 60))).await;
    assert!(claim(&store, 100, 0).await.is_empty(), "never twice at a time");
    assert_eq!(run(&store, move |tx| jobs::finish(tx, &[job.ticket])).await, 1);
    let again = claim(&store, 100, 0).await.remove(0);
    assert_eq!((again.run_at, again.attempts), (40, 1));
    assert_eq!(run(&store, move |tx| jobs::finish(tx, &[again.ticket])).await, 1);
    assert!(run(&store, jobs::count).await.is_empty());
}

async fn retry_give_up_and_revive(db: TestDb) {
    let store = db.open();
    run(&store, |tx| jobs::enqueue(tx, &single(1, 0))).await;
    let job = claim(&store, 1, 0).await.remove(0);
    run(&store, move |tx| jobs::retry(tx, job.ticket, 50, "no answer")).await;
    assert!(claim(&store, 49, 0).await.is_empty());
    let job = claim(&store, 50, 0).await.remove(0);
    assert_eq!(job.attempts, 2);
    run(&store, move |tx| jobs::retry(tx, job.ticket, 60, "")).await;
    let job = claim(&store, 60, 0).await.remove(0);
    assert_eq!(job.attempts, 1, "it has succeeded");
    run(&store, move |tx| jobs::retry(tx, job.ticket, 60, "no answer")).await;
    run(&store, |tx| jobs::enqueue(tx, &single(1, 55))).await;
    let job = claim(&store, 60, 0).await.remove(0);
    assert_eq!(job.attempts, 1, "it was promised anew");
    run(&store, move |tx| jobs::retry(tx, job.ticket, 60, "no answer")).await;
    let job = claim(&store, 60, 0).await.remove(0);
    assert_eq!(job.attempts, 2);
    assert!(run(&store, move |tx| jobs::give_up(tx, job.ticket, "hopeless")).await);
    assert!(claim(&store, 1000, 1000).await.is_empty());
    let dead = run(&store, |tx| jobs::given_up(tx, 0, 10)).await.remove(0);
    assert_eq!((dead.attempts, dead.last_error.as_str()), (2, "hopeless"));
    assert!(run(&store, move |tx| jobs::revive(tx, dead.id, 60)).await);
    assert_eq!(claim(&store, 60, 1000).await.len(), 1);
}

async fn bringing_forward(db: TestDb) {
    let store = db.open();
    run(&store, |tx| jobs::enqueue(tx, &new(1, 500))).await;
    assert_eq!(run(&store, |tx| jobs::bring_forward(tx, "check", 2, 10)).await, 0);
    assert_eq!(run(&store, |tx| jobs::bring_forward(tx, "check", 1, 10)).await, 1);
    assert_eq!(run(&store, |tx| jobs::bring_forward(tx, "check", 1, 900)).await, 1);
    let job = claim(&store, 10, 0).await.remove(0);
    assert_eq!(run(&store, |tx| jobs::bring_forward(tx, "check", 1, 20)).await, 1);
    run(&store, move |tx| jobs::retry(tx, job.ticket, 800, "no answer")).await;
    assert_eq!(run(&store, jobs::next_due).await, Some(20));
}

async fn workers_are_woken_by_a_commit_only(db: TestDb) {
    let store = db.open();
    let soon = Duration::from_secs(10);
    let at_once = Duration::from_millis(200);
    // The listener itself wakes everybody once when it is ready.
    let mut waker = store.job_waker();
    while tokio::time::timeout(at_once * 3, waker.woken()).await.is_ok() {}
    let mut other = waker.clone();
    let refused = store
        .write("refused", |tx| {
            jobs::enqueue(tx, &new(1, 0))?;
            Err::<(), _>(StoreError::inconsistent("no"))
        })
        .await;
    assert!(refused.is_err());
    assert!(tokio::time::timeout(at_once, waker.woken()).await.is_err());
    run(&store, |tx| jobs::enqueue(tx, &new(1, 0))).await;
    tokio::time::timeout(soon, waker.woken()).await.expect("woken");
    tokio::time::timeout(soon, other.woken()).await.expect("woken too");
}

#[tokio::test]
async fn other_nodes_are_woken() {
    let db = TestDb::new(Database::Postgres);
    let (here, there) = (db.open(), db.open());
    let mut waker = there.job_waker();
    while tokio::time::timeout(Duration::from_millis(600), waker.woken()).await.is_ok() {}
    run(&here, |tx| jobs::enqueue(tx, &new(1, 0))).await;
    tokio::time::timeout(Duration::from_secs(10), waker.woken()).await.expect("woken");
}

//! The audit trail and its seals.

use std::sync::mpsc;

use domain::certificate::AccountId;
use domain::time::Time;
use store::events::{self, NewEvent};
use store::migrations::ALL;
use store::testing::TestDb;
use store::{Database, Sql, Store, StoreError, Tx};

use super::on_both;

on_both!(
    an_event_that_is_committed_late_is_sealed_all_the_same,
    what_was_changed_breaks_the_chain,
    seals_of_before_stay_right,
);

const ACCOUNT: AccountId = AccountId(1);

fn append(tx: &mut Tx<'_>, kind: &str) -> Result<(), StoreError> {
    let at = Time::from_secs(1);
    let event = NewEvent { account: ACCOUNT, order: None, kind, actor: "test", detail: "{}", at };
    events::append(tx, &event)
}

async fn run<T: Send + 'static>(
    store: &Store,
    mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write("test", move |tx| work(tx)).await.expect("stored")
}

async fn seal(store: &Store) -> usize {
    run(store, |tx| events::seal(tx, 100)).await
}

/// Events, sealed ones, and the first broken one.
async fn chain(store: &Store) -> (i64, i64, Option<i64>) {
    run(store, |tx| {
        let (all, sealed) = events::count(tx, ACCOUNT)?;
        Ok((all, sealed, events::first_broken_seal(tx, ACCOUNT)?))
    })
    .await
}

async fn an_event_that_is_committed_late_is_sealed_all_the_same(db: TestDb) {
    let store = db.open();
    run(&store, |tx| append(tx, "first")).await;
    if store.database() == Database::Postgres {
        let (written, is_written) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let there = store.clone();
        let slow = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            append(tx, "late")?;
            // Its number is given now, and its commit comes long after.
            events::newest(tx, None, i64::MAX, 1)?;
            let _ = written.send(());
            let _ = may_go_on.recv();
            Ok(())
        };
        let slow = tokio::spawn(async move { there.write("slow", slow).await });
        tokio::task::block_in_place(|| is_written.recv()).expect("written");
        run(&store, |tx| append(tx, "early")).await;
        assert_eq!(seal(&store).await, 2);
        go_on.send(()).expect("it waits");
        slow.await.expect("ends").expect("stored");
        assert_eq!(chain(&store).await, (3, 2, None));
        assert_eq!(seal(&store).await, 1);
        assert_eq!(chain(&store).await, (3, 3, None));
    }
    run(&store, |tx| append(tx, "last")).await;
    assert!(seal(&store).await > 0);
    assert_eq!(seal(&store).await, 0);
    let (all, sealed, broken) = chain(&store).await;
    assert_eq!((all - sealed, broken), (0, None));
}

/// Nothing stays of a transaction that ends with it.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when the test fails")]
enum Undone {
    Broken(Option<i64>),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn what_was_changed_breaks_the_chain(db: TestDb) {
    static TAMPERED: [Sql; 5] = [
        Sql::both("UPDATE events SET actor = 'nobody' WHERE kind = 'b'"),
        Sql::both("DELETE FROM events WHERE kind = 'b'"),
        Sql::both("UPDATE events SET seal = NULL WHERE kind = 'b'"),
        Sql::both("UPDATE events SET seal = seal + 1 WHERE kind = 'b'"),
        Sql::both("DELETE FROM seals WHERE round = 3"),
    ];
    let store = db.open();
    for kind in ["a", "b", "c"] {
        run(&store, move |tx| append(tx, kind)).await;
        seal(&store).await;
    }
    assert_eq!(chain(&store).await, (3, 3, None));
    for sql in &TAMPERED {
        let broken = store
            .write("tamper", move |tx| -> Result<(), Undone> {
                tx.execute(sql, &[])?;
                Err(Undone::Broken(events::first_broken_seal(tx, ACCOUNT)?))
            })
            .await;
        assert!(matches!(broken, Err(Undone::Broken(Some(_)))), "{sql:?}: {broken:?}");
    }
    assert_eq!(chain(&store).await, (3, 3, None));
}

/// Two rounds as the schema before the fifth migration kept them, made with today's hashes; later ones are not looked at.
async fn seals_of_before_stay_right(db: TestDb) {
    static KEPT: [Sql; 2] = [
        Sql::both("CREATE TABLE event_seals AS SELECT account_id,
             (SELECT MAX(e.id) FROM events e WHERE e.seal = seals.round) AS event_id, hash FROM seals"),
        Sql::both("DROP TABLE seals"),
    ];
    static OLD: [Sql; 3] = [
        Sql::both("DROP INDEX events_unsealed"),
        Sql::both("DROP INDEX events_sealed"),
        Sql::both("ALTER TABLE events DROP COLUMN seal"),
    ];
    let store = db.open();
    for kinds in [["a", "b"], ["c", "d"]] {
        run(&store, move |tx| kinds.iter().try_for_each(|kind| append(tx, kind))).await;
        assert_eq!(seal(&store).await, 2);
    }
    run(&store, |tx| append(tx, "e")).await;
    for sql in KEPT.iter().chain(&OLD) {
        run(&store, move |tx| tx.execute(sql, &[]).map(drop)).await;
    }
    run(&store, |tx| {
        const FORGET: Sql = Sql::both("DELETE FROM schema_version WHERE version >= 5");
        tx.execute(&FORGET, &[]).map(drop)
    })
    .await;
    drop(store);
    let store = db.open_with(&ALL[..5]).expect("is brought up to date");
    assert_eq!(chain(&store).await, (5, 4, None));
    assert_eq!(seal(&store).await, 1);
    assert_eq!(chain(&store).await, (5, 5, None));
}

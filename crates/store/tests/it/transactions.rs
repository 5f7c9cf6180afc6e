//! Transactions: what is kept, what is not, and who is harmed.

use std::sync::OnceLock;

use store::migrations::{ALL, Migration};
use store::testing::TestDb;
use store::{ConstraintKind, PgOptions, Sql, SqliteOptions, Store, StoreError, Tx, params};

use super::on_both;

on_both!(
    a_business_error_leaves_nothing,
    a_failure_in_a_group_does_not_harm_its_neighbours,
    a_panic_is_undone_and_the_writer_lives,
    a_refused_statement_dooms_its_transaction,
    exactly_one_row_is_checked,
    a_row_that_is_missing_undoes_all_that_was_done,
    a_refused_row_is_answered_whenever_it_is_sent,
    effects_come_in_their_order,
    the_first_error_is_the_one_reported,
    nothing_queued_outlives_a_business_error,
    a_query_sees_what_was_queued_before_it,
    statements_whose_count_does_not_matter,
    conflicting_writers_are_run_again,
    several_queries_see_one_snapshot,
    sixty_four_tasks_add_up,
    groups_on_several_connections_add_up,
    values_come_back_as_they_went,
    parameters_go_by_number,
    a_read_cannot_write,
    every_query_can_be_prepared,
    what_is_gathered_is_written_whole_or_not_at_all,
);

const TABLES: &str =
    "CREATE TABLE purse (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0));
     CREATE TABLE thing (id {pk}, n BIGINT, t TEXT, b {blob}, u TEXT UNIQUE);";

/// The whole schema and the tables of these tests.
pub(super) fn schema() -> &'static [Migration] {
    static SCHEMA: OnceLock<Vec<Migration>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let last = i64::try_from(ALL.len()).expect("few");
        let more = [Migration::both(last + 1, "test", TABLES)];
        ALL.iter().copied().chain(more).collect()
    })
}

const OPEN: Sql = Sql::both("INSERT INTO purse (id, balance) VALUES ($1, $2)");
pub(super) const ADD: Sql = Sql::both("UPDATE purse SET balance = balance + $2 WHERE id = $1");
pub(super) const BALANCE: Sql = Sql::both("SELECT balance FROM purse WHERE id = $1");
const PURSES: Sql = Sql::both("SELECT COUNT(*) FROM purse");
const SPEND: Sql =
    Sql::both("UPDATE purse SET balance = balance - $2 WHERE id = $1 AND balance >= $2");
const TREBLE: Sql = Sql::both("UPDATE purse SET balance = balance * 3 % 1000003 WHERE id = $1");
const EMPTY: Sql = Sql::both("DELETE FROM purse WHERE id >= $1");
const CALL: Sql = Sql::both("INSERT INTO thing (u) VALUES ($1)");
const NAME: Sql = Sql::both("INSERT INTO thing (u) VALUES ($1) RETURNING id");
const PUT: Sql = Sql::both("INSERT INTO thing (n, t, b) VALUES ($1, $2, $3) RETURNING id");
const GET: Sql = Sql::both("SELECT n, t, b FROM thing WHERE id = $1");
const SWAPPED: Sql = Sql::both("SELECT $2 || '-' || $1");

#[derive(Debug)]
enum Business {
    NoCredit,
    Store(StoreError),
}

impl From<StoreError> for Business {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) fn opened(db: &TestDb) -> Store {
    db.open_with(schema()).expect("opens")
}

pub(super) fn open_purse(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute_one(&OPEN, params![id, 0])
}

async fn balance(store: &Store, id: i64) -> Option<i64> {
    let read = move |tx: &mut Tx<'_>| tx.query_opt(&BALANCE, params![id], |row| row.int(0));
    store.read::<_, StoreError, _>("balance", read).await.expect("reads")
}

async fn a_business_error_leaves_nothing(db: TestDb) {
    let store = opened(&db);
    let refused = store
        .write("refused", |tx| -> Result<(), Business> {
            open_purse(tx, 1)?;
            Err(Business::NoCredit)
        })
        .await;
    assert!(matches!(refused, Err(Business::NoCredit)));
    assert_eq!(balance(&store, 1).await, None);
}

async fn a_failure_in_a_group_does_not_harm_its_neighbours(db: TestDb) {
    let store = opened(&db);
    let all = (0..90_i64).map(|id| {
        let store = store.clone();
        tokio::spawn(async move {
            let write = move |tx: &mut Tx<'_>| {
                open_purse(tx, id)?;
                match id % 3 {
                    0 => Ok(()),
                    1 => Err(Business::NoCredit),
                    _ => Ok(tx.execute_one(&ADD, params![id, -1])?),
                }
            };
            (id, store.write("neighbour", write).await)
        })
    });
    for task in all.collect::<Vec<_>>() {
        let (id, answer) = task.await.expect("no panic");
        match id % 3 {
            0 => answer.expect("kept"),
            1 => assert!(matches!(answer, Err(Business::NoCredit))),
            _ => assert!(matches!(
                answer,
                Err(Business::Store(StoreError::Constraint { kind: ConstraintKind::Check, .. }))
            )),
        }
    }
    let kept = store.read("count", |tx| tx.query_one(&PURSES, &[], |row| row.int(0))).await;
    assert_eq!(kept.map_err(|error: StoreError| error.to_string()), Ok(30));
}

async fn a_panic_is_undone_and_the_writer_lives(db: TestDb) {
    let store = opened(&db);
    for round in 0..20 {
        let answer = store
            .write("explodes", |tx| -> Result<(), StoreError> {
                open_purse(tx, 7)?;
                panic!("boom")
            })
            .await;
        match answer {
            Err(StoreError::Panicked { name: "explodes", message }) => assert_eq!(message, "boom"),
            other => panic!("round {round}: {other:?}"),
        }
    }
    assert_eq!(balance(&store, 7).await, None);
    let read = store.read("explodes too", |_| -> Result<(), StoreError> { panic!("boom") }).await;
    assert!(matches!(read, Err(StoreError::Panicked { .. })));
    store.write("fine", |tx| open_purse(tx, 7)).await.expect("the writer lives");
    assert_eq!(balance(&store, 7).await, Some(0));
}

async fn a_refused_statement_dooms_its_transaction(db: TestDb) {
    let store = opened(&db);
    let swallowed = store
        .write("swallows", |tx| -> Result<(), StoreError> {
            open_purse(tx, 1)?;
            tx.query_one(&NAME, params!["same"], |row| row.int(0))?;
            let _ = tx.query_one(&NAME, params!["same"], |row| row.int(0));
            Ok(())
        })
        .await;
    assert!(swallowed.is_err_and(|error| error.is_unique()));
    assert_eq!(balance(&store, 1).await, None);
}

async fn exactly_one_row_is_checked(db: TestDb) {
    let store = opened(&db);
    let missing = store.write("missing", |tx| tx.execute_one(&ADD, params![5, 1])).await;
    assert!(matches!(missing, Err(StoreError::NotOne { found: 0, .. })));
    let read = |tx: &mut Tx<'_>| tx.query_one(&BALANCE, params![5], |row| row.int(0));
    let missing = store.read("missing", read).await;
    assert!(matches!(missing, Err(StoreError::NotOne { found: 0, .. })));
    const ALL: Sql = Sql::both("SELECT balance FROM purse");
    let many = store
        .write("many", |tx| {
            open_purse(tx, 1)?;
            open_purse(tx, 2)?;
            tx.query_opt(&ALL, &[], |row| row.int(0))
        })
        .await;
    assert!(matches!(many, Err(StoreError::NotOne { found: 2, .. })));
    assert_eq!(balance(&store, 1).await, None);
}

async fn purses(store: &Store) -> i64 {
    let count = |tx: &mut Tx<'_>| tx.query_one(&PURSES, &[], |row| row.int(0));
    store.read::<_, StoreError, _>("count", count).await.expect("reads")
}

/// On PostgreSQL the missing row is found by a query, by an execute or by the end, and swallowed.
async fn a_row_that_is_missing_undoes_all_that_was_done(db: TestDb) {
    let store = opened(&db);
    for found_by in 0..4 {
        let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            open_purse(tx, 1)?;
            let _ = tx.execute_one(&ADD, params![99, 1]);
            let _ = open_purse(tx, 2);
            let late = match found_by {
                0 => tx.query_one(&PURSES, &[], |row| row.int(0)).map(drop),
                1 => tx.execute(&ADD, params![1, 1]).map(drop),
                2 => tx.query(&PURSES, &[], |row| row.int(0)).map(drop),
                _ => return Ok(()),
            };
            assert!(matches!(late, Err(StoreError::NotOne { found: 0, .. })), "{late:?}");
            Ok(())
        };
        let missing = store.write("missing", write).await;
        assert!(matches!(missing, Err(StoreError::NotOne { found: 0, .. })), "{missing:?}");
        assert_eq!(purses(&store).await, 0);
    }
    store.write("fine", |tx| open_purse(tx, 1)).await.expect("the writer is well");
}

async fn a_refused_row_is_answered_whenever_it_is_sent(db: TestDb) {
    let store = opened(&db);
    let call = |tx: &mut Tx<'_>| tx.execute_one(&CALL, params!["taken"]);
    store.write::<_, StoreError, _>("first", call).await.expect("nobody has it yet");
    for (query_before, query_after) in [(false, false), (false, true), (true, false)] {
        let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            if query_before {
                tx.query_one(&PURSES, &[], |row| row.int(0))?;
            }
            open_purse(tx, 1)?;
            call(tx)?;
            if query_after {
                tx.query_one(&PURSES, &[], |row| row.int(0))?;
            }
            Ok(())
        };
        let refused = store.write("second", write).await;
        assert!(refused.as_ref().is_err_and(StoreError::is_unique), "{refused:?}");
        assert_eq!(purses(&store).await, 0);
    }
}

async fn effects_come_in_their_order(db: TestDb) {
    let store = opened(&db);
    let write = |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        open_purse(tx, 1)?;
        // More than may wait at once.
        for n in 0..400 {
            tx.execute_one(&TREBLE, params![1])?;
            tx.execute_one(&ADD, params![1, n % 2])?;
        }
        tx.execute_later(&EMPTY, params![2])?;
        open_purse(tx, 2)
    };
    store.write("in order", write).await.expect("stores");
    let wanted = (0..400).fold(0_i64, |sum, n| sum * 3 % 1_000_003 + n % 2);
    assert_eq!(balance(&store, 1).await, Some(wanted));
    assert_eq!(balance(&store, 2).await, Some(0));
}

async fn the_first_error_is_the_one_reported(db: TestDb) {
    let store = opened(&db);
    let refused = store
        .write("check first", |tx| -> Result<(), StoreError> {
            open_purse(tx, 1)?;
            tx.execute_one(&ADD, params![1, -1])?;
            open_purse(tx, 1)?;
            tx.execute_one(&ADD, params![99, 1])
        })
        .await;
    let check = matches!(refused, Err(StoreError::Constraint { kind: ConstraintKind::Check, .. }));
    assert!(check, "{refused:?}");
    let refused = store
        .write("missing first", |tx| -> Result<(), StoreError> {
            open_purse(tx, 1)?;
            tx.execute_one(&ADD, params![99, 1])?;
            open_purse(tx, 1)?;
            tx.query_one(&PURSES, &[], |row| row.int(0)).map(drop)
        })
        .await;
    assert!(matches!(refused, Err(StoreError::NotOne { found: 0, .. })), "{refused:?}");
    assert_eq!(purses(&store).await, 0);
}

async fn nothing_queued_outlives_a_business_error(db: TestDb) {
    let store = opened(&db);
    for asked in [false, true] {
        let write = move |tx: &mut Tx<'_>| -> Result<(), Business> {
            open_purse(tx, 1)?;
            if asked && tx.execute(&SPEND, params![1, 5])? == 1 {
                return Ok(());
            }
            open_purse(tx, 2)?;
            Err(Business::NoCredit)
        };
        let refused = store.write("refused", write).await;
        assert!(matches!(refused, Err(Business::NoCredit)));
        // The same connection, most likely: what was not sent must not go with the next one.
        for _ in 0..8 {
            store.write("next", |tx| tx.execute_later(&EMPTY, params![50])).await.expect("fine");
        }
        assert_eq!(purses(&store).await, 0);
    }
}

async fn a_query_sees_what_was_queued_before_it(db: TestDb) {
    let store = opened(&db);
    let write = |tx: &mut Tx<'_>| -> Result<_, StoreError> {
        open_purse(tx, 1)?;
        tx.execute_one(&ADD, params![1, 7])?;
        let first = tx.query_one(&BALANCE, params![1], |row| row.int(0))?;
        tx.execute_one(&ADD, params![1, 1])?;
        let spent = tx.execute(&SPEND, params![1, 8])?;
        Ok((first, spent, tx.execute(&SPEND, params![1, 8])?))
    };
    let seen: Result<_, StoreError> = store.write("sees", write).await;
    assert_eq!(seen.expect("stores"), (7, 1, 0));
    assert_eq!(balance(&store, 1).await, Some(0));
}

async fn statements_whose_count_does_not_matter(db: TestDb) {
    let store = opened(&db);
    let write = |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        tx.execute_later(&EMPTY, params![0])?;
        (0..3).try_for_each(|id| open_purse(tx, id))?;
        tx.execute_later(&EMPTY, params![1])
    };
    store.write("clears", write).await.expect("stores");
    assert_eq!(purses(&store).await, 1);
    let broken = store.write("breaks", |tx| tx.execute_later(&ADD, params![0, -1])).await;
    let check = matches!(broken, Err(StoreError::Constraint { kind: ConstraintKind::Check, .. }));
    assert!(check, "{broken:?}");
}

/// Two rows in either order: deadlocks on PostgreSQL, found when the queued statements are sent.
async fn conflicting_writers_are_run_again(db: TestDb) {
    let store = opened(&db);
    let open = |tx: &mut Tx<'_>| open_purse(tx, 1).and_then(|()| open_purse(tx, 2));
    store.write("open", open).await.expect("opens");
    let tasks = (0..8_i64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let (one, other) = if n % 2 == 0 { (1, 2) } else { (2, 1) };
            let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
                tx.execute_one(&ADD, params![one, 1])?;
                tx.query_one(&PURSES, &[], |row| row.int(0))?;
                tx.execute_one(&ADD, params![other, 1])
            };
            store.write("crosses", write).await.expect("some run gets through");
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    assert_eq!(balance(&store, 1).await, Some(8));
    assert_eq!(balance(&store, 2).await, Some(8));
}

/// Also the first time, when nobody knows yet that there will be a second query.
async fn several_queries_see_one_snapshot(db: TestDb) {
    let store = opened(&db);
    store.write("open", |tx| open_purse(tx, 1)).await.expect("opens");
    let writer = store.clone();
    for _ in 0..8 {
        let writer = writer.clone();
        let look = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            let before = tx.query_one(&BALANCE, params![1], |row| row.int(0))?;
            let add = |tx: &mut Tx<'_>| tx.execute_one(&ADD, params![1, 1]);
            writer.write_blocking::<_, StoreError, _>("meanwhile", add)?;
            Ok((before, tx.query_one(&BALANCE, params![1], |row| row.int(0))?))
        };
        let seen: Result<(i64, i64), StoreError> = store.read_long("twice", look).await;
        let (before, after) = seen.expect("reads");
        assert_eq!(before, after);
    }
}

async fn add_up(store: &Store) {
    store.write("open", |tx| open_purse(tx, 1)).await.expect("opens");
    let tasks = (0..64_i64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let add = move |tx: &mut Tx<'_>| tx.execute_one(&ADD, params![1, n]);
                store.write("add", add).await.expect("adds");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    assert_eq!(balance(store, 1).await, Some(20 * 63 * 64 / 2));
}

async fn sixty_four_tasks_add_up(db: TestDb) {
    add_up(&opened(&db)).await;
}

async fn groups_on_several_connections_add_up(db: TestDb) {
    let store = if db.address().starts_with("host=") {
        let options = PgOptions {
            writers: 3,
            readers: 1,
            group: 16,
            migrations: schema(),
            ..PgOptions::for_connections(4)
        };
        Store::open_postgres_with(&db.address(), options)
    } else {
        Store::open_sqlite_with(
            db.address(),
            SqliteOptions { migrations: schema(), exclusive: false, make: true, readers: 1 },
        )
    };
    add_up(&store.expect("opens")).await;
}

async fn values_come_back_as_they_went(db: TestDb) {
    let store = opened(&db);
    let text = "Ünïcödé 'quoted' $1 \u{1F512}".to_owned();
    let bytes: Vec<u8> = (0..=255).collect();
    let (wanted_text, wanted_bytes) = (text.clone(), bytes.clone());
    let rows = store
        .write("round trip", move |tx| -> Result<_, StoreError> {
            let put = [
                params![i64::MIN, &text, &bytes],
                params![i64::MAX, "", &[0_u8; 0]],
                params![true, None::<&str>, None::<&[u8]>],
                params![None::<i64>, Some("x"), Some(&bytes[..1])],
            ];
            let mut rows = Vec::new();
            for values in put {
                let id = tx.query_one(&PUT, values, |row| row.int(0))?;
                rows.push(tx.query_one(&GET, params![id], |row| {
                    Ok((row.opt_int(0)?, row.opt_text(1)?, row.opt_bytes(2)?))
                })?);
            }
            assert!(matches!(
                tx.query_one(&GET, params![1], |row| row.text(0)),
                Err(StoreError::Column { column: 0, .. })
            ));
            Ok(rows)
        })
        .await
        .expect("stores");
    assert_eq!(rows[0], (Some(i64::MIN), Some(wanted_text), Some(wanted_bytes)));
    assert_eq!(rows[1], (Some(i64::MAX), Some(String::new()), Some(Vec::new())));
    assert_eq!(rows[2], (Some(1), None, None));
    assert_eq!(rows[3], (None, Some("x".to_owned()), Some(vec![0])));
}

async fn parameters_go_by_number(db: TestDb) {
    let store = opened(&db);
    let swapped =
        |tx: &mut Tx<'_>| tx.query_one(&SWAPPED, params!["one", "two"], |row| row.text(0));
    let text: Result<String, StoreError> = store.read("swapped", swapped).await;
    assert_eq!(text.expect("reads"), "two-one");
}

async fn a_read_cannot_write(db: TestDb) {
    let store = opened(&db);
    let written = store.read("sneaky", |tx| open_purse(tx, 1)).await;
    assert!(matches!(written, Err(StoreError::Database { .. })), "{written:?}");
    let long = store.read_long("long", |tx| tx.query_one(&PURSES, &[], |row| row.int(0))).await;
    assert_eq!(long.map_err(|error: StoreError| error.to_string()), Ok(0));
}

async fn every_query_can_be_prepared(db: TestDb) {
    let store = db.open();
    let prepare = |tx: &mut Tx<'_>| store::every_query().try_for_each(|sql| tx.prepare(sql));
    let done: Result<(), StoreError> = store.write("prepare", prepare).await;
    done.expect("every query is understood");
}

async fn what_is_gathered_is_written_whole_or_not_at_all(db: TestDb) {
    const PUT_LATER: Sql = Sql::both("INSERT INTO thing (n, t, b, u) VALUES ($1, $2, $3, $4)");
    const ALL_THINGS: Sql = Sql::both("SELECT n, t, b FROM thing ORDER BY n");
    let store = opened(&db);
    let fill = |tx: &mut Tx<'_>| {
        tx.gather();
        for n in 0..300_i64 {
            let unique = format!("u{n}");
            tx.execute_one(&OPEN, params![n, 10])?;
            let (text, bytes) = ((n % 3 == 0).then_some("ä,{}\"\\"), [0, 255, 1]);
            tx.execute_one(&PUT_LATER, params![n, text, &bytes, unique.as_str()])?;
            tx.execute_one(&ADD, params![n, n])?;
        }
        Ok::<_, StoreError>(())
    };
    store.write("fill", fill).await.unwrap();
    let read = |row: &store::Row<'_>| Ok((row.int(0)?, row.opt_text(1)?, row.bytes(2)?));
    let things = store.read("things", move |tx| tx.query(&ALL_THINGS, &[], read)).await;
    let things: Vec<(i64, Option<String>, Vec<u8>)> =
        things.unwrap_or_else(|e: StoreError| panic!("{e}"));
    assert_eq!(things.len(), 300);
    for (n, (number, text, bytes)) in (0..).zip(things) {
        let wanted = (n % 3 == 0).then(|| "ä,{}\"\\".to_owned());
        assert_eq!((number, text, bytes), (n, wanted, vec![0, 255, 1]));
    }
    assert_eq!(balance(&store, 299).await, Some(309));

    // One row that is missing, or refused, undoes all of them.
    let missing = |tx: &mut Tx<'_>| {
        tx.gather();
        for n in [1_i64, 2, 1_000] {
            tx.execute_one(&ADD, params![n, 5])?;
        }
        Ok::<_, StoreError>(())
    };
    let error = store.write("missing", missing).await.unwrap_err();
    assert!(matches!(error, StoreError::NotOne { .. }), "{error:?}");
    let refused = |tx: &mut Tx<'_>| {
        tx.gather();
        for n in [1_i64, 2] {
            tx.execute_one(&ADD, params![n, 5])?;
        }
        for n in [2_000_i64, 7] {
            tx.execute_one(&OPEN, params![n, 1])?;
        }
        Ok::<_, StoreError>(())
    };
    let error = store.write("refused", refused).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Constraint { kind: ConstraintKind::Unique, .. }),
        "{error:?}"
    );
    assert_eq!(balance(&store, 1).await, Some(11));
    assert_eq!(balance(&store, 2).await, Some(12));
}

/// A full disk makes SQLite take back the whole transaction, with what the neighbours in it have done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_harms_no_neighbours() {
    const PAGES: Sql = Sql::both("PRAGMA page_count");
    const FREE: Sql = Sql::both("PRAGMA max_page_count = 1000000");
    const FILL: Sql = Sql::both("INSERT INTO thing (b) VALUES (zeroblob(40000000))");
    const FULL: Sql = Sql::both("PRAGMA max_page_count = 200");
    let db = TestDb::new(store::Database::Sqlite);
    let store = opened(&db);
    // All of them come while the writer is busy, and go into one transaction.
    let (busy, go) = std::sync::mpsc::channel();
    let holder = store.clone();
    let held = tokio::spawn(async move {
        holder
            .write("holds", move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
                tx.query_one(&PAGES, &[], |row| row.int(0))?;
                let _ = go.recv();
                Ok(())
            })
            .await
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let write = |id: i64| {
        let store = store.clone();
        tokio::spawn(async move {
            let work = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
                if id % 5 == 3 {
                    tx.query_one(&FULL, &[], |_| Ok(()))?;
                    // Nothing was changed before, so there would be nothing to undo.
                    let done = tx.execute_one(&FILL, &[]);
                    return done;
                }
                tx.query_one(&FREE, &[], |_| Ok(()))?;
                open_purse(tx, id)
            };
            (id, store.write("neighbour", work).await)
        })
    };
    let all: Vec<_> = (0..20).map(write).collect();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    busy.send(()).expect("the writer waits");
    held.await.expect("no panic").expect("held");
    for task in all {
        let (id, answer) = task.await.expect("no panic");
        match id % 5 {
            3 => assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{id}: {answer:?}"),
            _ => answer.unwrap_or_else(|error| panic!("{id}: {error}")),
        }
    }
    let kept = store.read("count", |tx| tx.query_one(&PURSES, &[], |row| row.int(0))).await;
    assert_eq!(kept.map_err(|error: StoreError| error.to_string()), Ok(16));
}

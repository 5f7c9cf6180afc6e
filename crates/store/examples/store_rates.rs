//! How fast the store is on this machine: `cargo run --release -p store --example store_rates`.
//!
//! The write is a small order: three statements (a balance, an order, a job), a row of about
//! 1 KB, spread over 100 accounts. The read is three look-ups by key.
//!
//! `-- house` measures only what the house does all day, with several numbers of connections: a
//! transaction of ten statements (a look-up, eight that touch one row each, a conditional debit)
//! and three reads of one query each, by 64 tasks, on a hundred accounts and on one.

use std::future::Future;
use std::io::Write;
use std::time::{Duration, Instant};

use store::jobs::{self, NewJob};
use store::migrations::Migration;
use store::testing::{PgServer, TestDb};
use store::{Database, PgOptions, Sql, Store, StoreError, Tx, params};

const SCHEMA: &[Migration] = &[
    Migration::both(1, "jobs", include_str!("../migrations/0001_jobs.sql")),
    Migration::both(
        2,
        "rates",
        "CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL);
         CREATE TABLE purchase (id {pk}, account BIGINT NOT NULL, body {blob} NOT NULL);
         CREATE TABLE note (id {pk}, account BIGINT NOT NULL, body TEXT NOT NULL);",
    ),
];
const OPEN: Sql = Sql::both("INSERT INTO account (id, balance) VALUES ($1, $2)");
const DEBIT: Sql = Sql::both("UPDATE account SET balance = balance - $2 WHERE id = $1");
const BUY: Sql = Sql::both("INSERT INTO purchase (account, body) VALUES ($1, $2) RETURNING id");
const BALANCE: Sql = Sql::both("SELECT balance FROM account WHERE id = $1");
const NOTE: Sql = Sql::both("INSERT INTO note (account, body) VALUES ($1, $2)");
const TAKE: Sql =
    Sql::both("UPDATE account SET balance = balance - $2 WHERE id = $1 AND balance >= $2");
const ACCOUNTS: i64 = 100;
const TIME: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("house") {
        return houses().await;
    }
    disk();
    let db = TestDb::new(Database::Sqlite);
    measure("SQLite", db.open_with(SCHEMA).expect("opens")).await;
    let server = PgServer::shared();
    for (writers, group) in [(4, 1), (12, 1), (24, 1), (1, 256), (4, 16)] {
        let name = format!("rates_{writers}_{group}");
        server.admin(&format!("CREATE DATABASE {name}"));
        let base = PgOptions::for_connections(writers + 4);
        let options = PgOptions { writers, readers: 4, group, migrations: SCHEMA, ..base };
        let store = Store::open_postgres_with(&server.address(&name), options).expect("opens");
        measure(&format!("PostgreSQL {writers} writers, groups of {group}"), store).await;
    }
}

/// The same day's work with several numbers of connections.
async fn houses() {
    let db = TestDb::new(Database::Sqlite);
    measure_house("SQLite", db.open_with(SCHEMA).expect("opens")).await;
    let server = PgServer::shared();
    for (writers, readers) in [(2, 1), (4, 1), (4, 2), (8, 2), (12, 4), (24, 4)] {
        let name = format!("house_{writers}_{readers}");
        server.admin(&format!("CREATE DATABASE {name}"));
        let base = PgOptions::for_connections(writers + readers);
        let options = PgOptions { writers, readers, migrations: SCHEMA, ..base };
        let store = Store::open_postgres_with(&server.address(&name), options).expect("opens");
        measure_house(&format!("PostgreSQL {writers} writers, {readers} readers"), store).await;
    }
}

async fn measure_house(name: &str, store: Store) {
    let open = |tx: &mut Tx<'_>| {
        (0..ACCOUNTS).try_for_each(|id| tx.execute_one(&OPEN, params![id, 1_000_000_000]))
    };
    store.write::<_, StoreError, _>("open", open).await.expect("opens");
    rate(&format!("{name}, house, 1 task"), 1, &store, house).await;
    rate(&format!("{name}, house, 64 tasks"), 64, &store, house).await;
    rate(&format!("{name}, house, 64 tasks, one account"), 64, &store, house_of_one).await;
}

async fn house_of_one(store: Store, _: i64) {
    house(store, 0).await;
}

async fn house(store: Store, n: i64) {
    let account = n % ACCOUNTS;
    let body = vec![7_u8; 1024];
    for _ in 0..3 {
        let read = move |tx: &mut Tx<'_>| tx.query_one(&BALANCE, params![account], |r| r.int(0));
        let balance: Result<i64, StoreError> = store.read("balance", read).await;
        balance.expect("read");
    }
    let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        let id = tx.query_one(&BUY, params![account, &body], |row| row.int(0))?;
        for _ in 0..7 {
            tx.execute_one(&NOTE, params![account, "a word about what happened"])?;
        }
        let (kind, payload) = ("check", "{}");
        let job = NewJob { kind, subject: id, payload, run_at: 0, created_at: 0, single: false };
        jobs::enqueue(tx, &job)?;
        let taken = tx.execute(&TAKE, params![account, 1])?;
        assert_eq!(taken, 1);
        Ok(())
    };
    store.write("house", write).await.expect("stored");
}

/// Appends 4 KB and syncs, again and again.
fn disk() {
    let path = std::env::temp_dir().join("chancery-rates-fsync");
    let mut file = std::fs::File::create(&path).expect("a file");
    let (start, mut syncs) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        file.write_all(&[7; 4096]).expect("written");
        file.sync_data().expect("synced");
        syncs += 1;
    }
    println!("fsync: {:.0}/s", f64::from(syncs) / TIME.as_secs_f64());
    let _ = std::fs::remove_file(path);
}

async fn measure(name: &str, store: Store) {
    let open =
        |tx: &mut Tx<'_>| (0..ACCOUNTS).try_for_each(|id| tx.execute_one(&OPEN, params![id, 0]));
    store.write::<_, StoreError, _>("open", open).await.expect("opens");
    for tasks in [1, 16, 64] {
        rate(&format!("{name}, write, {tasks} tasks"), tasks, &store, order).await;
    }
    rate(&format!("{name}, write, 64 tasks, one account"), 64, &store, order_of_one).await;
    rate(&format!("{name}, read, 32 tasks"), 32, &store, look_up).await;
    rate(&format!("{name}, read on other threads, 32 tasks"), 32, &store, look_far).await;
}

async fn order_of_one(store: Store, _: i64) {
    order(store, 0).await;
}

async fn order(store: Store, n: i64) {
    let account = n % ACCOUNTS;
    let body = vec![7_u8; 1024];
    let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        let id = tx.query_one(&BUY, params![account, &body], |row| row.int(0))?;
        let (kind, payload) = ("check", "{}");
        let job = NewJob { kind, subject: id, payload, run_at: 0, created_at: 0, single: false };
        jobs::enqueue(tx, &job)?;
        tx.execute_one(&DEBIT, params![account, 1])
    };
    store.write("order", write).await.expect("stored");
}

fn three(tx: &mut Tx<'_>, first: i64) -> Result<i64, StoreError> {
    (0..3).try_fold(0, |sum, n| {
        let id = (first + n) % ACCOUNTS;
        Ok(sum + tx.query_one(&BALANCE, params![id], |row| row.int(0))?)
    })
}

async fn look_up(store: Store, n: i64) {
    store.read("look up", move |tx| three(tx, n)).await.expect("read");
}

async fn look_far(store: Store, n: i64) {
    store.read_long("look far", move |tx| three(tx, n)).await.expect("read");
}

/// Repeats a call in so many tasks and prints calls per second, with the worst wait.
async fn rate<F, C>(name: &str, tasks: i64, store: &Store, call: C)
where
    F: Future<Output = ()> + Send,
    C: Fn(Store, i64) -> F + Copy + Send + 'static,
{
    let start = Instant::now();
    let running = (0..tasks).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            let (mut calls, mut worst) = (0_u32, Duration::ZERO);
            while start.elapsed() < TIME {
                let before = Instant::now();
                call(store.clone(), task * 7 + i64::from(calls)).await;
                worst = worst.max(before.elapsed());
                calls += 1;
            }
            (calls, worst)
        })
    });
    let (mut calls, mut worst) = (0, Duration::ZERO);
    for task in running.collect::<Vec<_>>() {
        let (more, wait) = task.await.expect("no panic");
        calls += more;
        worst = worst.max(wait);
    }
    let rate = f64::from(calls) / start.elapsed().as_secs_f64();
    println!("{name}: {rate:.0}/s, worst wait {} ms", worst.as_millis());
}

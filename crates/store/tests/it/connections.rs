//! Connections to PostgreSQL that are lost.

use std::process::Command;
use std::time::Duration;

use store::testing::TestDb;
use store::{PgOptions, Sql, Store, StoreError, Tx, params};

use super::transactions::{ADD, BALANCE, open_purse, opened, schema};

#[test]
fn a_lost_connection_is_made_again() {
    let db = TestDb::new(store::Database::Postgres);
    let store = opened(&db);
    store.write_blocking("open", |tx| open_purse(tx, 1)).expect("opens");
    const OTHERS: Sql = Sql::both(
        "SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND datname = current_database()) AS killed",
    );
    for round in 1..20_i64 {
        let kill = |tx: &mut Tx<'_>| tx.query_one(&OTHERS, &[], |row| row.int(0));
        store.write_blocking::<_, StoreError, _>("kill", kill).expect("kills");
        store.write_blocking("add", |tx| tx.execute_one(&ADD, params![1, 1])).expect("adds");
        let read = |tx: &mut Tx<'_>| tx.query_one(&BALANCE, params![1], |row| row.int(0));
        let sum: Result<i64, StoreError> = store.read_blocking("sum", read);
        assert_eq!(sum.expect("reads"), round);
    }
}

/// The connection is lost between a transaction's statements, and before a read's only one.
#[test]
fn a_connection_lost_inside_a_transaction_is_made_again() {
    let db = TestDb::new(store::Database::Postgres);
    let store = opened(&db);
    let killer = opened(&db);
    store.write_blocking("open", |tx| open_purse(tx, 1)).expect("opens");
    const OTHERS: Sql = Sql::both(
        "SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND datname = current_database()) AS killed",
    );
    let kill = move || {
        let kill = |tx: &mut Tx<'_>| tx.query_one(&OTHERS, &[], |row| row.int(0));
        killer.write_blocking::<_, StoreError, _>("kill", kill).expect("kills");
    };
    for round in 1..6_i64 {
        let mut runs = 0;
        let kill_2 = kill.clone();
        let write = move |tx: &mut Tx<'_>| -> Result<i64, StoreError> {
            runs += 1;
            tx.execute_one(&ADD, params![1, 1])?;
            if runs == 1 {
                tx.query_one(&BALANCE, params![1], |row| row.int(0))?;
                kill_2();
            }
            tx.execute_one(&NOTHING, params![1])?;
            Ok(runs)
        };
        const NOTHING: Sql = Sql::both("UPDATE purse SET balance = balance WHERE id = $1");
        let runs: Result<i64, StoreError> = store.write_blocking("add", write);
        assert_eq!(runs.expect("run again"), 2);
        kill();
        let read = |tx: &mut Tx<'_>| tx.query_one(&BALANCE, params![1], |row| row.int(0));
        let sum: Result<i64, StoreError> = store.read_blocking("sum", read);
        assert_eq!(sum.expect("reads"), round);
    }
}

/// A server process that hangs, until this is dropped.
struct Hung(String);

impl Hung {
    fn new(pid: i64) -> Self {
        let hung = Hung(pid.to_string());
        hung.signal("-STOP");
        hung
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// Nobody waits for ever for a server that has gone quiet: the work is done on another connection, and once only. Whether a
/// commit came through cannot be known, and that is said.
#[test]
fn a_connection_that_hangs_is_given_up() {
    let db = TestDb::new(store::Database::Postgres);
    let options = PgOptions { patience: Duration::from_millis(700), ..options() };
    let store = Store::open_postgres_with(&db.address(), options).expect("opens");
    store.write_blocking("open", |tx| open_purse(tx, 1)).expect("opens");

    let hung = Hung::new(store.read_blocking("pid", pid).expect("a reader"));
    assert_eq!(balance(&store), 0);
    drop(hung);

    let (mut hung, mut runs) = (Vec::new(), 0);
    let add = move |tx: &mut Tx<'_>| -> Result<i32, StoreError> {
        runs += 1;
        if runs == 1 {
            hung.push(Hung::new(pid(tx)?));
        }
        tx.execute_one(&ADD, params![1, 1])?;
        tx.query_one(&BALANCE, params![1], |row| row.int(0))?;
        // The one that hung goes on, beside the one that took its place.
        hung.clear();
        Ok(runs)
    };
    assert_eq!(store.write_blocking("add", add).expect("added elsewhere"), 2);
    assert_eq!(balance(&store), 1);

    let (tell, hung) = std::sync::mpsc::channel();
    let commit = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        let pid = pid(tx)?;
        tx.prepare(&ADD)?;
        let _ = tell.send(Hung::new(pid));
        // It goes out with the COMMIT.
        tx.execute_later(&ADD, params![1, 1])
    };
    let error = store.write_blocking("commit", commit).expect_err("nobody knows");
    let runs = hung.iter().count();
    assert!(matches!(error, StoreError::CommitUnknown(_)), "{error} {runs}");
    assert!(error.to_string().contains("no answer within 700ms"), "{error}");
    assert_eq!(runs, 1, "it is not run again");
}

fn pid(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    const PID: Sql = Sql::both("SELECT pg_backend_pid()");
    tx.query_one(&PID, &[], |row| row.int(0))
}

fn options() -> PgOptions {
    PgOptions { writers: 1, readers: 1, migrations: schema(), ..PgOptions::for_connections(2) }
}

fn balance(store: &Store) -> i64 {
    let read = |tx: &mut Tx<'_>| tx.query_one(&BALANCE, params![1], |row| row.int(0));
    store.read_blocking::<_, StoreError, _>("balance", read).expect("reads")
}

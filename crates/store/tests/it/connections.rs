//! Connections to PostgreSQL that are lost.

use store::testing::TestDb;
use store::{Sql, StoreError, Tx, params};

use super::transactions::{ADD, BALANCE, open_purse, opened};

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

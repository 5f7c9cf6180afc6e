//! Emptying a database.

use store::testing::TestDb;
use store::{Database, Sql, StoreError, Tx, reset};

use crate::on_both;

on_both!(rows_are_counted_anew);

/// What is not the house's own data; and the CAs, which stay with their folder.
const KEPT: [&str; 4] = ["schema_version", "numbers", "sqlite_sequence", "cas"];

#[test]
fn every_table_of_the_schema_is_emptied() {
    const NAMES: Sql = Sql::both("SELECT name FROM sqlite_master WHERE type = 'table'");
    let db = TestDb::new(Database::Sqlite);
    let names = |tx: &mut Tx<'_>| tx.query(&NAMES, &[], |row| row.text(0));
    let names: Result<Vec<String>, StoreError> = db.open().read_blocking("tables", names);
    let emptied: Vec<String> = reset::ALL.iter().map(|sql| format!("{sql:?}")).collect();
    for name in names.expect("a schema").iter().filter(|n| !KEPT.contains(&n.as_str())) {
        let delete = format!("DELETE FROM {name}\"");
        assert!(emptied.iter().any(|sql| sql.contains(&delete)), "{name} is not emptied");
    }
}

async fn rows_are_counted_anew(db: TestDb) {
    const INSERT: Sql = Sql::both(
        "INSERT INTO events (account_id, kind, actor, detail, at) VALUES (1, 'a', 'b', '{}', 0) RETURNING id",
    );
    let store = db.open();
    let insert = |tx: &mut Tx<'_>| tx.query_one(&INSERT, &[], |row| row.int(0));
    for _ in 0..2 {
        let first: Result<i64, StoreError> = store.write("insert", insert).await;
        assert_eq!(first.expect("a row"), 1);
        let emptied: Result<(), StoreError> = store.write("reset", reset::everything).await;
        emptied.expect("emptied");
    }
}

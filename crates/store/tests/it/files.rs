//! Which files and databases a store takes for its own.

use store::testing::{PgServer, TestDb};
use store::{PgOptions, SqliteOptions, Store, StoreError};

#[test]
fn one_process_at_a_time_serves_a_file() {
    let db = TestDb::new(store::Database::Sqlite);
    let first = db.open();
    let second = Store::open_sqlite(db.address(), 1);
    assert!(matches!(second, Err(StoreError::InUse(_))));
    let beside = SqliteOptions { exclusive: false, make: false, ..SqliteOptions::default() };
    let beside = Store::open_sqlite_with(db.address(), beside).expect("a command beside it");
    drop((first, beside));
    Store::open_sqlite(db.address(), 1).expect("free again");
}

#[test]
fn what_is_not_ours_stays_as_it_is() {
    let db = TestDb::new(store::Database::Sqlite);
    let beside = SqliteOptions { exclusive: false, make: false, ..SqliteOptions::default() };
    let refused = |options: &SqliteOptions| {
        let opened = Store::open_sqlite_with(db.address(), options.clone());
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    };
    std::fs::write(db.address(), "").expect("an empty file");
    assert!(refused(&beside).contains("no tables of Chancery"));
    assert_eq!(std::fs::read(db.address()).expect("a file"), b"");
    let other = rusqlite::Connection::open(db.address()).expect("a database");
    other.execute_batch("CREATE TABLE recipes (name TEXT)").expect("a table");
    drop(other);
    let before = std::fs::read(db.address()).expect("a file");
    for options in [&beside, &SqliteOptions::default()] {
        assert!(refused(options).contains("no database of Chancery"));
        assert_eq!(std::fs::read(db.address()).expect("a file"), before);
    }
    std::fs::write(db.address(), "of something else entirely, and long").expect("a file");
    assert!(refused(&beside).contains("not a database"));

    let server = PgServer::shared();
    server.admin("CREATE DATABASE not_ours");
    let beside = PgOptions { make: false, ..PgOptions::for_connections(1) };
    let opened = Store::open_postgres_with(&server.address("not_ours"), beside);
    let refused = opened.err().expect("no tables");
    assert!(refused.to_string().contains("no tables of Chancery"), "{refused}");

    let latin =
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    server.admin(latin);
    let opened = Store::open_postgres(&server.address("latin"), 1);
    let refused = opened.err().expect("names of every script");
    assert!(refused.to_string().contains("encoding is LATIN1"), "{refused}");
}

//! The runner of migrations.

use store::StoreError;
use store::migrations::{ALL, Migration};
use store::testing::TestDb;

use super::on_both;

on_both!(an_edited_text_is_refused, a_newer_database_is_refused, a_broken_text_leaves_nothing);

const JOBS: &str = include_str!("../../migrations/0001_jobs.sql");
const FIRST: Migration = Migration::both(1, "jobs", JOBS);
const EDITED: &[Migration] = &[Migration::both(1, "jobs", "CREATE TABLE jobs (id {pk})")];
const TWO: &[Migration] = &[FIRST, Migration::both(2, "more", "CREATE TABLE more (b {blob})")];
const BROKEN: &[Migration] =
    &[FIRST, Migration::both(2, "more", "CREATE TABLE more (b {blob}); CREATE NONSENSE;")];

fn refusal(db: &TestDb, migrations: &'static [Migration]) -> String {
    match db.open_with(migrations) {
        Err(StoreError::Migration(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not refused"),
    }
}

async fn an_edited_text_is_refused(db: TestDb) {
    drop(db.open());
    assert!(refusal(&db, EDITED).contains("edited"));
    drop(db.open());
}

async fn a_newer_database_is_refused(db: TestDb) {
    drop(db.open_with(TWO).expect("opens"));
    assert!(refusal(&db, &TWO[..1]).contains("newer"));
    drop(db.open_with(TWO).expect("opens again"));
}

async fn a_broken_text_leaves_nothing(db: TestDb) {
    assert!(refusal(&db, BROKEN).contains("version 2"));
    drop(db.open_with(TWO).expect("the table is not there yet"));
}

#[test]
fn versions_have_no_gaps() {
    let db = TestDb::new(store::Database::Sqlite);
    drop(db.open_with(ALL).expect("opens"));
    const GAP: &[Migration] = &[FIRST, Migration::both(3, "gap", "SELECT 1")];
    let gap = refusal(&db, GAP);
    assert!(gap.contains("numbered 3"), "{gap}");
}

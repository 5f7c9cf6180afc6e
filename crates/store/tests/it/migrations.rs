//! The runner of migrations.

use store::StoreError;
use store::migrations::{ALL, Migration};
use store::testing::TestDb;

use super::on_both;

on_both!(an_edited_text_is_refused, a_newer_database_is_refused, a_broken_text_leaves_nothing);

const MORE: &str = "CREATE TABLE more (b {blob})";
const BROKEN: &str = "CREATE TABLE more (b {blob}); CREATE NONSENSE;";
const NEXT: i64 = ALL.len() as i64 + 1;

/// The schema and one step more.
fn and(version: i64, text: &'static str) -> &'static [Migration] {
    let more = [Migration::both(version, "more", text)];
    ALL.iter().copied().chain(more).collect::<Vec<_>>().leak()
}

/// The schema with its first step edited.
fn edited() -> &'static [Migration] {
    let mut all = ALL.to_vec();
    all[0] = Migration::both(1, "jobs", "CREATE TABLE jobs (id {pk})");
    all.leak()
}

fn refusal(db: &TestDb, migrations: &'static [Migration]) -> String {
    match db.open_with(migrations) {
        Err(StoreError::Migration(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not refused"),
    }
}

async fn an_edited_text_is_refused(db: TestDb) {
    drop(db.open());
    assert!(refusal(&db, edited()).contains("edited"));
    drop(db.open());
}

async fn a_newer_database_is_refused(db: TestDb) {
    drop(db.open_with(and(NEXT, MORE)).expect("opens"));
    assert!(refusal(&db, ALL).contains("newer"));
    drop(db.open_with(and(NEXT, MORE)).expect("opens again"));
}

async fn a_broken_text_leaves_nothing(db: TestDb) {
    let version = format!("version {NEXT}");
    let why = refusal(&db, and(NEXT, BROKEN));
    assert!(why.contains(&version), "{why}");
    drop(db.open_with(and(NEXT, MORE)).expect("the table is not there yet"));
}

#[test]
fn versions_have_no_gaps() {
    let db = TestDb::new(store::Database::Sqlite);
    drop(db.open_with(ALL).expect("opens"));
    let gap = refusal(&db, and(NEXT + 1, "SELECT 1"));
    assert!(gap.contains(&format!("numbered {}", NEXT + 1)), "{gap}");
}

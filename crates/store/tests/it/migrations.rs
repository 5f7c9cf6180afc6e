//! The runner of migrations.

use store::migrations::{ALL, Migration};
use store::testing::TestDb;
use store::{Sql, StoreError, Tx, certificates, params, tokens};

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

const ACCOUNT: Sql = Sql::both(
    "INSERT INTO accounts (id, login_name, role, brand, currency, balance, credit_limit, payment, privileges, allowed_ips,
         password_hash, created_at)
     VALUES (1, 'a', 'reseller', '', 'EUR', 0, 0, 'account', '', '', '', 0)",
);
const ORDER: Sql = Sql::both(
    "INSERT INTO orders (order_number, base_order_number, account_id, product, bought, test, term_days, cost, parameters,
         placed_at, expires_at)
     VALUES (1, 1, 1, 488, '{}', 0, 365, 0, '{}', 0, 0)",
);
const REQUEST: Sql = Sql::both(
    "INSERT INTO certificate_requests (certificate_id, order_number, state, state_at, checks, csr, csr_sha256, spki,
         key_kind)
     VALUES ($1, 1, 'revoked', 0, '', $2, $2, $2, 'p256')",
);
const TOKEN: Sql = Sql::both(
    "INSERT INTO request_tokens (csr_sha256, unique_value, base_order_number) VALUES ($1, $2, $3)",
);
const CERTIFICATE: Sql = Sql::both(
    "INSERT INTO certificates (certificate_id, serial, ca_id, tbs_sha256, der, not_before, not_after, crl_shard,
         recorded_at, revoked_at, revocation_reason)
     VALUES ($1, $2, 1, $2, $2, 0, 1, 0, 0, $3, $4)",
);

/// 1 is keyCompromise, twice with the same key; 4 is superseded; one is not revoked. Only on SQLite, where a test's database
/// has no schema yet; the text is the same for both.
#[test]
fn keys_that_were_revoked_before_are_known() {
    let db = TestDb::new(store::Database::Sqlite);
    let before = db.open_with(&ALL[..5]).expect("opens");
    let write = |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        tx.execute_one(&ACCOUNT, &[])?;
        tx.execute_one(&ORDER, &[])?;
        let all = [(1, 7_u8, Some(1)), (2, 7, Some(1)), (3, 8, Some(4)), (4, 9, None)];
        for (id, key, reason) in all {
            tx.execute_one(&REQUEST, params![id, &[key]])?;
            let serial = [u8::try_from(id).expect("small")];
            tx.execute_one(&CERTIFICATE, params![id, &serial, reason.map(|_| 5_i64), reason])?;
        }
        Ok(())
    };
    before.write_blocking("old_house", write).expect("written");
    drop(before);
    let known = |tx: &mut Tx<'_>| -> Result<Vec<bool>, StoreError> {
        [7_u8, 8, 9].iter().map(|key| certificates::key_is_compromised(tx, &[*key])).collect()
    };
    let known = db.open().read_blocking("known_keys", known).expect("read");
    assert_eq!(known, [true, false, false]);
}

/// In one spelling each, with the chain that came first. Only on SQLite, for the same reason.
#[test]
fn tokens_of_before_are_found_in_any_case() {
    let db = TestDb::new(store::Database::Sqlite);
    let before = db.open_with(&ALL[..7]).expect("opens");
    let write = |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        for (csr, value, base) in
            [(7_u8, "Tok1", 11), (7, "TOK1", 10), (7, "other", 12), (8, "Tok1", 13)]
        {
            tx.execute_one(&TOKEN, params![&[csr; 32], value, base])?;
        }
        Ok(())
    };
    before.write_blocking("old_tokens", write).expect("written");
    drop(before);
    let kept = |tx: &mut Tx<'_>| -> Result<Vec<(String, i64)>, StoreError> {
        let mut all: Vec<_> = [[7_u8; 32], [8; 32]]
            .iter()
            .map(|csr| tokens::of_csr(tx, csr))
            .collect::<Result<Vec<_>, _>>()?
            .concat()
            .into_iter()
            .map(|(value, base)| (value, base.0))
            .collect();
        all.sort();
        Ok(all)
    };
    let kept = db.open().read_blocking("tokens", kept).expect("read");
    let kept: Vec<_> = kept.iter().map(|(value, base)| (value.as_str(), *base)).collect();
    assert_eq!(kept, [("other", 12), ("tok1", 10), ("tok1", 13)]);
}

#[test]
fn versions_have_no_gaps() {
    let db = TestDb::new(store::Database::Sqlite);
    drop(db.open_with(ALL).expect("opens"));
    let gap = refusal(&db, and(NEXT + 1, "SELECT 1"));
    assert!(gap.contains(&format!("numbered {}", NEXT + 1)), "{gap}");
}

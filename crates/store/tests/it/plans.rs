//! How PostgreSQL means to run the queries of the program.

use store::Database;
use store::testing::TestDb;

/// A table or an index that is read whole for each call is no slower on the day of a test.
#[tokio::test]
async fn queries_go_by_keys() {
    /// Of tables that stay small, of what a start or an operator's command reads (the others with a key that is known to be
    /// compromised among them), and up to a limit in the index's order.
    const WHOLE: [&str; 8] = [
        "FROM schema_version ORDER BY version",
        "UPDATE jobs SET state = 0, locked_until = 0, again = 0 WHERE state = 1",
        "SELECT kind, state, COUNT(*) FROM jobs",
        "FROM accounts ORDER BY id",
        "FROM cas ORDER BY ca_id",
        "UPDATE events SET seal = $1",
        "FROM mail_templates ORDER BY template_id",
        "WHERE r.spki = (SELECT named.spki",
    ];
    const FILLING: &str = "
        INSERT INTO request_tokens (csr_sha256, unique_value, base_order_number, used_at)
            SELECT sha256(CAST(n AS TEXT)::bytea), 'unique', n, n FROM generate_series(1, 5000) AS n;
        INSERT INTO compromised_keys (spki, at)
            SELECT sha256(CAST(n AS TEXT)::bytea), n FROM generate_series(1, 5000) AS n";
    let db = TestDb::new(Database::Postgres);
    drop(db.open());
    let plans = tokio::task::spawn_blocking(move || db.plans(FILLING)).await.expect("plans");
    assert!(plans.len() > 160, "{} queries", plans.len());
    for (text, plan) in plans {
        let lines: Vec<&str> = plan.lines().map(str::trim).collect();
        let whole = |(n, line): (usize, &&str)| {
            let by_key = lines[n + 1..].iter().take(2).any(|l| l.starts_with("Index Cond"));
            (line.contains("Index Scan") || line.contains("Index Only Scan")) && !by_key
        };
        let whole = lines.iter().enumerate().any(whole) || plan.contains("hashed SubPlan");
        let may = WHOLE.iter().any(|part| text.contains(part));
        assert!(may || !whole, "{text}\n{plan}");
    }
}

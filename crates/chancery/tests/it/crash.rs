//! `kill -9` at random moments under load: what was answered exists, is paid once, and gets exactly one certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::testing::TestDb;
use store::{Database, Sql, SqliteOptions, Store, StoreError, Tx};

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::steps::settled;

/// How often the process is killed; `CHANCERY_KILLS=200` for a long run by hand.
fn kills() -> usize {
    std::env::var("CHANCERY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

#[test]
fn killed_on_sqlite() {
    killed(Database::Sqlite);
}

#[test]
fn killed_on_postgres() {
    killed(Database::Postgres);
}

/// What a caller knows of an order.
struct Known {
    csr: Csr,
    name: String,
    /// The answered number; None for a lost answer.
    order: Option<String>,
}

/// By foreignOrderNumber.
type Ledger = Arc<Mutex<BTreeMap<String, Known>>>;

fn killed(database: Database) {
    let known: Ledger = Arc::default();
    let mut random = 0x5eed_u64;
    let mut sandbox = Some(Sandbox::start(database));
    for _ in 0..kills() {
        let running = Arc::new(sandbox.take().expect("a sandbox"));
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_millis(20 + (random >> 33) % 400);
        let (dir, db) = load_and_kill(running, &known, moment);
        sandbox = Some(Sandbox::launch(&dir, db, &[]));
    }
    let sandbox = sandbox.expect("a sandbox");
    repeat_lost_calls(&sandbox, &known);
    let known = known.lock().expect("lock");
    // The fake world forgets its records with its process.
    for kept in known.values() {
        sandbox.publish_cname(&kept.csr, &kept.name, None);
    }
    let orders: BTreeSet<String> = known.values().filter_map(|kept| kept.order.clone()).collect();
    assert!(orders.len() >= kills(), "only {} orders were answered", orders.len());
    for order in &orders {
        let again = Form::new(&[("orderNumber", order), ("newMethod", "CNAME_CSR_HASH")]);
        sandbox.call("!AutoUpdateDCV", &again);
    }
    for order in &orders {
        assert_eq!(sandbox.collect(order).get("errorCode"), "2", "order {order}");
    }
    // Also those whose answers were lost, which nobody here collects.
    settled(&sandbox);
    let (dir, db) = sandbox.kill();
    check_database(&dir, db.as_ref(), &orders);
    let _ = std::fs::remove_dir_all(dir);
}

fn load_and_kill(
    sandbox: Arc<Sandbox>,
    known: &Ledger,
    moment: Duration,
) -> (std::path::PathBuf, Option<TestDb>) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (sandbox, known, stop) = (sandbox.clone(), known.clone(), stop.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                    place_one(&sandbox, &known, &format!("crash-{number}"));
                }
            })
        })
        .collect();
    std::thread::sleep(moment);
    sandbox.kill_now();
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.join().expect("a caller");
    }
    Arc::into_inner(sandbox).expect("the last one").kill()
}

fn place_one(sandbox: &Sandbox, known: &Ledger, own_number: &str) {
    let name = fresh_name("crash");
    let csr = Csr::new(&name);
    if !sandbox.try_publish_cname(&csr, &name) {
        return;
    }
    let form = form(&csr, own_number);
    let kept = Known { csr: csr.clone(), name, order: None };
    known.lock().expect("lock").insert(own_number.to_owned(), kept);
    if let Some(answer) = sandbox.try_call("!AutoApplySSL", &form) {
        let order = Some(answer.order_number());
        known.lock().expect("lock").entry(own_number.to_owned()).and_modify(|k| k.order = order);
    }
}

fn form(csr: &Csr, own_number: &str) -> Form {
    Form::order(488, csr).set("foreignOrderNumber", own_number).set("checkFONIsUnique", "Y")
}

/// A caller who lost an answer asks again with the same number: -4 says that the first call went through.
fn repeat_lost_calls(sandbox: &Sandbox, known: &Ledger) {
    let lost: Vec<String> = {
        let known = known.lock().expect("lock");
        known.iter().filter(|(_, k)| k.order.is_none()).map(|(own, _)| own.clone()).collect()
    };
    for own_number in lost {
        let name = fresh_name("again");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        let answer = sandbox.call("!AutoApplySSL", &form(&csr, &own_number));
        match answer.get("errorCode") {
            "0" => {
                let order = Some(answer.order_number());
                let kept = Known { csr, name, order };
                known.lock().expect("lock").insert(own_number, kept);
            }
            _ => answer.refused(-4, "The value of the 'foreignOrderNumber' argument is invalid!"),
        }
    }
}

const COUNTS: Sql = Sql::both(
    "SELECT (SELECT COUNT(*) FROM orders),
         (SELECT COUNT(DISTINCT order_number) FROM ledger WHERE kind = 'debit'),
         (SELECT COUNT(*) FROM ledger WHERE kind = 'debit'),
         (SELECT COUNT(*) FROM certificates WHERE der IS NOT NULL),
         (SELECT COUNT(DISTINCT certificate_id) FROM certificates),
         (SELECT COUNT(*) FROM certificates),
         (SELECT COUNT(*) FROM ledger l WHERE l.kind = 'debit' AND NOT EXISTS
             (SELECT 1 FROM orders o WHERE o.order_number = l.order_number)),
         (SELECT COUNT(*) FROM accounts a WHERE a.balance <>
             (SELECT COALESCE(CAST(SUM(l.amount) AS BIGINT), 0) FROM ledger l WHERE l.account_id = a.id)),
         (SELECT COUNT(*) FROM (SELECT foreign_order_number FROM orders
             GROUP BY foreign_order_number HAVING COUNT(*) > 1) AS twice),
         (SELECT COUNT(*) FROM certificates c JOIN unsigned_serials u ON u.serial = c.serial),
         (SELECT COUNT(DISTINCT serial) FROM certificates),
         (SELECT COUNT(*) FROM certificate_requests WHERE state = 'issued')",
);
const ORDERS: Sql = Sql::both("SELECT order_number FROM orders");
const OPEN: Sql = Sql::both(
    "SELECT COUNT(*) FROM certificate_requests WHERE state NOT IN ('issued', 'awaiting_validation')",
);

/// Every order has one debit, and one certificate as soon as it is issued; of those whose answer was lost nobody has shown that
/// they are proven. Nothing hangs in between; every balance is its ledger's sum; no serial is there twice.
fn check_database(dir: &std::path::Path, db: Option<&TestDb>, answered: &BTreeSet<String>) {
    let store = match db {
        Some(db) => db.open(),
        None => {
            let options = SqliteOptions { exclusive: false, ..SqliteOptions::default() };
            Store::open_sqlite_with(dir.join("store.sqlite"), options).expect("the database")
        }
    };
    let read = |tx: &mut Tx<'_>| -> Result<_, StoreError> {
        let counts = tx.query_one(&COUNTS, &[], |row| {
            (0..12).map(|column| row.int(column)).collect::<Result<Vec<_>, _>>()
        })?;
        let orders = tx.query(&ORDERS, &[], |row| row.int(0))?;
        let open = tx.query_one(&OPEN, &[], |row| row.int(0))?;
        Ok((counts, orders, open))
    };
    let (counts, orders, open) = store.read_blocking("check", read).expect("the counts");
    let there: BTreeSet<String> = orders.iter().map(ToString::to_string).collect();
    assert!(answered.is_subset(&there), "answered orders are missing");
    let orders = counts[0];
    assert_eq!(counts[1..3], [orders, orders], "one debit per order");
    assert_eq!(counts[3], counts[5], "no certificate stays unsigned: {counts:?}");
    assert_eq!(counts[4], counts[5], "one certificate per request");
    assert_eq!(counts[6], 0, "no debit without its order");
    assert_eq!(counts[7], 0, "every balance is its ledger's sum");
    assert_eq!(counts[8], 0, "no foreign order number twice");
    assert_eq!(counts[9], 0, "no serial was signed that was given up");
    assert_eq!(counts[10], counts[5], "no serial twice");
    assert_eq!(counts[11], counts[5], "what is issued has a certificate");
    assert_eq!(open, 0, "nothing hangs between being ready and issued");
}

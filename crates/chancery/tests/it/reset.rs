//! `/reset`: a sandbox as new, whatever it was busy with.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::kit::{Csr, Sandbox, fresh_name};
use crate::steps::{order_by, place, settled, waits};
use crate::with_each;

/// How often orders are left behind at work.
const RUNS: usize = 6;
/// Orders that are at work when everything becomes new.
const ORDERS: usize = 24;

fn what_was_at_work_says_nothing_about_new_orders(database: store::Database) {
    let sandbox = Sandbox::start(database);
    for run in 0..RUNS {
        for name in (0..ORDERS).map(|_| fresh_name("old")) {
            let csr = Csr::new(&name);
            sandbox.publish_cname(&csr, &name, None);
            place(&sandbox, &order_by("CNAME_CSR_HASH", &csr));
        }
        sandbox.control("/reset", &json!({}));
        let new: Vec<String> = (0..ORDERS)
            .map(|_| place(&sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("new")))))
            .collect();
        assert_eq!(new[0], "10000000", "run {run}: numbers begin anew");
        settled(&sandbox);
        for order in &new {
            waits(&sandbox, order, &format!("run {run}: nobody proved anything of {order}"));
        }
        assert_eq!(
            sandbox.value(
                "SELECT CAST(COUNT(*) AS TEXT) FROM request_names WHERE shown_for IS NOT NULL"
            ),
            "0"
        );
    }
}

/// A call is answered as before or as after, and never as by half a house.
fn calls_go_on_while_everything_becomes_new(database: store::Database) {
    let sandbox = &Sandbox::start(database);
    let stop = &AtomicBool::new(false);
    let csr = &Csr::new(&fresh_name("reset"));
    std::thread::scope(|scope| {
        let call = || {
            let mut placed = 0;
            while !stop.load(Ordering::Relaxed) {
                place(sandbox, &order_by("CNAME_CSR_HASH", csr));
                placed += 1;
            }
            placed
        };
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        for _ in 0..12 {
            sandbox.control("/reset", &json!({}));
            place(sandbox, &order_by("CNAME_CSR_HASH", csr));
        }
        stop.store(true, Ordering::Relaxed);
        for caller in callers {
            assert!(caller.join().expect("every call is answered with success") > 0);
        }
    });
}

with_each!(
    what_was_at_work_says_nothing_about_new_orders,
    calls_go_on_while_everything_becomes_new,
);

//! Money: one debit per order, never below the limit, nothing after a refusal, and the safe retry.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::apply_kit::{APPLY, any_csr, complete, nothing_stored};
use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both!(
    one_debit_per_order,
    refusals_cost_nothing_and_use_up_nothing,
    a_retry_finds_that_the_first_went_through,
);
on_both_refusing!(no_credit_no_order);

/// Amounts in the ledger for an order.
fn ledger(sandbox: &Sandbox, order: &str) -> Vec<Vec<String>> {
    sandbox.rows(&format!(
        "SELECT kind, CAST(amount AS TEXT) FROM ledger WHERE order_number = {order} ORDER BY id"
    ))
}

fn row(kind: &str, amount: &str) -> Vec<String> {
    vec![kind.to_owned(), amount.to_owned()]
}

fn one_debit_per_order(sandbox: &Sandbox) {
    for (product, cost) in [(488, "7900"), (24, "14900"), (337, "29900"), (289, "24900")] {
        let name = fresh_name("debit");
        let answer = sandbox.call(APPLY, &complete(product, &Csr::new(&name), &name));
        let order = answer.order_number();
        assert_eq!(ledger(sandbox, &order), [row("debit", &format!("-{cost}"))]);
        assert_eq!(sandbox.order_column(&order, "cost"), cost);
        assert_eq!(answer.get("totalCost").replace('.', ""), cost);
    }
    // A test order is free, and has its entry all the same.
    let name = fresh_name("debit");
    let test = Form::order(488, &Csr::new(&name)).set("test", "Y");
    let answer = sandbox.call(APPLY, &test);
    assert_eq!(answer.get("totalCost"), "0.00");
    assert_eq!(ledger(sandbox, &answer.order_number()), [row("debit", "0")]);
}

fn refusals_cost_nothing_and_use_up_nothing(sandbox: &Sandbox) {
    let name = fresh_name("refused");
    let csr = Csr::new(&name);
    let number = format!("fon-{name}");
    let form = Form::order(488, &csr)
        .set("uniqueValue", "Once1")
        .set("foreignOrderNumber", &number)
        .set("checkFONIsUnique", "Y");
    // Refused late: after everything but the credit.
    sandbox.apply("poor", &form).refused(-15, "Not enough credit!");
    // Refused earlier.
    for (parameter, value) in [("dcvTemplateID", "77"), ("days", "1"), ("stubOrderNumber", "1")] {
        let answer = sandbox.call(APPLY, &form.clone().set(parameter, value));
        assert_eq!(answer.get("errorCode"), "-4", "{}", answer.raw);
    }
    let count = format!(
        "SELECT CAST(count(*) AS TEXT) FROM orders WHERE foreign_order_number = '{number}'"
    );
    assert_eq!(sandbox.value(&count), "0");
    // The same request, value and number included, now succeeds.
    let order = sandbox.call(APPLY, &form).order_number();
    assert_eq!(ledger(sandbox, &order), [row("debit", "-7900")]);
    assert_eq!(sandbox.value(&count), "1");
}

fn a_retry_finds_that_the_first_went_through(sandbox: &Sandbox) {
    let name = fresh_name("retry");
    let csr = Csr::new(&name);
    let number = format!("retry-{name}");
    let form =
        Form::order(488, &csr).set("foreignOrderNumber", &number).set("checkFONIsUnique", "Y");
    let order = sandbox.call(APPLY, &form).order_number();
    let refused = "The value of the 'foreignOrderNumber' argument is invalid!";
    for _ in 0..3 {
        sandbox.call(APPLY, &form).refused(-4, refused);
    }
    assert_eq!(ledger(sandbox, &order), [row("debit", "-7900")]);
    // Another account's numbers are its own; without the check a number may come again.
    sandbox.apply("webhost", &form).order_number();
    sandbox.call(APPLY, &form.clone().without("checkFONIsUnique")).order_number();
    sandbox.call(APPLY, &form.clone().set("checkFONIsUnique", "N")).order_number();
    sandbox.call(APPLY, &form).refused(-4, refused);
    // Nothing to compare: no number, no refusal.
    let none = Form::order(488, &Csr::new(&name)).set("checkFONIsUnique", "Y");
    sandbox.call(APPLY, &none).order_number();
}

fn no_credit_no_order(sandbox: &Sandbox) {
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..20 {
            let taken = &taken;
            scope.spawn(move || {
                let form = Form::order(488, any_csr()).set("uniqueValue", &format!("Try{number}"));
                let answer = sandbox.apply("poor", &form);
                if answer.get("errorCode") == "0" {
                    taken.fetch_add(1, Ordering::Relaxed);
                } else {
                    answer.refused(-15, "Not enough credit!");
                }
            });
        }
    });
    assert_eq!(taken.load(Ordering::Relaxed), 0);
    assert_eq!(sandbox.balance("poor"), 0);
    nothing_stored(sandbox);
}

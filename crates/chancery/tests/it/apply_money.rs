//! Money: one debit per order, never below the limit, nothing after a refusal, and the safe retry.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::apply_kit::{APPLY, any_csr, complete, nothing_stored};
use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both!(
    one_debit_per_order,
    refusals_cost_nothing_and_use_up_nothing,
    a_retry_finds_that_the_first_went_through,
    callers_at_the_same_moment,
    the_balance_ends_at_the_limit,
    the_end_customer_pays,
    a_stub_order_is_redeemed_once,
    a_stub_order_comes_back_with_an_order_that_comes_to_nothing,
    what_an_account_may_not,
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
    // What the first one used up is not what the second is told of: it is repeated as it was.
    let number = format!("again-{name}");
    let unique = form.clone().set("foreignOrderNumber", &number).set("uniqueValue", "Retry1");
    sandbox.call(APPLY, &unique).order_number();
    sandbox.call(APPLY, &unique).refused(-4, refused);
    sandbox
        .call(APPLY, &unique.set("foreignOrderNumber", "another"))
        .refused(-55, "This Request Token is not unique!");
    let login = sandbox.login("reseller")[0].1.clone();
    let made = sandbox.operator(&["order", "stub", "--account", &login, "--product", "488"]);
    let stub = made["stubOrderNumber"].to_string().trim_matches('"').to_owned();
    let redeeming = form
        .clone()
        .set("foreignOrderNumber", &format!("stub-{name}"))
        .set("stubOrderNumber", &stub);
    sandbox.call(APPLY, &redeeming).order_number();
    sandbox.call(APPLY, &redeeming).refused(-4, refused);
    // Nothing to compare: no number, no refusal.
    let none = Form::order(488, &Csr::new(&name)).set("checkFONIsUnique", "Y");
    sandbox.call(APPLY, &none).order_number();
}

/// What is asked for once is there once, also when it is asked for by many at the same moment.
fn callers_at_the_same_moment(sandbox: &Sandbox) {
    let at_once = |form: &dyn Fn(usize) -> Form| -> Vec<Answer> {
        let forms: Vec<Form> = (0..8).map(form).collect();
        std::thread::scope(|scope| {
            let calls: Vec<_> =
                forms.iter().map(|form| scope.spawn(|| sandbox.call(APPLY, form))).collect();
            calls.into_iter().map(|call| call.join().expect("an answer")).collect()
        })
    };
    let codes = |answers: &[Answer]| {
        let mut codes: Vec<String> =
            answers.iter().map(|answer| answer.get("errorCode").to_owned()).collect();
        codes.sort();
        codes.join(" ")
    };
    for _ in 0..3 {
        // The retry of a caller that did not wait for the first answer.
        let name = fresh_name("same");
        let number = format!("same-{name}");
        let same = at_once(&|_| {
            Form::order(488, &Csr::new(&name))
                .set("foreignOrderNumber", &number)
                .set("checkFONIsUnique", "Y")
        });
        assert_eq!(codes(&same), "-4 -4 -4 -4 -4 -4 -4 0");
        // Also where no money moves.
        let number = format!("free-{name}");
        let same = at_once(&|_| {
            Form::order(488, &Csr::new(&name))
                .set("foreignOrderNumber", &number)
                .set("checkFONIsUnique", "Y")
                .set("test", "Y")
        });
        assert_eq!(codes(&same), "-4 -4 -4 -4 -4 -4 -4 0");
        // One token.
        let csr = Csr::new(&name);
        let same = at_once(&|_| Form::order(488, &csr).set("uniqueValue", "Same1"));
        assert_eq!(codes(&same), "-55 -55 -55 -55 -55 -55 -55 0");
        // One request, and no value given: each order gets one of its own.
        let csr = Csr::new(&name);
        let same = at_once(&|_| Form::order(488, &csr));
        assert_eq!(codes(&same), "0 0 0 0 0 0 0 0", "{same:?}");
        let mut values: Vec<&str> = same.iter().map(|answer| answer.get("uniqueValue")).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 8, "{values:?}");
    }
}

/// A new account: its login.
fn account(sandbox: &Sandbox, word: &str, deposit: &str, more: &[&str]) -> [(String, String); 2] {
    let name = fresh_name(word);
    let made = sandbox.operator(&[&["account", "create", name.as_str()], more].concat());
    if deposit != "0.00" {
        sandbox.operator(&["account", "deposit", &name, deposit]);
    }
    let password = made["password"].as_str().expect("a password");
    [("loginName".to_owned(), name), ("loginPassword".to_owned(), password.to_owned())]
}

fn balance(sandbox: &Sandbox, login: &[(String, String); 2]) -> String {
    let name = &login[0].1;
    sandbox
        .value(&format!("SELECT CAST(balance AS TEXT) FROM accounts WHERE login_name = '{name}'"))
}

fn by(login: &[(String, String); 2], form: Form) -> Form {
    Form([login.to_vec(), form.0].concat())
}

/// Twenty orders at the same time, and money for five, or six with what the limit adds.
fn the_balance_ends_at_the_limit(sandbox: &Sandbox) {
    for (deposit, limit, orders, left) in [
        ("400.00", "0.00", 5, "500"),
        ("395.00", "80.00", 6, "-7900"),
        ("78.99", "0.00", 0, "7899"),
    ] {
        let login = account(sandbox, "small", deposit, &["--credit-limit", limit]);
        let taken = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let form = by(&login, Form::order(488, &Csr::new(&fresh_name("small"))));
                    let answer = Answer::read(&sandbox.post(APPLY, &form));
                    if answer.get("errorCode") == "0" {
                        taken.lock().expect("lock").push(answer.order_number());
                    } else {
                        answer.refused(-15, "Not enough credit!");
                    }
                });
            }
        });
        let taken = taken.into_inner().expect("lock");
        assert_eq!(taken.len(), orders, "{deposit} {limit}");
        assert_eq!(balance(sandbox, &login), left);
        for order in &taken {
            assert_eq!(ledger(sandbox, order), [row("debit", "-7900")]);
        }
        // The ledger adds up, and nothing is left of the refused ones.
        let of = format!("(SELECT id FROM accounts WHERE login_name = '{}')", login[0].1);
        let sum = format!("SELECT CAST(sum(amount) AS TEXT) FROM ledger WHERE account_id = {of}");
        assert_eq!(sandbox.value(&sum), left);
        let count = format!("SELECT CAST(count(*) AS TEXT) FROM orders WHERE account_id = {of}");
        assert_eq!(sandbox.value(&count), orders.to_string());
    }
}

fn the_end_customer_pays(sandbox: &Sandbox) {
    let login = account(sandbox, "customer", "0.00", &["--payment", "customer"]);
    let form = by(&login, Form::order(488, &Csr::new(&fresh_name("customer"))))
        .set("showCertificateState", "Y");
    let answer = Answer::read(&sandbox.post(APPLY, &form));
    let order = answer.get("orderNumber").to_owned();
    assert_eq!(
        answer.raw,
        format!(
            "errorCode=1&orderNumber={order}&totalCost=79.00&expectedDeliveryTime=1\
             &certificateStatus=Awaiting+Payment"
        )
    );
    assert_eq!(sandbox.request_column(&order, "state"), "awaiting_payment");
    assert_eq!(ledger(sandbox, &order), [row("debit", "0")]);
    assert_eq!(balance(sandbox, &login), "0");
    let form = by(&login, Form::order(488, &Csr::new(&fresh_name("customer"))));
    let lines = sandbox.post(APPLY, &form.without("responseFormat"));
    assert!(lines.starts_with("1\n") && lines.ends_with("\n79.00\n1\n"), "{lines}");
    // What costs nothing waits for no payment.
    let trial = by(&login, Form::order(342, &Csr::new(&fresh_name("customer")))).without("days");
    let answer = Answer::read(&sandbox.post(APPLY, &trial));
    assert_eq!(answer.get("totalCost"), "0.00");
    answer.order_number();
}

fn a_stub_order_is_redeemed_once(sandbox: &Sandbox) {
    let stub = |product: &str| {
        let login = sandbox.login("reseller")[0].1.clone();
        let made = sandbox.operator(&["order", "stub", "--account", &login, "--product", product]);
        made["stubOrderNumber"].to_string().trim_matches('"').to_owned()
    };
    let refused = "The value of the 'stubOrderNumber' argument is invalid!";
    for (bought, redeemed) in [("488", 488), ("448", 488), ("488", 448)] {
        let number = stub(bought);
        let order = |product: i64| {
            let csr = Csr::new(&fresh_name("stub"));
            sandbox.call(APPLY, &Form::order(product, &csr).set("stubOrderNumber", &number))
        };
        order(489).refused(-6, "The CSR's Common Name MUST contain ONE wildcard!");
        order(287).refused(-4, refused);
        let answer = order(redeemed);
        assert_eq!(answer.get("totalCost"), "0.00", "{bought} {redeemed}: {}", answer.raw);
        assert_eq!(ledger(sandbox, &answer.order_number()), [row("debit", "0")]);
        order(redeemed).refused(-4, refused);
    }
    // Of two that come at the same time one gets it.
    let number = stub("488");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = || {
            let csr = Csr::new(&fresh_name("stub"));
            sandbox.call(APPLY, &Form::order(488, &csr).set("stubOrderNumber", &number))
        };
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let taken = answers.iter().filter(|answer| answer.get("errorCode") == "0").count();
    assert_eq!(taken, 1, "{answers:?}");
}

fn a_stub_order_comes_back_with_an_order_that_comes_to_nothing(sandbox: &Sandbox) {
    let login = sandbox.login("reseller")[0].1.clone();
    let made = sandbox.operator(&["order", "stub", "--account", &login, "--product", "488"]);
    let stub = made["stubOrderNumber"].to_string().trim_matches('"').to_owned();
    let redeem = || {
        let csr = Csr::new(&fresh_name("stub"));
        sandbox.call(APPLY, &Form::order(488, &csr).set("stubOrderNumber", &stub))
    };
    let refused = "The value of the 'stubOrderNumber' argument is invalid!";
    // Taken back by the operator; rejected at the desk.
    for _ in 0..2 {
        let order = redeem().order_number();
        redeem().refused(-4, refused);
        sandbox.operator(&["order", "cancel", &order, "--why", "not wanted"]);
        let order = redeem().order_number();
        let number: u64 = order.parse().expect("a number");
        let no = json!({ "orderNumber": number, "check": "domain_control", "result": "fail" });
        sandbox.control("/settle", &no);
        // Nothing was debited, so nothing is credited.
        assert_eq!(ledger(sandbox, &order), [row("debit", "0")]);
    }
    redeem().order_number();
    redeem().refused(-4, refused);
}

fn what_an_account_may_not(sandbox: &Sandbox) {
    let login = account(sandbox, "plain", "1000.00", &["--privileges", "none"]);
    let form = || by(&login, Form::order(488, &Csr::new(&fresh_name("plain"))));
    let told = |form: &Form| Answer::read(&sandbox.post(APPLY, form));
    told(&form().set("days", "366")).refused(-4, "The value of the 'days' argument is invalid!");
    told(&form().set("test", "Y")).refused(-4, "The value of the 'test' argument is invalid!");
    told(&form().set("stubOrderNumber", "1"))
        .refused(-90, "Permission denied for using \"voucher\" with 'stubOrderNumber'");
    told(&form().set("caCertificateID", "1")).refused(-91, "Permission denied 'caCertificateID'");
    told(&form()).order_number();
    // Closed, locked, from elsewhere, out of time: all the same, at once.
    let name = login[0].1.as_str();
    let refused = |why: &str| {
        let answer = told(&form());
        assert_eq!(answer.get("errorCode"), "-16", "{why}: {}", answer.raw);
    };
    sandbox.operator(&["account", "close", name]);
    refused("closed");
    sandbox.operator(&["account", "open", name]);
    told(&form()).order_number();
    sandbox.operator(&["account", "lock", name]);
    refused("locked");
    sandbox.operator(&["account", "unlock", name]);
    sandbox.operator(&["account", "set", name, "--allowed-ips", "192.0.2.0/24,2001:db8::/32"]);
    refused("from elsewhere");
    sandbox.operator(&["account", "set", name, "--allowed-ips", "192.0.2.0/24,127.0.0.0/8"]);
    told(&form()).order_number();
    sandbox.operator(&["account", "set", name, "--password-expires", "2020-01-01"]);
    refused("out of time");
    sandbox.operator(&["account", "set", name, "--password-expires", "never"]);
    // Ten wrong passwords lock it for a while, also for the right one.
    let wrong = form().set("loginPassword", "wrong");
    for _ in 0..10 {
        assert_eq!(told(&wrong).get("errorCode"), "-16");
    }
    refused("too many tries");
    // A new password opens it, and the old one is forgotten.
    let made = sandbox.operator(&["account", "password", name]);
    refused("the old password");
    let password = made["password"].as_str().expect("a password");
    told(&form().set("loginPassword", password)).order_number();
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

//! Faults on request: what programs of partners have to bear, when they ask for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::on_both;

on_both!(calls_fail_as_a_rule_says, an_order_that_fails_harms_no_neighbour);

fn calls_fail_as_a_rule_says(sandbox: &Sandbox) {
    let name = fresh_name("faulty");
    let made = sandbox.operator(&["account", "create", &name, "--credit-limit", "1000.00"]);
    let password = made["password"].as_str().expect("a password").to_owned();
    let post = |form: Form| {
        let url = format!("{}/products/!AutoApplySSL", sandbox.at("api"));
        let form = form.set("loginName", &name).set("loginPassword", &password);
        sandbox.http().post(url).form(&form.0).send()
    };
    let order = |number: &str| {
        Form::order(488, &Csr::new(&fresh_name("fault")))
            .set("foreignOrderNumber", number)
            .set("checkFONIsUnique", "Y")
    };
    let code = |answer: reqwest::Result<reqwest::blocking::Response>| {
        Answer::read(&answer.expect("an answer").text().expect("text")).get("errorCode").to_owned()
    };
    let rule = |nth: u32, action: Value| {
        let rule = json!({
            "endpoint": "AutoApplySSL", "account": name, "nth": nth, "action": action
        });
        sandbox.control("/faults", &rule);
    };
    rule(1, json!({ "code": -42 }));
    rule(2, json!({ "http_status": 503 }));
    rule(3, json!({ "delay": 700 }));
    rule(4, json!("drop"));
    rule(6, json!("commit_then_drop"));

    let answer = post(order("A")).expect("an answer").text().expect("text");
    Answer::read(&answer).refused(-42, "Call limit reached! Please try again later");
    assert_eq!(post(order("B")).expect("an answer").status(), 503);
    let start = Instant::now();
    assert_eq!(code(post(order("C"))), "0");
    assert!(start.elapsed() >= Duration::from_millis(700));
    assert!(post(order("D")).is_err());
    // Nothing was done for A, B and D; for F everything but the answer.
    assert_eq!(code(post(order("D"))), "0");
    assert!(post(order("F")).is_err());
    assert_eq!(code(post(order("F"))), "-4");
    assert_eq!(code(post(order("A"))), "0");
    assert_eq!(code(post(order("B"))), "0");
}

/// Orders are written together; one that fails takes none of the others with it, and leaves no trace between them.
fn an_order_that_fails_harms_no_neighbour(sandbox: &Sandbox) {
    const CALLS: usize = 48;
    let account = fresh_name("neighbours");
    let made = sandbox.operator(&["account", "create", &account, "--credit-limit", "100000.00"]);
    let password = made["password"].as_str().expect("a password").to_owned();
    let rule = json!({
        "endpoint": "AutoApplySSL", "account": account, "nth": CALLS / 2, "action": "store_error"
    });
    sandbox.control("/faults", &rule);
    let apply = |form: &Form| Answer::read(&sandbox.post("!AutoApplySSL", form));
    let form = |n: usize| {
        Form::order(488, &Csr::new(&fresh_name("neighbour")))
            .set("uniqueValue", &format!("n{n}"))
            .set("loginName", &account)
            .set("loginPassword", &password)
    };
    let forms: Vec<Form> = (0..CALLS).map(form).collect();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let calls: Vec<_> = forms.iter().map(|form| scope.spawn(|| apply(form))).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let failed: Vec<usize> = (0..CALLS).filter(|n| answers[*n].get("errorCode") != "0").collect();
    let [failed] = failed[..] else { panic!("{failed:?} failed") };
    answers[failed].refused(-14, "An unknown error occurred!");
    let stored = |table: &str| {
        sandbox.value(&format!(
            "SELECT CAST(COUNT(*) AS TEXT) FROM {table} t JOIN accounts a ON a.id = t.account_id \
             WHERE a.login_name = '{account}'"
        ))
    };
    let rest = (CALLS - 1).to_string();
    assert_eq!(stored("orders"), rest);
    assert_eq!(stored("(SELECT * FROM events WHERE order_number IS NOT NULL)"), rest);
    assert_eq!(stored("(SELECT * FROM ledger WHERE kind = 'debit')"), rest);
    // Nothing of it was stored, its token neither.
    apply(&forms[failed]).order_number();
    assert_eq!(stored("orders"), CALLS.to_string());
}

#[test]
fn rules_are_checked_and_dropped_by_name() {
    let sandbox = Sandbox::shared(store::Database::Sqlite);
    let url = format!("{}/faults", sandbox.at("control"));
    let send = |method: reqwest::Method, body: &Value| {
        let answer = sandbox.http().request(method, &url).json(body).send().expect("an answer");
        (answer.status().as_u16(), answer.text().expect("text"))
    };
    let nobody = fresh_name("nobody");
    let rule = |nth: u32| json!({ "account": nobody, "nth": nth, "action": "drop" });
    let odd = json!([rule(1), { "account": nobody, "action": { "http_status": 99 } }]);
    let (status, words) = send(reqwest::Method::POST, &odd);
    assert!(status == 400 && words.contains("200 to 599"), "{status} {words}");
    let mine = || {
        let all = sandbox.control_get("/faults");
        let mut all = all.as_array().expect("rules").clone();
        all.retain(|rule| rule["account"] == nobody.as_str());
        all
    };
    assert!(mine().is_empty(), "one that cannot work keeps its neighbours out");
    let hyphens = json!({ "account": nobody, "action": "commit-then-drop" });
    assert_eq!(send(reqwest::Method::POST, &hyphens).0, 200);
    assert_eq!(mine(), [json!({ "account": nobody, "action": "commit_then_drop" })]);
    assert_eq!(send(reqwest::Method::DELETE, &hyphens).0, 200);
    assert_eq!(send(reqwest::Method::POST, &json!([rule(1), rule(2)])).0, 200);
    assert_eq!(send(reqwest::Method::DELETE, &rule(1)).0, 200);
    assert_eq!(mine(), [rule(2)]);
    let (status, words) = send(reqwest::Method::DELETE, &rule(1));
    assert!(status == 400 && words.contains("there is no rule like"), "{status} {words}");
    assert_eq!(send(reqwest::Method::DELETE, &rule(2)).0, 200);
    assert!(mine().is_empty());
}

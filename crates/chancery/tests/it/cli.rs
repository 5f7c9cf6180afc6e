//! The operator at the shell: accounts, orders, revocation, ceremony and `serve`, beside a running house.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use store::Database;
use store::testing::TestDb;

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::tools::{Folder, openssl};

on_both!(
    an_account_made_beside_a_running_sandbox_orders,
    ten_wrong_passwords_lock_and_the_operator_unlocks,
    a_password_runs_out_and_is_given_anew,
    addresses_are_allowed_or_not,
    a_customer_pays_and_the_operator_notes_it,
    credit_is_deposited_limited_and_given_back,
    a_stub_order_is_redeemed_once,
    a_revocation_is_in_the_list_within_a_minute,
    templates_are_checked_and_kept,
    what_does_not_exist_is_named,
    what_comes_back_of_a_cancelled_order_is_told,
    stub_orders_are_listed_and_voided,
    orders_are_found_by_the_partners_number,
    a_mail_that_was_given_up_is_tried_again,
    checks_that_cannot_be_settled_are_told_apart,
);

fn an_account_made_beside_a_running_sandbox_orders(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--credit-limit", "100", "--brand", "Shop & Sons"]);
    assert_eq!(shop.shown()["brand"], "Shop & Sons");
    assert_eq!(shop.shown()["state"], "open");
    let name = fresh_name("shop");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let order = shop.order(&csr).order_number();
    shop.collect(&order);

    let details = cli(sandbox, &["order", "show", &order]);
    assert_eq!(details["state"], "issued");
    assert_eq!(details["names"][0]["name"], name.as_str());
    assert!(details["names"][0]["shown"].as_str().is_some_and(|s| s.contains("CNAME_CSR_HASH")));
    assert!(!details["evidence"].as_array().expect("evidence").is_empty());
    assert!(details["certificate"]["pem"].as_str().is_some_and(|p| p.contains("BEGIN CERT")));
    let listed = cli(sandbox, &["order", "list", "--account", &shop.name]);
    assert_eq!(listed[0]["order"].to_string(), order);
    assert_eq!(listed[0]["name"], name.as_str());
    let ledger = cli(sandbox, &["account", "ledger", &shop.name]);
    assert_eq!(ledger[0]["amount"], "-79.00");
    assert_eq!(ledger[0]["order"].to_string(), order);
    let events = cli(sandbox, &["audit", "list", "--account", &shop.name]);
    let kinds: Vec<&str> =
        events.as_array().expect("events").iter().filter_map(|e| e["kind"].as_str()).collect();
    assert_eq!(kinds.last(), Some(&"account.created"));
    assert!(kinds.contains(&"order.placed"), "{kinds:?}");
    let chains = cli(sandbox, &["audit", "verify", "--account", &shop.name]);
    assert_eq!(chains[0]["first_broken"], Value::Null);

    // The same for people.
    let [flag, place] = sandbox.place();
    let table = chancery(&["order", "show", &order, &flag, &place]);
    let text = String::from_utf8(table.stdout).expect("text");
    for word in ["issued", "CNAME_CSR_HASH", "-----BEGIN CERTIFICATE-----", "order.placed"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

fn ten_wrong_passwords_lock_and_the_operator_unlocks(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &[]);
    assert!(shop.enters());
    for _ in 0..9 {
        assert!(!shop.enters_with("wrong password"));
    }
    assert!(shop.enters());
    assert_eq!(shop.shown()["failed_tries"], 0);
    for _ in 0..10 {
        assert!(!shop.enters_with("wrong password"));
    }
    assert!(!shop.enters());
    assert_eq!(shop.shown()["state"], "locked");
    let events = cli(sandbox, &["audit", "list", "--account", &shop.name]);
    assert_eq!(events[0]["kind"], "account.locked");
    assert_eq!(events[0]["detail"]["from"], "127.0.0.1");
    assert_eq!(cli(sandbox, &["account", "unlock", &shop.name])["state"], "open");
    assert!(shop.enters());
    assert_eq!(cli(sandbox, &["account", "lock", &shop.name])["state"], "locked");
    assert!(!shop.enters());
    cli(sandbox, &["account", "unlock", &shop.name]);
    cli(sandbox, &["account", "close", &shop.name]);
    assert!(!shop.enters());
    cli(sandbox, &["account", "open", &shop.name]);
    assert!(shop.enters());
}

fn a_password_runs_out_and_is_given_anew(sandbox: &Sandbox) {
    let mut shop = Shop::open(sandbox, &["--password-expires", "2026-01-01"]);
    assert_eq!(shop.shown()["state"], "expired");
    assert!(!shop.enters());
    cli(sandbox, &["account", "set", &shop.name, "--password-expires", "2100-01-01"]);
    assert!(shop.enters());
    let before = std::mem::replace(
        &mut shop.password,
        word(&cli(sandbox, &["account", "password", &shop.name])["password"]),
    );
    assert_ne!(before, shop.password);
    assert!(!shop.enters_with(&before));
    assert!(shop.enters());
    assert_eq!(shop.shown()["password_expires"], Value::Null);

    // One of the operator's own, by file descriptor.
    let folder = Folder::new();
    let file = folder.write("password", "of my own choice\n");
    let [flag, place] = sandbox.place();
    let line =
        format!(r#"exec "$0" account password "$1" --password-fd 3 "$2" "$3" --json 3<"{file}""#);
    let program = env!("CARGO_BIN_EXE_chancery");
    let output = Command::new("sh")
        .args(["-c", &line, program, &shop.name, &flag, &place])
        .output()
        .expect("sh");
    let answer = json(&output);
    assert_eq!(answer.get("password"), None);
    assert!(shop.enters_with("of my own choice"));
}

fn addresses_are_allowed_or_not(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--allowed-ips", "192.0.2.0/24,2001:db8::/32"]);
    assert!(!shop.enters());
    cli(sandbox, &["account", "set", &shop.name, "--allowed-ips", "192.0.2.1,127.0.0.1"]);
    assert!(shop.enters());
    cli(sandbox, &["account", "set", &shop.name, "--allowed-ips", "192.0.2.1"]);
    assert!(!shop.enters());
    cli(sandbox, &["account", "set", &shop.name, "--allowed-ips", "any"]);
    assert!(shop.enters());
}

fn a_customer_pays_and_the_operator_notes_it(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--payment", "customer"]);
    let name = fresh_name("customer");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let placed = shop.order(&csr);
    assert_eq!(placed.get("errorCode"), "1", "{}", placed.raw);
    let order = placed.get("orderNumber").to_owned();
    let form = [("orderNumber", order.as_str()), ("queryType", "1"), ("responseFormat", "1")];
    assert_eq!(shop.call("download/CollectSSL", &form).get("errorCode"), "-22");
    assert_eq!(cli(sandbox, &["order", "show", &order])["state"], "awaiting_payment");
    cli(sandbox, &["order", "paid", &order]);
    shop.collect(&order);
    let [flag, place] = sandbox.place();
    refused(&["order", "paid", &order, &flag, &place], "nothing is owed");
    assert_eq!(shop.shown()["balance"], "0.00");
}

fn credit_is_deposited_limited_and_given_back(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--currency", "EUR"]);
    let order = || shop.order(&Csr::new(&fresh_name("credit")));
    assert_eq!(order().get("errorCode"), "-15");
    cli(sandbox, &["account", "deposit", &shop.name, "79.00", "--note", "invoice 17"]);
    order().order_number();
    assert_eq!(shop.shown()["balance"], "0.00");
    assert_eq!(order().get("errorCode"), "-15");
    cli(sandbox, &["account", "set", &shop.name, "--credit-limit", "79.00"]);
    let second = order().order_number();
    assert_eq!(shop.shown()["balance"], "-79.00");

    let [flag, place] = sandbox.place();
    let less = ["account", "set", &shop.name, "--credit-limit", "78.99", &flag, &place];
    refused(&less, "owes 79.00");
    refused(&["account", "deposit", &shop.name, "-0.01", &flag, &place], "credit limit are less");

    assert_eq!(cli(sandbox, &["order", "cancel", &second, "--why", "typo"])["state"], "rejected");
    assert_eq!(shop.shown()["balance"], "0.00");
    refused(&["order", "cancel", &second, "--why", "again", &flag, &place], "before: typo");
    assert_eq!(shop.shown()["balance"], "0.00");
    let ledger = cli(sandbox, &["account", "ledger", &shop.name]);
    let kinds: Vec<&str> =
        ledger.as_array().expect("lines").iter().filter_map(|l| l["kind"].as_str()).collect();
    assert_eq!(kinds, ["refund", "debit", "debit", "deposit"]);

    // Domains are proven, not waved through; a refused check gives the money back too.
    let third = order().order_number();
    let settle = ["order", "settle", &third, "domain_control", "pass", &flag, &place];
    refused(&settle, "passed by proofs");
    cli(sandbox, &["order", "settle", &third, "domain_control", "fail"]);
    assert_eq!(shop.shown()["balance"], "0.00");
}

fn a_stub_order_is_redeemed_once(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--privileges", "none"]);
    let [flag, place] = sandbox.place();
    let make = ["order", "stub", "--account", &shop.name, "--product", "448"];
    refused(&[&make[..], &[&flag, &place]].concat(), "voucher");
    assert_eq!(shop.redeem("1").get("errorCode"), "-90");
    cli(sandbox, &["account", "set", &shop.name, "--privileges", "voucher,bonus"]);
    let stub = cli(sandbox, &make)["stubOrderNumber"].to_string();
    shop.redeem("999999999").refused(-4, "The value of the 'stubOrderNumber' argument is invalid!");
    let logo = Form::order(488, &Csr::new(&fresh_name("stub"))).set("product", "488,490");
    shop.post(
        "!AutoApplySSL",
        logo.set("stubOrderNumber", &stub).set("idaEmailAddress", "a@example.com"),
    )
    .refused(-4, "The value of the 'product' argument is invalid!");
    let redeemed = shop.redeem(&stub);
    redeemed.order_number();
    assert_eq!(redeemed.get("totalCost"), "0.00");
    assert_eq!(shop.redeem(&stub).get("errorCode"), "-4");
    assert_eq!(shop.shown()["balance"], "0.00");
    let other = Shop::open(sandbox, &["--privileges", "voucher"]);
    let stub = cli(sandbox, &make)["stubOrderNumber"].to_string();
    assert_eq!(other.redeem(&stub).get("errorCode"), "-4");
}

fn a_revocation_is_in_the_list_within_a_minute(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--credit-limit", "200"]);
    let issued = || {
        let name = fresh_name("revoked");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        let order = shop.order(&csr).order_number();
        shop.collect(&order);
        (order.clone(), cli(sandbox, &["order", "show", &order])["certificate"].clone())
    };
    let ((first, one), (second, two)) = (issued(), issued());
    let start = Instant::now();
    let serial = word(&one["serial"]);
    cli(sandbox, &["certificate", "revoke", &serial.to_lowercase(), "--reason", "superseded"]);
    cli(sandbox, &["order", "revoke", &second, "--reason", "keyCompromise"]);
    for (certificate, reason) in [(&one, "Superseded"), (&two, "Key Compromise")] {
        let serial = word(&certificate["serial"]);
        let url =
            format!("http://pki.example.org/crl/public-dv-ec/{}.crl", certificate["crl_shard"]);
        sandbox.wait_within(Duration::from_secs(60), "the list", || {
            let folder = Folder::new();
            let file = folder.write("crl", sandbox.fetch(&url)?);
            let (_, text) = openssl(&["crl", "-inform", "DER", "-noout", "-text", "-in", &file]);
            let entry = text.split("Serial Number: ").find(|e| e.starts_with(&serial))?;
            assert!(entry.contains(reason), "{entry}");
            Some(())
        });
    }
    assert!(start.elapsed() < Duration::from_secs(60));
    let shown = cli(sandbox, &["certificate", "show", &serial]);
    assert_eq!(shown["state"], "revoked");
    assert_eq!(shown["order"].to_string(), first);
    let [flag, place] = sandbox.place();
    let again = ["certificate", "revoke", &serial, "--reason", "superseded", &flag, &place];
    refused(&again, "revoked");
    let odd = ["certificate", "revoke", &serial, "--reason", "boredom", &flag, &place];
    refused(&odd, "keyCompromise");
}

fn templates_are_checked_and_kept(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--credit-limit", "100"]);
    let folder = Folder::new();
    let good = folder.write("good.txt", "Your code for {{ domain }} is {{ code }}, dear owner.\n");
    let bad = folder.write("bad.txt", "Hello {{ domain }}.\n");
    let [flag, place] = sandbox.place();
    let add = ["template", "add", "--account", &shop.name, "--kind", "dcv", "--subject", "Mine"];
    refused(&[&add[..], &["--text", &bad, &flag, &place]].concat(), "{{ code }}");
    let made = cli(sandbox, &[&add[..], &["--text", &good]].concat());
    let events = cli(sandbox, &["audit", "list", "--account", &shop.name]);
    assert_eq!(events[0]["kind"], "template.added");
    assert_eq!(events[0]["detail"]["template"], made["template"]);
    let listed = cli(sandbox, &["template", "list", "--account", &shop.name]);
    assert_eq!(listed[0]["template"], made["template"]);

    let name = fresh_name("template");
    let to = format!("admin@{name}");
    let form = Form::order(488, &Csr::new(&name))
        .set("dcvMethod", "EMAIL")
        .set("dcvEmailAddress", &to)
        .set("dcvTemplateID", &made["template"].to_string());
    shop.post("!AutoApplySSL", form).order_number();
    let mail = sandbox.wait_for("the mail", || sandbox.mailbox(&to).first().cloned());
    assert_eq!(mail["subject"], "Mine");
    assert!(mail["text"].as_str().is_some_and(|t| t.contains("dear owner")), "{mail}");
}

fn what_does_not_exist_is_named(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &[]);
    let [flag, place] = sandbox.place();
    for (arguments, words) in [
        (&["account", "show", "nobody at all"][..], "there is no account 'nobody at all'"),
        (&["account", "create", &shop.name], "there is an account"),
        (&["account", "create", "x", "--role", "king"], "reseller, officer, operator, auditor"),
        (&["account", "create", "x", "--currency", "euro"], "three capitals"),
        (&["account", "create", "x", "--allowed-ips", "home"], "192.0.2.0/24"),
        (&["account", "create", "x", "--privileges", "root"], "voucher"),
        (&["account", "create", "x", "--contact", "me"], "no mail address"),
        (&["account", "create", "x", "--password-expires", "soon"], "2027-01-31"),
        (&["account", "set", &shop.name], "nothing to change"),
        (&["account", "deposit", &shop.name, "ten"], "12.50"),
        (&["order", "show", "1"], "there is no order 1"),
        (&["order", "cancel", "1", "--why", "x"], "there is no order 1"),
        (&["order", "settle", "1", "luck", "pass"], "call_back"),
        (&["order", "stub", "--account", &shop.name, "--product", "1"], "no product 1"),
        (&["certificate", "show", "zz"], "hexadecimal"),
        (&["certificate", "show", "0A"], "no certificate has the serial"),
        (&["certificate", "show", "10000017"], "`chancery order show`"),
    ] {
        refused(&[arguments, &[&flag, &place]].concat(), words);
    }
}

fn what_comes_back_of_a_cancelled_order_is_told(sandbox: &Sandbox) {
    let cancel = |order: &str| cli(sandbox, &["order", "cancel", order, "--why", "not wanted"]);
    let order = |shop: &Shop<'_>| {
        let answer = shop.order(&Csr::new(&fresh_name("back")));
        answer.get("orderNumber").to_owned()
    };
    let parts = |done: &Value| {
        ["given_back", "stubOrderNumber", "owed_to_customer"].map(|key| done[key].clone())
    };
    let shop = Shop::open(sandbox, &["--credit-limit", "100", "--privileges", "voucher"]);
    let none = Value::Null;
    assert_eq!(parts(&cancel(&order(&shop))), ["79.00".into(), none.clone(), none.clone()]);
    let make = ["order", "stub", "--account", &shop.name, "--product", "488"];
    let stub = &cli(sandbox, &make)["stubOrderNumber"];
    let redeemed = shop.redeem(&stub.to_string()).order_number();
    assert_eq!(parts(&cancel(&redeemed)), [none.clone(), stub.clone(), none.clone()]);

    // A customer who has paid is owed the money by whom he paid; one who has not is owed nothing.
    let shop = Shop::open(sandbox, &["--payment", "customer"]);
    let unpaid = order(&shop);
    assert_eq!(parts(&cancel(&unpaid)), [none.clone(), none.clone(), none.clone()]);
    let paid = order(&shop);
    cli(sandbox, &["order", "paid", &paid]);
    assert_eq!(parts(&cancel(&paid)), [none.clone(), none, "79.00".into()]);
    assert_eq!(shop.shown()["balance"], "0.00");
    let owed = |order: &str| {
        let details = cli(sandbox, &["order", "show", order]);
        let events = details["events"].as_array().expect("events").iter();
        events
            .filter(|e| e["kind"] == "refund.owed")
            .map(|e| e["detail"]["amount"].clone())
            .collect()
    };
    let (of_unpaid, of_paid): (Vec<Value>, Vec<Value>) = (owed(&unpaid), owed(&paid));
    assert_eq!((of_unpaid, of_paid), (vec![], vec![7_900.into()]));

    let [flag, place] = sandbox.place();
    let said = chancery(&["order", "cancel", &order(&shop), "--why", "x", &flag, &place]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("nothing was given for it"), "{said}");
    let again = ["order", "cancel", &paid, "--why", "x", &flag, &place];
    refused(&again, "it was rejected before: not wanted");
    refused(&["order", "paid", &paid, &flag, &place], "nothing is owed");
}

fn stub_orders_are_listed_and_voided(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--privileges", "voucher"]);
    let make = || {
        let make = ["order", "stub", "--account", &shop.name, "--product", "488"];
        cli(sandbox, &make)["stubOrderNumber"].to_string()
    };
    let (one, two) = (make(), make());
    let order = shop.redeem(&one).order_number();
    let listed = cli(sandbox, &["order", "stubs", "--account", &shop.name]);
    assert_eq!(listed[0]["stubOrderNumber"].to_string(), two);
    assert_eq!(listed[0]["redeemed_by"], Value::Null);
    assert_eq!(listed[1]["redeemed_by"].to_string(), order);
    let [flag, place] = sandbox.place();
    refused(&["order", "void", &one, &flag, &place], "could still be redeemed");
    cli(sandbox, &["order", "void", &two]);
    refused(&["order", "void", &two, &flag, &place], "could still be redeemed");
    assert_eq!(shop.redeem(&two).get("errorCode"), "-4");
    let events = cli(sandbox, &["audit", "list", "--account", &shop.name]);
    let of = |kind: &str| -> Vec<Value> {
        let events = events.as_array().expect("events").iter();
        events.filter(|e| e["kind"] == kind).map(|e| e["detail"].clone()).collect()
    };
    assert_eq!(of("stub.created").len(), 2);
    assert_eq!(of("stub.voided")[0]["stub"].to_string(), two);
    assert_eq!(of("order.placed")[0]["redeemed_stub"].to_string(), one);
}

fn orders_are_found_by_the_partners_number(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--credit-limit", "1000"]);
    let place = |number: &str| {
        let form = Form::order(488, &Csr::new(&fresh_name("partner")));
        shop.post("!AutoApplySSL", form.set("foreignOrderNumber", number)).order_number()
    };
    let (first, _, second) = (place("A 17"), place("A 18"), place("A 17"));
    let list = ["order", "list", "--account", &shop.name, "--foreign-number", "A 17"];
    let found = |more: &[&str]| -> Vec<String> {
        let found = cli(sandbox, &[&list[..], more].concat());
        found.as_array().expect("orders").iter().map(|o| o["order"].to_string()).collect()
    };
    assert_eq!(found(&[]), [second.clone(), first.clone()]);
    assert_eq!(found(&["--before", &second]), [first]);
}

fn a_mail_that_was_given_up_is_tried_again(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--credit-limit", "100"]);
    let name = fresh_name("givenup");
    let to = format!("admin@{name}");
    let form = Form::order(488, &Csr::new(&name)).set("dcvMethod", "EMAIL");
    let order = shop.post("!AutoApplySSL", form.set("dcvEmailAddress", &to)).order_number();
    sandbox.wait_for("the mail", || sandbox.mailbox(&to).first().cloned());
    // As if its server had refused it.
    let sent = format!("order_number = {order} AND recipient = '{to}' AND sent_at IS NOT NULL");
    let is_sent = format!("SELECT CAST(id AS TEXT) FROM mails WHERE {sent}");
    let mail = sandbox.wait_for("the note", || sandbox.rows(&is_sent).pop())[0].clone();
    sandbox.change(&format!("UPDATE mails SET sent_at = NULL WHERE id = {mail}"));
    sandbox.change(&format!(
        "INSERT INTO jobs (kind, subject, payload, run_at, created_at, state, attempts, last_error)
         VALUES ('mail', {mail}, '', 0, 0, 2, 12, 'refused: 550 no such user')"
    ));
    let id: i64 = mail.parse().expect("a number");
    let given_up = || {
        let all = cli(sandbox, &["job", "list", "--limit", "10000"]);
        let mut all = all.as_array().expect("jobs").clone();
        all.retain(|job| job["subject"] == id);
        all
    };
    let job = given_up().pop().expect("the job");
    assert_eq!(job["order"].to_string(), order);
    assert_eq!(job["tries"], 12);
    assert_eq!(job["last_error"], "refused: 550 no such user");
    assert!(job["about"].as_str().is_some_and(|about| about.contains(&to)), "{job}");
    let number = job["job"].to_string();
    cli(sandbox, &["job", "revive", &number]);
    sandbox.wait_for("the mail once more", || (sandbox.mailbox(&to).len() == 2).then_some(()));
    assert!(given_up().is_empty());
    let [flag, place] = sandbox.place();
    refused(&["job", "revive", &number, &flag, &place], "chancery job list");
}

fn checks_that_cannot_be_settled_are_told_apart(sandbox: &Sandbox) {
    let shop = Shop::open(sandbox, &["--credit-limit", "10000"]);
    let form = [
        ("organizationName", "Example Ltd"),
        ("streetAddress1", "1 Example Street"),
        ("localityName", "Bradford"),
        ("postalCode", "BD1 1AA"),
        ("countryName", "GB"),
    ]
    .iter()
    .fold(Form::order(24, &Csr::new(&fresh_name("desk"))), |form, (n, v)| form.set(n, v))
    .set("dcvMethod", "CNAME_CSR_HASH");
    let order = shop.post("!AutoApplySSL", form).order_number();
    cli(sandbox, &["order", "settle", &order, "organization", "pass"]);
    let [flag, place] = sandbox.place();
    let settle = |check: &str, words: &str| {
        refused(&["order", "settle", &order, check, "pass", &flag, &place], words);
    };
    settle("organization", "organization has passed already; open: ");
    settle("shipping", "this order has no check shipping; open: domain_control");
    cli(sandbox, &["order", "cancel", &order, "--why", "enough"]);
    settle("agreement", "no check can be settled of a request that is 'rejected'");
}

#[test]
fn secrets_come_from_descriptors_that_were_given() {
    let sandbox = Sandbox::shared(Database::Sqlite);
    let [flag, place] = sandbox.place();
    let name = fresh_name("descriptor");
    for fd in ["3", "5", "9", "4000000000"] {
        let create = ["account", "create", &name, "--password-fd", fd, &flag, &place];
        refused(&create, &format!("file descriptor {fd} is not open"));
    }
    refused(&["account", "show", &name, &flag, &place], "there is no account");
    refused(&["account", "create", &name, "--credit-limit", "-5", &flag, &place], "zero or more");
    refused(&["account", "create", &name, "--credit-limit", "5.", &flag, &place], "12.50");
}

/// An account of a story's own.
struct Shop<'a> {
    sandbox: &'a Sandbox,
    name: String,
    password: String,
}

impl<'a> Shop<'a> {
    fn open(sandbox: &'a Sandbox, more: &[&str]) -> Self {
        let name = fresh_name("shop");
        let made = cli(sandbox, &[&["account", "create", &name], more].concat());
        assert_eq!(made["login_name"], name.as_str());
        Self { sandbox, name, password: word(&made["password"]) }
    }

    fn shown(&self) -> Value {
        cli(self.sandbox, &["account", "show", &self.name])
    }

    fn post(&self, path: &str, form: Form) -> Answer {
        let form = form.set("loginName", &self.name).set("loginPassword", &self.password);
        Answer::read(&self.sandbox.post(path, &form))
    }

    fn call(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.post(path, Form::new(pairs))
    }

    fn order(&self, csr: &Csr) -> Answer {
        self.post("!AutoApplySSL", Form::order(488, csr))
    }

    fn redeem(&self, stub: &str) -> Answer {
        let form = Form::order(488, &Csr::new(&fresh_name("stub")));
        self.post("!AutoApplySSL", form.set("stubOrderNumber", stub))
    }

    fn collect(&self, order: &str) {
        let form = [("orderNumber", order), ("queryType", "1"), ("responseFormat", "1")];
        self.sandbox.wait_for(&format!("order {order}"), || {
            let answer = self.call("download/CollectSSL", &form);
            (answer.get("errorCode") == "2").then_some(())
        });
    }

    fn enters(&self) -> bool {
        self.enters_with(&self.password)
    }

    fn enters_with(&self, password: &str) -> bool {
        let form = Form::new(&[
            ("loginName", self.name.as_str()),
            ("loginPassword", password),
            ("orderNumber", "1"),
            ("responseFormat", "1"),
        ]);
        let answer = self.sandbox.post("download/CollectSSL", &form);
        Answer::read(&answer).get("errorCode") != "-16"
    }
}

/// The CAs of every test of `serve`: made once.
fn ceremony() -> &'static Path {
    static CAS: OnceLock<Folder> = OnceLock::new();
    &CAS.get_or_init(|| {
        let folder = Folder::new();
        folder.write("passphrase", format!("{PASSPHRASE}\n"));
        let output = hold_ceremony(&folder.0, &["--json"]);
        let made = json(&output);
        assert_eq!(made.as_array().map(Vec::len), Some(24));
        crate::kit::swept_later(&folder.0, None);
        folder
    })
    .0
}

const PASSPHRASE: &str = "correct horse battery staple";

/// With the passphrase in `folder/passphrase` and the CAs in `folder/keys`.
fn hold_ceremony(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chancery"))
        .args(["ceremony", "--organization", "Test Trust", "--country", "GB", "--rsa-bits", "2048"])
        .args(["--base-url", "http://pki.example.com", "--dir"])
        .arg(folder.join("keys"))
        .args(more)
        .env("CHANCERY_PASSPHRASE_FILE", folder.join("passphrase"))
        .output()
        .expect("the program starts")
}

#[test]
fn a_ceremony_held_twice_changes_nothing_and_adds_what_is_missing() {
    let folder = Folder::new();
    copy(&ceremony().join("keys"), &folder.0.join("keys"));
    folder.write("passphrase", PASSPHRASE);
    let before = contents(&folder.0);
    let again = hold_ceremony(&folder.0, &[]);
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(text.contains("0 made, 24 were there."), "{text}");
    assert!(contents(&folder.0) == before);

    let keys = folder.0.join("keys");
    let roots =
        [keys.join("roots.pem"), keys.join("test-roots.pem")].map(|p| p.display().to_string());
    for ca in json(&hold_ceremony(&folder.0, &["--json"])).as_array().expect("CAs") {
        let name = word(&ca["name"]);
        let file = keys.join(format!("ca/{name}.crt.pem")).display().to_string();
        let roots = &roots[usize::from(name.starts_with("test-"))];
        let (good, words) = openssl(&["verify", "-x509_strict", "-CAfile", roots, &file]);
        assert!(good, "{words}");
        let (_, shown) =
            openssl(&["x509", "-noout", "-serial", "-fingerprint", "-sha256", "-in", &file]);
        assert!(shown.contains(&format!("serial={}", word(&ca["serial"]))), "{shown} {ca}");
        assert!(
            shown.replace(':', "").contains(&word(&ca["sha256"]).to_uppercase()),
            "{shown} {ca}"
        );
    }

    // As an older version would have left it: without the last CA.
    let index = std::fs::read_to_string(keys.join("ca/index.toml")).expect("the index");
    let cut = index.rfind("[[ca]]").expect("a CA");
    std::fs::write(keys.join("ca/index.toml"), &index[..cut]).expect("the index");
    let added = json(&hold_ceremony(&folder.0, &["--json"]));
    let new: Vec<&Value> =
        added.as_array().expect("CAs").iter().filter(|ca| ca["new"] == true).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(added.as_array().map(Vec::len), Some(24));

    folder.write("passphrase", "something else");
    refusal(&hold_ceremony(&folder.0, &[]), "wrong passphrase");
    folder.write("passphrase", "short");
    std::fs::remove_dir_all(&keys).expect("the keys");
    refusal(&hold_ceremony(&folder.0, &[]), "at least 8 characters");
}

mod serving {
    #[test]
    fn sqlite() {
        super::a_house_serves_from_a_configuration(store::Database::Sqlite);
    }

    #[test]
    fn postgres() {
        super::a_house_serves_from_a_configuration(store::Database::Postgres);
    }
}

fn a_house_serves_from_a_configuration(database: Database) {
    let db = TestDb::new(database);
    let house = Folder::new();
    let config = configure(&house, &db.address(), "strict_servers = true");
    let first = make_tls(&house);
    let serving = Serving::start(&["serve", "--config", &config]);
    let url = format!("https://localhost:{}/products/!AutoApplySSL", serving.port("listen"));

    let made = json(&chancery(&[
        "account",
        "create",
        "shop",
        "--credit-limit",
        "160",
        "--config",
        &config,
        "--json",
    ]));
    let form = Form::order(488, &Csr::new("www.example.com"))
        .set("loginName", "shop")
        .set("loginPassword", &word(&made["password"]));
    let placed = ask(&first, &url, &form).expect("an answer");
    let order = Answer::read(&placed).order_number();
    let details = json(&chancery(&["order", "show", &order, "--config", &config, "--json"]));
    assert_eq!(details["state"], "awaiting_validation");

    // It has no mail server: mails are kept, and no try is counted.
    let by_mail = Form::order(488, &Csr::new("mail.example.com"))
        .set("loginName", "shop")
        .set("loginPassword", &word(&made["password"]))
        .set("dcvMethod", "EMAIL")
        .set("dcvEmailAddress", "admin@mail.example.com");
    Answer::read(&ask(&first, &url, &by_mail).expect("an answer")).order_number();

    // This house wants to know for how many servers a wildcard is.
    let wildcard = Form::order(489, &Csr::new("*.example.com"))
        .set("loginName", "shop")
        .set("loginPassword", &word(&made["password"]));
    let asked = |form: &Form| Answer::read(&ask(&first, &url, form).expect("an answer"));
    asked(&wildcard).refused(-3, "The 'servers' argument is missing!");
    asked(&wildcard.clone().set("servers", "101"))
        .refused(-4, "The value of the 'servers' argument is invalid!");
    asked(&wildcard.set("servers", "2")).refused(-15, "Not enough credit!");

    // What certificates name is alive.
    let plain = format!("http://127.0.0.1:{}/crl/public-root.crl", serving.port("listen_http"));
    let list = reqwest::blocking::get(plain).expect("an answer");
    assert_eq!(list.status(), 200);

    // Another certificate is taken while it runs.
    let second = make_tls(&house);
    assert!(ask(&second, &url, &form).is_none());
    serving.signal("HUP");
    let start = Instant::now();
    while ask(&second, &url, &form).is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "the new certificate is not taken");
        std::thread::sleep(Duration::from_millis(50));
    }

    if database == Database::Sqlite {
        let folder = Path::new(&db.address()).parent().expect("a folder").to_owned();
        let files = crate::private_files::rights(&folder);
        let file = rusqlite::Connection::open(db.address()).expect("the file");
        let waiting = "SELECT state, attempts FROM jobs WHERE kind = 'mail'";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        assert_eq!(file.query_row(waiting, [], read).expect("one job"), (0, 0));
        assert!(files.len() >= 3 && files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");
    }

    // One process serves from a SQLite file; any number from PostgreSQL.
    match database {
        Database::Sqlite => {
            let output = with_passphrase(&["worker", "--config", &config]).output().expect("it");
            refusal(&output, "in use by another process");
        }
        Database::Postgres => {
            let worker = Serving::start(&["worker", "--config", &config]);
            assert!(worker.stop());
        }
    }
    assert!(serving.stop());
}

#[test]
fn a_house_gives_itself_its_tls_certificate() {
    let house = Folder::new();
    let db = TestDb::new(Database::Sqlite);
    let config = configure(&house, &db.address(), "");
    let text = std::fs::read_to_string(&config).expect("the file");
    let files = "[tls]\ncertificate = \"tls.pem\"\nkey = \"tls.key\"\n";
    assert!(text.contains(files), "{text}");
    let text = text.replace(files, "").replace("https://ca.example.com", "https://localhost");
    let config = house.write("own.toml", format!("tls = \"own-ca\"\n{text}"));
    let checked = chancery(&["config", "check", &config]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let serving = Serving::start(&["serve", "--config", &config]);
    let roots = house.0.join("keys/roots.pem");
    let shown = || {
        let script = format!(
            "openssl s_client -connect 127.0.0.1:{} -servername localhost -verify_hostname localhost \
             -verify_return_error -CAfile '{}' </dev/null 2>/dev/null |
             openssl x509 -noout -serial -dates -subject -issuer -ext subjectAltName,extendedKeyUsage",
            serving.port("listen"),
            roots.display()
        );
        let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
        String::from_utf8(output.stdout).expect("text")
    };
    let first = shown();
    for word in ["DNS:localhost", "TLS Web Server Authentication", "Private OV EC CA"] {
        assert!(first.contains(word), "{word}: {first}");
    }
    let bundle = std::fs::read(&roots).expect("roots");
    let client = reqwest::blocking::Client::builder()
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(&bundle).expect("roots"))
        .resolve("localhost", std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
        .no_proxy()
        .build()
        .expect("a client");
    let url = format!("https://localhost:{}/healthz", serving.port("listen"));
    assert_eq!(client.get(url).send().expect("an answer").status(), 200);

    // Another one while it runs.
    serving.signal("HUP");
    let start = Instant::now();
    while shown() == first {
        assert!(start.elapsed() < Duration::from_secs(20), "no other certificate");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(shown().contains("DNS:localhost"));
    assert!(serving.stop());

    let bad = house.write("bad.toml", format!("tls = \"own\"\n{text}"));
    refusal(&chancery(&["config", "check", &bad]), "own-ca");
}

#[test]
fn a_configuration_that_cannot_work_does_not_start() {
    let house = Folder::new();
    make_tls(&house);
    let database = house.0.join("none.sqlite").display().to_string();
    let config = configure(&house, &database, "");
    assert!(chancery(&["config", "check", &config]).status.success());
    let text = std::fs::read_to_string(&config).expect("the file");
    for (good, bad, words) in [
        ("http://pki.example.com", "http://localhost", "public DNS name"),
        ("http://pki.example.com", "http://127.0.0.1:8080", "public DNS name"),
        ("http://pki.example.com", "https://pki.example.com", "plain http://"),
        ("public_url = \"https:", "public_url = \"http:", "write https://"),
        ("tls.pem", "nothing.pem", "nothing.pem"),
        ("[tls]", "sandbox = true\n[tls]", "unknown field"),
        ("\"Test Trust\"", "\"\"", "1 to 32 characters"),
        ("/keys\"", "/nowhere\"", "chancery ceremony"),
    ] {
        assert!(text.contains(good), "{good} in {text}");
        let file = house.write("bad.toml", text.replace(good, bad));
        let output = with_passphrase(&["serve", "--config", &file]).output().expect("it");
        refusal(&output, words);
    }
    assert!(!Path::new(&database).exists());

    // Without a word, and with a wrong one.
    let mut asked = Command::new(env!("CARGO_BIN_EXE_chancery"));
    asked.args(["serve", "--config", &config]).stdin(Stdio::null());
    refusal(&asked.output().expect("it"), "--passphrase-fd");
    let wrong = house.write("wrong", "something else");
    let mut asked = Command::new(env!("CARGO_BIN_EXE_chancery"));
    asked.args(["serve", "--config", &config]).env("CHANCERY_PASSPHRASE_FILE", wrong);
    refusal(&asked.output().expect("it"), "wrong passphrase");

    // As systemd hands it over: right, so that it goes on to the next obstacle.
    house.write("ca-passphrase", PASSPHRASE);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("a port").port();
    let text = text.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""));
    let file = house.write("taken.toml", text);
    let mut asked = Command::new(env!("CARGO_BIN_EXE_chancery"));
    asked.args(["serve", "--config", &file]).env("CREDENTIALS_DIRECTORY", &house.0);
    refusal(&asked.output().expect("it"), "cannot listen on");
}

#[test]
fn the_program_explains_itself() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = chancery(&["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("ceremony"), "{shell}");
    }
    for command in [
        "serve",
        "worker",
        "ceremony",
        "account",
        "product",
        "order",
        "certificate",
        "job",
        "audit",
        "template",
    ] {
        let help = chancery(&[command, "--help"]);
        assert!(String::from_utf8_lossy(&help.stdout).contains("Example"), "{command}");
    }
    let example = chancery(&["config", "example"]);
    assert!(String::from_utf8_lossy(&example.stdout).contains("pki_base_url"));
    refused(&["account", "list"], "--config FILE");
    refused(&["account", "list", "--dir", "/nonexistent"], "store.sqlite");
    refused(&["account", "list", "--database", "/nonexistent"], "no database");
    let products = json(&chancery(&["product", "list", "--json"]));
    assert!(products.as_array().is_some_and(|p| p.iter().any(|p| p["code"] == 488)));
    let folder = Folder::new();
    let file = folder.write("products.toml", "price = []\nproduct = []\nlogo = [ {} ]\n");
    refused(&["product", "check", &file], "products.toml");
}

/// A configuration on free ports, with the CAs of [`ceremony`]; gives its path.
pub fn configure(house: &Folder, database: &str, more: &str) -> String {
    let keys = house.0.join("keys");
    if !keys.exists() {
        copy(&ceremony().join("keys"), &keys);
    }
    house.write(
        "chancery.toml",
        format!(
            "listen = \"127.0.0.1:0\"\nlisten_http = \"127.0.0.1:0\"\n\
             public_url = \"https://ca.example.com\"\npki_base_url = \"http://pki.example.com\"\n\
             database = \"{database}\"\nca_dir = \"{}\"\norganization = \"Test Trust\"\n\
             country = \"GB\"\nrsa_bits = 2048\n{more}\n[tls]\ncertificate = \"tls.pem\"\n\
             key = \"tls.key\"\n[dns]\nservers = [\"127.0.0.1:9\"]\ndnssec = \"off\"\n",
            keys.display()
        ),
    )
}

/// Makes `tls.pem` and `tls.key` for localhost and gives the certificate.
pub fn make_tls(house: &Folder) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a key");
    house.write("tls.key", made.signing_key.serialize_pem());
    house.write("tls.pem", made.cert.pem());
    made.cert.pem().into_bytes()
}

/// Posts a form to a server with that certificate; None when it has another.
fn ask(certificate: &[u8], url: &str, form: &Form) -> Option<String> {
    let trusted = reqwest::Certificate::from_pem(certificate).expect("a certificate");
    let client = reqwest::blocking::Client::builder()
        .tls_certs_only([trusted])
        .resolve("localhost", std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
        .no_proxy()
        .build()
        .expect("a client");
    client.post(url).form(&form.0).send().ok().map(|r| r.text().expect("text"))
}

/// A `serve` or `worker` that says when it is ready.
pub struct Serving {
    child: Child,
    ready: Value,
}

impl Serving {
    /// Starts it.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = with_passphrase(arguments);
        command.args(["--log-json"]).env("CHANCERY_LOG", "info").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok).inspect(|line| eprintln!("{line}"));
        let ready = lines.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            let message = line["fields"]["message"].as_str()?;
            ["serving", "working"].contains(&message).then(|| line["fields"].clone())
        });
        let ready = ready.expect("it serves; its words are above");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, ready }
    }

    /// The port of `listen` or `listen_http`.
    pub fn port(&self, listener: &str) -> u16 {
        let address: std::net::SocketAddr = word(&self.ready[listener]).parse().expect("address");
        address.port()
    }

    fn signal(&self, name: &str) {
        let kill =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(kill.expect("sh").success());
    }

    /// Stops it and says whether it ended well.
    fn stop(mut self) -> bool {
        // A worker may be told before it listens to signals.
        std::thread::sleep(Duration::from_millis(200));
        self.signal("TERM");
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with_passphrase(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.args(arguments).env("CHANCERY_PASSPHRASE_FILE", ceremony().join("passphrase"));
    command
}

/// Runs the program.
pub fn chancery(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.args(arguments).env_remove("CHANCERY_CONFIG").stdin(Stdio::null());
    command.output().expect("the program starts")
}

/// Runs a command on a sandbox's house and reads its JSON.
#[track_caller]
fn cli(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let [flag, place] = sandbox.place();
    json(&chancery(&[arguments, &[&flag, &place, "--json"]].concat()))
}

#[track_caller]
pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The program must say these words, on one line, and exit with 1.
#[track_caller]
fn refused(arguments: &[&str], words: &str) {
    refusal(&chancery(arguments), words);
}

#[track_caller]
fn refusal(output: &Output, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let last = told.rsplit("Error: ").next().unwrap_or_default();
    assert!(last.contains(words), "'{words}' in: {told}");
    assert!(!told.contains("stack backtrace") && !told.contains("Stack backtrace"), "{told}");
}

#[track_caller]
pub fn word(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(status.expect("cp").success());
}

/// Every file below a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).expect("a file"));
        }
    }
    found
}

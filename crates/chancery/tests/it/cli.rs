//! The operator at the shell beside a running house: accounts, orders, revocation, templates, jobs.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

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
    // The second name by the same record.
    assert_eq!(details["names"][1]["implicit"], true);
    assert_eq!(details["names"][1]["shown"], details["names"][0]["shown"]);
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
    // An empty variable of a script takes no restriction away, and no privileges.
    let [flag, place] = sandbox.place();
    for (option, words) in [("--allowed-ips", "no addresses"), ("--privileges", "no privileges")] {
        for empty in ["", ",", " "] {
            refused(&["account", "set", &shop.name, option, empty, &flag, &place], words);
        }
    }
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
    let [flag, place] = sandbox.place();
    let most = "999999999999999.99";
    refused(&["account", "deposit", &shop.name, most, &flag, &place], "holds 999999999999999.99");
    order().order_number();
    assert_eq!(shop.shown()["balance"], "0.00");
    assert_eq!(order().get("errorCode"), "-15");
    cli(sandbox, &["account", "set", &shop.name, "--credit-limit", "79.00"]);
    let second = order().order_number();
    assert_eq!(shop.shown()["balance"], "-79.00");

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

/// Runs the program.
pub fn chancery(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.args(arguments).env_remove("CHANCERY_CONFIG").stdin(Stdio::null());
    command.output().expect("the program starts")
}

/// Runs a command on a sandbox's house and reads its JSON.
#[track_caller]
pub fn cli(sandbox: &Sandbox, arguments: &[&str]) -> Value {
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
pub fn refused(arguments: &[&str], words: &str) {
    refusal(&chancery(arguments), words);
}

#[track_caller]
pub fn refusal(output: &Output, words: &str) {
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

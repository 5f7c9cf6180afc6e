//! `--seed`: the same calls get the same answers, and secrets stay secrets.

use serde_json::json;
use store::Database;

use crate::kit::{Csr, Form, Sandbox};
use crate::steps::issued;

#[test]
fn a_seed_repeats_on_sqlite() {
    a_seed_repeats(Database::Sqlite);
}

#[test]
fn a_seed_repeats_on_postgres() {
    a_seed_repeats(Database::Postgres);
}

/// What the same calls lead to: the answers, and the secrets behind them.
fn story(database: Database, csr: &Csr, more: &[&str]) -> (Vec<String>, Vec<Vec<u8>>) {
    let sandbox = Sandbox::start_with(database, more);
    let form = Form::order(488, csr).set("showCertificateID", "Y");
    let told = |form: &Form| sandbox.call("!AutoApplySSL", form).raw;
    sandbox.publish_cname(csr, "www.example.com", None);
    // With the same request again, the house chooses unique values.
    let mut answers: Vec<String> = (0..3).map(|_| told(&form)).collect();
    let number = crate::kit::Answer::read(&answers[0]).order_number();
    let certificate = issued(&sandbox, &number, "the first");
    let by_mail =
        form.clone().set("dcvMethod", "EMAIL").set("dcvEmailAddress", "admin@example.com");
    answers.push(told(&by_mail));
    let mails = sandbox.wait_for("the mail", || {
        let mails = sandbox.mailbox("admin@example.com");
        (!mails.is_empty()).then_some(mails)
    });
    let code = mails[0]["codes"][0].as_str().expect("a code").as_bytes().to_vec();
    // As new, it repeats itself.
    sandbox.control("/reset", &json!({}));
    assert_eq!([told(&form), told(&form)], answers[..2]);
    (answers, vec![certificate, code])
}

fn a_seed_repeats(database: Database) {
    let csr = Csr::new("www.example.com");
    let (first, secrets) = story(database, &csr, &["--seed", "42"]);
    let (second, others) = story(database, &csr, &["--seed", "42"]);
    assert_eq!(first, second);
    assert!(first[1].contains("uniqueValue="), "{first:?}");
    assert!(secrets.iter().zip(&others).all(|(a, b)| a != b), "secrets do not come from the seed");
    let (third, _) = story(database, &csr, &["--seed", "43"]);
    assert_ne!(first, third);
}

//! AutoReplaceSMIME: in place while there is no certificate, by a new order after that.

use crate::kit::{Csr, Form, Key, Sandbox};
use crate::on_both;
use crate::smime_steps::{
    any_key, ask, collected, fresh_mailbox, key_of, mail_about, order_for, organization_order,
    place, prove, settle, template, verification,
};
use crate::tools::{Folder, openssl_ok};

on_both!(
    in_place_while_there_is_no_certificate,
    by_a_new_order_after_that,
    the_old_one_is_revoked_if_wanted,
    states_that_cannot_be_replaced,
    microsofts_template_is_copied,
    languages_and_templates,
    a_ca_of_the_orders_kind,
);

const REPLACE: &str = "!AutoReplaceSMIME";

fn replace(sandbox: &Sandbox, order: &str, csr: &Csr, more: &[(&str, &str)]) -> String {
    let form = Form::new(&[("orderNumber", order), ("csr", &csr.pem)]);
    let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
    sandbox.post(REPLACE, &form.login(sandbox, "reseller"))
}

/// An order with its certificate: number, mailbox, the certificate in PEM.
fn issued(sandbox: &Sandbox, product: i64) -> (String, String, String) {
    let mailbox = fresh_mailbox("replaced");
    let order = place(sandbox, &order_for(product, &mailbox).set("csr", &any_key().pem));
    prove(sandbox, &order, &mailbox);
    let leaf = collected(sandbox, &order).pop().expect("a certificate");
    mail_about(sandbox, &mailbox, "Collect your");
    (order, mailbox, leaf)
}

fn in_place_while_there_is_no_certificate(sandbox: &Sandbox) {
    // The key is exchanged before the mailbox is proven.
    let mailbox = fresh_mailbox("inplace");
    let order = place(sandbox, &order_for(794, &mailbox).set("csr", &any_key().pem));
    let key = Key::P384.pair();
    let csr = Csr::signed_with(&key, "anything", &[]);
    assert_eq!(replace(sandbox, &order, &csr, &[("responseFormat", "2")]), r#"{"errorCode":0}"#);
    prove(sandbox, &order, &mailbox);
    let leaf = collected(sandbox, &order).pop().expect("a certificate");
    assert_eq!(key_of(&leaf), key.public_key_pem().replace("\r\n", "\n"));
    // An order that waits for its CSR gets it by this, and goes on by itself.
    let mailbox = fresh_mailbox("inplace");
    let order = place(sandbox, &order_for(795, &mailbox));
    let key = Key::P256.pair();
    let csr = Csr::signed_with(&key, "anything", &[]);
    assert_eq!(replace(sandbox, &order, &csr, &[("responseFormat", "1")]), "errorCode=0");
    prove(sandbox, &order, &mailbox);
    let leaf = collected(sandbox, &order).pop().expect("a certificate");
    assert_eq!(key_of(&leaf), key.public_key_pem().replace("\r\n", "\n"));
    // What others have checked stays checked.
    let mailbox = fresh_mailbox("inplace");
    let order = place(sandbox, &organization_order(&mailbox).set("csr", &any_key().pem));
    settle(sandbox, &order, &["organization", "call_back"]);
    assert_eq!(replace(sandbox, &order, &any_key(), &[]), "0\n");
    let checks = sandbox.request_column(&order, "checks");
    assert!(
        checks.contains("organization=passed") && checks.contains("agreement=open"),
        "{checks}"
    );
}

fn by_a_new_order_after_that(sandbox: &Sandbox) {
    let (order, mailbox, old) = issued(sandbox, 794);
    let mails = sandbox.mailbox(&mailbox).len();
    let answer = replace(sandbox, &order, &any_key(), &[]);
    let new = answer.strip_prefix("0\n").expect("two lines").trim().to_owned();
    assert!(new.parse::<i64>().expect("a number") > order.parse().expect("a number"));
    // The mailbox was proven lately: nobody is asked again, and it costs nothing.
    let leaf = sandbox.wait_for("the new certificate", || {
        let leaf = collected(sandbox, &new).pop()?;
        (leaf != old).then_some(leaf)
    });
    assert_eq!(
        collected(sandbox, &order).pop(),
        Some(leaf),
        "the old number answers with the newest"
    );
    let debit = format!(
        "SELECT CAST(COALESCE(sum(amount), 0) AS TEXT) FROM ledger WHERE order_number = {new}"
    );
    assert_eq!(sandbox.value(&debit), "0");
    sandbox.wait_for("the collection mail and no other", || {
        (sandbox.mailbox(&mailbox).len() == mails + 1).then_some(())
    });
    sandbox.wait_for("the old one to be replaced", || {
        (sandbox.request_column(&order, "state") == "replaced").then_some(())
    });
    // In the other formats.
    let answer = replace(sandbox, &new, &any_key(), &[("responseFormat", "1")]);
    let newer = answer.strip_prefix("errorCode=0&newOrderNumber=").expect("pairs").to_owned();
    collected(sandbox, &newer);
    sandbox.wait_for("the new one to be replaced", || {
        (sandbox.request_column(&new, "state") == "replaced").then_some(())
    });
    let answer = replace(sandbox, &newer, &any_key(), &[("responseFormat", "2")]);
    let read: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(read["errorCode"], 0);
    assert!(read["newOrderNumber"].is_string(), "{answer}");
}

/// In the list within the wait of 20 seconds.
fn the_old_one_is_revoked_if_wanted(sandbox: &Sandbox) {
    let (order, _, old) = issued(sandbox, 795);
    let answer = replace(sandbox, &order, &any_key(), &[("REVOKEOLDORDER", "Y")]);
    assert!(answer.starts_with("0\n"), "{answer}");
    assert_eq!(sandbox.request_column(&order, "state"), "revoked");
    let folder = Folder::new();
    let file = folder.write("old.pem", &old);
    let serial = openssl_ok(&["x509", "-in", &file, "-noout", "-serial"]);
    let serial = serial.trim().trim_start_matches("serial=").to_owned();
    let shown = openssl_ok(&["x509", "-in", &file, "-noout", "-text"]);
    let url = shown.lines().find_map(|line| line.trim().strip_prefix("URI:")).expect("a list");
    sandbox.wait_for("the revocation", || {
        let list = folder.write("list.crl", sandbox.fetch(url)?);
        let text = openssl_ok(&["crl", "-inform", "DER", "-in", &list, "-noout", "-text"]);
        (text.contains(&serial) && text.contains("Superseded")).then_some(())
    });
    // By default it stays.
    let (order, _, _) = issued(sandbox, 795);
    replace(sandbox, &order, &any_key(), &[]);
    assert_ne!(sandbox.request_column(&order, "state"), "revoked");
}

fn states_that_cannot_be_replaced(sandbox: &Sandbox) {
    let wrong = "-136\nWrong certificate state\n";
    let (order, _, _) = issued(sandbox, 794);
    let hold = |from: &str, to: &str| {
        sandbox.change(&format!(
            "UPDATE certificate_requests SET state = '{to}' WHERE order_number = {order} AND state = '{from}'"
        ));
    };
    hold("issued", "issuing");
    let told = "-22\nThe certificate is currently being issued!\n";
    assert_eq!(replace(sandbox, &order, &any_key(), &[]), told);
    hold("issuing", "replaced");
    assert_eq!(replace(sandbox, &order, &any_key(), &[]), wrong);
    hold("replaced", "issued");
    let foreign = Form::new(&[("orderNumber", &order), ("csr", &any_key().pem)]);
    let foreign = sandbox.post(REPLACE, &foreign.login(sandbox, "webhost"));
    assert_eq!(foreign, "-4\nThe value of the 'orderNumber' argument is invalid!\n");
    sandbox.operator(&["order", "revoke", &order, "--reason", "superseded"]);
    assert_eq!(
        replace(sandbox, &order, &any_key(), &[]),
        "-20\nThe Certificate has been Revoked!\n"
    );
    let told = "-21\nThe certificate has been revoked!\n";
    assert_eq!(ask(sandbox, &order, &[("queryType", "0")]), told);
    // A rejected one.
    let order = place(sandbox, &order_for(794, &fresh_mailbox("gone")));
    let number: i64 = order.parse().expect("a number");
    let body =
        serde_json::json!({ "orderNumber": number, "check": "mailbox_control", "result": "fail" });
    sandbox.control("/settle", &body);
    assert_eq!(replace(sandbox, &order, &any_key(), &[]), wrong);
    assert_eq!(ask(sandbox, &order, &[("queryType", "0")]), "-20\nThe CSR has been rejected!\n");
}

/// What Windows asks for stands in the certificate, in whichever way the request came.
fn microsofts_template_is_copied(sandbox: &Sandbox) {
    let folder = Folder::new();
    let config = folder.write(
        "openssl.cnf",
        "[req]\ndistinguished_name = dn\nreq_extensions = ext\nprompt = no\n[dn]\nCN = anything\n[ext]\n\
         1.3.6.1.4.1.311.21.7 = ASN1:SEQUENCE:template\n[template]\nid = OID:1.3.6.1.4.1.311.21.8.1.2.3\n\
         major = INTEGER:100\nminor = INTEGER:7\n",
    );
    let csr = || Csr::openssl(&["-newkey", "rsa:2048", "-config", &config]);
    let has_template = |leaf: &str| {
        let file = folder.write("leaf.pem", leaf);
        let shown = openssl_ok(&["x509", "-in", &file, "-noout", "-text"]);
        shown.contains("1.3.6.1.4.1.311.21.7")
    };
    let (order, _, old) = issued(sandbox, 794);
    assert!(!has_template(&old));
    let answer = replace(sandbox, &order, &csr(), &[]);
    let new = answer.strip_prefix("0\n").expect("two lines").trim().to_owned();
    let leaf = sandbox.wait_for("the new certificate", || {
        collected(sandbox, &new).pop().filter(|leaf| *leaf != old)
    });
    assert!(has_template(&leaf));
    let mailbox = fresh_mailbox("template");
    let order = place(sandbox, &order_for(795, &mailbox));
    prove(sandbox, &order, &mailbox);
    let more = [("queryType", "2"), ("returnCertificate", "Y"), ("csr", &csr().pem)];
    let text = ask(sandbox, &order, &more);
    assert!(has_template(text.strip_prefix("2\n").expect("attached")), "{text}");
}

/// Here one template's ID makes the language count for nothing, as the specification says of this endpoint alone (D47).
fn languages_and_templates(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("words");
    let form = order_for(794, &mailbox).set("csr", &any_key().pem).set("languageName", "de");
    let order = place(sandbox, &form);
    let subject = verification(sandbox, &order, &mailbox)["subject"].clone();
    assert_eq!(subject, format!("ORDER #{order} - Bitte bestätigen Sie {mailbox}").as_str());
    assert_eq!(sandbox.parameter(&order, "languageName"), "de");
    assert_eq!(replace(sandbox, &order, &any_key(), &[("languageName", "fr")]), "0\n");
    assert_eq!(sandbox.parameter(&order, "languageName"), "fr");
    let id = template(sandbox, "smime_collection", "Here it is", "Fetch it: {{ link }}");
    let more = [("languageName", "it"), ("SMIMECollectionTemplateID", id.as_str())];
    assert_eq!(replace(sandbox, &order, &any_key(), &more), "0\n");
    assert_eq!(sandbox.parameter(&order, "languageName"), "");
    prove(sandbox, &order, &mailbox);
    let mail = mail_about(sandbox, &mailbox, "Here it is");
    assert!(
        mail["text"].as_str().is_some_and(|text| text.starts_with("Fetch it: https://")),
        "{mail}"
    );
}

fn a_ca_of_the_orders_kind(sandbox: &Sandbox) {
    let (order, _, _) = issued(sandbox, 794);
    let invalid = "-4\nThe value of the 'caCertificateID' argument is invalid!\n";
    for other in ["public-dv-ec", "mail-mv-strict-ec", "test-mail-mv-multi-ec", "mail-root"] {
        let asked = [("caCertificateID", sandbox.ca(other))];
        let asked: Vec<(&str, &str)> = asked.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(replace(sandbox, &order, &any_key(), &asked), invalid, "{other}");
    }
    let rsa = sandbox.ca("mail-mv-multi-rsa");
    let answer = replace(sandbox, &order, &any_key(), &[("caCertificateID", &rsa)]);
    let new = answer.strip_prefix("0\n").expect("two lines").trim().to_owned();
    let folder = Folder::new();
    sandbox.wait_for("a certificate of that CA", || {
        let leaf = folder.write("leaf.pem", collected(sandbox, &new).pop()?);
        let issuer = openssl_ok(&["x509", "-in", &leaf, "-noout", "-issuer"]);
        issuer.contains("MV RSA CA").then_some(())
    });
}

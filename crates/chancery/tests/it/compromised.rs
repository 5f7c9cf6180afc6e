//! A key for which a certificate was revoked with keyCompromise is not certified again, and other certificates on it fall.

use crate::kit::{Csr, Form, Key, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look, order_by, place, settled, waits};

on_both!(
    a_revoked_key_is_refused_everywhere,
    an_order_that_waits_with_such_a_key_fails,
    another_reason_becomes_key_compromise,
);

const COMPROMISED: &str = "The CSR uses a key that is believed to have been compromised!";

fn replace(sandbox: &Sandbox, order: &str, csr: Option<&Csr>) -> crate::kit::Answer {
    let form = Form::new(&[("orderNumber", order), ("responseFormat", "1")]);
    let form = csr.iter().fold(form, |form, csr| form.set("csr", &csr.pem));
    sandbox.call("!AutoReplaceSSL", &form)
}

/// An order with a certificate for a key, revoked.
fn revoked(sandbox: &Sandbox, key: &rcgen::KeyPair, reason: &str) -> (String, Csr) {
    let name = fresh_name("compromised");
    let csr = Csr::signed_with(key, &name, &[]);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    issued(sandbox, &order, "the first");
    sandbox.operator(&["order", "revoke", &order, "--reason", reason]);
    (order, csr)
}

/// Looked at again, by this call or already: a failed order refuses it.
fn looked_at(sandbox: &Sandbox, order: &str) {
    let form = Form::new(&[("orderNumber", order), ("newMethod", "CNAME_CSR_HASH")]);
    sandbox.call("!AutoUpdateDCV", &form);
    settled(sandbox);
}

fn a_revoked_key_is_refused_everywhere(sandbox: &Sandbox) {
    let key = Key::P256.pair();
    let twin = fresh_name("compromised");
    let csr = Csr::signed_with(&key, &twin, &[]);
    sandbox.publish_cname(&csr, &twin, None);
    let same_key = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    issued(sandbox, &same_key, "the same key");
    let other = fresh_name("compromised");
    let mine = Csr::new(&other);
    sandbox.publish_cname(&mine, &other, None);
    let live = place(sandbox, &order_by("CNAME_CSR_HASH", &mine));
    issued(sandbox, &live, "another key");
    let (order, csr) = revoked(sandbox, &key, "keyCompromise");
    for (order, state) in [(&order, "revoked"), (&same_key, "revoked"), (&live, "issued")] {
        assert_eq!(sandbox.request_column(order, "state"), state);
    }
    let again = Csr::signed_with(&key, &other, &[]);
    for csr in [&csr, &again] {
        sandbox.call("!AutoApplySSL", &order_by("CNAME_CSR_HASH", csr)).refused(-40, COMPROMISED);
        let decoded = sandbox.post("!DecodeCSR", &Form::new(&[("csr", &csr.pem)]));
        assert!(decoded.starts_with(&format!("1\n-40 {COMPROMISED}\n")), "{decoded}");
    }
    replace(sandbox, &live, Some(&again)).refused(-40, COMPROMISED);
    replace(sandbox, &same_key, None).refused(-21, "The certificate has been revoked!");
    let fine = Csr::new(&other);
    let replaced = replace(sandbox, &live, Some(&fine)).order_number();
    issued(sandbox, &replaced, "a key that nobody reported");
}

fn an_order_that_waits_with_such_a_key_fails(sandbox: &Sandbox) {
    let key = Key::P256.pair();
    let name = fresh_name("compromised");
    let csr = Csr::signed_with(&key, &name, &[]);
    let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    let lucky =
        place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::signed_with(&key, &name, &[&name])));
    settled(sandbox);
    waits(sandbox, &order, "no proof yet");
    // Another key saves the order that has one in time.
    let saved = Csr::new(&name);
    assert_eq!(replace(sandbox, &lucky, Some(&saved)).order_number(), lucky);
    revoked(sandbox, &key, "keyCompromise");
    sandbox.publish_cname(&saved, &name, None);
    issued(sandbox, &lucky, "with another key");
    looked_at(sandbox, &order);
    look(sandbox, &order).refused(-20, "The certificate request has been rejected!");
    assert_eq!(sandbox.request_column(&order, "state"), "failed");
    let why = sandbox.request_column(&order, "why");
    assert!(why.contains("compromised"), "{why}");
    let paid = format!("SELECT CAST(SUM(amount) AS TEXT) FROM ledger WHERE order_number = {order}");
    assert_eq!(sandbox.value(&paid), "0", "credited");
}

fn another_reason_becomes_key_compromise(sandbox: &Sandbox) {
    let key = Key::P256.pair();
    let (order, _) = revoked(sandbox, &key, "superseded");
    let csr = Csr::signed_with(&key, &fresh_name("compromised"), &[]);
    let form = order_by("CNAME_CSR_HASH", &csr);
    let waiting = place(sandbox, &form);
    sandbox.operator(&["order", "revoke", &order, "--reason", "keyCompromise"]);
    sandbox.call("!AutoApplySSL", &form).refused(-40, COMPROMISED);
    looked_at(sandbox, &waiting);
    assert_eq!(sandbox.request_column(&waiting, "state"), "failed");
}

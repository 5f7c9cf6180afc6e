//! !AutoReplaceSSL: which certificate of a chain is replaced and found, and which orders have none to replace.

use serde_json::json;

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::replace::{held, replace};
use crate::steps::{issued, look, names, order_by, place, settled, waits};

on_both!(
    that_very_order,
    a_rejected_replacement_leaves_the_chain_as_it_was,
    orders_that_cannot_be_replaced,
);

/// exactOrder=Y: what that order had, not what the newest one of its chain has.
fn that_very_order(sandbox: &Sandbox) {
    let base = fresh_name("replace");
    let name = |word: &str| format!("{word}.{base}");
    let csr = Csr::new("");
    for word in ["a", "b"] {
        sandbox.publish_cname(&csr, &name(word), None);
    }
    let wanted = [name("a"), name("b")].join(",");
    let first = place(sandbox, &Form::order(279, &csr).set("domainNames", &wanted));
    issued(sandbox, &first, "two names");
    let second = replace(sandbox, &first, &[("domainNames", &name("b"))]).order_number();
    issued(sandbox, &second, "one name");
    let newest = replace(sandbox, &first, &[]).order_number();
    assert_eq!(names(&issued(sandbox, &newest, "as the newest")), [name("b")]);
    let exact = replace(sandbox, &first, &[("exactOrder", "Y")]).order_number();
    assert_eq!(names(&issued(sandbox, &exact, "as the first")), [name("a"), name("b")]);
}

/// Its own number says that it came to nothing, until another replacement follows; the chain's first number never does.
fn a_rejected_replacement_leaves_the_chain_as_it_was(sandbox: &Sandbox) {
    let base = fresh_name("replace");
    let name = |word: &str| format!("{word}.{base}");
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &name("a"), None);
    let order = Form::order(279, &csr).set("domainNames", &name("a"));
    let first = place(sandbox, &order);
    let leaf = issued(sandbox, &first, "one name");
    let both = [name("a"), name("b")].join(",");
    let second = replace(sandbox, &first, &[("domainNames", &both)]).order_number();
    assert_ne!(second, first);
    settled(sandbox);
    waits(sandbox, &second, "a name that nobody proves");
    let number: u64 = second.parse().expect("a number");
    let no = json!({ "orderNumber": number, "check": "domain_control", "result": "fail" });
    sandbox.control("/settle", &no);
    look(sandbox, &second).refused(-20, "The certificate request has been rejected!");
    assert_eq!(issued(sandbox, &first, "by the first number"), leaf);
    let paid = format!(
        "SELECT CAST(count(*) AS TEXT) FROM ledger WHERE order_number IN ({first}, {second})"
    );
    let before = sandbox.value(&paid);
    // By the number of what was rejected, another one.
    let third = replace(sandbox, &second, &[]).order_number();
    assert!(third != first && third != second, "{third}");
    let newest = issued(sandbox, &third, "the third");
    assert_eq!(names(&newest), [name("a")], "as the newest that came to something");
    for number in [&first, &second] {
        assert_eq!(issued(sandbox, number, "by an older number"), newest);
    }
    assert_eq!(sandbox.value(&paid), before, "nothing is charged or credited for it");
}

fn orders_that_cannot_be_replaced(sandbox: &Sandbox) {
    let code = |answer: Answer| answer.get("errorCode").to_owned();
    let invalid = "The value of the 'orderNumber' argument is invalid!";
    replace(sandbox, "99999999", &[]).refused(-4, invalid);
    sandbox
        .call("!AutoReplaceSSL", &Form::new(&[("responseFormat", "1")]))
        .refused(-3, "The 'orderNumber' argument is missing!");
    let old = held(sandbox, None);
    let form = Form::new(&[("orderNumber", old.number.as_str()), ("responseFormat", "1")]);
    let foreign = sandbox.post("!AutoReplaceSSL", &form.login(sandbox, "webhost"));
    Answer::read(&foreign).refused(-4, invalid);
    // Rejected.
    let rejected = place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("replace"))));
    let number: u64 = rejected.parse().expect("a number");
    let no = json!({ "orderNumber": number, "check": "domain_control", "result": "fail" });
    sandbox.control("/settle", &no);
    assert_eq!(code(replace(sandbox, &rejected, &[])), "-20");
    let form = Form::new(&[("orderNumber", rejected.as_str()), ("showStatusDetails", "Y")]);
    let steps = sandbox.call("!GetMDCDomainDetails", &form);
    assert_eq!(steps.get("dcvStatus"), "0", "nothing was shown: {}", steps.raw);
    // Revoked.
    let other = Csr::new(&old.name);
    let csr = other.pem.as_str();
    let replaced = replace(sandbox, &old.number, &[("csr", csr)]).order_number();
    issued(sandbox, &replaced, "a replacement");
    sandbox.operator(&["order", "revoke", &old.number, "--reason", "superseded"]);
    sandbox.operator(&["order", "revoke", &replaced, "--reason", "keyCompromise"]);
    assert_eq!(code(replace(sandbox, &replaced, &[])), "-21");
    look(sandbox, &replaced).refused(-21, "The certificate has been revoked!");
    // Awaiting payment: an account whose customers pay for themselves.
    sandbox.operator(&["account", "set", "webhost", "--payment", "customer"]);
    let form = order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("replace")));
    let placed = Answer::read(&sandbox.post("!AutoApplySSL", &form.login(sandbox, "webhost")));
    sandbox.operator(&["account", "set", "webhost", "--payment", "account"]);
    assert_eq!(placed.get("errorCode"), "1", "{}", placed.raw);
    let unpaid = placed.get("orderNumber");
    let ask = |path: &str, form: Form| {
        Answer::read(
            &sandbox.post(path, &form.set("responseFormat", "1").login(sandbox, "webhost")),
        )
    };
    let form = Form::new(&[("orderNumber", unpaid)]);
    assert_eq!(code(ask("!AutoReplaceSSL", form.clone())), "-22");
    ask("download/CollectSSL", form.clone().set("queryType", "1"))
        .refused(-22, "Still awaiting payment!");
    sandbox.operator(&["order", "paid", unpaid]);
    assert_eq!(ask("download/CollectSSL", form.set("queryType", "1")).get("errorCode"), "0");
}

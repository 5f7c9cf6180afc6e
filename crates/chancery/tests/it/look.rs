//! What one look for the proofs of an order may cost, however the order's names are built.

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, place};

on_both!(names_with_many_labels_cost_little_and_are_issued);

fn names_with_many_labels_cost_little_and_are_issued(sandbox: &Sandbox) {
    let base = fresh_name("labels");
    let names: Vec<String> = (0..60).map(|i| format!("{}n{i}.{base}", "a.".repeat(36))).collect();
    let csr = Csr::new("");
    let form = Form::order(279, &csr).set("domainNames", &names.join(","));
    let order = place(sandbox, &form);
    let lines = || {
        let sql = format!(
            "SELECT e.outcome, e.question, e.answer FROM evidence e
             JOIN certificate_requests r ON r.certificate_id = e.certificate_id
             WHERE r.order_number = {order}"
        );
        sandbox.rows(&sql)
    };
    let first = sandbox.wait_for("a look", || Some(lines()).filter(|lines| !lines.is_empty()));
    // 60 names with 40 places each: a line for each name, which says where it was looked for.
    assert!(first.len() <= 60 * 2, "{} lines of evidence", first.len());
    assert!(first.iter().all(|line| line[0] == "not_shown"), "{first:?}");
    assert!(first.iter().all(|line| line[2].contains("\"not_there\"") && line[2].contains(&base)));

    sandbox.publish_cname(&csr, &base, None);
    let again =
        [("orderNumber", &order[..]), ("newMethod", "CNAME_CSR_HASH"), ("domainName", &names[0])];
    assert_eq!(sandbox.call("!AutoUpdateDCV", &Form::new(&again)).raw, "errorCode=0");
    issued(sandbox, &order, "60 names by one record");
    let shown = lines().iter().filter(|line| line[0] == "shown").count();
    assert!(shown >= 60, "{shown} proofs are kept whole");
}

//! Calls that come while a job is asking the outside world about the same order.

use serde_json::json;

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look_again, order_by, place, settled, waits};
use crate::tools;

on_both!(
    a_request_replaced_during_a_look_is_what_gets_issued,
    a_check_settled_during_a_look_stays_settled,
);

/// How often each race is run: a job that does not notice loses about two of three.
const RUNS: usize = 12;

fn a_request_replaced_during_a_look_is_what_gets_issued(sandbox: &Sandbox) {
    let mut in_time = 0;
    for run in 0..RUNS {
        let name = fresh_name("race");
        let (old, new) = (Csr::new(&name), Csr::new(&name));
        let order = place(sandbox, &order_by("CNAME_CSR_HASH", &old));
        settled(sandbox);
        waits(sandbox, &order, "nothing is there yet");
        sandbox.publish_cname(&old, &name, None);
        sandbox.publish_cname(&new, &name, None);
        look_again(sandbox, &order, "CNAME_CSR_HASH");
        let form =
            Form::new(&[("orderNumber", &order), ("responseFormat", "1"), ("csr", &new.pem)]);
        let answer = sandbox.call("!AutoReplaceSSL", &form);
        // Too late: it is being issued.
        if answer.get("errorCode") == "-26" {
            continue;
        }
        assert_eq!(answer.get("errorCode"), "0", "run {run}: {}", answer.raw);
        in_time += 1;
        settled(sandbox);
        let replaced = answer.get("orderNumber").to_owned();
        let leaf = issued(sandbox, if replaced.is_empty() { &order } else { &replaced }, "new");
        assert_eq!(
            tools::key_of_certificate(&leaf),
            tools::key_of_request(&new.der),
            "run {run}: the key of the request that took its place"
        );
    }
    assert!(in_time > 0, "every replacement came too late, and nothing was seen");
}

fn a_check_settled_during_a_look_stays_settled(sandbox: &Sandbox) {
    for run in 0..RUNS {
        let name = fresh_name("race");
        let csr = Csr::new(&name);
        let form = [
            ("organizationName", "Example Ltd"),
            ("streetAddress1", "1 Example Street"),
            ("localityName", "Bradford"),
            ("postalCode", "BD1 1AA"),
            ("countryName", "GB"),
        ]
        .iter()
        .fold(Form::order(24, &csr), |form, (name, value)| form.set(name, value))
        .set("dcvMethod", "CNAME_CSR_HASH");
        let order = place(sandbox, &form);
        settled(sandbox);
        sandbox.publish_cname(&csr, &name, None);
        look_again(sandbox, &order, "CNAME_CSR_HASH");
        let number: u64 = order.parse().expect("a number");
        let pass = json!({ "orderNumber": number, "check": "organization", "result": "pass" });
        sandbox.control("/settle", &pass);
        settled(sandbox);
        let checks = sandbox.value(&format!(
            "SELECT checks FROM certificate_requests WHERE order_number = {order}"
        ));
        assert!(checks.contains("organization=passed"), "run {run}: {checks}");
        assert!(checks.contains("domain_control=passed"), "run {run}: {checks}");
    }
}

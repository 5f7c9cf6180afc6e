//! Products that say more than any profile of ours: they wait, and no ordinary certificate takes their place.

use serde_json::{Value, json};

use crate::apply_kit::complete;
use crate::kit::{Csr, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, place};

on_both!(amt_and_qwac_wait_for_their_profiles);

/// An order of the product with every check passed and its proof published.
fn settled(sandbox: &Sandbox, product: i64) -> String {
    let name = fresh_name("waits");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &complete(product, &csr, &name));
    let number: i64 = order.parse().expect("a number");
    let shown = sandbox.operator(&["order", "show", &order]);
    let checks = shown["checks"].as_array().expect("checks").iter();
    for check in checks.filter(|c| c["state"] == "open" && c["check"] != "domain_control") {
        let pass = json!({ "orderNumber": number, "check": check["check"], "result": "pass" });
        sandbox.control("/settle", &pass);
    }
    order
}

fn amt_and_qwac_wait_for_their_profiles(sandbox: &Sandbox) {
    let waiting = [510, 783, 788, 791].map(|product| (product, settled(sandbox, product)));
    // What has a profile goes out meanwhile.
    issued(sandbox, &settled(sandbox, 7), "an ordinary one");
    for (product, order) in waiting {
        let why = format!(
            "SELECT j.last_error FROM jobs j
             JOIN certificate_requests r ON r.certificate_id = j.subject AND j.kind = 'validate'
             WHERE r.order_number = {order}"
        );
        sandbox.wait_for(&format!("product {product}"), || {
            let told = sandbox.rows(&why);
            told.iter().any(|row| row[0].contains("no profile for this product")).then_some(())
        });
        let shown = sandbox.operator(&["order", "show", &order]);
        assert_eq!(shown["certificate"], Value::Null, "{product}");
    }
}

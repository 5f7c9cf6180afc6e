//! The main road: an order becomes a certificate in the customer's hands.

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;

on_both!(an_order_becomes_a_certificate);

fn an_order_becomes_a_certificate(sandbox: &Sandbox) {
    let name = fresh_name("road");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let placed = sandbox.call("!AutoApplySSL", &Form::order(488, &csr));
    assert_eq!(placed.keys(), ["errorCode", "orderNumber", "totalCost", "expectedDeliveryTime"]);
    assert_eq!(placed.get("totalCost"), "79.00");
    let collected = sandbox.collect(&placed.order_number());
    assert_eq!(collected.get("errorCode"), "2");
    assert_eq!(collected.all("caCertificate").len(), 2);
}

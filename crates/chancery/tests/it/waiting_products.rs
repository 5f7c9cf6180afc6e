//! Products that people look at: what their certificates say; and those that say more than any profile of ours, which wait, and
//! no ordinary certificate takes their place.

use serde_json::{Value, json};

use crate::apply_kit::complete;
use crate::kit::{Csr, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, place};
use crate::tools::{self, Folder};

on_both!(
    amt_and_qwac_wait_for_their_profiles,
    an_extended_certificate_says_where_its_subject_is,
    what_an_extended_certificate_lacks_is_told,
);

/// An order of the product with every check passed and its proof published.
fn settled(sandbox: &Sandbox, product: i64) -> String {
    let name = fresh_name("waits");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    pass(sandbox, place(sandbox, &complete(product, &csr, &name)))
}

fn pass(sandbox: &Sandbox, order: String) -> String {
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
        sandbox.wait_for(&format!("product {product}"), || {
            let shown = sandbox.operator(&["order", "show", &order]);
            assert_eq!(shown["certificate"], Value::Null, "{product}");
            let why = shown["why"].as_str()?;
            why.contains("no profile for this product").then_some(())
        });
    }
}

/// Every attribute that its profile takes and the order says, in their order, and pkilint finds no ERROR.
fn an_extended_certificate_says_where_its_subject_is(sandbox: &Sandbox) {
    let name = fresh_name("extended");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let form = complete(337, &csr, &name).set("businessCategory", "b");
    let form = form.set("companyNumber", "HRB 12345").set("joiLocalityName", "Berlin");
    let form = form.set("joiStateOrProvinceName", "Berlin").set("stateOrProvinceName", "Berlin");
    let order = pass(sandbox, place(sandbox, &form.set("streetAddress2", "Hinterhaus")));
    let leaf = issued(sandbox, &order, "an extended one");
    let folder = Folder::new();
    let file = folder.write("leaf.pem", tools::pem("CERTIFICATE", &leaf));
    let subject = tools::openssl_ok(&["x509", "-in", &file, "-noout", "-subject"]);
    assert_eq!(
        subject.trim(),
        format!(
            "subject=jurisdictionC = DE, jurisdictionST = Berlin, jurisdictionL = Berlin, businessCategory = Private Organization, \
             serialNumber = HRB 12345, C = DE, ST = Berlin, L = Berlin, postalCode = 10115, street = Hauptstrasse 1, \
             street = Hinterhaus, O = Example GmbH, CN = {name}"
        )
    );
    // What says nothing of an address is asked for and not certified, and what is long is cut.
    let name = fresh_name("extended");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let form = complete(337, &csr, &name).set("businessCategory", "b").set("companyNumber", "7");
    let form =
        form.set("postalCode", "-").set("streetAddress2", "n/a").set("streetAddress3", "c/o");
    let order = pass(sandbox, place(sandbox, &form.set("streetAddress1", ".")));
    let other = folder
        .write("other.pem", tools::pem("CERTIFICATE", &issued(sandbox, &order, "no address")));
    let subject = tools::openssl_ok(&["x509", "-in", &other, "-noout", "-subject"]);
    assert!(subject.contains("L = Berlin, street = c/o, O = Example GmbH"), "{subject}");
    for file in [&file, &other] {
        std::fs::remove_file(file).expect("removed");
    }
    folder.write("leaf.crt", &leaf);
    let said = tools::pkilint(&folder.0)["leaf.crt"].clone();
    assert_eq!(said["type"], "EV-FINAL-CERTIFICATE", "{said}");
    let findings = said["findings"].as_array().expect("findings");
    let serious = findings.iter().filter(|f| f[0] == "ERROR" || f[0] == "FATAL");
    assert_eq!(serious.count(), 0, "{said}");
}

/// Both are optional, and every certificate of the kind names them: whoever has to find them out reads which is missing.
fn what_an_extended_certificate_lacks_is_told(sandbox: &Sandbox) {
    for (given, value) in [("businessCategory", "b"), ("companyNumber", "77")] {
        let name = fresh_name("lacks");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        let form = complete(337, &csr, &name).set(given, value);
        let order = pass(sandbox, place(sandbox, &form));
        let lacks = if given == "companyNumber" { "businessCategory" } else { "serialNumber" };
        let told = format!("the subject lacks {lacks}");
        sandbox.wait_for(&told, || {
            let shown = sandbox.operator(&["order", "show", &order]);
            assert_eq!(shown["certificate"], Value::Null);
            (shown["why"] == told.as_str()).then_some(())
        });
    }
}

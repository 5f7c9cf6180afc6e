//! Domain control by records: CNAME and TXT, what is shown about them, and names that fail.

use serde_json::json;

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look_again, names, order_by, place, settled, waits};

on_both!(
    cname_records_as_programs_publish_them,
    other_records_prove_nothing,
    a_random_value_is_shown_and_found,
    details_come_in_threes,
    an_unproven_second_name_falls_away,
    name_servers_that_fail_are_asked_again,
);

fn target(csr: &Csr, unique: Option<&str>, suffix: &str) -> String {
    csr.cname_target(unique).replace("sectigo.com", suffix)
}

fn cname_records_as_programs_publish_them(sandbox: &Sandbox) {
    type Variant = (&'static str, Option<&'static str>, fn(&Csr, &str) -> (String, String));
    let variants: [Variant; 7] = [
        ("lower case", None, |c, n| (format!("_{}.{n}", c.md5), c.cname_target(None))),
        ("capitals and the old suffix", None, |c, n| {
            let to = target(c, None, "comodoca.com").to_uppercase();
            (format!("_{}.{n}", c.md5.to_uppercase()), to)
        }),
        ("unique value", Some("a1B2c3D4e5"), |c, n| {
            (format!("_{}.{n}", c.md5), target(c, Some("a1B2c3D4e5"), "comodoca.com"))
        }),
        ("unique value in the DNS' own case", Some("ABC9"), |c, n| {
            (format!("_{}.{n}", c.md5), target(c, Some("abc9"), "sectigo.com"))
        }),
        ("final dot", None, |c, n| {
            (format!("_{}.{n}.", c.md5), format!("{}.", c.cname_target(None)))
        }),
        ("at the registrable domain", None, |c, _| {
            (format!("_{}.example.com", c.md5), c.cname_target(None))
        }),
        ("one label up", None, |c, n| {
            let (_, above) = n.split_once('.').expect("labels");
            (format!("_{}.{above}", c.md5), c.cname_target(None))
        }),
    ];
    let mut orders = Vec::new();
    for (what, unique, record) in variants {
        for wildcard in [false, true] {
            let host = format!("deep.{}", fresh_name("cname"));
            let name = if wildcard { format!("*.{host}") } else { host.clone() };
            let csr = Csr::new(&name);
            let (owner, to) = record(&csr, &host);
            sandbox.control("/set-cname", &json!({ "host": owner, "target": to }));
            let product = if wildcard { "489" } else { "488" };
            let mut form = order_by("CNAME_CSR_HASH", &csr).set("product", product);
            if let Some(unique) = unique {
                form = form.set("uniqueValue", unique);
            }
            orders.push((format!("{what}: {name}"), place(sandbox, &form)));
        }
    }
    for (what, order) in orders {
        issued(sandbox, &order, &what);
    }
}

fn other_records_prove_nothing(sandbox: &Sandbox) {
    type Variant = (&'static str, fn(&Csr, &str) -> (String, String));
    let variants: [Variant; 8] = [
        ("no underscore", |c, n| (format!("{}.{n}", c.md5), c.cname_target(Some("U1")))),
        ("no unique value", |c, n| (format!("_{}.{n}", c.md5), c.cname_target(None))),
        ("another unique value", |c, n| (format!("_{}.{n}", c.md5), c.cname_target(Some("U2")))),
        ("another suffix", |c, n| {
            (format!("_{}.{n}", c.md5), target(c, Some("U1"), "example.net"))
        }),
        ("halves exchanged", |c, n| {
            let (head, tail) = c.sha256.split_at(32);
            (format!("_{}.{n}", c.md5), format!("{tail}.{head}.U1.sectigo.com"))
        }),
        ("not cut in halves", |c, n| {
            (format!("_{}.{n}", c.md5), format!("{}.U1.sectigo.com", &c.sha256[..63]))
        }),
        ("below the name", |c, n| (format!("_{}.www.{n}", c.md5), c.cname_target(Some("U1")))),
        ("above the registrable domain", |c, _| {
            (format!("_{}.com", c.md5), c.cname_target(Some("U1")))
        }),
    ];
    let mut orders = Vec::new();
    for (what, record) in variants {
        let name = fresh_name("badcname");
        let csr = Csr::new(&name);
        let (owner, to) = record(&csr, &name);
        sandbox.control("/set-cname", &json!({ "host": owner, "target": to }));
        let form = order_by("CNAME_CSR_HASH", &csr).set("uniqueValue", "U1");
        orders.push((what, place(sandbox, &form), csr, name));
    }
    // A TXT record is no CNAME record.
    let name = fresh_name("badcname");
    let csr = Csr::new(&name);
    let owner = format!("_{}.{name}", csr.md5);
    sandbox.control("/set-txt", &json!({ "host": owner, "value": csr.cname_target(Some("U1")) }));
    let form = order_by("CNAME_CSR_HASH", &csr).set("uniqueValue", "U1");
    orders.push(("TXT", place(sandbox, &form), csr, name));
    settled(sandbox);
    for (what, order, ..) in &orders {
        waits(sandbox, order, what);
    }
    for (what, order, csr, name) in orders {
        sandbox.publish_cname(&csr, &name, Some("U1"));
        look_again(sandbox, &order, "CNAME_CSR_HASH");
        issued(sandbox, &order, what);
    }
}

fn random_value(sandbox: &Sandbox, order: &str) -> String {
    let asked = Form::new(&[("orderNumber", order), ("showStatusDetails", "Y")]);
    sandbox.call("!GetMDCDomainDetails", &asked).get("randomValue_1").to_owned()
}

fn a_random_value_is_shown_and_found(sandbox: &Sandbox) {
    let mut orders = Vec::new();
    for at in ["", "deep.", "*."] {
        let host = fresh_name("txt");
        let name = format!("{at}{host}");
        let csr = Csr::new(&name);
        let product = if at == "*." { "489" } else { "488" };
        let form = order_by("DNSTXT_RANDOM_VALUE", &csr).set("product", product);
        let placed = sandbox.call("!AutoApplySSL", &form);
        let order = placed.order_number();
        let value = random_value(sandbox, &order);
        assert!(value.len() >= 22, "112 bits at least: {value}");
        let silent = Form::new(&[("orderNumber", &order)]);
        let silent = sandbox.call("!GetMDCDomainDetails", &silent);
        assert!(!silent.raw.contains("randomValue"), "only when asked for: {}", silent.raw);
        // Others' values beside it do not matter; a part of it does not suffice.
        let owner = format!("_pki-validation.{host}");
        sandbox.control("/set-txt", &json!({ "host": owner, "value": "something else" }));
        sandbox.control("/set-txt", &json!({ "host": owner, "value": &value[..20] }));
        look_again(sandbox, &order, "DNSTXT_RANDOM_VALUE");
        assert_eq!(random_value(sandbox, &order), value, "the same method keeps the value");
        orders.push((order, owner, value));
    }
    settled(sandbox);
    for (order, owner, value) in &orders {
        waits(sandbox, order, "a part of the value");
        sandbox.control("/set-txt", &json!({ "host": owner, "value": value }));
        look_again(sandbox, order, "DNSTXT_RANDOM_VALUE");
    }
    for (order, _, value) in &orders {
        issued(sandbox, order, "the value");
        assert_ne!(orders.iter().filter(|(_, _, v)| v == value).count(), 2, "unique per order");
    }
    // Another method and back: another value, and the old one is worth nothing.
    let name = fresh_name("txt");
    let csr = Csr::new(&name);
    let order = place(sandbox, &order_by("DNSTXT_RANDOM_VALUE", &csr));
    let first = random_value(sandbox, &order);
    look_again(sandbox, &order, "HTTP_CSR_HASH");
    assert_eq!(random_value(sandbox, &order), "", "no value for files");
    look_again(sandbox, &order, "DNSTXT_RANDOM_VALUE");
    let second = random_value(sandbox, &order);
    assert_ne!(first, second);
    let owner = format!("_pki-validation.{name}");
    sandbox.control("/set-txt", &json!({ "host": owner, "value": first }));
    look_again(sandbox, &order, "DNSTXT_RANDOM_VALUE");
    settled(sandbox);
    waits(sandbox, &order, "the old value");
    sandbox.control("/set-txt", &json!({ "host": owner, "value": second }));
    look_again(sandbox, &order, "DNSTXT_RANDOM_VALUE");
    issued(sandbox, &order, "the new value");
}

fn details_come_in_threes(sandbox: &Sandbox) {
    let name = fresh_name("details");
    let csr = Csr::new(&name);
    let form = order_by("CNAME_CSR_HASH", &csr).set("omitAdditionalFQDN", "Y");
    let order = place(sandbox, &form);
    settled(sandbox);
    let asked = Form::new(&[("orderNumber", &order)]);
    let before = sandbox.call("!GetMDCDomainDetails", &asked);
    assert_eq!(
        before.raw,
        format!(
            "errorCode=0&1_domainName={name}&1_dcvMethod=CNAME_CSR_HASH&1_dcvStatus=Awaiting+Validation"
        )
    );
    let with_steps =
        sandbox.call("!GetMDCDomainDetails", &asked.clone().set("showStatusDetails", "Y"));
    let digits =
        with_steps.keys().iter().filter(|k| k.starts_with(|c: char| c.is_ascii_digit())).count();
    assert_eq!(digits, 3, "{}", with_steps.raw);
    assert_eq!(with_steps.get("dcvStatus"), "0");
    assert_eq!(with_steps.get("csrStatus"), "1");
    assert_eq!(with_steps.get("organizationValidationStatus"), "-1");
    settled(sandbox);
    sandbox.publish_cname(&csr, &name, None);
    look_again(sandbox, &order, "CNAME_CSR_HASH");
    issued(sandbox, &order, "details");
    let after = sandbox.call("!GetMDCDomainDetails", &asked);
    assert_eq!(after.get("1_dcvStatus"), "Validated");
    let json = sandbox.post(
        "!GetMDCDomainDetails",
        &asked
            .clone()
            .login(sandbox, "reseller")
            .set("responseFormat", "2")
            .set("showStatusDetails", "Y"),
    );
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["errorCode"], 0);
    assert_eq!(json["domains"][0]["dcvStatus"], "Validated");
    assert_eq!(json["dcvStatus"], 1);
    // Somebody else's order is no order.
    let foreign = asked.login(sandbox, "webhost");
    let foreign = crate::kit::Answer::read(&sandbox.post("!GetMDCDomainDetails", &foreign));
    foreign.refused(-4, "The value of the 'orderNumber' argument is invalid!");
}

/// Programs in use publish one proof: www is in the certificate if it is proven too, and left out if not.
fn an_unproven_second_name_falls_away(sandbox: &Sandbox) {
    let name = fresh_name("twin");
    let csr = Csr::new(&name);
    sandbox.publish_file(&csr, "http", &name, None);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    let asked = Form::new(&[("orderNumber", &order)]);
    let before = sandbox.call("!GetMDCDomainDetails", &asked);
    assert_eq!(before.get("2_domainName"), format!("www.{name}"), "{}", before.raw);
    assert_eq!(names(&issued(sandbox, &order, "one file")), [name.as_str()]);
    let after = sandbox.call("!GetMDCDomainDetails", &asked);
    let told = ["1_dcvStatus", "2_domainName", "2_dcvStatus"].map(|key| after.get(key).to_owned());
    assert_eq!(told, ["Validated".to_owned(), format!("www.{name}"), "Removed".to_owned()]);

    let name = fresh_name("twin");
    let csr = Csr::new(&name);
    let www = format!("www.{name}");
    sandbox.publish_file(&csr, "http", &name, None);
    sandbox.publish_file(&csr, "http", &www, None);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    assert_eq!(names(&issued(sandbox, &order, "two files")), [name.as_str(), www.as_str()]);

    // The other way round: www is ordered, the bare name comes along.
    let name = fresh_name("twin");
    let www = format!("www.{name}");
    let csr = Csr::new(&www);
    sandbox.publish_file(&csr, "http", &name, None);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    settled(sandbox);
    waits(sandbox, &order, "only the name that nobody ordered is proven");
    sandbox.publish_file(&csr, "http", &www, None);
    look_again(sandbox, &order, "HTTP_CSR_HASH");
    assert_eq!(names(&issued(sandbox, &order, "both")), [www.as_str(), name.as_str()]);

    // A record above covers both; omitAdditionalFQDN=Y leaves it at one.
    for (omit, count) in [("N", 2), ("Y", 1)] {
        let name = fresh_name("twin");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        let form = order_by("CNAME_CSR_HASH", &csr).set("omitAdditionalFQDN", omit);
        let order = place(sandbox, &form);
        assert_eq!(names(&issued(sandbox, &order, omit)).len(), count, "{omit}");
    }
}

fn name_servers_that_fail_are_asked_again(sandbox: &Sandbox) {
    let mut orders = Vec::new();
    for method in ["CNAME_CSR_HASH", "HTTP_CSR_HASH"] {
        let name = fresh_name("servfail");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        sandbox.publish_file(&csr, "http", &name, None);
        let failing = match method {
            "HTTP_CSR_HASH" => name.clone(),
            _ => format!("_{}.{name}", csr.md5),
        };
        sandbox.control("/set-servfail", &json!({ "host": failing }));
        orders.push((place(sandbox, &order_by(method, &csr)), method, failing));
    }
    settled(sandbox);
    for (order, method, failing) in &orders {
        waits(sandbox, order, method);
        sandbox.control("/clear-servfail", &json!({ "host": failing }));
        look_again(sandbox, order, method);
    }
    for (order, method, _) in orders {
        issued(sandbox, &order, method);
    }
}

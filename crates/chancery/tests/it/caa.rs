//! CAA: who may issue, in tree climbing order.

use serde_json::json;

use crate::kit::{Csr, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look, look_again, names, order_by, place, settled};

on_both!(
    records_decide_who_may_issue,
    what_was_said_is_kept,
    a_record_for_the_second_name_removes_it,
);

type Records<'a> = &'a [(&'a str, &'a str, bool)];

fn publish(sandbox: &Sandbox, host: &str, records: Records<'_>) {
    let policies: Vec<_> = records
        .iter()
        .map(|(tag, value, critical)| json!({ "tag": tag, "value": value, "critical": critical }))
        .collect();
    sandbox.control("/add-caa", &json!({ "host": host, "policies": policies }));
}

fn records_decide_who_may_issue(sandbox: &Sandbox) {
    const OURS: &str = "sectigo.com";
    const THEIRS: &str = "ca.example.net";
    // What, wildcard?, records at the name, records one label up, permitted?
    let table: [(&str, bool, Records<'_>, Records<'_>, bool); 22] = [
        ("another issuer", false, &[("issue", THEIRS, false)], &[], false),
        ("nobody", false, &[("issue", ";", false)], &[], false),
        ("nobody, empty", false, &[("issue", "", false)], &[], false),
        ("us", false, &[("issue", OURS, false)], &[], true),
        ("us under our old name", false, &[("issue", "comodoca.com", false)], &[], true),
        ("us among others", false, &[("issue", THEIRS, false), ("issue", OURS, false)], &[], true),
        ("us with parameters", false, &[("issue", "Sectigo.com; policy=dv", false)], &[], true),
        ("us, malformed", false, &[("issue", "sectigo.com; foo bar", false)], &[], false),
        ("us, malformed for wildcards", true, &[("issuewild", "sectigo.com;;", false)], &[], false),
        ("only iodef", false, &[("iodef", "mailto:a@example.com", false)], &[], true),
        ("issuewild is for wildcards", false, &[("issuewild", ";", false)], &[], true),
        ("wildcard, issuewild nobody", true, &[("issuewild", ";", false)], &[], false),
        (
            "wildcard, issuewild before issue",
            true,
            &[("issue", OURS, false), ("issuewild", THEIRS, false)],
            &[],
            false,
        ),
        (
            "wildcard, issuewild us",
            true,
            &[("issue", THEIRS, false), ("issuewild", OURS, false)],
            &[],
            true,
        ),
        ("wildcard, issue alone", true, &[("issue", THEIRS, false)], &[], false),
        ("critical and unknown", false, &[("issue", OURS, false), ("tbs", "x", true)], &[], false),
        ("unknown", false, &[("issue", OURS, false), ("tbs", "x", false)], &[], true),
        ("critical and known", false, &[("issue", OURS, true)], &[], true),
        ("climbing to another issuer", false, &[], &[("issue", THEIRS, false)], false),
        ("the lower set wins", false, &[("issue", OURS, false)], &[("issue", ";", false)], true),
        (
            "the lower set wins, against us",
            false,
            &[("issue", ";", false)],
            &[("issue", OURS, false)],
            false,
        ),
        ("climbing, wildcard", true, &[], &[("issuewild", ";", false)], false),
    ];
    let mut placed = Vec::new();
    for (what, wildcard, at_name, above, permitted) in table {
        let parent = fresh_name("caa");
        let host = format!("deep.{parent}");
        publish(sandbox, &host, at_name);
        if !above.is_empty() {
            publish(sandbox, &parent, above);
        }
        placed.push((what, order(sandbox, &host, wildcard), host, parent, permitted));
    }
    // Look-ups that fail never permit, at the name or above it.
    let mut failing = Vec::new();
    for level in 0..2 {
        let parent = fresh_name("caa");
        let host = format!("deep.{parent}");
        // The records that prove are asked before the name itself fails: they are other names.
        let broken = if level == 0 { &host } else { &parent };
        sandbox.control("/set-servfail", &json!({ "host": broken }));
        failing.push((order(sandbox, &host, false), broken.clone()));
    }
    settled(sandbox);
    for (what, order, host, parent, permitted) in placed {
        if permitted {
            issued(sandbox, &order, what);
            continue;
        }
        held(sandbox, &order, what);
        // The records go away: the next look issues.
        for host in [&host, &parent] {
            sandbox.control("/clear-caa", &json!({ "host": host }));
        }
        look_again(sandbox, &order, "CNAME_CSR_HASH");
        issued(sandbox, &order, what);
    }
    for (order, broken) in failing {
        held(sandbox, &order, "SERVFAIL");
        sandbox.control("/clear-servfail", &json!({ "host": broken }));
        look_again(sandbox, &order, "CNAME_CSR_HASH");
        issued(sandbox, &order, "answers again");
    }
}

/// The domain is proven, and no certificate is made.
fn held(sandbox: &Sandbox, order: &str, why: &str) {
    let answer = look(sandbox, order);
    assert_eq!(answer.get("errorCode"), "0", "{why}: {}", answer.raw);
    assert_eq!(answer.get("certificate"), "", "{why}");
}

/// What CAA said of a name of an order, last.
fn told(sandbox: &Sandbox, order: &str, name: &str) -> Vec<String> {
    let sql = format!(
        "SELECT e.outcome, e.via FROM evidence e JOIN certificate_requests r \
         ON r.certificate_id = e.certificate_id \
         WHERE r.order_number = {order} AND e.name = '{name}' AND e.method = 'CAA (RFC 8659)' \
         ORDER BY e.id DESC LIMIT 1"
    );
    sandbox.rows(&sql).remove(0)
}

fn what_was_said_is_kept(sandbox: &Sandbox) {
    let host = fresh_name("caa");
    publish(sandbox, &host, &[("issue", "sectigo.com", false), ("issuewild", ";", false)]);
    let plain = order(sandbox, &host, false);
    let wildcard = order(sandbox, &host, true);
    let broken = fresh_name("caa");
    sandbox.control("/set-servfail", &json!({ "host": broken }));
    let failing = order(sandbox, &broken, false);
    settled(sandbox);
    for (order, name, outcome) in [
        (&plain, host.clone(), "permits"),
        (&wildcard, format!("*.{host}"), "forbids"),
        (&wildcard, host.clone(), "permits"),
        (&failing, broken.clone(), "failed"),
    ] {
        let line = told(sandbox, order, &name);
        assert_eq!(line[0], outcome, "{name}");
        assert!(line[1].starts_with("dns 127.0.0.1:"), "{name} {line:?}");
    }
}

fn order(sandbox: &Sandbox, host: &str, wildcard: bool) -> String {
    let name = if wildcard { format!("*.{host}") } else { host.to_owned() };
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, host, None);
    let product = if wildcard { "489" } else { "488" };
    place(sandbox, &order_by("CNAME_CSR_HASH", &csr).set("product", product))
}

fn a_record_for_the_second_name_removes_it(sandbox: &Sandbox) {
    let name = fresh_name("caa");
    publish(sandbox, &format!("www.{name}"), &[("issue", "ca.example.net", false)]);
    let order = order(sandbox, &name, false);
    assert_eq!(names(&issued(sandbox, &order, "the second name is forbidden")), [name.as_str()]);
}

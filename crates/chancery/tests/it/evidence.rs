//! Evidence is kept whole: what was asked, from where, what came back, when. Read as the operator reads it.

use serde_json::{Value, json};

use crate::dcv_mail;
use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{file, issued, look_again, order_by, place, proof_path, settled};

on_both!(
    of_files,
    of_records,
    of_mails,
    of_what_was_not_there_or_failed,
    of_certification_authority_authorization,
);

/// An order's evidence about a name, oldest first.
fn evidence(sandbox: &Sandbox, order: &str, name: &str) -> Vec<Value> {
    let shown = sandbox.operator(&["order", "show", order]);
    let lines = shown["evidence"].as_array().expect("evidence").clone();
    lines.into_iter().filter(|line| line["name"] == name).collect()
}

/// The one line with an outcome of which the method begins so.
#[track_caller]
fn line(lines: &[Value], method: &str, outcome: &str) -> Value {
    let of = |line: &&Value| {
        line["method"].as_str().is_some_and(|m| m.starts_with(method)) && line["outcome"] == outcome
    };
    let found: Vec<&Value> = lines.iter().filter(of).collect();
    assert_eq!(found.len(), 1, "{method} {outcome} in {lines:?}");
    let at = found[0]["at"].as_str().expect("a time");
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    found[0].clone()
}

fn of_files(sandbox: &Sandbox) {
    let (name, target) = (fresh_name("evidence"), fresh_name("evidence"));
    let csr = Csr::new(&name);
    let path = proof_path(&csr);
    let content = format!("{}\nsectigo.com\n", csr.sha256);
    let redirect = json!({ "scheme": "http", "host": name, "path": path, "content": "",
        "status": 302, "location": format!("http://{target}/elsewhere.txt") });
    sandbox.control("/add-file", &redirect);
    file(sandbox, "http", &target, "/elsewhere.txt", &content, 200);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    issued(sandbox, &order, "by a file");
    let shown = line(&evidence(sandbox, &order, &name), "HTTP_CSR_HASH (BR 3.2.2.4.18)", "shown");
    let first = format!("http://{name}{path}");
    assert_eq!(shown["question"], first.as_str());
    let answer = &shown["answer"];
    assert_eq!(answer["status"], 200);
    assert_eq!(answer["body"], content.as_str(), "every octet");
    let urls: Vec<&str> =
        answer["urls"].as_array().expect("URLs").iter().filter_map(Value::as_str).collect();
    assert_eq!(urls, [first.as_str(), &format!("http://{target}/elsewhere.txt")], "each step");
    let from = answer["from"].as_str().expect("an address");
    assert!(from.parse::<std::net::IpAddr>().is_ok(), "who answered: {from}");

    // What does not show it is kept as well, with what stood there.
    let name = fresh_name("evidence");
    let csr = Csr::new(&name);
    file(sandbox, "http", &name, &proof_path(&csr), "<h1>Not found</h1>", 404);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    settled(sandbox);
    let lines = evidence(sandbox, &order, &name);
    let other = line(&lines[..1], "HTTP_CSR_HASH", "not_shown");
    assert_eq!(other["answer"]["status"], 404);
    assert_eq!(other["answer"]["body"], "<h1>Not found</h1>");
}

fn of_records(sandbox: &Sandbox) {
    let name = fresh_name("evidence");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    issued(sandbox, &order, "by a CNAME record");
    let shown = line(&evidence(sandbox, &order, &name), "CNAME_CSR_HASH (BR 3.2.2.4.7)", "shown");
    assert_eq!(shown["question"], format!("_{}.{name}. CNAME", csr.md5).as_str());
    assert_eq!(shown["answer"], json!({ "cname": [csr.cname_target(None)] }));
    let via = shown["via"].as_str().expect("text");
    assert!(!via.is_empty(), "through whom: {shown}");

    let name = fresh_name("evidence");
    let csr = Csr::new(&name);
    let order = place(sandbox, &order_by("DNSTXT_RANDOM_VALUE", &csr));
    let asked = Form::new(&[("orderNumber", &order), ("showStatusDetails", "Y")]);
    let value = sandbox.call("!GetMDCDomainDetails", &asked).get("randomValue_1").to_owned();
    let owner = format!("_pki-validation.{name}");
    for text in ["somebody else's", &value] {
        sandbox.control("/set-txt", &json!({ "host": owner, "value": text }));
    }
    look_again(sandbox, &order, "DNSTXT_RANDOM_VALUE");
    issued(sandbox, &order, "by a TXT record");
    let lines = evidence(sandbox, &order, &name);
    let shown = line(&lines, "DNSTXT_RANDOM_VALUE (BR 3.2.2.4.7)", "shown");
    assert_eq!(shown["question"], format!("{owner}. TXT").as_str());
    let mut texts: Vec<&str> = shown["answer"]["txt"]
        .as_array()
        .expect("texts")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    texts.sort_by_key(|text| *text == value);
    assert_eq!(texts, ["somebody else's", &value], "the whole set");
}

fn of_mails(sandbox: &Sandbox) {
    let name = fresh_name("evidence");
    let address = format!("postmaster@{name}");
    let order = dcv_mail::order(sandbox, &name, &address);
    let code = dcv_mail::code(&dcv_mail::mail(sandbox, &address, 1));
    assert_eq!(dcv_mail::sentence(&dcv_mail::enter(sandbox, &order, &code)), dcv_mail::RIGHT);
    issued(sandbox, &order, "by a code");
    let lines = evidence(sandbox, &order, &name);
    let shown = line(&lines, "EMAIL (BR 3.2.2.4.4)", "shown");
    assert_eq!(shown["question"], format!("code mailed for {name}").as_str());
    assert_eq!(shown["answer"], json!({ "code_mailed_to": address }), "and not the code");
    let from = shown["via"].as_str().expect("text");
    assert!(from.contains("127.0.0.1"), "from where it was entered: {shown}");
    let whole = sandbox.operator(&["order", "show", &order]).to_string();
    assert!(!whole.contains(&code), "a code is nobody's to read");
}

fn of_what_was_not_there_or_failed(sandbox: &Sandbox) {
    for (fails, outcome, key) in [(false, "not_shown", "not_there"), (true, "failed", "failed")] {
        let name = fresh_name("evidence");
        let csr = Csr::new(&name);
        if fails {
            let host = format!("_{}.{name}", csr.md5);
            sandbox.control("/set-servfail", &json!({ "host": host }));
        }
        let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
        settled(sandbox);
        let lines = evidence(sandbox, &order, &name);
        let seen = lines.first().expect("a line");
        assert_eq!(seen["outcome"], outcome, "{seen}");
        assert!(seen["answer"].to_string().contains(&format!("\"{key}\":")), "{seen}");
    }
}

fn of_certification_authority_authorization(sandbox: &Sandbox) {
    let name = fresh_name("evidence");
    let csr = Csr::new(&name);
    let record = json!({ "host": name, "policies": [{ "tag": "issue", "value": "sectigo.com" }] });
    sandbox.control("/add-caa", &record);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    issued(sandbox, &order, "permitted");
    let seen = line(&evidence(sandbox, &order, &name), "CAA (RFC 8659)", "permits");
    assert_eq!(seen["question"], format!("{name}. CAA, climbing").as_str());
    assert_eq!(seen["answer"]["found_at"], name.as_str());
    let records = json!([{ "critical": false, "tag": "issue", "value": "sectigo.com" }]);
    assert_eq!(seen["answer"]["records"], records);
}

//! Steps that many stories share.

use serde_json::{Value, json};

use crate::kit::{Answer, Csr, Form, Sandbox};
use crate::tools;

/// Waits until everything that is due was done. The clock goes on by a second for it.
pub fn settled(sandbox: &Sandbox) {
    sandbox.control("/clock", &json!({ "advance": "1s" }));
}

/// Turns the clock of a sandbox that nobody else uses.
pub fn advance(sandbox: &Sandbox, span: &str) {
    sandbox.control("/clock", &json!({ "advance": span }));
}

/// Turns the clock of a sandbox that nobody else uses.
pub fn turn_to(sandbox: &Sandbox, time: &str) {
    sandbox.control("/clock", &json!({ "set": time }));
}

/// An order of 488 by a method.
pub fn order_by(method: &str, csr: &Csr) -> Form {
    Form::order(488, csr).set("dcvMethod", method)
}

/// Places an order and gives its number.
#[track_caller]
pub fn place(sandbox: &Sandbox, form: &Form) -> String {
    sandbox.call("!AutoApplySSL", form).order_number()
}

/// What CollectSSL says at the moment (responseFormat=1).
pub fn look(sandbox: &Sandbox, order: &str) -> Answer {
    let form = [
        ("orderNumber", order),
        ("queryType", "1"),
        ("showExtStatus", "Y"),
        ("responseFormat", "1"),
    ];
    sandbox.call("download/CollectSSL", &Form::new(&form))
}

/// Asserts that an order waits.
#[track_caller]
pub fn waits(sandbox: &Sandbox, order: &str, why: &str) {
    let answer = look(sandbox, order);
    assert_eq!(answer.get("errorCode"), "0", "{why}: {}", answer.raw);
    assert_eq!(answer.get("certificateStatus"), "Awaiting Validation", "{why}");
}

/// Asserts that a certificate comes, and gives its DER.
#[track_caller]
pub fn issued(sandbox: &Sandbox, order: &str, what: &str) -> Vec<u8> {
    let answer = sandbox.collect(order);
    assert_eq!(answer.get("errorCode"), "2", "{what}: {}", answer.raw);
    tools::unbase64(answer.get("certificate"))
}

/// AutoUpdateDCV with the same method: look again, now.
#[track_caller]
pub fn look_again(sandbox: &Sandbox, order: &str, method: &str) {
    let form = Form::new(&[("orderNumber", order), ("newMethod", method)]);
    assert_eq!(sandbox.call("!AutoUpdateDCV", &form).raw, "errorCode=0");
}

/// Publishes a file on the fake web.
pub fn file(sandbox: &Sandbox, scheme: &str, host: &str, path: &str, content: &str, status: u16) {
    let body = json!({
        "scheme": scheme, "host": host, "path": path, "content": content, "status": status,
    });
    sandbox.control("/add-file", &body);
}

/// Where the file proof of a CSR is looked for.
pub fn proof_path(csr: &Csr) -> String {
    format!("/.well-known/pki-validation/{}.txt", csr.md5.to_uppercase())
}

/// Paths that the fake web was asked for on a host.
pub fn fetched(sandbox: &Sandbox, host: &str) -> Vec<Value> {
    let seen = sandbox.control("/http-request-history", &json!({ "host": host }));
    seen.as_array().cloned().unwrap_or_default()
}

/// The DNS names in a certificate's subjectAltName, in order.
pub fn names(certificate: &[u8]) -> Vec<String> {
    let folder = tools::Folder::new();
    let path = folder.write("c.pem", tools::pem("CERTIFICATE", certificate));
    let text = tools::openssl_ok(&["x509", "-in", &path, "-noout", "-ext", "subjectAltName"]);
    text.split(['\n', ','])
        .filter_map(|part| part.trim().strip_prefix("DNS:").map(str::to_owned))
        .collect()
}

/// notBefore and notAfter of a certificate, like `2026-11-21T00:00:00Z`.
pub fn dates(certificate: &[u8]) -> (String, String) {
    let validity = tools::children(tools::children(certificate)[0])[4];
    let text = |der: &[u8]| {
        let t = String::from_utf8_lossy(tools::content(der)).into_owned();
        let t = if t.len() == 13 { format!("20{t}") } else { t };
        let part = |a: usize, b: usize| t[a..b].to_owned();
        format!(
            "{}-{}-{}T{}:{}:{}Z",
            part(0, 4),
            part(4, 6),
            part(6, 8),
            part(8, 10),
            part(10, 12),
            part(12, 14)
        )
    };
    let both = tools::children(validity);
    (text(both[0]), text(both[1]))
}

/// How many days a certificate is valid.
pub fn days(certificate: &[u8]) -> i64 {
    let (from, to) = dates(certificate);
    let program = "import sys,datetime as d\n\
        a,b=[d.datetime.fromisoformat(x.rstrip('Z')) for x in sys.argv[1:]]\n\
        print((b-a+d.timedelta(seconds=1)).days, (b-a+d.timedelta(seconds=1)).seconds)";
    let text = tools::python(program, &[&from, &to]);
    let (days, seconds) = text.trim().split_once(' ').expect("two numbers");
    assert_eq!(seconds, "0", "whole days: {from} to {to}");
    days.parse().expect("a number")
}
